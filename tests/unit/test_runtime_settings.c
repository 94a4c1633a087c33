/*
 * test_runtime_settings.c - a query runs by the settings that it was made with, whatever the server's are.
 *
 * Which guarantee a sink's records have is seen by the writers that a worker opens: those of at_least_once go
 * by one without transactions. The log is the real one, with its writers counted.
 */
#include <stdatomic.h>

#include "log/log_backend.h"
#include "runtime_test.h"

static const LogBackend *whole;
static LogBackend        counting;
static atomic_int        plain_writers;

static Status open_counting(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    atomic_fetch_add(&plain_writers, options->transactional_id == NULL && options->client_id != NULL &&
                                         strcmp(options->client_id, "sluice-worker-sink") == 0);
    return whole->writer_open(log, options, out, err);
}

static void send_to(Node *n, const char *key, int value)
{
    char       text[32];
    LogWriter *writer = node_writer(n);
    snprintf(text, sizeof text, "{\"V\":%d}", value);
    LogRecord record = {.key = str_c(key), .value = str_c(text), .timestamp = 1000};
    MUST(log_append_sync(writer, str_c(topic_of(n, "in")), 0, &record, STR_NULL, NULL, &n->err));
    log_writer_close(writer);
}

static void wait_for_lines(Node *n, const char *topic, size_t count)
{
    for (int i = 0; i < 1000 && count_lines(n, topic) < count; i++)
        usleep(10000);
    assert_int_equal(count_lines(n, topic), count);
}

static Node *node_counting(const char *name, bool exactly_once)
{
    Node *n                        = fresh(name);
    n->options.workers             = 1;
    n->options.exactly_once        = exactly_once;
    whole                          = ((LogHandle *)n->log)->backend;
    counting                       = *whole;
    counting.writer_open           = open_counting;
    ((LogHandle *)n->log)->backend = &counting;
    atomic_store(&plain_writers, 0);
    node_topic_make(n, topic_of(n, "in"), 1);
    return n;
}

static void start_with(Node *n, const char *sql, const QuerySettings *settings)
{
    const QueryPlan *plans[4];
    QueryOptions     options = {.settings = settings};
    size_t           count   = node_plans(n, sql_of(n, sql), plans, ARRAY_LEN(plans));
    for (size_t i = 0; i < count; i++)
        MUST(runtime_start_query(n->runtime, plans[i], &options, NULL, NULL, &n->err));
}

/* ksql.streams.processing.guarantee */
static void a_guarantee_is_the_querys(void **state)
{
    static const struct {
        bool server;
        int  query, plain;
    } cases[] = {{false, GUARANTEE_EXACTLY_ONCE_V2, 0},
                 {false, GUARANTEE_AT_LEAST_ONCE, 1},
                 {true, GUARANTEE_AT_LEAST_ONCE, 1},
                 {true, GUARANTEE_EXACTLY_ONCE_V2, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char  name[32];
        Node *n;
        snprintf(name, sizeof name, "guarantee%zu", i);
        n = node_counting(name, cases[i].server);
        node_run(n);
        QuerySettings settings = node_settings(n);
        settings.guarantee     = cases[i].query;
        start_with(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;", &settings);
        send_to(n, "a", 1);
        wait_for_lines(n, "copy", 1);
        assert_int_equal(atomic_load(&plain_writers), cases[i].plain);
        node_free(n);
    }
}

/* ksql.streams.cache.max.bytes.buffering: without it every update comes out, though all are of one commit. */
static void a_cache_is_the_querys(void **state)
{
    Node *n                       = node_counting("cache", false);
    n->options.cache_bytes        = 10 << 20;
    n->options.commit_interval_ms = 60000;
    for (int i = 0; i < 5; i++)
        send_to(n, "a", i);
    node_run(n);
    QuerySettings settings = node_settings(n);
    settings.cache_bytes   = 0;
    start_with(
        n,
        STREAM
        "CREATE TABLE T WITH (KAFKA_TOPIC='$sums', PARTITIONS=1) AS SELECT K, SUM(V) AS N FROM S GROUP BY K;",
        &settings);
    wait_for_lines(n, "sums", 5);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guarantee_is_the_querys),
        cmocka_unit_test(a_cache_is_the_querys),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
