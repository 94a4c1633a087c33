/*
 * test_runtime.c - queries on workers: process, commit, restart, kill. On the embedded log, or with
 * SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "executor/worker.h"
#include "runtime_test.h"

static char root[128];
static int  serial;

static Node *fresh(const char *name)
{
    char dir[200], service[64];
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    mkdir(dir, 0777);
    snprintf(service, sizeof service, "t%d_%s%d_", (int)getpid(), name, serial++);
    return node_new(dir, service);
}

/* Topics of a broker that outlives the test have to differ. */
static const char *topic_of(Node *n, const char *name)
{
    return str_to_c(n->arena, str_printf(n->arena, "%s%s", n->service, name));
}

static const char *sql_of(Node *n, const char *format)
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

static void assert_topic(Node *n, const char *topic, const char *expected)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, topic), &got);
    strbuf_addc(&got, '\0');
    assert_string_equal(got.ptr, expected);
    strbuf_clear(&got);
}

#define STREAM "CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"

static void filter_writes_what_matches(void **state)
{
    Node *n = fresh("filter");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(
        n, sql_of(n, STREAM "CREATE STREAM T WITH (KAFKA_TOPIC='$out') AS SELECT K, V FROM S WHERE V > 1;"));
    LogWriter *writer = node_writer(n);
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
    node_send(n, writer, topic_of(n, "in"), "b", "{\"V\":2}", 20);
    node_flush(n, writer);
    node_wait_idle(n, 10);
    assert_topic(n, "out", "b {\"V\":2}\n");
    log_writer_close(writer);
    node_free(n);
}

static void aggregate_goes_on_after_a_restart(void **state)
{
    Node       *n   = fresh("aggregate");
    const char *sql = sql_of(
        n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, SUM(V) AS TOTAL FROM S GROUP BY K;");
    node_topic_make(n, topic_of(n, "in"), 2);
    LogWriter *writer = node_writer(n);
    for (int round = 0; round < 3; round++) {
        node_run(n);
        node_sql(n, sql);
        node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
        node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":2}", 20);
        node_flush(n, writer);
        node_wait_idle(n, 10);
        node_stop(n);
        catalog_free(n->catalog);
        n->catalog      = catalog_new();
        n->query_number = 0;
    }
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    Str text = strbuf_str(&got);
    assert_true(str_ends_with(text, STR_LIT("a {\"TOTAL\":9}\n")));
    assert_true(str_find(text, STR_LIT("{\"TOTAL\":3}"), 0) >= 0);
    strbuf_clear(&got);
    log_writer_close(writer);
    node_free(n);
}

static void repartition_groups_by_another_column(void **state)
{
    Node *n = fresh("repartition");
    node_topic_make(n, topic_of(n, "in"), 3);
    node_run(n);
    const QueryPlan *plan = node_sql(
        n, sql_of(n, STREAM
                  "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;"));
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < 300; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"V\":%d}", i % 2);
        node_send(n, writer, topic_of(n, "in"), key, value, i);
    }
    node_flush(n, writer);
    node_wait_idle(n, 10);
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    Str text  = strbuf_str(&got);
    int found = 0;
    for (ptrdiff_t at = str_find(text, STR_LIT("{\"N\":150}"), 0); at >= 0;
         at           = str_find(text, STR_LIT("{\"N\":150}"), (size_t)at + 1))
        found++;
    assert_int_equal(found, 2);
    int   *partitions;
    size_t count;
    assert_true(runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &count));
    assert_int_equal(count, 3);
    strbuf_clear(&got);
    log_writer_close(writer);
    node_free(n);
}

static void paused_query_stands_still(void **state)
{
    Node *n = fresh("pause");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    const QueryPlan *plan =
        node_sql(n, sql_of(n, STREAM "CREATE STREAM T WITH (KAFKA_TOPIC='$out') AS SELECT K, V FROM S;"));
    LogWriter *writer = node_writer(n);
    node_wait_idle(n, 10);
    MUST(runtime_pause_query(n->runtime, plan->id, true, &n->err));
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
    node_flush(n, writer);
    usleep(300000);
    assert_topic(n, "out", "");
    QueryStatus status;
    MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
    assert_int_equal(status.state, RUN_PAUSED);
    MUST(runtime_pause_query(n->runtime, plan->id, false, &n->err));
    node_wait_idle(n, 10);
    assert_topic(n, "out", "a {\"V\":1}\n");
    log_writer_close(writer);
    node_free(n);
}

