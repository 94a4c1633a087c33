/*
 * store_sql.c - the layout of a store's table and the SQL that works on it.
 *
 * The layout is a promise to people (README.md). Names are theirs, so nothing is taken for granted: SQLite
 * does not tell `a` from `A` and has names of its own, hence the registry _stores, which maps a store to its
 * table and keeps its definition; a store reopened with another one is refused instead of misread.
 *
 * One difference is none: a later version of a query may have more values behind the last (OR REPLACE). The
 * writer adds the columns, which costs the same for any number of rows, for SQLite takes what is missing in a
 * row as NULL. Readers come before and after that, and with either version's columns.
 */
#include <inttypes.h>
#include <strings.h>

#include "state/store_table.h"

Status state_db_error(sqlite3 *db, int rc, const char *what, Error *err)
{
    int    primary = rc & 0xff;
    Status code    = primary == SQLITE_FULL                                  ? E_FULL
                     : primary == SQLITE_BUSY || primary == SQLITE_LOCKED    ? E_BUSY
                     : primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? E_DATA
                                                                             : E_IO;
    return error_set(err, code, NO_POS, "State store: %s: %s", what,
                     db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

Status state_db_exec(sqlite3 *db, const char *sql, Error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : state_db_error(db, rc, sql, err);
}

Status state_db_create(sqlite3 *db, Error *err)
{
    return state_db_exec(
        db,
        "CREATE TABLE IF NOT EXISTS _meta(name BLOB NOT NULL PRIMARY KEY, value BLOB) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS _stores(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " table_name TEXT NOT NULL, definition TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS _store_time(name TEXT NOT NULL, partition INTEGER NOT NULL,"
        " time INTEGER NOT NULL, PRIMARY KEY(name, partition)) WITHOUT ROWID;",
        err);
}

/* ---- names ---- */

static Str quote(Arena *arena, Str name)
{
    char  *text = arena_alloc(arena, name.len * 2 + 3);
    size_t len  = 0;
    text[len++] = '"';
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            text[len++] = '"';
        text[len++] = name.ptr[i];
    }
    text[len++] = '"';
    text[len]   = '\0';
    return str_n(text, len);
}

/* _state_ and nothing but digits behind it. */
static bool name_is_state(Str name)
{
    if (name.len <= 7 || strncasecmp(name.ptr, "_state_", 7) != 0)
        return false;
    for (size_t i = 7; i < name.len; i++)
        if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return false;
    return true;
}

/* No reserved name ends in _, so that appending one leads out. */
static bool name_is_reserved(Str name)
{
    static const char *const reserved[] = {"_key",   "_start",  "_end",        "_partition", "_visible",
                                           "_exact", "rowtime", "windowstart", "windowend"};
    if (name_is_state(name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (str_equal_nocase(name, str_c(reserved[i])))
            return true;
    return false;
}

static bool name_is_taken(const Str *names, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(names[i], name))
            return true;
    return name_is_reserved(name);
}

static const Column *table_column(const StoreSpec *spec, size_t i)
{
    if (i < spec->key_count)
        return &spec->keys[i];
    i -= spec->key_count;
    return i < spec->value_count ? &spec->values[i] : &spec->states[i - spec->value_count];
}

/* The SQL names of keys and values: their own, with _ behind as often as it takes to be unique; states are
 * _state_N. */
static const Str *table_columns(Arena *arena, const StoreSpec *spec, size_t count)
{
    Str   *names = ARENA_ARRAY(arena, Str, count), *quoted = ARENA_ARRAY(arena, Str, count);
    size_t plain = spec->key_count + spec->value_count;
    for (size_t i = 0; i < count; i++) {
        Str name = i < plain ? table_column(spec, i)->name : str_printf(arena, "_state_%zu", i - plain);
        while (i < plain && name_is_taken(names, i, name))
            name = str_printf(arena, STR_FMT "_", STR_ARG(name));
        names[i]  = name;
        quoted[i] = quote(arena, name);
    }
    return quoted;
}

static const char *column_sql_type(const SqlType *type)
{
    static const char *const names[] = {
        [T_BOOLEAN] = "INTEGER", [T_INTEGER] = "INTEGER",   [T_BIGINT] = "INTEGER", [T_DECIMAL] = "TEXT",
        [T_DOUBLE] = "REAL",     [T_STRING] = "TEXT",       [T_BYTES] = "BLOB",     [T_TIME] = "TEXT",
        [T_DATE] = "TEXT",       [T_TIMESTAMP] = "INTEGER", [T_ARRAY] = "TEXT",     [T_MAP] = "TEXT",
        [T_STRUCT] = "TEXT",
    };
    const char *name = (size_t)type->kind < ARRAY_LEN(names) ? names[type->kind] : NULL;
    return name ? name : "BLOB";
}

/* ---- definition ---- */

static const char *const kind_names[] = {
    [STORE_KEY_VALUE] = "KEY_VALUE", [STORE_WINDOW] = "WINDOW", [STORE_SESSION] = "SESSION"};

static void define_columns(StrBuf *out, const char *role, const Column *columns, size_t count, Arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "\n%s ", role);
        strbuf_add(out, quote(arena, columns[i].name));
        strbuf_addc(out, ' ');
        type_print(columns[i].type, out);
    }
}

/* As it is with the first `values` of the values. */
static Str table_definition(Arena *arena, const StoreSpec *spec, size_t values)
{
    StrBuf text = {0};
    strbuf_adds(&text, kind_names[spec->kind]);
    define_columns(&text, "KEY", spec->keys, spec->key_count, arena);
    define_columns(&text, "VALUE", spec->values, values, arena);
    define_columns(&text, "STATE", spec->states, spec->state_count, arena);
    Str copy = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

/* How many of the spec's values a table of that definition has; -1: it is another table. */
static int values_present(Arena *arena, const StoreSpec *spec, Str definition)
{
    for (size_t values = spec->value_count + 1; values-- > 0;)
        if (str_equal(definition, table_definition(arena, spec, values)))
            return (int)values;
    return -1;
}

/* Does the table have all the spec's columns, and more values behind them? */
static bool has_more_values(Arena *arena, const StoreSpec *spec, Str definition)
{
    StoreSpec without   = *spec;
    without.state_count = 0;
    Str head            = table_definition(arena, &without, spec->value_count);
    Str whole           = table_definition(arena, spec, spec->value_count);
    Str states          = str_n(whole.ptr + head.len, whole.len - head.len);
    return definition.len > whole.len && str_starts_with(definition, head) &&
           str_starts_with(str_n(definition.ptr + head.len, definition.len - head.len),
                           STR_LIT("\nVALUE ")) &&
           str_ends_with(definition, states);
}

static Column *copy_columns(Arena *arena, const Column *columns, size_t count)
{
    Column *copy = ARENA_ARRAY(arena, Column, count);
    for (size_t i = 0; i < count; i++) {
        copy[i]            = columns[i];
        copy[i].name       = str_dup(arena, columns[i].name);
        copy[i].type       = type_copy(arena, columns[i].type);
        copy[i].header_key = STR_NULL;
    }
    return copy;
}

static StoreTable *table_new(sqlite3 *db, const StoreSpec *spec)
{
    Arena      *arena   = arena_new(0);
    StoreTable *table   = ARENA_NEW(arena, StoreTable);
    table->arena        = arena;
    table->db           = db;
    table->spec         = *spec;
    table->spec.name    = str_dup(arena, spec->name);
    table->spec.keys    = copy_columns(arena, spec->keys, spec->key_count);
    table->spec.values  = copy_columns(arena, spec->values, spec->value_count);
    table->spec.states  = copy_columns(arena, spec->states, spec->state_count);
    table->definition   = table_definition(arena, &table->spec, spec->value_count);
    table->column_count = spec->key_count + spec->value_count + spec->state_count;
    table->columns      = table_columns(arena, &table->spec, table->column_count);
    return table;
}

void store_table_free(StoreTable *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(table->statements[i]);
    strbuf_clear(&table->buffer);
    arena_free(table->arena);
}

/* ---- the registry ---- */

static Status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, Error *err)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    return rc == SQLITE_OK ? OK : state_db_error(db, rc, "prepare", err);
}

