/*
 * store_scan.c - rows by range, merged from the cache and the file.
 *
 * Three places have rows: the cache what changed since the commit, memory what was committed, the file what
 * memory has not. A row is looked for in this order and brought into the cache. A range is what the file has
 * in it, seen through memory and cache; what memory has and the file may lack; and dirty rows.
 */
#include <assert.h>

#include "state/state_memory.h"
#include "state/store_buffer.h"

static bool row_alive(const CacheRow *row)
{
    return row->base.exists && !store_row_expired(row->store, row->base.window_start, row->base.window_end);
}

static void row_take(CacheRow *row, const TableRow *found)
{
    store_cache_set_values(row, found->values);
    store_cache_set_states(row, found->values + row->store->spec.value_count);
    row->base.exists = row->base.stored = true;
    row->base.visible                   = found->visible;
    row->base.timestamp                 = found->timestamp;
    row->base.window_end                = found->window_end;
}

/* Runs `use` on each row of the statement, which is reset afterwards. */
static Status each_row(Store *store, sqlite3_stmt *stmt,
                       Status (*use)(Store *store, sqlite3_stmt *stmt, void *context, Error *err),
                       void *context, Error *err)
{
    Status status = OK;
    int    rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && status == OK)
        status = use(store, stmt, context, err);
    if (status == OK && rc != SQLITE_DONE)
        status = state_db_error(store->file->db, rc, "read rows", err);
    sqlite3_reset(stmt);
    return status;
}

static Status read_into(CacheRow *row, sqlite3_stmt *stmt, Error *err)
{
    TableRow found;
    Status   status = store_table_read(row->store->table, stmt, row->store->file->scratch, &found, err);
    if (status == OK)
        row_take(row, &found);
    arena_reset(row->store->file->scratch);
    return status;
}

/* A row that memory has, into the cache; a removed one stays what a row without values is. */
static Status take_entry(CacheRow *row, MemRow *found, Error *err)
{
    Store   *store = row->store;
    MemEntry entry = store_memory_entry(store->memory, found);
    TableRow read  = {.window_end = entry.end};
    found->used    = true;
    if (str_is_null(entry.value))
        return OK;
    Status status = store_record_decode(&store->spec, entry.value, store->file->scratch, &read, err);
    if (status == OK)
        row_take(row, &read);
    arena_reset(store->file->scratch);
    return status;
}

static Status load_from_file(CacheRow *row, Error *err)
{
    Store        *store = row->store;
    sqlite3_stmt *stmt;
    TableRow      identity = store_table_row(row);
    store->file_reads++;
    TRY(state_file_ready(store->file, err));
    TRY(store_table_statement(store->table, SQL_GET, &stmt, err));
    int    rc     = store_table_bind_identity(store->table, stmt, &identity);
    Status status = OK;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    row->from_file = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        status = read_into(row, stmt, err);
    else if (rc != SQLITE_DONE)
        status = state_db_error(store->file->db, rc, "read a row", err);
    sqlite3_reset(stmt);
    return status;
}

Status store_load(CacheRow *row, Error *err)
{
    const StoreRow *base   = &row->base;
    StoreMemory    *memory = row->store->memory;
    MemRow         *found =
        memory == NULL ? NULL : store_memory_find(memory, base->key, base->window_start, base->window_end);
    if (found != NULL)
        return take_entry(row, found, err);
    if (memory != NULL && !store_memory_may_lack(memory, base->window_start, base->window_end))
        return OK;
    return load_from_file(row, err);
}

/* The cached version of that row; NULL: there is none. */
static CacheRow *find_cached(Store *store, Str key, int64_t start, int64_t end)
{
    uint64_t hash = store_cache_hash(key, start, store_has_end(store->spec.kind) ? end : 0);
    return store_cache_find(store, hash, key, start, end);
}

static CacheRow *add_cached(Store *store, Str key, const Value *keys, int64_t start, int64_t end)
{
    uint64_t hash = store_cache_hash(key, start, store_has_end(store->spec.kind) ? end : 0);
    return store_cache_add(store, hash, key, keys, start, end);
}

/* The row the statement stands on as the cache has it, loaded if it had not. */
static Status row_of(Store *store, sqlite3_stmt *stmt, CacheRow **out, Error *err)
{
    TableRow head, found;
    store_table_read_head(stmt, &head);
    *out = find_cached(store, head.key, head.window_start, head.window_end);
    if (*out != NULL)
        return OK;
    Status status = store_table_read(store->table, stmt, store->file->scratch, &found, err);
    if (status == OK) {
        *out              = add_cached(store, found.key, found.keys, found.window_start, found.window_end);
        (*out)->from_file = true;
        row_take(*out, &found);
    }
    arena_reset(store->file->scratch);
    return status;
}

