/*
 * state_memory.c - see state_memory.h.
 *
 * The lock is taken for some hundred rows at a time, so that readers get in between; the writer, which would
 * take half a commit for a whole one, is kept away by `committing`.
 */
#include <time.h>

#include "state/state_memory.h"
#include "state/store_buffer.h"

enum { AHEAD = 12, ROWS_AT_ONCE = 256, SWEEP_PER_ROW = 2, SWEEP_MIN = 64, MEMORIES_AT_ONCE = 16 };

static void lock(StateShare *share) { pthread_mutex_lock(&share->lock); }
static void unlock(StateShare *share) { pthread_mutex_unlock(&share->lock); }

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Under the lock: something waits now. */
static void wake_writer(StateShare *share)
{
    if (share->waiting_since_us == 0)
        share->waiting_since_us = now_us();
    pthread_cond_signal(&share->waiting);
}

/* ---- memories and their stores ---- */

static StoreMemory *find_memory(const StateShare *share, const StoreTable *table, int partition)
{
    StoreMemory *memory = share->memories;
    while (memory != NULL && (memory->table != table || memory->partition != partition))
        memory = memory->next;
    return memory;
}

/* What is in the file is older than what it says of itself. */
static Status memory_new(Store *store, StoreMemory **out, Error *err)
{
    bool rows;
    TRY(store_table_has_rows(store->table, store->partition, &rows, err));
    StoreMemory *memory = store_memory_new(store->table, store->partition);
    memory->time        = store->time;
    memory->cold_time   = rows ? store->time : INT64_MIN;
    memory->complete    = !rows;
    store->table->refs++;
    *out = memory;
    return OK;
}

Status state_memory_attach(Store *store, Error *err)
{
    StateShare *share = store->file->share;
    if (store->file->writer == NULL)
        return OK;
    lock(share);
    StoreMemory *memory = find_memory(share, store->table, store->partition);
    unlock(share);
    bool made = memory == NULL;
    if (made)
        TRY(memory_new(store, &memory, err));
    lock(share);
    if (made) {
        memory->next    = share->memories;
        share->memories = memory;
    }
    memory->attached     = true;
    memory->retention_ms = store->spec.retention_ms;
    unlock(share);
    store->memory = memory;
    store->time = store->committed_time = store->prepared_time = memory->time;
    return OK;
}

void state_memory_detach(Store *store)
{
    if (store->memory == NULL)
        return;
    lock(store->file->share);
    store->memory->attached = false;
    unlock(store->file->share);
    store->memory = NULL;
    state_memory_reap(store->file, false);
}

void state_memory_reap(StateFile *file, bool all)
{
    StateShare *share = file->share;
    if (file->writer == NULL && !all)
        return;
    lock(share);
    for (StoreMemory **link = &share->memories; *link != NULL;) {
        StoreMemory *memory = *link;
        if (!all && (memory->attached || memory->last_batch > share->done || memory->listed)) {
            link = &memory->next;
            continue;
        }
        *link = memory->next;
        if (share->trimmed == memory)
            share->trimmed = NULL;
        share->memory_bytes -= memory->bytes;
        state_table_release(file, memory->table);
        store_memory_free(memory);
    }
    unlock(share);
}

/* ---- changing ---- */

/* Under the lock. */
static void put(StateShare *share, StoreMemory *memory, const MemEntry *entry, bool waits)
{
    size_t before = memory->bytes;
    state_share_put(share, memory, entry, waits);
    share->memory_bytes += memory->bytes - before;
}

/* Under the lock. */
static void take(StateShare *share, StoreMemory *memory, MemRow *row)
{
    size_t before = memory->bytes;
    store_memory_take(memory, row);
    share->memory_bytes += memory->bytes - before;
    mem_free(row);
}

/* Under the lock. No row of it waits. */
static void empty(StateShare *share, StoreMemory *memory)
{
    share->memory_bytes -= memory->bytes;
    store_memory_clear(memory);
    memory->complete  = false;
    memory->cold_time = INT64_MAX;
}

