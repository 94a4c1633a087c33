/*
 * Canonical text (sql.md 6.5): exact texts, masking, and that what is printed reads back as the same tree:
 * for one statement of each shape, and for random trees from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/statements.h"
#include "parser/parser.h"

static const ParseOptions all_statements = {.test_statements = true};

static void assert_str(Str actual, const char *expected)
{
    if (!str_equal(actual, str_c(expected)))
        fail_msg("\"" STR_FMT "\"\nis not\n\"%s\"", STR_ARG(actual), expected);
}

static AstStatement *parse(Arena *arena, Str text)
{
    AstStatement *statement = NULL;
    Error         err;
    if (parse_statement(arena, text, &all_statements, &statement, &err) != OK)
        fail_msg(STR_FMT "\n%s", STR_ARG(text), err.message);
    return statement;
}

/* ---- statements ---- */

static const struct {
    const char *sql, *canonical; /* NULL: the text is canonical */
} statements[] = {
    {"CREATE STREAM OUT WITH (CLEANUP_POLICY='delete', PARTITIONS=1) AS SELECT\n  S.ID ID,\n  (S.A + 1) "
     "KSQL_COL_0\n"
     "FROM S S\nWHERE (S.A > 0)\nEMIT CHANGES;",
     NULL},
    {"create or replace table if not exists t as select a from b;",
     "CREATE OR REPLACE TABLE IF NOT EXISTS T AS SELECT A\nFROM B B;"},
    {"create source table s (id int primary key, v varchar) with (kafka_topic='x', value_format='json');",
     "CREATE SOURCE TABLE S (ID INTEGER PRIMARY KEY, V STRING) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='json');"},
    {"CREATE STREAM `s-1` (`a b` BIGINT KEY, H BYTES HEADER('k''s'), HS ARRAY<STRUCT<KEY STRING, VALUE "
     "BYTES>> HEADERS);",
     NULL},
    {"CREATE OR REPLACE SOURCE STREAM S WITH (A=1);", NULL},
    {"SELECT\n  *,\n  A.*,\n  A.S->*\nFROM A A\nINNER JOIN B B WITHIN 1 HOURS GRACE PERIOD 5 MINUTES ON "
     "((A.K = B.K))\n"
     "LEFT OUTER JOIN C C WITHIN (1 DAYS, 2 DAYS) ON ((A.K = C.K))\nRIGHT OUTER JOIN D D ON ((A.K = D.K))\n"
     "FULL OUTER JOIN E X ON ((A.K = X.K))\nWINDOW TUMBLING ( SIZE 30 SECONDS ) \nWHERE A.Z\nGROUP BY A.B, "
     "A.C\n"
     "PARTITION BY A.D\nHAVING (COUNT(*) > 1)\nEMIT FINAL\nLIMIT 5;",
     NULL},
    {"SELECT *\nFROM A A\nWINDOW HOPPING ( SIZE 10 SECONDS , ADVANCE BY 500 MILLISECONDS , RETENTION 1 DAYS "
     ", GRACE PERIOD 1 "
     "HOURS ) ;",
     NULL},
    {"SELECT *\nFROM A A\nWINDOW SESSION ( 60 MINUTES ) \nEMIT CHANGES;", NULL},
    {"INSERT INTO T WITH (QUERY_ID='q') SELECT A\nFROM B B;", NULL},
    {"insert into t (a, `b`) values (f('x'), -2.50);", "INSERT INTO T (A, `b`) VALUES (F('x'), -2.50);"},
    {"INSERT INTO T VALUES ();", NULL},
    {"CREATE SOURCE CONNECTOR IF NOT EXISTS C WITH ('connector.class'='x', TASKS=1);", NULL},
    {"CREATE SINK CONNECTOR `c` WITH ('a'='x''y');", NULL},
    {"DROP CONNECTOR IF EXISTS C;", NULL},
    {"DROP STREAM IF EXISTS S DELETE TOPIC;", NULL},
    {"DROP TABLE T;", NULL},
    {"alter stream s add a int, add column b map<string, double>;",
     "ALTER STREAM S ADD COLUMN A INTEGER, ADD COLUMN B MAP<STRING, DOUBLE>;"},
    {"ALTER TABLE T ADD COLUMN A STRUCT< >;", NULL},
    {"CREATE OR REPLACE FUNCTION F (V INTEGER, `w` ARRAY<STRING>) RETURNS MAP<STRING, DOUBLE> LANGUAGE LUA "
     "DETERMINISTIC STRICT AS $$ return ${x}; -- 'v $$;",
     NULL},
    {"CREATE FUNCTION F () RETURNS STRING LANGUAGE LUA AS $$$$;", NULL},
    {"CREATE OR REPLACE AGGREGATE FUNCTION F (V DOUBLE, `w` INTEGER) RETURNS DOUBLE STATE STRUCT<N BIGINT> "
     "LANGUAGE LUA STRICT AS $$ x $$;",
     NULL},
    {"create aggregate function state(aggregate int) returns int language lua as $$$$;",
     "CREATE AGGREGATE FUNCTION STATE (AGGREGATE INTEGER) RETURNS INTEGER LANGUAGE LUA AS $$$$;"},
    {"CREATE FUNCTION F (V STRING) RETURNS TABLE (W STRING, `n` ARRAY<INTEGER>) LANGUAGE LUA AS $$ x $$;",
     NULL},
    {"DROP FUNCTION IF EXISTS F;", NULL},
    {"EXPLAIN ANALYZE QUERY CTAS_A_1;", NULL},
    {"explain `ANALYZE`;", "EXPLAIN `ANALYZE`;"},
    {"CREATE TYPE IF NOT EXISTS A AS STRUCT<X DECIMAL(4, 2), `y` OTHER>;", NULL},
    {"DROP TYPE IF EXISTS A;", NULL},
    {"LIST PROPERTIES;", "SHOW PROPERTIES;"},
    {"SHOW ALL TOPICS EXTENDED;", NULL},
    {"SHOW STREAMS EXTENDED;", NULL},
    {"SHOW TABLES;", NULL},
    {"SHOW FUNCTIONS;", NULL},
    {"SHOW CONNECTORS;", NULL},
    {"SHOW SOURCE CONNECTORS;", NULL},
    {"SHOW SINK CONNECTORS;", NULL},
    {"SHOW CONNECTOR PLUGINS;", NULL},
    {"SHOW TYPES;", NULL},
    {"SHOW VARIABLES;", NULL},
    {"SHOW QUERIES EXTENDED;", NULL},
    {"DESCRIBE STREAMS EXTENDED;", NULL},
    {"DESCRIBE TABLES;", NULL},
    {"DESCRIBE `TABLES` EXTENDED;", NULL},
    {"DESCRIBE FUNCTION F;", NULL},
    {"DESCRIBE CONNECTOR C;", NULL},
    {"EXPLAIN CSAS_OUT_1;", NULL},
    {"EXPLAIN CREATE TABLE T AS SELECT A\nFROM B B;", NULL},
    {"PRINT myTopic FROM BEGINNING INTERVAL 2 LIMIT 3;", NULL},
    {"PRINT 'my-topic' SAMPLE -2;", "PRINT 'my-topic' INTERVAL -2;"},
    {"PRINT `key`;", "PRINT 'key';"},
    {"TERMINATE ALL;", NULL},
    {"GRANT ALL ON ALL TO analyst;", NULL},
    {"GRANT SELECT, INSERT, ALTER ON `grant` TO USER 'ann@example.org';", NULL},
    {"GRANT SELECT ON VIEWS TO ROLE analyst;", "GRANT SELECT ON VIEWS TO analyst;"},
    {"REVOKE DESCRIBE, CREATE, TERMINATE, DROP, DROP ON VIEWS FROM \"a b\";",
     "REVOKE CREATE, DROP, TERMINATE, DESCRIBE ON VIEWS FROM 'a b';"},
    {"SHOW GRANTS;", NULL},
    {"SELECT GRANTS, GRANT, REVOKE FROM GRANTS;",
     "SELECT\n  GRANTS,\n  `GRANT`,\n  `REVOKE`\nFROM GRANTS GRANTS;"},
    {"TERMINATE `transient_1`;", NULL},
    {"PAUSE Q_1;", NULL},
    {"RESUME ALL;", NULL},
    {"SET 'a'='b''c';", NULL},
    {"UNSET 'a';", NULL},
    {"ALTER SYSTEM 'a'='';", NULL},
    {"DEFINE table = '${x}';", NULL},
    {"UNDEFINE x;", NULL},
    {"ASSERT NOT EXISTS TOPIC t WITH (PARTITIONS=1) TIMEOUT 5 SECONDS;", NULL},
    {"ASSERT SCHEMA SUBJECT 'a-value' ID 3 TIMEOUT 1 MINUTES;", NULL},
    {"ASSERT SCHEMA SUBJECT a;", NULL},
    {"ASSERT VALUES S (A, ROWTIME) VALUES (1, 2);", NULL},
    {"ASSERT VALUES S VALUES (null);", NULL},
    {"ASSERT NULL VALUES S (K) KEY ('a');", NULL},
    {"ASSERT NULL VALUES S KEY ('a');", NULL},
    {"ASSERT STREAM S (A INTEGER KEY) WITH (KAFKA_TOPIC='x');", NULL},
    {"ASSERT TABLE T;", NULL},
    {"RUN SCRIPT '/a.sql';", NULL},
};

