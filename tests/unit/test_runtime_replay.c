/*
 * test_runtime_replay.c - source tables are read again from their topics when their rows are lost, whatever
 * stands at the end of these: a transaction's marker, or nothing.
 *
 * The embedded log has no markers, and Kafka's are seen by nobody but as offsets that are passed. So records
 * of the key "marker" are passed here without being seen.
 */
#include "log/log_backend.h"
#include "runtime_test.h"

static const LogBackend *whole;
static LogBackend        marking;

/* Kafka's reader knows that it is at the end from an empty answer only. Found by reader and handle. */
static _Atomic bool empty[1024];

static _Atomic bool *emptiness(const LogReader *reader, int handle)
{
    return &empty[((uintptr_t)reader / 64 * 16 + (uintptr_t)handle) % ARRAY_LEN(empty)];
}

static bool at_end_when_empty(LogReader *reader, int handle)
{
    return *emptiness(reader, handle) && whole->reader_at_end(reader, handle);
}

static Status take_unmarked(LogReader *reader, int handle, size_t most, LogBatch *out, Error *err)
{
    TRY(whole->reader_take(reader, handle, most, out, err));
    *emptiness(reader, handle) = out->count == 0;
    if (out->count == 0 || !str_equal(out->records[out->count - 1].key, STR_LIT("marker")))
        return OK;
    out->next_offset = out->records[--out->count].offset;
    return OK;
}

static Status open_marking(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    TRY(whole->reader_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &marking;
    return OK;
}

static void send(Node *n, const char *topic, const char *key)
{
    LogWriter *writer = node_writer(n);
    node_send(n, writer, topic_of(n, topic), key, "{\"V\":1}", 10);
    node_flush(n, writer);
    log_writer_close(writer);
}

#define TABLE(name, topic)                                                                                   \
    "CREATE TABLE " name " (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='" topic "', "                    \
    "VALUE_FORMAT='JSON');"

static void start(Node *n)
{
    node_run(n);
    node_sql(n,
             sql_of(n, TABLE("A", "$in") TABLE("B", "$other") "CREATE TABLE T WITH (KAFKA_TOPIC='$out', "
                                                              "PARTITIONS=1) AS SELECT A.K, A.V, B.V FROM A "
                                                              "JOIN B ON A.K = B.K;"));
}

static void wait_for_lines(Node *n, size_t count)
{
    for (int i = 0; i < 2000 && count_lines(n, "out") < count; i++)
        usleep(5000);
    assert_int_equal(count_lines(n, "out"), count);
}

static void a_marker_ends_a_replay(void **state)
{
    Node *n = fresh("marker");
    char  command[300];
    n->options.workers             = 1;
    n->options.commit_interval_ms  = 20;
    n->options.cache_bytes         = 0;
    whole                          = ((LogHandle *)n->log)->backend;
    marking                        = *whole;
    marking.reader_open            = open_marking;
    marking.reader_take            = take_unmarked;
    marking.reader_at_end          = at_end_when_empty;
    ((LogHandle *)n->log)->backend = &marking;
    node_topic_make(n, topic_of(n, "in"), 1);
    node_topic_make(n, topic_of(n, "other"), 1);
    start(n);
    send(n, "in", "a");
    send(n, "in", "marker");
    node_wait_idle(n, 20); /* it has passed the marker, and writes that down with what comes next */
    send(n, "other", "a");
    wait_for_lines(n, 1);
    node_stop(n);
    snprintf(command, sizeof command, "rm -rf '%s/state'", n->dir);
    assert_int_equal(system(command), 0);
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    start(n);
    node_wait_idle(n, 20); /* without a record that comes to wake it */
    send(n, "other", "a");
    wait_for_lines(n, 2);
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_marker_ends_a_replay)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
