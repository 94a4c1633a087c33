/*
 * state_reader.c - committed rows for threads other than the worker: pull queries and tests.
 *
 * Rows are read in chunks, each by a SELECT that is over before the first row is handed out: an open SELECT
 * would keep the WAL from being reused. The next chunk goes on behind the last identity, so rows committed in
 * between may or may not be seen, but none twice. Statements are kept; a table dropped and made again is
 * noticed by its definition, a file that was set aside and made again by its inode.
 */
#include <sys/stat.h>

#include "state/state_vfs.h"
#include "state/store_table.h"

enum { CHUNK_ROWS = 1000, CHUNK_BYTES = 4 * 1024 * 1024, BUSY_MS = 5000 };

typedef struct {
    char       *path;
    dev_t       device;
    ino_t       inode; /* of what is open */
    sqlite3    *db;
    StoreTable *tables;
} ReaderFile;

struct StateReader {
    Arena      *arena; /* of the chunk */
    size_t      count, damaged;
    ReaderFile *files;
};

static void file_close(ReaderFile *file)
{
    for (StoreTable *table = file->tables, *next; table != NULL; table = next) {
        next = table->next;
        store_table_free(table);
    }
    sqlite3_close(file->db);
    file->tables = NULL;
    file->db     = NULL;
}

static bool file_is_current(const ReaderFile *file)
{
    struct stat now;
    return stat(file->path, &now) == 0 && now.st_ino == file->inode && now.st_dev == file->device;
}

/* Opens it, or again when another file has that name now. */
static Status file_open(ReaderFile *file, Error *err)
{
    struct stat now;
    if (file->db != NULL && file_is_current(file))
        return OK;
    file_close(file);
    if (stat(file->path, &now) != 0)
        return error_set(err, E_IO, NO_POS, "State store: %s is not there", file->path);
    file->device = now.st_dev;
    file->inode  = now.st_ino;
    int rc       = state_db_open(file->path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, BUSY_MS, &file->db);
    return rc == SQLITE_OK ? OK : state_db_error(file->db, rc, file->path, err);
}

Status state_reader_open(const char *const *paths, size_t count, StateReader **out, Error *err)
{
    StateReader *reader = mem_calloc(1, sizeof *reader);
    reader->arena       = arena_new(0);
    reader->files       = mem_calloc(count, sizeof *reader->files);
    reader->count       = count;
    for (size_t i = 0; i < count; i++) {
        reader->files[i].path = str_to_heap(str_c(paths[i]));
        Status status         = file_open(&reader->files[i], err);
        if (status != OK) {
            state_reader_close(reader);
            return status;
        }
    }
    *out = reader;
    return OK;
}

void state_reader_close(StateReader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->count; i++) {
        file_close(&reader->files[i]);
        mem_free(reader->files[i].path);
    }
    arena_free(reader->arena);
    mem_free(reader->files);
    mem_free(reader);
}

/* The table as it is now; *out NULL when this file has none. */
static Status file_table(ReaderFile *file, const StoreSpec *spec, StoreTable **out, Error *err)
{
    StoreTable *now, **link = &file->tables;
    *out = NULL;
    TRY(store_table_open(file->db, spec, false, &now, err));
    while (*link != NULL && !str_equal((*link)->spec.name, spec->name))
        link = &(*link)->next;
    StoreTable *kept = *link;
    if (kept != NULL && now != NULL && kept->id == now->id && str_equal(kept->stored, now->stored) &&
        str_equal(kept->definition, now->definition)) {
        store_table_free(now);
        *out = kept;
        return OK;
    }
    if (kept != NULL) {
        *link = kept->next;
        store_table_free(kept);
    }
    if (now != NULL) {
        now->next    = file->tables;
        file->tables = now;
    }
    *out = now;
    return OK;
}

typedef struct {
    StoreTable       *table;
    const StoreSpec  *spec;
    const StoreRange *range;
    Arena            *arena; /* of the call */
    struct PartitionBound {
        int     partition;
        int64_t bound;
    } * bounds; /* of the partitions asked for so far */
    size_t    bound_count, bound_capacity;
    bool      started, finished;
    TableRow  last; /* identity to go on behind */
    StrBuf    last_key;
    StateRow *rows;
    size_t    row_count;
} ReaderScan;

/* Rows below it have expired. */
static Status partition_bound(ReaderScan *scan, int partition, int64_t *out, Error *err)
{
    for (size_t i = 0; i < scan->bound_count; i++)
        if (scan->bounds[i].partition == partition) {
            *out = scan->bounds[i].bound;
            return OK;
        }
    int64_t time;
    TRY(store_table_time(scan->table, partition, &time, err));
    *out = store_bound(scan->spec, time);
    if (scan->bound_count == scan->bound_capacity) {
        size_t capacity = scan->bound_capacity * 2 + 16;
        void  *bounds   = arena_alloc(scan->arena, capacity * sizeof *scan->bounds);
        if (scan->bound_count > 0)
            memcpy(bounds, scan->bounds, scan->bound_count * sizeof *scan->bounds);
        scan->bounds         = bounds;
        scan->bound_capacity = capacity;
    }
    scan->bounds[scan->bound_count++] = (struct PartitionBound){partition, *out};
    return OK;
}

static bool partition_wanted(const StoreRange *range, int partition)
{
    if (range->partitions == NULL)
        return true;
    for (size_t i = 0; i < range->partition_count; i++)
        if (range->partitions[i] == partition)
            return true;
    return false;
}