static void statements_have_one_text(void **unused)
{
    bool seen[64] = {false};
    assert_true(statement_count <= ARRAY_LEN(seen));
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        Arena        *arena     = arena_new(0);
        StrBuf        text      = {0};
        AstStatement *statement = parse(arena, str_c(statements[i].sql));
        ast_print_statement(statement, &text);
        const char *expected = statements[i].canonical != NULL ? statements[i].canonical : statements[i].sql;
        assert_str(strbuf_str(&text), expected);
        AstStatement *again = parse(arena, strbuf_str(&text));
        if (!ast_statement_equal(statement, again))
            fail_msg("not the same: %s", text.ptr);
        seen[statement->kind] = true;
        strbuf_clear(&text);
        arena_free(arena);
    }
    for (size_t kind = 0; kind < statement_count; kind++)
        if (!seen[kind])
            fail_msg("no statement of kind %zu", kind);
}

/* No two statements of the table are equal: a part that is not compared would show here. */
static void different_statements_differ(void **unused)
{
    Arena        *arena = arena_new(0);
    AstStatement *parsed[ARRAY_LEN(statements)];
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        parsed[i] = parse(arena, str_c(statements[i].sql));
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        for (size_t j = 0; j < ARRAY_LEN(statements); j++)
            if (ast_statement_equal(parsed[i], parsed[j]) != (i == j))
                fail_msg("%s\n%s", statements[i].sql, statements[j].sql);
    arena_free(arena);
}