/* The same for a row that memory has, and has not removed. */
static Status row_of_entry(Store *store, MemRow *row, CacheRow **out, Error *err)
{
    MemEntry entry = store_memory_entry(store->memory, row);
    *out           = find_cached(store, entry.key, entry.start, entry.end);
    if (*out != NULL)
        return OK;
    TableRow found  = {.window_end = entry.end};
    Status   status = store_record_decode(&store->spec, entry.value, store->file->scratch, &found, err);
    if (status == OK) {
        *out = add_cached(store, entry.key, found.keys, entry.start, found.window_end);
        row_take(*out, &found);
    }
    row->used = true;
    arena_reset(store->file->scratch);
    return status;
}

/* Memory's version of the row the statement stands on; NULL: it has none. */
static MemRow *in_memory(Store *store, sqlite3_stmt *stmt)
{
    TableRow head;
    if (store->memory == NULL)
        return NULL;
    store_table_read_head(stmt, &head);
    return store_memory_find(store->memory, head.key, head.window_start, head.window_end);
}

/* ---- the windows of one key ---- */

static Status load_row(Store *store, sqlite3_stmt *stmt, void *context, Error *err)
{
    CacheRow *row;
    if (in_memory(store, stmt) != NULL)
        return OK; /* and from there it has come already */
    return row_of(store, stmt, &row, err);
}

static int bind_group(const Store *store, sqlite3_stmt *stmt, const KeyGroup *group, int64_t from, Str *end)
{
    sqlite3_bind_blob64(stmt, 1, group->key.ptr, group->key.len, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 2, store->partition);
    if (store->spec.kind != STORE_PREFIX)
        return sqlite3_bind_int64(stmt, 3, from);
    *end = store_prefix_end(group->key, store->file->scratch);
    return sqlite3_bind_blob64(stmt, 3, end->ptr, end->len, SQLITE_TRANSIENT);
}

typedef struct {
    Store  *store;
    int64_t from;
} KeyLoad;

static Status load_entry(void *context, MemRow *row, Error *err)
{
    const KeyLoad *load  = context;
    MemEntry       entry = store_memory_entry(load->store->memory, row);
    CacheRow      *cached;
    if (str_is_null(entry.value) ||
        store_row_time(load->store->spec.kind, entry.start, entry.end) < load->from)
        return OK;
    return row_of_entry(load->store, row, &cached, err);
}

static Status group_load(Store *store, KeyGroup *group, int64_t from, Error *err)
{
    sqlite3_stmt *stmt;
    Str           end;
    KeyLoad       load = {store, from};
    if (store->memory != NULL) {
        TRY(store_memory_of_key(store->memory, group->key, load_entry, &load, err));
        if (!store_memory_may_lack(store->memory, from, from)) {
            group->complete_from = from;
            return OK;
        }
    }
    store->file_reads++;
    TRY(state_file_ready(store->file, err));
    TRY(store_table_statement(store->table, SQL_BY_KEY, &stmt, err));
    int rc = bind_group(store, stmt, group, from, &end);
    if (rc != SQLITE_OK)
        return state_db_error(store->file->db, rc, "read rows", err);
    TRY(each_row(store, stmt, load_row, NULL, err));
    group->complete_from = from;
    return OK;
}

/* Loads from a little further down, so that records slightly out of order find the cache complete. */
static int64_t with_slack(int64_t from, int64_t to)
{
    int64_t slack, result;
    if (to < from || __builtin_sub_overflow(to, from, &slack) || __builtin_sub_overflow(from, slack, &result))
        return INT64_MIN;
    return result;
}

Status store_find_windows(Store *store, Str key, const Value *keys, int64_t from, int64_t to, Arena *arena,
                          StoreRows *out, Error *err)
{
    *out = (StoreRows){0};
    if (store_is_timeless(store->spec.kind))
        return error_set(err, E_PLAN, NO_POS, "State store " STR_FMT " has no windows",
                         STR_ARG(store->spec.name));
    if (from > to)
        return OK;
    if (store->spec.kind == STORE_BUFFER)
        return store_buffer_find(store, key, from, to, arena, out, err);
    store->lookups++;
    store_cache_keep_groups(store);
    KeyGroup *group = store_cache_group(store, key);
    if (from < group->complete_from)
        TRY(group_load(store, group, with_slack(from, to), err));
    bool   session = store->spec.kind == STORE_SESSION;
    size_t low = 0, high = group->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (store_row_time(store->spec.kind, group->rows[middle]->base.window_start,
                           group->rows[middle]->base.window_end) < from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == group->count)
        return OK;
    out->rows = arena_alloc(arena, (group->count - low) * sizeof *out->rows);
    for (; low < group->count; low++) {
        CacheRow *row = group->rows[low];
        if (row->base.window_start > to && !session)
            break;
        if (row->base.window_start > to || !row_alive(row))
            continue;
        store_cache_use(row);
        out->rows[out->count++] = &row->base;
    }
    return OK;
}

