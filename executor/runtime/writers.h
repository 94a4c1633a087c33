/*
 * writers.h - a worker's writers: for transactions, and under at_least_once one for sinks.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_WRITERS_H
#define SLUICE_EXECUTOR_RUNTIME_WRITERS_H

#include "executor/runtime/worker_state.h"

/* Opens those that are not. */
Status writers_open(Worker *worker, Error *err);
/* The one for sinks of queries that write at least once; nothing when it is open. */
Status writers_open_sink(Worker *worker, Error *err);
void   writers_close(Worker *worker);
/* Of a task whose pipeline is open: its writers learn now, in the background, of the topics that it will
 * write, which are there; its first commit would wait for that. */
void writers_expect(const Task *task);
/* Begins a transaction unless one is open. E_BUSY: there is no writer now. */
Status writers_begin(Worker *worker, Error *err);
/* Offset after the last record that was written to that partition in transactions that committed, or -1. */
int64_t writers_end(const Worker *worker, Str topic, int partition);
/* Closes the transactional writers, neither of which may be with a decision: opening them again ends what
 * they have begun. */
void writers_drop_transactional(Worker *worker);

#endif