static bool topic_exists(Node *n, const char *part)
{
    TopicInfo *topics;
    size_t     count;
    MUST(log_topic_list(n->log, n->arena, &topics, &count, &n->err));
    for (size_t i = 0; i < count; i++)
        if (str_find(topics[i].name, str_c(n->service), 0) >= 0 &&
            str_find(topics[i].name, str_c(part), 0) >= 0)
            return true;
    return false;
}

static void forgotten_query_starts_fresh(void **state)
{
    Node       *n   = fresh("forget");
    const char *sql = sql_of(
        n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, SUM(V) AS TOTAL FROM S GROUP BY K;");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    LogWriter *writer = node_writer(n);
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":5}", 10);
    node_flush(n, writer);
    const QueryPlan *plan = node_sql(n, sql);
    node_wait_idle(n, 10);
    assert_true(topic_exists(n, "-changelog"));
    MUST(runtime_stop_query(n->runtime, plan->id, true, &n->err));
    for (int i = 0; i < 1000 && topic_exists(n, "-changelog"); i++)
        usleep(5000);
    assert_false(topic_exists(n, "-changelog"));
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    node_sql(n, sql);
    node_wait_idle(n, 10);
    assert_topic(n, "out", "a {\"TOTAL\":5}\na {\"TOTAL\":5}\n");
    log_writer_close(writer);
    node_free(n);
}

/* What is done to the state between two runs. */
typedef enum { KEEP, LOSE, FEWER_WORKERS } StateFate;

static void restart_with(Node *n, StateFate fate)
{
    char command[300];
    node_stop(n);
    snprintf(command, sizeof command, "rm -rf '%s/state'", n->dir);
    if (fate == LOSE)
        assert_int_equal(system(command), 0);
    n->options.workers = fate == FEWER_WORKERS ? 1 : 2;
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    node_run(n);
}

static const StateFate fates[] = {KEEP, LOSE, FEWER_WORKERS, KEEP};

static void state_is_restored_from_the_log(void **state)
{
    Node       *n   = fresh("fates");
    const char *sql = sql_of(
        n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, SUM(V) AS TOTAL FROM S GROUP BY K;");
    node_topic_make(n, topic_of(n, "in"), 4);
    node_run(n);
    LogWriter *writer = node_writer(n);
    for (size_t round = 0; round <= ARRAY_LEN(fates); round++) {
        char key[16], expected[64];
        node_sql(n, sql);
        for (int k = 0; k < 20; k++) {
            snprintf(key, sizeof key, "k%d", k);
            node_send(n, writer, topic_of(n, "in"), key, "{\"V\":1}", 10);
        }
        node_flush(n, writer);
        node_wait_idle(n, 20);
        StrBuf got = {0};
        node_read(n, topic_of(n, "out"), &got);
        for (int k = 0; k < 20; k++) {
            snprintf(expected, sizeof expected, "k%d {\"TOTAL\":%zu}\n", k, round + 1);
            assert_true(str_find(strbuf_str(&got), str_c(expected), 0) >= 0);
        }
        strbuf_clear(&got);
        if (round < ARRAY_LEN(fates))
            restart_with(n, fates[round]);
    }
    log_writer_close(writer);
    node_free(n);
}

/* A source table has no changelog: its rows come from its topic again. */
static void source_table_is_replayed(void **state)
{
    Node       *n   = fresh("replay");
    const char *sql = sql_of(
        n, STREAM
        "CREATE TABLE T (K STRING PRIMARY KEY, W INT) WITH (KAFKA_TOPIC='$tab', VALUE_FORMAT='JSON');"
        "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K, V, W FROM S JOIN T ON S.K = T.K;");
    node_topic_make(n, topic_of(n, "in"), 2);
    node_topic_make(n, topic_of(n, "tab"), 2);
    node_run(n);
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        node_send(n, writer, topic_of(n, "tab"), key, "{\"W\":5}", 10);
    }
    node_flush(n, writer);
    for (size_t round = 0; round <= ARRAY_LEN(fates); round++) {
        node_sql(n, sql);
        node_send(n, writer, topic_of(n, "in"), "k7", "{\"V\":1}", 20);
        node_flush(n, writer);
        node_wait_idle(n, 20);
        StrBuf got = {0};
        node_read(n, topic_of(n, "joined"), &got);
        size_t count = 0;
        for (size_t i = 0; i < got.len; i++)
            count += got.ptr[i] == '\n';
        assert_int_equal(count, round + 1);
        strbuf_clear(&got);
        if (round < ARRAY_LEN(fates))
            restart_with(n, fates[round]);
    }
    log_writer_close(writer);
    node_free(n);
}