/* Looks the store up. *found: its table's SQL name, quoted, and its definition, in the arena. */
static Status registry_find(sqlite3 *db, Str name, Arena *arena, bool *found, int64_t *id, Str *table,
                            Str *definition, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(prepare(db, "SELECT id, table_name, definition FROM _stores WHERE name = ?", &stmt, err));
    sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    *found = rc == SQLITE_ROW;
    if (*found) {
        Str text = str_n((const char *)sqlite3_column_text(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
        *id      = sqlite3_column_int64(stmt, 0);
        *table   = quote(arena, text);
        *definition = str_dup(
            arena, str_n((const char *)sqlite3_column_text(stmt, 2), (size_t)sqlite3_column_bytes(stmt, 2)));
    }
    Status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : state_db_error(db, rc, "look up a store", err);
    sqlite3_finalize(stmt);
    return status;
}

static Status schema_has(sqlite3 *db, Str name, bool *out, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(prepare(db, "SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE", &stmt, err));
    sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    *out   = rc == SQLITE_ROW;
    Status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : state_db_error(db, rc, "look up a table", err);
    sqlite3_finalize(stmt);
    return status;
}

/* A free table name for the store: its own; "t" before what is SQLite's or ours (_...), "_" behind what is
 * taken. */
static Status registry_name(StoreTable *table, Str *out, Error *err)
{
    Str  name  = table->spec.name;
    bool taken = true;
    if (name.len == 0 || name.ptr[0] == '_' || (name.len >= 7 && strncasecmp(name.ptr, "sqlite_", 7) == 0))
        name = str_printf(table->arena, "t" STR_FMT, STR_ARG(name));
    TRY(schema_has(table->db, name, &taken, err));
    while (taken) {
        name = str_printf(table->arena, STR_FMT "_", STR_ARG(name));
        TRY(schema_has(table->db, name, &taken, err));
    }
    *out = name;
    return OK;
}

static Status registry_add(StoreTable *table, Error *err)
{
    Str           name;
    sqlite3_stmt *stmt;
    TRY(registry_name(table, &name, err));
    TRY(prepare(table->db, "INSERT INTO _stores(name, table_name, definition) VALUES(?, ?, ?)", &stmt, err));
    sqlite3_bind_text(stmt, 1, table->spec.name.ptr, (int)table->spec.name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, name.ptr, (int)name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, table->definition.ptr, (int)table->definition.len, SQLITE_STATIC);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "register a store", err);
    sqlite3_finalize(stmt);
    table->id    = sqlite3_last_insert_rowid(table->db);
    table->table = quote(table->arena, name);
    return status;
}

/* ---- layout ---- */

static const struct {
    const char *columns;  /* the identity's, as they are declared */
    const char *identity; /* the primary key */
    const char *readable; /* window bounds for people */
    const char *index;    /* by time; NULL: none */
    const char *select;   /* start and end, as every SELECT of rows has them */
    const char *insert, *insert_values;
    const char *where;
    const char *time;
} layouts[] = {
    [STORE_KEY_VALUE] = {"_key BLOB NOT NULL, _partition INTEGER NOT NULL", "_key, _partition", "", NULL,
                         "0, 0", "", "", "_key = ?1 AND _partition = ?2", "0"},
    [STORE_WINDOW]    = {"_key BLOB NOT NULL, _start INTEGER NOT NULL, _partition INTEGER NOT NULL",
                         "_key, _start, _partition", ", WINDOWSTART INTEGER AS (_start), WINDOWEND INTEGER",
                         "_partition, _start", "_start, WINDOWEND", ", _start, WINDOWEND", ", ?3, ?4",
                         "_key = ?1 AND _partition = ?2 AND _start = ?3", "_start"},
    [STORE_SESSION] =
        {"_key BLOB NOT NULL, _end INTEGER NOT NULL, _start INTEGER NOT NULL, _partition INTEGER NOT NULL",
         "_key, _end, _start, _partition", ", WINDOWSTART INTEGER AS (_start), WINDOWEND INTEGER AS (_end)",
         "_partition, _end, _start", "_start, _end", ", _start, _end", ", ?3, ?4",
         "_key = ?1 AND _partition = ?2 AND _start = ?3 AND _end = ?4", "_end"},
};

Str store_column_list(const StoreSpec *spec, Arena *arena)
{
    size_t     plain = spec->key_count + spec->value_count;
    const Str *names = table_columns(arena, spec, plain);
    StrBuf     list  = {0};
    for (size_t i = 0; i < plain; i++) {
        if (i == spec->key_count && spec->kind != STORE_KEY_VALUE)
            strbuf_adds(&list, "WINDOWSTART, WINDOWEND, ");
        strbuf_addf(&list, STR_FMT ", ", STR_ARG(names[i]));
    }
    strbuf_adds(&list, plain == spec->key_count && spec->kind != STORE_KEY_VALUE
                           ? "WINDOWSTART, WINDOWEND, ROWTIME"
                           : "ROWTIME");
    Str copy = str_dup(arena, strbuf_str(&list));
    strbuf_clear(&list);
    return copy;
}

static Status table_create(StoreTable *table, Error *err)
{
    StrBuf sql   = {0};
    size_t plain = table->spec.key_count + table->spec.value_count;
    strbuf_addf(&sql, "CREATE TABLE " STR_FMT "(%s", STR_ARG(table->table),
                layouts[table->spec.kind].columns);
    for (size_t i = 0; i < table->column_count; i++) {
        if (i == table->spec.key_count)
            strbuf_adds(&sql, layouts[table->spec.kind].readable);
        strbuf_addf(&sql, ", " STR_FMT " %s", STR_ARG(table->columns[i]),
                    i < plain ? column_sql_type(table_column(&table->spec, i)->type) : "");
    }
    if (table->column_count == table->spec.key_count)
        strbuf_adds(&sql, layouts[table->spec.kind].readable);
    strbuf_addf(&sql, ", ROWTIME INTEGER, _visible INTEGER, _exact BLOB, PRIMARY KEY(%s)) WITHOUT ROWID;",
                layouts[table->spec.kind].identity);
    if (layouts[table->spec.kind].index != NULL)
        strbuf_addf(&sql, "CREATE INDEX \"_time_%" PRId64 "\" ON " STR_FMT "(%s);", table->id,
                    STR_ARG(table->table), layouts[table->spec.kind].index);
    strbuf_addc(&sql, '\0');
    Status status = state_db_exec(table->db, sql.ptr, err);
    strbuf_clear(&sql);
    return status;
}

/* ---- changing table and registry together, also inside the writer's transaction ---- */

static Status change_begin(StoreTable *table, Error *err)
{
    return state_db_exec(table->db, "SAVEPOINT change", err);
}

/* All of it or, if `status` is not OK, nothing. Outside of a transaction the RELEASE is a commit, which may
 * fail and then leaves the savepoint open. */
static Status change_end(StoreTable *table, Status status, Error *err)
{
    if (status == OK)
        status = state_db_exec(table->db, "RELEASE change", err);
    if (status == OK)
        table->stored = table->definition;
    else
        sqlite3_exec(table->db, "ROLLBACK TO change; RELEASE change", NULL, NULL, NULL);
    return status;
}

static Status table_add(StoreTable *table, Error *err)
{
    TRY(change_begin(table, err));
    Status status = registry_add(table, err);
    if (status == OK)
        status = table_create(table, err);
    return change_end(table, status, err);
}

/* ---- more values than before ---- */

static Status registry_redefine(StoreTable *table, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(prepare(table->db, "UPDATE _stores SET definition = ? WHERE id = ?", &stmt, err));
    sqlite3_bind_text(stmt, 1, table->definition.ptr, (int)table->definition.len, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, table->id);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "redefine a store", err);
    sqlite3_finalize(stmt);
    return status;
}