static MemEntry entry_of(CacheRow *row, StrBuf *buffer)
{
    Store   *store = row->store;
    MemEntry entry = {row->base.key, STR_NULL, row->base.window_start, row->base.window_end};
    if (!row->base.exists || store_row_expired(store, row->base.window_start, row->base.window_end))
        return entry;
    TableRow record = store_table_row(row);
    strbuf_reset(buffer);
    store_record_encode(&store->spec, &record, buffer);
    entry.value = strbuf_str(buffer);
    return entry;
}

/* Where rows lie has nothing to do with when they changed: each would be waited for twice. */
static void fetch_dirty(const Store *store, size_t i)
{
    if (i + 2 * AHEAD >= store->dirty_count)
        return;
    const char *row = (const char *)store->dirty[i + 2 * AHEAD];
    for (size_t line = 0; line < sizeof(CacheRow) + 64; line += 64)
        __builtin_prefetch(row + line);
}

static void fetch_ahead(const Store *store, size_t i)
{
    fetch_dirty(store, i);
    if (i + AHEAD < store->dirty_count)
        store_memory_fetch_place(store->memory, store->dirty[i + AHEAD]->base.key);
    if (i + AHEAD / 2 < store->dirty_count)
        store_memory_fetch_row(store->memory, store->dirty[i + AHEAD / 2]->base.key);
}

static void put_rows(Store *store, bool waits)
{
    StateShare *share = store->file->share;
    for (size_t i = 0; i < store->dirty_count;) {
        lock(share);
        for (size_t n = 0; n < ROWS_AT_ONCE && i < store->dirty_count; n++, i++) {
            CacheRow *row = store->dirty[i];
            fetch_ahead(store, i);
            if (!row->base.exists && !row->base.stored)
                continue; /* came and went in between */
            MemEntry entry = entry_of(row, &store->table->buffer);
            put(share, store->memory, &entry, waits);
            row->from_file = false;
        }
        unlock(share);
    }
    store->file->put_rows += store->dirty_count;
}

static void put_time(Store *store, int64_t time, bool waits)
{
    StoreMemory *memory = store->memory;
    lock(store->file->share);
    if (memory->time != time && waits) {
        memory->time_waits = true;
        state_share_list(store->file->share, memory);
    }
    memory->time = time;
    unlock(store->file->share);
}

static void put_facts(StateFile *file)
{
    StateShare *share = file->share;
    lock(share);
    for (size_t i = 0; i < file->pending.count; i++) {
        const Fact *fact = &file->pending.facts[i];
        fact_set_put(&share->facts, fact->name, fact->value);
        share->waiting_bytes += fact->name.len + fact->value.len;
    }
    unlock(share);
}

static void set_committing(StateShare *share, bool committing)
{
    lock(share);
    share->committing = committing;
    if (!committing && (share->listed != NULL || share->facts.count > 0))
        wake_writer(share);
    unlock(share);
}

Status state_memory_commit(StateFile *file, Error *err)
{
    TRY(state_writer_make_room(file->writer, err));
    set_committing(file->share, true);
    for (Store *store = file->changed; store != NULL; store = store->next_changed) {
        put_rows(store, true);
        if (store->buffer != NULL)
            store_buffer_put_removals(store, store->buffer->count);
        put_time(store, store->time, true);
    }
    put_facts(file);
    set_committing(file->share, false);
    return OK;
}

/* ---- in two halves ---- */

static void stage(StateFile *file, Store *store, const MemEntry *entry)
{
    if (file->staged_count == file->staged_capacity) {
        file->staged_capacity = file->staged_capacity ? file->staged_capacity * 2 : 64;
        file->staged          = mem_realloc(file->staged, file->staged_capacity * sizeof *file->staged);
    }
    Str value = str_is_null(entry->value) ? STR_NULL : str_dup(file->staging, entry->value);
    file->staged[file->staged_count++] =
        (Staged){store, {str_dup(file->staging, entry->key), value, entry->start, entry->end}};
}

