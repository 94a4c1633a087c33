/*
 * test_log_contract.c - records, topics, positions, waiting and forgetting, on every backend of log.h.
 * Transactions and groups: test_log_fences.c.
 */
#include "log_contract.h"

/* ---- hashing and records ---- */

static void keys_land_where_kafka_puts_them(void **state)
{
    static const struct {
        Str     key;
        int32_t hash;
    } vectors[] = {
        {STR_LIT("21"), -973932308},       {STR_LIT("foobar"), -790332482},
        {STR_LIT("abc"), 479470107},       {STR_LIT(""), 275646681},
        {STR_LIT("\0\0\0\1"), -173113808}, {STR_LIT("\0\0\0\0\0\0\0\012"), -226214965},
    };
    Str topic = new_topic(7, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        assert_int_equal((int32_t)murmur2(vectors[i].key), vectors[i].hash);
        LogRecord  one = {.key = vectors[i].key, .value = STR_LIT("v"), .timestamp = T0};
        LogRecord  two = {.key = STR_LIT("windowed key"), .value = STR_LIT("w"), .timestamp = T0};
        LogWriter *writer;
        int64_t    first, end, before;
        int        partition = (int)(((uint32_t)vectors[i].hash & 0x7fffffff) % 7);
        assert_int_equal(log_partition_of(vectors[i].key, 7), partition);
        assert_ok(log_offsets(env.log, topic, partition, &first, &before, &last));
        assert_ok(log_writer_open(env.log, NULL, &writer, &last));
        assert_ok(log_append_sync(writer, topic, PARTITION_BY_KEY, &one, STR_NULL, NULL, &last));
        assert_ok(log_append_sync(writer, topic, PARTITION_BY_KEY, &two, vectors[i].key, NULL, &last));
        log_writer_close(writer);
        assert_ok(log_offsets(env.log, topic, partition, &first, &end, &last));
        assert_int_equal(end, before + 2);
    }
}

static void null_keys_go_round(void **state)
{
    Str        topic = new_topic(3, NULL, 0);
    LogWriter *writer;
    LogRecord  one = record(NULL, "v", T0);
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (int i = 0; i < 6; i++)
        assert_ok(log_append(writer, topic, PARTITION_BY_KEY, &one, STR_NULL, &last));
    assert_ok(log_flush(writer, PATIENCE_MS, &last));
    log_writer_close(writer);
    for (int p = 0; p < 3; p++) {
        int64_t first, end;
        assert_ok(log_offsets(env.log, topic, p, &first, &end, &last));
        assert_int_equal(end, 2);
    }
}

static void assert_str(Str got, Str wanted)
{
    assert_int_equal(str_is_null(got), str_is_null(wanted));
    assert_true(str_equal(got, wanted));
}

static void many_records_tell_where_they_landed(void **state)
{
    const LogRecord records[] = {record("a", "1", T0), record("b", "2", T0), record("a", "3", T0),
                                 record("c", "4", T0), record("d", "5", T0)};
    LogPosition     landed[ARRAY_LEN(records)];
    Str             topic = new_topic(3, NULL, 0);
    LogWriter      *writer;
    int64_t         first, end, sum = 0;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (int round = 1; round <= 2; round++) {
        size_t count = 0;
        assert_ok(log_append_all(writer, topic, PARTITION_BY_KEY, records, ARRAY_LEN(records), STR_NULL,
                                 landed, &count, &last));
        assert_in_range(count, 1, 3); /* each partition once */
        sum = 0;
        for (size_t i = 0; i < count; i++) {
            assert_ok(log_offsets(env.log, topic, landed[i].partition, &first, &end, &last));
            assert_int_equal(landed[i].offset, end);
            assert_str(landed[i].topic, topic);
            sum += end;
        }
        assert_int_equal(sum, round * (int)ARRAY_LEN(records));
    }
    size_t none = 1;
    assert_fails(log_append_all(writer, new_name("nowhere"), PARTITION_BY_KEY, records, 2, STR_NULL, landed,
                                &none, &last),
                 E_NOT_FOUND);
    assert_int_equal(none, 0);
    log_writer_close(writer);
}

