/*
 * state_file.c - one SQLite file per worker: opening, and the commit that makes its stores one consistent
 * cut.
 *
 * A file that follows behind (state_file_open_behind) is written by a thread of its own; a commit then only
 * puts rows and facts into memory (state_memory.c). What goes past the memory (a store that is emptied, a
 * table that is dropped) does so in a transaction of the worker's, which begins when the file has everything
 * else, and whose commit writes the file itself. Files without such a thread do that at each commit.
 *
 * WAL, so that readers never wait and never make us wait. synchronous=NORMAL: a power cut may take the last
 * commits, never the order, and the changelog brings them back. No autocheckpoint: a helper thread does it
 * (state_file_checkpoint), for it stalled commits. But a WAL begins anew only when all of it was written
 * back, which never is the case while commits go on; so above a size the writer does what the helper has
 * left, for the next start reads all of the WAL.
 *
 * Rows and facts wait in memory until the commit, so a commit that fails can be tried again. What
 * store_apply, store_clear and store_drop wrote is in the transaction only: when a failed commit takes that
 * away, everything but rollback is refused.
 */
#include <errno.h>
#include <unistd.h>

#include "core/file_trouble.h"
#include "core/logger.h"
#include "state/state_memory.h"
#include "state/store_buffer.h"
#include "state/state_vfs.h"

enum {
    WORKING_CACHE = 16 << 20, /* bytes of rows that are being worked on, at most */
    SWEEP_MIN =
        1000, /* expired rows deleted per store and commit, or twice what was written if that is more */
    BUSY_MS   = 5000,
    WAL_PAGES = 8192, /* 32 MB: read in less than 0.1 s */
};

static const size_t default_cache = (size_t)64 * 1024 * 1024;

static Status check_version(sqlite3 *db, Error *err)
{
    sqlite3_stmt *stmt;
    int           rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return state_db_error(db, rc, "read the version", err);
    rc          = sqlite3_step(stmt);
    int version = rc == SQLITE_ROW ? sqlite3_column_int(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW)
        return state_db_error(db, rc, "read the version", err);
    if (version != 0 && version != STATE_FILE_VERSION)
        return error_set(err, E_STALE_STATE, NO_POS,
                         "State store: the file is of version %d, this program writes version %d", version,
                         STATE_FILE_VERSION);
    return OK;
}

static int note_wal(void *file, sqlite3 *db, const char *schema, int pages)
{
    ((StateFile *)file)->wal_pages = pages;
    return SQLITE_OK;
}

