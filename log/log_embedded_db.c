/*
 * log_embedded_db.c - the SQLite side of the embedded log: schema, statements, and what SQLite's errors mean
 * to us.
 *
 * One row per chunk, not per record: a chunk is copied and taken apart in memory, which is several times
 * faster than a row per record. The index on (part, last) is all that a reader's seek needs. Statements are
 * prepared once per connection.
 */
#include <errno.h>

#include "core/file_trouble.h"
#include "log/log_embedded.h"

/* Pages of 4 KB: an acknowledged record of its own costs the WAL two or three of them, whatever their size.
 */
static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL, proof INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " replicas INTEGER NOT NULL, partitions INTEGER NOT NULL, proof INTEGER NOT NULL);"
    "CREATE TABLE configs(topic INTEGER, name TEXT, value TEXT NOT NULL, proof INTEGER NOT NULL,"
    " PRIMARY KEY(topic, name)) WITHOUT ROWID;"
    /* topic NULL: of a deleted topic, to be emptied in slices; its proof is no more */
    "CREATE TABLE parts(id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER, number INTEGER NOT NULL,"
    " first INTEGER NOT NULL, next INTEGER NOT NULL, proof INTEGER NOT NULL);"
    "CREATE INDEX parts_by_topic ON parts(topic, number);"
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY, part INTEGER NOT NULL, base INTEGER NOT NULL,"
    " last INTEGER NOT NULL, count INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,"
    " written INTEGER NOT NULL, proof INTEGER NOT NULL, records BLOB NOT NULL);"
    "CREATE UNIQUE INDEX chunks_by_last ON chunks(part, last, max_timestamp);"
    "CREATE TABLE groups(name TEXT, topic TEXT, part INTEGER, position INTEGER NOT NULL,"
    " proof INTEGER NOT NULL, PRIMARY KEY(name, topic, part)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

static const char *const texts[SQL_STATEMENTS] = {
    [SQL_BEGIN]       = "BEGIN IMMEDIATE",
    [SQL_COMMIT]      = "COMMIT",
    [SQL_ROLLBACK]    = "ROLLBACK",
    [SQL_SAVEPOINT]   = "SAVEPOINT job",
    [SQL_RELEASE]     = "RELEASE job",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO job",
    [SQL_META_GET]    = "SELECT value, proof = row_check(name, value) FROM meta WHERE name = ?",
    [SQL_META_PUT]    = "INSERT OR REPLACE INTO meta VALUES (?1, ?2, row_check(?1, ?2))",
    [SQL_TOPIC_ADD] =
        "INSERT INTO topics(name, replicas, partitions, proof) VALUES (?1, ?2, ?3, row_check(?1, ?2, ?3))",
    [SQL_TOPIC_DROP] = "DELETE FROM topics WHERE id = ?",
    [SQL_TOPICS]     = "SELECT id, name, replicas, partitions, proof = row_check(name, replicas, partitions)"
                       " FROM topics ORDER BY name",
    [SQL_CONFIG_PUT] = "INSERT OR REPLACE INTO configs VALUES (?1, ?2, ?3, row_check(?1, ?2, ?3))",
    [SQL_CONFIGS] = "SELECT name, value, proof = row_check(topic, name, value) FROM configs WHERE topic = ?",
    [SQL_CONFIGS_DROP] = "DELETE FROM configs WHERE topic = ?",
    [SQL_PART_ADD]     = "INSERT INTO parts(topic, number, first, next, proof)"
                         " VALUES (?1, ?2, 0, 0, row_check(?1, ?2, 0, 0))",
    [SQL_PARTS]        = "SELECT id, number, first, next, proof = row_check(topic, number, first, next)"
                         " FROM parts WHERE topic = ?",
    [SQL_PART_LAST]    = "SELECT max(last) FROM chunks WHERE part = ?",
    [SQL_PART_BOUNDS]  = "SELECT first, next, topic IS NOT NULL FROM parts WHERE id = ?",
    [SQL_PART_FIRST] = "UPDATE parts SET first = ?2, proof = row_check(topic, number, ?2, next) WHERE id = ?1"
                       " AND proof = row_check(topic, number, first, next)",
    [SQL_PART_END]   = "UPDATE parts SET next = ?2, proof = row_check(topic, number, first, ?2) WHERE id = ?1"
                       " AND proof = row_check(topic, number, first, next)",
    [SQL_PARTS_ORPHAN]  = "UPDATE parts SET topic = NULL WHERE topic = ?",
    [SQL_PARTS_HIGHEST] = "SELECT seq FROM sqlite_sequence WHERE name = 'parts'",
    [SQL_ORPHAN]        = "SELECT id FROM parts WHERE topic IS NULL LIMIT 1",
    [SQL_PART_DROP]     = "DELETE FROM parts WHERE id = ?",
    [SQL_CHUNK_ADD] = "INSERT INTO chunks(part, base, last, count, max_timestamp, written, proof, records)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    /* a page that was written over by a copy of another shows the same chunk twice */
    [SQL_CHUNK_SALVAGE] =
        "INSERT INTO chunks(part, base, last, count, max_timestamp, written, proof, records)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(part, last, max_timestamp) DO NOTHING",
    [SQL_CHUNKS_FROM] = "SELECT base, records, last, id, written, count, max_timestamp, proof FROM chunks"
                        " WHERE part = ? AND last >= ? ORDER BY last",
    [SQL_CHUNK_FOR_TIME] =
        "SELECT last FROM chunks WHERE part = ? AND last >= ? AND max_timestamp >= ? ORDER BY last LIMIT 1",
    [SQL_CHUNK_DROP] = "DELETE FROM chunks WHERE id = ?",
    [SQL_CHUNKS_DROP_BELOW] =
        "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE part = ? AND last < ?"
        " ORDER BY last LIMIT 64)",
    [SQL_CHUNKS_DROP_SOME] = "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE part = ? LIMIT 64)",
    [SQL_CHUNKS_SIZE]      = "SELECT coalesce(sum(length(records)), 0) FROM chunks WHERE part = ?",
    [SQL_CHUNKS_AGE]       = "SELECT last, max_timestamp, written, length(records) FROM chunks WHERE part = ?"
                             " ORDER BY last LIMIT 64",
    [SQL_CHUNKS_COUNT]     = "SELECT coalesce(sum(count), 0) FROM chunks WHERE part = ? AND last >= ?",
    [SQL_GROUP_PUT]  = "INSERT OR REPLACE INTO groups VALUES (?1, ?2, ?3, ?4, row_check(?1, ?2, ?3, ?4))",
    [SQL_GROUP_GET]  = "SELECT position, proof = row_check(name, topic, part, position) FROM groups"
                       " WHERE name = ? AND topic = ? AND part = ?",
    [SQL_GIVE_BACK]  = "PRAGMA incremental_vacuum(256)",
    [SQL_FREE_PAGES] = "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count",
};

