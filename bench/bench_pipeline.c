/*
 * bench_pipeline.c - what one task costs a record, from memory and without a log: JSON in, operators, rows of
 * the state, JSON out. Usage: bench_pipeline QUERY RECORDS [KEYS]; the queries are below. Emits once per
 * commit, which comes at the end. Joins get a thousand records of one side, then of the other.
 *
 * Under `valgrind --tool=callgrind` the difference between N and 2N records is what N records cost; it must
 * not grow with N.
 */
#include <inttypes.h>

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
                                       .key       = put_text(keys_of[n], "key-", done % keys, ""),
                                       .value     = str_n(head.ptr, head.len + tail.len)};
        }
        check(pipeline_push(pipeline, poll++ % pipeline_input_count(pipeline), 0, records, n, err), err);
    }
}

static void run(const char *sql, int64_t count, int64_t keys)
{
    Error        err;
    Planned      planned;
    StateFile   *file;
    Pipeline    *pipeline;
    PipelineHost host = {count_append, no_output, NULL, report_skip};
    planned_init(&planned);
    check(state_file_open(NULL, &file, &err), &err);
    PipelineSpec spec = {.plan                   = planned_query(&planned, sql),
                         .sub_topology           = ALL_DIRECT,
                         .state                  = file,
                         .host                   = &host,
                         .clock                  = &planned.clock,
                         .service_id             = STR_LIT("bench_"),
                         .emit_late              = true,
                         .emit_final_interval_ms = 1000};
    check(pipeline_open(&spec, &pipeline, &err), &err);
    int64_t start = clock_system()->monotonic_us(clock_system());
    push_all(pipeline, count, keys, &err);
    int64_t pushed = clock_system()->monotonic_us(clock_system());
    size_t  cached = state_file_cache_bytes(file);
    check(pipeline_flush(pipeline, &err), &err);
    check(state_file_commit(file, &err), &err);
    printf("%" PRId64 " records: pushed in %.3f s, committed in %.3f s; %zu bytes cached, %zu written\n",
           count, (double)(pushed - start) / 1e6,
           (double)(clock_system()->monotonic_us(clock_system()) - pushed) / 1e6, cached, written);
    pipeline_close(pipeline);
    state_file_close(file);
    planned_clear(&planned);
}

int main(int argc, char **argv)
{
    int64_t count = 0, keys = 1000;
    if (argc >= 3 && int64_parse(str_c(argv[2]), &count) &&
        (argc < 4 || (int64_parse(str_c(argv[3]), &keys) && keys > 0)))
        for (size_t i = 0; i < ARRAY_LEN(queries); i++)
            if (str_equal(str_c(queries[i].name), str_c(argv[1]))) {
                run(queries[i].sql, count, keys);
                return 0;
            }
    fprintf(stderr, "usage: bench_pipeline QUERY RECORDS [KEYS]; queries:");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        fprintf(stderr, " %s", queries[i].name);
    fprintf(stderr, "\n");
    return 2;
}
