/*
 * jobs.c - fixed small jobs whose instructions are counted: `jobs NAME` under callgrind, which counts between
 * the two toggles only. `jobs` alone lists them.
 *
 * A job is the same each time: fixed records, a virtual clock, no thread, no file, no network. What it counts
 * is what a change of the code costs, with no clock that a busy machine could disturb
 * (tests/instructions/README.md).
 */
#include <valgrind/callgrind.h>

#include "bench/planned.h"
#include "executor/dataflow/pipeline.h"
#include "log/log.h"

#define STREAM                                                                                               \
    "CREATE STREAM s (k STRING KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
#define TABLE "CREATE TABLE u (k STRING PRIMARY KEY, n STRING) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');"

#define PAYMENTS                                                                                             \
    "CREATE STREAM p (k STRING KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON');"
#define SIDES                                                                                                \
    "CREATE TABLE l (k STRING PRIMARY KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON');" \
    "CREATE TABLE r (k STRING PRIMARY KEY, v BIGINT, t STRING) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');"

enum { RECORDS = 20000, KEYS = 500, POLL = 500, QUERIES = 200, PULLS = 500, LOG_RECORDS = 50000 };

/* ---- records ---- */

typedef struct {
    LogRecord records[POLL];
    char      keys[POLL][24], values[POLL][96];
} Poll;

static void fill(Poll *poll, int first, bool table)
{
    for (int i = 0; i < POLL; i++) {
        int n = first + i, v = (int)((unsigned)n * 2654435761u % 1000003u);
        snprintf(poll->keys[i], sizeof poll->keys[i], "key-%d", n % KEYS);
        if (table)
            snprintf(poll->values[i], sizeof poll->values[i], "{\"N\":\"name-%d\"}", v % 700);
        else
            snprintf(poll->values[i], sizeof poll->values[i], "{\"V\":%d,\"T\":\"text-%d\"}", v, v % 700);
        poll->records[i] = (LogRecord){.timestamp = 10 * (int64_t)n,
                                       .offset    = n,
                                       .key       = str_c(poll->keys[i]),
                                       .value     = str_c(poll->values[i])};
    }
}

/* ---- pipelines ---- */

static size_t written;

static Status count_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    written++;
    return OK;
}

static Status no_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err) { return OK; }

static Status count_changelog(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                              Error *err)
{
    written++;
    return OK;
}

static void no_skip(PipelineHost *self, const SkipInfo *info) { exit(1); }

static PipelineHost host = {.append = count_append, .output = no_output, .skip = no_skip};

static void open_pipeline(Planned *planned, StateFile *file, const QueryPlan *plan, Pipeline **out)
{
    Error        err;
    PipelineSpec spec = {.plan         = plan,
                         .sub_topology = ALL_DIRECT,
                         .state        = file,
                         .host         = &host,
                         .clock        = &planned->clock,
                         .service_id   = STR_LIT("jobs_"),
                         .emit_late    = true};
    check(pipeline_open(&spec, out, &err), &err);
}

/* `table_first`: the second input is a table, which is filled before anything is counted. */
static void run_query(const char *sql, bool table_first)
{
    static Poll poll;
    Error       err;
    Planned     planned;
    StateFile  *file;
    Pipeline   *pipeline;
    planned_init(&planned);
    check(state_file_open(NULL, &file, &err), &err);
    open_pipeline(&planned, file, planned_query(&planned, sql), &pipeline);
    if (table_first) {
        fill(&poll, 0, true);
        check(pipeline_push(pipeline, 1, 0, poll.records, POLL, &err), &err);
    }
    for (int n = 0; n < RECORDS; n += POLL) {
        fill(&poll, n, false);
        CALLGRIND_TOGGLE_COLLECT;
        check(pipeline_push(pipeline, 0, 0, poll.records, POLL, &err), &err);
        CALLGRIND_TOGGLE_COLLECT;
    }
    CALLGRIND_TOGGLE_COLLECT;
    check(pipeline_flush(pipeline, &err), &err);
    check(state_file_commit(file, &err), &err);
    CALLGRIND_TOGGLE_COLLECT;
    if (written == 0)
        exit(1);
    pipeline_close(pipeline);
    state_file_close(file);
    planned_clear(&planned);
}