static void records_come_back_as_written(void **state)
{
    static const Header headers[] = {
        {STR_LIT("a"), STR_LIT("1")}, {STR_LIT("b"), {NULL, 0}}, {STR_LIT("a"), STR_LIT("")}};
    const LogRecord written[] = {
        {.key = STR_LIT("k"), .value = STR_LIT("v"), .timestamp = T0, .headers = headers, .header_count = 3},
        {.key = STR_NULL, .value = STR_LIT("no key"), .timestamp = 1},
        {.key = STR_LIT("k"), .value = STR_NULL, .timestamp = T0 + 5, .headers = headers, .header_count = 1},
        {.key = STR_LIT(""), .value = STR_LIT(""), .timestamp = T0 - 5},
        {.key = STR_LIT("\0nul\0"), .value = STR_LIT("\xff\xfe"), .timestamp = T0},
    };
    Str        topic = new_topic(1, NULL, 0);
    LogWriter *writer;
    int64_t    offset;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        assert_ok(log_append_sync(writer, topic, 0, &written[i], STR_NULL, &offset, &last));
        assert_int_equal(offset, i);
    }
    log_writer_close(writer);

    LogReader *reader = open_reader();
    int        handle;
    size_t     got = 0;
    assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &handle, &last));
    for (int64_t deadline = now_ms() + PATIENCE_MS; got < ARRAY_LEN(written) && now_ms() < deadline;) {
        LogBatch batch;
        log_reader_wait(reader, 100);
        assert_ok(log_reader_take(reader, handle, 2, &batch,
                                  &last)); /* two at a time: slices of what was fetched */
        assert_true(batch.count <= 2);
        for (size_t i = 0; i < batch.count; i++, got++) {
            const LogRecord *one = &batch.records[i];
            assert_int_equal(one->offset, got);
            assert_int_equal(one->timestamp, written[got].timestamp);
            assert_str(one->key, written[got].key);
            assert_str(one->value, written[got].value);
            assert_int_equal(one->header_count, written[got].header_count);
            for (size_t h = 0; h < one->header_count; h++) {
                assert_str(one->headers[h].key, headers[h].key);
                assert_str(one->headers[h].value, headers[h].value);
            }
        }
        assert_true(str_equal(batch.topic, topic));
        assert_int_equal(batch.next_offset, got);
        log_batch_release(reader, &batch);
    }
    assert_int_equal(got, ARRAY_LEN(written));
    log_reader_close(reader);
}

static void many_records_keep_their_order(void **state)
{
    enum { COUNT = 30000 };
    static const Header header = {STR_LIT("h"), STR_LIT("x")};
    Str                 topic  = new_topic(2, NULL, 0);
    LogWriter          *writer;
    char                value[200];
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    memset(value, 'x', sizeof value);
    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(value, &i, sizeof i);
        LogRecord one = {.value        = str_n(value, sizeof value),
                         .timestamp    = T0 + i,
                         .headers      = &header,
                         .header_count = i % 3 == 0};
        assert_ok(log_append(writer, topic, (int)(i % 2), &one, STR_NULL, &last));
        if (env.kind == BACKEND_MEMORY && i == COUNT / 10)
            break; /* there every append is a transaction */
    }
    assert_ok(log_flush(writer, PATIENCE_MS, &last));
    log_writer_close(writer);

    LogReader *reader = open_reader();
    int        handles[2];
    uint32_t   next[2] = {0, 1};
    int64_t    end[2], first;
    for (int p = 0; p < 2; p++) {
        assert_ok(log_offsets(env.log, topic, p, &first, &end[p], &last));
        assert_ok(log_reader_assign(reader, topic, p, 0, &handles[p], &last));
    }
    assert_true(end[0] >= COUNT / 20);
    for (int64_t deadline = now_ms() + PATIENCE_MS; next[0] / 2 < end[0] || next[1] / 2 < end[1];) {
        assert_true(now_ms() < deadline);
        log_reader_wait(reader, 100);
        LogBatch batches[2]; /* both are held at once */
        for (int p = 0; p < 2; p++) {
            assert_ok(log_reader_take(reader, handles[p], 777, &batches[p], &last));
            for (size_t i = 0; i < batches[p].count; i++, next[p] += 2) {
                const LogRecord *one = &batches[p].records[i];
                assert_int_equal(one->value.len, sizeof value);
                assert_memory_equal(one->value.ptr, &next[p], sizeof next[p]);
                assert_int_equal(one->timestamp, T0 + next[p]);
                assert_int_equal(one->header_count, next[p] % 3 == 0);
            }
        }
        log_batch_release(reader, &batches[0]);
        log_batch_release(reader, &batches[1]);
    }
    log_reader_close(reader);
}

