/*
 * test_fault_records.c - memory whose size the data chose is refused at the n-th request: an error of that
 * record, and of no other.
 *
 * Three kinds of scenario, all with arena_try_alloc refusing once (fault_alloc.h):
 *
 *   plans      a statement is planned and its query opened: it answers E_LIMIT and leaves nothing behind, or
 * is as if nothing had happened (what cannot be folded now is computed later); the same statement passes
 * right after pipelines  records go through a query of the test driver: the refusal is told as a skipped
 * record or is the query's error, and the records of other keys come out as ever streams    the same, and all
 * records but the one that was refused come out as ever, in their order
 */
#include "../unit/plan_test.h"

#include "udf/extension/lua_function.h"

#include "fault_alloc.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, b STRING, l ARRAY<INT>, m MAP<STRING, INT>, r STRUCT<x INT, y "   \
    "STRING>)"                                                                                               \
    " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T "CREATE TABLE t (k STRING PRIMARY KEY, c STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

/* ---- plans ---- */

static const char *const statements[] = {
    "CREATE STREAM o AS SELECT k, a + 1 AS x FROM s WHERE b LIKE 'a%';",
    "CREATE STREAM o AS SELECT k, LPAD('x', 20, 'ab') AS x, CONCAT('a', CAST(5 AS STRING)) AS y FROM s;",
    "CREATE STREAM o AS SELECT k, SPLIT('a,b,c', ',') AS x, ARRAY[1, 2, 3] AS y, MAP('a' := 1) AS z FROM s;",
    "CREATE STREAM o AS SELECT k, TRANSFORM(ARRAY[1, 2], v => v * 2) AS x, ENCODE('abc', 'utf8', 'base64') "
    "AS y FROM s;",
    "CREATE STREAM o AS SELECT k, EXTRACTJSONFIELD('{\"a\":[1,2]}', '$.a') AS x, REGEXP_EXTRACT('a(b)', "
    "'ab', 1) AS y FROM s;",
    "CREATE TABLE o AS SELECT b, COLLECT_LIST(a) AS x, UCASE('abc') AS y FROM s WINDOW TUMBLING (SIZE 1 "
    "HOUR) GROUP BY b;",
    "CREATE STREAM o AS SELECT s.k, c, REPLACE('abc', 'b', 'x') AS y FROM s JOIN t ON s.k = t.k;",
    "CREATE STREAM o AS SELECT k, EXPLODE(ARRAY[1, 2]) AS x FROM s;",
};

static Status start(Flow *f, const char *sql)
{
    AstScript        script;
    PersistentQuery *query;
    Planner          planner = flow_planner(f);
    TRY(parse_script(f->arena, str_dup(f->arena, str_c(sql)), &(ParseOptions){0}, &script, &f->err));
    TRY(plan_persistent_query(&planner, script.items[0], &query, &f->err));
    return driver_add_query(f->driver, query->plan,
                            &f->err); /* compiles its expressions: constants are computed */
}

static void a_plan_is_refused_or_as_ever(void **state)
{
    long refused = 0, chances = 0;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        bool hit = true;
        for (long nth = 1; hit; nth++) {
            Fault fault = {0};
            void *flow;
            assert_int_equal(flow_setup(&flow), 0);
            Flow *f = flow;
            flow_sql(f, S T);
            fault_alloc_watch(&fault);
            fault_arm(&fault, nth, 1, 0);
            Status status = start(f, statements[i]);
            hit           = fault_was_hit(&fault);
            fault_alloc_watch(NULL);
            if (status != OK && (!hit || status != E_LIMIT || f->err.code != E_LIMIT))
                fail_msg("%s, n = %ld: %s: %s", statements[i], nth, status_name(status), f->err.message);
            refused += status != OK;
            chances += hit;
            if (start(f, statements[i]) != OK)
                fail_msg("%s, right after n = %ld: %s", statements[i], nth, f->err.message);
            flow_teardown(&flow);
            assert_true(nth < FAULT_SWEEP_MAX);
        }
    }
    print_message("%ld chances, %ld plans refused\n", chances, refused);
    assert_true(chances > 0);
}

/* ---- records ---- */

typedef struct {
    const char *name, *sql;
    bool        stream; /* stateless: all records but one come out as ever */
} Scenario;

