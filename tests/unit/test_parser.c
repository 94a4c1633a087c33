/* From text to trees: what the nodes hold (parser/sql.y, build_*.c), splitting, statement texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/suggest.h"
#include "parser/parser.h"

static AstExpr *expression(Arena *arena, const char *text)
{
    AstExpr *expr = NULL;
    Error    err;
    if (parse_expression(arena, str_c(text), &expr, &err) != OK)
        fail_msg("%s: %s", text, err.message);
    return expr;
}

static AstStatement *statement(Arena *arena, const char *text)
{
    ParseOptions  options = {.test_statements = true};
    AstStatement *parsed  = NULL;
    Error         err;
    if (parse_statement(arena, str_c(text), &options, &parsed, &err) != OK)
        fail_msg("%s: %s", text, err.message);
    return parsed;
}

static void assert_str(Str actual, const char *expected)
{
    if (!str_equal(actual, str_c(expected)))
        fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(actual), expected);
}

static const struct {
    const char *text;
    AstExprKind kind;
    int64_t     integer;
    double      number;
    const char *digits;
} literals[] = {
    {"12", AST_INTEGER, 12, 0, NULL},
    {"-12", AST_INTEGER, -12, 0, NULL},
    {"- 12", AST_INTEGER, -12, 0, NULL},
    {"9223372036854775807", AST_INTEGER, INT64_MAX, 0, NULL},
    {"-9223372036854775808", AST_INTEGER, INT64_MIN, 0, NULL},
    {"1.50", AST_DECIMAL, 0, 0, "1.50"},
    {"-.5", AST_DECIMAL, 0, 0, "-0.5"},
    {"007.", AST_DECIMAL, 0, 0, "7."},
    {"00.5", AST_DECIMAL, 0, 0, "0.5"},
    {"15e-1", AST_DOUBLE, 0, 1.5, NULL},
    {"-1.5E0", AST_DOUBLE, 0, -1.5, NULL},
    {"TRUE", AST_BOOLEAN, 1, 0, NULL},
    {"false", AST_BOOLEAN, 0, 0, NULL},
    {"null", AST_NULL, 0, 0, NULL},
    {"'a''b'", AST_STRING, 0, 0, "a'b"},
    {"''", AST_STRING, 0, 0, ""},
    {"'${x} $'", AST_STRING, 0, 0, "${x} $"},
};

static void literals_have_values(void **unused)
{
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        const AstExpr *expr = expression(arena, literals[i].text);
        assert_int_equal(expr->kind, literals[i].kind);
        assert_int_equal(expr->integer, literals[i].integer);
        assert_true(expr->number == literals[i].number);
        if (literals[i].digits != NULL)
            assert_str(expr->text, literals[i].digits);
    }
    arena_free(arena);
}

/* What binds how, by the canonical text of the tree. */
static const struct {
    const char *text, *tree;
} bindings[] = {
    {"a + b * c - d", "((A + (B * C)) - D)"},
    {"a - b - c", "((A - B) - C)"},
    {"(a + b) * c", "((A + B) * C)"},
    {"-a * b", "(-A * B)"},
    {"- - a", "- -A"},
    {"-(-5)", "- -5"},
    {"-(5)", "-(5)"},
    {"a -5", "(A - 5)"},
    {"a - -5", "(A - -5)"},
    {"2-1", "(2 - 1)"},
    {"f(1)-1", "(F(1) - 1)"},
    {"a[1]-1", "(A[1] - 1)"},
    {"'a' || b || c + 1", "concat(concat('a', B), (C + 1))"},
    {"CONCAT(a, b)", "CONCAT(A, B)"},
    {"a OR b AND NOT c = d", "(A OR (B AND (NOT (C = D))))"},
    {"NOT a AND b", "((NOT A) AND B)"},
    {"a BETWEEN 1 AND 2 AND b", "((A BETWEEN 1 AND 2) AND B)"},
    {"a NOT BETWEEN -1 AND +2", "(NOT (A BETWEEN -1 AND +2))"},
    {"a NOT IN (1, b = c)", "(NOT (A IN (1, (B = C))))"},
    {"a NOT LIKE '%' ESCAPE '!'", "(NOT (A LIKE '%' ESCAPE '!'))"},
    {"a LIKE b || '%'", "(A LIKE concat(B, '%'))"},
    {"a IS NOT DISTINCT FROM b + 1", "(A IS NOT DISTINCT FROM (B + 1))"},
    {"a != b", "(A <> B)"},
    {"a IS NULL OR b IS NOT NULL", "((A IS NULL) OR (B IS NOT NULL))"},
    {"CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END", "(CASE WHEN A THEN 1 WHEN B THEN 2 ELSE 3 END)"},
    {"CASE a WHEN -1 THEN b END", "(CASE A WHEN -1 THEN B END)"},
    {"CAST(a AS map<varchar(10), int array>)", "CAST(A AS MAP<STRING, ARRAY<INTEGER>>)"},
    {"CAST(a AS STRUCT< >)", "CAST(A AS STRUCT< >)"},
    {"CAST(a AS mytype)", "CAST(A AS MYTYPE)"},
    {"ARRAY[1, 2][1]", "ARRAY[1, 2][1]"},
    {"array[]", "ARRAY[]"},
    {"MAP('a' := 1, b := 2)['a']", "MAP('a':=1, B:=2)['a']"},
    {"STRUCT(a := 1, `b` := 2)->a", "STRUCT(A:=1, b:=2)->A"},
    {"STRUCT()", "STRUCT()"},
    {"a->b->c[1]->d", "A->B->C[1]->D"},
    {"(-a)[1]", "(-A)[1]"},
    {"COUNT(*) + COUNT()", "(COUNT(*) + COUNT(*))"},
    {"TRANSFORM(m, (k, v) => v + 1, k => k)", "TRANSFORM(M, (K, V) => (V + 1), K => K)"},
    {"REDUCE(a, 1, (x) => x)", "REDUCE(A, 1, X => X)"},
    {"TIMESTAMPADD(DAYS, 1, millisecond)", "TIMESTAMPADD(DAYS, 1, MILLISECONDS)"},
    {"f(DAY)", "F(DAY)"},
    /* keywords that are names here */
    {"map + array + struct + if + date + key", "(((((MAP + ARRAY) + STRUCT) + IF) + DATE) + KEY)"},
    {"map < 5 AND array < 5", "((MAP < 5) AND (ARRAY < 5))"},
    {"IF(a, b, c)", "IF(A, B, C)"},
    {"REPLACE(changes, emit)", "REPLACE(CHANGES, EMIT)"},
    {"1R + `1r` + \"A b\"", "((1R + 1r) + A b)"},
};

