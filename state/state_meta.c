/*
 * state_meta.c - small facts in the table _meta that are committed with the rows.
 *
 * All of them are in memory, for they are few: new values wait in `pending` until the commit, like rows do,
 * so that a commit that failed can be tried again with both.
 */
#include "state/store_cache.h"

Status state_meta_set(StateFile *file, Str name, Str value, Error *err)
{
    fact_set_put(&file->pending, name, value);
    return OK;
}

void state_meta_committed(StateFile *file)
{
    for (size_t i = 0; i < file->pending.count; i++)
        fact_set_put(&file->facts, file->pending.facts[i].name, file->pending.facts[i].value);
    fact_set_empty(&file->pending);
}

static Str column_str(sqlite3_stmt *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column);
    return str_n(ptr ? ptr : "", (size_t)sqlite3_column_bytes(stmt, column));
}

Status state_meta_load(StateFile *file, Error *err)
{
    sqlite3_stmt *stmt;
    int           rc;
    TRY(state_db_prepare(file->db, "SELECT name, value FROM _meta", &stmt, err));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        fact_set_put(&file->facts, column_str(stmt, 0), column_str(stmt, 1));
    Status status = rc == SQLITE_DONE ? OK : state_db_error(file->db, rc, "read facts", err);
    sqlite3_finalize(stmt);
    return status;
}

Status state_meta_get(StateFile *file, Str name, Arena *arena, Str *out, Error *err)
{
    const Fact *fact = fact_set_find(&file->pending, name);
    if (fact == NULL)
        fact = fact_set_find(&file->facts, name);
    *out = fact == NULL || str_is_null(fact->value) ? STR_NULL : str_dup(arena, fact->value);
    return OK;
}

typedef struct {
    Str   *names, *values;
    size_t count, capacity;
} MetaList;

static void list_add(MetaList *list, Arena *arena, Str name, Str value)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 16;
        Str   *names = ARENA_ARRAY(arena, Str, capacity), *values = ARENA_ARRAY(arena, Str, capacity);
        for (size_t i = 0; i < list->count; i++) {
            names[i]  = list->names[i];
            values[i] = list->values[i];
        }
        *list = (MetaList){names, values, list->count, capacity};
    }
    list->names[list->count]    = name;
    list->values[list->count++] = value;
}

static void list_facts(MetaList *list, const FactSet *facts, const FactSet *newer, Str prefix, Arena *arena)
{
    for (size_t i = 0; i < facts->count; i++) {
        const Fact *fact = &facts->facts[i];
        if (!str_is_null(fact->value) && str_starts_with(fact->name, prefix) &&
            (newer == NULL || fact_set_find(newer, fact->name) == NULL))
            list_add(list, arena, str_dup(arena, fact->name), str_dup(arena, fact->value));
    }
}

Status state_meta_list(StateFile *file, Str prefix, Arena *arena, Str **names, Str **values, size_t *count,
                       Error *err)
{
    MetaList list = {0};
    list_facts(&list, &file->facts, &file->pending, prefix, arena);
    list_facts(&list, &file->pending, NULL, prefix, arena);
    *names  = list.names;
    *values = list.values;
    *count  = list.count;
    return OK;
}

static Status meta_write_one(sqlite3 *db, sqlite3_stmt *put, sqlite3_stmt *remove, const Fact *fact,
                             Error *err)
{
    sqlite3_stmt *stmt = str_is_null(fact->value) ? remove : put;
    sqlite3_bind_blob64(stmt, 1, fact->name.len ? fact->name.ptr : "", fact->name.len, SQLITE_STATIC);
    if (stmt == put)
        sqlite3_bind_blob64(stmt, 2, fact->value.len ? fact->value.ptr : "", fact->value.len, SQLITE_STATIC);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(db, rc, "write a fact", err);
    sqlite3_reset(stmt);
    return status;
}

Status state_meta_write(sqlite3 *db, const FactSet *facts, Error *err)
{
    sqlite3_stmt *put, *remove;
    if (facts->count == 0)
        return OK;
    TRY(state_db_prepare(db, "INSERT OR REPLACE INTO _meta(name, value) VALUES(?1, ?2)", &put, err));
    Status status = state_db_prepare(db, "DELETE FROM _meta WHERE name = ?1", &remove, err);
    if (status != OK)
        remove = NULL;
    for (size_t i = 0; status == OK && i < facts->count; i++)
        status = meta_write_one(db, put, remove, &facts->facts[i], err);
    sqlite3_finalize(put);
    sqlite3_finalize(remove);
    return status;
}
