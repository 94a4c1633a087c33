/*
 * store.c - one partition of a keyed or windowed table: getting and changing its rows.
 *
 * Everything happens in the cache; the file is read when the cache does not know, and written at commit
 * (state_file.c). A row that is beyond the retention (store_bound) does not exist for anybody, whether the
 * sweep has reached it or not.
 */
#include <assert.h>

#include "state/state_memory.h"
#include "state/store_buffer.h"

enum {
    NEAR_ROWS     = 8192, /* so many are in the CPU's cache */
    CACHE_LINE    = 64,
    FETCHED_LINES = 5 /* a cached row with its key and first values */
};

static StoreTable *find_table(const StateFile *file, Str name)
{
    StoreTable *table = file->tables;
    while (table != NULL && !str_equal(table->spec.name, name))
        table = table->next;
    return table;
}

/* The same columns may be open, or still in memory; others only be in memory, from where they have to go
 * first. */
static Status table_find(StateFile *file, const StoreSpec *spec, StoreTable **out, Error *err)
{
    *out = find_table(file, spec->name);
    if (*out != NULL && !store_table_is_of(*out, spec) && file->writer != NULL) {
        if (!file->in_transaction)
            TRY(state_writer_flush(file->writer, err));
        state_memory_reap(file, false);
        *out = find_table(file, spec->name);
    }
    if (*out != NULL && !store_table_is_of(*out, spec))
        return error_set(err, E_PLAN, NO_POS, "State store " STR_FMT " is open with other columns",
                         STR_ARG(spec->name));
    return OK;
}

static Status table_acquire(StateFile *file, const StoreSpec *spec, StoreTable **out, Error *err)
{
    TRY(table_find(file, spec, out, err));
    if (*out != NULL) {
        (*out)->refs++;
        return OK;
    }
    bool   locked = state_file_lock(file);
    Status status = store_table_open(file->db, spec, true, out, err);
    state_file_unlock(file, locked);
    TRY(status);
    (*out)->refs  = 1;
    (*out)->next  = file->tables;
    file->tables  = *out;
    file->created = file->created || file->in_transaction;
    return OK;
}

void state_table_release(StateFile *file, StoreTable *table)
{
    if (--table->refs > 0)
        return;
    StoreTable **link = &file->tables;
    while (*link != table)
        link = &(*link)->next;
    *link = table->next;
    store_table_free(table);
}

Status store_open(StateFile *file, const StoreSpec *spec, int partition, Store **out, Error *err)
{
    StoreTable *table;
    int64_t     time;
    TRY(state_file_ready(file, err));
    TRY(table_acquire(file, spec, &table, err));
    Status status = store_table_time(table, partition, &time, err);
    if (status != OK) {
        state_table_release(file, table);
        return status;
    }
    Store *store             = mem_calloc(1, sizeof *store);
    store->file              = file;
    store->table             = table;
    store->spec              = table->spec;
    store->spec.retention_ms = spec->retention_ms;
    store->partition         = partition;
    store->fixed_values      = columns_are_fixed(spec->values, spec->value_count);
    store->fixed_states      = columns_are_fixed(spec->states, spec->state_count);
    store->row_values        = spec->value_count + spec->state_count;
    store->time              = time;
    store->prepared_time     = time;
    store->committed_time    = time;
    store->swept_bound       = INT64_MIN;
    store->kept_from         = INT64_MAX;
    status                   = state_memory_attach(store, err);
    if (status == OK && spec->kind == STORE_BUFFER)
        status = store_buffer_open(store, err);
    if (status != OK) {
        store_buffer_close(store);
        state_memory_detach(store);
        state_table_release(file, table);
        mem_free(store);
        return status;
    }
    store->next  = file->stores;
    file->stores = store;
    *out         = store;
    return OK;
}

static void unlist(StateFile *file, Store *store)
{
    Store **link = &file->stores;
    while (*link != store)
        link = &(*link)->next;
    *link = store->next;
    for (link = &file->changed; *link != NULL; link = &(*link)->next_changed)
        if (*link == store) {
            *link = store->next_changed;
            return;
        }
}