/* A full disk shows up in several ways: as such, or as a failed write with the errno that tells. */
static Status db_status(sqlite3 *handle, int code)
{
    int primary = code & 0xff, system = handle != NULL ? sqlite3_system_errno(handle) : 0;
    if (primary == SQLITE_FULL)
        return E_FULL;
    if (primary == SQLITE_IOERR && (system == ENOSPC || system == EFBIG || system == EDQUOT))
        return E_FULL;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return E_BUSY;
    if (primary == SQLITE_CONSTRAINT)
        return E_EXISTS; /* the only one we have: the name of a topic */
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return E_DAMAGED;
    return E_IO;
}

Status db_fail(Db *db, int code, Error *err)
{
    if (db_status(db->handle, code) == E_DAMAGED)
        return log_file_damaged(db->name, err, "%s (SQLite error %d)",
                                db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code), code);
    Status status = db_status(db->handle, code);
    Error  why;
    error_set(&why, status, NO_POS, "%s: %s (SQLite error %d)", db->name,
              db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code), code);
    /* "disk I/O error" is all that SQLite says where the shared memory of its WAL finds no room */
    if ((status == E_FULL || (code & 0xff) == SQLITE_IOERR) && file_explain_full_disk(db->name, &why))
        why.code = status = E_FULL;
    if (err != NULL)
        *err = why;
    return status;
}

Status db_prepare_fail(Db *db, int code, Error *err)
{
    if (code != SQLITE_ERROR)
        return db_fail(db, code, err);
    return log_file_damaged(db->name, err, "its schema: %s", sqlite3_errmsg(db->handle));
}

Status db_unprepared(const Error *err) { return err != NULL ? err->code : E_IO; }

Status db_exec(Db *db, const char *sql, Error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : db_fail(db, code, err);
}

