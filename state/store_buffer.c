/*
 * store_buffer.c - several rows per key and time: what a join or a pattern keeps of a stream.
 *
 * A row's identity is key, time and a number that its owner counts up; so a new row is never anywhere else
 * and is added without a look. It is *held* in memory (store_segments.h), and most rows never leave it: a row
 * of a join lives as long as its window, and writing it into a file in order to delete it there again would
 * be the dearest part of the join. The changelog has it. So a restart reads the changelog from where the
 * oldest of the rows held was written on (store_changelog_from), and no more is held than it can read in part
 * of a second (StateLag.bytes): beyond, the oldest segment goes to the file (store_spill.c). It is *cold*
 * then, but stays in memory, where its rows are found as before, until there is no room for it. From then on
 * only their times are known (store_index.h), and by them they are found in the file.
 *
 * A row is in a segment or is looked for in the file, never both: where a restart meets a record of a time at
 * which the file may have rows, it goes there, where putting it once more changes nothing.
 *
 * A commit costs nothing per row but its changelog record: the changes since the last one are a list, which
 * it forgets and a rollback undoes. Rows that are held expire by what is committed, with their segments.
 *
 * Files without a writer (in memory, in tests) get all rows at each commit and hold none.
 */
#include "state/store_buffer.h"
#include "state/state_memory.h"

enum { SEGMENTS_IN_ALL = 16, SEGMENT_MIN = 4096, SEGMENT_USUAL = 4 << 20, CHANGE_COST = 64 };

size_t store_buffer_bytes(const StoreBuffer *buffer)
{
    return buffer->segments.bytes + buffer->cold.bytes + buffer->index.bytes;
}

/* ---- life ---- */

Status store_buffer_open(Store *store, Error *err)
{
    StoreBuffer *buffer = mem_calloc(1, sizeof *buffer);
    size_t part = store->file->writer == NULL ? SEGMENT_USUAL : store->file->held_limit / SEGMENTS_IN_ALL;
    bool   cold;
    segments_init(&buffer->segments, store->spec.retention_ms, part > SEGMENT_MIN ? part : SEGMENT_MIN);
    segments_init(&buffer->cold, store->spec.retention_ms, 0);
    store->buffer = buffer;
    if (store->memory != NULL) {
        if (state_memory_has_segments(store)) /* of who had it before: they are nowhere else */
            TRY(state_writer_flush(store->file->writer, err));
        cold = store->memory->rows > 0 || !store->memory->complete;
    } else {
        TRY(store_table_has_rows(store->table, store->partition, &cold, err));
    }
    buffer->cold_time = cold ? store->time : INT64_MIN;
    buffer->indexed   = !cold;
    buffer->position  = -1;
    return OK;
}