void state_memory_stage(StateFile *file)
{
    for (Store *store = file->changed; store != NULL; store = store->next_changed) {
        for (size_t i = 0; i < store->dirty_count; i++) {
            CacheRow *row = store->dirty[i];
            fetch_dirty(store, i);
            if (!row->base.exists && !row->base.stored)
                continue; /* came and went in between */
            MemEntry entry = entry_of(row, &store->table->buffer);
            stage(file, store, &entry);
            row->from_file = false;
        }
    }
}

static void fetch_staged(const StateFile *file, size_t i)
{
    if (i + AHEAD < file->staged_count)
        store_memory_fetch_place(file->staged[i + AHEAD].store->memory, file->staged[i + AHEAD].entry.key);
    if (i + AHEAD / 2 < file->staged_count)
        store_memory_fetch_row(file->staged[i + AHEAD / 2].store->memory,
                               file->staged[i + AHEAD / 2].entry.key);
}

static void publish_rows(StateFile *file)
{
    StateShare *share = file->share;
    for (size_t i = 0; i < file->staged_count;) {
        lock(share);
        for (size_t n = 0; n < ROWS_AT_ONCE && i < file->staged_count; n++, i++) {
            fetch_staged(file, i);
            put(share, file->staged[i].store->memory, &file->staged[i].entry, true);
        }
        unlock(share);
    }
    file->put_rows += file->staged_count;
}

Status state_memory_publish(StateFile *file, Error *err)
{
    TRY(state_writer_make_room(file->writer, err));
    set_committing(file->share, true);
    publish_rows(file);
    for (Store *store = file->stores; store != NULL; store = store->next) {
        if (store->buffer != NULL)
            store_buffer_put_removals(store, store->buffer->prepared);
        if (store->prepared_time != store->committed_time)
            put_time(store, store->prepared_time, true);
    }
    put_facts(file);
    set_committing(file->share, false);
    state_memory_unstage(file);
    return OK;
}

void state_memory_unstage(StateFile *file)
{
    file->staged_count = 0;
    arena_reset(file->staging);
}

void state_memory_remember(StateFile *file)
{
    for (Store *store = file->changed; store != NULL; store = store->next_changed) {
        if (store->memory == NULL)
            continue;
        put_rows(store, false);
        put_time(store, store->time, false);
        lock(file->share);
        if (store->memory->emptied) {
            store->memory->complete  = true;
            store->memory->cold_time = INT64_MIN;
        }
        store->memory->emptied = false;
        unlock(file->share);
    }
}

void state_memory_drop_all(StateFile *file)
{
    for (Store *store = file->stores; store != NULL; store = store->next) {
        if (store->memory == NULL)
            continue;
        lock(file->share);
        empty(file->share, store->memory);
        store->memory->emptied = false;
        unlock(file->share);
    }
}

Status state_memory_apply(Store *store, const TableRow *row, Str value, Error *err)
{
    StateShare *share = store->file->share;
    MemEntry    entry = {row->key, value, row->window_start, row->window_end};
    if (++store->file->put_rows % ROWS_AT_ONCE == 0)
        TRY(state_writer_make_room(store->file->writer, err));
    lock(share);
    put(share, store->memory, &entry, true);
    if (share->waiting_since_us == 0)
        wake_writer(share);
    unlock(share);
    return OK;
}

void state_memory_put(Store *store, const TableRow *row, Str value)
{
    StateShare *share = store->file->share;
    MemEntry    entry = {row->key, value, row->window_start, row->window_end};
    store->file->put_rows++;
    lock(share);
    put(share, store->memory, &entry, true);
    if (share->waiting_since_us == 0)
        wake_writer(share);
    unlock(share);
}