/* ---- topics ---- */

static void topics_are_administered(void **state)
{
    static const LogConfig compacted[] = {{"cleanup.policy", "compact"}, {"retention.ms", "1234"}};
    static const LogConfig nonsense[]  = {{"cleanup.policy", "nonsense"}};
    Str                    topic       = new_topic(3, compacted, 2), text;
    TopicInfo              info, *list;
    size_t                 count, found = 0;
    assert_fails(log_topic_create(env.log, topic, 3, 1, NULL, 0, &last), E_EXISTS);
    assert_fails(log_topic_create(env.log, STR_LIT("no spaces"), 1, 1, NULL, 0, &last), E_CONFIG);
    assert_fails(log_topic_create(env.log, new_name("zero"), 0, 1, NULL, 0, &last), E_CONFIG);
    assert_fails(log_topic_create(env.log, new_name("bad"), 1, 1, nonsense, 1, &last), E_CONFIG);
    assert_ok(log_topic_info(env.log, topic, &info, &last));
    assert_int_equal(info.partitions, 3);
    assert_int_equal(info.replicas, 1);
    assert_ok(log_topic_list(env.log, env.arena, &list, &count, &last));
    for (size_t i = 0; i < count; i++) {
        found += str_equal(list[i].name, topic) && list[i].partitions == 3;
        assert_true(i == 0 || str_compare(list[i - 1].name, list[i].name) < 0);
    }
    assert_int_equal(found, 1);

    assert_ok(log_topic_set_config(env.log, topic, "delete.retention.ms", "77", &last));
    assert_ok(log_topic_config(env.log, topic, "delete.retention.ms", env.arena, &text, &last));
    assert_true(str_equal(text, STR_LIT("77")));
    assert_ok(log_topic_config(env.log, topic, "cleanup.policy", env.arena, &text, &last));
    assert_true(str_equal(text, STR_LIT("compact"))); /* survived the change of another */
    assert_ok(log_topic_config(env.log, topic, "retention.ms", env.arena, &text, &last));
    assert_true(str_equal(text, STR_LIT("1234")));
    Str plain = new_name("plain");
    assert_ok(log_topic_create(env.log, plain, 1, 0, NULL, 0, &last));
    assert_ok(log_topic_config(env.log, plain, "retention.ms", env.arena, &text, &last));
    assert_true(str_equal(text, STR_LIT("604800000")));
    assert_fails(log_topic_config(env.log, topic, "no.such", env.arena, &text, &last), E_CONFIG);
    assert_fails(log_topic_set_config(env.log, topic, "retention.ms", "soon", &last), E_CONFIG);

    assert_ok(log_topic_delete(env.log, topic, &last));
    assert_fails(log_topic_delete(env.log, topic, &last), E_NOT_FOUND);
    assert_fails(log_topic_info(env.log, topic, &info, &last), E_NOT_FOUND);
    assert_fails(log_topic_config(env.log, topic, "retention.ms", env.arena, &text, &last), E_NOT_FOUND);
}

static void what_is_not_there_is_not_found(void **state)
{
    Str        topic = new_topic(2, NULL, 0), missing = STR_LIT("contract-missing");
    LogWriter *writer;
    LogReader *reader = open_reader();
    LogRecord  one    = record("k", "v", T0);
    int        handle;
    int64_t    first, end;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    assert_fails(log_append(writer, missing, 0, &one, STR_NULL, &last), E_NOT_FOUND);
    assert_fails(log_append(writer, topic, 2, &one, STR_NULL, &last), E_NOT_FOUND);
    assert_fails(log_reader_assign(reader, missing, 0, LOG_EARLIEST, &handle, &last), E_NOT_FOUND);
    assert_fails(log_reader_assign(reader, topic, 2, LOG_EARLIEST, &handle, &last), E_NOT_FOUND);
    assert_fails(log_offsets(env.log, missing, 0, &first, &end, &last), E_NOT_FOUND);
    assert_fails(log_offsets(env.log, topic, 2, &first, &end, &last), E_NOT_FOUND);
    log_writer_close(writer);
    log_reader_close(reader);
}

