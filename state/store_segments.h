/*
 * store_segments.h - inside of the state folder: the rows of one buffer in memory, by stretches of time.
 *
 * A buffer is filled at one end of time and forgotten at the other. So its rows lie in segments, each of
 * which has the rows of a stretch of time: blocks of bytes that are filled one after the other, and a hash
 * table from keys to rows of its own. Adding a row is writing it at the end of a block; what has expired goes
 * with its whole segment, without a look at its rows.
 *
 * A row is its key and the value of its changelog record, as the changelog gets it. It does not move and does
 * not change, but for its state.
 *
 * What the file is to have, too, goes there by whole segments (store_buffer.c). Such a one is *cold*: nothing
 * is added to it any more, so that the thread that writes the file reads its rows without a lock, all but
 * their states, which are the worker's. It has two owners then.
 *
 * Thread: worker, where nothing else is said.
 */
#ifndef SLUICE_STATE_STORE_SEGMENTS_H
#define SLUICE_STATE_STORE_SEGMENTS_H

#include <stdatomic.h>

#include "core/mem.h"
#include "core/str.h"

enum { SEGMENT_ROWS_MIN = 512 /* a stretch of time may be longer than its share, rather than have fewer */ };

/* DEAD: it was removed, or never came to be; nothing finds it. */
typedef enum { ROW_KEPT, ROW_NEW, ROW_GOING, ROW_DEAD } SegmentRowState;

typedef struct {
    int64_t  time, number;
    uint32_t key_len, value_len;
    uint32_t change; /* of its buffer's uncommitted changes, which one; while it is NEW */
    uint8_t  state;
    char     bytes[]; /* key, value */
} SegmentRow;

static inline size_t segment_row_bytes(const SegmentRow *row)
{
    return sizeof *row + row->key_len + row->value_len;
}
static inline Str segment_row_key(const SegmentRow *row) { return str_n(row->bytes, row->key_len); }
static inline Str segment_row_value(const SegmentRow *row)
{
    return str_n(row->bytes + row->key_len, row->value_len);
}

/* Where the rows of a key are: a row, or a list of rows in the order of (time, number). */
typedef struct {
    uint32_t tag;   /* hash of the key */
    uint32_t place; /* PLACE_NONE: free */
} SegmentSlot;

typedef struct {
    int64_t      from;           /* times from here on, to where the next segment begins */
    int64_t      oldest, newest; /* of rows that were ever in it */
    int64_t      position;       /* of the changelog: all its rows lie there, or behind it */
    char       **blocks;
    uint32_t     block_count, block_capacity, current; /* current: the one being filled */
    uint32_t     used, room;                           /* of it, in units */
    SegmentSlot *slots;
    size_t       taken, capacity;
    size_t       rows, live; /* rows: dead ones included */
    size_t       live_bytes;
    size_t       bytes; /* all that it has of the heap */
    size_t       going; /* rows whose removal is not committed */
    bool         cold;
    uint32_t     batch; /* that brings it to the file, if it is cold */
    atomic_uint  refs;  /* Thread: any */
} Segment;

typedef struct {
    Segment **list; /* by time */
    size_t    count, capacity;
    int64_t   width;                   /* of a segment, in time */
    size_t    segment_bytes;           /* a segment with so many is full */
    size_t    bytes, live, live_bytes; /* of all */
} Segments;

/* What stands for a key, also elsewhere (store_index.h). */
uint32_t segment_tag(Str key);

/* `retention_ms` < 0: rows are kept for ever. */
void segments_init(Segments *all, int64_t retention_ms, size_t segment_bytes);
void segments_clear(Segments *all);

/* A new row, with room for its value. `position`: where a new segment's rows begin in the changelog. */
SegmentRow *segments_add(Segments *all, Str key, int64_t time, int64_t number, size_t value_len,
                         int64_t position, Segment **out);
/* The living row of that identity; NULL: there is none. */
SegmentRow *segments_get(const Segments *all, Str key, int64_t time, int64_t number, Segment **out);
/* It is dead from now on. */
void segments_kill(Segments *all, Segment *segment, SegmentRow *row);

typedef void (*SegmentVisit)(void *context, Segment *segment, SegmentRow *row);
/* The living rows of a key with from <= time <= to, in the order of (time, number). */
void segments_find(const Segments *all, Str key, int64_t from, int64_t to, SegmentVisit visit, void *context);
/* All living rows with from <= time <= to, in no order. */
void segments_scan(const Segments *all, int64_t from, int64_t to, SegmentVisit visit, void *context);
void segment_each(Segment *segment, SegmentVisit visit, void *context);

/* Frees the segments that have nothing but dead rows and rows before `bound`. */
void segments_expire(Segments *all, int64_t bound);
/* Takes a segment out; its rows stay as they are until it is freed. */
Segment *segments_take(Segments *all, size_t at);
/* The other way round, behind the others. Nothing is added to it. */
void segments_adopt(Segments *all, Segment *segment);
/* Thread: any. */
void segment_ref(Segment *segment);
void segment_unref(Segment *segment); /* the last one frees it */
/* The first of all positions; `none` where there is no row. */
int64_t segments_position(const Segments *all, int64_t none);

#endif