static Status add_columns(StoreTable *table, size_t present, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = OK;
    for (size_t i = present; status == OK && i < table->spec.value_count; i++) {
        Str sql = str_printf(arena, "ALTER TABLE " STR_FMT " ADD COLUMN " STR_FMT " %s",
                             STR_ARG(table->table), STR_ARG(table->columns[table->spec.key_count + i]),
                             column_sql_type(table->spec.values[i].type));
        status  = state_db_exec(table->db, str_to_c(arena, sql), err);
    }
    arena_free(arena);
    TRY(status);
    return registry_redefine(table, err);
}

static Status table_widen(StoreTable *table, size_t present, Error *err)
{
    TRY(change_begin(table, err));
    return change_end(table, add_columns(table, present, err), err);
}

/* A reader that knows of more values than the table has. */
static void read_as_null(StoreTable *table, size_t present)
{
    Str *columns = ARENA_ARRAY(table->arena, Str, table->column_count);
    memcpy(columns, table->columns, table->column_count * sizeof *columns);
    for (size_t i = present; i < table->spec.value_count; i++)
        columns[table->spec.key_count + i] = STR_LIT("NULL");
    table->columns = columns;
}

static Status table_check(StoreTable *table, bool create, bool *found, Error *err)
{
    const StoreSpec *spec = &table->spec;
    TRY(registry_find(table->db, spec->name, table->arena, found, &table->id, &table->table, &table->stored,
                      err));
    if (!*found)
        return create ? table_add(table, err) : OK;
    if (str_equal(table->stored, table->definition))
        return OK;
    int present = values_present(table->arena, spec, table->stored);
    if (present >= 0 && create)
        return table_widen(table, (size_t)present, err);
    if (present >= 0) {
        read_as_null(table, (size_t)present);
        return OK;
    }
    if (!create && has_more_values(table->arena, spec, table->stored))
        return OK;
    return error_set(err, E_PLAN, NO_POS,
                     "State store " STR_FMT " exists with other columns.\nExists: " STR_FMT
                     "\nWanted: " STR_FMT,
                     STR_ARG(spec->name), STR_ARG(table->stored), STR_ARG(table->definition));
}