static void make_anew(Str topic, int partitions)
{
    const LogConfig forever = {"retention.ms", "-1"};
    int64_t         until   = now_ms() + 20000;
    Status          status;
    assert_ok(log_topic_delete(env.log, topic, &last));
    while ((status = log_topic_create(env.log, topic, partitions, 1, &forever, 1, &last)) == E_EXISTS &&
           now_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* Kafka deletes at leisure */
    assert_ok(status);
}

/* The writer has seen the old topic: it must find the partitions of the new one at once. */
static void a_topic_made_anew_may_have_more_partitions(void **state)
{
    Str        topic = new_topic(1, NULL, 0);
    LogRecord  one   = record("k", "v", T0);
    int64_t    offset;
    LogWriter *writer;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    assert_ok(log_append_sync(writer, topic, 0, &one, STR_NULL, &offset, &last));
    make_anew(topic, 3);
    assert_ok(log_append_sync(writer, topic, 2, &one, STR_NULL, &offset, &last));
    assert_int_equal(offset, 0);
    log_writer_close(writer);
}

/* Fewer or more: a key lands where the partitions that there are now put it. */
static void keys_follow_a_topic_made_anew(void **state)
{
    static const int counts[] = {1, 3, 2};
    Str              topic    = new_topic(4, NULL, 0);
    LogWriter       *writer;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (size_t i = 0; i <= ARRAY_LEN(counts); i++) {
        int     partitions = i == 0 ? 4 : counts[i - 1];
        int64_t written[4] = {0};
        if (i > 0)
            make_anew(topic, partitions);
        for (int k = 0; k < 20; k++) {
            char     key[16];
            unsigned unused = 0;
            int64_t  offset;
            snprintf(key, sizeof key, "key%d", k);
            LogRecord one = record(key, "v", T0);
            int       at  = log_choose_partition(PARTITION_BY_KEY, partitions, &one, STR_NULL, &unused);
            assert_ok(log_append_sync(writer, topic, PARTITION_BY_KEY, &one, STR_NULL, &offset, &last));
            assert_int_equal(offset, written[at]++);
        }
    }
    log_writer_close(writer);
}

static void log_answers_who_it_is(void **state)
{
    Str one, two;
    assert_ok(log_ping(env.log, 10000, &last));
    assert_ok(log_cluster_id(env.log, env.arena, &one, &last));
    assert_ok(log_cluster_id(env.log, env.arena, &two, &last));
    assert_true(one.len > 10 && str_equal(one, two));
    assert_string_equal(log_backend_name(env.log), is_kafka() ? "kafka" : "embedded");
}

/* ---- positions ---- */

static Str five_records(void)
{
    Str topic = new_topic(1, NULL, 0);
    put(topic, 0, "a", "0", T0);
    put(topic, 0, "b", "1", T0 + 10);
    put(topic, 0, "c", "2", T0 + 5);
    put(topic, 0, "d", "3", T0 + 20);
    put(topic, 0, "e", "4", T0 + 30);
    return topic;
}

static void times_and_bounds_are_found(void **state)
{
    static const struct {
        int64_t ms, offset;
    } lookups[] = {
        {0, 0}, {T0, 0}, {T0 + 1, 1}, {T0 + 10, 1}, {T0 + 11, 3}, {T0 + 30, 4}, {T0 + 31, 5},
    };
    Str     topic = five_records();
    int64_t first, end, found;
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_int_equal(first, 0);
    assert_int_equal(end, 5);
    for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
        assert_ok(log_offset_for_time(env.log, topic, 0, lookups[i].ms, &found, &last));
        assert_int_equal(found, lookups[i].offset);
    }
}

