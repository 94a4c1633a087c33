/* What CREATE OR REPLACE ... AS SELECT may change of a query and what not (sql.md 5.11): a pair of statements
 * for each rule, with the reason the second is refused, or NULL. */
#include "plan_test.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, b INT, l ARRAY<INT>, ts BIGINT, x STRUCT<y INT, z INT>) "         \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T "CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "
#define T2 "CREATE TABLE t2 (k STRING PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='t2', VALUE_FORMAT='JSON'); "
#define W                                                                                                    \
    "CREATE STREAM w (k STRING KEY, a INT) "                                                                 \
    "WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 HOUR'); "
/* The topic of `s`, described otherwise. */
#define S_DESCRIBED(with, columns)                                                                           \
    "CREATE STREAM s2 (k STRING KEY, " columns ") WITH (KAFKA_TOPIC='s', " with "); "
#define COUNTED(what) "CREATE TABLE o AS SELECT k, " what " FROM s GROUP BY k;"
#define NEXT_STREAM "CREATE OR REPLACE STREAM o AS "
#define NEXT_TABLE "CREATE OR REPLACE TABLE o AS "
#define MUST_MATCH(step, property)                                                                           \
    "Query is not upgradeable. Plan step of type " step " must have matching " property
#define NOT_YET(step) "Upgrades not yet supported for " step
#define NO_JOIN "Query is not upgradeable. Cannot change a non-join source into a join source."

