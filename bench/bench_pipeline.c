/*
 * bench_pipeline.c - what one task costs a record, from memory and without a log: JSON in, operators, rows of
 * the state, JSON out. Usage: bench_pipeline QUERY RECORDS [KEYS [COMMIT_MB]]; the queries are below. Emits
 * once per commit, which comes at the end. Joins get a thousand records of one side, then of the other.
 *
 * With COMMIT_MB keys are drawn with density k^-0.8, the state follows in a file behind (in /tmp), and is
 * committed as in a worker, with changelog records, when so much of it is dirty. Figures are of the CPU's
 * time then, of the thread that works and of the one that writes the file.
 *
 * Under `valgrind --tool=callgrind` the difference between N and 2N records is what N records cost; it must
 * not grow with N.
 */
#include <inttypes.h>

#include <time.h>
#include <unistd.h>

#include "bench/planned.h"
#include "executor/dataflow/pipeline.h"

#define STREAM                                                                                               \
    "CREATE STREAM s (k STRING KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
#define TABLE                                                                                                \
    "CREATE TABLE s (k STRING PRIMARY KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
#define SECOND(kind, key)                                                                                    \
    "CREATE " kind " r (k STRING " key ", v BIGINT, t STRING) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');"
#define BY_KEY(columns) STREAM "CREATE TABLE o AS SELECT k, " columns " FROM s GROUP BY k;"
#define WINDOWED(columns, w) STREAM "CREATE TABLE o AS SELECT k, " columns " FROM s WINDOW " w " GROUP BY k;"

static const struct {
    const char *name, *sql;
} queries[] = {
    {"project", STREAM "CREATE STREAM o AS SELECT k, v + 1 AS v, t FROM s WHERE v >= 0;"},
    {"tumbling", WINDOWED("COUNT(*) AS n, SUM(v) AS sum", "TUMBLING (SIZE 1 MINUTE)")},
    {"hopping", WINDOWED("COUNT(*) AS n, SUM(v) AS sum", "HOPPING (SIZE 1 MINUTE, ADVANCE BY 20 SECONDS)")},
    {"session", WINDOWED("COUNT(*) AS n, SUM(v) AS sum", "SESSION (1 MINUTE)")},
    {"session_list", WINDOWED("COLLECT_LIST(t) AS l", "SESSION (1 MINUTE)")},
    {"table",
     TABLE "CREATE TABLE o AS SELECT v % 100 AS g, COUNT(*) AS n, SUM(v) AS sum FROM s GROUP BY v % 100;"},
    {"avg", BY_KEY("AVG(v) AS a")},
    {"max", BY_KEY("MAX(t) AS a")},
    {"list", BY_KEY("COLLECT_LIST(v) AS l")},
    {"texts", BY_KEY("COLLECT_LIST(t) AS l")},
    {"set", BY_KEY("COLLECT_SET(v) AS l")},
    {"histogram", BY_KEY("HISTOGRAM(t) AS h")},
    {"attr", BY_KEY("ATTR(v) AS a")},
    {"topk", BY_KEY("TOPK(v, 1000) AS l")},
    {"topkdistinct", BY_KEY("TOPKDISTINCT(v, 1000) AS l")},
    {"earliest", BY_KEY("EARLIEST_BY_OFFSET(t, 1000) AS l")},
    {"latest", BY_KEY("LATEST_BY_OFFSET(t, 1000) AS l")},
    {"distinct", BY_KEY("COUNT_DISTINCT(v) AS n")},
    {"join_streams",
     STREAM SECOND("STREAM", "KEY") "CREATE STREAM o AS SELECT s.k AS k, s.v, r.t FROM s JOIN r WITHIN 1000 "
                                    "MILLISECONDS ON s.k = r.k;"},
    {"join_left",
     STREAM SECOND("STREAM",
                   "KEY") "CREATE STREAM o AS SELECT s.k AS k, s.v, r.t FROM s LEFT JOIN r WITHIN 1000 "
                          "MILLISECONDS GRACE PERIOD 500 MILLISECONDS ON s.k = r.k;"},
    {"join_stream_table",
     STREAM SECOND("TABLE", "PRIMARY KEY") "CREATE STREAM o AS SELECT s.k AS k, s.v, r.t FROM s JOIN r "
                                           "ON s.k = r.k;"},
    {"join_tables",
     TABLE SECOND("TABLE", "PRIMARY KEY") "CREATE TABLE o AS SELECT s.k AS k, s.v, r.t FROM s JOIN r ON "
                                          "s.k = r.k;"},
};

/* ---- running: what comes out is counted ---- */

static size_t written;

static Status count_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    written += record->key.len + record->value.len;
    return OK;
}

static Status no_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err) { return OK; }

static void report_skip(PipelineHost *self, const SkipInfo *info)
{
    fprintf(stderr, "skipped: %s\n", info->message ? info->message : "late, or no key");
}

/* Cheap to make, so that what is measured is the pipeline. */
static Str put_text(char *to, const char *head, int64_t number, const char *tail)
{
    char  *at       = to;
    size_t head_len = strlen(head), tail_len = strlen(tail);
    at = (char *)memcpy(at, head, head_len) + head_len;
    at += int64_print(number, at);
    memcpy(at, tail, tail_len);
    return str_n(to, (size_t)(at - to) + tail_len);
}

static Status count_changelog(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                              Error *err)
{
    written += key.len + value.len;
    return OK;
}

/* ---- the state behind ---- */

