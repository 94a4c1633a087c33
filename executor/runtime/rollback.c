/*
 * rollback.c - back to the last commit: the transaction, the state file, every task, the readers.
 *
 * A transaction holds the work of all tasks and cannot give back that of one, so all go back. Where the log
 * has a commit that the state file could not follow, what is in memory is of neither: such tasks are opened
 * again and restored from the log.
 */
#include "executor/runtime/rollback.h"

#include "executor/runtime/fetcher.h"
#include "executor/runtime/restore.h"
#include "executor/runtime/writers.h"

void worker_rollback(Worker *worker)
{
    Error err;
    if (worker->in_txn && worker->txn != NULL && log_txn_abort(worker->txn, &err) != OK) {
        log_line(LOG_WARN, "aborting a transaction: %s", err.message);
        writers_drop_transactional(worker); /* opening it again ends the transaction */
    }
    worker->in_txn        = false;
    worker->txn_bytes     = 0;
    worker->state_changed = worker->moved = false;
    worker->sink_flushed                  = true;
    if (worker->state != NULL)
        state_file_rollback(worker->state);
    for (Task *task = worker->dirty, *next; task != NULL; task = next) {
        next             = task->next_dirty;
        task->next_dirty = NULL;
        task->dirty = task->effects = task->in_commit = false;
        if (worker->file_behind && task->query != NULL) {
            task_close_pipeline(task); /* the log has the commit, the file does not: restore */
            task_move(task, EVENT_REOPENED);
        }
    }
    worker->file_behind   = false;
    worker->dirty         = NULL;
    worker->unrecorded_us = 0;
    for (Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->query != NULL)
            task_rolled_back(task);
    fetchers_rewind(worker->fetchers);
}