void store_buffer_count(Store *store, size_t before)
{
    store->file->held_bytes += store_buffer_bytes(store->buffer) - before;
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
    size_t before = store_buffer_bytes(store->buffer);
    forget_changes(store);
    segments_clear(&store->buffer->segments);
    segments_clear(&store->buffer->cold);
    time_index_clear(&store->buffer->index);
    store_buffer_count(store, before);
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
    store->buffer->indexed   = true;
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

SegmentRow *store_buffer_hold(Store *store, Str key, int64_t time, int64_t number, Str value,
                              Segment **segment)
{
    StoreBuffer *buffer = store->buffer;
    size_t       before = buffer->segments.bytes; /* nothing else grows */
    SegmentRow  *row =
        segments_add(&buffer->segments, key, time, number, value.len, buffer->position, segment);
    memcpy(row->bytes + key.len, value.ptr, value.len);
    store->file->held_bytes += buffer->segments.bytes - before;
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
    SegmentRow *held = store_buffer_hold(store, key, time, number, strbuf_str(bytes), &segment);
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
        held->segment->going++;
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

static bool may_be_in_file(const Store *store, int64_t from)
{
    const StoreBuffer *buffer = store->buffer;
    return (buffer->index.count > 0 || !buffer->indexed) && buffer->cold_time >= from &&
           buffer->cold_time >= store_bound(&store->spec, store->time);
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

static bool is_sorted(StoreRows rows)
{
    for (size_t i = 1; i < rows.count; i++)
        if (compare_found(&rows.rows[i - 1], &rows.rows[i]) > 0)
            return false;
    return true;
}

Status store_buffer_find(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                         Error *err)
{
    Finding   finding = {.store = store, .arena = arena, .err = err};
    StoreRows in_file = {0};
    *out              = (StoreRows){0};
    if (from > to)
        return OK;
    store->lookups++;
    segments_find(&store->buffer->cold, key, from, to, take_found, &finding);
    segments_find(&store->buffer->segments, key, from, to, take_found, &finding);
    TRY(finding.status);
    if (may_be_in_file(store, from))
        TRY(store_find_cold(store, key, from, to, arena, &in_file, err));
    *out = joined(in_file, finding.rows, arena);
    if (out->count > 1 && !is_sorted(*out))
        qsort(out->rows, out->count, sizeof *out->rows, compare_found);
    return OK;
}

Status store_buffer_scan(Store *store, int64_t from, int64_t to, Arena *arena, StoreRows *out, Error *err)
{
    Finding finding = {.store = store, .arena = arena, .err = err};
    segments_scan(&store->buffer->cold, from, to, take_found, &finding);
    segments_scan(&store->buffer->segments, from, to, take_found, &finding);
    TRY(finding.status);
    *out = joined(*out, finding.rows, arena);
    return OK;
}

bool store_buffer_has(const Store *store, Str key, int64_t time, int64_t number)
{
    Segment *segment;
    return segments_get(&store->buffer->cold, key, time, number, &segment) != NULL ||
           segments_get(&store->buffer->segments, key, time, number, &segment) != NULL;
}

/* ---- what only the file has ---- */

static void index_row(Store *store, Str key, int64_t time)
{
    size_t before = store_buffer_bytes(store->buffer);
    time_index_add(&store->buffer->index, segment_tag(key), time);
    store_buffer_count(store, before);
}

static Status index_waiting(void *context, MemRow *row, Error *err)
{
    Store   *store = context;
    MemEntry entry = store_memory_entry(store->memory, row);
    if (!str_is_null(entry.value))
        index_row(store, entry.key, entry.start);
    return OK;
}

/* At the first question after the file was opened with rows: keys and times are read once, in the order in
 * which they lie. */
static Status index_file(Store *store, Error *err)
{
    sqlite3_stmt *stmt;
    int           rc;
    TRY(state_memory_unwritten(store, index_waiting, store, err)); /* first: the file may have them then */
    TRY(state_file_ready(store->file, err));
    TRY(store_table_statement(store->table, SQL_TIMES, &stmt, err));
    sqlite3_bind_int(stmt, 2, store->partition);
    sqlite3_bind_int64(stmt, 3, store_bound(&store->spec, store->committed_time));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        index_row(store, str_n(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0)),
                  sqlite3_column_int64(stmt, 1));
    Status status = rc == SQLITE_DONE ? OK : state_db_error(store->file->db, rc, "read times", err);
    sqlite3_reset(stmt);
    store->file_reads++;
    store->buffer->indexed = status == OK;
    return status;
}

Status store_buffer_times(Store *store, Str key, int64_t from, int64_t to, Arena *arena, int64_t **out,
                          size_t *count, Error *err)
{
    if (!store->buffer->indexed)
        TRY(index_file(store, err));
    *count = time_index_find(&store->buffer->index, segment_tag(key), from, to, arena, out);
    return OK;
}

/* ---- the changelog ---- */

static SegmentRow *find_row(StoreBuffer *buffer, const TableRow *row, Segment **segment)
{
    SegmentRow *at = segments_get(&buffer->segments, row->key, row->window_start, row->window_end, segment);
    if (at == NULL)
        at = segments_get(&buffer->cold, row->key, row->window_start, row->window_end, segment);
    return at;
}

void store_buffer_kill(StoreBuffer *buffer, Segment *segment, SegmentRow *row)
{
    segments_kill(segment->cold ? &buffer->cold : &buffer->segments, segment, row);
}

/* Not too much is held, and nothing that has expired. */
static Status keep_in_bounds(Store *store, Error *err)
{
    StoreBuffer *buffer = store->buffer;
    size_t       before = store_buffer_bytes(buffer);
    if (buffer->applied_bytes < buffer->segments.segment_bytes || buffer->count > 0)
        return OK;
    buffer->applied_bytes = 0;
    segments_expire(&buffer->segments, store_bound(&store->spec, store->time));
    segments_expire(&buffer->cold, store_bound(&store->spec, store->time));
    time_index_expire(&buffer->index, store_bound(&store->spec, store->time));
    store_buffer_count(store, before);
    if (store->file->prepared)
        return OK;
    if (store->file->in_transaction)
        return store_buffers_spill(store->file, store, err);
    TRY(state_writer_make_room(store->file->writer, err));
    return store_buffers_spill(store->file, NULL, err);
}

/* Once more what is there: the same bytes, for rows do not change. */
Status store_buffer_apply(Store *store, const TableRow *row, Str value, bool *to_file, Error *err)
{
    StoreBuffer *buffer  = store->buffer;
    bool         removal = str_is_null(value);
    Segment     *segment;
    SegmentRow  *at = store_is_held(store) ? find_row(buffer, row, &segment) : NULL;
    *to_file        = at == NULL ? !store_is_held(store) || store_buffer_is_cold(store, row->window_start)
                                 : removal && segment->cold;
    if (at != NULL && removal)
        store_buffer_kill(buffer, segment, at);
    if (*to_file && !removal) {
        index_row(store, row->key, row->window_start);
        store_buffer_chill(store, row->window_start);
    }
    if (at != NULL || removal || *to_file)
        return OK;
    at = store_buffer_hold(store, row->key, row->window_start, row->window_end, value, &segment);
    buffer->applied_bytes += segment_row_bytes(at);
    return keep_in_bounds(store, err);
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

static TableRow identity_of(const Store *store, const SegmentRow *row)
{
    return (TableRow){.key          = segment_row_key(row),
                      .partition    = store->partition,
                      .window_start = row->time,
                      .window_end   = row->number};
}

Status store_buffer_write_row(Store *store, const SegmentRow *row, Error *err)
{
    TableRow out    = identity_of(store, row);
    Arena   *arena  = store->file->scratch;
    Status   status = store_record_view(&store->spec, segment_row_value(row), arena, &out, err);
    if (status == OK)
        status = store_table_put(store->table, &out, err);
    arena_reset(arena);
    return status;
}

static Status write_change(Store *store, const BufferChange *change, Error *err)
{
    const SegmentRow *row = change->row;
    if (row == NULL || store_row_expired(store, row->time, row->number))
        return OK;
    if (store->file->writer == NULL)
        return store_buffer_write_row(store, row, err);
    if (!change->removal || !change->segment->cold)
        return OK;
    TableRow out = identity_of(store, row);
    state_memory_forget(store, out.key, out.window_start, out.window_end);
    return store_table_delete(store->table, &out, err);
}

Status store_buffer_write(Store *store, Error *err)
{
    for (size_t i = 0; i < store->buffer->count; i++)
        TRY(write_change(store, &store->buffer->changes[i], err));
    return OK;
}

void store_buffer_put_removals(Store *store, size_t changes)
{
    for (size_t i = 0; i < changes; i++) {
        const BufferChange *change = &store->buffer->changes[i];
        if (change->row == NULL || !change->removal || !change->segment->cold)
            continue;
        TableRow out = identity_of(store, change->row);
        state_memory_put(store, &out, STR_NULL);
    }
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
    for (size_t i = 0; i < buffer->count; i++)
        if (buffer->changes[i].row != NULL) {
            index_row(store, segment_row_key(buffer->changes[i].row), buffer->changes[i].row->time);
            store_buffer_chill(store, buffer->changes[i].row->time);
        }
    size_t before = store_buffer_bytes(buffer);
    forget_changes(store);
    segments_clear(&buffer->segments);
    time_index_expire(&buffer->index, store_bound(&store->spec, store->committed_time));
    store_buffer_count(store, before);
}

static void settle_change(StoreBuffer *buffer, const BufferChange *change)
{
    if (change->row == NULL)
        return;
    if (change->removal) {
        change->segment->going--;
        store_buffer_kill(buffer, change->segment, change->row);
    } else if (change->row->state == ROW_NEW) {
        change->row->state = ROW_KEPT;
    }
}

void store_buffer_settle(Store *store)
{
    StoreBuffer *buffer = store->buffer;
    if (store->file->writer == NULL) {
        leave_to_file(store);
        return;
    }
    for (size_t i = 0; i < buffer->prepared; i++)
        settle_change(buffer, &buffer->changes[i]);
    buffer->count -= buffer->prepared;
    if (buffer->count > 0) /* one that is empty has no memory yet */
        memmove(buffer->changes, buffer->changes + buffer->prepared, buffer->count * sizeof *buffer->changes);
    buffer->first += (uint32_t)buffer->prepared;
    buffer->prepared = 0;
    size_t before    = store_buffer_bytes(buffer);
    segments_expire(&buffer->segments, store_bound(&store->spec, store->committed_time));
    segments_expire(&buffer->cold, store_bound(&store->spec, store->committed_time));
    time_index_expire(&buffer->index, store_bound(&store->spec, store->committed_time));
    store_buffer_count(store, before);
}

void store_buffer_rollback(Store *store, bool direct)
{
    StoreBuffer *buffer = store->buffer;
    for (size_t i = buffer->count; i-- > 0;) {
        const BufferChange *change = &buffer->changes[i];
        if (change->row == NULL)
            continue;
        if (change->removal) {
            change->segment->going--;
            change->row->state = ROW_KEPT;
        } else {
            store_buffer_kill(buffer, change->segment, change->row);
        }
    }
    forget_changes(store);
    if (!direct)
        return;
    size_t before = store_buffer_bytes(buffer); /* whatever the transaction said of the file */
    segments_clear(&buffer->cold);
    time_index_clear(&buffer->index);
    store_buffer_count(store, before);
    buffer->cold_time = store->time;
    buffer->indexed   = false;
}
