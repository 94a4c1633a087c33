/*
 * writers.h - a worker's writers: one for transactions, and under at_least_once one for sinks.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_WRITERS_H
#define SLUICE_EXECUTOR_RUNTIME_WRITERS_H

#include "executor/runtime/worker_state.h"

/* Opens those that are not. */
Status writers_open(Worker *worker, Error *err);
void   writers_close(Worker *worker);
/* Begins a transaction unless one is open. E_BUSY: there is no writer now. */
Status writers_begin(Worker *worker, Error *err);
/* Closes the transactional writer: opening it again ends what it has begun. */
void writers_drop_transactional(Worker *worker);

#endif