/* ---- kill -9 ---- */

enum { KEYS = 7, RECORDS = 3000 };

static const char killed_sql[] =
    STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;"
           "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V + 1 AS W FROM S;";

static void child_runs(const char *dir, const char *service, const char *node_id, bool exactly_once)
{
    Node *n                       = node_new(dir, service);
    n->options.commit_interval_ms = 20;
    n->options.exactly_once       = exactly_once;
    n->options.node_id            = str_c(node_id);
    node_run(n);
    node_sql(n, sql_of(n, killed_sql));
    for (;;)
        usleep(100000);
}

static void feed(Node *n)
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

static size_t lines(Str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

/* Every group's last count is there, and none above it. */
static void assert_counts(Node *n, int times)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    for (int k = 0; k < KEYS; k++) {
        char expected[32];
        snprintf(expected, sizeof expected, "{\"N\":%d}", times * (RECORDS / KEYS + (k < RECORDS % KEYS)));
        assert_true(str_find(strbuf_str(&got), str_c(expected), 0) >= 0);
        snprintf(expected, sizeof expected, "{\"N\":%d}", times * (RECORDS / KEYS + 1) + 1);
        assert_true(str_find(strbuf_str(&got), str_c(expected), 0) < 0);
    }
    strbuf_clear(&got);
}

static size_t count_lines(Node *n, const char *topic)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, topic), &got);
    size_t count = lines(strbuf_str(&got));
    strbuf_clear(&got);
    return count;
}

static void kill_often(const char *name, bool exactly_once)
{
    Node *n = fresh(name);
    char  dir[256], service[64], id[80];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    snprintf(id, sizeof id, "%s", n->node_id);
    node_topic_make(n, topic_of(n, "in"), 2);
    feed(n);
    node_free(n);
    for (int i = 0; i < 12; i++) {
        pid_t child = fork();
        if (child == 0)
            child_runs(dir, service, id, exactly_once);
        usleep((useconds_t)(20000 + (i * 7919) % 23 * (on_kafka() ? 50000 : 9000)));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        n = node_new(dir, service); /* more input in between */
        if (i % 4 == 3)
            feed(n);
        node_free(n);
    }
    n                       = node_new(dir, service);
    n->options.exactly_once = exactly_once;
    node_run(n);
    node_sql(n, sql_of(n, killed_sql));
    node_wait_idle(n, 60);
    if (exactly_once)
        assert_int_equal(count_lines(n, "copy"), 4 * RECORDS); /* none lost, none twice */
    else
        assert_true(count_lines(n, "copy") >= 4 * RECORDS);
    assert_counts(n, 4); /* tables are exact in both modes */
    node_free(n);
}

static void killed_at_any_moment_counts_once(void **state)
{
    kill_often("kill", true);
}

static void killed_under_at_least_once_loses_nothing(void **state)
{
    kill_often("least", false);
}

/* ---- two nodes of one service ---- */

static void the_other_node_takes_over(void **state)
{
    if (!on_kafka())
        skip(); /* the embedded log belongs to one process */
    Node *n = fresh("two");
    char  dir[256], other[280], service[64];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(other, sizeof other, "%s-b", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    mkdir(other, 0777);
    node_topic_make(n, topic_of(n, "in"), 2);
    node_free(n);
    pid_t child = fork();
    if (child == 0)
        child_runs(other, service, "the-other", true);
    n = node_new(dir, service);
    node_run(n);
    node_sql(n, sql_of(n, killed_sql));
    for (int round = 1; round <= 3; round++) {
        feed(n);
        for (int i = 0; i < 300 && count_lines(n, "copy") < (size_t)(round * RECORDS); i++)
            usleep(100000);
        if (round == 1) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
        }
    }
    node_wait_idle(n, 30);
    assert_int_equal(count_lines(n, "copy"), 3 * RECORDS);
    assert_counts(n, 3);
    node_free(n);
}

