/*
 * state_writer.c - the thread that brings what was committed to the file.
 *
 * It takes all that waits as a batch, sorts each table's rows into the order of the table, and writes them
 * with the facts in one transaction: neighbours share pages, each row is written once however often it
 * changed, and whoever opens the file sees one commit, whole. It does so when something has waited for
 * `lag.us`, or takes a quarter of `lag.bytes` (a big commit: the next one is far), so that a restart has
 * little to replay; a worker that is faster than the disk is held up (state_writer_make_room).
 *
 * A batch that fails stays as it is and is tried again: it is the same rows for the same transaction. The
 * worker hears of it when it wants to know (flush) or when too much waits.
 *
 * Thread: its own; what is its own stands under "thread" in the struct, everything else is under share->lock.
 */
#include <time.h>

#include "core/logger.h"
#include "core/notice.h"
#include "state/state_vfs.h"
#include "state/store_cache.h"

enum {
    RETRY_MS  = 500,
    BUSY_MS   = 5000,
    WAL_PAGES = 8192 /* 32 MB: read in less than 0.1 s */,
    AHEAD     = 12,
    BIG_PART  = 4
};

typedef struct {
    StoreMemory *memory; /* its rows are in memory->writing, which stays as it is until the batch is done */
    int64_t      time, bound; /* bound: rows of before have expired */
    bool         time_waits;
} BatchStore;

typedef struct {
    BatchStore *stores;
    size_t      count, capacity;
    FactSet     facts;
    uint32_t    number; /* 0: there is none */
} Batch;

struct StateWriter {
    StateShare     *share;
    StateLag        lag;
    pthread_t       thread;
    pthread_mutex_t file; /* of SQLite's one writer */
    bool            flush, stop;
    bool            failing; /* and why, until a batch was written */
    Error           failure;
    Notice          trouble;
    /* thread */
    sqlite3    *db;
    StoreTable *tables;
    Batch       batch;
    Arena      *arena;
    int         wal_pages, wal_again;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- in the order of the table ---- */

typedef struct {
    uint64_t time; /* of tables that have it first */
    uint64_t head; /* the key's bytes behind what all keys begin with, big-endian */
    MemRow  *row;
} Sortable;

static int compare_rows(const void *a, const void *b, void *context)
{
    const Sortable *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    const StoreMemory *memory = context;
    MemEntry           p = store_memory_entry(memory, x->row), q = store_memory_entry(memory, y->row);
    int                order = str_compare(p.key, q.key);
    if (order != 0)
        return order;
    StoreKind kind = memory->table->spec.kind;
    int64_t   s = store_row_time(kind, p.start, p.end), t = store_row_time(kind, q.start, q.end);
    if (s != t)
        return s < t ? -1 : 1;
    s = store_row_second(kind, p.start, p.end);
    t = store_row_second(kind, q.start, q.end);
    return (s > t) - (s < t);
}

static uint64_t head_of(Str key, size_t skip)
{
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (skip + i < key.len ? (unsigned char)key.ptr[skip + i] : 0);
    return head;
}

/* Rows lie where they were first put: each would be waited for. */
static void fetch_ahead(const MemRows *rows, size_t i)
{
    if (i + AHEAD < rows->count)
        __builtin_prefetch(rows->rows[i + AHEAD]);
}

static size_t common_prefix(const StoreMemory *memory, const MemRows *rows)
{
    Str    first  = store_memory_entry(memory, rows->rows[0]).key;
    size_t prefix = first.len;
    for (size_t i = 1; i < rows->count && prefix > 0; i++) {
        fetch_ahead(rows, i);
        Str    key = store_memory_entry(memory, rows->rows[i]).key;
        size_t n   = 0;
        while (n < prefix && n < key.len && key.ptr[n] == first.ptr[n])
            n++;
        prefix = n;
    }
    return prefix;
}

/* Most rows are told apart by 16 bytes that lie side by side: comparing the rows themselves would miss the
 * cache twice a time. */
static Sortable *sort_rows(StoreMemory *memory, const MemRows *rows)
{
    Sortable *all        = mem_alloc((rows->count + 1) * sizeof *all);
    size_t    skip       = rows->count > 0 ? common_prefix(memory, rows) : 0;
    StoreKind kind       = memory->table->spec.kind;
    bool      is_by_time = kind == STORE_WINDOW || kind == STORE_BUFFER;
    for (size_t i = 0; i < rows->count; i++) {
        fetch_ahead(rows, i);
        MemEntry entry = store_memory_entry(memory, rows->rows[i]);
        all[i]         = (Sortable){0, head_of(entry.key, skip), rows->rows[i]};
        if (is_by_time)
            all[i].time = (uint64_t)entry.start ^ (uint64_t)1 << 63;
    }
    qsort_r(all, rows->count, sizeof *all, compare_rows, memory);
    return all;
}

typedef struct {
    int64_t     time;
    SegmentRow *row;
} TimedRow;

static int compare_timed(const void *a, const void *b)
{
    const TimedRow *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    int order = str_compare(segment_row_key(x->row), segment_row_key(y->row));
    if (order != 0)
        return order;
    return (x->row->number > y->row->number) - (x->row->number < y->row->number);
}

static TimedRow *sort_segment(const MemSegment *segment)
{
    TimedRow *all = mem_alloc((segment->count + 1) * sizeof *all);
    for (size_t i = 0; i < segment->count; i++) {
        if (i + AHEAD < segment->count)
            __builtin_prefetch(segment->rows[i + AHEAD]);
        all[i] = (TimedRow){segment->rows[i]->time, segment->rows[i]};
    }
    qsort(all, segment->count, sizeof *all, compare_timed);
    return all;
}

/* ---- a batch ---- */

static void take_store(StateShare *share, Batch *batch, StoreMemory *memory)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 16;
        batch->stores   = mem_realloc(batch->stores, batch->capacity * sizeof *batch->stores);
    }
    StoreSpec spec                = {.kind = memory->table->spec.kind, .retention_ms = memory->retention_ms};
    batch->stores[batch->count++] = (BatchStore){.memory     = memory,
                                                 .time       = memory->time,
                                                 .bound      = store_bound(&spec, memory->time),
                                                 .time_waits = memory->time_waits};
    memory->writing               = memory->waiting;
    memory->waiting               = (MemRows){0};
    memory->segments_writing      = memory->segments;
    memory->segments              = (MemSegments){0};
    memory->listed                = false;
    memory->time_waits            = false;
    memory->last_batch            = share->batch;
}