static void reading_starts_where_told(void **state)
{
    Str        topic  = five_records();
    LogReader *reader = open_reader();
    int        handle;
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 5, PATIENCE_MS), "a=0 b=1 c=2 d=3 e=4");
    assert_string_equal(read_topic(topic, 0, 3, 2, PATIENCE_MS), "d=3 e=4");
    assert_ok(log_reader_assign(reader, topic, 0, LOG_LATEST, &handle, &last));
    assert_int_equal(log_reader_position(reader, handle), 5);
    put(topic, 0, "f", "5", T0);
    assert_string_equal(read_text(reader, handle, 1, PATIENCE_MS), "f=5");
    assert_ok(log_reader_seek(reader, handle, 1, &last));
    assert_int_equal(log_reader_position(reader, handle), 1);
    assert_string_equal(read_text(reader, handle, 5, PATIENCE_MS), "b=1 c=2 d=3 e=4 f=5");
    assert_ok(log_reader_seek(reader, handle, LOG_EARLIEST, &last));
    assert_string_equal(read_text(reader, handle, 6, PATIENCE_MS), "a=0 b=1 c=2 d=3 e=4 f=5");
    log_reader_unassign(reader, handle);
    assert_ok(log_reader_assign(reader, topic, 0, 4, &handle, &last)); /* again, after unassign */
    assert_string_equal(read_text(reader, handle, 2, PATIENCE_MS), "e=4 f=5");
    log_reader_close(reader);
}

static void deleted_records_are_gone(void **state)
{
    Str     topic = five_records();
    int64_t first, end, found;
    assert_ok(log_delete_records(env.log, topic, 0, 3, &last));
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_int_equal(first, 3);
    assert_int_equal(end, 5);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 2, PATIENCE_MS), "d=3 e=4");
    assert_string_equal(read_topic(topic, 0, 1, 2, PATIENCE_MS),
                        "d=3 e=4"); /* goes on at the first that is there */
    assert_ok(log_offset_for_time(env.log, topic, 0, T0, &found, &last));
    assert_int_equal(found, 3);
    assert_fails(log_delete_records(env.log, topic, 0, 100, &last), E_DATA);
    assert_ok(log_delete_records(env.log, topic, 0, 5, &last));
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_int_equal(first, 5);
    put(topic, 0, "f", "5", T0);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 1, PATIENCE_MS), "f=5");
}

static void the_end_is_noticed(void **state)
{
    Str        full = five_records(), empty = new_topic(1, NULL, 0);
    LogReader *reader = open_reader();
    int        handle, nothing;
    LogBatch   batch;
    assert_ok(log_reader_assign(reader, empty, 0, LOG_EARLIEST, &nothing, &last));
    assert_true(await_end(reader, nothing));
    assert_ok(log_reader_assign(reader, full, 0, LOG_EARLIEST, &handle, &last));
    assert_false(log_reader_at_end(reader, handle));
    assert_false(log_reader_caught_up(reader, handle));
    assert_true(await_end(reader, handle));
    assert_true(log_reader_caught_up(reader, handle));
    assert_int_equal(log_reader_position(reader, handle), 5);
    put(full, 0, "f", "5", T0);
    for (batch.count = 0; batch.count == 0;) {
        log_reader_wait(reader, 50);
        assert_ok(log_reader_take(reader, handle, 10, &batch, &last));
    }
    assert_int_equal(batch.count, 1);
    assert_true(log_reader_caught_up(reader, handle));
    log_batch_release(reader, &batch);
    assert_true(await_end(reader, handle));
    log_reader_close(reader);
}

/* ---- waiting ---- */

static void *wake_later(void *reader)
{
    usleep(50000);
    log_reader_wake(reader);
    return NULL;
}

static void *put_later(void *topic)
{
    LogWriter *writer;
    LogRecord  one = record("k", "later", T0);
    Error      err;
    usleep(50000);
    if (log_writer_open(env.log, NULL, &writer, &err) != OK)
        return &env;
    Status status = log_append(writer, *(Str *)topic, 0, &one, STR_NULL, &err);
    usleep(300000); /* nobody flushes: the linger must do */
    log_writer_close(writer);
    return status == OK ? NULL : &env;
}

