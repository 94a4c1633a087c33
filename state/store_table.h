/*
 * store_table.h - one store's table in one SQLite database: its layout, its statements, its rows. Used by the
 * writer (store.c) and by readers (state_reader.c) alike; knows nothing of caches.
 */
#ifndef SLUICE_STATE_STORE_TABLE_H
#define SLUICE_STATE_STORE_TABLE_H

#include <sqlite3.h>

#include "state/store.h"

typedef enum {
    SQL_GET, /* one row by identity */
    SQL_PUT,
    SQL_DELETE,
    SQL_BY_KEY,     /* one key, time >= ? */
    SQL_AT_TIME,    /* one key, at a time; of tables that lie by time */
    SQL_TIMES,      /* keys and times of a partition, time >= ? */
    SQL_BY_TIME,    /* time between ? and ? */
    SQL_ALL,        /* of a partition */
    SQL_ANY,        /* has a partition rows? */
    SQL_PARTITIONS, /* which have rows */
    SQL_SWEEP,      /* deletes at most ? rows older than ? */
    SQL_SWEEP_ALL,  /* deletes those older than ? */
    SQL_CLEAR,      /* deletes a partition */
    SQL_CHUNK,      /* for readers: a chunk of a partition's rows by key bounds; one for each kind of low (and
                       "after      a row") and high bound */
    SQL_CHUNK_LAST = SQL_CHUNK + 4 * 3 - 1,
    SQL_STATEMENTS,
} TableSql;

enum { CHUNK_AFTER = 3 }; /* as low bound: go on behind a row */
static inline TableSql table_sql_chunk(int low, int high) { return (TableSql)(SQL_CHUNK + low * 3 + high); }

typedef struct StoreTable StoreTable;
struct StoreTable {
    StoreTable   *next; /* of the same file */
    int           refs; /* stores that use it */
    sqlite3      *db;
    Arena        *arena;
    StoreSpec     spec;       /* a copy in the arena */
    Str           table;      /* the SQL name, quoted */
    int64_t       id;         /* of the row in _stores */
    Str           definition; /* kind and columns, as text */
    Str           stored;     /* the table's own: for a reader it may have fewer values, or more */
    const Str    *columns;    /* quoted SQL names: keys, values, states */
    size_t        column_count;
    StrBuf        buffer;
    sqlite3_stmt *statements[SQL_STATEMENTS];
};

/* A row as it stands in a table. */
typedef struct {
    Str          key;
    int          partition;
    int64_t      window_start, window_end, timestamp;
    bool         visible;
    const Value *keys, *values; /* values: with states */
} TableRow;

/* SQLite's verdict as Status: E_FULL, E_BUSY, E_STALE_STATE (also: no database), else E_IO. */
Status state_db_error(sqlite3 *db, int rc, const char *what, Error *err);
Status state_db_exec(sqlite3 *db, const char *sql, Error *err);
/* *out: sqlite3_finalize. */
Status state_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, Error *err);
/* The file's own tables: _meta, _stores, _store_time. */
Status state_db_create(sqlite3 *db, Error *err);

/* The table of `spec`. With `create` (the writer) it is made, or gets the values that it lacks behind its
 * last. Without, *out may be NULL, and values that it lacks are read as NULL. E_PLAN when it has other
 * columns. */
Status store_table_open(sqlite3 *db, const StoreSpec *spec, bool create, StoreTable **out, Error *err);
/* The same for readers that keep what they have opened in `list`: a table that was made anew, or widened, is
 * opened again. *out NULL: there is none. */
Status store_table_current(sqlite3 *db, StoreTable **list, const StoreSpec *spec, StoreTable **out,
                           Error *err);
bool   store_table_is_of(const StoreTable *table, const StoreSpec *spec);
void   store_table_free(StoreTable *table); /* accepts NULL */
/* Makes the table again when a rollback took it away. */
Status store_table_ensure(StoreTable *table, Error *err);
Status store_table_statement(StoreTable *table, TableSql which, sqlite3_stmt **out, Error *err);
/* Deletes `slice` rows, or the table itself when none is left. */
Status store_table_drop(sqlite3 *db, Str name, size_t slice, bool *done, Error *err);

/* Deletes at most `slice` rows (SIZE_MAX: all) of a partition that expired before `bound`; *swept: how many.
 */
Status store_table_sweep(StoreTable *table, int partition, int64_t bound, size_t slice, size_t *swept,
                         Error *err);
Status store_table_clear(StoreTable *table, int partition, Error *err);
Status store_table_has_rows(StoreTable *table, int partition, bool *out, Error *err);

Status store_table_put(StoreTable *table, const TableRow *row, Error *err);
Status store_table_delete(StoreTable *table, const TableRow *row, Error *err);
/* Binds key, partition and window as the identity: parameters 1 to 4. */
int store_table_bind_identity(const StoreTable *table, sqlite3_stmt *stmt, const TableRow *row);
/* Only the identity, time and visibility of the row the statement stands on; key in SQLite's memory. */
void store_table_read_head(sqlite3_stmt *stmt, TableRow *out);
/* The whole row; everything in the arena. E_STALE_STATE when it is not what was written. */
Status store_table_read(const StoreTable *table, sqlite3_stmt *stmt, Arena *arena, TableRow *out, Error *err);

/* What the table knows of a partition's time; INT64_MIN when nothing. */
Status store_table_time(StoreTable *table, int partition, int64_t *out, Error *err);
Status store_table_set_time(StoreTable *table, int partition, int64_t time,
                            Error *err); /* INT64_MIN removes it */

/* The value of a changelog record: all of the row but its key and start. */
void store_record_encode(const StoreSpec *spec, const TableRow *row, StrBuf *out);
/* Values of the row may point into `value`. */
Status store_record_decode(const StoreSpec *spec, Str value, Arena *arena, TableRow *row, Error *err);
/* The same of a record that was read before: texts stay where they are, in `value`, and are not looked at. */
Status store_record_view(const StoreSpec *spec, Str value, Arena *arena, TableRow *row, Error *err);

/* A value as JSON text, for the readable columns of compound types. */
void store_json_add(StrBuf *out, const SqlType *type, Value v);

/* The time a row expires by: start (WINDOW, BUFFER), end (SESSION). */
static inline int64_t store_row_time(StoreKind kind, int64_t start, int64_t end)
{
    return kind == STORE_SESSION ? end : start;
}

/* Is the key alone the identity? */
static inline bool store_is_timeless(StoreKind kind)
{
    return kind == STORE_KEY_VALUE || kind == STORE_PREFIX;
}

/* Does the identity have both bounds? A time window's end follows from its start. */
static inline bool store_has_end(StoreKind kind) { return kind == STORE_SESSION || kind == STORE_BUFFER; }

/* What orders rows of one key and time. */
static inline int64_t store_row_second(StoreKind kind, int64_t start, int64_t end)
{
    return kind == STORE_BUFFER ? end : start;
}

/* Rows below it are gone; INT64_MIN when nothing ever is. */
static inline int64_t store_bound(const StoreSpec *spec, int64_t time)
{
    if (store_is_timeless(spec->kind) || spec->retention_ms < 0 || time < INT64_MIN + spec->retention_ms)
        return INT64_MIN;
    return time - spec->retention_ms;
}

#endif
