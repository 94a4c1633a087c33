/*
 * rollback.c - back to the last commit: the transaction, the state file, every task, the readers.
 *
 * A transaction holds the work of all tasks and cannot give back that of one, so all go back. Where the log
 * has a commit that the state file could not follow, what is in memory is of neither: such tasks are opened
 * again and restored from the log.
 */
#include "executor/runtime/rollback.h"

#include "executor/runtime/commit.h"
#include "executor/runtime/fetcher.h"
#include "executor/runtime/restore.h"
#include "executor/runtime/writers.h"

static bool aborts(LogWriter *writer)
{
    Error err;
    if (log_txn_abort(writer, &err) == OK)
        return true;
    log_line(LOG_WARN, "aborting a transaction: %s", err.message);
    return false;
}

/* The one being built, and the one that was decided against. Where that fails, opening the writers again does
 * it. */
static void abort_transactions(Worker *worker)
{
    bool done = true;
    if (worker->in_txn && worker->txn != NULL)
        done &= aborts(worker->txn);
    if (worker->deciding_txn != NULL)
        done &= aborts(worker->deciding_txn);
    if (!done)
        writers_drop_transactional(worker);
    worker->in_txn       = false;
    worker->deciding_txn = NULL;
}

/* The log has the last commit and the file does not: what is in memory is of neither. */
static void reopen(Task *task)
{
    task_close_pipeline(task);
    task_move(task, EVENT_REOPENED);
}

static void end_commits(Worker *worker)
{
    for (Task *task = worker->deciding_list, *next; task != NULL; task = next) {
        next                = task->next_deciding;
        task->next_deciding = NULL;
        task->deciding = task->in_commit = false;
        if (worker->file_behind)
            reopen(task);
    }
    for (Task *task = worker->dirty, *next; task != NULL; task = next) {
        next             = task->next_dirty;
        task->next_dirty = NULL;
        task->dirty = task->effects = task->in_commit = false;
        task->newness = task->newness == TASK_BEGINS ? TASK_NEW : task->newness;
    }
    worker->deciding_list = worker->dirty = NULL;
    worker->interval_ms                   = INT64_MAX;
    worker->exactly_once                  = false;
    worker->file_behind                   = false;
    worker->unrecorded_us                 = 0;
}

void worker_rollback(Worker *worker)
{
    Error err;
    /* What has been decided for is kept: only what came after is undone. */
    if (worker_commit_settle(worker, &err) != OK)
        log_line(LOG_WARN, "worker %d: %s", worker->index, err.message);
    abort_transactions(worker);
    worker->txn_bytes     = 0;
    worker->state_changed = worker->moved = worker->newcomer = false;
    worker->sink_flushed = worker->sink_sent = true;
    if (worker->state != NULL)
        state_file_rollback(worker->state);
    end_commits(worker);
    for (Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->query != NULL)
            task_rolled_back(task);
    fetchers_rewind(worker->fetchers);
}
