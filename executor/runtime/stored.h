/*
 * stored.h - what the state file and the slots topic say of a task.
 *
 * Thread: worker. For tasks whose pipeline is open.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_STORED_H
#define SLUICE_EXECUTOR_RUNTIME_STORED_H

#include "executor/runtime/positions.h"
#include "executor/runtime/reader_pool.h"
#include "executor/runtime/task.h"

/* ---- records ---- */

/* The task's record as of now with that number into `out`; task->blob has the operators' small state. */
void stored_encode(Task *task, uint64_t sequence, StrBuf *out);
/* The same for the state file: the changelogs begin where they have what buffers hold in memory, and not the
 * file (store_changelog_from); and when it was written. */
void stored_encode_fact(Task *task, uint64_t sequence, StrBuf *out);
/* The next offset of one of its inputs; -1: the record has none. */
int64_t stored_input_position(const TaskRecord *record, const Task *task, size_t input);
/* Is the record of this query, and not of another with its id? */
bool stored_is_ours(const Task *task, const TaskRecord *record);
/* What the file says of the task, in worker->scratch. *kept_ms: when it was written; 0: it does not say.
 * *found false: nothing, or of another query. */
Status stored_read(Task *task, TaskRecord *out, int64_t *kept_ms, bool *found, Error *err);

/* ---- stores ---- */

/* They were written to past the cache. */
void stored_note_written(Task *task);
/* Empties them, or those of source tables alone; the slot is the worker's from then on. */
Status stored_clear(Task *task, bool sources_only, Error *err);
/* task->changelogs: where they go on behind what the file has; -1: it does not say. NULL: from their
 * beginnings. */
void stored_set_changelogs(Task *task, const TaskRecord *file);
/* Is what the file says of the changelogs still in them, and with it all that was removed since? Asks the
 * log. `exact`: nothing was. */
Status stored_fits(Task *task, const TaskRecord *file, int64_t kept_ms, bool exact, bool *fit, Error *err);
enum { STORED_SLICE = 2000 };
/* Applies a slice of the store's changelog; *count: records that were there, STORED_SLICE at most. After an
 * error the reader is behind them, though some may not have been applied: unless *count is 0, the task has to
 * be opened again. */
Status stored_apply(Task *task, size_t store, const PoolReading *reading, size_t *count, Error *err);

#endif
