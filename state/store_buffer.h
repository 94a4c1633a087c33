/*
 * store_buffer.h - inside of the state folder: what a buffer holds in memory, and when it goes elsewhere.
 *
 * Thread: worker.
 */
#ifndef SLUICE_STATE_STORE_BUFFER_H
#define SLUICE_STATE_STORE_BUFFER_H

#include "state/store_cache.h"
#include "state/store_index.h"
#include "state/store_segments.h"

/* A change since the last commit. */
typedef struct {
    SegmentRow *row; /* NULL: it came and went */
    Segment    *segment;
    bool        removal;
} BufferChange;

struct StoreBuffer {
    Segments      segments; /* what the file has not */
    Segments      cold;     /* what it has, too, or will have */
    TimeIndex     index;    /* of rows that the file has and these have not */
    bool          indexed;  /* false: there may be more of them */
    BufferChange *changes;
    size_t        count, capacity;
    size_t        prepared;               /* so many of them are part of the commit that is being decided */
    uint32_t      first;                  /* number of the first of them */
    size_t        dirty_bytes, new_bytes; /* new: of rows that are not part of any commit yet */
    int64_t       cold_time;     /* rows that the file has have no later time; INT64_MIN: there are none */
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
/* A changelog record. *to_file: it is not to be held, for the file may have rows of that time: it gets this,
 * too. */
Status store_buffer_apply(Store *store, const TableRow *row, Str value, bool *to_file, Error *err);
/* The file may have rows of that time. */
bool store_buffer_is_cold(const Store *store, int64_t time);
/* Is it in a segment? Then what the file has of it is not to be looked at. */
bool store_buffer_has(const Store *store, Str key, int64_t time, int64_t number);
/* Where the file has rows of that key that are in no segment: how many times, *out in the arena. Without a
 * writer too. */
Status store_buffer_times(Store *store, Str key, int64_t from, int64_t to, Arena *arena, int64_t **out,
                          size_t *count, Error *err);
size_t store_buffer_bytes(const StoreBuffer *buffer);

/* ---- for the files of buffers ---- */

/* After a change: what it takes of memory; `before`: store_buffer_bytes of then. */
void store_buffer_count(Store *store, size_t before);
/* A new row among those that are held. *segment: where. */
SegmentRow *store_buffer_hold(Store *store, Str key, int64_t time, int64_t number, Str value,
                              Segment **segment);
void        store_buffer_kill(StoreBuffer *buffer, Segment *segment, SegmentRow *row);
/* The file gets a row of that time. */
void store_buffer_chill(Store *store, int64_t time);
/* In the transaction of the file. */
Status store_buffer_write_row(Store *store, const SegmentRow *row, Error *err);

/* ---- commits ---- */

/* What has changed, in the transaction of the file: without a writer all, else rows that the file has. */
Status store_buffer_write(Store *store, Error *err);
/* The removals among the changes that are committed now, of rows that the file has or will have. */
void store_buffer_put_removals(Store *store, size_t changes);
void store_buffer_prepare(Store *store);
/* What was prepared is committed. */
void store_buffer_settle(Store *store);
/* `direct`: so does what was written to the file past the memory. */
void store_buffer_rollback(Store *store, bool direct);
/* ---- store_spill.c ---- */

/* Gives the oldest rows to the file where more is held than a restart can read at once: of the buffers that
 * hold most, or of `only` that one. In a transaction of the file it has to be one that is being restored: a
 * rollback takes from the file what it was given there, and only who restores reads it once more. Not while
 * a commit is being decided. */
Status store_buffers_spill(StateFile *file, const Store *only, Error *err);
/* Gives up rows that the file has, where they and memory take more than there is. */
void store_buffers_trim(StateFile *file);

#endif