/* ---- several queries ---- */

static void failing_query_stops_alone(void **state)
{
    Node *n                               = fresh("park");
    n->options.throw_on_invalid_timestamp = true;
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    const QueryPlan *bad =
        node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"
                                     "CREATE STREAM B (K STRING KEY, T STRING) WITH (KAFKA_TOPIC='$in', "
                                     "VALUE_FORMAT='JSON', TIMESTAMP='T', TIMESTAMP_FORMAT='yyyy-MM-dd');"
                                     "CREATE STREAM X WITH (KAFKA_TOPIC='$bad') AS SELECT K, T FROM B;"));
    LogWriter  *writer = node_writer(n);
    QueryStatus status;
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1,\"T\":\"2024-01-01\"}", 10);
    node_send(n, writer, topic_of(n, "in"), "b", "{\"V\":2,\"T\":\"soon\"}", 20);
    node_send(n, writer, topic_of(n, "in"), "c", "{\"V\":3,\"T\":\"2024-01-02\"}", 30);
    node_flush(n, writer);
    for (int i = 0; i < 400; i++) {
        MUST(runtime_query_status(n->runtime, bad->id, n->arena, &status, &n->err));
        if (status.error_count >= 3 && count_lines(n, "copy") == 3)
            break;
        usleep(10000);
    }
    assert_int_equal(status.state, RUN_ERROR);
    assert_true(status.error_count >= 3);
    node_send(n, writer, topic_of(n, "in"), "d", "{\"V\":4,\"T\":\"2024-01-02\"}", 40);
    node_flush(n, writer);
    for (int i = 0; i < 400 && count_lines(n, "copy") < 4; i++)
        usleep(10000);
    assert_topic(n, "copy", "a {\"V\":1}\nb {\"V\":2}\nc {\"V\":3}\nd {\"V\":4}\n");
    assert_topic(n, "bad", "");
    log_writer_close(writer);
    node_free(n);
}

static void deleted_topic_stops_its_readers(void **state)
{
    Node *n = fresh("gone");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    const QueryPlan *first =
        node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
    const QueryPlan *second =
        node_sql(n, sql_of(n, "CREATE STREAM U2 WITH (KAFKA_TOPIC='$copy2') AS SELECT K, V FROM S;"));
    node_wait_idle(n, 20);
    MUST(log_topic_delete(n->log, str_c(topic_of(n, "in")), &n->err));
    QueryStatus one = {0}, two = {0};
    for (int i = 0; i < 1000 && (one.state != RUN_ERROR || two.state != RUN_ERROR); i++) {
        MUST(runtime_query_status(n->runtime, first->id, n->arena, &one, &n->err));
        MUST(runtime_query_status(n->runtime, second->id, n->arena, &two, &n->err));
        usleep(10000);
    }
    assert_int_equal(one.state, RUN_ERROR);
    assert_int_equal(two.state, RUN_ERROR);
    assert_true(str_equal(one.errors[0].type, STR_LIT("USER")));
    node_free(n);
}

static void limit_pages(Worker *worker, void *pages)
{
    Error err;
    assert_int_equal(state_file_limit_pages(worker->state, *(int64_t *)pages, &err), OK);
}

/* The log has the commit, the state file cannot: the query stands still with an error, and goes on once there is room. */
static void full_disk_stops_and_loses_nothing(void **state)
{
    Node *n            = fresh("full");
    n->options.workers = 1;
    int64_t few = 20, unlimited = 0;
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    const QueryPlan *plan = node_sql(
        n, sql_of(n, STREAM
                  "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"));
    node_wait_idle(n, 20);
    worker_post(n->runtime->workers[0], limit_pages, &few, true);
    feed(n);
    QueryStatus status = {0};
    for (int i = 0; i < 500 && status.state != RUN_ERROR; i++) {
        MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
        usleep(10000);
    }
    assert_int_equal(status.state, RUN_ERROR);
    assert_true(status.error_count > 0);
    worker_post(n->runtime->workers[0], limit_pages, &unlimited, true);
    node_wait_idle(n, 20);
    MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
    assert_int_equal(status.state, RUN_RUNNING);
    assert_int_equal(count_lines(n, "out"), RECORDS);
    node_free(n);
}

