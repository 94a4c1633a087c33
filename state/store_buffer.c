/*
 * store_buffer.c - several rows per key and time: what a join or a pattern keeps of a stream.
 *
 * A row's identity is key, time and a number that its owner counts up; so a new row is never anywhere else
 * and is added without a look. It is *held* in memory (store_segments.h), and most rows never leave it: a row
 * of a join lives as long as its window, and writing it into a file in order to delete it there again would
 * be the dearest part of the join. The changelog has it. So a restart reads the changelog from where the
 * oldest of the rows held was written on (store_changelog_from), and no more is held than it can read in part
 * of a second (StateLag.bytes): beyond, the oldest segment goes the way of all other stores' rows, to memory
 * and file, where it is *cold* and found by the ways of store_scan.c.
 *
 * A row is either held or cold, never both: where a restart meets a record of a time at which the file may
 * have rows, it goes there (store_buffer_is_cold), where putting it once more changes nothing.
 *
 * A commit costs nothing per row but its changelog record: the changes since the last one are a list, which
 * it forgets and a rollback undoes. Rows that are held expire by what is committed, with their segments.
 *
 * Files without a writer (in memory, in tests) get all rows at each commit and hold none.
 */
#include "state/store_buffer.h"
#include "state/state_memory.h"

enum { SEGMENTS_IN_ALL = 16, SEGMENT_MIN = 4096, SEGMENT_USUAL = 4 << 20, CHANGE_COST = 64 };

/* ---- life ---- */

Status store_buffer_open(Store *store, Error *err)
{
    StoreBuffer *buffer = mem_calloc(1, sizeof *buffer);
    size_t part = store->file->writer == NULL ? SEGMENT_USUAL : store->file->held_limit / SEGMENTS_IN_ALL;
    bool   cold;
    segments_init(&buffer->segments, store->spec.retention_ms, part > SEGMENT_MIN ? part : SEGMENT_MIN);
    store->buffer = buffer;
    if (store->memory != NULL)
        cold = store->memory->rows > 0 || !store->memory->complete;
    else
        TRY(store_table_has_rows(store->table, store->partition, &cold, err));
    buffer->cold_time = cold ? store->time : INT64_MIN;
    buffer->position  = -1;
    return OK;
}

static void count_held(Store *store, size_t before)
{
    store->file->held_bytes += store->buffer->segments.bytes - before;
}

static void forget_changes(Store *store)
{
    StoreBuffer *buffer = store->buffer;
    store->file->dirty_bytes -= buffer->dirty_bytes;
    buffer->first += (uint32_t)buffer->count;
    buffer->dirty_bytes = buffer->new_bytes = buffer->count = buffer->prepared = 0;
}

static void drop_held(Store *store)
{
    size_t before = store->buffer->segments.bytes;
    forget_changes(store);
    segments_clear(&store->buffer->segments);
    count_held(store, before);
}

void store_buffer_close(Store *store)
{
    if (store->buffer == NULL)
        return;
    drop_held(store);
    mem_free(store->buffer->changes);
    mem_free(store->buffer);
    store->buffer = NULL;
}

void store_buffer_cleared(Store *store)
{
    drop_held(store);
    store->buffer->cold_time = INT64_MIN;
}

int64_t store_changelog_from(Store *store, int64_t end)
{
    StoreBuffer *buffer = store->buffer;
    if (buffer == NULL || store->file->writer == NULL)
        return end;
    buffer->position = end;
    return segments_position(&buffer->segments, end);
}

bool store_is_held(const Store *store) { return store->buffer != NULL && store->file->writer != NULL; }

/* ---- changing ---- */

static void add_change(Store *store, Segment *segment, SegmentRow *row, bool removal)
{
    StoreBuffer *buffer = store->buffer;
    size_t       cost   = CHANGE_COST + (removal ? 0 : row->key_len + row->value_len);
    if (buffer->count == buffer->capacity) {
        buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 64;
        buffer->changes  = mem_realloc(buffer->changes, buffer->capacity * sizeof *buffer->changes);
    }
    row->change                      = buffer->first + (uint32_t)buffer->count;
    buffer->changes[buffer->count++] = (BufferChange){row, segment, removal};
    buffer->dirty_bytes += cost;
    store->file->dirty_bytes += cost;
    store_cache_list(store);
}

static SegmentRow *hold(Store *store, Str key, int64_t time, int64_t number, Str value, Segment **segment)
{
    StoreBuffer *buffer = store->buffer;
    size_t       before = buffer->segments.bytes;
    SegmentRow  *row =
        segments_add(&buffer->segments, key, time, number, value.len, buffer->position, segment);
    memcpy(row->bytes + key.len, value.ptr, value.len);
    count_held(store, before);
    return row;
}

