/*
 * store_buffer.h - inside of the state folder: what a buffer holds in memory, and when it goes elsewhere.
 *
 * Thread: worker.
 */
#ifndef SLUICE_STATE_STORE_BUFFER_H
#define SLUICE_STATE_STORE_BUFFER_H

#include "state/store_segments.h"
#include "state/store_cache.h"

/* A change since the last commit. */
typedef struct {
    SegmentRow *row; /* NULL: it came and went */
    Segment    *segment;
    bool        removal;
} BufferChange;

struct StoreBuffer {
    Segments      segments;
    BufferChange *changes;
    size_t        count, capacity;
    size_t        prepared;               /* so many of them are part of the commit that is being decided */
    uint32_t      first;                  /* number of the first of them */
    size_t        dirty_bytes, new_bytes; /* new: of rows that are not part of any commit yet */
    int64_t       cold_time;     /* rows that are not held have no later time; INT64_MIN: there are none */
    int64_t       position;      /* the changelog's end as of some commit before now */
    size_t        applied_bytes; /* by a restore, since what is held was bounded last */
};

/* Where the file has rows of it, or memory beside these, they are found there. */
Status store_buffer_open(Store *store, Error *err);
void   store_buffer_close(Store *store); /* what is held is gone */
/* All rows go, those that the file has too. */
void store_buffer_cleared(Store *store);
/* A row that is held, as store_buffer_find gave it. */
void store_buffer_remove(Store *store, StoreRow *row);
/* All rows with from <= time <= to, unsorted: added to those in `out`. */
Status store_buffer_scan(Store *store, int64_t from, int64_t to, Arena *arena, StoreRows *out, Error *err);
/* A changelog record that is to be held. */
Status store_buffer_apply(Store *store, const TableRow *row, Str value, Error *err);
/* Where it is not to be held: a record of a time at which the file may have rows. */
bool store_buffer_is_cold(const Store *store, int64_t time);
/* The file gets a row of that time. */
void store_buffer_chill(Store *store, int64_t time);

/* ---- commits ---- */

/* Without a writer: what has changed, in the transaction of the file. */
Status store_buffer_write(Store *store, Error *err);
void   store_buffer_prepare(Store *store);
/* What was prepared is committed. */
void store_buffer_settle(Store *store);
/* `direct`: so does what was written to the file past the memory. */
void store_buffer_rollback(Store *store, bool direct);
/* Gives the oldest rows to the file where more is held than a restart can read at once: of the buffers that
 * hold most, or of `only` that one. In a transaction of the file it has to be one that is being restored: a
 * rollback takes from the file what it was given there, and only who restores reads it once more. Not while
 * a commit is being decided. */
Status store_buffers_spill(StateFile *file, const Store *only, Error *err);

#endif