void state_memory_put_segment(Store *store, Segment *segment, SegmentRow **rows, size_t count)
{
    StateShare  *share  = store->file->share;
    StoreMemory *memory = store->memory;
    lock(share);
    segment_ref(segment);
    segment->batch = share->batch;
    mem_segments_add(&memory->segments, (MemSegment){segment, rows, count});
    memory->complete   = false;
    memory->cold_time  = segment->newest > memory->cold_time ? segment->newest : memory->cold_time;
    memory->last_batch = share->batch;
    share->waiting_bytes += segment->live_bytes;
    state_share_list(share, memory);
    wake_writer(share);
    unlock(share);
}

bool state_memory_has_segments(const Store *store)
{
    StateShare *share = store->file->share;
    lock(share);
    bool has = store->memory->segments.count + store->memory->segments_writing.count > 0;
    unlock(share);
    return has;
}

uint32_t state_memory_done(const StateFile *file)
{
    lock(file->share);
    uint32_t done = file->share->done;
    unlock(file->share);
    return done;
}

size_t state_memory_bytes(const StateFile *file)
{
    lock(file->share);
    size_t bytes = file->share->memory_bytes;
    unlock(file->share);
    return bytes;
}

void state_memory_raise_time(Store *store, int64_t time)
{
    StoreMemory *memory = store->memory;
    lock(store->file->share);
    if (time > memory->time) {
        memory->time       = time;
        memory->time_waits = true;
        state_share_list(store->file->share, memory);
    }
    unlock(store->file->share);
}

void state_memory_forget(Store *store, Str key, int64_t start, int64_t end)
{
    StoreMemory *memory = store->memory;
    if (memory == NULL)
        return;
    lock(store->file->share);
    MemRow *row = store_memory_find(memory, key, start, end);
    if (row != NULL)
        take(store->file->share, memory, row);
    memory->complete = memory->emptied = false;
    memory->cold_time                  = INT64_MAX;
    unlock(store->file->share);
}

void state_memory_clear(Store *store)
{
    if (store->memory == NULL)
        return;
    lock(store->file->share);
    empty(store->file->share, store->memory);
    store->memory->time    = INT64_MIN;
    store->memory->emptied = true;
    unlock(store->file->share);
}

/* ---- giving up ---- */

void state_memory_keep(StateFile *file, CacheRow *row)
{
    StoreMemory *memory = row->store->memory;
    if (memory == NULL || !row->from_file || !row->base.exists)
        return;
    MemEntry entry = entry_of(row, &row->store->table->buffer);
    lock(file->share);
    if (!str_is_null(entry.value) && store_memory_find(memory, entry.key, entry.start, entry.end) == NULL)
        put(file->share, memory, &entry, false);
    unlock(file->share);
    file->put_rows++;
}

/* The hands of some memories are moved on, each time of others; by so much that they keep up with what comes
 * in. */
void state_memory_trim(StateFile *file)
{
    StateShare *share = file->share;
    size_t      steps = file->put_rows * SWEEP_PER_ROW + SWEEP_MIN;
    size_t      limit = file->memory_limit > file->held_bytes ? file->memory_limit - file->held_bytes : 0;
    file->put_rows    = 0;
    lock(share);
    for (int i = 0; i < MEMORIES_AT_ONCE && share->memories != NULL && steps > 0; i++) {
        size_t over = share->memory_bytes > limit ? share->memory_bytes - limit : 0;
        if (share->trimmed == NULL || share->trimmed->next == NULL)
            share->trimmed = share->memories;
        else
            share->trimmed = share->trimmed->next;
        StoreMemory *memory = share->trimmed;
        size_t       part   = over > 0 && steps < memory->capacity / 8 ? memory->capacity / 8 : steps;
        share->memory_bytes -= store_memory_sweep(memory, part, share->done, over);
        steps -= steps < memory->capacity ? steps : memory->capacity;
    }
    unlock(share);
}

/* ---- looking ---- */

Status state_memory_unwritten(Store *store, Status (*use)(void *context, MemRow *row, Error *err),
                              void *context, Error *err)
{
    StateShare *share  = store->file->share;
    Status      status = OK;
    if (store->memory == NULL)
        return OK;
    lock(share);
    status = state_share_unwritten(store->memory, use, context, err);
    unlock(share);
    return status;
}