bool store_buffer_add(Store *store, Str key, const Value *keys, int64_t time, int64_t number,
                      const Value *values, int64_t timestamp)
{
    StrBuf  *bytes = &store->table->buffer;
    TableRow row   = {key, store->partition, time, number, timestamp, true, keys, values};
    Segment *segment;
    if (store_row_expired(store, time, number))
        return false;
    strbuf_reset(bytes);
    store_record_encode(&store->spec, &row, bytes);
    SegmentRow *held = hold(store, key, time, number, strbuf_str(bytes), &segment);
    held->state      = ROW_NEW;
    store->buffer->new_bytes += segment_row_bytes(held);
    add_change(store, segment, held, false);
    if (time > store->time)
        store->time = time;
    return true;
}

/* A row as it was found. */
typedef struct {
    StoreRow    base; /* first */
    Segment    *segment;
    SegmentRow *row;
} HeldRow;

void store_buffer_remove(Store *store, StoreRow *row)
{
    StoreBuffer *buffer = store->buffer;
    HeldRow     *held   = (HeldRow *)row;
    SegmentRow  *at     = held->row;
    row->exists         = false;
    if (at->state == ROW_KEPT || (at->state == ROW_NEW && at->change - buffer->first < buffer->prepared)) {
        add_change(store, held->segment, at, true);
        at->state = ROW_GOING;
    } else if (at->state == ROW_NEW) {
        buffer->changes[at->change - buffer->first].row = NULL;
        buffer->new_bytes -= segment_row_bytes(at);
        segments_kill(&buffer->segments, held->segment, at);
    }
}

/* ---- finding ---- */

typedef struct {
    Store    *store;
    Arena    *arena;
    StoreRows rows;
    size_t    capacity;
    Status    status;
    Error    *err;
} Finding;

static void grow(Finding *finding)
{
    if (finding->rows.count < finding->capacity)
        return;
    size_t     capacity = finding->capacity ? finding->capacity * 2 : 4;
    StoreRow **rows     = arena_alloc(finding->arena, capacity * sizeof *rows);
    if (finding->rows.count > 0)
        memcpy(rows, finding->rows.rows, finding->rows.count * sizeof *rows);
    finding->rows.rows = rows;
    finding->capacity  = capacity;
}

/* Texts of the row are those of the segment, which lasts until the next commit. */
static void take_found(void *context, Segment *segment, SegmentRow *at)
{
    Finding *finding = context;
    Store   *store   = finding->store;
    TableRow read    = {.window_end = at->number};
    if (at->state == ROW_GOING || finding->status != OK || store_row_expired(store, at->time, at->number))
        return;
    finding->status =
        store_record_view(&store->spec, segment_row_value(at), finding->arena, &read, finding->err);
    if (finding->status != OK)
        return;
    HeldRow *row = arena_alloc(finding->arena, sizeof *row);
    *row         = (HeldRow){.base    = {.key          = segment_row_key(at),
                                         .window_start = at->time,
                                         .window_end   = at->number,
                                         .exists       = true,
                                         .visible      = read.visible,
                                         .dirty        = at->state != ROW_KEPT,
                                         .stored       = at->state == ROW_KEPT,
                                         .held         = true,
                                         .timestamp    = read.timestamp,
                                         .keys         = read.keys,
                                         .values       = (Value *)read.values},
                             .segment = segment,
                             .row     = at};
    grow(finding);
    finding->rows.rows[finding->rows.count++] = &row->base;
}

static int compare_found(const void *a, const void *b)
{
    const StoreRow *x = *(StoreRow *const *)a, *y = *(StoreRow *const *)b;
    if (x->window_start != y->window_start)
        return x->window_start < y->window_start ? -1 : 1;
    return (x->window_end > y->window_end) - (x->window_end < y->window_end);
}

static bool may_be_cold(const Store *store, int64_t from)
{
    return store->buffer->cold_time >= from &&
           store->buffer->cold_time >= store_bound(&store->spec, store->time) &&
           store->buffer->cold_time != INT64_MIN;
}

bool store_buffer_is_cold(const Store *store, int64_t time) { return time <= store->buffer->cold_time; }

void store_buffer_chill(Store *store, int64_t time)
{
    if (time > store->buffer->cold_time)
        store->buffer->cold_time = time;
}

static StoreRows joined(StoreRows a, StoreRows b, Arena *arena)
{
    if (a.count == 0 || b.count == 0)
        return a.count == 0 ? b : a;
    StoreRows all = {arena_alloc(arena, (a.count + b.count) * sizeof *a.rows), a.count + b.count};
    memcpy(all.rows, a.rows, a.count * sizeof *a.rows);
    memcpy(all.rows + a.count, b.rows, b.count * sizeof *b.rows);
    return all;
}