static void filter_json(void)
{
    run_query(STREAM "CREATE STREAM o AS SELECT k, v + 1 AS v, t FROM s WHERE v >= 500000;", false);
}

static void tumbling_count(void)
{
    run_query(
        STREAM
        "CREATE TABLE o AS SELECT k, COUNT(*) AS n, SUM(v) AS sum FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"
        " GROUP BY k;",
        false);
}

static void session_count(void)
{
    run_query(STREAM
              "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (10 MINUTES) GROUP BY k;",
              false);
}

static void stream_table_join(void)
{
    run_query(STREAM TABLE "CREATE STREAM o AS SELECT s.k, s.v, u.n FROM s LEFT JOIN u ON s.k = u.k;", true);
}

/* Both tables get each key several times before the commit that emits it. */
static void table_table_join(void)
{
    static Poll poll;
    Error       err;
    Planned     planned;
    StateFile  *file;
    Pipeline   *pipeline;
    planned_init(&planned);
    check(state_file_open(NULL, &file, &err), &err);
    open_pipeline(&planned, file,
                  planned_query(&planned, SIDES
                                "CREATE TABLE o AS SELECT l.k AS k, l.v, r.t FROM l JOIN r ON l.k = r.k;"),
                  &pipeline);
    for (int n = 0; n < RECORDS; n += POLL) {
        fill(&poll, n, false);
        CALLGRIND_TOGGLE_COLLECT;
        check(pipeline_push(pipeline, (size_t)(n / POLL % 2), 0, poll.records, POLL, &err), &err);
        if (n % (8 * POLL) == 7 * POLL) {
            check(pipeline_flush(pipeline, &err), &err);
            check(state_file_commit(file, &err), &err);
        }
        CALLGRIND_TOGGLE_COLLECT;
    }
    if (written == 0)
        exit(1);
    pipeline_close(pipeline);
    state_file_close(file);
    planned_clear(&planned);
}

/* Runs of five records of two streams in turn. Each order is new, four of five payments find one of the run
 * before. The changelog is made, and there is no commit: a file
 * without a thread would get the rows that others keep in memory. */
static void stream_stream_join(void)
{
    enum { RUN = 5 };
    static Poll poll;
    Error       err;
    Planned     planned;
    StateFile  *file;
    Pipeline   *pipeline;
    host.changelog = count_changelog;
    planned_init(&planned);
    check(state_file_open(NULL, &file, &err), &err);
    open_pipeline(
        &planned, file,
        planned_query(&planned, STREAM PAYMENTS
                      "CREATE STREAM o AS SELECT s.k AS k, s.v, p.t FROM s JOIN p WITHIN 30 SECONDS "
                      "GRACE PERIOD 1 SECOND ON s.k = p.k;"),
        &pipeline);
    for (int n = 0; n < RECORDS; n += POLL) {
        fill(&poll, n, false);
        for (int i = 0; i < POLL; i++) {
            int tick = (n + i) / (2 * RUN) * RUN + i % RUN, payment = (n + i) / RUN % 2;
            snprintf(poll.keys[i], sizeof poll.keys[i], "%s-%d", payment && i % RUN == 0 ? "none" : "order",
                     payment ? tick - RUN : tick);
            poll.records[i].key       = str_c(poll.keys[i]);
            poll.records[i].timestamp = n + i; /* nothing expires */
        }
        CALLGRIND_TOGGLE_COLLECT;
        for (int i = 0; i < POLL; i += RUN)
            check(pipeline_push(pipeline, (size_t)((n + i) / RUN % 2), 0, poll.records + i, RUN, &err), &err);
        CALLGRIND_TOGGLE_COLLECT;
    }
    CALLGRIND_TOGGLE_COLLECT;
    check(pipeline_flush(pipeline, &err), &err);
    CALLGRIND_TOGGLE_COLLECT;
    if (written < RECORDS * 13 / 10) /* changelog records, and four matches in ten */
        exit(1);
    pipeline_close(pipeline);
    state_file_close(file);
    planned_clear(&planned);
}

