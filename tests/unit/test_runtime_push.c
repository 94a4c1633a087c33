/*
 * test_runtime_push.c - push queries: where they end, and a client that does not keep up.
 *
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "runtime_test.h"
#include "planner/nodes/node_source.h"

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

/* PRINT: also what a SELECT would leave out, a null value and a time before 1970. */
static void records_come_as_they_are(void **state)
{
    static const LogRecord records[] = {
        {.timestamp = 7, .key = STR_LIT("k"), .value = STR_LIT("no JSON")},
        {.timestamp = 5, .key = STR_LIT("k")},
        {.timestamp = -1, .value = STR_LIT("")},
    };
    enum { COUNT = ARRAY_LEN(records) };
    Node         *n     = fresh("records");
    Str           topic = str_c(topic_of(n, "in"));
    WriterOptions plain = {.linger_ms = -1};
    LogWriter    *writer;
    PushQuery    *push;
    PushOptions   options = {.from_earliest = true};
    PushRow      *rows;
    size_t        count = 0, total = 0;
    node_topic_make(n, topic.ptr, 2);
    node_run(n);
    MUST(log_writer_open(n->log, &plain, &writer, &n->err));
    for (size_t i = 0; i < COUNT; i++)
        MUST(log_append_sync(writer, topic, 1, &records[i], STR_NULL, NULL, &n->err));
    log_writer_close(writer);
    const QueryPlan *plan = plan_records(n->arena, STR_LIT("print_1"), STR_LIT("PRINT"), topic, 2);
    MUST(push_query_start(n->runtime, plan, &options, NULL, NULL, &push, &n->err));
    for (int i = 0; i < 400 && total < COUNT; i++) {
        push_query_wait(push, 25);
        assert_int_equal(push_query_take(push, n->arena, 100, &rows, &count, &n->err), PUSH_MORE);
        for (size_t at = 0; at < count; at++, total++) {
            const LogRecord *record = &records[total];
            const Value     *values = rows[at].values;
            assert_true(value_int(values[RECORD_TIME]) == record->timestamp);
            assert_int_equal(value_int(values[RECORD_PARTITION]), 1);
            assert_int_equal(value_is_null(values[RECORD_KEY]), str_is_null(record->key));
            assert_int_equal(value_is_null(values[RECORD_VALUE]), str_is_null(record->value));
            if (!str_is_null(record->value))
                assert_true(str_equal(value_str(values[RECORD_VALUE]), record->value));
        }
    }
    assert_int_equal(total, COUNT);
    push_query_close(push);
    node_free(n);
}

/* Rows are few but big: the one worker has been through all records for `other`, and `push` was first. */
static void queue_is_bounded_in_bytes(void **state)
{
    enum { BIG = 100 << 10, BIG_RECORDS = 200, MOST = 60 };
    Node         *n      = fresh("bytes");
    Str           topic  = str_c(topic_of(n, "in"));
    char         *big    = mem_calloc(1, BIG);
    LogRecord     record = {.timestamp = 1, .value = str_n(big, BIG)};
    WriterOptions plain  = {.linger_ms = -1};
    PushOptions   whole = {.from_earliest = true}, bounded = {.bounded = true};
    LogWriter    *writer;
    PushQuery    *push, *other;
    PushEnd       end;
    PushRow      *rows;
    size_t        count, total = 0;
    n->options.workers = 1;
    node_topic_make(n, topic.ptr, 1);
    node_run(n);
    MUST(log_writer_open(n->log, &plain, &writer, &n->err));
    for (size_t i = 0; i < BIG_RECORDS; i++)
        MUST(log_append(writer, topic, 0, &record, STR_NULL, &n->err));
    MUST(log_flush(writer, 10000, &n->err));
    log_writer_close(writer);
    const QueryPlan *plan = plan_records(n->arena, STR_LIT("print_1"), STR_LIT("PRINT"), topic, 1);
    MUST(push_query_start(n->runtime, plan, &whole, NULL, NULL, &push, &n->err));
    MUST(push_query_start(n->runtime, plan, &bounded, NULL, NULL, &other, &n->err));
    assert_int_equal(take_all(n, other, &end), BIG_RECORDS);
    push_query_close(other);
    for (int i = 0; i < 400 && total < BIG_RECORDS; i++) {
        push_query_wait(push, 25);
        assert_int_equal(push_query_take(push, n->arena, BIG_RECORDS, &rows, &count, &n->err), PUSH_MORE);
        assert_true(count <= MOST);
        total += count;
    }
    assert_int_equal(total, BIG_RECORDS);
    push_query_close(push);
    mem_free(big);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_query_ends_where_it_should),
        cmocka_unit_test(slow_client_holds_nobody_up),
        cmocka_unit_test(records_come_as_they_are),
        cmocka_unit_test(queue_is_bounded_in_bytes),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
