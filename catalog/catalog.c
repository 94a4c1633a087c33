/*
 * catalog.c - four small tables (sources, types, queries, grants), each entry reference-counted so that a
 * sandbox copy is cheap.
 *
 * An entry owns one arena with everything it points to. Copies of a catalog share entries; nobody changes one
 * after it was put in. Counts of hundreds are looked through in order: a hash would not be noticed.
 */
#include "catalog/catalog.h"

#include "core/suggest.h"

#include <stdatomic.h>

typedef struct {
    atomic_int refs;
    Arena     *arena;
    union {
        Source     source;
        CustomType type;
        QueryEntry query;
        Grant      grant;
    } as;
} Entry;

typedef struct {
    Entry **items;
    size_t  count, capacity;
} Table;

struct Catalog {
    Table sources, types, queries, grants;
};

static Entry *entry_new(void)
{
    Entry *entry = mem_calloc(1, sizeof *entry);
    atomic_init(&entry->refs, 1);
    entry->arena = arena_new(0);
    return entry;
}

static void entry_unref(Entry *entry)
{
    if (atomic_fetch_sub(&entry->refs, 1) != 1)
        return;
    arena_free(entry->arena);
    mem_free(entry);
}

static void table_add(Table *table, Entry *entry)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        table->items    = mem_realloc(table->items, table->capacity * sizeof *table->items);
    }
    table->items[table->count++] = entry;
}

static void table_remove(Table *table, size_t at)
{
    entry_unref(table->items[at]);
    memmove(table->items + at, table->items + at + 1, (table->count - at - 1) * sizeof *table->items);
    table->count--;
}

static void table_copy(Table *to, const Table *from)
{
    for (size_t i = 0; i < from->count; i++) {
        atomic_fetch_add(&from->items[i]->refs, 1);
        table_add(to, from->items[i]);
    }
}

static void table_clear(Table *table)
{
    for (size_t i = 0; i < table->count; i++)
        entry_unref(table->items[i]);
    mem_free(table->items);
}

/* Every member of the union starts with its name. */
static ptrdiff_t table_find(const Table *table, Str name)
{
    for (size_t i = 0; i < table->count; i++)
        if (str_equal(table->items[i]->as.source.name, name))
            return (ptrdiff_t)i;
    return -1;
}

/* Puts an entry in the place of the one of the same name, or at the end. */
static void table_put(Table *table, Entry *entry)
{
    ptrdiff_t at = table_find(table, entry->as.source.name);
    if (at < 0) {
        table_add(table, entry);
        return;
    }
    entry_unref(table->items[at]);
    table->items[at] = entry;
}

static void table_drop(Table *table, Str name)
{
    ptrdiff_t at = table_find(table, name);
    if (at >= 0)
        table_remove(table, (size_t)at);
}

_Static_assert(offsetof(Source, name) == 0 && offsetof(CustomType, name) == 0 &&
                   offsetof(QueryEntry, id) == 0 && offsetof(Grant, key) == 0,
               "table_find compares the first member");

Catalog *catalog_new(void) { return mem_calloc(1, sizeof(Catalog)); }

Catalog *catalog_copy(const Catalog *catalog)
{
    Catalog *copy = catalog_new();
    table_copy(&copy->sources, &catalog->sources);
    table_copy(&copy->types, &catalog->types);
    table_copy(&copy->queries, &catalog->queries);
    table_copy(&copy->grants, &catalog->grants);
    return copy;
}

void catalog_free(Catalog *catalog)
{
    if (catalog == NULL)
        return;
    table_clear(&catalog->sources);
    table_clear(&catalog->types);
    table_clear(&catalog->queries);
    table_clear(&catalog->grants);
    mem_free(catalog);
}

/* ---- copying in ---- */

static Str copy_str(Arena *arena, Str s) { return str_is_null(s) ? STR_NULL : str_dup(arena, s); }

