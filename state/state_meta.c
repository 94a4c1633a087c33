/*
 * state_meta.c - small facts in the table _meta that are committed with the rows.
 *
 * New values wait in memory until the commit, like rows do, so that a commit that failed can be tried again
 * with both.
 */
#include "state/store_cache.h"

static size_t index_slot(const StateFile *file, Str name)
{
    size_t at = str_hash(name) & (file->meta_index_size - 1);
    while (file->meta_index[at] != 0 && !str_equal(file->metas[file->meta_index[at] - 1].name, name))
        at = (at + 1) & (file->meta_index_size - 1);
    return at;
}

static PendingMeta *pending_find(const StateFile *file, Str name)
{
    if (file->meta_count == 0)
        return NULL;
    uint32_t position = file->meta_index[index_slot(file, name)];
    return position ? &file->metas[position - 1] : NULL;
}

static void index_grow(StateFile *file)
{
    if ((file->meta_count + 1) * 2 <= file->meta_index_size)
        return;
    file->meta_index_size = file->meta_index_size ? file->meta_index_size * 2 : 64;
    mem_free(file->meta_index);
    file->meta_index = mem_calloc(file->meta_index_size, sizeof *file->meta_index);
    for (size_t i = 0; i < file->meta_count; i++)
        file->meta_index[index_slot(file, file->metas[i].name)] = (uint32_t)i + 1;
}

static PendingMeta *pending_add(StateFile *file, Str name)
{
    index_grow(file);
    if (file->meta_count == file->meta_capacity) {
        file->meta_capacity = file->meta_capacity ? file->meta_capacity * 2 : 32;
        file->metas         = mem_realloc(file->metas, file->meta_capacity * sizeof *file->metas);
    }
    size_t       slot      = index_slot(file, name);
    PendingMeta *meta      = &file->metas[file->meta_count++];
    file->meta_index[slot] = (uint32_t)file->meta_count;
    *meta                  = (PendingMeta){.name = {str_to_heap(name), name.len}};
    return meta;
}

Status state_meta_set(StateFile *file, Str name, Str value, Error *err)
{
    PendingMeta *meta = pending_find(file, name);
    Str          copy = str_is_null(value) ? STR_NULL : (Str){str_to_heap(value), value.len};
    if (meta == NULL)
        meta = pending_add(file, name);
    mem_free((char *)meta->value.ptr);
    meta->value = copy;
    return OK;
}

void state_meta_forget(StateFile *file)
{
    for (size_t i = 0; i < file->meta_count; i++) {
        mem_free((char *)file->metas[i].name.ptr);
        mem_free((char *)file->metas[i].value.ptr);
    }
    file->meta_count = 0;
    if (file->meta_index_size > 0)
        memset(file->meta_index, 0, file->meta_index_size * sizeof *file->meta_index);
}

static Status meta_prepare(StateFile *file, const char *sql, Str name, sqlite3_stmt **out, Error *err)
{
    int rc = sqlite3_prepare_v2(file->db, sql, -1, out, NULL);
    if (rc != SQLITE_OK)
        return state_db_error(file->db, rc, "prepare", err);
    sqlite3_bind_blob64(*out, 1, name.len ? name.ptr : "", name.len, SQLITE_STATIC);
    return OK;
}

static Str column_copy(Arena *arena, sqlite3_stmt *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column);
    return str_dup(arena, str_n(ptr ? ptr : "", (size_t)sqlite3_column_bytes(stmt, column)));
}

Status state_meta_get(StateFile *file, Str name, Arena *arena, Str *out, Error *err)
{
    *out                       = STR_NULL;
    const PendingMeta *pending = pending_find(file, name);
    if (pending != NULL) {
        if (!str_is_null(pending->value))
            *out = str_dup(arena, pending->value);
        return OK;
    }
    sqlite3_stmt *stmt;
    TRY(meta_prepare(file, "SELECT value FROM _meta WHERE name = ?1", name, &stmt, err));
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = column_copy(arena, stmt, 0);
    Status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : state_db_error(file->db, rc, "read a fact", err);
    sqlite3_finalize(stmt);
    return status;
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

Status state_meta_list(StateFile *file, Str prefix, Arena *arena, Str **names, Str **values, size_t *count,
                       Error *err)
{
    MetaList      list = {0};
    sqlite3_stmt *stmt;
    int           rc;
    TRY(meta_prepare(file, "SELECT name, value FROM _meta WHERE name >= ?1 ORDER BY name", prefix, &stmt,
                     err));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        Str name = column_copy(arena, stmt, 0);
        if (!str_starts_with(name, prefix)) {
            rc = SQLITE_DONE;
            break;
        }
        if (pending_find(file, name) == NULL)
            list_add(&list, arena, name, column_copy(arena, stmt, 1));
    }
    Status status = rc == SQLITE_DONE ? OK : state_db_error(file->db, rc, "read facts", err);
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < file->meta_count; i++)
        if (!str_is_null(file->metas[i].value) && str_starts_with(file->metas[i].name, prefix))
            list_add(&list, arena, str_dup(arena, file->metas[i].name), str_dup(arena, file->metas[i].value));
    *names  = list.names;
    *values = list.values;
    *count  = list.count;
    return status;
}

static Status meta_write_one(StateFile *file, sqlite3_stmt *put, sqlite3_stmt *remove,
                             const PendingMeta *meta, Error *err)
{
    sqlite3_stmt *stmt = str_is_null(meta->value) ? remove : put;
    sqlite3_bind_blob64(stmt, 1, meta->name.ptr, meta->name.len, SQLITE_STATIC);
    if (stmt == put)
        sqlite3_bind_blob64(stmt, 2, meta->value.ptr, meta->value.len, SQLITE_STATIC);
    int    rc     = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(file->db, rc, "write a fact", err);
    sqlite3_reset(stmt);
    return status;
}

Status state_meta_write(StateFile *file, Error *err)
{
    sqlite3_stmt *put, *remove;
    if (file->meta_count == 0)
        return OK;
    TRY(meta_prepare(file, "INSERT OR REPLACE INTO _meta(name, value) VALUES(?1, ?2)", STR_LIT(""), &put,
                     err));
    Status status = meta_prepare(file, "DELETE FROM _meta WHERE name = ?1", STR_LIT(""), &remove, err);
    if (status != OK)
        remove = NULL;
    for (size_t i = 0; status == OK && i < file->meta_count; i++)
        status = meta_write_one(file, put, remove, &file->metas[i], err);
    sqlite3_finalize(put);
    sqlite3_finalize(remove);
    return status;
}