/* Under the lock. */
static void batch_take(StateShare *share, Batch *batch)
{
    for (StoreMemory *memory = share->listed; memory != NULL; memory = memory->next_listed)
        take_store(share, batch, memory);
    FactSet empty           = batch->facts;
    batch->facts            = share->facts;
    share->facts            = empty;
    share->listed           = NULL;
    share->batch_bytes      = share->waiting_bytes;
    share->waiting_bytes    = 0;
    share->waiting_since_us = 0;
    batch->number           = share->batch++;
}

/* Under the lock: the file has it. */
static void batch_done(StateShare *share, Batch *batch)
{
    size_t kept        = 0;
    share->done        = batch->number;
    share->batch_bytes = 0;
    for (size_t i = 0; i < share->graves.count; i++)
        if (share->graves.rows[i]->batch <= share->done)
            mem_free(share->graves.rows[i]);
        else
            share->graves.rows[kept++] = share->graves.rows[i];
    share->graves.count = kept;
    for (size_t i = 0; i < batch->count; i++) {
        mem_free(batch->stores[i].memory->writing.rows);
        batch->stores[i].memory->writing = (MemRows){0};
        mem_segments_clear(&batch->stores[i].memory->segments_writing);
    }
}

static void batch_clear(Batch *batch)
{
    fact_set_empty(&batch->facts);
    batch->count  = 0;
    batch->number = 0;
}

/* ---- writing ---- */

static Status write_row(StoreTable *table, const StoreMemory *memory, const MemRow *row, int64_t bound,
                        Arena *arena, Error *err)
{
    MemEntry entry = store_memory_entry(memory, row);
    TableRow out   = {.key          = entry.key,
                      .partition    = memory->partition,
                      .window_start = entry.start,
                      .window_end   = entry.end};
    if (store_row_time(table->spec.kind, entry.start, entry.end) < bound)
        return OK; /* if it is in the file, the sweep that follows takes it */
    if (str_is_null(entry.value))
        return store_table_delete(table, &out, err);
    TRY(store_record_decode(&table->spec, entry.value, arena, &out, err));
    return store_table_put(table, &out, err);
}

static Status write_segment(StateWriter *self, StoreTable *table, const BatchStore *store,
                            const MemSegment *segment, Error *err)
{
    TimedRow *sorted = sort_segment(segment);
    Status    status = OK;
    for (size_t i = 0; status == OK && i < segment->count; i++) {
        const SegmentRow *row = sorted[i].row;
        TableRow          out = {.key          = segment_row_key(row),
                                 .partition    = store->memory->partition,
                                 .window_start = row->time,
                                 .window_end   = row->number};
        if (i + AHEAD < segment->count)
            __builtin_prefetch(sorted[i + AHEAD].row);
        if (row->time < store->bound)
            continue;
        status = store_record_view(&table->spec, segment_row_value(row), self->arena, &out, err);
        if (status == OK)
            status = store_table_put(table, &out, err);
        arena_reset(self->arena);
    }
    mem_free(sorted);
    return status;
}

