/*
 * test_fault_runtime.c - a node whose log, disk or memory fails at the n-th chance writes what an undisturbed
 * one writes.
 *
 * Each run has a node of its own, on a copy of the same directory: the fault is armed, the node starts, works
 * until it is idle and stops; then it starts again without a fault and gets another round of input, so that
 * what the fault left in the state files and positions is used, not only looked at. The runs are compared key
 * by key (runtime_compare.h).
 *
 * The node's monotonic clock runs CLOCK_SPEED times as fast as the world's: pauses after a failure are waited
 * for, but not for long.
 */
#include "../unit/runtime_compare.h"

#include <sqlite3.h>

#include "core/logger.h"
#include "fault_alloc.h"
#include "fault_log.h"
#include "fault_vfs.h"

enum { CLOCK_SPEED = 10, ROUND = 6, NAMES = 3, MOST_QUERIES = 8, IDLE_SECONDS = 60 };

typedef enum { SEAM_NONE, SEAM_LOG, SEAM_DISK, SEAM_MEMORY } Seam;

/* What the node finds in its state directory when the fault is armed: what has to be emptied or restored is
 * rolled back otherwise than what is there. */
typedef enum {
    PAST_NONE,
    PAST_STRANGE, /* tables of the same names, of a service whose log is another one */
    PAST_BEHIND,  /* files as they were a round ago */
    PAST_GONE,    /* no files, though the log has positions */
} Past;

typedef struct {
    const char *name;
    bool        exactly_once;
    size_t      cache; /* 0: every update is written, so that sequences can be compared */
    Seam        seam;
    unsigned    calls; /* FAULT_APPEND ... or FAULT_WRITE ... */
    const char *part;  /* of the path: which file's disk */
    int         code;  /* a Status; a SQLite code for the disk */
    long        times;
    Past        past;
} Sweep;

static const char sql[] =
    "CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"
    "CREATE TABLE D (K STRING PRIMARY KEY, X INT) WITH (KAFKA_TOPIC='$dim', VALUE_FORMAT='JSON');"
    "CREATE STREAM C WITH (KAFKA_TOPIC='$copy') AS SELECT K, V + 1 AS Y FROM S WHERE V <> 3;"
    "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K, V, X FROM S JOIN D ON S.K = D.K;"
    "CREATE TABLE W WITH (KAFKA_TOPIC='$windows') AS SELECT K, COUNT(*) AS N, SUM(V) AS T FROM S"
    " WINDOW TUMBLING (SIZE 8 MILLISECONDS) GROUP BY K;"
    "CREATE TABLE G WITH (KAFKA_TOPIC='$groups') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;";

static const struct {
    const char *name;
    bool        is_table;
} outputs[] = {{"copy", false}, {"joined", false}, {"windows", true}, {"groups", true}};

typedef struct {
    WrittenTopic topics[ARRAY_LEN(outputs)];
} Result;

/* ---- a fast clock ---- */

static int64_t fast_monotonic_us(Clock *clock)
{
    return clock_system()->monotonic_us(clock_system()) * CLOCK_SPEED;
}

static Clock fast_clock(void)
{
    Clock clock        = *clock_system();
    clock.monotonic_us = fast_monotonic_us;
    return clock;
}

/* ---- a run ---- */

static void feed_round(Node *n, int round)
{
    LogWriter *writer = node_writer(n);
    char       key[16], value[32];
    for (int i = 0; i < NAMES; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"X\":%d}", round * 100 + i);
        node_send(n, writer, topic_of(n, "dim"), key, value, 100 * round);
    }
    node_flush(n, writer);
    for (int i = 0; i < ROUND; i++) {
        snprintf(key, sizeof key, "k%d", i % NAMES);
        snprintf(value, sizeof value, "{\"V\":%d}", i % 5);
        node_send(n, writer, topic_of(n, "in"), key, value, 100 * round + 1 + i);
    }
    node_flush(n, writer);
    log_writer_close(writer);
}

