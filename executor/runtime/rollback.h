/*
 * rollback.h - back to the last commit.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_ROLLBACK_H
#define SLUICE_EXECUTOR_RUNTIME_ROLLBACK_H

#include "executor/runtime/worker_state.h"

/* Aborts; tasks and fetchers go back to the last commit. */
void worker_rollback(Worker *worker);

#endif