Status db_layout(Db *db, int *layout, Error *err)
{
    sqlite3_stmt *stmt;
    int           code = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(db, code, err);
    code    = sqlite3_step(stmt);
    *layout = code == SQLITE_ROW ? sqlite3_column_int(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK : db_fail(db, code, err);
}

/* Is there any table? */
static Status is_empty(Db *db, bool *empty, Error *err)
{
    sqlite3_stmt *stmt;
    int code = sqlite3_prepare_v2(db->handle, "SELECT 1 FROM sqlite_schema LIMIT 1", -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(db, code, err);
    code   = sqlite3_step(stmt);
    *empty = code == SQLITE_DONE;
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK : db_fail(db, code, err);
}

Status db_create(Db *db, Error *err)
{
    TRY(db_exec(db, "BEGIN IMMEDIATE", err));
    TRY(db_exec(db, schema, err));
    return db_exec(db, "COMMIT", err);
}

/* What is not ours, or of a version that we don't know, is refused rather than misread. */
static Status db_create_or_check(Db *db, Error *err)
{
    int  layout = 0;
    bool empty  = false;
    TRY(db_layout(db, &layout, err));
    if (layout == LAYOUT)
        return OK;
    if (layout > LAYOUT)
        return error_set(
            err, E_CONFIG, NO_POS,
            "%s was written by a later version of Sluice (layout %d, this one knows %d): use that "
            "version, or another state directory",
            db->name, layout, LAYOUT);
    TRY(is_empty(db, &empty, err));
    if (layout == 0 && empty)
        return db_create(db, err);
    return log_file_damaged(db->name, err, "it is a database, but not Sluice's log (layout %d)", layout);
}

static Status db_set_up(Db *db, bool in_memory, bool read_only, Error *err)
{
    sqlite3_busy_timeout(db->handle, 10000);
    int code = check_register(db->handle);
    if (code != SQLITE_OK)
        return db_fail(db, code, err);
    if (read_only)
        return OK;
    /* auto_vacuum has an effect only on a database that is empty still. */
    if (!in_memory)
        TRY(db_exec(db,
                    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864",
                    err));
    TRY(db_exec(db, "PRAGMA temp_store=MEMORY", err));
    return db_create_or_check(db, err);
}

Status db_open(Db *db, const char *path, bool read_only, Error *err)
{
    memset(db, 0, sizeof *db);
    db->name = mem_strdup(path != NULL ? path : "the log in memory");
    int flags =
        SQLITE_OPEN_NOMUTEX | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int    code   = sqlite3_open_v2(path != NULL ? path : ":memory:", &db->handle, flags, NULL);
    Status status = code == SQLITE_OK ? db_set_up(db, path == NULL, read_only, err) : db_fail(db, code, err);
    if (status != OK)
        db_close(db);
    return status;
}

Status db_open_raw(Db *db, const char *path, Error *err)
{
    *db      = (Db){.name = mem_strdup(path)};
    int code = sqlite3_open_v2(path, &db->handle,
                               SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code == SQLITE_OK)
        code = check_register(db->handle);
    Status status = code == SQLITE_OK ? OK : db_fail(db, code, err);
    if (status != OK)
        db_close(db);
    return status;
}

void db_close(Db *db)
{
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    mem_free(db->name);
    memset(db, 0, sizeof *db);
}

static sqlite3_stmt *db_bindv(Db *db, SqlId id, Error *err, const char *types, va_list args)
{
    sqlite3_stmt *stmt = db->statements[id];
    if (stmt == NULL) {
        int code = sqlite3_prepare_v3(db->handle, texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                      &db->statements[id], NULL);
        if (code != SQLITE_OK) {
            (void)!db_prepare_fail(db, code, err);
            return NULL;
        }
        stmt = db->statements[id];
    }
    for (int i = 1; types[i - 1] != '\0'; i++) {
        if (types[i - 1] == 'i') {
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            continue;
        }
        Str s = va_arg(args, Str);
        if (types[i - 1] == 't')
            sqlite3_bind_text64(stmt, i, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8);
        else
            sqlite3_bind_blob64(stmt, i, s.ptr, s.len, SQLITE_STATIC);
    }
    return stmt;
}

sqlite3_stmt *db_bind(Db *db, SqlId id, Error *err, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = db_bindv(db, id, err, types, args);
    va_end(args);
    return stmt;
}

Status db_step(Db *db, sqlite3_stmt *stmt, bool *row, Error *err)
{
    int code = sqlite3_step(stmt);
    *row     = code == SQLITE_ROW;
    if (*row)
        return OK;
    Status status = code == SQLITE_DONE ? OK : db_fail(db, code, err);
    sqlite3_reset(stmt);
    return status;
}

/* Its first columns; 0 each where there is no row. */
static Status first_row(Db *db, sqlite3_stmt *stmt, int64_t *out, size_t count, Error *err)
{
    bool row;
    if (stmt == NULL)
        return db_unprepared(err);
    TRY(db_step(db, stmt, &row, err));
    for (size_t i = 0; i < count; i++)
        out[i] = row ? sqlite3_column_int64(stmt, (int)i) : 0;
    if (row)
        sqlite3_reset(stmt);
    return OK;
}

Status db_run(Db *db, SqlId id, Error *err, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = db_bindv(db, id, err, types, args);
    va_end(args);
    return first_row(db, stmt, NULL, 0, err);
}

Status db_ask(Db *db, SqlId id, int64_t *out, size_t count, Error *err, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = db_bindv(db, id, err, types, args);
    va_end(args);
    return first_row(db, stmt, out, count, err);
}

Str db_column(sqlite3_stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return STR_NULL;
    const char *ptr = sqlite3_column_blob(stmt, column);
    return str_n(ptr != NULL ? ptr : "", (size_t)sqlite3_column_bytes(stmt, column));
}
