/*
 * test_runtime_failures.c - what breaks loses nothing and counts nothing twice: a lost node, a bad record, a
 * reader that cannot go back, a deleted topic, a full disk. Killed processes: test_runtime_kills.c.
 *
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include <signal.h>

#include "executor/runtime/mailbox.h"
#include "executor/runtime/task_view.h"
#include "executor/runtime/worker_state.h"
#include "log/log_backend.h"
#include "runtime_test.h"

/* ---- two nodes of one service ---- */

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

static void the_other_node_takes_over(void **state)
{
    if (!on_kafka())
        skip(); /* the embedded log belongs to one process */
    Node *n = fresh("two");
    char  dir[240], other[250], service[64];
    snprintf(dir, sizeof dir, "%.239s", n->dir);
    snprintf(other, sizeof other, "%s-b", dir);
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

/* ---- what a query needs is wrong, gone or full ---- */

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
    for (int i = 0; i < 1000; i++) { /* while it is tried again it counts as running */
        MUST(runtime_query_status(n->runtime, bad->id, n->arena, &status, &n->err));
        if (status.error_count >= 3 && status.state == RUN_ERROR && count_lines(n, "copy") == 3)
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

/* A broker refuses a record without a key where keys are compacted, and the transaction with it, each time it
 * is tried again. */
static void a_record_that_its_topic_refuses_is_skipped(void **state)
{
    const LogConfig compacted[] = {{"cleanup.policy", "compact"}};
    for (int exactly_once = 0; exactly_once < 2; exactly_once++) {
        Node       *n           = fresh("refused");
        QueryStatus status      = {0};
        n->options.exactly_once = exactly_once != 0;
        node_topic_make(n, topic_of(n, "in"), 1);
        MUST(log_topic_create(n->log, str_c(topic_of(n, "copy")), 1, 1, compacted, 1, &n->err));
        node_run(n);
        const QueryPlan *plan = node_sql(
            n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
        LogWriter *writer = node_writer(n);
        node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
        node_send(n, writer, topic_of(n, "in"), NULL, "{\"V\":2}", 20);
        node_send(n, writer, topic_of(n, "in"), "c", "{\"V\":3}", 30);
        node_flush(n, writer);
        for (int i = 0; i < 1000 && (status.skipped_bad == 0 || count_lines(n, "copy") < 2); i++) {
            usleep(10000);
            MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
        }
        assert_topic(n, "copy", "a {\"V\":1}\nc {\"V\":3}\n");
        assert_int_equal(status.state, RUN_RUNNING);
        assert_int_equal(status.error_count, 0);
        assert_int_equal(status.skipped_bad, 1);
        log_writer_close(writer);
        node_free(n);
    }
}

static const QueryPlan *start_strict(Node *n, const char *sql)
{
    AstScript     script;
    QuerySettings settings                 = node_settings(n);
    QueryOptions  options                  = {.settings = &settings};
    settings.fail_on_deserialization_error = true;
    MUST(parse_script(n->arena, str_c(sql_of(n, sql)), &(ParseOptions){0}, &script, &n->err));
    const QueryPlan *plan = node_statement(n, script.items[0]);
    MUST(runtime_start_query(n->runtime, plan, &options, NULL, NULL, &n->err));
    return plan;
}

/* ksql.fail.on.deserialization.error: it says where it stands, tries again, and goes on once the record is
 * gone. Another query skips it. */
static void broken_record_stops_those_who_asked_for_it(void **state)
{
    Node *n = fresh("strict");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
    const QueryPlan *strict =
        start_strict(n, "CREATE STREAM X WITH (KAFKA_TOPIC='$strict') AS SELECT K, V FROM S;");
    LogWriter  *writer = node_writer(n);
    QueryStatus status = {0};
    node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
    node_send(n, writer, topic_of(n, "in"), "b", "{\"V\":", 20);
    node_send(n, writer, topic_of(n, "in"), "c", "{\"V\":3}", 30);
    node_flush(n, writer);
    for (int i = 0; i < 1000 && !(status.error_count >= 2 && status.state == RUN_ERROR); i++) {
        MUST(runtime_query_status(n->runtime, strict->id, n->arena, &status, &n->err));
        usleep(10000);
    }
    assert_int_equal(status.state, RUN_ERROR);
    const char *where =
        str_to_c(n->arena, str_printf(n->arena,
                                      "The value of the record at topic %s, partition 0, offset 1 "
                                      "cannot be deserialized: ",
                                      topic_of(n, "in")));
    assert_true(str_starts_with(status.errors[1].message, str_c(where)));
    assert_true(status.errors[1].message.len > strlen(where) + 10); /* and why */
    for (int i = 0; i < 1000 && count_lines(n, "copy") < 2; i++)
        usleep(10000);
    assert_topic(n, "copy", "a {\"V\":1}\nc {\"V\":3}\n");
    assert_topic(n, "strict", "");
    MUST(log_delete_records(n->log, str_c(topic_of(n, "in")), 0, 2, &n->err));
    for (int i = 0; i < 1000 && count_lines(n, "strict") < 1; i++)
        usleep(10000);
    assert_topic(n, "strict", "c {\"V\":3}\n");
    MUST(runtime_query_status(n->runtime, strict->id, n->arena, &status, &n->err));
    assert_int_equal(status.state, RUN_RUNNING);
    log_writer_close(writer);
    node_free(n);
}

/* The log's table, but that no reader goes back. */
static const LogBackend *whole;
static LogBackend        onward;

static Status seek_fails(LogReader *reader, int handle, int64_t offset, Error *err)
{
    return error_set(err, E_IO, NO_POS, "There is no way back");
}

static Status open_onward(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    TRY(whole->reader_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &onward;
    return OK;
}

/* One query fails behind batches that the other has passed, all of them uncommitted: the other has to read
 * them again, though the reader that they share cannot. */
static void reader_that_cannot_go_back_loses_nothing(void **state)
{
    enum { MANY = 20000 };
    Node *n                               = fresh("onward");
    n->options.throw_on_invalid_timestamp = true;
    n->options.workers                    = 1;
    n->options.commit_interval_ms         = 600000;
    whole                                 = ((LogHandle *)n->log)->backend;
    onward                                = *whole;
    onward.reader_seek                    = seek_fails;
    onward.reader_open                    = open_onward;
    ((LogHandle *)n->log)->backend        = &onward;
    node_topic_make(n, topic_of(n, "in"), 1);
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < MANY; i++)
        node_send(n, writer, topic_of(n, "in"), "a",
                  i == MANY - 1 ? "{\"V\":1,\"T\":\"soon\"}" : "{\"V\":1,\"T\":\"2024-01-01\"}", 10);
    node_flush(n, writer);
    node_run(n);
    const QueryPlan *bad =
        node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"
                                     "CREATE STREAM B (K STRING KEY, T STRING) WITH (KAFKA_TOPIC='$in', "
                                     "VALUE_FORMAT='JSON', TIMESTAMP='T', TIMESTAMP_FORMAT='yyyy-MM-dd');"
                                     "CREATE STREAM X WITH (KAFKA_TOPIC='$bad') AS SELECT K, T FROM B;"));
    QueryStatus status = {0};
    for (int i = 0; i < 3000 && (status.error_count < 2 || count_lines(n, "copy") < MANY); i++) {
        MUST(runtime_query_status(n->runtime, bad->id, n->arena, &status, &n->err));
        usleep(10000);
    }
    assert_true(status.error_count >= 2);
    assert_int_equal(count_lines(n, "copy"), MANY);
    assert_true(count_lines(n, "bad") < MANY); /* none, unless a commit came in between */
    log_writer_close(writer);
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
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

static void make_again(Node *n, const char *key, int records)
{
    LogWriter *writer = node_writer(n);
    node_topic_make(n, topic_of(n, "in"), 1);
    for (int i = 0; i < records; i++)
        node_send(n, writer, topic_of(n, "in"), key, "{\"V\":1}", 10);
    node_flush(n, writer);
    log_writer_close(writer);
}

static void expect_copies(Node *n, const char *topic, const char *key, int count)
{
    int found = 0;
    for (int i = 0; i < 2000 && found < count; i++) {
        StrBuf      got  = {0};
        const char *line = str_to_c(n->arena, str_printf(n->arena, "%s {", key));
        node_read(n, topic_of(n, topic), &got);
        found = 0;
        for (ptrdiff_t at = 0; (at = str_find(strbuf_str(&got), str_c(line), (size_t)at)) >= 0; at++)
            found++;
        strbuf_clear(&got);
        usleep(10000);
    }
    assert_int_equal(found, count);
}

/* A topic that was made again is shorter than the positions of its readers: nothing of it is passed over, by
 * those who read it together and by one that comes back later. */
static void a_topic_made_again_is_read_from_its_beginning(void **state)
{
    Node *n                             = fresh("again");
    n->options.retry_backoff_initial_ms = 50;
    make_again(n, "a", 20);
    node_run(n);
    node_sql(n, sql_of(n, STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"));
    const QueryPlan *second =
        node_sql(n, sql_of(n, "CREATE STREAM U2 WITH (KAFKA_TOPIC='$copy2') AS SELECT K, V FROM S;"));
    node_wait_idle(n, 20);
    MUST(runtime_pause_query(n->runtime, second->id, true, &n->err));
    MUST(log_topic_delete(n->log, str_c(topic_of(n, "in")), &n->err));
    make_again(n, "b", 3);
    expect_copies(n, "copy", "b", 3);
    MUST(runtime_pause_query(n->runtime, second->id, false, &n->err));
    expect_copies(n, "copy2", "b", 3);
    node_wait_idle(n, 20);
    expect_copies(n, "copy", "a", 20);
    expect_copies(n, "copy2", "b", 3);
    node_free(n);
}

static void limit_pages(Worker *worker, void *pages)
{
    Error err;
    assert_int_equal(state_file_limit_pages(worker->state, *(int64_t *)pages, &err), OK);
}

/* The log has the commit, the state file cannot: the query stands still with an error, and goes on once there
 * is room. */
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

/* ---- a slot goes from one worker to another ---- */

/* In whatever order the two get to it, the task is seen at its new worker. */
static void a_task_that_moved_is_seen(void **state)
{
    TaskView view = {.worker = -1};
    assert_int_equal(view_state(&view), TASK_ABSENT);
    view_enter(&view, 0, TASK_RUNNING, false);
    view_enter(&view, 1, TASK_OPENING, false);
    view_leave(&view, 0); /* later than the other came */
    assert_int_equal(view_state(&view), TASK_OPENING);
    view_leave(&view, 1);
    assert_int_equal(view_state(&view), TASK_ABSENT);
    view_leave(&view, 0);
    view_enter(&view, 0, TASK_OPENING, false);
    assert_int_equal(view_state(&view), TASK_OPENING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_query_stops_alone),
        cmocka_unit_test(a_record_that_its_topic_refuses_is_skipped),
        cmocka_unit_test(reader_that_cannot_go_back_loses_nothing),
        cmocka_unit_test(broken_record_stops_those_who_asked_for_it),
        cmocka_unit_test(deleted_topic_stops_its_readers),
        cmocka_unit_test(a_topic_made_again_is_read_from_its_beginning),
        cmocka_unit_test(full_disk_stops_and_loses_nothing),
        cmocka_unit_test(the_other_node_takes_over),
        cmocka_unit_test(a_task_that_moved_is_seen),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
