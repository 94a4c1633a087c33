/* ${name}: where it may stand, what it may hold, what the statement's text becomes (parser/variables.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/parser.h"

static const Variable variables[] = {
    {STR_LIT("name"), STR_LIT("orders")},  {STR_LIT("Quoted"), STR_LIT("`Orders`")},
    {STR_LIT("number"), STR_LIT("-12")},   {STR_LIT("float"), STR_LIT("1.5e3")},
    {STR_LIT("bool"), STR_LIT("true")},    {STR_LIT("text"), STR_LIT("'it's'")},
    {STR_LIT("plain"), STR_LIT("it's")},   {STR_LIT("evil"), STR_LIT("x; DROP STREAM y")},
    {STR_LIT("loop"), STR_LIT("${name}")}, {STR_LIT("dollars"), STR_LIT("'${name}'")},
    {STR_LIT("empty"), STR_LIT("")},
};

#define BAD_NAME(at, got)                                                                                    \
    "Illegal argument at Line: 1, Col: " at                                                                  \
    ". Identifier names cannot start with '@' and may only contain alphanumeric "                            \
    "values and '_'. Got: '" got "'"

static const struct {
    const char *sql;
    const char *text; /* of the statement, or the error */
    bool        fails;
    const char *canonical; /* or NULL */
} substitutions[] = {
    {"SELECT * FROM ${NAME};", "SELECT * FROM orders;", false, "SELECT *\nFROM ORDERS ORDERS;"},
    {"SELECT * FROM ${quoted};", "SELECT * FROM `Orders`;", false, "SELECT *\nFROM `Orders` `Orders`;"},
    {"SELECT ${number}, ${float}, ${bool}, ${text} FROM t;", "SELECT -12, 1.5e3, true, 'it''s' FROM t;",
     false, "SELECT\n  -12,\n  1.5E3,\n  true,\n  'it''s'\nFROM T T;"},
    {"SELECT a ${name}, ${name}.b, ${name}(1), x->${name} FROM orders;",
     "SELECT a orders, orders.b, orders(1), x->orders FROM orders;", false, NULL},
    {"SET 'a.${name}'='b ${plain} ${unknown} $${name}';", "SET 'a.orders'='b it''s ${unknown} ${name}';",
     false, "SET 'a.orders'='b it''s ${unknown} ${name}';"},
    {"CREATE STREAM ${name} (a INT) WITH (kafka_topic='${name}', partitions=${number});",
     "CREATE STREAM orders (a INT) WITH (kafka_topic='orders', partitions=-12);", false, NULL},
    {"DEFINE x = '${loop}';", "DEFINE x = '${name}';", false, "DEFINE x = '${name}';"},
    {"SELECT ${dollars} FROM t;", "SELECT '${name}' FROM t;", false, "SELECT '${name}'\nFROM T T;"},
    {"EXPLAIN SELECT 1 FROM ${name};", "EXPLAIN SELECT 1 FROM orders;", false, NULL},
    {"PRINT ${name};", "PRINT orders;", false, NULL},
    {"SELECT * FROM ${evil};", BAD_NAME("15", "x; DROP STREAM y"), true, NULL},
    {"SELECT * FROM ${unknown};", BAD_NAME("15", "${unknown}"), true, NULL},
    {"SELECT * FROM ${empty};", BAD_NAME("15", ""), true, NULL},
    {"SELECT ${evil} FROM t;", "Illegal argument at Line: 1, Col: 8. Got: 'x; DROP STREAM y'", true, NULL},
    {"SELECT ${unknown} FROM t;", "Illegal argument at Line: 1, Col: 8. Got: '${unknown}'", true, NULL},
    {"SELECT ${name} FROM t;", "Illegal argument at Line: 1, Col: 8. Got: 'orders'", true, NULL},
};

static void variables_stand_for_one_token(void **unused)
{
    ParseOptions options = {.variables = variables, .variable_count = ARRAY_LEN(variables)};
    for (size_t i = 0; i < ARRAY_LEN(substitutions); i++) {
        Arena        *arena     = arena_new(0);
        AstStatement *statement = NULL;
        Error         err;
        Status status = parse_statement(arena, str_c(substitutions[i].sql), &options, &statement, &err);
        Str    text   = status == OK ? statement->text : str_c(err.message);
        if ((status != OK) != substitutions[i].fails || !str_equal(text, str_c(substitutions[i].text)))
            fail_msg("%s\n" STR_FMT, substitutions[i].sql, STR_ARG(text));
        if (status == OK && substitutions[i].canonical != NULL) {
            StrBuf printed = {0};
            ast_print_statement(statement, &printed);
            if (!str_equal(strbuf_str(&printed), str_c(substitutions[i].canonical)))
                fail_msg("%s\n" STR_FMT, substitutions[i].sql, STR_ARG(strbuf_str(&printed)));
            strbuf_clear(&printed);
        }
        arena_free(arena);
    }
}