static const Scenario scenarios[] = {
    {"filter",
     S "CREATE STREAM o WITH (KAFKA_TOPIC='O') AS SELECT k, CONCAT(b, '-', b) AS x, l, m, r, TRIM(UCASE(b)) "
       "AS u, SPLIT(b, 'e') AS p,"
       " TRANSFORM(l, v => v * 2) AS d, MAP_KEYS(m) AS y FROM s WHERE LCASE(b) LIKE '%e%';",
     true},
    {"table function", S "CREATE STREAM o WITH (KAFKA_TOPIC='O') AS SELECT k, EXPLODE(l) AS x, b FROM s;",
     true},
    {"delimited",
     S "CREATE STREAM o WITH (KAFKA_TOPIC='O', VALUE_FORMAT='DELIMITED') AS SELECT k, b, RPAD(b, 12, '\"') "
       "AS x FROM s;",
     true},
    {"windowed aggregate",
     S "CREATE TABLE o WITH (KAFKA_TOPIC='O') AS SELECT k, COLLECT_LIST(b) AS x, COUNT(*) AS n, HISTOGRAM(b) "
       "AS h, MAX(b) AS y FROM s"
       " WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY k;",
     false},
    {"session",
     S "CREATE TABLE o WITH (KAFKA_TOPIC='O') AS SELECT k, COLLECT_SET(b) AS x, LATEST_BY_OFFSET(b, 2) AS y "
       "FROM s"
       " WINDOW SESSION (5 MILLISECONDS) GROUP BY k;",
     false},
    {"table function in Lua",
     S "CREATE STREAM o WITH (KAFKA_TOPIC='O') AS SELECT k, PIECES(b) AS x, l FROM s;", true},
    {"aggregate in Lua",
     S "CREATE TABLE o WITH (KAFKA_TOPIC='O') AS SELECT k, GATHER(b) AS x, COUNT(*) AS n FROM s WINDOW "
       "SESSION (5 MILLISECONDS) GROUP BY k;",
     false},
    {"join",
     S T "CREATE STREAM o WITH (KAFKA_TOPIC='O') AS SELECT s.k, c, CONCAT(b, c) AS x, l FROM s JOIN t ON s.k "
         "= t.k;",
     false},
    {"table",
     T "CREATE TABLE o WITH (KAFKA_TOPIC='O') AS SELECT k, CONCAT(c, '!') AS x FROM t WHERE c <> 'gone';",
     false},
};

static const FlowRecord input[] = {
    {"t", "one", "{\"c\":\"first\"}", 1},
    {"t", "two", "{\"c\":\"second \\u00e9\"}", 1},
    {"s", "one", "{\"a\":1,\"b\":\"hello\",\"l\":[1,2],\"m\":{\"x\":1},\"r\":{\"x\":1,\"y\":\"e\\n\"}}", 2},
    {"s", "two", "{\"a\":2,\"b\":\"here\",\"l\":[3],\"m\":{\"y\":2,\"z\":3},\"r\":{\"x\":2,\"y\":\"f\"}}", 3},
    {"s", "one", "{\"a\":3,\"b\":\"there, \\\"x\\\"\",\"l\":[4,5,6],\"m\":{},\"r\":null}", 4},
    {"t", "one", "{\"c\":\"gone\"}", 5},
    {"s", "two", "{\"a\":4,\"b\":\"ende\",\"l\":[],\"m\":{\"q\":1},\"r\":{\"x\":3,\"y\":\"g\"}}", 14},
};

enum { MOST = 64 };

typedef struct {
    char  *lines[MOST]; /* "key value @timestamp" */
    Str    keys[MOST];
    size_t count, told; /* told: skipped records and the query's error */
    bool   stopped;
    Arena *arena;
} Outcome;

static void note_outputs(Flow *f, Outcome *out)
{
    size_t              count;
    const DriverRecord *records = driver_outputs(f->driver, &count);
    for (size_t i = 0; i < count; i++) {
        const LogRecord *record = &records[i].record;
        if (!str_equal(records[i].topic, STR_LIT("O")))
            continue;
        assert_true(out->count < MOST);
        Str value = str_is_null(record->value) ? STR_LIT("null") : record->value;
        out->keys[out->count] =
            str_dup(out->arena, str_n(record->key.ptr, record->key.len < 3 ? record->key.len : 3));
        out->lines[out->count++] =
            str_to_c(out->arena, str_printf(out->arena, STR_FMT " " STR_FMT " @%lld", STR_ARG(record->key),
                                            STR_ARG(value), (long long)record->timestamp));
    }
}

static bool reads(const char *sql, const char *topic)
{
    return strstr(sql, topic[0] == 's' ? "KAFKA_TOPIC='s'" : "KAFKA_TOPIC='t'") != NULL;
}

static void add_functions(Flow *f)
{
    const FnOrigin     origin = {.path = "test"};
    const LuaParameter text   = {STR_LIT("V"), &type_string};
    const SqlType     *list   = type_array(f->arena, &type_string);
    const LuaFunction  pieces = {.name       = STR_LIT("PIECES"),
                                 .parameters = &text,
                                 .count      = 1,
                                 .result     = &type_string,
                                 .body       = STR_LIT("return {v, v .. v}")},
                      gather  = {
                           .name       = STR_LIT("GATHER"),
                           .parameters = &text,
                           .count      = 1,
                           .result     = &type_string,
                           .state      = list,
                           .body = STR_LIT("function accumulate(s, v) s = s or {} s[#s + 1] = v return s end "
                                            "function merge(a, b) for _, v in ipairs(b or {}) do a = a or {} "
                                            "a[#a + 1] = v end return a end "
                                            "function result(s) return table.concat(s or {}, ',') end")};
    FnAddition *addition = functions_begin(f->functions, &origin);
    assert_int_equal(lua_table_add(addition, &pieces, &f->err), OK);
    assert_int_equal(lua_aggregate_add(addition, &gather, &f->err), OK);
    functions_commit(addition);
}

