/*
 * repair.h - a worker's state file that is damaged, of another version, or not its own, is made again from
 * the log.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_REPAIR_H
#define SLUICE_EXECUTOR_RUNTIME_REPAIR_H

#include "executor/runtime/worker_state.h"

/* Opens worker->state. A file that cannot be used is set aside first, and an empty one takes its place: its
 * tasks restore what they need. Thread: worker, or before its thread runs. */
Status worker_open_state(Worker *worker, Error *err);
/* The file turned out to be of no use (`why`; worker->aside says of which kind): everything goes back to the
 * last commit of the log, all tasks are closed and open again over a new file. Thread: worker */
void worker_repair_state(Worker *worker, const Error *why);
/* Looks whether the file follows: damage is repaired, and queries that keep tables are shown as failed while
 * the disk is full. Thread: worker */
void worker_watch_state(Worker *worker);
/* Nothing is left that could not be committed: no task is shown as stalled any more. A commit clears only the
 * tasks that were in it, and one that was rolled back may have nothing more to commit. Thread: worker */
void worker_show_room(Worker *worker);
/* True once there is a file to work on; until then (no room, no rights) nothing may be opened, and this tries
 * again after the worker's pauses. Thread: worker */
bool worker_has_state(Worker *worker);

#endif