static const struct {
    const char *sql, *masked;
} secrets[] = {
    {"INSERT INTO t (a, b) VALUES ('secret', f(1));", "INSERT INTO T (A, B) VALUES ('[value]', '[value]');"},
    {"CREATE SINK CONNECTOR c WITH (\"connector.class\"='x', 'password'='secret', tasks=1);",
     "CREATE SINK CONNECTOR C WITH ('connector.class'='x', 'password'='[string]', TASKS='[string]');"},
    {"EXPLAIN INSERT INTO t VALUES ('secret');", "EXPLAIN INSERT INTO T VALUES ('[value]');"},
    {"CREATE STREAM s (a INT) WITH (kafka_topic='x');",
     "CREATE STREAM S (A INTEGER) WITH (KAFKA_TOPIC='x');"},
};

static void secrets_are_masked(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        Arena *arena = arena_new(0);
        StrBuf text  = {0};
        ast_print_masked(parse(arena, str_c(secrets[i].sql)), &text);
        assert_str(strbuf_str(&text), secrets[i].masked);
        strbuf_clear(&text);
        arena_free(arena);
    }
}

/* ---- names and numbers ---- */

static const struct {
    const char *name, *printed;
} names[] = {
    {"A", "A"},
    {"a", "`a`"},
    {"A B", "`A B`"},
    {"A`B", "`A``B`"},
    {"", "``"},
    {"_A@1", "_A@1"},
    {"1R", "1R"},
    {"12", "`12`"},
    {"1E5", "`1E5`"},
    {"SELECT", "`SELECT`"},
    {"KEY", "KEY"},
    {"MAP", "`MAP`"},
    {"\xC3\x89", "`\xC3\x89`"},
    {"A-B", "`A-B`"},
    {"DATE", "DATE"},
    {"--", "`--`"},
    {"A ", "`A `"},
};

static void names_are_quoted_where_they_must_be(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        StrBuf text = {0};
        ast_print_name(str_c(names[i].name), &text);
        assert_str(strbuf_str(&text), names[i].printed);
        strbuf_clear(&text);
    }
}

static const struct {
    double      number;
    const char *printed;
} numbers[] = {
    {15, "1.5E1"},      {0, "0E0"},
    {-0.0, "-0E0"},     {0.001, "1E-3"},
    {1e100, "1E100"},   {-1.25, "-1.25E0"},
    {0.1, "1E-1"},      {1.7976931348623157e308, "1.7976931348623157E308"},
    {5e-324, "5E-324"},
};