/* As somebody would who starts the server again when it did not start. */
static void run_stubbornly(Node *n)
{
    Status status = E_IO;
    for (int i = 0; i < 5 && status != OK; i++) {
        status = runtime_open(&n->options, &n->runtime, &n->err);
        if (status != OK && !fault_is_of_the_world(status))
            fail_msg("opening the runtime: %s: %s", status_name(status), n->err.message);
    }
    MUST(status);
}

static void start_queries(Node *n, const QueryPlan *const *plans, size_t count)
{
    QuerySettings settings = node_settings(n);
    QueryOptions  options  = {.settings = &settings};
    for (size_t i = 0; i < count; i++) {
        Status status = E_IO;
        for (int attempt = 0; attempt < 5 && status != OK; attempt++)
            status = runtime_start_query(n->runtime, plans[i], &options, NULL, NULL, &n->err);
        MUST(status);
    }
}

static void await_idle(Node *n, const QueryPlan *const *plans, size_t count, const char *what)
{
    for (int i = 0; i < IDLE_SECONDS * 500; i++) {
        if (runtime_is_idle(n->runtime))
            return;
        usleep(2000);
    }
    for (size_t i = 0; i < count; i++) {
        QueryStatus status;
        if (runtime_query_status(n->runtime, plans[i]->id, n->arena, &status, &n->err) != OK)
            continue;
        print_message(
            "%s: " STR_FMT " is in state %d with %zu errors, the last: " STR_FMT "\n", what,
            STR_ARG(plans[i]->id), status.state, status.error_count,
            STR_ARG(status.error_count > 0
                        ? status.errors[(status.error_count < 10 ? status.error_count : 10) - 1].message
                        : STR_LIT("none")));
    }
    fail_msg("%s: the queries are not idle after %d s", what, IDLE_SECONDS);
}

static void watch(const Sweep *sweep, Fault *fault)
{
    fault_vfs_watch(fault != NULL && sweep->seam == SEAM_DISK ? fault : NULL, sweep->part, sweep->calls);
    fault_sqlite_memory_watch(fault != NULL && sweep->seam == SEAM_MEMORY ? fault : NULL);
}

static Result result_read(Node *n)
{
    Result result;
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        result.topics[i] = written_read(n, outputs[i].name);
    return result;
}

static void result_clear(Result *result)
{
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        written_clear(&result->topics[i]);
}

static Node *node_for(const Sweep *sweep, Clock *clock, const char *dir, const char *service)
{
    Node *n                       = node_new(dir, service);
    n->options.clock              = clock;
    n->options.workers            = 2;
    n->options.commit_interval_ms = 20;
    n->options.exactly_once       = sweep->exactly_once;
    n->options.cache_bytes        = sweep->cache;
    n->options.log                = n->log;
    node_topic_make(n, topic_of(n, "in"), 2);
    node_topic_make(n, topic_of(n, "dim"), 2);
    return n;
}

static void work(Node *n, const QueryPlan *const *plans, size_t count, const char *what)
{
    run_stubbornly(n);
    start_queries(n, plans, count);
    await_idle(n, plans, count, what);
    node_stop(n);
}

static void shell(const char *format, const char *dir)
{
    char command[900];
    snprintf(command, sizeof command, format, dir);
    assert_int_equal(system(command), 0);
}

/* The directory that all runs of a sweep start from a copy of: a log with input that is still to be read, and
 * the past. */