void store_close(Store *store)
{
    if (store == NULL)
        return;
    store_buffer_close(store);
    store_cache_clear(store);
    unlist(store->file, store);
    state_memory_detach(store);
    state_table_release(store->file, store->table);
    mem_free(store->dirty);
    mem_free(store->aside);
    mem_free(store->idle);
    mem_free(store);
}

/* Whether the cache knows that the file has no such row. */
static bool known_absent(const Store *store, const CacheRow *row)
{
    const StoreRow *base = &row->base;
    return store_row_expired(store, base->window_start, base->window_end) ||
           (row->group != NULL && store_row_time(store->spec.kind, base->window_start, base->window_end) >=
                                      row->group->complete_from);
}

Status store_get(Store *store, Str key, const Value *keys, int64_t window_start, int64_t window_end,
                 StoreRow **out, Error *err)
{
    uint64_t  hash = store_cache_hash(key, window_start, store_has_end(store->spec.kind) ? window_end : 0);
    CacheRow *row  = store_cache_find(store, hash, key, window_start, window_end);
    store->lookups++;
    if (row != NULL) {
        store_cache_use(row);
        if (row->base.exists && store_row_expired(store, row->base.window_start, row->base.window_end))
            row->base.exists = false;
        *out = &row->base;
        return OK;
    }
    row = store_cache_add(store, hash, key, keys, window_start, window_end);
    if (!known_absent(store, row)) {
        Status status = store_load(row, err);
        if (status != OK) {
            store_cache_remove(row);
            return status;
        }
    }
    *out = &row->base;
    return OK;
}

Status store_get_unread(Store *store, Str key, const Value *keys, StoreRow **out, Error *err)
{
    uint64_t  hash = store_cache_hash(key, 0, 0);
    CacheRow *row  = store_cache_find(store, hash, key, 0, 0);
    assert(store->spec.kind == STORE_KEY_VALUE && store->spec.state_count == 0);
    if (row != NULL || store->memory == NULL)
        return store_get(store, key, keys, 0, 0, out, err);
    MemRow *found = store_memory_find(store->memory, key, 0, 0);
    if (found == NULL)
        return store_get(store, key, keys, 0, 0, out, err);
    store->lookups++;
    row              = store_cache_add(store, hash, key, keys, 0, 0);
    row->base.exists = row->base.stored = row->base.visible = found->value_len != MEM_REMOVED;
    found->used                                             = true;
    *out                                                    = &row->base;
    return OK;
}

/* A row that memory has, read into the arena. */
static Status peek_entry(Store *store, MemRow *found, Arena *arena, StoreRow *out, Error *err)
{
    MemEntry entry = store_memory_entry(store->memory, found);
    TableRow read  = {.window_end = entry.end};
    found->used    = true;
    *out           = (StoreRow){.key = entry.key, .window_start = entry.start, .window_end = entry.end};
    if (str_is_null(entry.value))
        return OK;
    TRY(store_record_decode(&store->spec, entry.value, arena, &read, err));
    out->exists = out->stored = !store_row_expired(store, entry.start, entry.end);
    out->visible              = read.visible;
    out->timestamp            = read.timestamp;
    out->keys                 = read.keys;
    out->values               = (Value *)read.values;
    return OK;
}

Status store_peek(Store *store, Str key, const Value *keys, int64_t window_start, int64_t window_end,
                  Arena *arena, const StoreRow **out, Error *err)
{
    uint64_t  hash = store_cache_hash(key, window_start, store_has_end(store->spec.kind) ? window_end : 0);
    StoreRow *row;
    MemRow   *found = NULL;
    if (store->memory != NULL && store_cache_find(store, hash, key, window_start, window_end) == NULL)
        found = store_memory_find(store->memory, key, window_start, window_end);
    if (found == NULL) {
        TRY(store_get(store, key, keys, window_start, window_end, &row, err));
    } else {
        store->lookups++;
        row = arena_alloc(arena, sizeof *row);
        TRY(peek_entry(store, found, arena, row, err));
    }
    *out = row;
    return OK;
}