Status store_find_prefix(Store *store, Str first, Arena *arena, StoreRows *out, Error *err)
{
    *out = (StoreRows){0};
    store_cache_keep_groups(store);
    KeyGroup *group = store_cache_group(store, store_prefix(first, arena));
    store->lookups++;
    assert(store->spec.kind == STORE_PREFIX);
    if (group->complete_from > INT64_MIN)
        TRY(group_load(store, group, INT64_MIN, err));
    out->rows = ARENA_ARRAY(arena, StoreRow *, group->count + 1);
    for (size_t i = 0; i < group->count; i++) {
        if (!group->rows[i]->base.exists)
            continue;
        store_cache_use(group->rows[i]);
        out->rows[out->count++] = &group->rows[i]->base;
    }
    return OK;
}

/* ---- ranges over all keys ---- */

typedef struct {
    Store     *store;
    Arena     *arena;
    StoreRow **rows;
    size_t     count, capacity;
    int64_t    from, to;
    bool       by_time;
} Scan;

static void scan_add(Scan *scan, CacheRow *row)
{
    StateFile *file = row->store->file;
    if (row->mark == file->mark || !row_alive(row))
        return;
    row->mark = file->mark;
    store_cache_use(row);
    if (scan->count == scan->capacity) {
        StoreRow **rows = arena_alloc(scan->arena, (scan->capacity * 2 + 16) * sizeof *rows);
        if (scan->count > 0)
            memcpy(rows, scan->rows, scan->count * sizeof *rows);
        scan->rows     = rows;
        scan->capacity = scan->capacity * 2 + 16;
    }
    scan->rows[scan->count++] = &row->base;
}

static Status scan_row(Store *store, sqlite3_stmt *stmt, void *context, Error *err)
{
    CacheRow *row;
    MemRow   *newer = in_memory(store, stmt);
    if (newer != NULL && newer->value_len == MEM_REMOVED)
        return OK;
    if (store->buffer != NULL) {
        TableRow head;
        store_table_read_head(stmt, &head);
        if (store_buffer_has(store, head.key, head.window_start, head.window_end))
            return OK;
    }
    TRY(newer != NULL ? row_of_entry(store, newer, &row, err) : row_of(store, stmt, &row, err));
    scan_add(context, row);
    return OK;
}

/* A row that the file may not have yet. */
static Status scan_entry(void *context, MemRow *row, Error *err)
{
    Scan     *scan  = context;
    MemEntry  entry = store_memory_entry(scan->store->memory, row);
    int64_t   time  = store_row_time(scan->store->spec.kind, entry.start, entry.end);
    CacheRow *cached;
    if (str_is_null(entry.value) || (scan->by_time && (time < scan->from || time > scan->to)))
        return OK;
    TRY(row_of_entry(scan->store, row, &cached, err));
    scan_add(scan, cached);
    return OK;
}

/* Of a buffer, what is in no segment: memory's rows, then the file's, at the times that are known of. */
Status store_find_cold(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                       Error *err)
{
    Scan          scan = {.store = store, .arena = arena, .from = from, .to = to, .by_time = true};
    int64_t      *times;
    size_t        count;
    sqlite3_stmt *stmt;
    store->file->mark++;
    TRY(store_buffer_times(store, key, from, to, arena, &times, &count, err));
    if (store->memory != NULL)
        TRY(store_memory_of_key(store->memory, key, scan_entry, &scan, err));
    for (size_t i = 0; i < count; i++) {
        store->file_reads++;
        TRY(state_file_ready(store->file, err));
        TRY(store_table_statement(store->table, SQL_AT_TIME, &stmt, err));
        sqlite3_bind_blob64(stmt, 1, key.len > 0 ? key.ptr : "", key.len, SQLITE_STATIC);
        sqlite3_bind_int(stmt, 2, store->partition);
        sqlite3_bind_int64(stmt, 3, times[i]);
        TRY(each_row(store, stmt, scan_row, &scan, err));
    }
    *out = (StoreRows){scan.rows, scan.count};
    return OK;
}

