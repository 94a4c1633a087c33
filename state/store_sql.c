/*
 * store_sql.c - the SQL that works on the rows of a store's table, and on the time of its partitions.
 *
 * A statement is prepared at its first use and kept with the table, for a commit uses few of them very often.
 * Invariant: every SELECT of rows has the same columns in the same order, so that store_row_sql.c reads what
 * it found without knowing which it was.
 */
#include "state/store_layout.h"
#include "state/store_table.h"

static Status code_of(int rc)
{
    if (rc == SQLITE_IOERR_DATA || rc == SQLITE_IOERR_CORRUPTFS) /* state_vfs.c; the system's file */
        return E_STALE_STATE;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return E_STALE_STATE;
    default:
        return E_IO;
    }
}

Status state_db_error(sqlite3 *db, int rc, const char *what, Error *err)
{
    const char *why = rc == SQLITE_IOERR_DATA ? "the checksum of a page is wrong"
                      : db != NULL            ? sqlite3_errmsg(db)
                                              : sqlite3_errstr(rc);
    return error_set(err, code_of(rc), NO_POS, "State store: %s: %s", what, why);
}

Status state_db_exec(sqlite3 *db, const char *sql, Error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : state_db_error(db, rc, sql, err);
}

Status state_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, Error *err)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    return rc == SQLITE_OK ? OK : state_db_error(db, rc, "prepare", err);
}

/* ---- statements ---- */

static void add_select_from(StrBuf *sql, const StoreTable *table, const char *before)
{
    strbuf_addf(sql, "SELECT _key, _partition, %s, ROWTIME, _visible, _exact",
                store_layouts[table->spec.kind].select);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT, STR_ARG(table->columns[i]));
    strbuf_addf(sql, " FROM %s" STR_FMT, before, STR_ARG(table->table));
}

static void add_select(StrBuf *sql, const StoreTable *table) { add_select_from(sql, table, ""); }

/* Parameters: 1 to 4 identity, 5 ROWTIME, 6 _visible, 7 _exact, 8... the columns.
 *
 * Where the table has no index REPLACE is one look into the tree: SQLite writes the row over the one that is
 * there, without asking first. Where it has one, REPLACE would delete and insert in both trees; the update
 * leaves alone what stays. It names the parameters again, never excluded.x: there SQLite 3.40 gives a value
 * the affinity of another column when a virtual generated column stands before it, and a BIGINT beyond 2^53
 * comes back as a rounded REAL. */
static void add_put(StrBuf *sql, const StoreTable *table)
{
    const StoreLayout *layout = &store_layouts[table->spec.kind];
    strbuf_addf(sql, "INSERT %sINTO " STR_FMT "(_key, _partition%s, ROWTIME, _visible, _exact",
                layout->index == NULL ? "OR REPLACE " : "", STR_ARG(table->table), layout->insert);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT, STR_ARG(table->columns[i]));
    strbuf_addf(sql, ") VALUES(?1, ?2%s, ?5, ?6, ?7", layout->insert_values);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", ?%zu", i + 8);
    strbuf_addc(sql, ')');
    if (layout->index == NULL)
        return;
    strbuf_addf(sql, " ON CONFLICT(%s) DO UPDATE SET ROWTIME = ?5, _visible = ?6, _exact = ?7",
                layout->identity);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT " = ?%zu", STR_ARG(table->columns[i]), i + 8);
}

/* What follows the partition in a list of the identity, which begins with it. */
static const char *behind_partition(const char *list) { return strchr(list, ' ') + 1; }

/* Of one partition. Parameters: 1 to 4 identity to go on after, 5 low, 6 high, 7 how many. The partition
 * stands apart: in one comparison with the rest of the identity SQLite would find the partition alone in the
 * tree, and each chunk would pass all rows of the chunks before. */
static void add_chunk(StrBuf *sql, const StoreTable *table, int low, int high)
{
    const StoreLayout *layout = &store_layouts[table->spec.kind];
    add_select(sql, table);
    strbuf_adds(sql, " WHERE _partition = ?2");
    if (low == CHUNK_AFTER)
        strbuf_addf(sql, " AND (%s) > (%s)", behind_partition(layout->identity),
                    behind_partition(layout->identity_values));
    if (low == BOUND_INCLUSIVE || low == BOUND_EXCLUSIVE)
        strbuf_adds(sql, low == BOUND_INCLUSIVE ? " AND _key >= ?5" : " AND _key > ?5");
    if (high != BOUND_NONE)
        strbuf_adds(sql, high == BOUND_INCLUSIVE ? " AND _key <= ?6" : " AND _key < ?6");
    strbuf_addf(sql, " ORDER BY %s LIMIT ?7", layout->identity);
}