bool store_is_far(const Store *store)
{
    return store->rows.count + (store->memory == NULL ? 0 : store->memory->count) > NEAR_ROWS;
}

static const struct Slot *slot_of(const Store *store, Str key, int64_t window_start)
{
    return &store->rows.slots[store_cache_hash(key, window_start, 0) & (store->rows.capacity - 1)];
}

void store_fetch_place(const Store *store, Str key, int64_t window_start)
{
    if (store->rows.capacity > 0)
        __builtin_prefetch(slot_of(store, key, window_start));
    if (store->memory != NULL)
        store_memory_fetch_place(store->memory, key);
}

void store_fetch_row(const Store *store, Str key, int64_t window_start)
{
    const char *row = store->rows.capacity == 0 ? NULL : slot_of(store, key, window_start)->item;
    if (row != NULL)
        for (size_t line = 0; line < FETCHED_LINES; line++)
            __builtin_prefetch(row + line * CACHE_LINE);
    if (store->memory != NULL)
        store_memory_fetch_row(store->memory, key);
}

void store_fetch_newest(const Store *store, Str key)
{
    if (store->memory != NULL && store->spec.kind != STORE_KEY_VALUE)
        store_memory_fetch_newest(store->memory, key);
}

static void raise_time(Store *store, const StoreRow *row)
{
    int64_t time = store_row_time(store->spec.kind, row->window_start, row->window_end);
    if (time > store->time)
        store->time = time;
}

static void row_put(Store *store, StoreRow *row, int64_t timestamp, bool visible)
{
    if (!row->exists && store->spec.kind != STORE_KEY_VALUE)
        store_cache_regroup((CacheRow *)row);
    if (!row->exists && !store_is_timeless(store->spec.kind))
        raise_time(store, row);
    row->exists    = true;
    row->visible   = visible;
    row->timestamp = timestamp;
    if (!row->dirty)
        store_cache_mark_dirty((CacheRow *)row);
}

void store_put(Store *store, StoreRow *row, const Value *values, int64_t timestamp, bool visible)
{
    CacheRow *cached = (CacheRow *)row;
    store_cache_set_values(cached, values);
    if (store->spec.state_count > 0)
        store_cache_set_states(cached, values + store->spec.value_count);
    row_put(store, row, timestamp, visible);
}

Growth *store_edit_states(Store *store, StoreRow *row)
{
    CacheRow *cached = (CacheRow *)row;
    if (!row->dirty)
        store_cache_mark_dirty(cached);
    if (!row->exists)
        store_cache_clear_states(cached);
    return cached->growth;
}

void store_put_values(Store *store, StoreRow *row, const Value *values, int64_t timestamp, bool visible)
{
    CacheRow *cached = (CacheRow *)row;
    if (values != NULL)
        store_cache_set_values(cached, values);
    else if (!row->exists)
        for (size_t i = 0; i < store->spec.value_count; i++)
            row->values[i] = value_null();
    if (cached->growth != NULL)
        store_cache_settle_states(cached);
    row_put(store, row, timestamp, visible);
}

void store_swap_states(Store *store, StoreRow *a, StoreRow *b)
{
    CacheRow *x = (CacheRow *)a, *y = (CacheRow *)b;
    store_cache_mark_dirty(x);
    store_cache_mark_dirty(y);
    store_cache_swap_states(x, y);
}

void store_touch(Store *store, StoreRow *row, int64_t timestamp)
{
    row->timestamp = timestamp;
    store_cache_mark_dirty((CacheRow *)row);
}

void store_remove(Store *store, StoreRow *row)
{
    if (row->held) {
        store_buffer_remove(store, row);
        return;
    }
    row->exists = false;
    store_cache_ungroup((CacheRow *)row);
    store_cache_mark_dirty((CacheRow *)row);
}

static size_t origin_size(const Origin *origin)
{
    size_t size = sizeof *origin + origin->header_count * sizeof(Header) + origin->topic.len;
    for (size_t i = 0; i < origin->header_count; i++)
        size += origin->headers[i].key.len + origin->headers[i].value.len;
    return size;
}

