/*
 * commit.h - when and how a worker commits.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_COMMIT_H
#define SLUICE_EXECUTOR_RUNTIME_COMMIT_H

#include "executor/runtime/worker_state.h"

/* Everything that is uncommitted, or all of it with `force`. On failure worker->blamed is the task to blame,
 * or NULL; nothing was rolled back yet. */
Status worker_commit(Worker *worker, bool force, Error *err);
/* The same in two halves, between which records may be moved, and nothing else done. */
Status worker_commit_begin(Worker *worker, bool force, Error *err);
/* Ends what was begun; waits for the decision if it has to. Nothing begun: OK. */
Status worker_commit_settle(Worker *worker, Error *err);
/* Something was begun, and the decision has fallen or cannot be waited for any longer. */
bool worker_commit_can_settle(const Worker *worker);
/* `caught_up`: the readers are, so that somebody may be waiting for a commit. */
bool worker_commit_due(const Worker *worker, bool caught_up);
/* Milliseconds until it may be due; -1: nothing to commit. */
int  worker_commit_wait_ms(const Worker *worker);
bool worker_has_uncommitted(const Worker *worker);

#endif