/* What everything else is found by is read now, so that damage there shows before anybody relies on it. */
static Status read_own_tables(sqlite3 *db, Error *err)
{
    int rc =
        sqlite3_exec(db, "SELECT sum(length(definition)) FROM _stores; SELECT sum(time % 2) FROM _store_time",
                     NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : state_db_error(db, rc, "read the tables of the file itself", err);
}

static Status open_connection(StateFile *file, const char *path, Error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc    = state_db_open(path ? path : ":memory:", flags, BUSY_MS, &file->db);
    if (rc != SQLITE_OK)
        return state_db_error(file->db, rc, "open", err);
    TRY(check_version(file->db, err));
    rc = sqlite3_exec(file->db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;"
                      "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA user_version = 4",
                      NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return state_db_error(file->db, rc, "set up", err);
    sqlite3_wal_hook(file->db, note_wal, file); /* the pragma above has taken it away */
    TRY(state_db_create(file->db, err));
    TRY(read_own_tables(file->db, err));
    return state_meta_load(file, err);
}

/* What SQLite has to say names neither the file nor what to do. */
static Status connect(StateFile *file, const char *path, Error *err)
{
    Error  why;
    Status status = open_connection(file, path, &why);
    if (status == OK)
        return OK;
    if (path == NULL || status == E_STALE_STATE) {
        *err = why;
        return status;
    }
    error_set(err, status, NO_POS, "State file %s cannot be opened: %s", path, why.message);
    file_explain_trouble(path, err);
    return status;
}

static void end_transaction(StateFile *file)
{
    if (file->in_transaction && file->writer != NULL)
        state_writer_unlock_file(file->writer);
    file->in_transaction = file->direct = file->created = false;
}

static StateFile *file_new(StateShare *share)
{
    StateFile *file   = mem_calloc(1, sizeof *file);
    file->cache_limit = default_cache;
    file->epoch       = 1;
    file->scratch     = arena_new(0);
    file->remembered  = arena_new(0);
    file->staging     = arena_new(0);
    file->own_share   = share == NULL;
    file->share       = share != NULL ? share : state_share_new();
    return file;
}

Status state_file_open(const char *path, StateFile **out, Error *err)
{
    StateFile *file   = file_new(NULL);
    Status     status = connect(file, path, err);
    if (status != OK) {
        state_file_close(file);
        return status;
    }
    *out = file;
    return OK;
}

Status state_file_open_behind(const char *path, StateShare *share, const StateLag *lag, size_t memory,
                              StateFile **out, Error *err)
{
    StateFile *file    = file_new(share);
    Status     status  = connect(file, path, err);
    file->cache_limit  = memory / 8 < WORKING_CACHE ? memory / 8 : WORKING_CACHE;
    file->memory_limit = memory - file->cache_limit;
    file->held_limit   = lag->bytes;
    if (status == OK)
        status = state_writer_start(file->share, path, lag, &file->writer, err);
    if (status != OK) {
        state_file_close(file);
        return status;
    }
    *out = file;
    return OK;
}

Status state_file_flush(StateFile *file, Error *err)
{
    if (file->writer == NULL || file->in_transaction)
        return OK;
    return state_writer_flush(file->writer, err);
}

Status state_file_trouble(StateFile *file, Error *err)
{
    return file->writer == NULL ? OK : state_writer_trouble(file->writer, err);
}

/* The share begins anew: who reads now sees what the file has. */
static void leave_share(StateFile *file)
{
    state_memory_reap(file, true);
    pthread_mutex_lock(&file->share->lock);
    fact_set_empty(&file->share->facts);
    for (size_t i = 0; i < file->share->graves.count; i++)
        mem_free(file->share->graves.rows[i]);
    file->share->graves.count = 0;
    file->share->listed = file->share->trimmed = NULL;
    file->share->waiting_bytes = file->share->batch_bytes = 0;
    file->share->waiting_since_us                         = 0;
    file->share->done                                     = file->share->batch++;
    pthread_mutex_unlock(&file->share->lock);
    if (file->own_share)
        state_share_free(file->share);
}

void state_file_close(StateFile *file)
{
    if (file == NULL)
        return;
    if (file->db != NULL && !sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    end_transaction(file);
    while (file->stores != NULL)
        store_close(file->stores);
    state_writer_stop(file->writer);
    leave_share(file);
    fact_set_clear(&file->pending);
    fact_set_clear(&file->facts);
    store_cache_free_spare(file);
    mem_free(file->spare);
    arena_free(file->scratch);
    arena_free(file->staging);
    mem_free(file->staged);
    arena_free(file->remembered);
    sqlite3_close(file->db);
    mem_free(file);
}

void state_file_set_cache(StateFile *file, size_t bytes) { file->cache_limit = bytes; }

size_t state_file_dirty_bytes(const StateFile *file)
{
    return file->dirty_bytes + arena_used(file->remembered);
}

size_t state_file_cache_bytes(const StateFile *file)
{
    return file->cache_bytes + arena_used(file->remembered) + file->share->memory_bytes + file->held_bytes;
}

Status state_file_limit_pages(StateFile *file, int64_t pages, Error *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)(pages > 0 ? pages : 1073741823));
    if (file->writer != NULL)
        TRY(state_writer_limit_pages(file->writer, sql, err));
    return state_db_exec(file->db, sql, err);
}

bool state_file_lock(StateFile *file)
{
    bool locks = file->writer != NULL && !file->in_transaction;
    if (locks)
        state_writer_lock_file(file->writer);
    return locks;
}

void state_file_unlock(StateFile *file, bool locked)
{
    if (locked)
        state_writer_unlock_file(file->writer);
}

static Status make_again(StateFile *file, Error *err)
{
    Status status = OK;
    bool   locked = state_file_lock(file);
    for (StoreTable *table = file->tables; status == OK && table != NULL; table = table->next)
        status = store_table_ensure(table, err);
    state_file_unlock(file, locked);
    return status;
}

Status state_file_ready(StateFile *file, Error *err)
{
    if (file->lost)
        return error_set(err, E_IO, NO_POS,
                         "State store: a commit failed and took restored rows with it; roll back first");
    if (!file->recheck)
        return OK;
    TRY(make_again(file, err));
    file->recheck = false;
    return OK;
}

static Status begin(StateFile *file, Error *err)
{
    if (file->writer != NULL) {
        TRY(state_writer_flush(file->writer, err)); /* what follows is newer than all of it */
        state_writer_lock_file(file->writer);
    }
    Status status        = state_db_exec(file->db, "BEGIN IMMEDIATE", err);
    file->in_transaction = true;
    if (status != OK)
        end_transaction(file);
    return status;
}

Status state_file_begin(StateFile *file, bool direct, Error *err)
{
    if (file->in_transaction &&
        sqlite3_get_autocommit(file->db)) { /* SQLite rolled back by itself: the disk was full */
        file->lost    = file->lost || file->direct;
        file->recheck = file->recheck || file->created;
        end_transaction(file);
    }
    TRY(state_file_ready(file, err));
    if (!file->in_transaction)
        TRY(begin(file, err));
    file->direct = file->direct || direct;
    return OK;
}

/* ---- commit ---- */

/* In key order: neighbours share pages. */
static int compare_rows(const void *a, const void *b)
{
    const CacheRow *x = *(CacheRow *const *)a, *y = *(CacheRow *const *)b;
    int             order = str_compare(x->base.key, y->base.key);
    if (order != 0)
        return order;
    return (x->base.window_start > y->base.window_start) - (x->base.window_start < y->base.window_start);
}

static Status write_rows(Store *store, Error *err)
{
    if (store->dirty_count == 0)
        return OK;
    CacheRow **sorted = mem_alloc(store->dirty_count * sizeof *sorted);
    size_t     count  = 0;
    for (size_t i = 0; i < store->dirty_count; i++)
        if (store->dirty[i]->base.exists ||
            store->dirty[i]->base.stored) /* others came and went in between */
            sorted[count++] = store->dirty[i];
    qsort(sorted, count, sizeof *sorted, compare_rows);
    Status status = OK;
    for (size_t i = 0; status == OK && i < count; i++) {
        TableRow row  = store_table_row(sorted[i]);
        bool     gone = !sorted[i]->base.exists || store_row_expired(store, row.window_start, row.window_end);
        status =
            gone ? store_table_delete(store->table, &row, err) : store_table_put(store->table, &row, err);
    }
    mem_free(sorted);
    return status;
}

/* Deletes a slice of what is beyond the retention. *bound: up to where nothing is left, if the slice was
 * enough. */
static Status sweep(Store *store, int64_t *bound, Error *err)
{
    int64_t limit   = store_bound(&store->spec, store->time);
    size_t  written = store_change_count(store), swept;
    size_t  slice   = written * 2 > SWEEP_MIN ? written * 2 : SWEEP_MIN;
    *bound          = store->swept_bound;
    if (limit <= store->swept_bound)
        return OK;
    TRY(store_table_sweep(store->table, store->partition, limit, slice, &swept, err));
    if (swept < slice)
        *bound = limit;
    return OK;
}

static Status write_store(Store *store, Error *err)
{
    int64_t bound;
    TRY(write_rows(store, err));
    if (store->buffer != NULL)
        TRY(store_buffer_write(store, err));
    if (store->cleared || store->time != store->committed_time)
        TRY(store_table_set_time(store->table, store->partition, store->time, err));
    TRY(sweep(store, &bound, err));
    store->swept_bound = bound; /* taken back by commit_failed */
    return OK;
}

static Status write_all(StateFile *file, Error *err)
{
    TRY(state_file_begin(file, false, err));
    for (Store *store = file->changed; store != NULL; store = store->next_changed)
        TRY(write_store(store, err));
    TRY(state_meta_write(file->db, &file->pending, err));
    return state_db_exec(file->db, "COMMIT", err);
}

static void commit_failed(StateFile *file)
{
    if (!sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    for (Store *store = file->changed; store != NULL; store = store->next_changed)
        store->swept_bound = INT64_MIN;
    file->lost    = file->lost || file->direct;
    file->recheck = file->recheck || file->created;
    end_transaction(file);
}

static void row_settle(CacheRow *row)
{
    row->base.dirty       = false;
    row->base.stored      = row->base.exists;
    row->group            = row->grouped ? row->group : NULL;
    row->base.has_emitted = false;
    row->base.emitted     = NULL;
    row->base.origin      = NULL;
    row->origin           = NULL;
    row->origin_size      = 0;
}

/* After a commit: nothing is dirty, and pointers to rows have lost their promise. */
static void settle(StateFile *file)
{
    Store *store = file->changed;
    while (store != NULL) {
        Store *next = store->next_changed;
        for (size_t i = 0; i < store->dirty_count; i++)
            row_settle(store->dirty[i]);
        if (store->buffer != NULL)
            store_buffer_prepare(store);
        store->settled_count = store->dirty_count;
        store->dirty_count   = 0;
        store->prepared_time = store->time;
        store->listed        = false;
        store->cleared       = false;
        store                = next;
    }
    file->changed     = NULL;
    file->dirty_bytes = 0;
}

static void next_interval(StateFile *file)
{
    store_cache_evict(file);
    for (Store *store = file->stores; store != NULL; store = store->next)
        if (store->idle_count > 0)
            store_cache_drop_idle_groups(store);
    if (file->writer != NULL) {
        store_buffers_trim(file);
        state_memory_trim(file);
    }
    arena_reset(file->remembered);
    file->epoch++;
}

/* What keeps it from being finished (a reader, the helper at work) is gone some pages later. */
static void bound_wal(StateFile *file)
{
    if (file->wal_pages < WAL_PAGES)
        file->wal_again = WAL_PAGES;
    if (file->wal_pages < file->wal_again)
        return;
    file->wal_again = file->wal_pages + WAL_PAGES / 4;
    int rc          = sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        log_line(LOG_WARN, "State store: writing the WAL back: %s", sqlite3_errmsg(file->db));
}

static Status commit_to_file(StateFile *file, Error *err)
{
    Status status = write_all(file, err);
    if (status != OK) {
        commit_failed(file);
        return status;
    }
    end_transaction(file);
    if (file->writer != NULL)
        state_memory_remember(file);
    bound_wal(file);
    return OK;
}

static void keep_times(StateFile *file)
{
    for (Store *store = file->stores; store != NULL; store = store->next) {
        store->committed_time = store->prepared_time;
        store->aside_count    = 0;
        if (store->buffer != NULL)
            store_buffer_settle(store);
    }
}

/* The list of rows that were dirty, for scans. */
static void set_aside(Store *store)
{
    CacheRow **rows       = store->aside;
    size_t     capacity   = store->aside_capacity;
    store->aside          = store->dirty;
    store->aside_count    = store->settled_count;
    store->aside_capacity = store->dirty_capacity;
    store->dirty          = rows;
    store->dirty_capacity = capacity;
}

bool state_file_can_prepare(const StateFile *file)
{
    return file->writer != NULL && !file->in_transaction && !file->lost && !file->prepared;
}

/* The rows stay in the cache until the next time, for until they are published nobody else has them: those
 * that may go, go before they are clean. */
void state_file_prepare(StateFile *file)
{
    state_memory_stage(file);
    next_interval(file);
    Store *changed = file->changed;
    settle(file);
    for (Store *store = changed; store != NULL; store = store->next_changed)
        set_aside(store);
    file->prepared = true;
}

/* Into memory only, which cannot fail; the commit that has just ended would not be undone by it either. */
static void spill(StateFile *file)
{
    Error err;
    if (file->writer != NULL && store_buffers_spill(file, NULL, &err) != OK)
        log_line(LOG_ERROR, "State store: %s", err.message);
}

static Status end_prepared(StateFile *file, Error *err)
{
    TRY(state_memory_publish(file, err));
    file->prepared = false;
    keep_times(file);
    state_meta_committed(file);
    spill(file);
    return OK;
}

Status state_file_commit(StateFile *file, Error *err)
{
    if (file->prepared)
        return end_prepared(file, err);
    TRY(state_file_ready(file, err));
    if (file->in_transaction || (file->writer == NULL && (file->changed != NULL || file->pending.count > 0)))
        TRY(commit_to_file(file, err));
    else if (file->writer != NULL)
        TRY(state_memory_commit(file, err));
    settle(file);
    keep_times(file);
    state_meta_committed(file);
    next_interval(file);
    spill(file);
    return OK;
}

bool state_file_is_lost(const StateFile *file) { return file->lost; }

/* ---- rollback ---- */

static void store_rollback(Store *store, bool direct)
{
    for (size_t i = 0; i < store->dirty_count; i++)
        store_cache_remove(store->dirty[i]);
    store->dirty_count = store->aside_count = 0;
    store->time = store->prepared_time = store->committed_time;
    store->swept_bound                 = INT64_MIN;
    store->listed                      = false;
    store->cleared                     = false;
    if (store->buffer != NULL)
        store_buffer_rollback(store, direct);
}

void state_file_rollback(StateFile *file)
{
    bool direct = file->direct || file->lost;
    if (!sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    file->recheck = file->recheck || file->created;
    file->lost    = false;
    end_transaction(file);
    for (Store *store = file->stores; store != NULL; store = store->next) {
        if (direct || file->prepared) /* may hold what was read inside the transaction, or was set aside */
            store_cache_clear(store);
        store_rollback(store, direct);
    }
    if (direct)
        state_memory_drop_all(file);
    file->changed  = NULL;
    file->prepared = false;
    state_memory_unstage(file);
    fact_set_empty(&file->pending);
    next_interval(file);
}

/* ---- checkpoint ---- */

Status state_file_checkpoint(const char *path, Error *err)
{
    sqlite3 *db;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return error_set(err, E_STALE_STATE, NO_POS, "State store: the file is gone");
    int    rc     = state_db_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, BUSY_MS, &db);
    Status status = rc == SQLITE_OK ? OK : state_db_error(db, rc, path, err);
    if (status == OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        status = state_db_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", err);
    }
    sqlite3_close(db);
    return status;
}