static const struct {
    const char *rule, *before, *after, *refused;
} rules[] = {
    /* what keeps nothing may change */
    {"WHERE may come", S "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a FROM s WHERE a > 1;", NULL},
    {"WHERE may change", S "CREATE STREAM o AS SELECT k, a FROM s WHERE a > 1;",
     NEXT_STREAM "SELECT k, a FROM s WHERE b > 2;", NULL},
    {"WHERE may go", S "CREATE STREAM o AS SELECT k, a FROM s WHERE a > 1;",
     NEXT_STREAM "SELECT k, a FROM s;", NULL},
    {"expressions of SELECT may change", S "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, b * 2 AS a FROM s;", NULL},
    {"a column may be added at the end", S "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a, b FROM s;", NULL},
    {"a projection may come where there was none", T "CREATE TABLE o AS SELECT * FROM t;",
     NEXT_TABLE "SELECT k, v, v + 1 AS v1 FROM t;", NULL},
    {"HAVING may come", S COUNTED("COUNT(*) AS n"),
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM s GROUP BY k HAVING COUNT(*) > 1;", NULL},
    {"what is made of the aggregates may change", S COUNTED("COUNT(*) AS n"),
     NEXT_TABLE "SELECT k, COUNT(*) + 1 AS n FROM s GROUP BY k;", NULL},
    {"WHERE below an aggregation may change", S COUNTED("COUNT(*) AS n"),
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM s WHERE a > 1 GROUP BY k;", NULL},
    {"PARTITION BY may stay", S "CREATE STREAM o AS SELECT k, a FROM s PARTITION BY a;",
     NEXT_STREAM "SELECT k, a, b FROM s PARTITION BY a;", NULL},
    {"GROUP BY may stay", S "CREATE TABLE o AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;",
     NEXT_TABLE "SELECT a, COUNT(*) AS n FROM s WHERE b > 0 GROUP BY a;", NULL},
    {"another name for the same topic",
     S S_DESCRIBED("VALUE_FORMAT='JSON'", "a INT") "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a FROM s2;", NULL},

    /* the sink stays as its readers know it */
    {"a column may not go", S "CREATE STREAM o AS SELECT k, a, b FROM s;", NEXT_STREAM "SELECT k, a FROM s;",
     "The following columns are changed, missing or reordered: [`B` INTEGER]"},
    {"a column may not change its type", S "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, CAST(a AS STRING) AS a FROM s;",
     "The following columns are changed, missing or reordered: [`A` INTEGER]"},
    {"columns may not change places", S "CREATE STREAM o AS SELECT k, a, b FROM s;",
     NEXT_STREAM "SELECT k, b, a FROM s;", "are changed, missing or reordered: [`A` INTEGER, `B` INTEGER]"},
    {"a column may not be inserted", S "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, b, a FROM s;", "are changed, missing or reordered: [`A` INTEGER]"},
    {"key columns stay", S "CREATE STREAM o AS SELECT k, a, b FROM s;",
     NEXT_STREAM "SELECT a, k, b FROM s PARTITION BY a;", "Key columns must be identical"},
    {"the sink's topic stays", S "CREATE STREAM o AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM o WITH (KAFKA_TOPIC='p') AS SELECT k, a FROM s;",
     "has topic = KsqlTopic{kafkaTopicName='O', keyFormat=KAFKA, valueFormat=JSON} which is not "
     "upgradeable to KsqlTopic{kafkaTopicName='p'"},
    {"the sink's format stays", S "CREATE STREAM o AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM o WITH (VALUE_FORMAT='DELIMITED') AS SELECT k, a FROM s;",
     "which is not upgradeable to"},
    {"the sink's timestamp stays", S "CREATE STREAM o AS SELECT k, a, ts FROM s;",
     "CREATE OR REPLACE STREAM o WITH (TIMESTAMP='TS') AS SELECT k, a, ts FROM s;",
     "which is not upgradeable to"},

    /* the source stays what the positions count in */
    {"the source's topic stays",
     S "CREATE STREAM r (k STRING KEY, a INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON'); "
       "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a FROM r;", MUST_MATCH("StreamSource", "topicName. Values differ: s vs. r")},
    {"the source's value format stays",
     S S_DESCRIBED("VALUE_FORMAT='DELIMITED'",
                   "a INT") "CREATE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT k, a FROM s2;",
     MUST_MATCH("StreamSource", "formats. Values differ: JSON vs. DELIMITED")},
    {"the source's key format stays",
     S S_DESCRIBED("KEY_FORMAT='JSON', VALUE_FORMAT='JSON'",
                   "a INT") "CREATE STREAM o WITH (KEY_FORMAT='KAFKA') AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM o WITH (KEY_FORMAT='KAFKA') AS SELECT k, a FROM s2;",
     MUST_MATCH("StreamSource", "formats. Values differ: KAFKA vs. JSON")},
    {"the source's time stays",
     S S_DESCRIBED("VALUE_FORMAT='JSON', TIMESTAMP='TS'",
                   "a INT, ts BIGINT") "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a FROM s2;",
     MUST_MATCH("StreamSource", "timestampColumn. Values differ: null vs. TS")},
    {"the source's delimiter stays",
     "CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED'); " S_DESCRIBED(
         "VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|'",
         "a INT") "CREATE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT k, a FROM s;",
     "CREATE OR REPLACE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT k, a FROM s2;",
     MUST_MATCH("StreamSource", "formats")},
    {"a source that has more columns now is the same",
     S S_DESCRIBED("VALUE_FORMAT='JSON'", "a INT, b INT, new INT") "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT k, a, new FROM s2;", NULL},
    {"a windowed source has no upgrade", W "CREATE STREAM o AS SELECT * FROM w;",
     NEXT_STREAM "SELECT * FROM w WHERE a > 1;", NOT_YET("WindowedStreamSource")},
    {"a table is no stream over the same topic",
     S "CREATE TABLE ss (k STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
       "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;",
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM ss GROUP BY k;",
     MUST_MATCH("TableSource", "type. Values differ: StreamSource vs. TableSource")},

    /* keys decide who has which state */
    {"PARTITION BY stays", S "CREATE STREAM o AS SELECT a AS n, k FROM s PARTITION BY a;",
     NEXT_STREAM "SELECT b AS n, k FROM s PARTITION BY b;",
     MUST_MATCH("StreamSelectKey", "keyExpression. Values differ: A vs. B")},
    {"GROUP BY stays", S "CREATE TABLE o AS SELECT a AS n, COUNT(*) AS c FROM s GROUP BY a;",
     NEXT_TABLE "SELECT b AS n, COUNT(*) AS c FROM s GROUP BY b;",
     MUST_MATCH("StreamGroupBy", "groupByExpressions. Values differ: A vs. B")},

    /* state is of the functions that made it */
    {"an aggregate may not come", S COUNTED("COUNT(*) AS n"),
     NEXT_TABLE "SELECT k, COUNT(*) AS n, SUM(a) AS t FROM s GROUP BY k;",
     MUST_MATCH("StreamAggregate", "columns not part of aggregate")},
    {"an aggregate's function stays", S COUNTED("MIN(a) AS n"),
     NEXT_TABLE "SELECT k, MAX(a) AS n FROM s GROUP BY k;",
     MUST_MATCH("StreamAggregate", "columns not part of aggregate. Values differ: MIN(A) vs. MAX(A)")},
    {"an aggregate's argument stays", S COUNTED("SUM(a) AS n"),
     NEXT_TABLE "SELECT k, SUM(b) AS n FROM s GROUP BY k;",
     MUST_MATCH("StreamAggregate", "columns not part of aggregate. Values differ: SUM(A) vs. SUM(B)")},
    {"an aggregate's constant stays", S COUNTED("TOPK(a, 2) AS n"),
     NEXT_TABLE "SELECT k, TOPK(a, 3) AS n FROM s GROUP BY k;",
     MUST_MATCH("StreamAggregate",
                "columns not part of aggregate. Values differ: TOPK(A, 2) vs. TOPK(A, 3)")},
    {"a flag of an aggregate stays", S COUNTED("EARLIEST_BY_OFFSET(a, 2, true) AS n"),
     NEXT_TABLE "SELECT k, EARLIEST_BY_OFFSET(a, 2, false) AS n FROM s GROUP BY k;",
     MUST_MATCH("StreamAggregate", "columns not part of aggregate")},
    {"a windowed aggregation has no upgrade",
     S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;",
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 2 HOURS) GROUP BY k;",
     NOT_YET("StreamWindowedAggregate")},
    {"a window may not come", S COUNTED("COUNT(*) AS n"),
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;",
     NOT_YET("StreamWindowedAggregate")},
    {"a window may not go",
     S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;",
     NEXT_TABLE "SELECT k, COUNT(*) AS n FROM s GROUP BY k;", NOT_YET("StreamWindowedAggregate")},
    {"an aggregation over a table has no upgrade",
     T "CREATE TABLE o AS SELECT v, COUNT(*) AS n FROM t GROUP BY v;",
     NEXT_TABLE "SELECT v, COUNT(*) AS n FROM t WHERE v > 1 GROUP BY v;", NOT_YET("TableAggregate")},

    /* steps that are never upgraded */
    {"table functions", S "CREATE STREAM o AS SELECT k, EXPLODE(l) AS e FROM s;",
     NEXT_STREAM "SELECT k, EXPLODE(l) + 1 AS e FROM s;", NOT_YET("StreamFlatMap")},
    {"a stream-table join", S T "CREATE STREAM o AS SELECT s.k AS k, a, v FROM s JOIN t ON s.k = t.k;",
     NEXT_STREAM "SELECT s.k AS k, a, v FROM s LEFT JOIN t ON s.k = t.k;", NOT_YET("StreamTableJoin")},
    {"a table-table join", T T2 "CREATE TABLE o AS SELECT t.k AS k, v, w FROM t JOIN t2 ON t.k = t2.k;",
     NEXT_TABLE "SELECT t.k AS k, v, w FROM t JOIN t2 ON t.k = t2.k WHERE v > 1;", NOT_YET("TableTableJoin")},
    {"a join may not come", S T "CREATE STREAM o AS SELECT k, a FROM s;",
     NEXT_STREAM "SELECT s.k AS k, a FROM s JOIN t ON s.k = t.k;", NO_JOIN},
    {"a join may not come behind a filter", S T "CREATE STREAM o AS SELECT k, a FROM s WHERE a > 1;",
     NEXT_STREAM "SELECT s.k AS k, a FROM s JOIN t ON s.k = t.k WHERE a > 1;", NO_JOIN},
    {"a join may not go", S T "CREATE STREAM o AS SELECT s.k AS k, a FROM s JOIN t ON s.k = t.k;",
     NEXT_STREAM "SELECT k, a FROM s;", "Query is not upgradeable."},
};

/* The error of planning the statement or of the comparison; NULL: none. */
static const char *replace(Flow *f, const QueryPlan *old, const char *sql)
{
    AstScript        script;
    PersistentQuery *query;
    Planner          planner = flow_planner(f);
    FLOW_MUST(parse_script(f->arena, str_dup(f->arena, str_c(sql)), &(ParseOptions){0}, &script, &f->err));
    if (plan_persistent_query(&planner, script.items[0], &query, &f->err) != OK)
        return f->err.message;
    assert_true(str_equal(query->replaced_query, old->id)); /* it is an upgrade at all */
    return plan_check_upgrade(old, query->plan, &f->err) == OK ? NULL : f->err.message;
}

static void a_new_version_goes_on_or_is_refused(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        void *fresh;
        assert_int_equal(flow_setup(&fresh), 0);
        Flow       *f   = fresh;
        const char *got = replace(f, flow_sql(f, rules[i].before), rules[i].after);
        bool as_said = rules[i].refused == NULL ? got == NULL : got != NULL && strstr(got, rules[i].refused);
        if (!as_said)
            print_error("%s:\n  wanted %s\n  got    %s\n", rules[i].rule,
                        rules[i].refused ? rules[i].refused : "no refusal", got ? got : "no refusal");
        wrong += !as_said;
        flow_teardown(&fresh);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_new_version_goes_on_or_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
