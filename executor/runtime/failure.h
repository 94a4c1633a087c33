/*
 * failure.h - what a worker does when something fails.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_FAILURE_H
#define SLUICE_EXECUTOR_RUNTIME_FAILURE_H

#include "executor/runtime/worker_state.h"

/* A task (or NULL: the world) has failed: roll back, then it or all have to wait. Neither the task nor a
 * fetcher may be touched afterwards. */
void worker_failed(Worker *worker, Task *task, const Error *err);
/* Nothing is done for a while: longer each time in a row, until a commit succeeds. */
void worker_pause(Worker *worker);
/* What fails is tried again every few seconds and said once a minute, until a commit works. */
void worker_say_trouble(Worker *worker, const Error *err);

#endif