/* Parsing, planning and opening, as a start does it for each query. */
static void start_queries(void)
{
    Error      err;
    Planned    planned;
    StateFile *file;
    Pipeline  *pipelines[QUERIES];
    char       sql[256];
    planned_init(&planned);
    planned_sources(&planned, STREAM);
    check(state_file_open(NULL, &file, &err), &err);
    CALLGRIND_TOGGLE_COLLECT;
    for (int i = 0; i < QUERIES; i++) {
        snprintf(sql, sizeof sql,
                 "CREATE TABLE o%d AS SELECT k, COUNT(*) AS n, MAX(v) AS top FROM s WHERE t LIKE '%%a%%' "
                 "GROUP BY k;",
                 i);
        open_pipeline(&planned, file, planned_query(&planned, sql), &pipelines[i]);
    }
    CALLGRIND_TOGGLE_COLLECT;
    for (int i = 0; i < QUERIES; i++)
        pipeline_close(pipelines[i]);
    state_file_close(file);
    planned_clear(&planned);
}

static void plan_pulls(void)
{
    Planned planned;
    char    sql[128];
    planned_init(&planned);
    (void)planned_query(&planned,
                        STREAM "CREATE TABLE o AS SELECT k, COUNT(*) AS n, MAX(v) AS top FROM s GROUP BY k;");
    CALLGRIND_TOGGLE_COLLECT;
    for (int i = 0; i < PULLS; i++) {
        snprintf(sql, sizeof sql, "SELECT k, n, top FROM o WHERE k = 'key-%d';", i);
        planned_pull(&planned, sql);
    }
    CALLGRIND_TOGGLE_COLLECT;
    planned_clear(&planned);
}

/* ---- the embedded log, in memory: without a file there is no thread ---- */

static void fill_log(Log *log, bool count)
{
    static Poll   poll;
    Error         err;
    LogWriter    *writer;
    WriterOptions options = {.transactional_id = "jobs", .linger_ms = -1};
    check(log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &err), &err);
    check(log_writer_open(log, &options, &writer, &err), &err);
    for (int n = 0; n < LOG_RECORDS; n += POLL) {
        fill(&poll, n, false);
        if (count)
            CALLGRIND_TOGGLE_COLLECT;
        check(log_txn_begin(writer, &err), &err);
        for (int i = 0; i < POLL; i++)
            check(log_append(writer, STR_LIT("t"), 0, &poll.records[i], STR_NULL, &err), &err);
        check(log_txn_commit(writer, &err), &err);
        if (count)
            CALLGRIND_TOGGLE_COLLECT;
    }
    log_writer_close(writer);
}

static Log *open_log(Clock *clock)
{
    Error err;
    Log  *log;
    clock_init_virtual(clock, 1700000000000, 1);
    check(log_open_embedded(NULL, clock, &log, &err), &err);
    return log;
}

static void log_append_job(void)
{
    Clock clock;
    Log  *log = open_log(&clock);
    fill_log(log, true);
    log_close(log);
}

static void log_read_job(void)
{
    Clock      clock;
    Error      err;
    LogReader *reader;
    int        handle, seen = 0;
    Log       *log = open_log(&clock);
    fill_log(log, false);
    check(log_reader_open(log, NULL, &reader, &err), &err);
    check(log_reader_assign(reader, STR_LIT("t"), 0, LOG_EARLIEST, &handle, &err), &err);
    CALLGRIND_TOGGLE_COLLECT;
    while (!log_reader_at_end(reader, handle)) {
        LogBatch batch;
        check(log_reader_take(reader, handle, 1000, &batch, &err), &err);
        seen += (int)batch.count;
        log_batch_release(reader, &batch);
    }
    CALLGRIND_TOGGLE_COLLECT;
    if (seen != LOG_RECORDS)
        exit(1);
    log_reader_close(reader);
    log_close(log);
}

static const struct {
    const char *name;
    void (*run)(void);
} jobs[] = {
    {"filter_json", filter_json},           {"tumbling_count", tumbling_count},
    {"session_count", session_count},       {"stream_table_join", stream_table_join},
    {"table_table_join", table_table_join}, {"stream_stream_join", stream_stream_join},
    {"start_queries", start_queries},       {"plan_pulls", plan_pulls},
    {"log_append", log_append_job},         {"log_read", log_read_job},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        if (argc < 2)
            puts(jobs[i].name);
        else if (strcmp(argv[1], jobs[i].name) == 0) {
            jobs[i].run();
            return 0;
        }
    }
    return argc < 2 ? 0 : 2;
}
