/*
 * pause.h - a worker stands still for a while.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_PAUSE_H
#define SLUICE_EXECUTOR_RUNTIME_PAUSE_H

#include "executor/runtime/worker_state.h"

/* Nothing is done for a while: longer each time in a row, until a commit succeeds. */
void worker_pause(Worker *worker);
/* What fails is tried again every few seconds and said once a minute, until a commit works. */
void worker_say_trouble(Worker *worker, const Error *err);

#endif