/* Segments first: rows that follow may be removals of theirs. */
static Status write_segments(StateWriter *self, StoreTable *table, const BatchStore *store, Error *err)
{
    const MemSegments *segments = &store->memory->segments_writing;
    for (size_t i = 0; i < segments->count; i++)
        TRY(write_segment(self, table, store, &segments->items[i], err));
    return OK;
}

static Status write_store(StateWriter *self, BatchStore *store, Error *err)
{
    StoreTable *table;
    Status      status = OK;
    size_t      swept;
    TRY(store_table_current(self->db, &self->tables, &store->memory->table->spec, &table, err));
    if (table == NULL)
        return error_set(err, E_STALE_STATE, NO_POS, "State store " STR_FMT ": its table is gone",
                         STR_ARG(store->memory->table->spec.name));
    TRY(write_segments(self, table, store, err));
    Sortable *sorted = sort_rows(store->memory, &store->memory->writing);
    for (size_t i = 0; status == OK && i < store->memory->writing.count; i++) {
        if (i + AHEAD < store->memory->writing.count)
            __builtin_prefetch(sorted[i + AHEAD].row);
        status = write_row(table, store->memory, sorted[i].row, store->bound, self->arena, err);
        arena_reset(self->arena);
    }
    mem_free(sorted);
    if (status == OK && store->time_waits)
        status = store_table_set_time(table, store->memory->partition, store->time, err);
    if (status == OK && store->bound != INT64_MIN)
        status = store_table_sweep(table, store->memory->partition, store->bound, SIZE_MAX, &swept, err);
    return status;
}

static Status write_batch(StateWriter *self, Error *err)
{
    TRY(state_db_exec(self->db, "BEGIN IMMEDIATE", err));
    Status status = OK;
    for (size_t i = 0; status == OK && i < self->batch.count; i++)
        status = write_store(self, &self->batch.stores[i], err);
    if (status == OK)
        status = state_meta_write(self->db, &self->batch.facts, err);
    if (status == OK)
        status = state_db_exec(self->db, "COMMIT", err);
    if (status != OK && !sqlite3_get_autocommit(self->db))
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static int note_wal(void *self, sqlite3 *db, const char *schema, int pages)
{
    ((StateWriter *)self)->wal_pages = pages;
    return SQLITE_OK;
}

/* A WAL begins anew only when all of it was written back, which never is the case while batches go on; the
 * next start reads all of it. */
static void bound_wal(StateWriter *self)
{
    if (self->wal_pages < WAL_PAGES)
        self->wal_again = WAL_PAGES;
    if (self->wal_pages < self->wal_again)
        return;
    self->wal_again = self->wal_pages + WAL_PAGES / 4;
    sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* ---- the thread ---- */

static bool is_due(const StateWriter *self)
{
    const StateShare *share = self->share;
    if (share->waiting_since_us == 0 || share->committing)
        return false;
    return self->flush || self->stop || share->waiting_bytes >= self->lag.bytes / BIG_PART ||
           now_us() - share->waiting_since_us >= self->lag.us;
}

static void wait_until(StateShare *share, int64_t us)
{
    struct timespec until = {us / 1000000, us % 1000000 * 1000};
    pthread_cond_timedwait(&share->waiting, &share->lock, &until);
}

/* Until there is a batch to write; false: the end. */
static bool next_batch(StateWriter *self)
{
    StateShare *share = self->share;
    while (self->batch.number == 0) {
        if (is_due(self)) {
            batch_take(share, &self->batch);
            return true;
        }
        if (self->stop && share->waiting_since_us == 0)
            return false;
        if (share->waiting_since_us == 0 || share->committing)
            pthread_cond_wait(&share->waiting, &share->lock);
        else
            wait_until(share, share->waiting_since_us + self->lag.us);
    }
    if (self->stop)
        return false; /* it has failed before */
    wait_until(share, now_us() + RETRY_MS * 1000);
    return !self->stop;
}

static Status attempt(StateWriter *self, Error *err)
{
    pthread_mutex_lock(&self->file);
    Status status = write_batch(self, err);
    if (status == OK)
        bound_wal(self);
    pthread_mutex_unlock(&self->file);
    if (status == OK)
        notice_clear(&self->trouble);
    else if (status != E_STALE_STATE && notice_due(&self->trouble, str_c(err->message), now_us()))
        log_line(LOG_WARN, "%s; it is tried again, and nothing is lost", err->message);
    return status;
}

static void *writer_main(void *argument)
{
    StateWriter *self  = argument;
    StateShare  *share = self->share;
    Error        err;
    pthread_mutex_lock(&share->lock);
    while (next_batch(self)) {
        pthread_mutex_unlock(&share->lock);
        Status status = attempt(self, &err);
        pthread_mutex_lock(&share->lock);
        self->failing = status != OK;
        if (status == OK) {
            batch_done(share, &self->batch);
            batch_clear(&self->batch);
        } else {
            self->failure = err;
        }
        pthread_cond_broadcast(&share->settled);
    }
    pthread_mutex_unlock(&share->lock);
    return NULL;
}

/* ---- the worker's side ---- */

Status state_writer_start(StateShare *share, const char *path, const StateLag *lag, StateWriter **out,
                          Error *err)
{
    StateWriter *self = mem_calloc(1, sizeof *self);
    *self             = (StateWriter){.share = share, .lag = *lag};
    self->arena       = arena_new(0);
    pthread_mutex_init(&self->file, NULL);
    int    rc     = state_db_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, BUSY_MS, &self->db);
    Status status = rc == SQLITE_OK ? OK : state_db_error(self->db, rc, path, err);
    if (status == OK)
        status = state_db_exec(self->db,
                               "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY",
                               err);
    if (status == OK) {
        sqlite3_wal_hook(self->db, note_wal, self); /* the pragma above has taken it away */
        if (pthread_create(&self->thread, NULL, writer_main, self) != 0)
            status = error_set(err, E_LIMIT, NO_POS, "State store: no thread can be started");
    }
    if (status != OK) {
        sqlite3_close(self->db);
        pthread_mutex_destroy(&self->file);
        arena_free(self->arena);
        mem_free(self);
        return status;
    }
    *out = self;
    return OK;
}

void state_writer_stop(StateWriter *self)
{
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->share->lock);
    self->stop = true;
    pthread_cond_broadcast(&self->share->waiting);
    pthread_mutex_unlock(&self->share->lock);
    pthread_join(self->thread, NULL);
    if (self->failing)
        log_line(LOG_WARN, "%s; the next start reads it from the log", self->failure.message);
    batch_clear(&self->batch);
    mem_free(self->batch.stores);
    fact_set_clear(&self->batch.facts);
    for (StoreTable *table = self->tables, *next; table != NULL; table = next) {
        next = table->next;
        store_table_free(table);
    }
    sqlite3_close(self->db);
    pthread_mutex_destroy(&self->file);
    arena_free(self->arena);
    mem_free(self);
}

