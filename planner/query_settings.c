/*
 * query_settings.c - the fields of QuerySettings by name and as text; see query_settings.h.
 */
#include "planner/query_settings.h"

#include <assert.h>
#include <stddef.h>

#include "core/value.h"

typedef enum { KIND_INT, KIND_BOOL, KIND_CHOICE } Kind;

typedef struct {
    const char *name;
    Kind        kind;
    size_t      at; /* of the field */
    const char *initial, *choices;
} Row;

static const Row rows[] = {
#define QUERY_SETTING(field, name, kind, initial, limits, who, reader, doc)                                  \
    {name, KIND_##kind, offsetof(QuerySettings, field), initial, limits},
#include "planner/query_settings.def"
#undef QUERY_SETTING
};

/* ---- choices: "a|b|c" ---- */

static Str choice_at(const char *choices, int place)
{
    const char *at = choices;
    while (place-- > 0)
        at = strchr(at, '|') + 1;
    return str_n(at, (size_t)(strchrnul(at, '|') - at));
}

/* -1: none of them. */
static int choice_find(const char *choices, Str value)
{
    int place = 0;
    for (const char *at = choices;; place++) {
        const char *end = strchrnul(at, '|');
        if (str_equal_nocase(str_n(at, (size_t)(end - at)), value))
            return place;
        if (*end == '\0')
            return -1;
        at = end + 1;
    }
}

/* ---- values ---- */

/* `ksql.streams.` may be missing, as everywhere (rest.md 9). */
static bool is_named(const Row *row, Str name)
{
    Str prefix = STR_LIT("ksql.streams."), full = str_c(row->name);
    if (str_equal(name, full))
        return true;
    return str_starts_with(full, prefix) &&
           str_equal(name, str_n(full.ptr + prefix.len, full.len - prefix.len));
}

static bool set(QuerySettings *settings, const Row *row, Str text)
{
    char   *field = (char *)settings + row->at;
    int64_t n;
    bool    is_true = str_equal_nocase(text, STR_LIT("true"));
    int     place;
    switch (row->kind) {
    case KIND_INT:
        if (!int64_parse(str_trim(text), &n))
            return false;
        *(int64_t *)field = n;
        return true;
    case KIND_BOOL:
        *(bool *)field = is_true;
        return is_true || str_equal_nocase(text, STR_LIT("false"));
    case KIND_CHOICE:
        if ((place = choice_find(row->choices, text)) < 0)
            return false;
        *(int *)field = place;
        return true;
    }
    return false;
}

void query_settings_init(QuerySettings *settings)
{
    *settings = (QuerySettings){0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool right = set(settings, &rows[i], str_c(rows[i].initial));
        assert(right); /* the rows' defaults are values of their kind */
        (void)right;
    }
}

size_t      query_settings_count(void) { return ARRAY_LEN(rows); }
const char *query_settings_name(size_t at) { return rows[at].name; }

Str query_settings_text(const QuerySettings *settings, size_t at, Arena *arena)
{
    const Row  *row   = &rows[at];
    const char *field = (const char *)settings + row->at;
    switch (row->kind) {
    case KIND_INT:
        return str_printf(arena, "%lld", (long long)*(const int64_t *)field);
    case KIND_BOOL:
        return *(const bool *)field ? STR_LIT("true") : STR_LIT("false");
    case KIND_CHOICE:
        return choice_at(row->choices, *(const int *)field);
    }
    return STR_NULL;
}

Status query_settings_set(QuerySettings *settings, Str name, Str value, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is_named(&rows[i], name))
            return set(settings, &rows[i], value)
                       ? OK
                       : error_set(err, E_CONFIG, NO_POS,
                                   "Invalid value " STR_FMT " for configuration " STR_FMT, STR_ARG(value),
                                   STR_ARG(name));
    return error_set(err, E_NOT_FOUND, NO_POS, "no setting of queries: " STR_FMT, STR_ARG(name));
}
