/*
 * test_runtime_decode.c - queries that read the same source side by side: each record is decoded once for all
 * of them, and none can tell.
 *
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "executor/runtime/mailbox.h"
#include "executor/runtime/reader_pool.h"
#include "executor/runtime/worker_state.h"
#include "runtime_test.h"

enum { QUERIES = 10, PROBES_MAX = 500 };

#define AB "CREATE STREAM S (K STRING KEY, A INT, B INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"

/* One worker: what runs on two decodes twice. */
static Node *one_worker(const char *name)
{
    Node *n            = fresh(name);
    n->options.workers = 1;
    node_topic_make(n, topic_of(n, "in"), 1);
    return n;
}

static void send_one(Node *n, LogWriter *writer, const char *value)
{
    node_send(n, writer, topic_of(n, "in"), "k", value, 10);
    node_flush(n, writer);
    node_wait_idle(n, 30);
}

/* Sends records until one is decoded once: queries start one after the other, and each may have to catch up
 * before it reads with the others. The number of records sent. */
static size_t wait_side_by_side(Node *n, LogWriter *writer)
{
    for (size_t sent = 1; sent < PROBES_MAX; sent++) {
        uint64_t before = runtime_records_decoded(n->runtime);
        send_one(n, writer, "{}");
        if (runtime_records_decoded(n->runtime) == before + 1)
            return sent;
        usleep(5000);
    }
    fail_msg("the queries never read together");
    return 0;
}

static uint64_t skipped(Node *n, const QueryPlan *plan)
{
    QueryStatus status;
    MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
    return status.skipped_bad;
}

static void ten_queries_decode_once(void **state)
{
    static const char *const selects[] = {"K, A", "K, B", "K, A + B AS C", "*", "K, ROWOFFSET AS O"};
    Node                    *n         = one_worker("ten");
    LogWriter               *writer    = node_writer(n);
    node_run(n);
    node_sql(n, sql_of(n, AB));
    for (int i = 0; i < QUERIES; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "CREATE STREAM O%d WITH (KAFKA_TOPIC='$out%d') AS SELECT %s FROM S;", i, i,
                 selects[i % (int)ARRAY_LEN(selects)]);
        node_sql(n, sql_of(n, sql));
    }
    size_t   sent   = wait_side_by_side(n, writer);
    uint64_t before = runtime_records_decoded(n->runtime);
    for (int i = 0; i < RECORDS; i++)
        node_send(n, writer, topic_of(n, "in"), "k", "{\"A\":1,\"B\":2}", i);
    node_flush(n, writer);
    node_wait_idle(n, 60);
    assert_int_equal(runtime_records_decoded(n->runtime) - before, RECORDS);
    for (int i = 0; i < QUERIES; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "out%d", i);
        assert_int_equal(count_lines(n, topic), sent + RECORDS);
    }
    log_writer_close(writer);
    node_free(n);
}

/* Lines that say something: probes leave none. */
static void assert_values(Node *n, const char *topic, const char *probe, const char *expected)
{
    StrBuf got = {0}, kept = {0};
    node_read(n, topic_of(n, topic), &got);
    for (size_t at = 0; at < got.len;) {
        size_t end  = (size_t)str_find(strbuf_str(&got), STR_LIT("\n"), at) + 1;
        Str    line = str_n(got.ptr + at, end - at);
        if (!str_equal(line, str_c(probe)))
            strbuf_add(&kept, line);
        at = end;
    }
    strbuf_addc(&kept, '\0');
    assert_string_equal(kept.ptr, expected);
    strbuf_clear(&got);
    strbuf_clear(&kept);
}

/* A value that only the other query reads is none of this one's business, whichever came first; text that is
 * no JSON is everybody's. */
