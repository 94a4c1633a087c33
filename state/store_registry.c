/*
 * store_registry.c - which table a store has: found, made, widened and dropped.
 *
 * Names of stores are people's, and SQLite has names of its own, hence the registry _stores, which maps a
 * store to its table and keeps its definition; a store reopened with another one is refused instead of
 * misread.
 *
 * One difference is none: a later version of a query may have more values behind the last (OR REPLACE). The
 * writer adds the columns, which costs the same for any number of rows, for SQLite takes what is missing in a
 * row as NULL. Readers come before and after that, and with either version's columns.
 *
 * Invariant: a table and its line in the registry change together or not at all. Making and widening have a
 * savepoint for that; dropping relies on the writer's transaction.
 */
#include <inttypes.h>
#include <strings.h>

#include "state/store_layout.h"
#include "state/store_table.h"

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

/* ---- definition ---- */

static const char *const kind_names[] = {[STORE_KEY_VALUE] = "KEY_VALUE",
                                         [STORE_WINDOW]    = "WINDOW",
                                         [STORE_PREFIX]    = "PREFIX",
                                         [STORE_SESSION]   = "SESSION",
                                         [STORE_BUFFER]    = "BUFFER"};

static void define_columns(StrBuf *out, const char *role, const Column *columns, size_t count, Arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "\n%s ", role);
        strbuf_add(out, store_quote(arena, columns[i].name));
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
    table->columns      = store_table_columns(arena, &table->spec, table->column_count);
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

/* Looks the store up. *found: its table's SQL name, quoted, and its definition, in the arena. */
static Status registry_find(sqlite3 *db, Str name, Arena *arena, bool *found, int64_t *id, Str *table,
                            Str *definition, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(state_db_prepare(db, "SELECT id, table_name, definition FROM _stores WHERE name = ?", &stmt, err));
    sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    *found = rc == SQLITE_ROW;
    if (*found) {
        Str text = str_n((const char *)sqlite3_column_text(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
        *id      = sqlite3_column_int64(stmt, 0);
        *table   = store_quote(arena, text);
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
    TRY(state_db_prepare(db, "SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE", &stmt, err));
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
    TRY(state_db_prepare(table->db, "INSERT INTO _stores(name, table_name, definition) VALUES(?, ?, ?)",
                         &stmt, err));
    sqlite3_bind_text(stmt, 1, table->spec.name.ptr, (int)table->spec.name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, name.ptr, (int)name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, table->definition.ptr, (int)table->definition.len, SQLITE_STATIC);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, "register a store", err);
    sqlite3_finalize(stmt);
    table->id    = sqlite3_last_insert_rowid(table->db);
    table->table = store_quote(table->arena, name);
    return status;
}

/* ---- making a table ---- */

static Status table_create(StoreTable *table, Error *err)
{
    StrBuf sql   = {0};
    size_t plain = table->spec.key_count + table->spec.value_count;
    strbuf_addf(&sql, "CREATE TABLE " STR_FMT "(%s", STR_ARG(table->table),
                store_layouts[table->spec.kind].columns);
    for (size_t i = 0; i < table->column_count; i++) {
        if (i == table->spec.key_count)
            strbuf_adds(&sql, store_layouts[table->spec.kind].readable);
        strbuf_addf(&sql, ", " STR_FMT " %s", STR_ARG(table->columns[i]),
                    i < plain ? store_column_sql_type(store_table_column(&table->spec, i)->type) : "");
    }
    if (table->column_count == table->spec.key_count)
        strbuf_adds(&sql, store_layouts[table->spec.kind].readable);
    strbuf_addf(&sql, ", ROWTIME INTEGER, _visible INTEGER, _exact BLOB, PRIMARY KEY(%s)) WITHOUT ROWID;",
                store_layouts[table->spec.kind].identity);
    if (store_layouts[table->spec.kind].index != NULL)
        strbuf_addf(&sql, "CREATE INDEX \"_time_%" PRId64 "\" ON " STR_FMT "(%s);", table->id,
                    STR_ARG(table->table), store_layouts[table->spec.kind].index);
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
    TRY(state_db_prepare(table->db, "UPDATE _stores SET definition = ? WHERE id = ?", &stmt, err));
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
                             store_column_sql_type(table->spec.values[i].type));
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

Str state_definition(const StoreSpec *spec, Arena *arena)
{
    return table_definition(arena, spec, spec->value_count);
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

Status store_table_current(sqlite3 *db, StoreTable **list, const StoreSpec *spec, StoreTable **out,
                           Error *err)
{
    StoreTable *now, **link = list;
    *out = NULL;
    TRY(store_table_open(db, spec, false, &now, err));
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
        now->next = *list;
        *list     = now;
    }
    *out = now;
    return OK;
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
        TRY(state_db_prepare(db, forget[i], &stmt, err));
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
    const char *identity = store_layouts[STORE_KEY_VALUE].identity;
    for (size_t kind = 0; kind < ARRAY_LEN(kind_names); kind++)
        if (str_starts_with(definition, str_c(kind_names[kind])))
            identity = store_layouts[kind].identity;
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
