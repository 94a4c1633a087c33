/*
 * test_commit_size.c - how much tables hold back: what the user said, else a share of the memory, else what a
 * commit can do in three seconds. That a worker goes by it is seen by its transactions, on a clock that jumps
 * with every changelog record: a log that slow makes commits small.
 */
#include <stdatomic.h>

#include "executor/runtime/commit_size.h"
#include "log/log_backend.h"
#include "runtime_test.h"

enum { MB = 1 << 20, ROW_BYTES = 1500, ROWS = 40000, SLOW_US = 1500 };

/* ---- the size alone ---- */

static void a_size_is_the_users_or_a_share_of_memory_or_three_seconds(void **state)
{
    static const struct {
        size_t  wish, memory, bytes;
        int64_t took_us;
        size_t  most;
    } cases[] = {
        {0, 64 * MB, 0, 0, 10 * MB},                        /* never less */
        {0, 320 * MB, 0, 0, 20 * MB},                       /* a sixteenth */
        {0, (size_t)8192 * MB, 0, 0, 64 * MB},              /* never more */
        {0, (size_t)8192 * MB, 64 * MB, 1000000, 64 * MB},  /* as fast as that */
        {0, (size_t)8192 * MB, 64 * MB, 4000000, 48 * MB},  /* 16 MB a second */
        {0, 320 * MB, 64 * MB, 4000000, 20 * MB},           /* the memory bounds it, too */
        {0, (size_t)8192 * MB, 64 * MB, 60000000, 10 * MB}, /* whatever happens */
        {0, (size_t)8192 * MB, 4 * MB, 4000000, 64 * MB},   /* too small to tell */
        {0, (size_t)8192 * MB, 64 * MB, 0, 64 * MB},        /* a clock that was set back */
        {0, (size_t)8192 * MB, 64 * MB, 1, 64 * MB},        /* more than can be counted */
        {10000000, (size_t)8192 * MB, 0, 0, 10000000},      /* what is the default elsewhere */
        {1, (size_t)8192 * MB, 64 * MB, 60000000, 1},       /* the user knows */
        {512 * MB, 64 * MB, 64 * MB, 60000000, 512 * MB},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CommitSize size;
        commit_size_init(&size, cases[i].wish, cases[i].memory);
        if (cases[i].bytes > 0)
            commit_size_note(&size, cases[i].bytes, cases[i].took_us);
        assert_int_equal(commit_size_most(&size), cases[i].most);
    }
}

static void the_last_big_commit_tells(void **state)
{
    CommitSize size;
    commit_size_init(&size, 0, (size_t)8192 * MB);
    commit_size_note(&size, 64 * MB, 16000000);
    assert_int_equal(commit_size_most(&size), 12 * MB);
    commit_size_note(&size, 1 * MB, 1000);
    assert_int_equal(commit_size_most(&size), 12 * MB);
    commit_size_note(&size, 12 * MB, 1000000);
    assert_int_equal(commit_size_most(&size), 36 * MB);
}

/* ---- a worker ---- */

static const LogBackend *whole;
static LogBackend        slow;
static atomic_int        big_commits, rows;
static atomic_llong      jumped_us;
static Clock             clock_jumps;
static bool              is_slow;

static int64_t jumping_us(Clock *clock)
{
    return clock_system()->monotonic_us(clock_system()) + atomic_load(&jumped_us);
}
static int64_t  system_ms(Clock *clock) { return clock_system()->now_ms(clock_system()); }
static int64_t  system_ns(Clock *clock) { return clock_system()->monotonic_ns(clock_system()); }
static uint64_t system_random(Clock *clock) { return clock_system()->random(clock_system()); }

static Status slow_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                          Error *err)
{
    if (record->value.len >= ROW_BYTES && str_ends_with(topic, STR_LIT("-changelog"))) {
        atomic_fetch_add(&rows, 1);
        atomic_fetch_add(&jumped_us, is_slow ? SLOW_US : 0);
    }
    return whole->append(writer, topic, partition, record, hash_key, err);
}

static Status counted_commit(LogWriter *writer, Error *err)
{
    atomic_fetch_add(&big_commits, atomic_exchange(&rows, 0) > 0);
    return whole->txn_commit(writer, err);
}

/* A handle names its backend, so each writer has to be told. */
static Status slow_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    TRY(whole->writer_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &slow;
    return OK;
}

/* 60 MB of rows that differ, from records that are small. */
static int commits_of(const char *name, bool slowly, bool by_default)
{
    Node *n                        = fresh(name);
    clock_jumps                    = (Clock){system_ms, jumping_us, system_ns, system_random, 0, 0};
    is_slow                        = slowly;
    whole                          = ((LogHandle *)n->log)->backend;
    slow                           = *whole;
    slow.writer_open               = slow_open;
    slow.append                    = slow_append;
    slow.txn_commit                = counted_commit;
    ((LogHandle *)n->log)->backend = &slow;
    n->options.clock               = &clock_jumps;
    n->options.workers             = 1;
    n->options.cache_bytes         = CACHE_BYTES_DEFAULT;
    n->options.cache_by_default    = by_default;
    n->options.state_memory_bytes  = (size_t)480 * MB; /* 30 for a commit */
    n->options.commit_interval_ms  = INT32_MAX;
    atomic_store(&big_commits, 0);
    atomic_store(&rows, 0);
    const char *in = topic_of(n, "in");
    node_topic_make(n, in, 1);
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < ROWS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        node_send(n, writer, in, key, "{\"V\":1}", 1000);
    }
    node_flush(n, writer);
    log_writer_close(writer);
    node_run(n);
    node_sql(n, sql_of(n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out', PARTITIONS=1) AS SELECT K, "
                                 "MAX(LPAD(CAST(V AS STRING), 1500, 'x')) AS M FROM S GROUP BY K;"));
    for (int i = 0; i < 300 && count_lines(n, "out") < ROWS; i++)
        usleep(100000);
    assert_int_equal(count_lines(n, "out"), ROWS);
    node_free(n);
    return atomic_load(&big_commits);
}

/* 60 MB in 30s are two commits or three; in 10s, of batches that come in by 6 MB, five. */
static void a_worker_whose_commits_take_long_commits_less(void **state)
{
    int fast = commits_of("fast", false, true), slowly = commits_of("slow", true, true);
    assert_in_range(fast, 2, 3);
    assert_in_range(slowly, fast + 1, 9);
}

static void a_size_that_the_user_gives_is_no_default(void **state)
{
    assert_in_range(commits_of("said", false, false), 4, 9); /* of 10 MB though there is memory for 30 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_is_the_users_or_a_share_of_memory_or_three_seconds),
        cmocka_unit_test(the_last_big_commit_tells),
        cmocka_unit_test(a_worker_whose_commits_take_long_commits_less),
        cmocka_unit_test(a_size_that_the_user_gives_is_no_default),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
