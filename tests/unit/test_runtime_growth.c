/*
 * test_runtime_growth.c - partitions that are added to an input topic: a stateless query reads them, a
 * stateful one stops.
 *
 * On Kafka only: topics of the embedded log keep the partitions they were made with.
 */
#include <librdkafka/rdkafka.h>

#include "runtime_test.h"

enum { ADMIN_MS = 30000 };

/* As kafka-topics --alter --partitions does. */
static void set_partitions(Node *n, const char *topic, int count)
{
    char             reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", getenv("SLUICE_TEST_BOOTSTRAP"), reason, sizeof reason),
        RD_KAFKA_CONF_OK);
    rd_kafka_t               *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    rd_kafka_queue_t         *queue  = rd_kafka_queue_new(client);
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(topic, (size_t)count, reason, sizeof reason);
    assert_non_null(more);
    rd_kafka_CreatePartitions(client, &more, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ADMIN_MS);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
    size_t                          results;
    const rd_kafka_topic_result_t **result =
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &results);
    assert_int_equal(results, 1);
    assert_int_equal(rd_kafka_topic_result_error(result[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(more);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    TopicInfo info = {0};
    for (int i = 0; i < 1000 && info.partitions != count; i++) { /* until the broker tells everybody */
        MUST(log_topic_info(n->log, str_c(topic), &info, &n->err));
        usleep(10000);
    }
    assert_int_equal(info.partitions, count);
}

static void send_to(Node *n, int partition, const char *key, int value)
{
    LogWriter *writer = node_writer(n);
    char       text[32];
    snprintf(text, sizeof text, "{\"V\":%d}", value);
    LogRecord record = {.timestamp = 10, .key = str_c(key), .value = str_c(text)};
    Status    status = E_IO;
    for (int i = 0; i < 300 && status != OK;
         i++) { /* the writer may hear of the partition later than we did */
        status =
            log_append_sync(writer, str_c(topic_of(n, "in")), partition, &record, STR_NULL, NULL, &n->err);
        if (status != OK)
            usleep(100000);
    }
    MUST(status);
    log_writer_close(writer);
}

static void wait_for_lines(Node *n, const char *topic, size_t count)
{
    for (int i = 0; i < 3000 && count_lines(n, topic) < count; i++)
        usleep(10000);
    assert_int_equal(count_lines(n, topic), count);
}

static Node *fresh_with_topic(const char *name)
{
    Node *n                        = fresh(name);
    n->options.metadata_max_age_ms = 500;
    node_topic_make(n, topic_of(n, "in"), 2);
    node_topic_make(n, topic_of(n, "copy"), 1);
    node_run(n);
    return n;
}

static const QueryPlan *start_at_end(Node *n, const char *sql)
{
    AstScript    script;
    QueryOptions options = {0};
    MUST(parse_script(n->arena, str_c(sql_of(n, sql)), &(ParseOptions){0}, &script, &n->err));
    const QueryPlan *plan = node_statement(n, script.items[0]);
    MUST(runtime_start_query(n->runtime, plan, &options, NULL, NULL, &n->err));
    return plan;
}

#define COPY "CREATE STREAM C WITH (KAFKA_TOPIC='$copy', PARTITIONS=1) AS SELECT K, V FROM S;"

/* A query from the ends reads the new partitions from their beginning: their first records came before it was
 * noticed. */
static void stateless_query_reads_what_is_added(void **state)
{
    if (!on_kafka())
        skip();
    Node *n = fresh_with_topic("grow");
    node_sql(n, sql_of(n, STREAM));
    send_to(n, 0, "before", 0);
    node_wait_idle(n, 20);
    const QueryPlan *plan = start_at_end(n, COPY);
    node_wait_idle(n, 20);
    send_to(n, 1, "a", 1);
    wait_for_lines(n, "copy", 1);
    set_partitions(n, topic_of(n, "in"), 5);
    for (int p = 0; p < 5; p++)
        send_to(n, p, "b", p);
    wait_for_lines(n, "copy", 6);
    node_wait_idle(n, 20);
    QueryStatus status = {0};
    MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
    assert_int_equal(status.error_count, 0);
    MUST(runtime_pause_query(n->runtime, plan->id, true, &n->err));
    set_partitions(n, topic_of(n, "in"), 6);
    send_to(n, 5, "c", 5);
    for (int i = 0; i < 3000 && status.position_count < 6; i++) {
        MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
        usleep(10000);
    }
    assert_int_equal(status.position_count, 6);
    assert_int_equal(status.state, RUN_PAUSED); /* and stays so */
    assert_int_equal(count_lines(n, "copy"), 6);
    MUST(runtime_pause_query(n->runtime, plan->id, false, &n->err));
    wait_for_lines(n, "copy", 7);
    node_stop(n);
    node_run(n); /* with the plan of then: no task has moved, none reads twice */
    MUST(runtime_start_query(n->runtime, plan, &(QueryOptions){0}, NULL, NULL, &n->err));
    for (int p = 0; p < 6; p++)
        send_to(n, p, "d", p);
    wait_for_lines(n, "copy", 13);
    node_wait_idle(n, 20);
    assert_int_equal(count_lines(n, "copy"), 13);
    node_free(n);
}

static void wait_for_state(Node *n, const QueryPlan *plan, RunState wanted, size_t errors,
                           QueryStatus *status)
{
    *status = (QueryStatus){0};
    for (int i = 0; i < 3000; i++) {
        MUST(runtime_query_status(n->runtime, plan->id, n->arena, status, &n->err));
        if (status->state == wanted && status->error_count >= errors)
            return;
        usleep(10000);
    }
    fail_msg("state %d, %zu errors", (int)status->state, status->error_count);
}

static void stateful_query_stops_and_says_why(void **state)
{
    if (!on_kafka())
        skip();
    Node *n = fresh_with_topic("outgrown");
    node_topic_make(n, topic_of(n, "sums"), 1);
    const QueryPlan *sums =
        node_sql(n, sql_of(n, STREAM COPY
                           "CREATE TABLE T WITH (KAFKA_TOPIC='$sums', PARTITIONS=1) AS SELECT K, SUM(V) AS N "
                           "FROM S GROUP BY K;"));
    QueryStatus status;
    send_to(n, 0, "a", 1);
    wait_for_lines(n, "sums", 1);
    wait_for_lines(n, "copy", 1);
    for (int restarted = 0; restarted < 2; restarted++) {
        if (restarted) {
            node_stop(n);
            node_run(n);
            QuerySettings settings = node_settings(n);
            MUST(runtime_start_query(n->runtime, sums, &(QueryOptions){.settings = &settings}, NULL, NULL,
                                     &n->err));
        } else {
            set_partitions(n, topic_of(n, "in"), 3);
            send_to(n, 2, "b", 2);
        }
        wait_for_state(n, sums, RUN_ERROR, 3, &status); /* it is tried again, and stays in error */
        const char *why =
            str_to_c(n->arena, str_printf(n->arena,
                                          "The topic %s has 3 partitions now; it had 2 when the query "
                                          "was created.",
                                          topic_of(n, "in")));
        assert_true(str_starts_with(status.errors[status.error_count - 1].message, str_c(why)));
        assert_true(str_equal(status.errors[0].type, STR_LIT("USER")));
    }
    assert_int_equal(count_lines(n, "sums"), 1);
    node_free(n);
}

/* The others of the worker go on. */
static void others_go_on(void **state)
{
    if (!on_kafka())
        skip();
    Node *n = fresh_with_topic("others");
    node_topic_make(n, topic_of(n, "sums"), 1);
    const QueryPlan *sums =
        node_sql(n, sql_of(n, STREAM COPY
                           "CREATE TABLE T WITH (KAFKA_TOPIC='$sums', PARTITIONS=1) AS SELECT K, SUM(V) AS N "
                           "FROM S GROUP BY K;"));
    QueryStatus status;
    send_to(n, 0, "a", 1);
    wait_for_lines(n, "copy", 1);
    set_partitions(n, topic_of(n, "in"), 3);
    wait_for_state(n, sums, RUN_ERROR, 1, &status);
    for (int p = 0; p < 3; p++)
        send_to(n, p, "b", p);
    wait_for_lines(n, "copy", 4);
    MUST(runtime_stop_query(n->runtime, sums->id, true, &n->err));
    send_to(n, 2, "c", 2);
    wait_for_lines(n, "copy", 5);
    node_wait_idle(n, 20);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stateless_query_reads_what_is_added),
        cmocka_unit_test(stateful_query_stops_and_says_why),
        cmocka_unit_test(others_go_on),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
