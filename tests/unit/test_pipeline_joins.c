/*
 * test_pipeline_joins.c - joins where rows are held back: by a cache, whose old rows must stay exact, and by
 * the throttle of what waits for time.
 */
#include "plan_test.h"

typedef struct {
    PipelineHost host; /* first */
    Flow        *f;
    StrBuf       sink;
    StateFile   *file;
    Pipeline    *pipeline;
    int64_t      sums[8]; /* per group "0" to "7": what was last written */
} Bench;

static Status bench_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    Bench *b = (Bench *)self;
    strbuf_addf(&b->sink, STR_FMT " " STR_FMT " @%lld\n", STR_ARG(hash_key),
                STR_ARG(str_is_null(record->value) ? STR_LIT("null") : record->value),
                (long long)record->timestamp);
    if (hash_key.len == 1 && hash_key.ptr[0] >= '0' && hash_key.ptr[0] < '8' && record->value.len > 5)
        b->sums[hash_key.ptr[0] - '0'] = strtoll(record->value.ptr + 5, NULL, 10); /* {"N":... */
    return OK;
}

static Status bench_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err)
{
    return OK;
}

static void bench_skip(PipelineHost *self, const SkipInfo *info) {}

static int bench_setup(void **state)
{
    Bench *b = mem_calloc(1, sizeof *b);
    void  *flow;
    b->host = (PipelineHost){.append = bench_append, .output = bench_output, .skip = bench_skip};
    int rc  = flow_setup(&flow);
    b->f    = flow;
    *state  = b;
    return rc;
}

static int bench_teardown(void **state)
{
    Bench *b    = *state;
    void  *flow = b->f;
    pipeline_close(b->pipeline);
    state_file_close(b->file);
    flow_teardown(&flow);
    strbuf_clear(&b->sink);
    mem_free(b);
    return 0;
}

static void bench_open(Bench *b, const char *sql, bool late, int64_t throttle_ms)
{
    Flow        *f    = b->f;
    PipelineSpec spec = {.plan                   = flow_sql(f, sql),
                         .sub_topology           = ALL_DIRECT,
                         .host                   = &b->host,
                         .clock                  = &f->clock,
                         .service_id             = STR_LIT("test_"),
                         .emit_late              = late,
                         .emit_final_interval_ms = throttle_ms};
    FLOW_MUST(state_file_open(NULL, &b->file, &f->err));
    spec.state = b->file;
    FLOW_MUST(pipeline_open(&spec, &b->pipeline, &f->err));
}

/* value NULL: a tombstone. */
static void push(Bench *b, size_t input, const char *key, const char *value, int64_t timestamp)
{
    Flow     *f      = b->f;
    LogRecord record = {.timestamp = timestamp, .key = str_c(key)};
    if (value != NULL)
        record.value = str_c(value);
    FLOW_MUST(pipeline_push(b->pipeline, input, 0, &record, 1, &f->err));
}

static void commit(Bench *b)
{
    Flow *f = b->f;
    FLOW_MUST(pipeline_flush(b->pipeline, &f->err));
    FLOW_MUST(state_file_commit(b->file, &f->err));
    pipeline_committed(b->pipeline);
}

static void expect(Bench *b, const char *expected)
{
    strbuf_addc(&b->sink, 0);
    assert_string_equal(b->sink.ptr, expected);
    strbuf_reset(&b->sink);
}

/* ---- caches ---- */

#define TABLES                                                                                               \
    "CREATE TABLE a (k STRING PRIMARY KEY, g STRING) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON'); "          \
    "CREATE TABLE b (k STRING PRIMARY KEY, v BIGINT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON'); "          \
    "CREATE TABLE c (k STRING PRIMARY KEY, w BIGINT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON'); "

enum { KEYS = 6, CHANGES = 3000 };

typedef struct {
    uint64_t seed;
    int      g[KEYS];
    int64_t  v[KEYS], w[KEYS]; /* -1: no row */
} Model;

static int pick(Model *m, int below)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (int)(m->seed % (uint64_t)below);
}

static void change(Bench *b, Model *m)
{
    int  k = pick(m, KEYS), table = pick(m, 3), n = pick(m, 8) - 1;
    char key[2] = {(char)('a' + k), 0}, value[32];
    if (table == 0)
        m->g[k] = n;
    else
        (table == 1 ? m->v : m->w)[k] = n;
    snprintf(value, sizeof value,
             table == 0   ? "{\"g\":\"%d\"}"
             : table == 1 ? "{\"v\":%d}"
                          : "{\"w\":%d}",
             n);
    push(b, (size_t)table, key, n < 0 ? NULL : value, 1);
}

static void check_sums(Bench *b, const Model *m, bool with_c)
{
    int64_t sums[8] = {0};
    for (int k = 0; k < KEYS; k++)
        if (m->g[k] >= 0 && m->v[k] >= 0)
            sums[m->g[k]] += m->v[k] + (with_c && m->w[k] >= 0 ? m->w[k] : 0);
    for (int g = 0; g < 8; g++)
        assert_int_equal(b->sums[g], sums[g]);
}

/* Both sides change between two commits: what the aggregate takes out is what it was given. */
static void sums_over_a_join(void **state, bool late)
{
    Bench *b = *state;
    Model  m = {.seed = 77};
    for (int k = 0; k < KEYS; k++)
        m.g[k] = -1, m.v[k] = m.w[k] = -1;
    bench_open(b,
               TABLES "CREATE TABLE o AS SELECT g, SUM(v + COALESCE(w, CAST(0 AS BIGINT))) AS n "
                      "FROM a JOIN b ON a.k = b.k LEFT JOIN c ON b.k = c.k GROUP BY g;",
               late, 0);
    for (int i = 0; i < CHANGES; i++) {
        change(b, &m);
        if (pick(&m, 5) == 0) {
            commit(b);
            check_sums(b, &m, true);
        }
    }
}