static void operators_bind(void **unused)
{
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++) {
        StrBuf text = {0};
        ast_print_expr(expression(arena, bindings[i].text), &text);
        assert_str(strbuf_str(&text), bindings[i].tree);
        strbuf_clear(&text);
    }
    arena_free(arena);
}

static void nodes_know_where_they_stand(void **unused)
{
    Arena         *arena = arena_new(0);
    const AstExpr *expr  = expression(arena, "a +\n  t.b * f(c)");
    assert_int_equal(expr->pos.col, 1);
    const AstExpr *product = expr->operands[1];
    assert_int_equal(product->pos.line, 2);
    assert_int_equal(product->pos.col, 3);
    assert_str(product->operands[0]->qualifier.text, "T");
    assert_int_equal(product->operands[0]->name.pos.col, 5);
    assert_int_equal(product->operands[1]->pos.col, 9);
    assert_int_equal(product->operands[1]->operands[0]->pos.col, 11);
    assert_int_equal(expr->depth, 4);
    arena_free(arena);
}

static void names_are_folded(void **unused)
{
    Arena              *arena = arena_new(0);
    const AstStatement *create =
        statement(arena, "create stream \"Foo\" (bar int, `b``az` bigint) with ('kafka_Topic'='x');");
    assert_str(create->name.text, "Foo");
    assert_true(create->name.quoted);
    assert_str(create->elements[0].name.text, "BAR");
    assert_str(create->elements[1].name.text, "b`az");
    assert_str(create->elements[1].type->name, "BIGINT");
    assert_str(create->properties[0].name.text, "KAFKA_TOPIC");
    const AstStatement *connector = statement(arena, "create sink connector c with ('a.b'='x', tasks=1);");
    assert_str(connector->properties[0].name.text, "a.b");
    assert_str(connector->properties[1].name.text, "TASKS");
    assert_str(statement(arena, "print myTopic;")->name.text, "myTopic");
    assert_str(statement(arena, "print 'my-topic';")->name.text, "my-topic");
    assert_str(statement(arena, "terminate `transient_1`;")->name.text, "transient_1");
    arena_free(arena);
}

static void queries_have_their_parts(void **unused)
{
    Arena          *arena = arena_new(0);
    const AstQuery *query =
        statement(arena,
                  "SELECT *, s.*, a->*, b x, c AS y FROM s LEFT JOIN t u WITHIN (1 HOUR, 2 DAYS) GRACE "
                  "PERIOD 5 SECONDS ON s.a = u.b WINDOW w HOPPING (SIZE 10 MINUTES, ADVANCE BY 1 "
                  "MINUTE, RETENTION 1 DAY, GRACE PERIOD 2 HOURS) WHERE a GROUP BY (b, c) PARTITION "
                  "BY d HAVING e EMIT FINAL LIMIT 0;")
            ->query;
    assert_int_equal(query->item_count, 5);
    assert_int_equal(query->items[0].kind, SELECT_STAR);
    assert_str(query->items[1].source.text, "S");
    assert_int_equal(query->items[2].kind, SELECT_STRUCT_STAR);
    assert_str(query->items[3].alias.text, "X");
    assert_str(query->items[4].alias.text, "Y");
    assert_str(query->from.alias.text, "S");
    const AstJoin *join = &query->joins[0];
    assert_int_equal(join->kind, JOIN_LEFT);
    assert_str(join->source.alias.text, "U");
    assert_int_equal(join->before.unit, UNIT_HOURS);
    assert_int_equal(join->after.amount, 2);
    assert_true(join->has_grace);
    assert_int_equal(query->window.kind, WINDOW_HOPPING);
    assert_int_equal(query->window.advance.unit, UNIT_MINUTES);
    assert_int_equal(query->window.retention.unit, UNIT_DAYS);
    assert_int_equal(query->window.grace.amount, 2);
    assert_int_equal(query->group_count, 2);
    assert_int_equal(query->partition_count, 1);
    assert_int_equal(query->emit, EMIT_FINAL);
    assert_true(query->has_limit);
    const AstQuery *bare = statement(arena, "SELECT a emit FROM t EMIT CHANGES;")->query;
    assert_str(bare->items[0].alias.text, "EMIT");
    assert_int_equal(bare->emit, EMIT_CHANGES);
    assert_false(bare->has_limit);
    arena_free(arena);
}