static void doubles_are_scientific(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        StrBuf  text = {0};
        AstExpr expr = {.kind = AST_DOUBLE, .number = numbers[i].number};
        ast_print_expr(&expr, &text);
        assert_str(strbuf_str(&text), numbers[i].printed);
        strbuf_clear(&text);
    }
}

static void messages_show_names_bare(void **unused)
{
    Arena   *arena = arena_new(0);
    AstExpr *expr;
    Error    err;
    StrBuf   bare = {0}, quoted = {0};
    assert_int_equal(
        parse_expression(arena, STR_LIT("`s`.`a b` + CAST(`f`(x)->`y` AS STRUCT<`z` INT>)"), &expr, &err),
        OK);
    ast_print_expr(expr, &bare);
    ast_print_expr_sql(expr, &quoted);
    assert_str(strbuf_str(&bare), "(s.a b + CAST(f(X)->y AS STRUCT<z INTEGER>))");
    assert_str(strbuf_str(&quoted), "(`s`.`a b` + CAST(`f`(X)->`y` AS STRUCT<`z` INTEGER>))");
    strbuf_clear(&bare);
    strbuf_clear(&quoted);
    arena_free(arena);
}

/* ---- random trees ---- */

typedef struct {
    Arena   *arena;
    uint64_t seed;
} Random;

static unsigned pick(Random *random, unsigned below)
{
    random->seed = random->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random->seed >> 33) % below;
}

static AstName random_name(Random *random)
{
    static const char *const pool[] = {
        "A",         "b",      "C_1",     "SELECT", "KEY",    "MAP", "ARRAY",  "IF",       "STRUCT", "EMIT",
        "PARTITION", "a b",    "`",       "1R",     "12",     "x'y", "ESCAPE", "DAY",      "DAYS",   "COUNT",
        "CONCAT",    "STRING", "DECIMAL", "GRACE",  "WINDOW", "-",   "${x}",   "\xC3\xA9", "NULL",
    };
    return (AstName){.text = str_c(pool[pick(random, ARRAY_LEN(pool))])};
}

static AstType *random_type(Random *random, int depth)
{
    static const char *const pool[] = {"INT",      "STRING", "VARCHAR", "CUSTOM",
                                       "own type", "MAP",    "BYTES",   "DECIMAL"};
    AstType                 *type   = ARENA_NEW(random->arena, AstType);
    type->kind                      = depth > 0 ? pick(random, 5) : pick(random, 2);
    if (type->kind == AST_TYPE_NAMED)
        type->name = str_c(pool[pick(random, ARRAY_LEN(pool))]);
    type->precision = type->scale = type->kind == AST_TYPE_DECIMAL ? (int64_t)pick(random, 40) : 0;
    if (type->kind == AST_TYPE_ARRAY || type->kind == AST_TYPE_MAP)
        type->element = random_type(random, depth - 1);
    if (type->kind == AST_TYPE_MAP)
        type->key = random_type(random, depth - 1);
    if (type->kind == AST_TYPE_STRUCT) {
        type->field_count = pick(random, 4);
        type->fields      = ARENA_ARRAY(random->arena, AstField, type->field_count);
        for (size_t i = 0; i < type->field_count; i++)
            type->fields[i] = (AstField){random_name(random), random_type(random, depth - 1)};
    }
    return type;
}

static AstExpr *random_expr(Random *random, int depth);

static void random_operands(Random *random, AstExpr *expr, size_t count, int depth)
{
    expr->count    = count;
    expr->operands = ARENA_ARRAY(random->arena, const AstExpr *, count);
    for (size_t i = 0; i < count; i++)
        expr->operands[i] = random_expr(random, depth - 1);
}

static void random_names(Random *random, AstExpr *expr, size_t count)
{
    expr->name_count = count;
    expr->names      = ARENA_ARRAY(random->arena, AstName, count);
    for (size_t i = 0; i < count; i++)
        expr->names[i] = random_name(random);
}