bool store_table_is_of(const StoreTable *table, const StoreSpec *spec)
{
    Arena *arena = arena_new(0);
    bool   same  = str_equal(table->definition, table_definition(arena, spec, spec->value_count));
    arena_free(arena);
    return same;
}

Status store_table_open(sqlite3 *db, const StoreSpec *spec, bool create, StoreTable **out, Error *err)
{
    bool        found;
    StoreTable *table  = table_new(db, spec);
    Status      status = table_check(table, create, &found, err);
    if (status != OK || (!found && !create)) {
        store_table_free(table);
        table = NULL;
    }
    *out = table;
    return status;
}

Status store_table_ensure(StoreTable *table, Error *err)
{
    bool found;
    for (size_t i = 0; i < SQL_STATEMENTS; i++) {
        sqlite3_finalize(table->statements[i]); /* its name may be another one now */
        table->statements[i] = NULL;
    }
    return table_check(table, true, &found, err);
}

static Status drop_rest(sqlite3 *db, Str name, Str table, Arena *arena, Error *err)
{
    TRY(state_db_exec(db, str_printf(arena, "DROP TABLE " STR_FMT, STR_ARG(table)).ptr, err));
    static const char *const forget[] = {"DELETE FROM _stores WHERE name = ?",
                                         "DELETE FROM _store_time WHERE name = ?"};
    for (size_t i = 0; i < ARRAY_LEN(forget); i++) {
        sqlite3_stmt *stmt;
        TRY(prepare(db, forget[i], &stmt, err));
        sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC);
        int    rc     = sqlite3_step(stmt);
        Status status = rc == SQLITE_DONE ? OK : state_db_error(db, rc, "drop a store", err);
        sqlite3_finalize(stmt);
        TRY(status);
    }
    return OK;
}