/* It goes on where its former self was, with the new condition. */
static void replaced_query_goes_on(void **state)
{
    Node *n = fresh("replace");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    const QueryPlan *old = node_sql(
        n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S WHERE V > 1;"));
    LogWriter *writer = node_writer(n);
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":2}", 10);
    node_flush(n, writer);
    node_wait_idle(n, 20);
    const QueryPlan *new = node_sql(
        n,
        sql_of(n,
               "CREATE OR REPLACE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S WHERE V > 5;"));
    assert_true(str_equal(old->id, new->id));
    node_send(n, writer, topic_of(n, "in"), "b", "{\"V\":3}", 20);
    node_send(n, writer, topic_of(n, "in"), "c", "{\"V\":7}", 30);
    node_flush(n, writer);
    node_wait_idle(n, 20);
    assert_topic(n, "copy", "a {\"V\":2}\nc {\"V\":7}\n");
    log_writer_close(writer);
    node_free(n);
}

static void late_query_catches_up(void **state)
{
    Node *n = fresh("late");
    node_topic_make(n, topic_of(n, "in"), 2);
    node_run(n);
    node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
    feed(n);
    node_wait_idle(n, 20);
    node_sql(n, sql_of(n, "CREATE STREAM U2 WITH (KAFKA_TOPIC='$copy2') AS SELECT K, V FROM S;"));
    feed(n);
    node_wait_idle(n, 20);
    feed(n);
    node_wait_idle(n, 20);
    assert_int_equal(count_lines(n, "copy"), 3 * RECORDS);
    assert_int_equal(count_lines(n, "copy2"), 3 * RECORDS);
    node_free(n);
}

static void query_at_the_end_sees_what_comes_after(void **state)
{
    Node        *n = fresh("latest");
    AstScript    script;
    QueryOptions options = {.from_earliest = false};
    LogWriter   *writer  = node_writer(n);
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(n, sql_of(n, STREAM));
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
    node_flush(n, writer);
    node_wait_idle(n, 20);
    const char *sql = sql_of(n, "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;");
    MUST(parse_script(n->arena, str_c(sql), &(ParseOptions){0}, &script, &n->err));
    MUST(runtime_start_query(n->runtime, node_statement(n, script.items[0]), &options, NULL, NULL, &n->err));
    node_send(n, writer, topic_of(n, "in"), "b", "{\"V\":2}", 20);
    node_flush(n, writer);
    node_wait_idle(n, 20);
    assert_topic(n, "copy", "b {\"V\":2}\n");
    log_writer_close(writer);
    node_free(n);
}

/* The table's change comes before the stream's record 1 ms later, whatever was written first. */
static void join_goes_by_timestamp(void **state)
{
    Node *n = fresh("join");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_topic_make(n, topic_of(n, "tab"), 1);
    node_run(n);
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < 1000; i++) {
        char value[32];
        snprintf(value, sizeof value, "{\"V\":%d}", i);
        node_send(n, writer, topic_of(n, "in"), "a", value, 2 * i + 11);
    }
    node_flush(n, writer);
    for (int i = 0; i < 1000; i++) {
        char value[32];
        snprintf(value, sizeof value, "{\"W\":%d}", i);
        node_send(n, writer, topic_of(n, "tab"), "a", value, 2 * i + 10);
    }
    node_flush(n, writer);
    node_sql(
        n,
        sql_of(n, STREAM
               "CREATE TABLE T (K STRING PRIMARY KEY, W INT) WITH (KAFKA_TOPIC='$tab', VALUE_FORMAT='JSON');"
               "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K, V, V - W AS D FROM S JOIN T ON "
               "S.K = T.K;"));
    node_wait_idle(n, 20);
    StrBuf got = {0};
    node_read(n, topic_of(n, "joined"), &got);
    assert_int_equal(lines(strbuf_str(&got)), 1000);
    for (ptrdiff_t at = 0, next; (next = str_find(strbuf_str(&got), STR_LIT("\n"), (size_t)at)) >= 0;
         at           = next + 1)
        assert_true(str_ends_with(str_n(got.ptr + at, (size_t)(next - at)), STR_LIT("\"D\":0}")));
    strbuf_clear(&got);
    log_writer_close(writer);
    node_free(n);
}