/* The windows of one key: a step into the table for each window that there is, for they lie by time. (No
 * table of ours is called _each.) */
static void add_windows_of_key(StrBuf *sql, const StoreTable *table)
{
    strbuf_addf(sql,
                "WITH RECURSIVE _each(_at) AS (SELECT min(_start) FROM " STR_FMT
                " WHERE _partition = ?2 AND _start >= ?3 UNION ALL SELECT (SELECT min(_start) FROM " STR_FMT
                " WHERE _partition = ?2 AND _start > _at) FROM _each WHERE _at IS NOT NULL) ",
                STR_ARG(table->table), STR_ARG(table->table));
    add_select_from(sql, table, "_each CROSS JOIN ");
    strbuf_adds(sql, " ON _partition = ?2 AND _start = _at AND _key = ?1 WHERE _at IS NOT NULL");
}

static void add_by_key(StrBuf *sql, const StoreTable *table)
{
    if (table->spec.kind == STORE_WINDOW) {
        add_windows_of_key(sql, table);
        return;
    }
    add_select(sql, table);
    if (table->spec.kind == STORE_PREFIX) {
        strbuf_adds(sql, " WHERE _key >= ?1 AND _key < ?3 AND _partition = ?2");
        return;
    }
    strbuf_addf(sql, " WHERE _key = ?1 AND _partition = ?2 AND %s >= ?3",
                store_layouts[table->spec.kind].time);
}

/* A step for each. */
static void add_partitions(StrBuf *sql, const StoreTable *table)
{
    strbuf_addf(sql,
                "WITH RECURSIVE _each(_at) AS (SELECT min(_partition) FROM " STR_FMT
                " UNION ALL SELECT (SELECT min(_partition) FROM " STR_FMT
                " WHERE _partition > _at) FROM _each WHERE _at IS NOT NULL)"
                " SELECT _at FROM _each WHERE _at IS NOT NULL",
                STR_ARG(table->table), STR_ARG(table->table));
}

static void add_sweep(StrBuf *sql, const StoreTable *table)
{
    const StoreLayout *layout = &store_layouts[table->spec.kind];
    strbuf_addf(sql,
                "DELETE FROM " STR_FMT " WHERE (%s) IN (SELECT %s FROM " STR_FMT
                " WHERE _partition = ?2 AND %s < ?3 LIMIT ?4)",
                STR_ARG(table->table), layout->identity, layout->identity, STR_ARG(table->table),
                layout->time);
}

static void add_statement(StrBuf *sql, const StoreTable *table, TableSql which)
{
    const StoreLayout *layout = &store_layouts[table->spec.kind];
    switch (which) {
    case SQL_GET:
        add_select(sql, table);
        strbuf_addf(sql, " WHERE %s", layout->where);
        break;
    case SQL_PUT:
        add_put(sql, table);
        break;
    case SQL_DELETE:
        strbuf_addf(sql, "DELETE FROM " STR_FMT " WHERE %s", STR_ARG(table->table), layout->where);
        break;
    case SQL_BY_KEY:
        add_by_key(sql, table);
        break;
    case SQL_AT_TIME:
        add_select(sql, table);
        strbuf_adds(sql, " WHERE _partition = ?2 AND _start = ?3 AND _key = ?1");
        break;
    case SQL_TIMES:
        strbuf_addf(sql, "SELECT _key, %s FROM " STR_FMT " WHERE _partition = ?2 AND %s >= ?3", layout->time,
                    STR_ARG(table->table), layout->time);
        break;
    case SQL_BY_TIME:
        add_select(sql, table);
        strbuf_addf(sql, " WHERE _partition = ?2 AND %s BETWEEN ?3 AND ?4", layout->time);
        break;
    case SQL_ALL:
        add_select(sql, table);
        strbuf_adds(sql, " WHERE _partition = ?2");
        break;
    case SQL_ANY:
        strbuf_addf(sql, "SELECT 1 FROM " STR_FMT " WHERE _partition = ?2 LIMIT 1", STR_ARG(table->table));
        break;
    case SQL_PARTITIONS:
        add_partitions(sql, table);
        break;
    case SQL_SWEEP:
        add_sweep(sql, table);
        break;
    case SQL_SWEEP_ALL:
        strbuf_addf(sql, "DELETE FROM " STR_FMT " WHERE _partition = ?2 AND %s < ?3", STR_ARG(table->table),
                    layout->time);
        break;
    case SQL_CLEAR:
        strbuf_addf(sql, "DELETE FROM " STR_FMT " WHERE _partition = ?2", STR_ARG(table->table));
        break;
    default:
        add_chunk(sql, table, (which - SQL_CHUNK) / 3, (which - SQL_CHUNK) % 3);
    }
    strbuf_addc(sql, '\0');
}

