/*
 * failure.h - what a worker does when something fails.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_FAILURE_H
#define SLUICE_EXECUTOR_RUNTIME_FAILURE_H

#include "executor/runtime/worker_state.h"

/* A task (or NULL: the world) has failed: roll back, then it or all have to wait. E_WAIT: the task waits, and
 * nobody else, if nothing of its step has happened. Neither the task nor a
 * fetcher may be touched afterwards. */
void worker_failed(Worker *worker, Task *task, const Error *err);

#endif