Status store_buffer_find(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                         Error *err)
{
    Finding   finding = {.store = store, .arena = arena, .err = err};
    StoreRows cold    = {0};
    *out              = (StoreRows){0};
    if (from > to)
        return OK;
    store->lookups++;
    segments_find(&store->buffer->segments, key, from, to, take_found, &finding);
    TRY(finding.status);
    if (may_be_cold(store, from))
        TRY(store_find_cold(store, key, from, to, arena, &cold, err));
    *out = joined(cold, finding.rows, arena);
    if (cold.count > 0 && finding.rows.count > 0)
        qsort(out->rows, out->count, sizeof *out->rows, compare_found);
    return OK;
}

Status store_buffer_scan(Store *store, int64_t from, int64_t to, Arena *arena, StoreRows *out, Error *err)
{
    Finding finding = {.store = store, .arena = arena, .err = err};
    segments_scan(&store->buffer->segments, from, to, take_found, &finding);
    TRY(finding.status);
    *out = joined(*out, finding.rows, arena);
    return OK;
}

/* ---- the changelog ---- */

/* Once more what is there: the same bytes, for rows do not change. */
Status store_buffer_apply(Store *store, const TableRow *row, Str value, Error *err)
{
    StoreBuffer *buffer = store->buffer;
    Segment     *segment;
    SegmentRow  *at = segments_get(&buffer->segments, row->key, row->window_start, row->window_end, &segment);
    if (at != NULL && str_is_null(value))
        segments_kill(&buffer->segments, segment, at);
    if (at != NULL || str_is_null(value))
        return OK;
    at = hold(store, row->key, row->window_start, row->window_end, value, &segment);
    buffer->applied_bytes += segment_row_bytes(at);
    if (buffer->applied_bytes < buffer->segments.segment_bytes || buffer->count > 0)
        return OK;
    buffer->applied_bytes = 0;
    size_t before         = buffer->segments.bytes;
    segments_expire(&buffer->segments, store_bound(&store->spec, store->time));
    count_held(store, before);
    if (store->file->prepared)
        return OK;
    if (store->file->in_transaction)
        return store_buffers_spill(store->file, store, err);
    TRY(state_writer_make_room(store->file->writer, err));
    return store_buffers_spill(store->file, NULL, err);
}

size_t store_change_count(const Store *store)
{
    const StoreBuffer *buffer = store->buffer;
    return store->dirty_count + (buffer == NULL ? 0 : buffer->count - buffer->prepared);
}

bool store_encode_change(Store *store, size_t i, Arena *arena, Str *key, Str *value)
{
    if (i < store->dirty_count) {
        const StoreRow *row = &store->dirty[i]->base;
        if (!row->exists && !row->stored)
            return false;
        store_encode(store, row, arena, key, value);
        return true;
    }
    const StoreBuffer  *buffer = store->buffer;
    const BufferChange *change = &buffer->changes[buffer->prepared + i - store->dirty_count];
    const SegmentRow   *row    = change->row;
    if (row == NULL || (!change->removal && store_row_expired(store, row->time, row->number)))
        return false;
    *key   = store_changelog_key(&store->spec, segment_row_key(row), row->time, row->number, arena);
    *value = change->removal ? STR_NULL : segment_row_value(row);
    return true;
}

/* ---- commits ---- */

Status store_buffer_write(Store *store, Error *err)
{
    StoreBuffer *buffer = store->buffer;
    Arena       *arena  = store->file->scratch;
    Status       status = OK;
    for (size_t i = 0; status == OK && i < buffer->count; i++) {
        const SegmentRow *row = buffer->changes[i].row;
        if (row == NULL || store_row_expired(store, row->time, row->number))
            continue;
        TableRow out = {.key          = segment_row_key(row),
                        .partition    = store->partition,
                        .window_start = row->time,
                        .window_end   = row->number};
        status       = store_record_view(&store->spec, segment_row_value(row), arena, &out, err);
        if (status == OK)
            status = store_table_put(store->table, &out, err);
        arena_reset(arena);
    }
    return status;
}

void store_buffer_prepare(Store *store)
{
    store->buffer->prepared    = store->buffer->count;
    store->buffer->new_bytes   = 0;
    store->buffer->dirty_bytes = 0; /* nor are any in the file's sum any more */
}

/* Without a writer the file has all rows now. */
static void leave_to_file(Store *store)
{
    StoreBuffer *buffer = store->buffer;
    for (size_t i = 0; i < buffer->segments.count; i++)
        store_buffer_chill(store, buffer->segments.list[i]->newest);
    for (size_t i = 0; i < buffer->count; i++) /* the windows of these keys are not all in the cache */
        if (buffer->changes[i].row != NULL)
            store_cache_forget_group(store, segment_row_key(buffer->changes[i].row));
    drop_held(store);
}

