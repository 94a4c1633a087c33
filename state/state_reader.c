/*
 * state_reader.c - committed rows for threads other than the worker: pull queries and tests.
 *
 * Where the file follows behind, the newest rows are in memory only (state_share.h): they are copied first,
 * then the file is read, and each row is taken from memory if it is there. What was written to the file in
 * between is in both or newer; nothing is missed. One key needs no file at all if memory has it, or has
 * everything.
 *
 * Rows of the file are read in chunks, each by a SELECT that is over before the first row is handed out: an
 * open SELECT would keep the WAL from being reused. The next chunk goes on behind the last identity, so rows
 * committed in between may or may not be seen, but none twice. Statements are kept; a table dropped and made
 * again is noticed by its definition, a file that was set aside and made again by its inode.
 */
#include <sys/stat.h>

#include "state/state_share.h"
#include "state/state_vfs.h"
#include "state/store_table.h"

enum { CHUNK_ROWS = 1000, CHUNK_BYTES = 4 * 1024 * 1024, BUSY_MS = 5000 };

typedef struct {
    char       *path;
    StateShare *share; /* NULL: the file is all there is */
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

Status state_reader_open(const char *const *paths, StateShare *const *shares, size_t count, StateReader **out,
                         Error *err)
{
    StateReader *reader = mem_calloc(1, sizeof *reader);
    reader->arena       = arena_new(0);
    reader->files       = mem_calloc(count, sizeof *reader->files);
    reader->count       = count;
    for (size_t i = 0; i < count; i++) {
        reader->files[i].path  = str_to_heap(str_c(paths[i]));
        reader->files[i].share = shares == NULL ? NULL : shares[i];
        Status status          = file_open(&reader->files[i], err);
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

/* One partition of one file. */
typedef struct {
    StoreTable       *table; /* NULL: the file has none */
    const StoreSpec  *spec;
    const StoreRange *range;
    int               partition;
    int64_t           bound; /* rows of before have expired */
    Arena            *arena; /* of the partition */
    MemEntry         *newer; /* rows that memory has, in the order of the table */
    size_t            newer_count, newer_capacity, newer_at;
    Str               definition;        /* ptr not NULL: memory has to be that of an open store of it */
    bool              has_memory, whole; /* whole: the file need not be asked */
    int64_t           memory_time;
    bool              started, finished;
    TableRow          last; /* identity to go on behind */
    StrBuf            last_key;
    TableRow         *rows; /* of the chunk */
    size_t            row_count;
    Status (*use)(void *context, const StateRow *row, Error *err);
    void *context;
} ReaderScan;

static bool is_one_key(const StoreRange *range)
{
    return range->low_kind == BOUND_INCLUSIVE && range->high_kind == BOUND_INCLUSIVE &&
           str_equal(range->low, range->high);
}

static bool key_wanted(const StoreRange *range, Str key)
{
    int low  = range->low_kind == BOUND_NONE ? 1 : str_compare(key, range->low);
    int high = range->high_kind == BOUND_NONE ? -1 : str_compare(key, range->high);
    return (low > 0 || (low == 0 && range->low_kind == BOUND_INCLUSIVE)) &&
           (high < 0 || (high == 0 && range->high_kind == BOUND_INCLUSIVE));
}

static bool window_wanted(const StoreRange *range, const TableRow *row)
{
    return (!range->has_start_from || row->window_start >= range->start_from) &&
           (!range->has_start_to || row->window_start <= range->start_to) &&
           (!range->has_end_from || row->window_end >= range->end_from) &&
           (!range->has_end_to || row->window_end <= range->end_to);
}

/* ---- what memory has ---- */

typedef struct {
    ReaderScan        *scan;
    const StoreMemory *memory;
} Copying;

/* Under the share's lock. */
static Status copy_row(void *context, MemRow *row, Error *err)
{
    const Copying *copying = context;
    ReaderScan    *scan    = copying->scan;
    MemEntry       entry   = store_memory_entry(copying->memory, row);
    if (!key_wanted(scan->range, entry.key))
        return OK;
    if (scan->newer_count == scan->newer_capacity) {
        size_t    capacity = scan->newer_capacity * 2 + 16;
        MemEntry *more     = arena_alloc(scan->arena, capacity * sizeof *more);
        if (scan->newer_count > 0)
            memcpy(more, scan->newer, scan->newer_count * sizeof *more);
        scan->newer          = more;
        scan->newer_capacity = capacity;
    }
    entry.key   = str_dup(scan->arena, entry.key);
    entry.value = str_is_null(entry.value) ? STR_NULL : str_dup(scan->arena, entry.value);
    scan->newer[scan->newer_count++] = entry;
    return OK;
}

/* As the table's primary key has it. */
static int compare_identity(StoreKind kind, const MemEntry *a, const MemEntry *b)
{
    int order = str_compare(a->key, b->key);
    int start = (a->start > b->start) - (a->start < b->start), end = (a->end > b->end) - (a->end < b->end);
    switch (kind) {
    case STORE_WINDOW:
        return start ? start : order;
    case STORE_SESSION:
        return order ? order : end ? end : start;
    case STORE_BUFFER:
        return start ? start : order ? order : end;
    default:
        return order;
    }
}

static int compare_entries(const void *a, const void *b, void *kind)
{
    return compare_identity(*(const StoreKind *)kind, a, b);
}

static bool is_wanted(const ReaderScan *scan, const StoreMemory *memory)
{
    return memory->partition == scan->partition &&
           (scan->definition.ptr == NULL ||
            (memory->attached && str_equal(memory->table->definition, scan->definition)));
}

static Status copy_memory(StateShare *share, ReaderScan *scan, Error *err)
{
    Status    status = OK;
    StoreKind kind   = scan->spec->kind;
    if (share == NULL)
        return OK;
    pthread_mutex_lock(&share->lock);
    StoreMemory *memory = state_share_next(share, NULL, scan->spec->name);
    while (memory != NULL && !is_wanted(scan, memory))
        memory = state_share_next(share, memory, scan->spec->name);
    if (memory != NULL && memory->table->spec.kind == kind) {
        Copying copying   = {scan, memory};
        scan->has_memory  = true;
        scan->memory_time = memory->time;
        scan->whole       = is_one_key(scan->range) && memory->complete;
        status            = is_one_key(scan->range)
                                ? store_memory_of_key(memory, scan->range->low, copy_row, &copying, err)
                                : state_share_unwritten(memory, copy_row, &copying, err);
    }
    pthread_mutex_unlock(&share->lock);
    if (kind == STORE_KEY_VALUE && is_one_key(scan->range) && scan->newer_count > 0)
        scan->whole = true; /* there is no second row of that key */
    if (scan->newer_count > 1)
        qsort_r(scan->newer, scan->newer_count, sizeof *scan->newer, compare_entries, &kind);
    return status;
}

/* ---- handing out ---- */

static Status hand_out(ReaderScan *scan, const TableRow *row, Error *err)
{
    int64_t time = store_row_time(scan->spec->kind, row->window_start, row->window_end);
    if (!row->visible || time < scan->bound || !window_wanted(scan->range, row))
        return OK;
    const StateRow out = {row->partition, row->key,  row->window_start, row->window_end,
                          row->timestamp, row->keys, row->values};
    return scan->use(scan->context, &out, err);
}

static Status hand_out_newer(ReaderScan *scan, Arena *arena, Error *err)
{
    const MemEntry *entry = &scan->newer[scan->newer_at++];
    TableRow        row   = {.key          = entry->key,
                             .partition    = scan->partition,
                             .window_start = entry->start,
                             .window_end   = entry->end};
    if (str_is_null(entry->value))
        return OK;
    TRY(store_record_decode(scan->spec, entry->value, arena, &row, err));
    return hand_out(scan, &row, err);
}

/* Rows of memory that come before this one of the file; *replaced: memory has it, too. */
static Status merge_newer(ReaderScan *scan, const TableRow *row, bool *replaced, Arena *arena, Error *err)
{
    const MemEntry identity = {row->key, STR_NULL, row->window_start, row->window_end};
    *replaced               = false;
    while (scan->newer_at < scan->newer_count && !*replaced) {
        int order = compare_identity(scan->spec->kind, &scan->newer[scan->newer_at], &identity);
        if (order > 0)
            break;
        *replaced = order == 0;
        TRY(hand_out_newer(scan, arena, err));
    }
    return OK;
}

/* ---- chunks of the file ---- */

static void keep_last(ReaderScan *scan, const TableRow *head)
{
    scan->last = *head;
    strbuf_reset(&scan->last_key);
    strbuf_add(&scan->last_key, head->key);
    scan->last.key = strbuf_str(&scan->last_key);
}

static void bind_bound(sqlite3_stmt *stmt, int param, BoundKind kind, Str key)
{
    if (kind != BOUND_NONE)
        sqlite3_bind_blob64(stmt, param, key.len ? key.ptr : "", key.len, SQLITE_STATIC);
}

/* All rows of one key are one chunk. (Of a PREFIX store there is no question after one key.) */
static Status prepare_key(ReaderScan *scan, sqlite3_stmt **out, Error *err)
{
    const StoreRange *range = scan->range;
    TRY(store_table_statement(scan->table, SQL_BY_KEY, out, err));
    bind_bound(*out, 1, BOUND_INCLUSIVE, range->low);
    sqlite3_bind_int(*out, 2, scan->partition);
    sqlite3_bind_int64(*out, 3, scan->bound);
    return OK;
}

static Status prepare_chunk(ReaderScan *scan, sqlite3_stmt **out, Error *err)
{
    const StoreRange *range = scan->range;
    int               low   = scan->started ? CHUNK_AFTER : (int)range->low_kind;
    TRY(store_table_statement(scan->table, table_sql_chunk(low, (int)range->high_kind), out, err));
    if (low == CHUNK_AFTER) {
        Str key = scan->last.key; /* a copy of it is bound: the buffer changes with each row of the chunk */
        store_table_bind_identity(scan->table, *out, &scan->last);
        sqlite3_bind_blob64(*out, 1, key.ptr, key.len, SQLITE_TRANSIENT);
    }
    sqlite3_bind_int(*out, 2, scan->partition);
    bind_bound(*out, 5, range->low_kind, range->low);
    bind_bound(*out, 6, range->high_kind, range->high);
    sqlite3_bind_int(*out, 7, CHUNK_ROWS);
    return OK;
}

static void add_row(ReaderScan *scan, size_t *capacity, const TableRow *row, Arena *arena)
{
    if (scan->row_count == *capacity) {
        TableRow *more = arena_alloc(arena, (*capacity * 2 + 16) * sizeof *more);
        if (scan->row_count > 0)
            memcpy(more, scan->rows, scan->row_count * sizeof *more);
        scan->rows = more;
        *capacity  = *capacity * 2 + 16;
    }
    scan->rows[scan->row_count++] = *row;
}

static Status chunk_read(ReaderScan *scan, Arena *arena, Error *err)
{
    sqlite3_stmt *stmt;
    size_t        count = 0, capacity = 0;
    bool          one_key = is_one_key(scan->range) && scan->spec->kind != STORE_PREFIX;
    Status        status  = OK;
    int           rc;
    TRY(one_key ? prepare_key(scan, &stmt, err) : prepare_chunk(scan, &stmt, err));
    scan->rows      = NULL;
    scan->row_count = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        TableRow head, row;
        store_table_read_head(stmt, &head);
        keep_last(scan, &head);
        status = store_table_read(scan->table, stmt, arena, &row, err);
        if (status == OK)
            add_row(scan, &capacity, &row, arena);
        count++;
        if (status != OK || (!one_key && arena_used(arena) > CHUNK_BYTES))
            break;
    }
    if (status == OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = state_db_error(scan->table->db, rc, "read rows", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    scan->started  = true;
    scan->finished = rc == SQLITE_DONE && (one_key || count < CHUNK_ROWS);
    return status;
}

/* The rows of one key come by time; where the table has them in another order, so has `newer`. */
static Status use_chunk(ReaderScan *scan, Arena *arena, Error *err)
{
    bool replaced;
    for (size_t i = 0; i < scan->row_count; i++) {
        TRY(merge_newer(scan, &scan->rows[i], &replaced, arena, err));
        if (!replaced)
            TRY(hand_out(scan, &scan->rows[i], err));
    }
    return OK;
}

/* ---- partitions ---- */

static Status scan_file(StateReader *reader, ReaderScan *scan, Error *err)
{
    Status  status = OK;
    int64_t time   = INT64_MIN;
    if (scan->table != NULL)
        TRY(store_table_time(scan->table, scan->partition, &time, err));
    if (scan->has_memory && scan->memory_time > time)
        time = scan->memory_time;
    scan->bound    = store_bound(scan->spec, time);
    scan->finished = scan->whole || scan->table == NULL;
    while (status == OK && !scan->finished) {
        arena_reset(reader->arena);
        status = chunk_read(scan, reader->arena, err);
        if (status == OK)
            status = use_chunk(scan, reader->arena, err);
    }
    while (status == OK && scan->newer_at < scan->newer_count) {
        arena_reset(reader->arena);
        status = hand_out_newer(scan, reader->arena, err);
    }
    strbuf_clear(&scan->last_key);
    arena_reset(reader->arena);
    return status;
}

typedef struct {
    int   *numbers;
    size_t count, capacity;
} Partitions;

static void add_partition(Partitions *list, int number, Arena *arena)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->numbers[i] == number)
            return;
    if (list->count == list->capacity) {
        int *more = arena_alloc(arena, (list->capacity * 2 + 16) * sizeof *more);
        if (list->count > 0)
            memcpy(more, list->numbers, list->count * sizeof *more);
        list->numbers  = more;
        list->capacity = list->capacity * 2 + 16;
    }
    list->numbers[list->count++] = number;
}

/* Those that have rows, here or there. */
static Status list_partitions(StateShare *share, StoreTable *table, Str name, Arena *arena, Partitions *out,
                              Error *err)
{
    sqlite3_stmt *stmt;
    int           rc;
    if (share != NULL) {
        pthread_mutex_lock(&share->lock);
        for (StoreMemory *memory = state_share_next(share, NULL, name); memory != NULL;
             memory              = state_share_next(share, memory, name))
            add_partition(out, memory->partition, arena);
        pthread_mutex_unlock(&share->lock);
    }
    if (table == NULL)
        return OK;
    TRY(store_table_statement(table, SQL_PARTITIONS, &stmt, err));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        add_partition(out, sqlite3_column_int(stmt, 0), arena);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "list partitions", err);
    sqlite3_reset(stmt);
    return status;
}

typedef struct {
    const StoreSpec  *spec;
    const StoreRange *range;
    Status (*use)(void *context, const StateRow *row, Error *err);
    void *context;
} Wanted;

static Status scan_partition(StateReader *reader, ReaderFile *file, StoreTable *table, const Wanted *wanted,
                             int partition, Error *err)
{
    ReaderScan scan   = {.table     = table,
                         .spec      = wanted->spec,
                         .range     = wanted->range,
                         .partition = partition,
                         .arena     = arena_new(STATE_ROWS_ARENA),
                         .use       = wanted->use,
                         .context   = wanted->context};
    Status     status = copy_memory(file->share, &scan, err);
    if (status == OK)
        status = scan_file(reader, &scan, err);
    arena_free(scan.arena);
    return status;
}

static Status scan_partitions(StateReader *reader, ReaderFile *file, const Wanted *wanted, Arena *arena,
                              Error *err)
{
    StoreTable   *table = NULL;
    Partitions    list  = {(int *)wanted->range->partitions, wanted->range->partition_count, 0};
    const size_t *files = list.numbers == NULL ? NULL : wanted->range->files;
    TRY(file_open(file, err));
    TRY(store_table_current(file->db, &file->tables, wanted->spec, &table, err));
    if (list.numbers == NULL) {
        list.count = 0;
        TRY(list_partitions(file->share, table, wanted->spec->name, arena, &list, err));
    }
    for (size_t i = 0; i < list.count; i++)
        if (files == NULL || &reader->files[files[i]] == file)
            TRY(scan_partition(reader, file, table, wanted, list.numbers[i], err));
    return OK;
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

/* ---- memory alone ---- */

static size_t files_named(const StoreRange *range)
{
    size_t most = 0;
    for (size_t i = 0; i < range->partition_count; i++)
        most = range->files[i] >= most ? range->files[i] + 1 : most;
    return most;
}

/* What is found is kept until it is known that no file has to be asked: a caller who was handed rows could
 * not begin again. */
static Status gather_memory(StateShare *const *shares, const Wanted *wanted, Str definition, Arena *arena,
                            ReaderScan **found, size_t *count, bool *whole, Error *err)
{
    const StoreRange *range = wanted->range;
    *whole                  = is_one_key(range) && range->files != NULL && wanted->spec->kind != STORE_PREFIX;
    size_t files            = *whole ? files_named(range) : 0;
    for (size_t f = 0; f < files; f++)
        for (size_t i = 0; i < range->partition_count && *whole; i++) {
            ReaderScan scan = {.spec       = wanted->spec,
                               .range      = range,
                               .partition  = range->partitions[i],
                               .definition = definition,
                               .arena      = arena,
                               .use        = wanted->use,
                               .context    = wanted->context};
            if (range->files[i] != f)
                continue;
            TRY(copy_memory(shares[f], &scan, err));
            *whole     = scan.has_memory && scan.whole;
            scan.bound = store_bound(scan.spec, scan.memory_time); /* no file has a later time */
            if (scan.newer_count == 0)
                continue;
            if (*found == NULL)
                *found = ARENA_ARRAY(arena, ReaderScan, range->partition_count);
            (*found)[(*count)++] = scan;
        }
    return OK;
}

Status state_look_in_memory(StateShare *const *shares, const StoreSpec *spec, Str definition,
                            const StoreRange *range, Arena                                      *arena,
                            Status (*row)(void *context, const StateRow *row, Error *err), void *context,
                            bool *whole, Error *err)
{
    const Wanted wanted = {spec, range, row, context};
    ReaderScan  *found  = NULL;
    size_t       count  = 0;
    TRY(gather_memory(shares, &wanted, definition, arena, &found, &count, whole, err));
    for (size_t i = 0; i < count && *whole; i++)
        while (found[i].newer_at < found[i].newer_count)
            TRY(hand_out_newer(&found[i], arena, err));
    return OK;
}

Status state_reader_scan(StateReader *reader, const StoreSpec *spec, const StoreRange *range, Arena *arena,
                         Status (*row)(void *context, const StateRow *row, Error *err), void *context,
                         Error *err)
{
    const Wanted wanted = {spec, range, row, context};
    for (size_t i = 0; i < reader->count; i++) {
        Status status = scan_partitions(reader, &reader->files[i], &wanted, arena, err);
        TRY(judge(reader, i, status, err));
    }
    return OK;
}