Status store_table_statement(StoreTable *table, TableSql which, sqlite3_stmt **out, Error *err)
{
    if (table->statements[which] == NULL) {
        StrBuf sql = {0};
        add_statement(&sql, table, which);
        int rc = sqlite3_prepare_v3(table->db, sql.ptr, -1, SQLITE_PREPARE_PERSISTENT,
                                    &table->statements[which], NULL);
        strbuf_clear(&sql);
        if (rc != SQLITE_OK)
            return state_db_error(table->db, rc, "prepare a statement", err);
    }
    *out = table->statements[which];
    return OK;
}

/* ---- time of a partition ---- */

Status store_table_time(StoreTable *table, int partition, int64_t *out, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(state_db_prepare(table->db, "SELECT time FROM _store_time WHERE name = ?1 AND partition = ?2", &stmt,
                         err));
    sqlite3_bind_text(stmt, 1, table->spec.name.ptr, (int)table->spec.name.len, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 2, partition);
    int rc        = sqlite3_step(stmt);
    *out          = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : INT64_MIN;
    Status status = rc == SQLITE_ROW || rc == SQLITE_DONE
                        ? OK
                        : state_db_error(table->db, rc, "read a store's time", err);
    sqlite3_finalize(stmt);
    return status;
}

Status store_table_set_time(StoreTable *table, int partition, int64_t time, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(state_db_prepare(table->db,
                         time == INT64_MIN
                             ? "DELETE FROM _store_time WHERE name = ?1 AND partition = ?2"
                             : "INSERT OR REPLACE INTO _store_time(name, partition, time) VALUES(?1, ?2, ?3)",
                         &stmt, err));
    sqlite3_bind_text(stmt, 1, table->spec.name.ptr, (int)table->spec.name.len, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 2, partition);
    if (time != INT64_MIN)
        sqlite3_bind_int64(stmt, 3, time);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "write a store's time", err);
    sqlite3_finalize(stmt);
    return status;
}

/* ---- whole partitions ---- */

static Status run(StoreTable *table, sqlite3_stmt *stmt, const char *what, Error *err)
{
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, what, err);
    sqlite3_reset(stmt);
    return status;
}

Status store_table_sweep(StoreTable *table, int partition, int64_t bound, size_t slice, size_t *swept,
                         Error *err)
{
    sqlite3_stmt *stmt;
    TRY(store_table_statement(table, slice == SIZE_MAX ? SQL_SWEEP_ALL : SQL_SWEEP, &stmt, err));
    sqlite3_bind_int(stmt, 2, partition);
    sqlite3_bind_int64(stmt, 3, bound);
    if (slice != SIZE_MAX)
        sqlite3_bind_int64(stmt, 4, (int64_t)slice);
    TRY(run(table, stmt, "sweep expired rows", err));
    *swept = (size_t)sqlite3_changes(table->db);
    return OK;
}

Status store_table_clear(StoreTable *table, int partition, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(store_table_statement(table, SQL_CLEAR, &stmt, err));
    sqlite3_bind_int(stmt, 2, partition);
    return run(table, stmt, "clear a store", err);
}

Status store_table_has_rows(StoreTable *table, int partition, bool *out, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(store_table_statement(table, SQL_ANY, &stmt, err));
    sqlite3_bind_int(stmt, 2, partition);
    int rc = sqlite3_step(stmt);
    *out   = rc == SQLITE_ROW;
    Status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "look for rows", err);
    sqlite3_reset(stmt);
    return status;
}