/* Under the lock: until `enough`, or a batch has failed since. */
static Status wait_for(StateWriter *self, bool (*enough)(const StateWriter *self), Error *err)
{
    StateShare *share  = self->share;
    Status      status = OK;
    pthread_mutex_lock(&share->lock);
    if (self->failing && !enough(self)) { /* one more try, now */
        self->failing = false;
        pthread_cond_broadcast(&share->waiting);
    }
    while (!enough(self) && !self->failing) {
        pthread_cond_broadcast(&share->waiting);
        pthread_cond_wait(&share->settled, &share->lock);
    }
    if (!enough(self)) {
        *err   = self->failure;
        status = err->code;
    }
    pthread_mutex_unlock(&share->lock);
    return status;
}

static bool is_written(const StateWriter *self)
{
    return self->share->waiting_since_us == 0 && self->share->done + 1 == self->share->batch;
}

static bool has_room(const StateWriter *self)
{
    return !(self->failing && self->failure.code == E_STALE_STATE) &&
           self->share->waiting_bytes + self->share->batch_bytes < 2 * self->lag.bytes;
}

Status state_writer_flush(StateWriter *self, Error *err)
{
    pthread_mutex_lock(&self->share->lock);
    self->flush = true;
    pthread_mutex_unlock(&self->share->lock);
    Status status = wait_for(self, is_written, err);
    pthread_mutex_lock(&self->share->lock);
    self->flush = false;
    pthread_mutex_unlock(&self->share->lock);
    return status;
}

Status state_writer_make_room(StateWriter *self, Error *err) { return wait_for(self, has_room, err); }

Status state_writer_trouble(StateWriter *self, Error *err)
{
    Status status = OK;
    pthread_mutex_lock(&self->share->lock);
    if (self->failing) {
        *err   = self->failure;
        status = err->code;
    }
    pthread_mutex_unlock(&self->share->lock);
    return status;
}

Status state_writer_limit_pages(StateWriter *self, const char *pragma, Error *err)
{
    pthread_mutex_lock(&self->file);
    Status status = state_db_exec(self->db, pragma, err);
    pthread_mutex_unlock(&self->file);
    return status;
}

void state_writer_lock_file(StateWriter *self) { pthread_mutex_lock(&self->file); }

void state_writer_unlock_file(StateWriter *self) { pthread_mutex_unlock(&self->file); }
