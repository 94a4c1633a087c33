/*
 * worker.h - a worker's life.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_WORKER_H
#define SLUICE_EXECUTOR_RUNTIME_WORKER_H

#include "executor/runtime/worker_state.h"

Status worker_new(Runtime *runtime, int index, Worker **out, Error *err);
void   worker_free(Worker *worker); /* after its thread has ended */
void  *worker_main(void *worker);

#endif
