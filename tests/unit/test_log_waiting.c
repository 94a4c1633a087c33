/*
 * test_log_waiting.c - what is there so that nobody waits for long, on every backend of log.h: topics made
 * together, writers told of what comes, readers that wait only for what they want.
 */
#include "log_contract.h"

/* One that is there already, or that nobody can make, is told beside the others. */
static void topics_are_made_together(void **state)
{
    static const LogConfig compacted[] = {{"cleanup.policy", "compact"}};
    static const LogConfig nonsense[]  = {{"cleanup.policy", "nonsense"}};
    Str                    there       = new_topic(2, NULL, 0), text;
    TopicInfo              info;
    NewTopic               topics[] = {{.name = new_name("together-a"), .partitions = 3, .replicas = 1},
                                       {.name = there, .partitions = 2, .replicas = 1},
                                       {.name         = new_name("together-b"),
                                        .partitions   = 1,
                                        .replicas     = 1,
                                        .configs      = compacted,
                                        .config_count = 1}};
    assert_fails(log_topics_create(env.log, topics, ARRAY_LEN(topics), &last), E_EXISTS);
    assert_int_equal(topics[0].status, OK);
    assert_int_equal(topics[1].status, E_EXISTS);
    assert_int_equal(topics[2].status, OK);
    assert_ok(log_topic_info(env.log, topics[0].name, &info, &last));
    assert_int_equal(info.partitions, 3);
    assert_ok(log_topic_config(env.log, topics[2].name, "cleanup.policy", env.arena, &text, &last));
    assert_true(str_equal(text, STR_LIT("compact")));

    NewTopic mixed[] = {{.name = there, .partitions = 2, .replicas = 1},
                        {.name         = new_name("together-c"),
                         .partitions   = 1,
                         .replicas     = 1,
                         .configs      = nonsense,
                         .config_count = 1},
                        {.name = new_name("together-d"), .partitions = 1, .replicas = 1}};
    assert_fails(log_topics_create(env.log, mixed, ARRAY_LEN(mixed), &last), E_CONFIG);
    assert_int_equal(mixed[0].status, E_EXISTS);
    assert_int_equal(mixed[1].status, E_CONFIG);
    assert_int_equal(mixed[2].status, OK);
    assert_ok(log_topic_info(env.log, mixed[2].name, &info, &last));
    assert_fails(log_topic_info(env.log, mixed[1].name, &info, &last), E_NOT_FOUND);

    NewTopic wrong[] = {{.name = new_name("together-e"), .partitions = 1, .replicas = 1},
                        {.name = STR_LIT("no spaces"), .partitions = 1, .replicas = 1}};
    assert_fails(log_topics_create(env.log, wrong, ARRAY_LEN(wrong), &last), E_CONFIG);
    assert_fails(log_topic_info(env.log, wrong[0].name, &info, &last), E_NOT_FOUND);
    assert_ok(log_topics_create(env.log, NULL, 0, &last));
}

/* It is a hint: right, wrong or said twice, the records decide. */
static void a_writer_may_be_told_what_it_will_write(void **state)
{
    Str        topic = new_topic(2, NULL, 0), later = new_name("expected-later");
    LogWriter *writer;
    LogRecord  one = record("k", "v", T0);
    int64_t    offset;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    log_writer_expect(writer, topic);
    log_writer_expect(writer, topic);
    log_writer_expect(writer, later);
    assert_ok(log_append_sync(writer, topic, 1, &one, STR_NULL, &offset, &last));
    assert_int_equal(offset, 0);
    assert_fails(log_append(writer, later, 0, &one, STR_NULL, &last), E_NOT_FOUND);
    assert_ok(log_topic_create(env.log, later, 1, 1, NULL, 0, &last));
    assert_ok(log_append_sync(writer, later, 0, &one, STR_NULL, &offset, &last));
    assert_int_equal(offset, 0);
    log_writer_close(writer);
}

/* Who holds a batch back waits for something else: that there is more behind it must not end his wait at
 * once, which would be to ask without a pause; nor may the wait be long, for what he waits for may be the
 * clock. */
static void what_lies_behind_a_held_batch_is_no_news(void **state)
{
    Str        topic  = new_topic(2, NULL, 0);
    LogReader *reader = open_reader();
    LogWriter *writer;
    LogBatch   batch;
    LogRecord  one = record("k", "v", T0);
    int        handles[2];
    int64_t    until = now_ms() + 20000;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (int i = 0; i < 3; i++)
        assert_ok(log_append_sync(writer, topic, 0, &one, STR_NULL, NULL, &last));
    for (int p = 0; p < 2; p++)
        assert_ok(log_reader_assign(reader, topic, p, LOG_EARLIEST, &handles[p], &last));
    do {
        assert_ok(log_reader_take(reader, handles[0], 1, &batch, &last));
        if (batch.count == 0)
            log_reader_wait(reader, 100);
    } while (batch.count == 0 && now_ms() < until);
    assert_int_equal(batch.count, 1);
    assert_true(await_end(reader, handles[1])); /* an empty partition says that it is empty */
    int64_t start = now_ms();
    assert_false(log_reader_wait(reader, 10000));
    assert_true(now_ms() - start < 5000);
    log_batch_release(reader, &batch);
    assert_true(log_reader_wait(reader, 10000));
    log_reader_close(reader);
    log_writer_close(writer);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(topics_are_made_together),
    cmocka_unit_test(a_writer_may_be_told_what_it_will_write),
    cmocka_unit_test(what_lies_behind_a_held_batch_is_no_news),
};

int main(int argc, char **argv) { return run_on_every_backend(tests, argc, argv); }