static int compare_window(const StoreRow *x, const StoreRow *y, StoreKind kind)
{
    int64_t a = store_row_time(kind, x->window_start, x->window_end),
            b = store_row_time(kind, y->window_start, y->window_end);
    if (a == b) {
        a = store_row_second(kind, x->window_start, x->window_end);
        b = store_row_second(kind, y->window_start, y->window_end);
    }
    return (a > b) - (a < b);
}

static int compare_by_time(const void *a, const void *b)
{
    const StoreRow *x = *(StoreRow *const *)a, *y = *(StoreRow *const *)b;
    int             order = compare_window(x, y, ((const CacheRow *)x)->store->spec.kind);
    return order ? order : str_compare(x->key, y->key);
}

static int compare_by_key(const void *a, const void *b)
{
    const StoreRow *x = *(StoreRow *const *)a, *y = *(StoreRow *const *)b;
    int             order = str_compare(x->key, y->key);
    return order ? order : compare_window(x, y, ((const CacheRow *)x)->store->spec.kind);
}

/* Rows that only the cache has, in their newest version. */
static void scan_cached(Scan *scan, CacheRow **rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const StoreRow *row  = &rows[i]->base;
        int64_t         time = store_row_time(scan->store->spec.kind, row->window_start, row->window_end);
        if (!scan->by_time || (time >= scan->from && time <= scan->to))
            scan_add(scan, rows[i]);
    }
}

static Status scan_run(Store *store, TableSql which, Scan *scan, StoreRows *out, Error *err)
{
    sqlite3_stmt *stmt;
    *out = (StoreRows){0};
    TRY(state_file_ready(store->file, err));
    TRY(store_table_statement(store->table, which, &stmt, err));
    sqlite3_bind_int(stmt, 2, store->partition);
    if (scan->by_time) {
        sqlite3_bind_int64(stmt, 3, scan->from);
        sqlite3_bind_int64(stmt, 4, scan->to);
    }
    store->file->mark++;
    TRY(state_memory_unwritten(store, scan_entry, scan,
                               err)); /* first: the file may have them a moment later */
    TRY(each_row(store, stmt, scan_row, scan, err));
    scan_cached(scan, store->dirty, store->dirty_count);
    scan_cached(scan, store->aside, store->aside_count);
    if (scan->count > 1)
        qsort(scan->rows, scan->count, sizeof *scan->rows, scan->by_time ? compare_by_time : compare_by_key);
    *out = (StoreRows){scan->rows, scan->count};
    return OK;
}

static int compare_buffer_by_time(const void *a, const void *b)
{
    const StoreRow *x = *(StoreRow *const *)a, *y = *(StoreRow *const *)b;
    int             order = compare_window(x, y, STORE_BUFFER);
    return order ? order : str_compare(x->key, y->key);
}

static int compare_buffer_by_key(const void *a, const void *b)
{
    const StoreRow *x = *(StoreRow *const *)a, *y = *(StoreRow *const *)b;
    int             order = str_compare(x->key, y->key);
    return order ? order : compare_window(x, y, STORE_BUFFER);
}

/* What it holds, and what it does not. */
static Status scan_buffer(Store *store, TableSql which, Scan *scan, StoreRows *out, Error *err)
{
    *out = (StoreRows){0};
    if (store_buffer_is_cold(store, scan->from))
        TRY(scan_run(store, which, scan, out, err));
    TRY(store_buffer_scan(store, scan->from, scan->to, scan->arena, out, err));
    if (out->count > 1)
        qsort(out->rows, out->count, sizeof *out->rows,
              scan->by_time ? compare_buffer_by_time : compare_buffer_by_key);
    return OK;
}

Status store_find_range(Store *store, int64_t from, int64_t to, Arena *arena, StoreRows *out, Error *err)
{
    Scan scan = {.store = store, .arena = arena, .from = from, .to = to, .by_time = true};
    *out      = (StoreRows){0};
    if (store_is_timeless(store->spec.kind))
        return error_set(err, E_PLAN, NO_POS, "State store " STR_FMT " has no windows",
                         STR_ARG(store->spec.name));
    if (from > to)
        return OK;
    return store->buffer == NULL ? scan_run(store, SQL_BY_TIME, &scan, out, err)
                                 : scan_buffer(store, SQL_BY_TIME, &scan, out, err);
}

Status store_find_all(Store *store, Arena *arena, StoreRows *out, Error *err)
{
    Scan scan = {.store = store, .arena = arena, .from = INT64_MIN, .to = INT64_MAX};
    return store->buffer == NULL ? scan_run(store, SQL_ALL, &scan, out, err)
                                 : scan_buffer(store, SQL_ALL, &scan, out, err);
}
