/*
 * store_layout.c - the layout of a store's table: its columns' names and types, and its primary key.
 *
 * The layout is a promise to people (README.md). Names are theirs, so nothing is taken for granted: SQLite
 * does not tell `a` from `A`, and the columns that every table has must keep their names.
 *
 * Invariant: a column's SQL name follows from it and the columns before it, and never from what comes behind.
 * Nobody asks the file for names: whoever opens a table, with more values or fewer, comes to the same ones.
 */
#include <strings.h>

#include "state/store_layout.h"

/* ---- names ---- */

Str store_quote(Arena *arena, Str name)
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

const Column *store_table_column(const StoreSpec *spec, size_t i)
{
    if (i < spec->key_count)
        return &spec->keys[i];
    i -= spec->key_count;
    return i < spec->value_count ? &spec->values[i] : &spec->states[i - spec->value_count];
}

const Str *store_table_columns(Arena *arena, const StoreSpec *spec, size_t count)
{
    Str   *names = ARENA_ARRAY(arena, Str, count), *quoted = ARENA_ARRAY(arena, Str, count);
    size_t plain = spec->key_count + spec->value_count;
    for (size_t i = 0; i < count; i++) {
        Str name = i < plain ? store_table_column(spec, i)->name : str_printf(arena, "_state_%zu", i - plain);
        while (i < plain && name_is_taken(names, i, name))
            name = str_printf(arena, STR_FMT "_", STR_ARG(name));
        names[i]  = name;
        quoted[i] = store_quote(arena, name);
    }
    return quoted;
}

const char *store_column_sql_type(const SqlType *type)
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

/* ---- the kinds of tables ---- */

/* The partition comes first: what a task has lies together. Windows and buffers lie by time, then by key: the
 * rows of one time are neighbours, so new ones touch few pages and old ones go as a range. (Rows of buffers
 * are looked for by key, in an index of times that is kept in memory: store_index.h.) Sessions lie by key,
 * for they move in time and are looked for by key; an index finds those that expire. */
const StoreLayout store_layouts[] = {
    [STORE_KEY_VALUE] = {"_key BLOB NOT NULL, _partition INTEGER NOT NULL", "_partition, _key", "?2, ?1", "",
                         NULL, "0, 0", "", "", "_key = ?1 AND _partition = ?2", "0"},
    [STORE_WINDOW]    = {"_key BLOB NOT NULL, _start INTEGER NOT NULL, _partition INTEGER NOT NULL",
                         "_partition, _start, _key", "?2, ?3, ?1",
                         ", WINDOWSTART INTEGER AS (_start), WINDOWEND INTEGER", NULL, "_start, WINDOWEND",
                         ", _start, WINDOWEND", ", ?3, ?4", "_key = ?1 AND _partition = ?2 AND _start = ?3",
                         "_start"},
    [STORE_SESSION] =
        {"_key BLOB NOT NULL, _end INTEGER NOT NULL, _start INTEGER NOT NULL, _partition INTEGER NOT NULL",
         "_partition, _key, _end, _start", "?2, ?1, ?4, ?3",
         ", WINDOWSTART INTEGER AS (_start), WINDOWEND INTEGER AS (_end)", "_partition, _end, _start",
         "_start, _end", ", _start, _end", ", ?3, ?4",
         "_key = ?1 AND _partition = ?2 AND _start = ?3 AND _end = ?4", "_end"},
    [STORE_PREFIX] = {"_key BLOB NOT NULL, _partition INTEGER NOT NULL", "_partition, _key", "?2, ?1", "",
                      NULL, "0, 0", "", "", "_key = ?1 AND _partition = ?2", "0"},
    [STORE_BUFFER] =
        {"_key BLOB NOT NULL, _start INTEGER NOT NULL, _end INTEGER NOT NULL, _partition INTEGER NOT NULL",
         "_partition, _start, _key, _end", "?2, ?3, ?1, ?4", "", NULL, "_start, _end", ", _start, _end",
         ", ?3, ?4", "_key = ?1 AND _partition = ?2 AND _start = ?3 AND _end = ?4", "_start"},
};

Str store_column_list(const StoreSpec *spec, Arena *arena)
{
    size_t     plain    = spec->key_count + spec->value_count;
    const Str *names    = store_table_columns(arena, spec, plain);
    bool       windowed = spec->kind == STORE_WINDOW || spec->kind == STORE_SESSION;
    StrBuf     list     = {0};
    for (size_t i = 0; i < plain; i++) {
        if (i == spec->key_count && windowed)
            strbuf_adds(&list, "WINDOWSTART, WINDOWEND, ");
        strbuf_addf(&list, STR_FMT ", ", STR_ARG(names[i]));
    }
    strbuf_adds(&list, plain == spec->key_count && windowed ? "WINDOWSTART, WINDOWEND, ROWTIME" : "ROWTIME");
    Str copy = str_dup(arena, strbuf_str(&list));
    strbuf_clear(&list);
    return copy;
}