static void make_past(const Sweep *sweep, const char *dir)
{
    Clock            clock = fast_clock();
    const QueryPlan *plans[MOST_QUERIES];
    mkdir(dir, 0777);
    if (sweep->past == PAST_STRANGE) {
        Node *n = node_for(sweep, &clock, dir, "strange_");
        feed_round(n, 1);
        work(n, plans, node_plans(n, sql_of(n, sql), plans, ARRAY_LEN(plans)), sweep->name);
        node_free(n);
    }
    Node *n = node_for(sweep, &clock, dir, "t_");
    feed_round(n, 1);
    if (sweep->past == PAST_BEHIND || sweep->past == PAST_GONE) {
        size_t count = node_plans(n, sql_of(n, sql), plans, ARRAY_LEN(plans));
        work(n, plans, count, sweep->name);
        shell("cp -r %1$s/state %1$s/state-then", dir);
        feed_round(n, 2);
        work(n, plans, count, sweep->name);
        shell(sweep->past == PAST_GONE ? "rm -rf %1$s/state"
                                       : "rm -rf %1$s/state && mv %1$s/state-then %1$s/state",
              dir);
    }
    feed_round(n, 3);
    node_free(n);
}

/* One run with the n-th chance taken (0: none). False: it was not reached. */
static bool run(const Sweep *sweep, const char *past, long nth, const char *what, Result *out)
{
    Clock            clock = fast_clock();
    Fault            fault = {0};
    const QueryPlan *plans[MOST_QUERIES];
    char             dir[200];
    snprintf(dir, sizeof dir, "%s/run", root);
    shell("cp -r %1$s %1$s/../run", past);
    Node  *n       = node_for(sweep, &clock, dir, "t_");
    size_t count   = node_plans(n, sql_of(n, sql), plans, ARRAY_LEN(plans));
    n->log         = fault_log_new(n->log, &fault, sweep->seam == SEAM_LOG ? sweep->calls : 0);
    n->options.log = n->log;

    watch(sweep, &fault);
    if (nth > 0)
        fault_arm(&fault, nth, sweep->times, sweep->code);
    work(n, plans, count, what);
    bool hit = fault_was_hit(&fault);
    fault_disarm(&fault);
    watch(sweep, NULL);

    feed_round(n, 4);
    work(n, plans, count, what);
    *out = result_read(n);
    node_free(n);
    shell("rm -rf %1$s", dir);
    return hit;
}

/* ---- sweeps ---- */

/* Where sweeps begin: to go on from, or to look at, a failure. */
static long first_nth = 1;

static Sameness sameness(const Sweep *sweep, size_t output)
{
    if (outputs[output].is_table && sweep->cache > 0)
        return SAME_ENDS;
    return sweep->exactly_once ? SAME_SEQUENCES : SAME_WITH_TWICE;
}

static void sweep_over(const Sweep *sweep)
{
    Result expected, got;
    char   what[128], past[200];
    snprintf(past, sizeof past, "%s/past%d", root, serial++);
    make_past(sweep, past);
    run(sweep, past, 0, sweep->name, &expected);
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        assert_true(expected.topics[i].count > 0);
    long nth = first_nth;
    for (bool hit = true; hit; nth++) {
        assert_true(nth < FAULT_SWEEP_MAX);
        snprintf(what, sizeof what, "%s, n = %ld", sweep->name, nth);
        hit = run(sweep, past, nth, what, &got);
        for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
            assert_same_topic(&expected.topics[i], &got.topics[i], sameness(sweep, i), outputs[i].name, what);
        result_clear(&got);
    }
    print_message("%s: %ld chances\n", sweep->name, nth - 2);
    result_clear(&expected);
}

#define LATE (10 << 20)

