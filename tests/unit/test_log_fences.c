/*
 * test_log_fences.c - transactions, membership and who is fenced out, on every backend of log.h.
 */
#include "log_contract.h"

/* ---- transactions ---- */

static LogWriter *open_transactional(Str id)
{
    WriterOptions options = {.transactional_id = id.ptr, .transaction_timeout_ms = 20000, .linger_ms = 5};
    LogWriter    *writer;
    assert_ok(log_writer_open(env.log, &options, &writer, &last));
    return writer;
}

static void append(LogWriter *writer, Str topic, int partition, const char *key, const char *value)
{
    LogRecord one = record(key, value, T0);
    assert_ok(log_append(writer, topic, partition, &one, STR_NULL, &last));
}

static void transactions_show_all_or_nothing(void **state)
{
    Str        topic = new_topic(2, NULL, 0);
    LogWriter *one = open_transactional(new_name("one")), *two = open_transactional(new_name("two"));
    int64_t    first, end, arrived[2];
    assert_int_equal(log_writer_end(one, topic, 0), -1);
    assert_ok(log_txn_begin(one, &last));
    assert_ok(log_txn_begin(two, &last));
    append(one, topic, 0, "a", "1");
    assert_ok(log_flush(one, PATIENCE_MS, &last)); /* so that it is the first there */
    append(two, topic, 0, "b", "2");
    append(one, topic, 1, "c", "3");
    append(two, topic, 0, "d", "4");
    assert_ok(log_flush(one, PATIENCE_MS, &last));
    assert_ok(log_flush(two, PATIENCE_MS, &last));
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_int_equal(end, 0); /* the last stable offset */
    assert_ok(log_arrived_many(env.log, topic, (const int[]){0, 1}, 2, arrived, &last));
    assert_int_equal(arrived[0],
                     is_kafka() ? 3 : 0); /* decided or not; embedded, it arrives with its decision */
    assert_int_equal(arrived[1], is_kafka() ? 1 : 0);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 1, silence_ms()), "");
    assert_ok(log_txn_abort(two, &last));
    assert_int_equal(log_writer_end(two, topic, 0), -1);
    assert_ok(log_txn_commit(one, &last));
    assert_ok(log_arrived_many(env.log, topic, (const int[]){1}, 1, arrived, &last));
    assert_true(arrived[0] >= log_writer_end(one, topic, 1));
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 1, PATIENCE_MS), "a=1");
    assert_string_equal(read_topic(topic, 1, LOG_EARLIEST, 1, PATIENCE_MS), "c=3");
    assert_int_equal(log_writer_end(one, topic, 0), 1);

    assert_ok(log_txn_begin(two, &last)); /* usable after its abort */
    append(two, topic, 0, "e", "5");
    assert_ok(log_txn_commit(two, &last));
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 2, PATIENCE_MS), "a=1 e=5");
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_true(log_writer_end(two, topic, 0) > 1);
    assert_int_equal(log_writer_end(two, topic, 0) + log_marker_offsets(env.log), end);
    assert_ok(log_txn_begin(two, &last));
    assert_ok(log_txn_commit(two, &last)); /* empty */
    log_writer_close(one);
    log_writer_close(two);
}

static void the_end_is_reached_beyond_markers(void **state)
{
    Str        topic  = new_topic(1, NULL, 0);
    LogWriter *writer = open_transactional(new_name("markers"));
    assert_ok(log_txn_begin(writer, &last));
    append(writer, topic, 0, "a", "1");
    assert_ok(log_txn_commit(writer, &last));
    assert_ok(log_txn_begin(writer, &last));
    append(writer, topic, 0, "b", "2");
    assert_ok(log_flush(writer, PATIENCE_MS, &last));
    assert_ok(log_txn_abort(writer, &last));
    log_writer_close(writer);
    LogReader *reader = open_reader();
    int        handle;
    int64_t    first, end;
    assert_ok(log_reader_assign(reader, topic, 0, LOG_EARLIEST, &handle, &last));
    assert_true(await_end(reader, handle));
    assert_ok(log_offsets(env.log, topic, 0, &first, &end, &last));
    assert_int_equal(log_reader_position(reader, handle), end);
    log_reader_close(reader);
}

static void a_new_writer_fences_the_old(void **state)
{
    Str        topic = new_topic(1, NULL, 0), id = new_name("fenced");
    LogWriter *old  = open_transactional(id);
    LogRecord  late = record("late", "x", T0);
    assert_ok(log_txn_begin(old, &last));
    append(old, topic, 0, "old", "1");
    assert_ok(log_flush(old, PATIENCE_MS, &last));
    LogWriter *new = open_transactional(id);
    assert_ok(log_txn_begin(new, &last));
    append(new, topic, 0, "new", "2");
    assert_ok(log_txn_commit(new, &last));
    (void)!log_append(old, topic, 0, &late, STR_NULL, &last); /* may not have heard yet */
    assert_fails(log_txn_commit(old, &last), E_FENCED);
    log_writer_close(old);
    assert_ok(log_txn_begin(new, &last));
    append(new, topic, 0, "new", "3");
    assert_ok(log_txn_commit(new, &last));
    log_writer_close(new);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 2, PATIENCE_MS), "new=2 new=3");
}

