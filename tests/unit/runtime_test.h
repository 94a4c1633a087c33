/*
 * runtime_test.h - a node in a test: a log, a directory, a runtime, and SQL planned against the log's topics.
 *
 * The log is embedded in the node's directory, or the Kafka at SLUICE_TEST_BOOTSTRAP; names carry a prefix of
 * the test, since a broker outlives it.
 */
#ifndef SLUICE_TESTS_RUNTIME_TEST_H
#define SLUICE_TESTS_RUNTIME_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor/runtime/runtime.h"
#include "parser/parser.h"
#include "planner/planner.h"

typedef struct {
    PlannerHost    host; /* first */
    Arena         *arena;
    Catalog       *catalog;
    Functions     *functions;
    Log           *log;
    Runtime       *runtime;
    char           dir[256];
    char           service[64];
    char           node_id[80];
    int64_t        query_number;
    int64_t        generation; /* of the queries: others are others' with the same id */
    RuntimeOptions options;
    Error          err;
} Node;

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        Status must_ = (call);                                                                               \
        if (must_ != OK)                                                                                     \
            fail_msg("%s: %s: %s", #call, status_name(must_), n->err.message);                               \
    } while (0)

#define STREAM "CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"

/* feed() writes so many records, with so many different values. */
enum { KEYS = 7, RECORDS = 3000 };

/* The folder of all nodes of this program. */
static char root[128];
static int  serial;

static Str node_property(const PlannerHost *self, const char *name) { return STR_NULL; }

static bool node_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    TopicInfo info;
    if (log_topic_info(((const Node *)self)->log, topic, &info, NULL) != OK)
        return false;
    *partitions = info.partitions;
    *replicas   = info.replicas;
    return true;
}

static int64_t node_retention(const PlannerHost *self, Str topic) { return -1; }

static inline bool on_kafka(void) { return getenv("SLUICE_TEST_BOOTSTRAP") != NULL; }

static inline void node_open_log(Node *n)
{
    const LogConfig configs[] = {{"bootstrap.servers", getenv("SLUICE_TEST_BOOTSTRAP")}};
    char            path[300];
    snprintf(path, sizeof path, "%s/log.db", n->dir);
    if (on_kafka())
        MUST(log_open_kafka(configs, 1, &n->log, &n->err));
    else
        MUST(log_open_embedded(path, clock_system(), &n->log, &n->err));
}

/* A node on a directory, without its runtime. */
static inline Node *node_new(const char *dir, const char *service)
{
    Node *n = mem_calloc(1, sizeof *n);
    snprintf(n->dir, sizeof n->dir, "%s", dir);
    snprintf(n->service, sizeof n->service, "%s", service);
    snprintf(n->node_id, sizeof n->node_id, "%s-node", service);
    n->host      = (PlannerHost){node_property, node_topic, node_retention};
    n->arena     = arena_new(0);
    n->catalog   = catalog_new();
    n->functions = functions_open();
    n->options   = (RuntimeOptions){.clock                    = clock_system(),
                                    .state_dir                = n->dir,
                                    .service_id               = str_c(n->service),
                                    .node_id                  = str_c(n->node_id),
                                    .workers                  = 2,
                                    .exactly_once             = true,
                                    .commit_interval_ms       = -1,
                                    .cache_bytes              = 10 << 20,
                                    .retry_backoff_initial_ms = 100,
                                    .retry_backoff_max_ms     = 400};
    node_open_log(n);
    return n;
}

static inline void node_run(Node *n)
{
    n->options.log = n->log;
    MUST(runtime_open(&n->options, &n->runtime, &n->err));
}

static inline void node_stop(Node *n)
{
    runtime_close(n->runtime);
    n->runtime = NULL;
}

static inline void node_free(Node *n)
{
    node_stop(n);
    log_close(n->log);
    functions_close(n->functions);
    catalog_free(n->catalog);
    arena_free(n->arena);
    mem_free(n);
}

static inline void node_topic_make(Node *n, const char *name, int partitions)
{
    const LogConfig kept[] = {{"retention.ms", "-1"}}; /* the records' times are of 1970 */
    Status          status = log_topic_create(n->log, str_c(name), partitions, 1, kept, 1, &n->err);
    if (status != E_EXISTS)
        MUST(status);
}

static const QueryPlan *node_statement(Node *n, const AstStatement *statement)
{
    Planner planner = {n->catalog,     n->functions, &n->host,          NULL,
                       clock_system(), n->arena,     n->query_number++, str_c(n->service)};
    if (statement->kind == STMT_CREATE_SOURCE) {
        Source    *source;
        TopicWish  topic;
        QueryPlan *plan = NULL;
        MUST(plan_create_source(&planner, statement, &source, &topic, &plan, &n->err));
        catalog_put_source(n->catalog, source);
        return plan;
    }
    PersistentQuery *query;
    MUST(plan_persistent_query(&planner, statement, &query, &n->err));
    if (query->kind != QUERY_INSERT) {
        catalog_put_source(n->catalog, query->sink);
        char *name = str_to_c(n->arena, query->topic.name);
        node_topic_make(n, name,
                        query->topic.partitions > 0 ? query->topic.partitions : query->plan->partitions);
    }
    query->plan->generation = n->generation;
    return query->plan;
}

/* Plans all statements; how many of them are queries, whose plans are in `plans`. */
static inline size_t node_plans(Node *n, const char *sql, const QueryPlan **plans, size_t most)
{
    AstScript script;
    size_t    count = 0;
    MUST(parse_script(n->arena, str_dup(n->arena, str_c(sql)), &(ParseOptions){0}, &script, &n->err));
    for (size_t i = 0; i < script.count; i++) {
        const QueryPlan *plan = node_statement(n, script.items[i]);
        if (plan == NULL)
            continue;
        assert_true(count < most);
        plans[count++] = plan;
    }
    return count;
}

