/*
 * standby.h - tasks that follow their changelogs, while another node has their slots.
 *
 * Which slots this node stands by for is told from outside (runtime_stand_by); slots.c brings it to the
 * workers with the slots themselves.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_STANDBY_H
#define SLUICE_EXECUTOR_RUNTIME_STANDBY_H

#include "executor/runtime/task.h"
#include "log/log.h"

/* ---- of a worker ---- */

typedef struct Standbys Standbys;

Standbys *standbys_new(Log *log, Clock *clock);
void      standbys_free(Standbys *standbys); /* accepts NULL; its tasks must be closed */
bool      standbys_are_following(const Standbys *standbys);
void      standbys_tidy(Standbys *standbys); /* as reader_pool_tidy */

/* ---- slots ---- */

/* The worker stands by for the slot as its rank-th, or with 0 not (any more): then it is SLOT_NONE. Not for
 * slots that it has. */
void standby_set_slot(Worker *worker, int slot, int rank);
/* The slot is the worker's own now. */
void standby_leave_slot(Worker *worker, int slot);
/* Reads on in the positions of these slots. Once in a pass, before standby_step. */
void standby_read_slots(Worker *worker, bool *busy);
/* Does the sub-topology's task of that slot stand by here? */
bool standby_is_wanted(const Worker *worker, const RunningQuery *query, const QuerySub *sub, int slot);

/* ---- tasks ---- */

/* One of a class of its own: what fails is only its own affair, and it is opened again later. */
Task *standby_new(Worker *worker, RunningQuery *query, QuerySub *sub, int partition);
/* From OPENING to FOLLOWING. */
Status standby_open(Task *task, Error *err);
/* Applies what has come since the last time. */
Status standby_step(Task *task, bool *busy, Error *err);

#endif
