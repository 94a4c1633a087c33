/*
 * state_memory.h - inside of the state folder: how a state file's commits get into memory, and rows out of
 * it.
 *
 * Only for files with a writer (state_writer.c); the others, in memory themselves or of tests, write at each
 * commit and have no StoreMemory.
 *
 * Thread: worker.
 */
#ifndef SLUICE_STATE_STATE_MEMORY_H
#define SLUICE_STATE_STATE_MEMORY_H

#include "state/store_cache.h"

/* Gives the store its memory: the one that is still there, or a new one. store->time is the newest then. */
Status state_memory_attach(Store *store, Error *err);
/* The memory stays until the file has it. */
void state_memory_detach(Store *store);
/* Memories that no store uses go, if the file has them; all, with `all`. */
void state_memory_reap(StateFile *file, bool all);

/* A commit: dirty rows and facts become readable, and wait for the file. Waits itself while the file is too
 * far behind. */
Status state_memory_commit(StateFile *file, Error *err);
/* The same in two halves: rows are copied aside; they and the facts become readable. */
void   state_memory_stage(StateFile *file);
Status state_memory_publish(StateFile *file, Error *err);
void   state_memory_unstage(StateFile *file);
/* After a commit that has written the file itself. */
void state_memory_remember(StateFile *file);
/* After a rollback of what was written to the file: what is here may have been read from it. */
void state_memory_drop_all(StateFile *file);

/* A changelog record, past the cache; value ptr NULL: removed. */
Status state_memory_apply(Store *store, const TableRow *row, Str value, Error *err);
/* The same without waiting, and of a row that is right already. */
void state_memory_put(Store *store, const TableRow *row, Str value);
/* Rows of a segment that is cold go to the file with the next batch. Takes `rows`, which are on the heap. */
void state_memory_put_segment(Store *store, Segment *segment, SegmentRow **rows, size_t count);
/* Some that the file has not yet. */
bool     state_memory_has_segments(const Store *store);
uint32_t state_memory_done(const StateFile *file); /* the last batch that the file has */
size_t   state_memory_bytes(const StateFile *file);
/* What is in memory, or will be in the file, has rows of that time. */
void state_memory_raise_time(Store *store, int64_t time);
/* The file gets another version of the row, in a transaction. */
void state_memory_forget(Store *store, Str key, int64_t start, int64_t end);
/* The store's rows are removed from the file in this transaction. */
void state_memory_clear(Store *store);

/* Rows that are given up by the cache and were not here. */
void state_memory_keep(StateFile *file, CacheRow *row);
/* Gives up what there is no room for. */
void state_memory_trim(StateFile *file);

/* Calls `use` for rows that the file may not have yet, the newest version of each. The lock is held
 * meanwhile. */
Status state_memory_unwritten(Store *store, Status (*use)(void *context, MemRow *row, Error *err),
                              void *context, Error *err);

#endif