static const Str *copy_names(Arena *arena, const Str *names, size_t count)
{
    Str *copy = ARENA_ARRAY(arena, Str, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = str_dup(arena, names[i]);
    return copy;
}

static void copy_format(Arena *arena, FormatSpec *format)
{
    format->delimiter               = copy_str(arena, format->delimiter);
    format->full_schema_name        = copy_str(arena, format->full_schema_name);
    format->nullable_representation = copy_str(arena, format->nullable_representation);
}

static void copy_source(Arena *arena, const Source *source, Source *copy)
{
    *copy                  = *source;
    copy->name             = str_dup(arena, source->name);
    copy->schema           = schema_copy(arena, source->schema);
    copy->topic            = copy_str(arena, source->topic);
    copy->timestamp_column = copy_str(arena, source->timestamp_column);
    copy->timestamp_format = copy_str(arena, source->timestamp_format);
    copy->statement        = copy_str(arena, source->statement);
    copy->query_id         = copy_str(arena, source->query_id);
    copy->made_from        = copy_names(arena, source->made_from, source->made_from_count);
    copy_format(arena, &copy->key_format);
    copy_format(arena, &copy->value_format);
}

Source *source_copy(Arena *arena, const Source *source)
{
    Source *copy = ARENA_NEW(arena, Source);
    copy_source(arena, source, copy);
    return copy;
}

void catalog_put_source(Catalog *catalog, const Source *source)
{
    Entry *entry = entry_new();
    copy_source(entry->arena, source, &entry->as.source);
    table_put(&catalog->sources, entry);
}

void catalog_put_type(Catalog *catalog, Str name, const SqlType *type)
{
    Entry *entry        = entry_new();
    entry->as.type.name = str_dup(entry->arena, name);
    entry->as.type.type = type_copy(entry->arena, type);
    table_put(&catalog->types, entry);
}

void catalog_put_query(Catalog *catalog, const QueryEntry *query)
{
    Entry      *entry = entry_new();
    QueryEntry *copy  = &entry->as.query;
    *copy             = *query;
    copy->id          = str_dup(entry->arena, query->id);
    copy->statement   = copy_str(entry->arena, query->statement);
    copy->sink        = copy_str(entry->arena, query->sink);
    copy->failure     = copy_str(entry->arena, query->failure);
    copy->sources     = copy_names(entry->arena, query->sources, query->source_count);
    table_put(&catalog->queries, entry);
}

void catalog_remove_source(Catalog *catalog, Str name) { table_drop(&catalog->sources, name); }
void catalog_remove_type(Catalog *catalog, Str name) { table_drop(&catalog->types, name); }
void catalog_remove_query(Catalog *catalog, Str id) { table_drop(&catalog->queries, id); }

/* ---- grants ---- */

/* Letters of a grantee are made capitals; quotes keep any two pairs apart. */
static Str grant_key(Arena *arena, const Grant *grant)
{
    StrBuf key = {0};
    strbuf_adds(&key, grant->to_user ? "user " : "role ");
    strbuf_add_quoted(&key, str_upper(arena, grant->grantee), '`');
    if (!str_is_null(grant->object)) {
        strbuf_addc(&key, ' ');
        strbuf_add_quoted(&key, grant->object, '`');
    }
    Str copy = str_dup(arena, strbuf_str(&key));
    strbuf_clear(&key);
    return copy;
}

void catalog_put_grant(Catalog *catalog, const Grant *grant)
{
    Entry *entry = entry_new();
    Grant *copy  = &entry->as.grant;
    *copy        = *grant;
    copy->key    = grant_key(entry->arena, grant);
    if (grant->privileges == 0) {
        table_drop(&catalog->grants, copy->key);
        entry_unref(entry);
        return;
    }
    copy->grantee = str_dup(entry->arena, grant->grantee);
    copy->object  = copy_str(entry->arena, grant->object);
    table_put(&catalog->grants, entry);
}

unsigned catalog_granted(const Catalog *catalog, const Grant *like)
{
    Arena    *arena = arena_new(0);
    ptrdiff_t at    = table_find(&catalog->grants, grant_key(arena, like));
    arena_free(arena);
    return at < 0 ? 0 : catalog->grants.items[at]->as.grant.privileges;
}

size_t       catalog_grant_count(const Catalog *catalog) { return catalog->grants.count; }
const Grant *catalog_grant_at(const Catalog *catalog, size_t index)
{
    return &catalog->grants.items[index]->as.grant;
}

/* ---- looking up ---- */

const Source *catalog_source(const Catalog *catalog, Str name)
{
    ptrdiff_t at = table_find(&catalog->sources, name);
    return at < 0 ? NULL : &catalog->sources.items[at]->as.source;
}

const SqlType *catalog_type(const Catalog *catalog, Str name)
{
    ptrdiff_t at = table_find(&catalog->types, name);
    return at < 0 ? NULL : catalog->types.items[at]->as.type.type;
}

const QueryEntry *catalog_query(const Catalog *catalog, Str id)
{
    ptrdiff_t at = table_find(&catalog->queries, id);
    return at < 0 ? NULL : &catalog->queries.items[at]->as.query;
}

static int by_name(const void *a, const void *b)
{
    return str_compare((*(Entry *const *)a)->as.source.name, (*(Entry *const *)b)->as.source.name);
}

/* The entries in order of name, in the arena. */
static Entry **sorted(const Table *table, Arena *arena)
{
    Entry **copy = ARENA_ARRAY(arena, Entry *, table->count);
    if (table->count > 0) {
        memcpy(copy, table->items, table->count * sizeof *copy);
        qsort(copy, table->count, sizeof *copy, by_name);
    }
    return copy;
}

void catalog_sources(const Catalog *catalog, Arena *arena, const Source ***out, size_t *count)
{
    Entry **entries = sorted(&catalog->sources, arena);
    *count          = catalog->sources.count;
    *out            = ARENA_ARRAY(arena, const Source *, *count);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = &entries[i]->as.source;
}

void catalog_types(const Catalog *catalog, Arena *arena, CustomType **out, size_t *count)
{
    Entry **entries = sorted(&catalog->types, arena);
    *count          = catalog->types.count;
    *out            = ARENA_ARRAY(arena, CustomType, *count);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = entries[i]->as.type;
}

void catalog_queries(const Catalog *catalog, Arena *arena, const QueryEntry ***out, size_t *count)
{
    *count = catalog->queries.count;
    *out   = ARENA_ARRAY(arena, const QueryEntry *, *count);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = &catalog->queries.items[i]->as.query;
}

void catalog_grants(const Catalog *catalog, Arena *arena, const Grant ***out, size_t *count)
{
    Entry **entries = sorted(&catalog->grants, arena);
    *count          = catalog->grants.count;
    *out            = ARENA_ARRAY(arena, const Grant *, *count);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = &entries[i]->as.grant;
}

/* ---- did you mean (sql.md 6.4) ---- */

static bool has_lower(Str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 'a' && s.ptr[i] <= 'z')
            return true;
    return false;
}

