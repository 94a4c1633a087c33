/*
 * test_runtime_overlap.c - a commit does not stop the worker: while the log decides, the next commit's
 * records are processed; and when it decides against, both are undone and nothing is lost or counted twice.
 *
 * The log is one whose commits can be held, and made to fail.
 */
#include <signal.h>
#include <stdatomic.h>

#include "log/log_backend.h"
#include "runtime_test.h"

enum { WARM = 6 };

static const LogBackend *whole;
static LogBackend        slow;
static atomic_bool       held;
static atomic_int        commits, delay_ms, fail_every;

static Status commit_slowly(LogWriter *writer, Error *err)
{
    int number = atomic_fetch_add(&commits, 1) + 1, every = atomic_load(&fail_every);
    while (atomic_load(&held))
        usleep(1000);
    usleep((useconds_t)atomic_load(&delay_ms) * 1000);
    if (every > 0 && number % every == 0)
        return error_set(err, E_IO, NO_POS, "The transaction was not committed, for a test");
    return whole->txn_commit(writer, err);
}

static Status open_slow(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    TRY(whole->writer_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &slow;
    return OK;
}

static Node *node_with_slow_log(Node *n)
{
    n->options.workers             = 1;
    n->options.commit_interval_ms  = 20;
    whole                          = ((LogHandle *)n->log)->backend;
    slow                           = *whole;
    slow.txn_commit                = commit_slowly;
    slow.writer_open               = open_slow;
    ((LogHandle *)n->log)->backend = &slow;
    atomic_store(&held, false);
    atomic_store(&delay_ms, 0);
    atomic_store(&fail_every, 0);
    return n;
}

static void node_end(Node *n)
{
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
    node_free(n);
}

static const char sql[] =
    STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"
           "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;";

/* Every group's last count is there, and none above it. */
static void assert_counts(Node *n, int times)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    for (int k = 0; k < KEYS; k++) {
        char expected[32];
        snprintf(expected, sizeof expected, "{\"N\":%d}", times * (RECORDS / KEYS + (k < RECORDS % KEYS)));
        assert_true(str_find(strbuf_str(&got), str_c(expected), 0) >= 0);
    }
    char more[32];
    snprintf(more, sizeof more, "{\"N\":%d}", times * (RECORDS / KEYS + 1) + 1);
    assert_true(str_find(strbuf_str(&got), str_c(more), 0) < 0);
    strbuf_clear(&got);
}

static uint64_t records_in(Node *n, const QueryPlan *plan)
{
    QueryStatus status;
    uint64_t    sum = 0;
    MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
    for (size_t i = 0; i < status.position_count; i++)
        if (str_equal(status.positions[i].topic, str_c(topic_of(n, "in"))))
            sum += (uint64_t)status.positions[i].position;
    return sum;
}

/* The commit is held for as long as it takes the records of the next to be processed. */
static void records_move_while_a_commit_is_decided(bool exactly_once)
{
    Node *n                 = node_with_slow_log(fresh("held"));
    n->options.exactly_once = exactly_once;
    node_topic_make(n, topic_of(n, "in"), 2);
    node_run(n);
    const QueryPlan *plan = node_sql(n, sql_of(n, sql));
    feed(n);
    node_wait_idle(n, 30);
    atomic_store(&delay_ms, 50); /* the second writer comes with the first wait for one */
    for (int i = 1; i < WARM; i++) {
        feed(n);
        usleep(40000);
    }
    node_wait_idle(n, 30);
    atomic_store(&delay_ms, 0);
    int      before = atomic_load(&commits);
    uint64_t passed = records_in(n, plan);
    atomic_store(&held, true);
    feed(n);
    for (int i = 0; i < 1000 && atomic_load(&commits) == before; i++)
        usleep(5000);
    assert_true(atomic_load(&commits) > before);
    feed(n);
    for (int i = 0; i < 1000 && records_in(n, plan) < passed + (on_kafka() ? 1 : 2 * RECORDS); i++)
        usleep(5000);
    if (!on_kafka()) /* where a marker takes an offset */
        assert_int_equal(records_in(n, plan), passed + 2 * RECORDS);
    if (!exactly_once) { /* what was written has left */
        for (int i = 0; i < 1000 && count_lines(n, "copy") < (size_t)(WARM + 2) * RECORDS; i++)
            usleep(5000);
        assert_int_equal(count_lines(n, "copy"), (WARM + 2) * RECORDS);
    }
    assert_int_equal(atomic_load(&commits), before + 1); /* still the same one */
    atomic_store(&held, false);
    node_wait_idle(n, 30);
    assert_int_equal(count_lines(n, "copy"), (WARM + 2) * RECORDS);
    assert_counts(n, WARM + 2);
    node_end(n);
}

static void a_commit_stops_nobody(void **state)
{
    records_move_while_a_commit_is_decided(false);
    records_move_while_a_commit_is_decided(true);
}

/* Each third decision falls against its commit, when the next is on its way. */
static void what_is_decided_against_is_undone_with_what_came_after(void **state)
{
    for (int exactly_once = 0; exactly_once < 2; exactly_once++) {
        Node *n                 = node_with_slow_log(fresh("fails"));
        n->options.exactly_once = exactly_once;
        n->options.cache_bytes  = exactly_once ? 0 : 10 << 20;
        node_topic_make(n, topic_of(n, "in"), 2);
        node_run(n);
        node_sql(n, sql_of(n, sql));
        atomic_store(&delay_ms, 30);
        atomic_store(&fail_every, 3);
        for (int i = 0; i < 6; i++) {
            feed(n);
            usleep(50000);
        }
        atomic_store(&fail_every, 0);
        node_wait_idle(n, 60);
        if (exactly_once)
            assert_int_equal(count_lines(n, "copy"), 6 * RECORDS);
        else
            assert_true(count_lines(n, "copy") >= 6 * RECORDS);
        if (exactly_once)
            assert_counts(n, 6);
        node_end(n);
    }
}

static void run_and_hang(const char *dir, const char *service, int held_at)
{
    Node *n                = node_with_slow_log(node_new(dir, service));
    n->options.cache_bytes = 0;
    node_run(n);
    node_sql(n, sql_of(n, sql));
    atomic_store(&delay_ms, 20);
    while (atomic_load(&commits) < held_at)
        usleep(500);
    atomic_store(&held, true);
    for (;;)
        pause();
}

/* Killed while a commit is decided and the next is being built, at one commit after the other. */
static void killed_in_between(void **state)
{
    Node *n = fresh("killed");
    char  dir[240], service[64];
    snprintf(dir, sizeof dir, "%.239s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_topic_make(n, topic_of(n, "in"), 2);
    for (int round = 1; round <= 5; round++) {
        for (int i = 0; i < 4; i++)
            feed(n);
        node_free(n);
        pid_t child = fork();
        if (child == 0)
            run_and_hang(dir, service, round);
        usleep(400000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        n = node_new(dir, service);
    }
    node_run(n);
    node_sql(n, sql_of(n, sql));
    node_wait_idle(n, 60);
    assert_int_equal(count_lines(n, "copy"), 20 * RECORDS);
    assert_counts(n, 20);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_stops_nobody),
        cmocka_unit_test(what_is_decided_against_is_undone_with_what_came_after),
        cmocka_unit_test(killed_in_between),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