static void a_cache_leaves_sums_over_a_join_exact(void **state) { sums_over_a_join(state, true); }
static void sums_over_a_join_are_exact_without_one(void **state) { sums_over_a_join(state, false); }

/* The right table's row is told of once, with the flush, whoever asked for it before. */
static void a_foreign_key_join_says_a_held_back_row_once(void **state)
{
    Bench *b = *state;
    bench_open(b, TABLES "CREATE TABLE o AS SELECT a.k AS k, g, v FROM a JOIN b ON a.g = b.k;", true, 0);
    push(b, 1, "x", "{\"v\":1}", 5);
    push(b, 0, "1", "{\"g\":\"x\"}", 3);
    expect(b, "");
    commit(b);
    expect(b, "1 {\"G\":\"x\",\"V\":1} @5\n");
    push(b, 1, "x", "{\"v\":2}", 6);
    push(b, 0, "2", "{\"g\":\"x\"}", 7); /* meets what was told of so far */
    expect(b, "2 {\"G\":\"x\",\"V\":1} @7\n");
    commit(b);
    expect(b, "1 {\"G\":\"x\",\"V\":2} @6\n2 {\"G\":\"x\",\"V\":2} @6\n");
}

/* ---- what waits for time ---- */

#define STREAMS                                                                                              \
    "CREATE STREAM l (k STRING KEY, a INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON'); "                    \
    "CREATE STREAM r (k STRING KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON'); "
#define LEFT_JOIN                                                                                            \
    STREAMS "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r WITHIN 10 MILLISECONDS "            \
            "GRACE PERIOD 90 MILLISECONDS ON l.k = r.k;"

static void what_the_throttle_holds_back_comes_with_the_next_flush(void **state)
{
    Bench *b = *state;
    bench_open(b, LEFT_JOIN, false, 1000000);
    push(b, 0, "x", "{\"a\":1}", 0);
    push(b, 0, "y", "{\"a\":2}", 101); /* the first look of all */
    expect(b, "x {\"A\":1,\"B\":null} @0\n");
    push(b, 0, "z", "{\"a\":3}", 300); /* y has closed, but a look was just taken */
    expect(b, "");
    commit(b);
    expect(b, "y {\"A\":2,\"B\":null} @101\n");
    commit(b);
    expect(b, "");
}

/* Results are those without a throttle: what has closed comes out before what matches it all the same. */
static void a_closed_row_comes_out_before_its_late_match(void **state)
{
    Bench *b = *state;
    bench_open(b, LEFT_JOIN, false, 1000000);
    push(b, 0, "w", "{\"a\":1}", 0);
    push(b, 0, "w", "{\"a\":1}", 101);
    expect(b, "w {\"A\":1,\"B\":null} @0\n");
    push(b, 0, "y", "{\"a\":2}", 102);
    push(b, 1, "z", "{\"b\":0}", 203); /* y has closed; its buffer still has it */
    push(b, 1, "y", "{\"b\":5}", 112);
    expect(b, "y {\"A\":2,\"B\":null} @102\ny {\"A\":2,\"B\":5} @112\n");
    commit(b);
    expect(b, "w {\"A\":1,\"B\":null} @101\n");
}

static void final_windows_held_back_come_with_the_next_flush(void **state)
{
    Bench *b = *state;
    bench_open(b,
               STREAMS
               "CREATE TABLE o AS SELECT k, SUM(a) AS n FROM l WINDOW TUMBLING (SIZE 10 MILLISECONDS, "
               "RETENTION 1 HOUR, GRACE PERIOD 0 MILLISECONDS) GROUP BY k EMIT FINAL;",
               true, 1000000);
    push(b, 0, "x", "{\"a\":1}", 0);
    push(b, 0, "x", "{\"a\":2}", 10);
    push(b, 0, "x", "{\"a\":3}", 20);
    expect(b, "");
    commit(b);
    expect(b, "x {\"N\":1} @0\nx {\"N\":2} @10\n");
    commit(b);
    expect(b, "");
}

/* Neither a rollback nor another start changes what is still to come. */
static void what_waits_is_saved(void **state)
{
    Bench *b     = *state;
    Flow  *f     = b->f;
    StrBuf saved = {0};
    bench_open(b, LEFT_JOIN, false, 0);
    push(b, 0, "x", "{\"a\":1}", 0);
    push(b, 1, "q", "{\"b\":1}", 50);
    commit(b);
    pipeline_save(b->pipeline, &saved);
    push(b, 0, "y", "{\"a\":2}", 200);
    expect(b, "x {\"A\":1,\"B\":null} @0\n");
    state_file_rollback(b->file);
    pipeline_rolled_back(b->pipeline);
    FLOW_MUST(pipeline_load(b->pipeline, strbuf_str(&saved), &f->err));
    push(b, 1, "x", "{\"b\":7}", 10);
    expect(b, "x {\"A\":1,\"B\":7} @10\n");
    push(b, 0, "y", "{\"a\":2}", 200);
    expect(b, "");
    strbuf_clear(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cache_leaves_sums_over_a_join_exact, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(sums_over_a_join_are_exact_without_one, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_foreign_key_join_says_a_held_back_row_once, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(what_the_throttle_holds_back_comes_with_the_next_flush, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(a_closed_row_comes_out_before_its_late_match, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(final_windows_held_back_come_with_the_next_flush, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_saved, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
