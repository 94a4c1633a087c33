/* The text of a query as SHOW QUERIES and DESCRIBE show it (sql.md 6.5): a rule, a statement, the text of its
 * plan. A text means what it says: parsed and printed again it is itself. */
#include "plan_test.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, l ARRAY<INT>, x STRUCT<y INT>, `q r` INT) "                       \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define R "CREATE STREAM r (k STRING KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON'); "
#define P "CREATE STREAM p (k STRING KEY, a INT) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON'); "
#define T "CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "
#define WITH(policy)                                                                                         \
    " WITH (CLEANUP_POLICY='" policy "', KAFKA_TOPIC='O', PARTITIONS=1, REPLICAS=1) AS SELECT"
#define O "CREATE STREAM O" WITH("delete")

static const struct {
    const char *rule, *sql, *text;
} rules[] = {
    {"columns are qualified, items are named, EMIT CHANGES is said",
     S "CREATE STREAM o AS SELECT k, a FROM s;", O "\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
    {"case, blanks and comments are the user's own",
     S "create  stream o as select k, /* a comment */ a from s emit changes;",
     O "\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
    {"what has no name gets one", S "CREATE STREAM o AS SELECT k, a + 1, a * 2 AS d, a - 1 FROM s;",
     O
     "\n  S.K K,\n  (S.A + 1) KSQL_COL_0,\n  (S.A * 2) D,\n  (S.A - 1) KSQL_COL_1\nFROM S S\nEMIT CHANGES;"},
    {"* stays", S "CREATE STREAM o AS SELECT * FROM s;", O " *\nFROM S S\nEMIT CHANGES;"},
    {"* of a source stays, between others",
     S R "CREATE STREAM o AS SELECT s.*, b + 1 AS c FROM s JOIN r WITHIN 1 HOUR ON s.k = r.k;",
     O "\n  S.*,\n  (R.B + 1) C\nFROM S S\nINNER JOIN R R WITHIN 1 HOURS ON ((S.K = R.K))\nEMIT CHANGES;"},
    {"the user's alias qualifies; a field is named after itself",
     S "CREATE STREAM o AS SELECT z.k, z.x->y FROM s z;",
     O "\n  Z.K K,\n  Z.X->Y Y\nFROM S Z\nEMIT CHANGES;"},
    {"names are quoted where they must be", S "CREATE STREAM o AS SELECT k, `q r` AS `lower` FROM s;",
     O "\n  S.K K,\n  S.`q r` `lower`\nFROM S S\nEMIT CHANGES;"},
    {"every operation has parentheses",
     S "CREATE STREAM o AS SELECT k, a FROM s WHERE a > 0 AND NOT k LIKE 'x%' OR a + 1 * 2 = 3;",
     O "\n  S.K K,\n  S.A A\nFROM S S\nWHERE (((S.A > 0) AND (NOT (S.K LIKE 'x%'))) OR ((S.A + (1 * 2)) = "
       "3))\nEMIT CHANGES;"},
    {"operators have one spelling",
     S "CREATE STREAM o AS SELECT k, a FROM s WHERE a != 2 AND a NOT IN (1, 2) AND a IS NOT NULL AND a "
       "BETWEEN 1 AND 3;",
     O "\n  S.K K,\n  S.A A\nFROM S S\nWHERE ((((S.A <> 2) AND (NOT (S.A IN (1, 2)))) AND (S.A "
       "IS NOT NULL)) AND (S.A BETWEEN 1 AND 3))\nEMIT CHANGES;"},
    {"literals",
     S "CREATE STREAM o AS SELECT k, 'it''s' AS t, 1.50 AS d, 15e0 AS e, TRUE AS b, CAST(NULL AS VARCHAR) AS "
       "n, -a AS m FROM s;",
     O "\n  S.K K,\n  'it''s' T,\n  1.50 D,\n  1.5E1 E,\n  true B,\n  CAST(null AS STRING) N,\n  -S.A "
       "M\nFROM S S\nEMIT CHANGES;"},
    {"constructors, indexes, CASE",
     S "CREATE STREAM o AS SELECT k, l[1] AS f, CASE WHEN a = 1 THEN 'one' ELSE 'more' END AS c, MAP('z' := "
       "a) AS m, STRUCT(p := a) AS st, ARRAY[a, 2] AS ar FROM s;",
     O "\n  S.K K,\n  S.L[1] F,\n  (CASE WHEN (S.A = 1) THEN 'one' ELSE 'more' END) C,\n  MAP('z':=S.A) M,\n "
       " STRUCT(P:=S.A) ST,\n  ARRAY[S.A, 2] AR\nFROM S S\nEMIT CHANGES;"},
    {"a lambda's parameters are no columns",
     S "CREATE STREAM o AS SELECT k, REDUCE(l, 0, (r, i) => r + i + a) AS t FROM s;",
     O "\n  S.K K,\n  REDUCE(S.L, 0, (R, I) => ((R + I) + S.A)) T\nFROM S S\nEMIT CHANGES;"},
    {"table functions", S "CREATE STREAM o AS SELECT k, EXPLODE(l) FROM s;",
     O "\n  S.K K,\n  EXPLODE(S.L) KSQL_COL_0\nFROM S S\nEMIT CHANGES;"},
    {"PARTITION BY is qualified", S "CREATE STREAM o AS SELECT a, k FROM s PARTITION BY a;",
     O "\n  S.A A,\n  S.K K\nFROM S S\nPARTITION BY S.A\nEMIT CHANGES;"},
    {"windows, GROUP BY, HAVING; EMIT FINAL stays",
     S "CREATE TABLE o AS SELECT a, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 "
       "MINUTES) GROUP BY a HAVING COUNT(*) > 1 EMIT FINAL;",
     "CREATE TABLE O" WITH(
         "compact,delete") "\n  S.A A,\n  COUNT(*) N\nFROM S S\nWINDOW TUMBLING ( SIZE 1 HOURS , GRACE "
                           "PERIOD 5 MINUTES ) \nGROUP BY S.A\nHAVING (COUNT(*) > 1)\nEMIT FINAL;"},
    {"a join's columns are named by source where both have them",
     S R "CREATE STREAM o AS SELECT s.k, r.k, a, b FROM s LEFT JOIN r WITHIN 1 HOUR GRACE PERIOD 1 MINUTE ON "
         "s.k = r.k;",
     O "\n  S.K S_K,\n  R.K R_K,\n  S.A A,\n  R.B B\nFROM S S\nLEFT OUTER JOIN R R WITHIN 1 HOURS GRACE "
       "PERIOD 1 MINUTES ON ((S.K = R.K))\nEMIT CHANGES;"},
    {"joins with tables, a condition above",
     S T "CREATE STREAM o AS SELECT * FROM s JOIN t ON s.k = t.k WHERE v > 1;",
     O " *\nFROM S S\nINNER JOIN T T ON ((S.K = T.K))\nWHERE (T.V > 1)\nEMIT CHANGES;"},
    {"a table's topic is compacted", T "CREATE TABLE o AS SELECT k, v FROM t;",
     "CREATE TABLE O" WITH("compact") "\n  T.K K,\n  T.V V\nFROM T T\nEMIT CHANGES;"},
    {"what WITH says is the user's, the rest is added, by name",
     S "CREATE STREAM o WITH (VALUE_FORMAT='DELIMITED', PARTITIONS=3, KAFKA_TOPIC='own') AS SELECT k, a FROM "
       "s;",
     "CREATE STREAM O WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='own', PARTITIONS=3, REPLICAS=1, "
     "VALUE_FORMAT='DELIMITED') AS SELECT\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
    {"OR REPLACE stays", S "CREATE OR REPLACE STREAM o AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM O" WITH("delete") "\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
    {"IF NOT EXISTS stays", S "CREATE STREAM IF NOT EXISTS o AS SELECT k, a FROM s;",
     "CREATE STREAM IF NOT EXISTS O" WITH("delete") "\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
    {"INSERT INTO has no WITH of its own", S P "INSERT INTO p SELECT k, a FROM s WHERE a IN (1, 2);",
     "INSERT INTO P SELECT\n  S.K K,\n  S.A A\nFROM S S\nWHERE (S.A IN (1, 2))\nEMIT CHANGES;"},
    {"an INSERT's query id stays", S P "INSERT INTO p WITH (QUERY_ID='mine') SELECT k, a FROM s;",
     "INSERT INTO P WITH (QUERY_ID='mine') SELECT\n  S.K K,\n  S.A A\nFROM S S\nEMIT CHANGES;"},
};

static Str printed_again(Flow *f, Str text)
{
    AstScript script;
    StrBuf    out = {0};
    FLOW_MUST(parse_script(f->arena, text, &(ParseOptions){0}, &script, &f->err));
    ast_print_statement(script.items[0], &out);
    Str again = str_dup(f->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return again;
}

static bool same_text(const char *rule, Str got, Str wanted)
{
    if (str_equal(got, wanted))
        return true;
    print_error("%s:\n  wanted " STR_FMT "\n  got    " STR_FMT "\n", rule, STR_ARG(wanted), STR_ARG(got));
    return false;
}

static void texts_are_canonical(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        void *fresh;
        assert_int_equal(flow_setup(&fresh), 0);
        Flow *f    = fresh;
        Str   text = flow_sql(f, rules[i].sql)->statement;
        wrong += !same_text(rules[i].rule, text, str_c(rules[i].text));
        wrong += !same_text(rules[i].rule, printed_again(f, text), text);
        flow_teardown(&fresh);
    }
    assert_int_equal(wrong, 0);
}

/* As in ksqlDB, its name is in lower case, which no call's is: the one text that is another when it is read
 * again. */
static void concatenation_is_shown_as_a_call(void **state)
{
    const QueryPlan *plan = flow_sql(*state, S "CREATE STREAM o AS SELECT k, k || 'x' AS c FROM s;");
    Str              text = str_c(O "\n  S.K K,\n  concat(S.K, 'x') C\nFROM S S\nEMIT CHANGES;");
    assert_true(same_text("||", plan->statement, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_canonical),
        cmocka_unit_test_setup_teardown(concatenation_is_shown_as_a_call, flow_setup, flow_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