static Status drop_slice(sqlite3 *db, Str name, size_t slice, Arena *arena, bool *done, Error *err)
{
    int64_t id;
    bool    found;
    Str     table, definition;
    TRY(registry_find(db, name, arena, &found, &id, &table, &definition, err));
    *done = !found;
    if (!found)
        return OK;
    const char *identity = layouts[STORE_KEY_VALUE].identity;
    for (size_t kind = 0; kind < ARRAY_LEN(kind_names); kind++)
        if (str_starts_with(definition, str_c(kind_names[kind])))
            identity = layouts[kind].identity;
    TRY(state_db_exec(
        db,
        str_printf(arena, "DELETE FROM " STR_FMT " WHERE (%s) IN (SELECT %s FROM " STR_FMT " LIMIT %zu)",
                   STR_ARG(table), identity, identity, STR_ARG(table), slice ? slice : 1)
            .ptr,
        err));
    *done = (size_t)sqlite3_changes(db) < (slice ? slice : 1);
    return *done ? drop_rest(db, name, table, arena, err) : OK;
}

Status store_table_drop(sqlite3 *db, Str name, size_t slice, bool *done, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = drop_slice(db, name, slice, arena, done, err);
    arena_free(arena);
    return status;
}

/* ---- statements ---- */

static void add_select(StrBuf *sql, const StoreTable *table)
{
    strbuf_addf(sql, "SELECT _key, _partition, %s, ROWTIME, _visible, _exact",
                layouts[table->spec.kind].select);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT, STR_ARG(table->columns[i]));
    strbuf_addf(sql, " FROM " STR_FMT, STR_ARG(table->table));
}

