/*
 * identity.h - whose a state file is.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_IDENTITY_H
#define SLUICE_EXECUTOR_RUNTIME_IDENTITY_H

#include "executor/runtime/worker_state.h"

/* E_STALE_STATE: worker->state is another worker's file, or comes from another directory, service or log. A
 * file that says nothing becomes the worker's. Thread: worker, or before its thread runs. */
Status identity_check(Worker *worker, Error *err);

#endif