static Str move_str(char **at, Str s)
{
    if (str_is_null(s))
        return STR_NULL;
    Str copy = str_n(*at, s.len);
    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

static void copy_origin(Origin *to, const Origin *origin)
{
    Header *headers = (Header *)(to + 1);
    char   *at      = (char *)(headers + origin->header_count);
    *to             = *origin;
    to->topic       = move_str(&at, origin->topic);
    to->headers     = headers;
    for (size_t i = 0; i < origin->header_count; i++)
        headers[i] = (Header){move_str(&at, origin->headers[i].key), move_str(&at, origin->headers[i].value)};
}

/* Keeps the last input's origin, in the same memory while it fits. Mostly it is the next record of the same
 * topic. */
static void remember_origin(CacheRow *row, const Origin *origin)
{
    Origin *own      = row->origin;
    row->base.origin = own;
    if (origin == NULL || origin == own) {
        row->base.origin = origin;
    } else if (own != NULL && (own->header_count | origin->header_count) == 0 &&
               str_equal(own->topic, origin->topic)) {
        own->partition = origin->partition;
        own->offset    = origin->offset;
    } else {
        size_t size = origin_size(origin);
        if (own == NULL || row->origin_size < size) {
            row->origin      = arena_alloc(row->store->file->remembered, size);
            row->origin_size = size;
        }
        copy_origin(row->origin, origin);
        row->base.origin = row->origin;
    }
}

static const Value *copy_values(const Store *store, const StoreRow *row)
{
    const StoreSpec *spec = &store->spec;
    size_t           size = columns_pack_size(spec->values, row->values, spec->value_count);
    Value           *copy = arena_alloc(store->file->remembered, spec->value_count * sizeof(Value) + size);
    char            *at   = (char *)(copy + spec->value_count);
    columns_pack(spec->values, row->values, spec->value_count, copy, &at);
    return copy;
}

void store_remember(Store *store, StoreRow *row, bool values, const Origin *origin)
{
    if (!row->has_emitted) {
        row->has_emitted = true;
        row->emitted     = NULL;
        if (row->exists && row->visible) {
            row->emitted           = values ? copy_values(store, row) : row->values;
            row->emitted_timestamp = row->timestamp;
        }
        store_cache_mark_dirty((CacheRow *)row); /* so that the commit forgets it */
    }
    remember_origin((CacheRow *)row, origin);
}

void store_figures(const Store *store, StoreFigures *out)
{
    const StoreMemory *memory = store->memory;
    *out                      = (StoreFigures){.lookups = store->lookups, .file_reads = store->file_reads};
    if (memory != NULL) {
        out->rows  = memory->rows;
        out->bytes = memory->bytes;
    }
    if (store->buffer != NULL) {
        out->rows += store->buffer->segments.live + store->buffer->cold.live;
        out->bytes += store_buffer_bytes(store->buffer);
    }
}

StoreRows store_dirty_rows(Store *store)
{
    return (StoreRows){(StoreRow **)store->dirty, store->dirty_count};
}

int64_t store_time(const Store *store) { return store->time; }

void store_keep_from(Store *store, int64_t from) { store->kept_from = from; }

Status store_clear(Store *store, Error *err)
{
    TRY(state_file_begin(store->file, true, err));
    TRY(store_table_clear(store->table, store->partition, err));
    TRY(store_table_set_time(store->table, store->partition, INT64_MIN, err));
    store_cache_clear(store);
    if (store->buffer != NULL)
        store_buffer_cleared(store);
    state_memory_clear(store);
    store_cache_list(store);
    store->time    = INT64_MIN;
    store->cleared = true;
    return OK;
}

Status store_drop(StateFile *file, Str name, size_t slice, bool *done, Error *err)
{
    for (const Store *store = file->stores; store != NULL; store = store->next)
        if (str_equal(store->spec.name, name))
            return error_set(err, E_BUSY, NO_POS, "State store " STR_FMT " is in use", STR_ARG(name));
    TRY(state_file_begin(file, true, err));
    state_memory_reap(file, false);
    return store_table_drop(file->db, name, slice, done, err);
}