/* ---- membership ---- */

typedef struct {
    int             assigned, revoked, lost;
    size_t          partitions;
    const LogFence *fence;
} Seen;

static void on_assigned(void *context, const int *partitions, size_t count, const LogFence *fence)
{
    Seen *seen = context;
    seen->assigned++;
    seen->partitions = count;
    log_fence_unref(seen->fence);
    seen->fence = log_fence_ref(fence);
}

static void on_revoked(void *context, const int *partitions, size_t count) { ((Seen *)context)->revoked++; }
static void on_lost(void *context) { ((Seen *)context)->lost++; }

static LogMember *join(Str group, Str topic, Str id, Seen *seen)
{
    MemberCallbacks callbacks = {seen, on_assigned, on_revoked, on_lost};
    LogMember      *member;
    assert_ok(log_member_join(env.log, group, topic, id, &callbacks, &member, &last));
    for (int64_t deadline = now_ms() + PATIENCE_MS; seen->assigned == 0 && now_ms() < deadline;)
        assert_ok(log_member_poll(member, 100, &last));
    assert_int_equal(seen->assigned, 1);
    return member;
}

static Status commit_under(LogWriter *writer, Str topic, const char *value, const LogFence *fence, Str slots,
                           int64_t offset)
{
    LogPosition position = {slots, 1, offset};
    assert_ok(log_txn_begin(writer, &last));
    append(writer, topic, 0, "k", value);
    Status status = log_txn_fence(writer, fence, &position, 1, &last);
    if (status == OK)
        status = log_txn_commit(writer, &last);
    if (status != OK) {
        Error err;
        (void)!log_txn_abort(writer, &err);
    }
    return status;
}

static void the_group_fences_a_zombie(void **state)
{
    Str        slots = new_topic(4, NULL, 0), topic = new_topic(1, NULL, 0), group = new_name("group");
    Seen       old = {0}, new = {0};
    int64_t    offset;
    LogWriter *one = open_transactional(new_name("w1")), *two = open_transactional(new_name("w2"));
    LogMember *zombie = join(group, slots, STR_LIT("node"), &old);
    assert_int_equal(old.partitions, 4);
    assert_ok(log_member_committed(zombie, 1, &offset, &last));
    assert_int_equal(offset, -1);
    assert_ok(commit_under(one, topic, "1", old.fence, slots, 7));
    assert_ok(log_member_committed(zombie, 1, &offset, &last));
    assert_int_equal(offset, 7);
    bool known[3] = {true, false, true};
    assert_ok(log_member_settle(zombie, (const int[]){3, 1, 0}, 3, known, &last));
    assert_false(known[0]);
    assert_true(known[1]);
    assert_false(known[2]);

    LogMember *owner = join(group, slots, STR_LIT("node"), &new);
    assert_ok(commit_under(two, topic, "2", new.fence, slots, 8));
    assert_fails(commit_under(one, topic, "zombie", old.fence, slots, 99), E_FENCED);
    assert_ok(log_member_committed(owner, 1, &offset, &last));
    assert_int_equal(offset, 8);
    Status told = OK;
    for (int64_t deadline = now_ms() + PATIENCE_MS; old.lost == 0 && now_ms() < deadline;)
        told = log_member_poll(zombie, 100, &last);
    assert_int_equal(old.lost, 1);
    assert_int_equal(old.revoked, 0);
    assert_fails(told, E_FENCED);
    log_member_close(zombie);
    assert_int_equal(old.lost, 1);
    assert_int_equal(old.revoked, 0);
    log_member_close(owner);
    assert_int_equal(new.revoked, 1);
    assert_int_equal(new.lost, 0);
    log_fence_unref(old.fence);
    log_fence_unref(new.fence);
    log_writer_close(one);
    log_writer_close(two);
    assert_string_equal(read_topic(topic, 0, LOG_EARLIEST, 2, PATIENCE_MS), "k=1 k=2");
}

static void groups_show_offsets(void **state)
{
    Str         topic = new_topic(2, NULL, 0), group = new_name("display");
    Seen        seen = {0};
    int64_t     offset;
    LogPosition positions[] = {{topic, 0, 3}, {topic, 1, 5}};
    put(topic, 0, "k", "v", T0);
    assert_ok(log_group_commit(env.log, group, positions, 2, &last));
    LogMember *member = join(group, topic, STR_LIT("reader"), &seen);
    assert_ok(log_member_committed(member, 1, &offset, &last));
    assert_int_equal(offset, 5);
    log_member_close(member);
    log_fence_unref(seen.fence);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(transactions_show_all_or_nothing),
    cmocka_unit_test(the_end_is_reached_beyond_markers),
    cmocka_unit_test(a_new_writer_fences_the_old),
    cmocka_unit_test(the_group_fences_a_zombie),
    cmocka_unit_test(groups_show_offsets),
};

int main(int argc, char **argv) { return run_on_every_backend(tests, argc, argv); }