static void random_leaf(Random *random, AstExpr *expr)
{
    static const char *const decimals[] = {"0.5", "-0.5", "7.", "-12.340", "0.000"};
    static const double      doubles[]  = {0, -0.0, 1.5, -2e-300, 1e22, 0.1};
    static const char *const strings[]  = {"", "a", "it's", "''", "--", "\n", "${x}", "\xC3\xA9", "/*"};
    expr->kind                          = pick(random, AST_COLUMN + 1);
    switch (expr->kind) {
    case AST_BOOLEAN:
        expr->integer = pick(random, 2);
        break;
    case AST_INTEGER:
        expr->integer = pick(random, 8) == 0 ? INT64_MIN : (int64_t)pick(random, 100) - 50;
        break;
    case AST_DECIMAL:
        expr->text = str_c(decimals[pick(random, ARRAY_LEN(decimals))]);
        break;
    case AST_DOUBLE:
        expr->number = doubles[pick(random, ARRAY_LEN(doubles))];
        break;
    case AST_STRING:
        expr->text = str_c(strings[pick(random, ARRAY_LEN(strings))]);
        break;
    case AST_COLUMN:
        expr->name = random_name(random);
        if (pick(random, 3) == 0)
            expr->qualifier = (AstName){.text = pick(random, 2) ? STR_LIT("S") : STR_LIT("t-1")};
        break;
    default:
        break;
    }
}

/* A call whose last arguments may be lambdas, and the others units. */
static void random_call(Random *random, AstExpr *expr, int depth)
{
    expr->name = random_name(random);
    random_operands(random, expr, pick(random, 4), depth);
    for (size_t i = 1; i < expr->count; i++) {
        bool last = i + 1 == expr->count;
        if (pick(random, 3) != 0)
            continue;
        AstExpr *argument = ARENA_NEW(random->arena, AstExpr);
        argument->kind    = last ? AST_LAMBDA : AST_UNIT;
        argument->unit    = pick(random, UNIT_DAYS + 1);
        if (last) {
            random_names(random, argument, 1 + pick(random, 3));
            random_operands(random, argument, 1, depth);
        }
        expr->operands[i] = argument;
    }
}

static void random_inner(Random *random, AstExpr *expr, int depth)
{
    switch (expr->kind) {
    case AST_BINARY:
        expr->op = pick(random, OP_OR + 1);
        random_operands(random, expr, 2, depth);
        break;
    case AST_IS_NULL:
        expr->negated = pick(random, 2);
        random_operands(random, expr, 1, depth);
        break;
    case AST_BETWEEN:
        random_operands(random, expr, 3, depth);
        break;
    case AST_IN:
        random_operands(random, expr, 2 + pick(random, 3), depth);
        break;
    case AST_LIKE:
        if (pick(random, 2))
            expr->text = STR_LIT("'");
        random_operands(random, expr, 2, depth);
        break;
    case AST_CASE:
    case AST_SIMPLE_CASE:
        expr->has_else = pick(random, 2);
        random_operands(random, expr,
                        (expr->kind == AST_SIMPLE_CASE) + expr->has_else + 2 * (1 + pick(random, 2)), depth);
        break;
    case AST_CAST:
        expr->type = random_type(random, 2);
        random_operands(random, expr, 1, depth);
        break;
    case AST_CALL:
        random_call(random, expr, depth);
        break;
    case AST_SUBSCRIPT:
        random_operands(random, expr, 2, depth);
        break;
    case AST_FIELD:
        expr->name = random_name(random);
        random_operands(random, expr, 1, depth);
        break;
    case AST_ARRAY_OF:
        random_operands(random, expr, pick(random, 4), depth);
        break;
    case AST_MAP_OF:
        random_operands(random, expr, 2 * pick(random, 3), depth);
        break;
    case AST_STRUCT_OF:
        random_operands(random, expr, pick(random, 4), depth);
        random_names(random, expr, expr->count);
        break;
    default:
        random_operands(random, expr, 1, depth);
        break; /* NOT and signs */
    }
}

static AstExpr *random_expr(Random *random, int depth)
{
    AstExpr *expr = ARENA_NEW(random->arena, AstExpr);
    if (depth <= 0 || pick(random, 5) == 0) {
        random_leaf(random, expr);
        return expr;
    }
    expr->kind = AST_BINARY + pick(random, AST_LAMBDA - AST_BINARY);
    random_inner(random, expr, depth);
    return expr;
}

static AstSpan random_span(Random *random)
{
    return (AstSpan){.amount = pick(random, 100), .unit = pick(random, UNIT_DAYS + 1)};
}