static void run_with_a_broken_column(const char *name, const char *first, const char *second)
{
    Node            *n       = one_worker(name);
    LogWriter       *writer  = node_writer(n);
    const char      *sqls[2] = {first, second};
    const QueryPlan *reads_a = NULL, *reads_b = NULL;
    node_run(n);
    node_sql(n, sql_of(n, AB));
    for (size_t i = 0; i < ARRAY_LEN(sqls) && sqls[i] != NULL; i++) {
        const QueryPlan *plan                                           = node_sql(n, sql_of(n, sqls[i]));
        *(strstr(sqls[i], "SELECT K, A") != NULL ? &reads_a : &reads_b) = plan;
    }
    wait_side_by_side(n, writer);
    uint64_t before = runtime_records_decoded(n->runtime);
    send_one(n, writer, "{\"A\":1,\"B\":1}");
    send_one(n, writer, "{\"A\":2,\"B\":\"no\"}");
    send_one(n, writer, "{\"A\":3,");
    send_one(n, writer, "{\"A\":4,\"B\":4}");
    assert_int_equal(runtime_records_decoded(n->runtime) - before, 4);
    if (reads_a != NULL) {
        assert_values(n, "a", "k {\"A\":null}\n", "k {\"A\":1}\nk {\"A\":2}\nk {\"A\":4}\n");
        assert_int_equal(skipped(n, reads_a), 1);
    }
    if (reads_b != NULL) {
        assert_values(n, "b", "k {\"B\":null}\n", "k {\"B\":1}\nk {\"B\":4}\n");
        assert_int_equal(skipped(n, reads_b), 2);
    }
    log_writer_close(writer);
    node_free(n);
}

static void who_else_reads_makes_no_difference(void **state)
{
    static const char a[] = "CREATE STREAM OA WITH (KAFKA_TOPIC='$a') AS SELECT K, A FROM S;";
    static const char b[] = "CREATE STREAM OB WITH (KAFKA_TOPIC='$b') AS SELECT K, B FROM S;";
    run_with_a_broken_column("a_alone", a, NULL);
    run_with_a_broken_column("b_alone", b, NULL);
    run_with_a_broken_column("a_first", a, b);
    run_with_a_broken_column("b_first", b, a);
}

static void stream_and_table_share_a_topic(void **state)
{
    Node      *n      = one_worker("both");
    LogWriter *writer = node_writer(n);
    node_run(n);
    node_sql(n, sql_of(n, AB "CREATE TABLE T (K STRING PRIMARY KEY, A INT, B INT) WITH (KAFKA_TOPIC='$in', "
                             "VALUE_FORMAT='JSON');"
                             "CREATE STREAM OS WITH (KAFKA_TOPIC='$os') AS SELECT K, A FROM S;"
                             "CREATE TABLE OT WITH (KAFKA_TOPIC='$ot') AS SELECT K, A, B FROM T;"));
    wait_side_by_side(n, writer);
    uint64_t before = runtime_records_decoded(n->runtime);
    send_one(n, writer, "{\"A\":1,\"B\":2}");
    assert_int_equal(runtime_records_decoded(n->runtime) - before, 1);
    assert_values(n, "os", "k {\"A\":null}\n", "k {\"A\":1}\n");
    assert_values(n, "ot", "k {\"A\":null,\"B\":null}\n", "k {\"A\":1,\"B\":2}\n");
    log_writer_close(writer);
    node_free(n);
}

/* Rows of a push query as they come: the n-th has A = n. */
static void take_numbers(Node *n, PushQuery *push, int64_t from, int64_t to)
{
    while (from < to) {
        PushRow *rows;
        size_t   count;
        push_query_wait(push, 1000);
        assert_int_equal(push_query_take(push, n->arena, 100, &rows, &count, &n->err), PUSH_MORE);
        for (size_t i = 0; i < count; i++)
            if (!value_is_null(rows[i].values[1])) {
                assert_int_equal(value_int(rows[i].values[1]), from++);
                assert_int_equal(value_int(rows[i].values[2]), 7);
            }
    }
    assert_int_equal(from, to);
}