static void without_variables_nothing_is_replaced(void **unused)
{
    Arena       *arena = arena_new(0);
    ParseOptions keep  = {
         .variables = variables, .variable_count = ARRAY_LEN(variables), .keep_variables = true};
    AstStatement *statement;
    Error         err;
    assert_int_equal(parse_statement(arena, STR_LIT("SET 'a'='${name} $${name}';"), &keep, &statement, &err),
                     OK);
    assert_true(str_equal(statement->value, STR_LIT("${name} $${name}")));
    assert_int_equal(parse_statement(arena, STR_LIT("SELECT * FROM ${name};"), NULL, &statement, &err),
                     E_SYNTAX);
    assert_string_equal(
        err.message,
        "Illegal argument at Line: 1, Col: 15. Source names may only contain alphanumeric values, "
        "'_' or '-'. Got: '${name}'");
    assert_int_equal(parse_statement(arena, STR_LIT("SELECT ${name} FROM t;"), NULL, &statement, &err),
                     E_SYNTAX);
    assert_string_equal(err.message, "Failed to prepare statement: not yet implemented");
    arena_free(arena);
}

static void every_statement_has_its_own_edits(void **unused)
{
    Arena       *arena   = arena_new(0);
    ParseOptions options = {.variables = variables, .variable_count = ARRAY_LEN(variables)};
    AstScript    script;
    Error        err;
    Str          text = STR_LIT("PRINT ${name}; SET '${name}'='1'; SHOW TYPES; PRINT 'x${name}';");
    assert_int_equal(parse_script(arena, text, &options, &script, &err), OK);
    assert_int_equal(script.count, 4);
    assert_true(str_equal(script.items[0]->text, STR_LIT("PRINT orders;")));
    assert_true(str_equal(script.items[1]->text, STR_LIT("SET 'orders'='1';")));
    assert_true(str_equal(script.items[2]->text, STR_LIT("SHOW TYPES;")));
    assert_true(str_equal(script.items[3]->text, STR_LIT("PRINT 'xorders';")));
    arena_free(arena);
}

/* 1 MB seventeen times: refused before it is built, wherever it stands. */
static void what_variables_put_in_has_a_limit(void **unused)
{
    static const char *const uses[] = {"'${big}'", "'a${big}'", "${big}"};
    Arena                   *arena = arena_new(0), *trees = arena_new(0);
    char                    *value = arena_alloc(arena, VARIABLE_MAX);
    memset(value, 'x', VARIABLE_MAX);
    value[0] = value[VARIABLE_MAX - 1] = '\'';
    Variable     big                   = {.name = STR_LIT("BIG"), .value = str_n(value, VARIABLE_MAX)};
    ParseOptions options               = {.variables = &big, .variable_count = 1};
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        for (int times = 16; times <= 1000; times += 984) {
            StrBuf        text = {0};
            AstStatement *statement;
            Error         err;
            strbuf_adds(&text, "INSERT INTO t VALUES (");
            for (int n = 0; n < times; n++)
                strbuf_addf(&text, "%s%s", n > 0 ? ", " : "", uses[i]);
            strbuf_adds(&text, ");");
            arena_reset(trees);
            Status status = parse_statement(trees, strbuf_str(&text), &options, &statement, &err);
            assert_int_equal(status, times == 16 ? OK : E_LIMIT);
            assert_true(arena_used(trees) < (size_t)8 * SUBSTITUTED_MAX);
            if (status != OK)
                assert_string_equal(err.message, "Variable ${big} has 1048576 bytes, and what variables put "
                                                 "into one text may not be more than 16777216 bytes");
            strbuf_clear(&text);
        }
    arena_free(trees);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_stand_for_one_token),
        cmocka_unit_test(without_variables_nothing_is_replaced),
        cmocka_unit_test(every_statement_has_its_own_edits),
        cmocka_unit_test(what_variables_put_in_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