static const AstExpr **random_exprs(Random *random, size_t count)
{
    const AstExpr **exprs = ARENA_ARRAY(random->arena, const AstExpr *, count);
    for (size_t i = 0; i < count; i++)
        exprs[i] = random_expr(random, 4);
    return exprs;
}

static AstQuery *random_query(Random *random)
{
    AstQuery *query   = ARENA_NEW(random->arena, AstQuery);
    query->item_count = 1 + pick(random, 3);
    query->items      = ARENA_ARRAY(random->arena, AstSelectItem, query->item_count);
    for (size_t i = 0; i < query->item_count; i++) {
        AstSelectItem *item = &query->items[i];
        item->kind          = pick(random, 3);
        if (item->kind == SELECT_EXPR)
            item->expr = random_expr(random, 5);
        if (item->kind == SELECT_EXPR && pick(random, 2))
            item->alias = random_name(random);
        if (item->kind == SELECT_SOURCE_STAR)
            item->source = (AstName){.text = STR_LIT("S")};
    }
    query->from       = (AstSource){{.text = STR_LIT("EMIT")}, {.text = STR_LIT("S")}};
    query->join_count = pick(random, 3);
    query->joins      = ARENA_ARRAY(random->arena, AstJoin, query->join_count);
    for (size_t i = 0; i < query->join_count; i++) {
        AstJoin *join    = &query->joins[i];
        *join            = (AstJoin){.kind = pick(random, JOIN_FULL + 1), .on = random_expr(random, 3)};
        join->source     = (AstSource){{.text = STR_LIT("b-1")}, {.text = STR_LIT("PARTITION")}};
        join->has_within = pick(random, 2);
        if (join->has_within)
            join->before = random_span(random), join->after = random_span(random);
        join->has_grace = join->has_within && pick(random, 2);
        if (join->has_grace)
            join->grace = random_span(random);
    }
    return query;
}

static void random_clauses(Random *random, AstQuery *query)
{
    query->from.alias  = (AstName){.text = STR_LIT("t-1")};
    query->window.kind = pick(random, WINDOW_SESSION + 1);
    if (query->window.kind != WINDOW_NONE)
        query->window.size = random_span(random);
    if (query->window.kind == WINDOW_HOPPING)
        query->window.advance = random_span(random);
    query->window.has_retention = query->window.kind != WINDOW_NONE && pick(random, 2);
    if (query->window.has_retention)
        query->window.retention = random_span(random);
    query->where            = pick(random, 2) ? random_expr(random, 5) : NULL;
    query->group_count      = pick(random, 3);
    query->has_group_by     = query->group_count > 0;
    query->group_by         = random_exprs(random, query->group_count);
    query->partition_count  = pick(random, 3);
    query->has_partition_by = query->partition_count > 0;
    query->partition_by     = random_exprs(random, query->partition_count);
    query->having           = pick(random, 2) ? random_expr(random, 4) : NULL;
    query->emit             = pick(random, EMIT_FINAL + 1);
    query->has_limit        = pick(random, 2);
    query->limit            = query->has_limit ? pick(random, 100) : 0;
}

enum { RANDOM_TREES = 3000 };

static void random_trees_read_back(void **unused)
{
    for (unsigned seed = 0; seed < RANDOM_TREES; seed++) {
        Arena        *arena     = arena_new(0);
        Random        random    = {arena, seed};
        AstQuery     *query     = random_query(&random);
        AstStatement  statement = {.kind = STMT_CREATE_AS, .name = random_name(&random), .query = query};
        AstStatement *again     = NULL;
        StrBuf        text      = {0};
        Error         err;
        random_clauses(&random, query);
        query->from.name       = query->from.alias; /* so that both qualifiers of random_leaf are known */
        query->from.alias.text = STR_LIT("S");
        statement.name.text    = STR_LIT("TABLES");
        ast_print_statement(&statement, &text);
        if (parse_statement(arena, strbuf_str(&text), NULL, &again, &err) != OK)
            fail_msg("seed %u: " STR_FMT "\n%s", seed, STR_ARG(strbuf_str(&text)), err.message);
        if (!ast_statement_equal(&statement, again))
            fail_msg("seed %u: " STR_FMT, seed, STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_have_one_text), cmocka_unit_test(different_statements_differ),
        cmocka_unit_test(secrets_are_masked),       cmocka_unit_test(names_are_quoted_where_they_must_be),
        cmocka_unit_test(doubles_are_scientific),   cmocka_unit_test(messages_show_names_bare),
        cmocka_unit_test(random_trees_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