static void a_client_may_come_and_go(void **state)
{
    Node       *n       = one_worker("client");
    LogWriter  *writer  = node_writer(n);
    PushOptions options = {0};
    StrBuf      all     = {0};
    int64_t     sent    = 0;
    node_run(n);
    node_sql(n, sql_of(n, AB "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT K, A FROM S;"));
    for (int round = 0; round < 3; round++) {
        PushQuery *push;
        MUST(push_query_start(n->runtime, node_push_plan(n, "SELECT K, A, B FROM S EMIT CHANGES;"), &options,
                              NULL, NULL, &push, &n->err));
        wait_side_by_side(n, writer);
        uint64_t before = runtime_records_decoded(n->runtime);
        for (int i = 0; i < 1000; i++, sent++) {
            char value[40];
            snprintf(value, sizeof value, "{\"A\":%d,\"B\":7}", (int)sent);
            node_send(n, writer, topic_of(n, "in"), "k", value, 10);
            strbuf_addf(&all, "k {\"A\":%d}\n", (int)sent);
        }
        node_flush(n, writer);
        take_numbers(n, push, sent - 1000, sent);
        node_wait_idle(n, 30);
        assert_int_equal(runtime_records_decoded(n->runtime) - before, 1000);
        push_query_close(push);
    }
    strbuf_addc(&all, '\0');
    assert_values(n, "out", "k {\"A\":null}\n", all.ptr);
    strbuf_clear(&all);
    log_writer_close(writer);
    node_free(n);
}

/* As in Kafka Streams a record that will be skipped is out of the way at once, whatever its timestamp. */
static void a_bad_record_waits_for_nobody(void **state)
{
    Node      *n      = one_worker("bad");
    LogWriter *writer = node_writer(n);
    node_topic_make(n, topic_of(n, "tab"), 1);
    node_run(n);
    node_send(n, writer, topic_of(n, "in"), "k", "{\"A\":", 100);
    node_send(n, writer, topic_of(n, "in"), "k", "{\"A\":1}", 50);
    node_send(n, writer, topic_of(n, "in"), "k", "{\"A\":2}", 80);
    node_send(n, writer, topic_of(n, "tab"), "k", "{\"W\":9}", 70);
    node_flush(n, writer);
    node_sql(n,
             sql_of(n, AB "CREATE TABLE T (K STRING PRIMARY KEY, W INT) WITH (KAFKA_TOPIC='$tab', "
                          "VALUE_FORMAT='JSON');"
                          "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K AS K, A, W FROM S LEFT "
                          "JOIN T ON S.K = T.K;"));
    node_wait_idle(n, 30);
    assert_topic(n, "joined", "k {\"A\":1,\"W\":null}\nk {\"A\":2,\"W\":9}\n");
    log_writer_close(writer);
    node_free(n);
}

static void look_for_catch_up(Worker *worker, void *found)
{
    *(bool *)found = reader_pool_has_readers(worker->pool);
}

static bool some_catch_up(Node *n)
{
    bool found = false;
    assert_true(worker_post(n->runtime->workers[0], look_for_catch_up, &found, true));
    return found;
}

/* A query that starts a little behind the others reads with them, who skip what they have; one that starts
 * far behind gets a reader of its own. */
static void who_starts_a_little_behind_joins_the_others(void **state)
{
    Node *n = one_worker("behind");
    node_run(n);
    node_sql(n, sql_of(n, AB "CREATE STREAM O1 WITH (KAFKA_TOPIC='$first') AS SELECT K, A FROM S;"));
    feed(n);
    node_wait_idle(n, 30);
    node_sql(n, sql_of(n, "CREATE STREAM O2 WITH (KAFKA_TOPIC='$near') AS SELECT K, B FROM S;"));
    node_wait_idle(n, 30);
    assert_false(some_catch_up(n));
    for (int i = 0; i < 4; i++)
        feed(n);
    node_wait_idle(n, 30);
    node_sql(n, sql_of(n, "CREATE STREAM O3 WITH (KAFKA_TOPIC='$far') AS SELECT K, A + B AS C FROM S;"));
    node_wait_idle(n, 30);
    assert_true(some_catch_up(n));
    assert_int_equal(count_lines(n, "first"), 5 * RECORDS);
    assert_int_equal(count_lines(n, "near"), 5 * RECORDS);
    assert_int_equal(count_lines(n, "far"), 5 * RECORDS);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_queries_decode_once),
        cmocka_unit_test(who_else_reads_makes_no_difference),
        cmocka_unit_test(stream_and_table_share_a_topic),
        cmocka_unit_test(a_client_may_come_and_go),
        cmocka_unit_test(a_bad_record_waits_for_nobody),
        cmocka_unit_test(who_starts_a_little_behind_joins_the_others),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
