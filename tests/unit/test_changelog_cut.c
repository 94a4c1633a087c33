/*
 * test_changelog_cut.c - windows over records of long ago, and what a topic's retention does to their
 * changelog.
 *
 * Windows live as long as stream time lets them, their changelog by the wall clock. So its records are of
 * today, and where that does not help, because stream time stands still, a restore says what may be missing,
 * and says nothing where what is gone has expired.
 */
#include "core/logger.h"
#include "log/log_embedded.h"
#include "runtime_test.h"

enum { ROWS = 20 };

#define DAY_MS INT64_C(86400000)

/* The machine's clock, some days on. */
static int64_t ahead_ms;

static int64_t later_now_ms(Clock *clock) { return clock_system()->now_ms(clock_system()) + ahead_ms; }

static Clock *later_clock(void)
{
    static Clock clock;
    clock        = *clock_system();
    clock.now_ms = later_now_ms;
    return &clock;
}

static const char counts[] =
    "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT V, COUNT(*) AS N FROM S"
    " WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 2 DAYS, GRACE PERIOD 1 HOUR) GROUP BY V;";

static Node *start(const char *dir, const char *service, Str *changelog)
{
    char  path[300];
    Node *n = node_new(dir, service);
    log_close(n->log);
    snprintf(path, sizeof path, "%s/log.db", dir);
    MUST(log_open_embedded(path, later_clock(), &n->log, &n->err));
    n->options.clock       = later_clock();
    n->options.cache_bytes = 0;
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(n, sql_of(n, STREAM));
    const QueryPlan *plan = node_sql(n, sql_of(n, counts));
    *changelog = topology_changelog_topic(str_c(n->service), plan->id, plan->materialized, 0, n->arena);
    return n;
}

static void send(Node *n, int64_t timestamp)
{
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < ROWS; i++)
        node_send(n, writer, topic_of(n, "in"), "k", "{\"V\":1}", timestamp);
    node_flush(n, writer);
    log_writer_close(writer);
    node_wait_idle(n, 60);
}

/* Is that the last result? */
static bool last_count_is(Node *n, const char *expected)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    Str  text  = strbuf_str(&got);
    bool found = text.len > strlen(expected) + 1 &&
                 memcmp(text.ptr + text.len - 1 - strlen(expected), expected, strlen(expected)) == 0;
    strbuf_clear(&got);
    return found;
}

static void clean(Node *n, Str changelog)
{
    MUST(log_topic_set_config(n->log, changelog, "segment.ms", "1", &n->err));
    MUST(log_embedded_clean(n->log, &n->err));
}

/* A count over records of long ago; `days` later the state files are lost. Then there are as many more. */
static void lose(int64_t age_ms, int days, int64_t then_ms, bool *warned, bool *whole)
{
    char   name[32], dir[256], service[64];
    Str    changelog;
    StrBuf before = {0}, after = {0};
    ahead_ms = 0;
    snprintf(name, sizeof name, "lost%d", serial); /* a directory is of one service */
    Node *n = fresh(name);
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_free(n);
    n = start(dir, service, &changelog);
    send(n, later_now_ms(NULL) - age_ms);
    ahead_ms = days * DAY_MS;
    if (then_ms >= 0)
        send(n, later_now_ms(NULL) - then_ms);
    node_stop(n);
    clean(n, changelog);
    node_free(n);
    char command[300];
    snprintf(command, sizeof command, "rm -f '%s'/state/worker-*", dir);
    assert_int_equal(system(command), 0);
    uint64_t warnings = log_count_warnings(&before);
    n                 = start(dir, service, &changelog);
    send(n, later_now_ms(NULL) - (then_ms >= 0 ? then_ms : age_ms + days * DAY_MS));
    *warned = log_count_warnings(&after) > warnings;
    strbuf_addc(&after, '\0');
    if (*warned) {
        assert_non_null(strstr(after.ptr, "may lack windows that have not expired"));
        assert_non_null(strstr(after.ptr, str_to_c(n->arena, changelog)));
    }
    *whole = last_count_is(n, "{\"N\":40}");
    strbuf_clear(&before);
    strbuf_clear(&after);
    node_free(n);
}

static void live_windows_that_are_gone_are_told(void **state)
{
    bool warned, whole;
    if (on_kafka())
        skip(); /* time does not go on there */
    lose(0, 4, -1, &warned, &whole);
    assert_true(warned); /* stream time stands still, and four days are more than two and one */
    assert_false(whole);
    lose(0, 4, 0, &warned, &whole);
    assert_false(warned); /* what is gone has expired */
    assert_true(whole);
    lose(60 * DAY_MS, 0, -1, &warned, &whole);
    assert_false(warned);
    assert_true(whole);
}

/* On Kafka retention goes by them. */
static void changelog_records_of_old_are_of_today(void **state)
{
    Str        changelog;
    LogReader *reader;
    int        handle;
    int64_t    first, end, records = 0;
    LogBatch   batch;
    ahead_ms    = 0;
    Node   *n   = fresh("today");
    int64_t now = later_now_ms(NULL);
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    node_sql(n, sql_of(n, STREAM));
    const QueryPlan *plan = node_sql(n, sql_of(n, counts));
    changelog = topology_changelog_topic(str_c(n->service), plan->id, plan->materialized, 0, n->arena);
    send(n, now - 60 * DAY_MS);
    send(n, now + 10 * 60 * 1000);
    MUST(log_reader_open(n->log, &(ReaderOptions){0}, &reader, &n->err));
    MUST(log_offsets(n->log, changelog, 0, &first, &end, &n->err));
    MUST(log_reader_assign(reader, changelog, 0, LOG_EARLIEST, &handle, &n->err));
    int64_t newest = 0;
    while (log_reader_position(reader, handle) < end) {
        log_reader_wait(reader, 100);
        MUST(log_reader_take(reader, handle, 1000, &batch, &n->err));
        for (size_t i = 0; i < batch.count; i++, records++) {
            assert_true(batch.records[i].timestamp >= now);
            newest = batch.records[i].timestamp;
        }
        log_batch_release(reader, &batch);
    }
    assert_true(records >= 2);
    assert_int_equal(newest, now + 10 * 60 * 1000);
    log_reader_close(reader);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changelog_records_of_old_are_of_today),
                                       cmocka_unit_test(live_windows_that_are_gone_are_told)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
