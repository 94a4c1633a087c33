/*
 * test_emit_final.c - EMIT FINAL where the wall clock stands still, as it all but does over a backlog: every
 * window that closes comes out, once and with all its records, wherever batches, commits and restarts fall.
 */
#include <stdlib.h>
#include <unistd.h>

#include "plan_test.h"

enum { RECORDS = 3000, THROTTLE_MS = 1000 };

typedef struct {
    PipelineHost host; /* first */
    Flow        *f;
    StrBuf       sink;
    char         folder[32], path[48];
    StateFile   *file;
    Pipeline    *pipeline;
} Bench;

static Status bench_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    Bench  *b = (Bench *)self;
    StrBuf *s = &b->sink;
    flow_print_key(b->f, topic, record->key, s);
    strbuf_addf(s, " " STR_FMT "\n", STR_ARG(str_is_null(record->value) ? STR_LIT("null") : record->value));
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
    snprintf(b->folder, sizeof b->folder, "/tmp/emit-final-XXXXXX");
    *state = b;
    return rc == 0 && mkdtemp(b->folder) != NULL ? 0 : -1;
}

static void remove_state(Bench *b)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char                     path[64];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(path, sizeof path, "%s%s", b->path, ends[i]);
        unlink(path);
    }
}

static int bench_teardown(void **state)
{
    Bench *b    = *state;
    void  *flow = b->f;
    remove_state(b);
    rmdir(b->folder);
    flow_teardown(&flow);
    strbuf_clear(&b->sink);
    mem_free(b);
    return 0;
}

static void bench_open(Bench *b, const QueryPlan *plan, Str saved)
{
    Flow        *f    = b->f;
    PipelineSpec spec = {.plan                   = plan,
                         .sub_topology           = ALL_DIRECT,
                         .host                   = &b->host,
                         .clock                  = &f->clock,
                         .service_id             = STR_LIT("test_"),
                         .emit_final_interval_ms = THROTTLE_MS};
    snprintf(b->path, sizeof b->path, "%s/s.db", b->folder);
    FLOW_MUST(state_file_open(b->path, &b->file, &f->err));
    spec.state = b->file;
    FLOW_MUST(pipeline_open(&spec, &b->pipeline, &f->err));
    FLOW_MUST(pipeline_load(b->pipeline, saved, &f->err));
}

static void bench_close(Bench *b)
{
    pipeline_close(b->pipeline);
    state_file_close(b->file);
}

/* How a run is cut up. Every `commit` records there is a commit (0: at the end), of which every `restart`th
 * is followed by a restart from the file. */
typedef struct {
    size_t batch, commit, restart;
} Cut;

static void commit(Bench *b, const QueryPlan *plan, bool restart)
{
    Flow  *f     = b->f;
    StrBuf saved = {0};
    FLOW_MUST(pipeline_flush(b->pipeline, &f->err));
    pipeline_save(b->pipeline, &saved);
    FLOW_MUST(state_file_commit(b->file, &f->err));
    pipeline_committed(b->pipeline);
    if (restart) {
        bench_close(b);
        bench_open(b, plan, strbuf_str(&saved));
    }
    strbuf_clear(&saved);
}

static Str run(Bench *b, const QueryPlan *plan, const LogRecord *records, size_t count, const Cut *cut)
{
    Flow  *f       = b->f;
    size_t commits = 0, uncommitted = 0;
    strbuf_reset(&b->sink);
    bench_open(b, plan, STR_NULL);
    for (size_t done = 0, size; done < count; done += size) {
        size = count - done < cut->batch ? count - done : cut->batch;
        FLOW_MUST(pipeline_push(b->pipeline, 0, 0, records + done, size, &f->err));
        uncommitted += size;
        if (cut->commit > 0 && uncommitted >= cut->commit) {
            uncommitted = 0;
            commits++;
            commit(b, plan, cut->restart > 0 && commits % cut->restart == 0);
        }
    }
    commit(b, plan, false);
    bench_close(b);
    remove_state(b);
    return str_dup(f->arena, strbuf_str(&b->sink));
}

/* Three keys, a record a second, with a pause of an hour (longer than all that is retained) now and then. */
static void make_records(Flow *f, LogRecord *records)
{
    static const char *const keys[] = {"x", "y", "z"};
    int64_t                  time   = 1700000000000;
    for (size_t i = 0; i < RECORDS; i++) {
        time += i % 701 == 700 ? 3600000 : 1000;
        records[i] = (LogRecord){.timestamp = time, .key = str_c(keys[i % 3]), .value = STR_LIT("{\"a\":1}")};
    }
}