static bool run(const Scenario *scenario, long nth, Outcome *out)
{
    Fault fault = {0};
    void *flow;
    *out = (Outcome){.arena = arena_new(0)};
    assert_int_equal(flow_setup(&flow), 0);
    Flow *f = flow;
    add_functions(f);
    flow_sql(f, scenario->sql);
    for (size_t i = 0; i < ARRAY_LEN(input); i++)
        if (reads(scenario->sql, input[i].topic))
            flow_send(f, input[i].topic, input[i].key, input[i].value, input[i].timestamp);
    fault_alloc_watch(&fault);
    if (nth > 0)
        fault_arm(&fault, nth, 1, 0);
    Status status = driver_run(f->driver, &f->err);
    bool   hit    = fault_was_hit(&fault);
    fault_alloc_watch(NULL);
    if (status != OK && status != E_LIMIT && status != E_FATAL_DATA)
        fail_msg("%s, n = %ld: %s: %s", scenario->name, nth, status_name(status), f->err.message);
    out->stopped = status != OK;
    out->told    = (size_t)out->stopped;
    for (size_t i = 0; i < f->skipped.len; i++)
        out->told += f->skipped.ptr[i] == '\n';
    note_outputs(f, out);
    flow_teardown(&flow);
    return hit;
}

/* How many lines of `whole` are not in `part`, which must have nothing else for the keys that lost none. */
static size_t missing_lines(const Outcome *whole, const Outcome *part, bool *other)
{
    size_t missing = 0, at = 0;
    *other = false;
    for (size_t i = 0; i < whole->count; i++) {
        if (at < part->count && strcmp(whole->lines[i], part->lines[at]) == 0)
            at++;
        else
            missing++;
    }
    *other = at < part->count;
    return missing;
}

/* One record's row with a NULL where the refused value would have been is as good as no row: then the counts
 * are equal. */
static bool differs_in_one_record(const Outcome *expected, const Outcome *got)
{
    size_t differing = 0;
    if (expected->count != got->count)
        return false;
    for (size_t i = 0; i < got->count; i++)
        differing += strcmp(expected->lines[i], got->lines[i]) != 0;
    return differing <= 1;
}

/* Whatever one record lost, the other key's records do not notice. */
static size_t keys_that_differ(const Outcome *expected, const Outcome *got)
{
    static const char *const keys[] = {"one", "two"};
    size_t                   differ = 0;
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        size_t e = 0, g = 0;
        bool   same = true;
        for (;;) {
            while (e < expected->count && !str_equal(expected->keys[e], str_c(keys[k])))
                e++;
            while (g < got->count && !str_equal(got->keys[g], str_c(keys[k])))
                g++;
            if (e == expected->count || g == got->count)
                break;
            same &= strcmp(expected->lines[e++], got->lines[g++]) == 0;
        }
        differ += !same || e < expected->count || g < got->count;
    }
    return differ;
}

static void check(const Scenario *scenario, long nth, const Outcome *expected, const Outcome *got)
{
    bool   other;
    size_t missing = missing_lines(expected, got, &other);
    if (missing == 0 && !other)
        return; /* tried in another way: nothing was lost */
    if (got->told == 0)
        fail_msg("%s, n = %ld: something is missing and nobody was told", scenario->name, nth);
    if (got->stopped)
        return; /* the query's error: in a runtime it is rolled back and tried again */
    if (keys_that_differ(expected, got) > 1)
        fail_msg("%s, n = %ld: the records of both keys have changed", scenario->name, nth);
    if (scenario->stream && other && !differs_in_one_record(expected, got))
        fail_msg("%s, n = %ld: more than one record has changed", scenario->name, nth);
}

static void one_record_is_lost_at_most(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        Outcome expected, got;
        bool    hit = true;
        long    nth = 1, stopped = 0;
        run(&scenarios[i], 0, &expected);
        if (expected.count < 2 || expected.told > 0)
            fail_msg("%s: %zu records and %zu complaints, undisturbed", scenarios[i].name, expected.count,
                     expected.told);
        for (; hit; nth++) {
            hit = run(&scenarios[i], nth, &got);
            check(&scenarios[i], nth, &expected, &got);
            stopped += got.stopped;
            arena_free(got.arena);
            assert_true(nth < FAULT_SWEEP_MAX);
        }
        print_message("%s: %ld chances, %ld stopped the query\n", scenarios[i].name, nth - 2, stopped);
        assert_true(nth > 2);
        arena_free(expected.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_refused_or_as_ever),
        cmocka_unit_test(one_record_is_lost_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
