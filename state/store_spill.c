/*
 * store_spill.c - what a buffer gives to the file, and what it gives up.
 *
 * More than a restart can read from the changelog in part of a second is not held: the oldest segment of the
 * buffer that holds most is made cold, and goes to the writer as it is, a batch of rows in the order of time,
 * which it writes behind those that the table has. Nothing is copied, and it stays where its rows are found.
 *
 * Where there is no room for it any more, of what the file has the oldest segment is given up, for it expires
 * first; 12 to 24 bytes a row are left of it, by which its rows are found in the file.
 */
#include "state/state_memory.h"
#include "state/store_buffer.h"

/* ---- to the file ---- */

typedef struct {
    Store       *store;
    int64_t      bound;  /* rows of before have expired */
    int64_t      newest; /* of those for the file: it must not hear of a time that is not committed */
    SegmentRow **rows;   /* for the file, then those that are not committed yet */
    size_t       count, uncommitted;
} Spill;

static void choose_row(void *context, Segment *segment, SegmentRow *row)
{
    Spill *spill = context;
    if (row->state == ROW_NEW) {
        spill->rows[segment->live - ++spill->uncommitted] = row;
    } else if (row->time >= spill->bound) {
        spill->rows[spill->count++] = row;
        spill->newest               = row->time > spill->newest ? row->time : spill->newest;
    }
}

/* An uncommitted row is not for the file yet: it moves on. */
static void hold_again(Store *store, const SegmentRow *row)
{
    Segment      *segment;
    SegmentRow   *again  = store_buffer_hold(store, segment_row_key(row), row->time, row->number,
                                             segment_row_value(row), &segment);
    BufferChange *change = &store->buffer->changes[row->change - store->buffer->first];
    again->state         = ROW_NEW;
    again->change        = row->change;
    change->row          = again;
    change->segment      = segment;
}

/* In a transaction that empties stores memory has nothing that waits. */
static Status write_cold(Store *store, const Spill *spill, Error *err)
{
    TRY(state_file_begin(store->file, true, err));
    for (size_t i = 0; i < spill->count; i++)
        TRY(store_buffer_write_row(store, spill->rows[i], err));
    return OK;
}

/* Takes spill->rows. */
static Status give_to_file(Store *store, Segment *segment, Spill *spill, Error *err)
{
    Status status = OK;
    if (store->file->in_transaction) {
        status = write_cold(store, spill, err);
    } else if (spill->count > 0) {
        state_memory_put_segment(store, segment, spill->rows, spill->count);
        return OK;
    }
    mem_free(spill->rows);
    return status;
}

static Status spill_oldest(Store *store, Error *err)
{
    StoreBuffer *buffer  = store->buffer;
    size_t       before  = store_buffer_bytes(buffer);
    int64_t      time    = buffer->count == 0 ? store->time : store->committed_time;
    Segment     *segment = segments_take(&buffer->segments, 0);
    Spill        spill   = {.store = store, .bound = store_bound(&store->spec, time), .newest = INT64_MIN};
    size_t       live    = segment->live;
    spill.rows           = mem_alloc((live + 1) * sizeof *spill.rows);
    segment_each(segment, choose_row, &spill);
    segment->cold = true;
    segments_adopt(&buffer->cold, segment);
    store_buffer_count(store, before);
    for (size_t i = 0; i < spill.uncommitted; i++) {
        SegmentRow *row = spill.rows[live - 1 - i];
        hold_again(store, row);
        store_buffer_kill(buffer, segment, row);
    }
    store_buffer_chill(store, segment->newest);
    state_memory_raise_time(store, spill.newest);
    return give_to_file(store, segment, &spill, err);
}

/* What a restart would have to read, *of_all; the store with most of it, or `only`; NULL: it has none. */
static Store *holds_most(const StateFile *file, const Store *only, size_t *of_all)
{
    Store *most = NULL;
    size_t top  = 0;
    *of_all     = 0;
    for (Store *store = file->stores; store != NULL; store = store->next) {
        if (store->buffer == NULL)
            continue;
        size_t bytes = store->buffer->segments.live_bytes - store->buffer->new_bytes;
        *of_all += bytes;
        if (bytes > top && (only == NULL || store == only)) {
            top  = bytes;
            most = store;
        }
    }
    return most;
}

Status store_buffers_spill(StateFile *file, const Store *only, Error *err)
{
    size_t bytes, before;
    Store *store = holds_most(file, only, &bytes);
    while (store != NULL && bytes > file->held_limit) {
        before = bytes;
        TRY(spill_oldest(store, err));
        store = holds_most(file, only, &bytes);
        if (bytes >= before)
            break; /* all of it is dead, or not committed yet */
    }
    return OK;
}

/* ---- no room ---- */

/* The store with most of what the file has, too; *of_all: how much that is. */
static Store *has_most_cold(const StateFile *file, size_t *of_all)
{
    Store *most = NULL;
    *of_all     = 0;
    for (Store *store = file->stores; store != NULL; store = store->next) {
        if (store->buffer == NULL || store->buffer->cold.count == 0)
            continue;
        *of_all += store->buffer->cold.bytes;
        if (most == NULL || store->buffer->cold.bytes > most->buffer->cold.bytes)
            most = store;
    }
    return most;
}

/* Time that is not committed may be taken back, and with it what has expired by it. */
static void index_segment_row(void *context, Segment *segment, SegmentRow *row)
{
    Store *store = context;
    if (row->time >= store_bound(&store->spec, store->committed_time))
        time_index_add(&store->buffer->index, segment_tag(segment_row_key(row)), row->time);
}

/* The oldest, for it expires first. Not what the file has not yet, or what a change speaks of. */
static bool give_up_one(Store *store)
{
    StoreBuffer *buffer = store->buffer;
    uint32_t     done   = state_memory_done(store->file);
    size_t       before = store_buffer_bytes(buffer);
    for (size_t i = 0; i < buffer->cold.count; i++) {
        if (buffer->cold.list[i]->batch > done || buffer->cold.list[i]->going > 0)
            continue;
        Segment *segment = segments_take(&buffer->cold, i);
        segment_each(segment, index_segment_row, store);
        segment_unref(segment);
        store_buffer_count(store, before);
        return true;
    }
    return false;
}

void store_buffers_trim(StateFile *file)
{
    size_t cold, memory = state_memory_bytes(file);
    Store *store = has_most_cold(file, &cold);
    while (store != NULL && memory + file->held_bytes > file->memory_limit && cold >= memory &&
           give_up_one(store))
        store = has_most_cold(file, &cold);
}