/* What a window of that advance has to come out as: by start and key, all that have closed. */
static Str windows_of(Flow *f, const LogRecord *records, int64_t size, int64_t advance, int64_t grace)
{
    StrBuf  out  = {0};
    int64_t last = records[RECORDS - 1].timestamp, start = (records[0].timestamp - size) / advance * advance;
    size_t  from = 0;
    for (; start + size + grace <= last; start += advance) {
        int64_t counts[3] = {0};
        while (records[from].timestamp < start)
            from++;
        for (size_t i = from; i < RECORDS && records[i].timestamp < start + size; i++)
            counts[records[i].key.ptr[0] - 'x']++;
        for (int k = 0; k < 3; k++)
            if (counts[k] > 0)
                strbuf_addf(&out, "%c[%lld,%lld] {\"N\":%lld}\n", 'x' + k, (long long)start,
                            (long long)(start + size), (long long)counts[k]);
    }
    Str text = str_dup(f->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

static const Cut cuts[] = {{256, 0, 0}, {RECORDS, 0, 0}, {1, 1, 0}, {7, 100, 0}, {256, 512, 1}, {10, 300, 2}};

#define STREAM "CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define COUNT_IN(window)                                                                                     \
    STREAM "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW " window " GROUP BY k EMIT FINAL;"

static const struct {
    const char *sql;
    int64_t     size, advance, grace;
} cases[] = {
    {COUNT_IN("TUMBLING (SIZE 20 SECONDS, GRACE PERIOD 10 SECONDS)"), 20000, 20000, 10000},
    {COUNT_IN("TUMBLING (SIZE 20 SECONDS)"), 20000, 20000, 0},
    {COUNT_IN("TUMBLING (SIZE 20 SECONDS, RETENTION 1 HOUR, GRACE PERIOD 5 MINUTES)"), 20000, 20000, 300000},
    {COUNT_IN("HOPPING (SIZE 30 SECONDS, ADVANCE BY 10 SECONDS, GRACE PERIOD 5 SECONDS)"), 30000, 10000,
     5000},
};

static void assert_same(Str got, Str wanted, Flow *f)
{
    assert_string_equal(str_to_c(f->arena, got), str_to_c(f->arena, wanted));
}

static void no_window_is_lost(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    static LogRecord records[RECORDS];
    make_records(f, records);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const QueryPlan *plan   = flow_sql(f, i == 0 ? cases[i].sql : cases[i].sql + strlen(STREAM));
        Str              wanted = windows_of(f, records, cases[i].size, cases[i].advance, cases[i].grace);
        for (size_t c = 0; c < ARRAY_LEN(cuts); c++) {
            print_message("case %zu, cut %zu\n", i, c);
            assert_same(run(b, plan, records, RECORDS, &cuts[c]), wanted, f);
        }
        catalog_remove_source(f->catalog, STR_LIT("O"));
    }
}

/* A late record lies within the gap of a session that has closed and of one that has not. Whether the first
 * has been emitted by then is a matter of the wall clock; it has its end all the same. The second takes the
 * record, even where it has come to the very millisecond at which it is not yet too late. */
static void a_closed_session_stays_as_it_is(void **state)
{
    static const FlowRecord in[]  = {{NULL, "x", NULL, 1000}, {NULL, "x", NULL, 1020},
                                     {NULL, "y", NULL, 1030}, {NULL, "x", NULL, 1010},
                                     {NULL, "z", NULL, 1015}, {NULL, "y", NULL, 2000}};
    static const char       out[] = "x[1000,1000] {\"N\":1}\nz[1015,1015] {\"N\":1}\nx[1010,1020] {\"N\":2}\n"
                                    "y[1030,1030] {\"N\":1}\n";
    Bench                  *b     = *state;
    Flow                   *f     = b->f;
    LogRecord               records[ARRAY_LEN(in)];
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        records[i] =
            (LogRecord){.timestamp = in[i].timestamp, .key = str_c(in[i].key), .value = STR_LIT("{\"a\":1}")};
    static const char *const windows[] = {
        COUNT_IN("SESSION (10 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS)"),
        COUNT_IN("SESSION (10 MILLISECONDS, RETENTION 1 DAY, GRACE PERIOD 5 MILLISECONDS)")};
    for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
        const QueryPlan *plan = flow_sql(f, i == 0 ? windows[i] : windows[i] + strlen(STREAM));
        for (size_t c = 0; c < ARRAY_LEN(cuts); c++) {
            print_message("window %zu, cut %zu\n", i, c);
            assert_same(run(b, plan, records, ARRAY_LEN(in), &cuts[c]), str_c(out), f);
        }
        catalog_remove_source(f->catalog, STR_LIT("O"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_window_is_lost, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_closed_session_stays_as_it_is, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
