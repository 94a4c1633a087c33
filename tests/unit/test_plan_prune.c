/* What is decoded of a source, for each kind of node that reads it (wants.h): a statement and the columns of
 * its sources that are read, a struct's fields as far as they are known: "S: K, X->(Y)". A column that is
 * missing would come out NULL. */
#include "plan_test.h"

#include "planner/nodes/node_source.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, b INT, l ARRAY<INT>, m ARRAY<INT>, x STRUCT<y INT, z STRUCT<p "   \
    "INT, q INT>>) "                                                                                         \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define R "CREATE STREAM r (k STRING KEY, c INT, d INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON'); "
#define TIMED                                                                                                \
    "CREATE STREAM s (k STRING KEY, a INT, ts BIGINT) "                                                      \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='ts'); "
#define T "CREATE TABLE t (k STRING PRIMARY KEY, v INT, w INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

static const struct {
    const char *rule, *sql, *reads;
} rules[] = {
    /* PROJECT */
    {"a projection reads its expressions", S "CREATE STREAM o AS SELECT k, a FROM s;", "S: K, A"},
    {"all of it, for *", R "CREATE STREAM o AS SELECT * FROM r;", "R: K, C, D"},
    {"the key is always read", S "CREATE STREAM o AS SELECT k, b + 1 AS c FROM s;", "S: K, B"},
    {"a constant reads nothing", S "CREATE STREAM o AS SELECT k, 1 AS one FROM s;", "S: K"},
    {"a field of a struct", S "CREATE STREAM o AS SELECT k, x->y AS y FROM s;", "S: K, X->(Y)"},
    {"a field of a field", S "CREATE STREAM o AS SELECT k, x->z->q AS q FROM s;", "S: K, X->(Z->(Q))"},
    {"a struct that is a field", S "CREATE STREAM o AS SELECT k, x->z AS z FROM s;", "S: K, X->(Z)"},
    {"several fields", S "CREATE STREAM o AS SELECT k, x->y AS y, x->z->p AS p FROM s;",
     "S: K, X->(Y, Z->(P))"},
    {"a struct and its field", S "CREATE STREAM o AS SELECT k, x AS whole, x->y AS y FROM s;", "S: K, X"},
    {"a field under a function", S "CREATE STREAM o AS SELECT k, ABS(x->y) AS y FROM s;", "S: K, X->(Y)"},
    {"what a lambda captures", S "CREATE STREAM o AS SELECT k, TRANSFORM(l, i => i + b) AS l FROM s;",
     "S: K, B, L"},
    {"all branches of a CASE",
     S "CREATE STREAM o AS SELECT k, CASE WHEN a = 1 THEN b ELSE x->y END AS c FROM s;",
     "S: K, A, B, X->(Y)"},
    {"pseudo columns", S "CREATE STREAM o AS SELECT k, ROWTIME AS t, a FROM s;", "S: K, A, ROWTIME"},
    /* FILTER */
    {"a condition beside what is selected", S "CREATE STREAM o AS SELECT k, a FROM s WHERE b > 1;",
     "S: K, A, B"},
    {"a field in a condition alone", S "CREATE STREAM o AS SELECT k, a FROM s WHERE x->y > 1;",
     "S: K, A, X->(Y)"},
    {"a field in a condition, another above",
     S "CREATE STREAM o AS SELECT k, x->z->p AS p FROM s WHERE x->y > 1;", "S: K, X->(Y, Z->(P))"},
    {"a condition on what is selected whole", S "CREATE STREAM o AS SELECT k, x FROM s WHERE x->y > 1;",
     "S: K, X"},
    /* REKEY, EXCHANGE */
    {"the new key, and what is selected", S "CREATE STREAM o AS SELECT a, b FROM s PARTITION BY a;",
     "S: A, B"},
    {"the old key is a value now", S "CREATE STREAM o AS SELECT a, k FROM s PARTITION BY a;", "S: K, A"},
    {"a field as key", S "CREATE STREAM o AS SELECT x->y AS y, a FROM s PARTITION BY x->y;", "S: A, X->(Y)"},
    /* AGGREGATE */
    {"group and arguments", S "CREATE TABLE o AS SELECT a, SUM(b) AS t FROM s GROUP BY a;", "S: A, B"},
    {"COUNT(*) reads no more than the group",
     S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;", "S: K"},
    {"an argument of HAVING alone",
     S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s GROUP BY k HAVING SUM(b) > 1;", "S: K, B"},
    {"fields as arguments", S "CREATE TABLE o AS SELECT k, SUM(x->z->p) AS n FROM s GROUP BY k;",
     "S: K, X->(Z->(P))"},
    {"a condition below", S "CREATE TABLE o AS SELECT a, COUNT(*) AS n FROM s WHERE b > 1 GROUP BY a;",
     "S: A, B"},
    /* FLATTEN */
    {"the array of a table function, and what stands beside it",
     S "CREATE STREAM o AS SELECT k, a, EXPLODE(l) AS e FROM s;", "S: K, A, L"},
    {"two table functions", S "CREATE STREAM o AS SELECT k, EXPLODE(l) AS e, EXPLODE(m) AS g FROM s;",
     "S: K, L, M"},
    {"an argument that is selected, too", S "CREATE STREAM o AS SELECT k, l, EXPLODE(l) AS e FROM s;",
     "S: K, L"},
    {"pseudo columns behind the functions' columns",
     S "CREATE STREAM o AS SELECT k, ROWTIME AS t, EXPLODE(l) AS e FROM s;", "S: K, L, ROWTIME"},
    /* JOIN */
    {"each side what is selected of it, and keys",
     S R "CREATE STREAM o AS SELECT s.k AS k, a, d FROM s JOIN r WITHIN 1 HOUR ON s.k = r.k;",
     "S: K, A; R: K, D"},
    {"a side nothing is selected of",
     S R "CREATE STREAM o AS SELECT s.k AS k, a FROM s JOIN r WITHIN 1 HOUR ON s.k = r.k;", "S: K, A; R: K"},
    {"columns joined by",
     S R "CREATE STREAM o AS SELECT s.a AS a, d FROM s JOIN r WITHIN 1 HOUR ON s.a = r.c;", "S: A; R: C, D"},
    {"a condition above the join",
     S R
     "CREATE STREAM o AS SELECT s.k AS k, 1 AS one FROM s JOIN r WITHIN 1 HOUR ON s.k = r.k WHERE x->y > d;",
     "S: K, X->(Y); R: K, D"},
    {"tables are read whole: a later version may read more",
     S T "CREATE STREAM o AS SELECT s.k AS k, a FROM s JOIN t ON s.k = t.k;", "S: K, A; T: all"},
    {"tables alone, too", T "CREATE TABLE o AS SELECT k, v FROM t;", "T: all"},
    {"tables of a foreign-key join, too",
     T "CREATE TABLE u (id STRING PRIMARY KEY, f STRING, n INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON'); "
       "CREATE TABLE o AS SELECT u.id AS id, v FROM u JOIN t ON u.f = t.k;",
     "U: all; T: all"},
    /* SOURCE */
    {"the column that times come from", TIMED "CREATE STREAM o AS SELECT k, a FROM s;", "S: K, A, TS"},
};

static void print_fields(const SqlType *type, const Wanted *wanted, StrBuf *out)
{
    size_t read = 0;
    if (wanted == NULL || wanted->fields == NULL)
        return;
    strbuf_adds(out, "->(");
    for (size_t i = 0; i < type->field_count; i++) {
        const Wanted *field = wanted->fields[i];
        if (field != NULL && field->none)
            continue;
        strbuf_addf(out, "%s" STR_FMT, read++ ? ", " : "", STR_ARG(type->fields[i].name));
        print_fields(type->fields[i].type, field, out);
    }
    strbuf_addc(out, ')');
}

/* `declared`: joins have other names for the columns above. */
static Str column_name(const PlanNode *node, size_t slot)
{
    const Schema *declared = plan_source(node)->declared;
    return slot < declared->count ? declared->columns[slot].name : node->schema->columns[slot].name;
}

static void print_source(const PlanNode *node, StrBuf *out)
{
    const PlanSource *source = plan_source(node);
    size_t            read   = 0;
    strbuf_addf(out, STR_FMT ": ", STR_ARG(source->source_name));
    if (source->wanted == NULL)
        strbuf_adds(out, "all");
    for (size_t i = 0; source->wanted != NULL && i < node->schema->count; i++) {
        if (source->wanted[i] != NULL && source->wanted[i]->none)
            continue;
        strbuf_addf(out, "%s" STR_FMT, read++ ? ", " : "", STR_ARG(column_name(node, i)));
        print_fields(node->schema->columns[i].type, source->wanted[i], out);
    }
}

static bool reads_as_said(size_t rule)
{
    void  *fresh;
    StrBuf got = {0};
    assert_int_equal(flow_setup(&fresh), 0);
    const QueryPlan *plan = flow_sql(fresh, rules[rule].sql);
    for (size_t i = 0; i < plan->source_count; i++) {
        strbuf_adds(&got, i ? "; " : "");
        print_source(plan->sources[i], &got);
    }
    bool same = str_equal(strbuf_str(&got), str_c(rules[rule].reads));
    if (!same)
        print_error("%s:\n  wanted %s\n  got    " STR_FMT "\n", rules[rule].rule, rules[rule].reads,
                    STR_ARG(strbuf_str(&got)));
    strbuf_clear(&got);
    flow_teardown(&fresh);
    return same;
}

static void sources_decode_what_is_read(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        wrong += !reads_as_said(i);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sources_decode_what_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