/* ---- push queries ---- */

static size_t take_all(Node *n, PushQuery *push, PushEnd *end)
{
    size_t   total = 0, count = 1;
    PushRow *rows;
    *end = PUSH_MORE;
    for (int i = 0; i < 400 && (*end == PUSH_MORE || count > 0); i++) {
        push_query_wait(push, 25);
        *end = push_query_take(push, n->arena, 100, &rows, &count, &n->err);
        total += count;
    }
    return total;
}

static void push_query_ends_where_it_should(void **state)
{
    static const struct {
        const char *sql;
        bool        bounded;
        PushEnd     end;
        size_t      rows;
    } cases[] = {
        {"SELECT * FROM S EMIT CHANGES LIMIT 10;", false, PUSH_LIMIT, 10},
        {"SELECT * FROM S EMIT CHANGES;", true, PUSH_COMPLETE, 3000},
        {"SELECT V, COUNT(*) FROM S GROUP BY V EMIT CHANGES;", true, PUSH_COMPLETE, KEYS},
    };
    Node *n = fresh("push");
    node_topic_make(n, topic_of(n, "in"), 2);
    node_run(n);
    node_sql(n, sql_of(n, STREAM));
    feed(n);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        PushQuery  *push;
        PushEnd     end;
        PushOptions options = {.from_earliest = true, .bounded = cases[i].bounded, .queue_rows = 50};
        MUST(push_query_start(n->runtime, node_push_plan(n, cases[i].sql), &options, NULL, NULL, &push,
                              &n->err));
        size_t rows = take_all(n, push, &end);
        assert_int_equal(end, cases[i].end);
        if (i != 2)
            assert_int_equal(rows, cases[i].rows);
        else
            assert_true(rows >= cases[i].rows && rows <= 3000);
        push_query_close(push);
    }
    node_free(n);
}

static void slow_client_holds_nobody_up(void **state)
{
    Node *n = fresh("slow");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
    PushQuery  *push;
    PushOptions options = {.from_earliest = true, .queue_rows = 10};
    MUST(push_query_start(n->runtime, node_push_plan(n, "SELECT * FROM S EMIT CHANGES;"), &options, NULL,
                          NULL, &push, &n->err));
    feed(n);
    feed(n);
    node_wait_idle(n, 20);
    size_t   total = 0, count;
    PushRow *rows;
    for (int i = 0; i < 2000 && total < 2 * RECORDS; i++) {
        push_query_wait(push, 10);
        assert_int_equal(push_query_take(push, n->arena, 7 + (size_t)i % 100, &rows, &count, &n->err),
                         PUSH_MORE);
        total += count;
    }
    assert_int_equal(total, 2 * RECORDS);
    push_query_close(push);
    node_free(n);
}

static int make_root(void **state)
{
    snprintf(root, sizeof root, "/tmp/sluice-runtime-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter_writes_what_matches),
        cmocka_unit_test(aggregate_goes_on_after_a_restart),
        cmocka_unit_test(repartition_groups_by_another_column),
        cmocka_unit_test(paused_query_stands_still),
        cmocka_unit_test(forgotten_query_starts_fresh),
        cmocka_unit_test(state_is_restored_from_the_log),
        cmocka_unit_test(source_table_is_replayed),
        cmocka_unit_test(push_query_ends_where_it_should),
        cmocka_unit_test(slow_client_holds_nobody_up),
        cmocka_unit_test(failing_query_stops_alone),
        cmocka_unit_test(deleted_topic_stops_its_readers),
        cmocka_unit_test(full_disk_stops_and_loses_nothing),
        cmocka_unit_test(replaced_query_goes_on),
        cmocka_unit_test(late_query_catches_up),
        cmocka_unit_test(query_at_the_end_sees_what_comes_after),
        cmocka_unit_test(join_goes_by_timestamp),
        cmocka_unit_test(killed_at_any_moment_counts_once),
        cmocka_unit_test(killed_under_at_least_once_loses_nothing),
        cmocka_unit_test(the_other_node_takes_over),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
