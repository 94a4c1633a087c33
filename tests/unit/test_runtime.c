/*
 * test_runtime.c - queries on workers: what they write, over restarts, pauses and replacements, alone and
 * side by side.
 *
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "runtime_test.h"

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
    size_t count, *files;
    assert_true(runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &files, &count));
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

/* ---- several queries ---- */

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
    QueryOptions options = {0};
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
        cmocka_unit_test(replaced_query_goes_on),
        cmocka_unit_test(late_query_catches_up),
        cmocka_unit_test(query_at_the_end_sees_what_comes_after),
        cmocka_unit_test(join_goes_by_timestamp),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