static void add_put(StrBuf *sql, const StoreTable *table)
{
    strbuf_addf(sql, "INSERT INTO " STR_FMT "(_key, _partition%s, ROWTIME, _visible, _exact",
                STR_ARG(table->table), layouts[table->spec.kind].insert);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT, STR_ARG(table->columns[i]));
    strbuf_addf(sql, ") VALUES(?1, ?2%s, ?5, ?6, ?7", layouts[table->spec.kind].insert_values);
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", ?%zu", i + 8);
    strbuf_addf(sql,
                ") ON CONFLICT(%s) DO UPDATE SET ROWTIME = excluded.ROWTIME, _visible = excluded._visible, "
                "_exact = excluded._exact%s",
                layouts[table->spec.kind].identity,
                table->spec.kind == STORE_WINDOW ? ", WINDOWEND = excluded.WINDOWEND" : "");
    for (size_t i = 0; i < table->column_count; i++)
        strbuf_addf(sql, ", " STR_FMT " = excluded." STR_FMT, STR_ARG(table->columns[i]),
                    STR_ARG(table->columns[i]));
}

/* Parameters: 1 to 4 identity to go on after, 5 low, 6 high, 7 how many. */
static void add_chunk(StrBuf *sql, const StoreTable *table, int low, int high)
{
    static const char *const after[]  = {[STORE_KEY_VALUE] = "(?1, ?2)",
                                         [STORE_WINDOW]    = "(?1, ?3, ?2)",
                                         [STORE_SESSION]   = "(?1, ?4, ?3, ?2)"};
    const char              *identity = layouts[table->spec.kind].identity;
    add_select(sql, table);
    strbuf_adds(sql, " WHERE 1");
    if (low == CHUNK_AFTER)
        strbuf_addf(sql, " AND (%s) > %s", identity, after[table->spec.kind]);
    else if (low != BOUND_NONE)
        strbuf_adds(sql, low == BOUND_INCLUSIVE ? " AND _key >= ?5" : " AND _key > ?5");
    if (high != BOUND_NONE)
        strbuf_adds(sql, high == BOUND_INCLUSIVE ? " AND _key <= ?6" : " AND _key < ?6");
    strbuf_addf(sql, " ORDER BY %s LIMIT ?7", identity);
}

static void add_statement(StrBuf *sql, const StoreTable *table, TableSql which)
{
    const char *time = layouts[table->spec.kind].time, *identity = layouts[table->spec.kind].identity;
    switch (which) {
    case SQL_GET:
        add_select(sql, table);
        strbuf_addf(sql, " WHERE %s", layouts[table->spec.kind].where);
        break;
    case SQL_PUT:
        add_put(sql, table);
        break;
    case SQL_DELETE:
        strbuf_addf(sql, "DELETE FROM " STR_FMT " WHERE %s", STR_ARG(table->table),
                    layouts[table->spec.kind].where);
        break;
    case SQL_BY_KEY:
        add_select(sql, table);
        strbuf_addf(sql, " WHERE _key = ?1 AND _partition = ?2 AND %s >= ?3", time);
        break;
    case SQL_BY_TIME:
        add_select(sql, table);
        strbuf_addf(sql, " WHERE _partition = ?2 AND %s BETWEEN ?3 AND ?4", time);
        break;
    case SQL_ALL:
        add_select(sql, table);
        strbuf_adds(sql, " WHERE _partition = ?2");
        break;
    case SQL_SWEEP:
        strbuf_addf(sql,
                    "DELETE FROM " STR_FMT " WHERE (%s) IN (SELECT %s FROM " STR_FMT
                    " WHERE _partition = ?2 AND %s < ?3 LIMIT ?4)",
                    STR_ARG(table->table), identity, identity, STR_ARG(table->table), time);
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
    TRY(prepare(table->db, "SELECT time FROM _store_time WHERE name = ?1 AND partition = ?2", &stmt, err));
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
    TRY(prepare(table->db,
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