static struct {
    StateFile  *file;
    StateShare *share;
    char        path[64];
    size_t      commit_bytes; /* 0: one commit, at the end */
    uint64_t    seed;
    size_t      commits;
} state = {.seed = 1};

static void open_state(Error *err)
{
    StateLag lag = {500000, (size_t)64 << 20};
    if (state.commit_bytes == 0) {
        check(state_file_open(NULL, &state.file, err), err);
        return;
    }
    snprintf(state.path, sizeof state.path, "/tmp/bench-pipeline-%d.db", (int)getpid());
    state.share = state_share_new();
    check(state_file_open_behind(state.path, state.share, &lag, (size_t)4 << 30, &state.file, err), err);
}

static void close_state(void)
{
    state_file_close(state.file);
    state_share_free(state.share);
    if (state.share != NULL)
        unlink(state.path);
}

static void commit_state(Pipeline *pipeline, Error *err)
{
    check(pipeline_flush(pipeline, err), err);
    if (state_file_can_prepare(state.file))
        state_file_prepare(state.file);
    pipeline_committed(pipeline);
    check(state_file_commit(state.file, err), err);
    state.commits++;
}

static int64_t draw_key(int64_t done, int64_t keys)
{
    if (state.commit_bytes == 0)
        return done % keys;
    state.seed = state.seed * 6364136223846793005ull + 1442695040888963407ull;
    double x   = (double)(state.seed >> 11) / 9007199254740992.0;
    return (int64_t)((double)keys * x * x * x * x * x);
}

static double cpu_us(clockid_t clock, int64_t count)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return ((double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3) / (double)count;
}

static void push_all(Pipeline *pipeline, int64_t count, int64_t keys, Error *err)
{
    enum { POLL = 1000 };
    static char keys_of[POLL][40], values_of[POLL][96];
    LogRecord   records[POLL];
    size_t      poll = 0;
    for (int64_t done = 0; done < count;) {
        size_t n = 0;
        for (; n < POLL && done < count; n++, done++) {
            int64_t v    = (int64_t)((uint64_t)done * 2654435761u % 1000003u);
            Str     head = put_text(values_of[n], "{\"v\":", v, "");
            Str     tail = put_text(values_of[n] + head.len, ",\"t\":\"text-", v % 700, "\"}");
            records[n]   = (LogRecord){.timestamp = done,
                                       .offset    = done,
                                       .key       = put_text(keys_of[n], "key-", draw_key(done, keys), ""),
                                       .value     = str_n(head.ptr, head.len + tail.len)};
        }
        check(pipeline_push(pipeline, poll++ % pipeline_input_count(pipeline), 0, records, n, err), err);
        if (state.commit_bytes > 0 && state_file_dirty_bytes(state.file) > state.commit_bytes)
            commit_state(pipeline, err);
    }
}

static void run(const char *sql, int64_t count, int64_t keys)
{
    Error        err;
    Planned      planned;
    Pipeline    *pipeline;
    PipelineHost host = {count_append, no_output, NULL, report_skip};
    planned_init(&planned);
    open_state(&err);
    if (state.commit_bytes > 0)
        host.changelog = count_changelog;
    PipelineSpec spec = {.plan                   = planned_query(&planned, sql),
                         .sub_topology           = ALL_DIRECT,
                         .state                  = state.file,
                         .host                   = &host,
                         .clock                  = &planned.clock,
                         .service_id             = STR_LIT("bench_"),
                         .emit_late              = true,
                         .emit_final_interval_ms = 1000};
    check(pipeline_open(&spec, &pipeline, &err), &err);
    int64_t start = clock_system()->monotonic_us(clock_system());
    push_all(pipeline, count, keys, &err);
    int64_t pushed = clock_system()->monotonic_us(clock_system());
    size_t  cached = state_file_cache_bytes(state.file);
    commit_state(pipeline, &err);
    printf("%" PRId64 " records: pushed in %.3f s, committed in %.3f s; %zu bytes cached, %zu written\n",
           count, (double)(pushed - start) / 1e6,
           (double)(clock_system()->monotonic_us(clock_system()) - pushed) / 1e6, cached, written);
    if (state.commit_bytes > 0)
        printf("%zu commits; %.2f us of the worker and %.2f of all a record\n", state.commits,
               cpu_us(CLOCK_THREAD_CPUTIME_ID, count), cpu_us(CLOCK_PROCESS_CPUTIME_ID, count));
    pipeline_close(pipeline);
    close_state();
    planned_clear(&planned);
}

int main(int argc, char **argv)
{
    int64_t count = 0, keys = 1000, megabytes = 0;
    bool    fits = argc >= 3 && int64_parse(str_c(argv[2]), &count) &&
                (argc < 4 || (int64_parse(str_c(argv[3]), &keys) && keys > 0)) &&
                (argc < 5 || (int64_parse(str_c(argv[4]), &megabytes) && megabytes > 0));
    state.commit_bytes = (size_t)megabytes << 20;
    if (fits)
        for (size_t i = 0; i < ARRAY_LEN(queries); i++)
            if (str_equal(str_c(queries[i].name), str_c(argv[1]))) {
                run(queries[i].sql, count, keys);
                return 0;
            }
    fprintf(stderr, "usage: bench_pipeline QUERY RECORDS [KEYS [COMMIT_MB]]; queries:");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        fprintf(stderr, " %s", queries[i].name);
    fprintf(stderr, "\n");
    return 2;
}
