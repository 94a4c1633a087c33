/*
 * test_fault_standby.c - a standby whose disk fails while it follows its changelogs has all of their records
 * in the end.
 *
 * One node has all slots of the embedded log, so its worker is told that it stands by. Its state file is as
 * it was before most of the changelog was written, and has room for little in front of a disk that does not
 * write: some of what it reads it cannot apply.
 */
#include "../unit/runtime_test.h"

#include <sqlite3.h>

#include "executor/runtime/mailbox.h"
#include "executor/runtime/query.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/standby.h"
#include "executor/runtime/worker_state.h"
#include "fault_alloc.h"
#include "fault_vfs.h"

enum { MEMORY_BYTES = 1 << 16, FAILING_US = 500000, WAIT_S = 60, FOR_EVER = 1 << 30 };

#define COUNTS "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"

static void shell(const char *format, const char *dir)
{
    char command[900];
    snprintf(command, sizeof command, format, dir);
    assert_int_equal(system(command), 0);
}

static void feed_one(Node *n)
{
    LogWriter *writer = node_writer(n);
    node_send(n, writer, topic_of(n, "in"), "k0", "{\"V\":1}", 0);
    node_flush(n, writer);
    log_writer_close(writer);
}

static void start_query(Node *n, const QueryPlan *plan)
{
    QuerySettings settings    = node_settings(n);
    settings.standby_replicas = 1;
    MUST(runtime_start_query(n->runtime, plan, &(QueryOptions){.settings = &settings}, NULL, NULL, &n->err));
}

static void work(Node *n, const QueryPlan *plan)
{
    node_run(n);
    start_query(n, plan);
    node_wait_idle(n, WAIT_S);
    node_stop(n);
}

/* A log whose changelog has RECORDS keys, and a state file of a time when it had one. */
static const QueryPlan *make_past(Node *n)
{
    const QueryPlan *plan;
    node_topic_make(n, topic_of(n, "in"), 1);
    assert_int_equal(node_plans(n, sql_of(n, STREAM COUNTS), &plan, 1), 1);
    feed_one(n);
    work(n, plan);
    shell("cp -r %1$s/state %1$s/state-then", n->dir);
    feed(n);
    work(n, plan);
    shell("rm -rf %1$s/state && mv %1$s/state-then %1$s/state", n->dir);
    return plan;
}

static void stand_by(Worker *worker, void *argument)
{
    for (int s = 0; s < runtime_slot_count(worker->runtime); s++)
        standby_set_slot(worker, s, 1);
}

static void await_end(const Node *n, const QuerySub *sub, int64_t end)
{
    const TaskView *view = &sub->views[0];
    for (int i = 0; i < WAIT_S * 100; i++) {
        if (view_readable_worker(view, true) >= 0 && atomic_load(&view->changelogs[sub->table_store]) >= end)
            return;
        usleep(10000);
    }
    fail_msg("the standby is at %lld of %lld", (long long)atomic_load(&view->changelogs[sub->table_store]),
             (long long)end);
}

static Status count_row(void *context, const StateRow *row, Error *err)
{
    *(size_t *)context += 1;
    return OK;
}

static size_t count_rows(Node *n, const QueryPlan *plan)
{
    StoreSpec    spec;
    StateReader *reader;
    StoreRange   all  = {0};
    size_t       rows = 0, files;
    MUST(plan_store_spec(plan->materialized, 0, n->arena, &spec, &n->err));
    const char *const *paths = runtime_state_files(n->runtime, &files);
    MUST(state_reader_open(paths, runtime_state_shares(n->runtime), files, &reader, &n->err));
    MUST(state_reader_scan(reader, &spec, &all, n->arena, count_row, &rows, &n->err));
    state_reader_close(reader);
    return rows;
}

static void what_could_not_be_applied_is_read_again(void **state)
{
    Fault   fault = {0};
    Node   *n     = fresh("standby");
    int64_t first, end;
    n->options.workers            = 1;
    n->options.state_memory_bytes = MEMORY_BYTES;
    const QueryPlan *plan         = make_past(n);
    node_run(n);
    while (!runtime_is_ready(n->runtime))
        usleep(1000);
    assert_true(worker_post(n->runtime->workers[0], stand_by, NULL, true));
    fault_vfs_watch(&fault, "/state/worker-", FAULT_WRITE);
    fault_arm(&fault, 1, FOR_EVER, SQLITE_IOERR_WRITE);
    start_query(n, plan);
    usleep(FAILING_US);
    assert_true(fault_was_hit(&fault));
    fault_disarm(&fault);

    RunningQuery   *query = registry_hold(n->runtime, plan->id);
    const QuerySub *sub   = query->subs;
    while (!sub->has_materialized)
        sub++;
    Str changelog =
        topology_changelog_topic(n->options.service_id, plan->id, plan->materialized, 0, n->arena);
    MUST(log_offsets(n->log, changelog, 0, &first, &end, &n->err));
    assert_true(end > RECORDS);
    await_end(n, sub, end);
    assert_int_equal(count_rows(n, plan), RECORDS);
    query_unref(query);
    fault_vfs_watch(NULL, NULL, 0);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_could_not_be_applied_is_read_again)};
    if (!fault_sqlite_memory_install() || !fault_vfs_install())
        return 1;
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