void store_buffer_settle(Store *store)
{
    StoreBuffer *buffer = store->buffer;
    size_t       before = buffer->segments.bytes;
    if (store->file->writer == NULL) {
        leave_to_file(store);
        return;
    }
    for (size_t i = 0; i < buffer->prepared; i++) {
        BufferChange *change = &buffer->changes[i];
        if (change->row == NULL)
            continue;
        if (change->removal)
            segments_kill(&buffer->segments, change->segment, change->row);
        else if (change->row->state == ROW_NEW)
            change->row->state = ROW_KEPT;
    }
    buffer->count -= buffer->prepared;
    if (buffer->count > 0) /* one that is empty has no memory yet */
        memmove(buffer->changes, buffer->changes + buffer->prepared, buffer->count * sizeof *buffer->changes);
    buffer->first += (uint32_t)buffer->prepared;
    buffer->prepared = 0;
    segments_expire(&buffer->segments, store_bound(&store->spec, store->committed_time));
    count_held(store, before);
}

void store_buffer_rollback(Store *store, bool direct)
{
    StoreBuffer *buffer = store->buffer;
    for (size_t i = buffer->count; i-- > 0;) {
        const BufferChange *change = &buffer->changes[i];
        if (change->row == NULL)
            continue;
        if (change->removal)
            change->row->state = ROW_KEPT;
        else
            segments_kill(&buffer->segments, change->segment, change->row);
    }
    forget_changes(store);
    if (direct) /* whatever the transaction said of the file */
        buffer->cold_time = store->time;
}

/* ---- to the file ---- */

typedef struct {
    Store  *store;
    int64_t bound, newest; /* newest: time of those that went */
    Status  status;
    Error  *err;
} Spill;

/* In a transaction that empties stores memory has nothing that waits. */
static Status chill(Store *store, const SegmentRow *row, Error *err)
{
    TableRow out = {.key          = segment_row_key(row),
                    .partition    = store->partition,
                    .window_start = row->time,
                    .window_end   = row->number};
    if (!store->file->in_transaction) {
        state_memory_put(store, &out, segment_row_value(row));
        return OK;
    }
    TRY(state_file_begin(store->file, true, err));
    state_memory_forget(store, out.key, out.window_start, out.window_end);
    Status status = store_record_view(&store->spec, segment_row_value(row), store->file->scratch, &out, err);
    if (status == OK)
        status = store_table_put(store->table, &out, err);
    arena_reset(store->file->scratch);
    return status;
}

/* An uncommitted row is not for the file yet: it moves on. */
static void hold_again(Store *store, const SegmentRow *row)
{
    Segment    *segment;
    SegmentRow *again =
        hold(store, segment_row_key(row), row->time, row->number, segment_row_value(row), &segment);
    BufferChange *change = &store->buffer->changes[row->change - store->buffer->first];
    again->state         = ROW_NEW;
    again->change        = row->change;
    change->row          = again;
    change->segment      = segment;
}

/* Its removal is one of a cold row from now on. */
static Status remove_cold(Store *store, const SegmentRow *row, Error *err)
{
    TableRow  read = {.window_end = row->number};
    StoreRow *cold;
    Arena    *arena  = arena_new(0);
    Status    status = store_record_view(&store->spec, segment_row_value(row), arena, &read, err);
    if (status == OK)
        status = store_get(store, segment_row_key(row), read.keys, row->time, row->number, &cold, err);
    if (status == OK)
        store_remove(store, cold);
    store->buffer->changes[row->change - store->buffer->first].row = NULL;
    arena_free(arena);
    return status;
}

static void spill_row(void *context, Segment *segment, SegmentRow *row)
{
    Spill *spill = context;
    if (spill->status != OK)
        return;
    if (row->state == ROW_NEW) {
        hold_again(spill->store, row);
        return;
    }
    if (row->time < spill->bound)
        return;
    if (row->time > spill->newest)
        spill->newest = row->time;
    store_cache_forget_group(spill->store, segment_row_key(row));
    spill->status = chill(spill->store, row, spill->err);
    if (spill->status == OK && row->state == ROW_GOING)
        spill->status = remove_cold(spill->store, row, spill->err);
}

static Status spill_oldest(Store *store, Error *err)
{
    StoreBuffer *buffer = store->buffer;
    size_t       before = buffer->segments.bytes;
    int64_t      time   = buffer->count == 0 ? store->time : store->committed_time;
    Spill spill = {.store = store, .bound = store_bound(&store->spec, time), .newest = INT64_MIN, .err = err};
    Segment *segment = segments_take_oldest(&buffer->segments);
    count_held(store, before);
    segment_each(segment, spill_row, &spill);
    segment_free(segment);
    store_buffer_chill(store, spill.newest);
    state_memory_raise_time(store, spill.newest);
    return spill.status;
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
