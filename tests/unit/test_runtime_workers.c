/*
 * test_runtime_workers.c - another number of workers, and kills in between: each row of a table is there
 * once.
 *
 * Which worker gets a slot is what the state files say ("slot/<s>"). A worker that is killed while it
 * restores may leave rows behind; after the next start, with more workers, the slot may be another's.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "runtime_test.h"

enum { PARTITIONS = 4, LATEST_KILL_US = 400000 };

#define COUNTS "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"

/* ---- counting ---- */

static Status count_row(void *context, const StateRow *row, Error *err)
{
    *(size_t *)context += 1;
    return OK;
}

static size_t count_rows(Node *n, const QueryPlan *plan, const StoreRange *range)
{
    StoreSpec    spec;
    StateReader *reader;
    size_t       files, rows = 0;
    MUST(plan_store_spec(plan->materialized, 0, n->arena, &spec, &n->err));
    const char *const *paths = runtime_state_files(n->runtime, &files);
    MUST(state_reader_open(paths, runtime_state_shares(n->runtime), files, &reader, &n->err));
    MUST(state_reader_scan(reader, &spec, range, n->arena, count_row, &rows, &n->err));
    state_reader_close(reader);
    return rows;
}

/* As a pull query does. */
static size_t count_owned(Node *n, const QueryPlan *plan)
{
    StoreRange range = {0};
    int       *partitions;
    size_t    *files;
    assert_true(runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &files,
                                         &range.partition_count));
    assert_int_equal(range.partition_count, PARTITIONS);
    range.partitions = partitions;
    range.files      = files;
    return count_rows(n, plan, &range);
}

/* All that the files have, whoever owns it. */
static size_t count_everywhere(Node *n, const QueryPlan *plan)
{
    return count_rows(n, plan, &(StoreRange){0});
}

/* ---- starting ---- */

static const QueryPlan *run_with(Node *n, int workers)
{
    n->options.workers            = workers;
    n->options.commit_interval_ms = 20;
    node_run(n);
    return node_sql(n, sql_of(n, STREAM COUNTS));
}

/* A table of RECORDS rows, made by that many workers; nobody runs. */
static Node *fresh_table(const char *name, int workers)
{
    Node *n = fresh(name);
    node_topic_make(n, topic_of(n, "in"), PARTITIONS);
    const QueryPlan *plan = run_with(n, workers);
    feed(n);
    node_wait_idle(n, 30);
    assert_int_equal(count_owned(n, plan), RECORDS);
    return n;
}

static Node *start_again(Node *n)
{
    char dir[256], service[64];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_free(n);
    return node_new(dir, service);
}

static const char *state_path(Node *n, const char *file)
{
    return str_to_c(n->arena, str_printf(n->arena, "%s/state%s", n->dir, file));
}

/* ---- rows that nobody has laid claim to ---- */

/* As versions left it that claimed a slot with the first commit only. */
static void forget_facts(Node *n, const char *path)
{
    StateFile *file;
    Str       *names, *values;
    size_t     count;
    MUST(state_file_open(path, &file, &n->err));
    MUST(state_meta_list(file, STR_LIT(""), n->arena, &names, &values, &count, &n->err));
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        MUST(state_meta_set(file, names[i], STR_NULL, &n->err));
    MUST(state_file_commit(file, &n->err));
    state_file_close(file);
}

static void what_others_left_is_not_read(void **state)
{
    Node *n = start_again(fresh_table("left", 1));
    forget_facts(n, state_path(n, "/worker-0.db"));
    for (int i = 0; i < 2; i++) { /* it stayed so over restarts */
        const QueryPlan *plan = run_with(n, 2);
        node_wait_idle(n, 30);
        assert_int_equal(count_owned(n, plan), RECORDS);
        n = start_again(n);
    }
    node_free(n);
}

/* ---- kill -9 ---- */

static void child_restores(const char *dir, const char *service)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody behind */
    run_with(node_new(dir, service), 1);
    for (;;)
        usleep(100000);
}

/* The number of workers comes to one, the state is lost, the restore is killed, and there are several again.
 */
static void killed_while_one_restores_for_all(void **state)
{
    Node *n = fresh_table("killed", 2);
    char  dir[256], service[64];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    for (useconds_t after = 5000; after <= LATEST_KILL_US; after = after * 3 / 2) {
        const char *remove = str_to_c(n->arena, str_printf(n->arena, "rm -rf '%s'", state_path(n, "")));
        node_stop(n);
        assert_int_equal(system(remove), 0);
        node_free(n);
        pid_t child = fork();
        if (child == 0)
            child_restores(dir, service);
        usleep(after);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        n                     = node_new(dir, service);
        const QueryPlan *plan = run_with(n, 2);
        node_wait_idle(n, 30);
        assert_int_equal(count_owned(n, plan), RECORDS);
        assert_int_equal(count_everywhere(n, plan), RECORDS);
    }
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_left_is_not_read),
        cmocka_unit_test(killed_while_one_restores_for_all),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