static void suggest_source(const Catalog *catalog, Str name, Error *err)
{
    Arena *arena = arena_new(0);
    Str   *names = ARENA_ARRAY(arena, Str, catalog->sources.count);
    for (size_t i = 0; i < catalog->sources.count; i++)
        names[i] = catalog->sources.items[i]->as.source.name;
    error_suggest(err, name, names, catalog->sources.count);
    arena_free(arena);
}

void catalog_hint_query(const Catalog *catalog, Str id, Error *err)
{
    const QueryEntry **queries;
    size_t             count;
    Arena             *arena = arena_new(0);
    catalog_queries(catalog, arena, &queries, &count);
    Str *names = ARENA_ARRAY(arena, Str, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = queries[i]->id;
    error_suggest(err, id, names, count);
    arena_free(arena);
}

void catalog_hint_type(const Catalog *catalog, Str name, Error *err)
{
    CustomType *types;
    size_t      count;
    Arena      *arena = arena_new(0);
    catalog_types(catalog, arena, &types, &count);
    Str *names = ARENA_ARRAY(arena, Str, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = types[i].name;
    error_suggest(err, name, names, count);
    arena_free(arena);
}

void catalog_hint(const Catalog *catalog, Str name, Error *err)
{
    const Source *matches[8];
    size_t        count = 0;
    for (size_t i = 0; i < catalog->sources.count && count < ARRAY_LEN(matches); i++) {
        const Source *source = &catalog->sources.items[i]->as.source;
        if (str_equal_nocase(source->name, name) && !str_equal(source->name, name))
            matches[count++] = source;
    }
    if (count == 0)
        return suggest_source(catalog, name, err);
    if (count == 1 && !has_lower(matches[0]->name)) {
        error_append(err,
                     "\nDid you mean " STR_FMT "? Hint: try removing double quotes from the source name.",
                     STR_ARG(matches[0]->name));
        return;
    }
    error_append(err, "\nDid you mean ");
    for (size_t i = 0; i < count; i++) {
        const char *separator = i == 0 ? "" : i + 1 < count ? ", " : count == 2 ? " or " : ", or ";
        error_append(err, "%s\"" STR_FMT "\"", separator, STR_ARG(matches[i]->name));
        if (count > 1)
            error_append(err, " (%s)", matches[i]->is_table ? "TABLE" : "STREAM");
    }
    error_append(err, "? Hint: wrap the source name in double quotes to make it case-sensitive.");
}