static void spans_are_milliseconds(void **unused)
{
    int64_t ms;
    AstSpan span = {.amount = 2, .unit = UNIT_DAYS};
    Error   err;
    assert_int_equal(ast_span_ms(&span, &ms, &err), OK);
    assert_int_equal(ms, 172800000);
    span.amount = INT64_MAX / 1000;
    assert_int_equal(ast_span_ms(&span, &ms, &err), E_PLAN);
}

static void statements_keep_their_text(void **unused)
{
    Arena       *arena   = arena_new(0);
    ParseOptions options = {.optional_semicolon = true};
    AstScript    script;
    Error        err;
    assert_int_equal(
        parse_script(arena, STR_LIT(" -- first\n show /* all */ streams ;\n explain select ';' from t \n"),
                     &options, &script, &err),
        OK);
    assert_int_equal(script.count, 2);
    assert_str(script.items[0]->text, "show /* all */ streams ;");
    assert_int_equal(script.items[0]->pos.line, 2);
    assert_int_equal(script.items[0]->pos.col, 2);
    assert_str(script.items[1]->text, "explain select ';' from t");
    assert_str(script.items[1]->explained->text, "select ';' from t");
    arena_free(arena);
}

static void texts_are_split_at_semicolons(void **unused)
{
    Arena *arena = arena_new(0);
    Str   *texts, rest;
    Pos   *positions;
    size_t count;
    Error  err;
    assert_int_equal(parse_split(arena, STR_LIT("a ';' \"b;\" -- ;\n;\n /* ; */ no grammar; x 'open;"),
                                 &texts, &positions, &count, &rest, &err),
                     OK);
    assert_int_equal(count, 2);
    assert_str(texts[0], "a ';' \"b;\" -- ;\n;");
    assert_str(texts[1], "no grammar;");
    assert_int_equal(positions[1].line, 3);
    assert_int_equal(positions[1].col, 10);
    assert_str(rest, "x 'open;");
    assert_int_equal(positions[count].line, 3);
    assert_int_equal(positions[count].col, 22);
    StrBuf many = {0};
    for (int i = 0; i < 100; i++)
        strbuf_adds(&many, "a;");
    assert_int_equal(parse_split(arena, strbuf_str(&many), &texts, &positions, &count, &rest, &err), OK);
    assert_int_equal(count, 100);
    assert_int_equal(rest.len, 0);
    strbuf_clear(&many);
    arena_free(arena);
}

static void types_stand_alone(void **unused)
{
    Arena   *arena = arena_new(0);
    AstType *type;
    Error    err;
    assert_int_equal(parse_type(arena, STR_LIT("struct<a decimal(4,2), `b c` array<custom>>"), &type, &err),
                     OK);
    StrBuf text = {0};
    ast_print_type(type, &text);
    assert_str(strbuf_str(&text), "STRUCT<A DECIMAL(4, 2), `b c` ARRAY<CUSTOM>>");
    strbuf_clear(&text);
    assert_int_equal(parse_type(arena, STR_LIT("int;"), &type, &err), E_SYNTAX);
    arena_free(arena);
}

static void near_names_are_found(void **unused)
{
    const Str names[] = {STR_LIT("ORDERS"), STR_LIT("USERS"), STR_LIT("PAGES")};
    assert_str(str_nearest(STR_LIT("ORDRS"), names, 3), "ORDERS");
    assert_str(str_nearest(STR_LIT("USER"), names, 3), "USERS");
    assert_true(str_is_null(str_nearest(STR_LIT("PAYMENTS_2"), names, 3)));
    assert_true(str_is_null(str_nearest(STR_LIT("X"), names, 0)));
    assert_true(parser_is_reserved(STR_LIT("select")));
    assert_false(parser_is_reserved(STR_LIT("KEY")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_have_values),        cmocka_unit_test(operators_bind),
        cmocka_unit_test(nodes_know_where_they_stand), cmocka_unit_test(names_are_folded),
        cmocka_unit_test(queries_have_their_parts),    cmocka_unit_test(spans_are_milliseconds),
        cmocka_unit_test(statements_keep_their_text),  cmocka_unit_test(texts_are_split_at_semicolons),
        cmocka_unit_test(types_stand_alone),           cmocka_unit_test(near_names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