static const Sweep sweeps[] = {
    {"append fails", true, 0, SEAM_LOG, FAULT_APPEND, NULL, E_IO, 1, PAST_NONE},
    {"transaction fails", true, 0, SEAM_LOG, FAULT_TXN, NULL, E_IO, 1, PAST_NONE},
    {"transaction is fenced", true, 0, SEAM_LOG, FAULT_TXN, NULL, E_FENCED, 1, PAST_NONE},
    {"append fails at least once", false, 0, SEAM_LOG, FAULT_APPEND, NULL, E_IO, 1, PAST_NONE},
    {"transaction fails at least once", false, LATE, SEAM_LOG, FAULT_TXN, NULL, E_IO, 1, PAST_NONE},
    {"topics fail", true, 0, SEAM_LOG, FAULT_TOPIC, NULL, E_IO, 1, PAST_NONE},
    {"handles fail", true, 0, SEAM_LOG, FAULT_HANDLE, NULL, E_IO, 1, PAST_NONE},
    {"reads fail", true, 0, SEAM_LOG, FAULT_READ, NULL, E_IO, 1, PAST_NONE},
    {"state writes fail", true, 0, SEAM_DISK, FAULT_DISK, "/state/worker-", SQLITE_IOERR_WRITE, 1, PAST_NONE},
    {"state disk is full", true, LATE, SEAM_DISK, FAULT_WRITE, "/state/worker-", SQLITE_FULL, 3, PAST_NONE},
    {"log writes fail", true, 0, SEAM_DISK, FAULT_DISK, "/log.db", SQLITE_IOERR_WRITE, 1, PAST_NONE},
    {"log disk is full", true, LATE, SEAM_DISK, FAULT_WRITE, "/log.db", SQLITE_FULL, 3, PAST_NONE},
    {"append fails over strange state", true, 0, SEAM_LOG, FAULT_APPEND, NULL, E_IO, 1, PAST_STRANGE},
    {"append fails after a restore", true, 0, SEAM_LOG, FAULT_APPEND, NULL, E_IO, 1, PAST_BEHIND},
    {"reads fail in a restore", true, 0, SEAM_LOG, FAULT_READ, NULL, E_IO, 1, PAST_GONE},
    {"state disk is full in a restore", true, 0, SEAM_DISK, FAULT_WRITE, "/state/worker-", SQLITE_FULL, 1,
     PAST_GONE},
};

/* In memory, where there is such a place: a sweep is about what fails, not about how long a disk takes. */
static int make_fast_root(void **state)
{
    if (access("/dev/shm", W_OK) != 0)
        return make_root(state);
    snprintf(root, sizeof root, "/dev/shm/sluice-fault-XXXXXX");
    return mkdtemp(root) == NULL;
}

static void nth_failure_changes_nothing(void **state) { sweep_over(*state); }

/* A sweep mostly waits, for commits and after failures: so several run at a time, each in a process of its
 * own, since the disk and the memory that fail are a process's. */
enum { AT_A_TIME = 6 };

static int run_one(struct CMUnitTest *test)
{
    const struct CMUnitTest tests[] = {*test};
    return cmocka_run_group_tests_name(test->name, tests, make_fast_root, remove_root);
}

static int await_child(void)
{
    int status;
    return waitpid(-1, &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static int run_all(struct CMUnitTest *tests, size_t count)
{
    int failed = 0, alive = 0;
    for (size_t i = 0; i < count; i++) {
        if (alive == AT_A_TIME) {
            failed += await_child();
            alive--;
        }
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            exit(run_one(&tests[i])); /* with the leak check of an end like any other */
        failed += child < 0;
        alive += child > 0;
    }
    for (; alive > 0; alive--)
        failed += await_child();
    return failed;
}

/* Arguments: one sweep by name; its first n. FAULT_VERBOSE: with the lines of the log. */
int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_LEN(sweeps)];
    for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
        tests[i] = (struct CMUnitTest){.name          = sweeps[i].name,
                                       .test_func     = nth_failure_changes_nothing,
                                       .initial_state = (void *)&sweeps[i]};
    if (!fault_sqlite_memory_install() || !fault_vfs_install())
        return 1;
    if (argc > 2)
        first_nth = strtol(argv[2], NULL, 10);
    if (getenv("FAULT_VERBOSE") == NULL)
        log_set_level(LOG_ERROR + 1);
    for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
        if (argc > 1 && strcmp(argv[1], sweeps[i].name) == 0)
            return run_one(&tests[i]);
    return argc > 1 ? 2 : run_all(tests, ARRAY_LEN(tests));
}