static void waiting_ends_when_something_comes(void **state)
{
    Str        topic  = new_topic(1, NULL, 0);
    LogReader *reader = open_reader();
    int        handle;
    void      *failed;
    pthread_t  thread;
    assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &handle, &last));
    assert_true(await_end(reader, handle));
    int64_t start = now_ms();
    assert_false(log_reader_wait(reader, 30));
    assert_true(now_ms() - start >= 29);

    assert_int_equal(pthread_create(&thread, NULL, wake_later, reader), 0);
    start = now_ms();
    assert_false(log_reader_wait(reader, 10000));
    assert_true(now_ms() - start < 5000);
    pthread_join(thread, NULL);

    assert_int_equal(pthread_create(&thread, NULL, put_later, &topic), 0);
    start = now_ms();
    while (!log_reader_wait(reader, 10000))
        assert_true(now_ms() - start < 9000);
    assert_string_equal(read_text(reader, handle, 1, PATIENCE_MS), "k=later");
    pthread_join(thread, &failed);
    assert_null(failed);
    log_reader_close(reader);
}

static void an_unread_partition_holds_up_nobody(void **state)
{
    Str        topic = new_topic(2, NULL, 0);
    LogWriter *writer;
    char       big[100000];
    int        first, second;
    memset(big, 'x', sizeof big);
    LogRecord heavy = {.value = str_n(big, sizeof big), .timestamp = T0};
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    for (int i = 0; i < 120; i++) /* 12 MB: more than a queue */
        assert_ok(log_append(writer, topic, 0, &heavy, STR_NULL, &last));
    assert_ok(log_flush(writer, PATIENCE_MS, &last));
    log_writer_close(writer);
    LogReader *reader = open_reader();
    assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &first, &last));
    assert_ok(log_reader_assign(reader, topic, 1, LOG_EARLIEST, &second, &last));
    usleep((useconds_t)silence_ms() * 1000);
    put(topic, 1, "k", "light", T0);
    int64_t start = now_ms();
    assert_string_equal(read_text(reader, second, 1, PATIENCE_MS), "k=light");
    assert_true(now_ms() - start < 900);
    size_t got = 0;
    for (int64_t deadline = now_ms() + PATIENCE_MS; got < 120 && now_ms() < deadline;) {
        LogBatch batch;
        log_reader_wait(reader, 100);
        assert_ok(log_reader_take(reader, first, 7, &batch, &last));
        got += batch.count;
        log_batch_release(reader, &batch);
    }
    assert_int_equal(got, 120);
    log_reader_close(reader);
}

/* ---- forgetting ---- */

/* Makes the log clean up, or waits until it has had the time to. */
static void settle(int64_t pass_ms)
{
    if (is_kafka()) {
        usleep(500000);
        return;
    }
    env.clock.virtual_ms += pass_ms;
    assert_ok(log_embedded_clean(env.log, &last));
}

static void old_records_expire(void **state)
{
    static const LogConfig short_lived[] = {{"retention.ms", "3600000"}, {"segment.ms", "1000"}};
    Str                    topic         = new_topic(1, short_lived, 2);
    int64_t                first = 0, end, old = T0 - 100 * HOUR;
    int64_t                fresh = is_kafka() ? (int64_t)time(NULL) * 1000 : env.clock.virtual_ms + 10 * HOUR;
    put(topic, 0, "a", "1", old);
    put(topic, 0, "b", "2", old + 1);
    usleep(is_kafka() ? 1200000 : 0); /* Kafka drops whole segments: let the next record start one */
    put(topic, 0, "c", "3", fresh);
    for (int64_t deadline = now_ms() + PATIENCE_MS; first < 2 && now_ms() < deadline;) {
        settle(9 * HOUR / 8);
        assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    }
    assert_int_equal(first, 2);
    assert_int_equal(end, 3);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 1, PATIENCE_MS), "c=3");
}

