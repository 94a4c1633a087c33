/*
 * restore.h - opening a task, and getting its stores to where its positions are.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_RESTORE_H
#define SLUICE_EXECUTOR_RUNTIME_RESTORE_H

#include "executor/runtime/positions.h"
#include "executor/runtime/task.h"

/* Its pipeline, and what belongs to it; record: what its slot has of it, if *found. Part of task_open. */
Status task_prepare(Task *task, TaskRecord *record, bool *found, Error *err);
/* Opens the pipeline, decides on positions and what to restore. */
Status task_open(Task *task, Error *err);
/* The same for one that has stood by until now and is open: its stores go on from where they are.
 * E_NOT_FOUND: nothing was ever committed of it. After an error it is to be opened as any other. */
Status task_take_over(Task *task, Error *err);
/* A slice of the restore; to RUNNING when done. */
Status task_restore_slice(Task *task, Error *err);
/* While source tables are replayed: is there nothing left? Then it goes on, to RESTORING or RUNNING (*done).
 * Asked in each pass, for the end of a topic may be reached without a record: behind the last one stand the
 * markers of transactions, and what was compacted or deleted is gone. */
Status task_replay_look(Task *task, bool *done, Error *err);
/* A step while source tables are replayed: from their topic into the store, nothing comes out. */
Status task_replay_step(Task *task, bool *progress, Error *err);
/* After the log and the state file were rolled back. */
void task_rolled_back(Task *task);

#endif