/* What a statement of a client would say that SET auto.offset.reset = earliest. */
static inline QuerySettings node_settings(const Node *n)
{
    QuerySettings settings;
    runtime_settings(&n->options, &settings);
    settings.offset_reset = OFFSET_RESET_EARLIEST;
    return settings;
}

/* Plans all statements and starts their queries; the plan of the last. */
static inline const QueryPlan *node_sql(Node *n, const char *sql)
{
    const QueryPlan *plans[16];
    QuerySettings    settings = node_settings(n);
    QueryOptions     options  = {.settings = &settings};
    size_t           count    = node_plans(n, sql, plans, ARRAY_LEN(plans));
    for (size_t i = 0; i < count; i++)
        MUST(runtime_start_query(n->runtime, plans[i], &options, NULL, NULL, &n->err));
    return count > 0 ? plans[count - 1] : NULL;
}

static inline const QueryPlan *node_push_plan(Node *n, const char *sql)
{
    AstScript  script;
    QueryPlan *plan;
    Planner    planner = {n->catalog,     n->functions, &n->host,          NULL,
                          clock_system(), n->arena,     n->query_number++, str_c(n->service)};
    MUST(parse_script(n->arena, str_dup(n->arena, str_c(sql)), &(ParseOptions){0}, &script, &n->err));
    MUST(plan_push_query(&planner, script.items[0], STR_LIT("transient_1"), &plan, &n->err));
    return plan;
}

/* ---- a fresh node, and names that are its own: a $ in SQL stands for its prefix ---- */

static inline int make_root(void **state)
{
    snprintf(root, sizeof root, "/tmp/sluice-runtime-XXXXXX");
    return mkdtemp(root) == NULL;
}

static inline int remove_root(void **state)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static inline Node *fresh(const char *name)
{
    char dir[200], service[64];
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    mkdir(dir, 0777);
    snprintf(service, sizeof service, "t%d_%s%d_", (int)getpid(), name, serial++);
    return node_new(dir, service);
}

/* Topics of a broker that outlives the test have to differ. */
static inline const char *topic_of(Node *n, const char *name)
{
    return str_to_c(n->arena, str_printf(n->arena, "%s%s", n->service, name));
}

static inline const char *sql_of(Node *n, const char *format)
{
    StrBuf out = {0};
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '$')
            strbuf_adds(&out, n->service);
        else
            strbuf_addc(&out, *at);
    }
    char *sql = str_to_c(n->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return sql;
}

/* ---- records ---- */

static inline LogWriter *node_writer(Node *n)
{
    LogWriter *writer;
    MUST(log_writer_open(n->log, &(WriterOptions){.linger_ms = -1}, &writer, &n->err));
    return writer;
}

static inline void node_send(Node *n, LogWriter *writer, const char *topic, const char *key,
                             const char *value, int64_t timestamp)
{
    LogRecord record = {.timestamp = timestamp, .key = str_c(key), .value = str_c(value)};
    MUST(log_append(writer, str_c(topic), PARTITION_BY_KEY, &record, STR_NULL, &n->err));
}

static inline void node_flush(Node *n, LogWriter *writer) { MUST(log_flush(writer, 30000, &n->err)); }

/* All records of a topic as lines "key value", sorted where order is no promise (by partition, then as
 * written). */
static inline void node_read(Node *n, const char *topic, StrBuf *out)
{
    LogReader *reader;
    TopicInfo  info;
    MUST(log_topic_info(n->log, str_c(topic), &info, &n->err));
    MUST(log_reader_open(n->log, &(ReaderOptions){0}, &reader, &n->err));
    for (int p = 0; p < info.partitions; p++) {
        int      handle;
        int64_t  first, end;
        LogBatch batch;
        MUST(log_offsets(n->log, str_c(topic), p, &first, &end, &n->err));
        MUST(log_reader_assign(reader, str_c(topic), p, LOG_EARLIEST, &handle, &n->err));
        while (log_reader_position(reader, handle) < end) {
            log_reader_wait(reader, 100);
            MUST(log_reader_take(reader, handle, 1000, &batch, &n->err));
            for (size_t i = 0; i < batch.count; i++)
                strbuf_addf(out, STR_FMT " " STR_FMT "\n", STR_ARG(batch.records[i].key),
                            STR_ARG(batch.records[i].value));
            log_batch_release(reader, &batch);
        }
        log_reader_unassign(reader, handle);
    }
    log_reader_close(reader);
}

static inline size_t lines(Str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

static inline size_t count_lines(Node *n, const char *topic)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, topic), &got);
    size_t count = lines(strbuf_str(&got));
    strbuf_clear(&got);
    return count;
}

static inline void assert_topic(Node *n, const char *topic, const char *expected)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, topic), &got);
    strbuf_addc(&got, '\0');
    assert_string_equal(got.ptr, expected);
    strbuf_clear(&got);
}

static inline void feed(Node *n)
{
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < RECORDS; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"V\":%d}", i % KEYS);
        node_send(n, writer, topic_of(n, "in"), key, value, i);
    }
    node_flush(n, writer);
    log_writer_close(writer);
}

static inline void node_wait_idle(Node *n, int seconds)
{
    for (int i = 0; i < seconds * 200; i++) {
        if (runtime_is_idle(n->runtime))
            return;
        usleep(5000);
    }
    fail_msg("the queries are not idle after %d s", seconds);
}

#endif