static void compaction_keeps_the_last_of_each_key(void **state)
{
    static const LogConfig compacted[] = {{"cleanup.policy", "compact"},
                                          {"min.cleanable.dirty.ratio", "0.0"},
                                          {"segment.ms", "500"},
                                          {"delete.retention.ms", "0"}};
    Str                    topic       = new_topic(1, compacted, 4);
    LogWriter             *writer;
    LogRecord              keyless = record(NULL, "v", T0);
    int64_t                now     = is_kafka() ? (int64_t)time(NULL) * 1000 : T0, offset;
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    assert_int_not_equal(log_append_sync(writer, topic, 0, &keyless, STR_NULL, NULL, &last), OK);
    log_writer_close(writer);
    put(topic, 0, "a", "1", now);
    put(topic, 0, "b", "2", now);
    put(topic, 0, "a", "3", now);
    put(topic, 0, "gone", "4", now);
    put(topic, 0, "gone", NULL, now);
    put(topic, 0, "b", "5", now);
    const char *text = "", *wanted = "a=3 b=5 z=6";
    usleep(is_kafka() ? 700000 : 0);
    put(topic, 0, "z", "6", now + 5000); /* Kafka never compacts the segment it writes to */
    for (int64_t deadline = now_ms() + 3 * PATIENCE_MS; strcmp(text, wanted) != 0 && now_ms() < deadline;) {
        settle(HOUR);
        LogReader *reader = open_reader();
        int        handle;
        StrBuf     all = {0};
        assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &handle, &last));
        for (int64_t until = now_ms() + PATIENCE_MS;
             !log_reader_at_end(reader, handle) && now_ms() < until;) {
            LogBatch batch;
            log_reader_wait(reader, 20);
            assert_ok(log_reader_take(reader, handle, 100, &batch, &last));
            for (size_t i = 0; i < batch.count; i++) {
                if (is_kafka() && str_is_null(batch.records[i].value))
                    continue; /* when it drops a tombstone is the broker's business */
                strbuf_addf(&all, STR_FMT "=" STR_FMT " ", STR_ARG(batch.records[i].key),
                            STR_ARG(batch.records[i].value));
            }
            log_batch_release(reader, &batch);
        }
        text = str_to_c(env.arena, str_trim(strbuf_str(&all)));
        strbuf_clear(&all);
        log_reader_close(reader);
    }
    assert_string_equal(text, wanted);
    assert_ok(log_offset_for_time(env.log, topic, 0, 0, &offset, &last));
    assert_int_equal(offset, 2);
}

static void a_deleted_topic_is_told_to_its_reader(void **state)
{
    Str        topic  = five_records();
    LogReader *reader = open_reader();
    int        handle;
    Status     status = OK;
    assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &handle, &last));
    assert_true(await_end(reader, handle));
    assert_ok(log_topic_delete(env.log, topic, &last));
    for (int64_t deadline = now_ms() + PATIENCE_MS; status == OK && now_ms() < deadline;) {
        LogBatch batch;
        log_reader_wait(reader, 100);
        status = log_reader_take(reader, handle, 10, &batch, &last);
        if (status == OK)
            log_batch_release(reader, &batch);
    }
    assert_fails(status, E_NOT_FOUND);
    assert_ok(
        log_topic_create(env.log, topic, 1, 1, NULL, 0, &last)); /* the name is free again, and starts at 0 */
    put(topic, 0, "new", "0", T0);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 1, PATIENCE_MS), "new=0");
    log_reader_close(reader);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_topic_made_anew_may_have_more_partitions),
    cmocka_unit_test(keys_follow_a_topic_made_anew),
    cmocka_unit_test(log_answers_who_it_is),
    cmocka_unit_test(keys_land_where_kafka_puts_them),
    cmocka_unit_test(null_keys_go_round),
    cmocka_unit_test(many_records_tell_where_they_landed),
    cmocka_unit_test(records_come_back_as_written),
    cmocka_unit_test(many_records_keep_their_order),
    cmocka_unit_test(topics_are_administered),
    cmocka_unit_test(what_is_not_there_is_not_found),
    cmocka_unit_test(times_and_bounds_are_found),
    cmocka_unit_test(reading_starts_where_told),
    cmocka_unit_test(deleted_records_are_gone),
    cmocka_unit_test(the_end_is_noticed),
    cmocka_unit_test(waiting_ends_when_something_comes),
    cmocka_unit_test(an_unread_partition_holds_up_nobody),
    cmocka_unit_test(old_records_expire),
    cmocka_unit_test(compaction_keeps_the_last_of_each_key),
    cmocka_unit_test(a_deleted_topic_is_told_to_its_reader),
};

int main(int argc, char **argv) { return run_on_every_backend(tests, argc, argv); }