static bool window_wanted(const StoreRange *range, const TableRow *row)
{
    return (!range->has_start_from || row->window_start >= range->start_from) &&
           (!range->has_start_to || row->window_start <= range->start_to) &&
           (!range->has_end_from || row->window_end >= range->end_from) &&
           (!range->has_end_to || row->window_end <= range->end_to);
}

static Status row_wanted(ReaderScan *scan, const TableRow *head, bool *out, Error *err)
{
    int64_t bound;
    *out = false;
    if (!head->visible || !partition_wanted(scan->range, head->partition) ||
        !window_wanted(scan->range, head))
        return OK;
    TRY(partition_bound(scan, head->partition, &bound, err));
    *out = store_row_time(scan->spec->kind, head->window_start, head->window_end) >= bound;
    return OK;
}

static void keep_last(ReaderScan *scan, const TableRow *head)
{
    scan->last = *head;
    strbuf_reset(&scan->last_key);
    strbuf_add(&scan->last_key, head->key);
    scan->last.key = strbuf_str(&scan->last_key);
}

static Status chunk_row(ReaderScan *scan, sqlite3_stmt *stmt, Arena *arena, Error *err)
{
    TableRow head, row;
    bool     wanted;
    store_table_read_head(stmt, &head);
    keep_last(scan, &head);
    TRY(row_wanted(scan, &head, &wanted, err));
    if (!wanted)
        return OK;
    TRY(store_table_read(scan->table, stmt, arena, &row, err));
    scan->rows[scan->row_count++] = (StateRow){row.partition, row.key,  row.window_start, row.window_end,
                                               row.timestamp, row.keys, row.values};
    return OK;
}

static Status chunk_prepare(ReaderScan *scan, sqlite3_stmt **out, Error *err)
{
    const StoreRange *range = scan->range;
    int               low   = scan->started ? CHUNK_AFTER : (int)range->low_kind;
    TRY(store_table_statement(scan->table, table_sql_chunk(low, (int)range->high_kind), out, err));
    if (low == CHUNK_AFTER) {
        Str key = scan->last.key; /* a copy of it is bound: the buffer changes with each row of the chunk */
        store_table_bind_identity(scan->table, *out, &scan->last);
        sqlite3_bind_blob64(*out, 1, key.ptr, key.len, SQLITE_TRANSIENT);
    }
    if (range->low_kind != BOUND_NONE)
        sqlite3_bind_blob64(*out, 5, range->low.len ? range->low.ptr : "", range->low.len, SQLITE_STATIC);
    if (range->high_kind != BOUND_NONE)
        sqlite3_bind_blob64(*out, 6, range->high.len ? range->high.ptr : "", range->high.len, SQLITE_STATIC);
    sqlite3_bind_int(*out, 7, CHUNK_ROWS);
    return OK;
}

static Status chunk_read(ReaderScan *scan, Arena *arena, Error *err)
{
    sqlite3_stmt *stmt;
    size_t        count  = 0;
    Status        status = OK;
    int           rc;
    TRY(chunk_prepare(scan, &stmt, err));
    scan->rows      = ARENA_ARRAY(arena, StateRow, CHUNK_ROWS);
    scan->row_count = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = chunk_row(scan, stmt, arena, err);
        count++;
        if (status != OK || arena_used(arena) > CHUNK_BYTES)
            break;
    }
    if (status == OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = state_db_error(scan->table->db, rc, "read rows", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    scan->started  = true;
    scan->finished = rc == SQLITE_DONE && count < CHUNK_ROWS;
    return status;
}

static Status scan_file(StateReader *reader, ReaderScan                                     *scan,
                        Status (*use)(void *context, const StateRow *row, Error *err), void *context,
                        Error *err)
{
    Status status = OK;
    while (status == OK && !scan->finished) {
        arena_reset(reader->arena);
        status = chunk_read(scan, reader->arena, err);
        for (size_t i = 0; status == OK && i < scan->row_count; i++)
            status = use(context, &scan->rows[i], err);
    }
    strbuf_clear(&scan->last_key);
    arena_reset(reader->arena);
    return status;
}

/* What was read may be of a file that has been set aside since: then nothing is wrong with the one there now.
 */
static Status judge(StateReader *reader, size_t index, Status status, Error *err)
{
    if (status != E_STALE_STATE)
        return status;
    reader->damaged = index;
    if (file_is_current(&reader->files[index]))
        return E_STALE_STATE;
    if (err != NULL)
        err->code = E_BUSY;
    return E_BUSY;
}

size_t state_reader_damaged(const StateReader *reader) { return reader->damaged; }

Status state_reader_scan(StateReader *reader, const StoreSpec *spec, const StoreRange *range, Arena *arena,
                         Status (*row)(void *context, const StateRow *row, Error *err), void *context,
                         Error *err)
{
    for (size_t i = 0; i < reader->count; i++) {
        StoreTable *table  = NULL;
        Status      status = file_open(&reader->files[i], err);
        if (status == OK)
            status = file_table(&reader->files[i], spec, &table, err);
        if (status == OK && table != NULL) {
            ReaderScan scan = {.table = table, .spec = spec, .range = range, .arena = arena};
            status          = scan_file(reader, &scan, row, context, err);
        }
        TRY(judge(reader, i, status, err));
    }
    return OK;
}
