/*
 * fn_map.c - MAP functions. Maps keep the order of insertion; a key is there once.
 */
#include "udf/udf.h"

static MapEntry *new_entries(const FnCall *call, size_t count, Error *err)
{
    return arena_try_alloc(call->arena, (count + 1) * sizeof(MapEntry), err);
}

static Value *new_items(const FnCall *call, size_t count, Error *err)
{
    return arena_try_alloc(call->arena, (count + 1) * sizeof(Value), err);
}

/* A NULL key is a key like any other. */
static bool same_key(Value a, Value b)
{
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(a) && value_is_null(b);
    return str_equal(value_str(a), value_str(b));
}

/* Where each key stands, by hash, so that large maps do not cost the square of their size. */
typedef struct {
    MapEntry *entries;
    size_t    count, mask;
    uint32_t *slots; /* index + 1; 0: free */
} MapBuilder;

static Status builder_init(MapBuilder *builder, const FnCall *call, size_t room, Error *err)
{
    size_t slots = 8;
    while (slots < room * 2)
        slots *= 2;
    *builder = (MapBuilder){.entries = new_entries(call, room, err), .mask = slots - 1};
    if (builder->entries == NULL ||
        (builder->slots = arena_try_alloc(call->arena, slots * sizeof(uint32_t), err)) == NULL)
        return E_LIMIT;
    memset(builder->slots, 0, slots * sizeof(uint32_t));
    return OK;
}

/* A later value for a key replaces the earlier one, in its place. */
static void builder_put(MapBuilder *builder, Value key, Value value)
{
    size_t at = (size_t)(value_is_null(key) ? 0 : str_hash(value_str(key))) & builder->mask;
    while (builder->slots[at] != 0 && !same_key(builder->entries[builder->slots[at] - 1].key, key))
        at = (at + 1) & builder->mask;
    if (builder->slots[at] == 0)
        builder->slots[at] = (uint32_t)++builder->count;
    builder->entries[builder->slots[at] - 1] = (MapEntry){key, value};
}

static Status fn_as_map(const FnCall *call, Value *result, Error *err)
{
    Value      keys = call->args[0], values = call->args[1];
    MapBuilder builder;
    TRY(builder_init(&builder, call, keys.len, err));
    for (size_t i = 0; i < keys.len; i++)
        builder_put(&builder, value_items(keys)[i], i < values.len ? value_items(values)[i] : value_null());
    *result = value_map(builder.entries, builder.count);
    return OK;
}

static Status fn_map_union(const FnCall *call, Value *result, Error *err)
{
    Value      a = call->args[0], b = call->args[1];
    MapBuilder builder;
    if (value_is_null(a) || value_is_null(b)) {
        *result = value_is_null(a) ? b : a;
        return OK;
    }
    TRY(builder_init(&builder, call, (size_t)a.len + b.len, err));
    for (size_t i = 0; i < a.len; i++)
        builder_put(&builder, value_entries(a)[i].key, value_entries(a)[i].value);
    for (size_t i = 0; i < b.len; i++)
        builder_put(&builder, value_entries(b)[i].key, value_entries(b)[i].value);
    *result = value_map(builder.entries, builder.count);
    return OK;
}

static Status fn_map_keys(const FnCall *call, Value *result, Error *err)
{
    Value  map   = call->args[0];
    Value *items = new_items(call, map.len, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < map.len; i++)
        items[i] = value_entries(map)[i].key;
    *result = value_array(items, map.len);
    return OK;
}

static Status fn_map_values(const FnCall *call, Value *result, Error *err)
{
    Value  map   = call->args[0];
    Value *items = new_items(call, map.len, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < map.len; i++)
        items[i] = value_entries(map)[i].value;
    *result = value_array(items, map.len);
    return OK;
}

static int entry_compare(const void *a, const void *b)
{
    return value_compare(&type_string, ((const MapEntry *)a)->key, ((const MapEntry *)b)->key);
}

static Status fn_entries(const FnCall *call, Value *result, Error *err)
{
    Value map = call->args[0];
    if (value_is_null(call->args[1]))
        return error_set(err, E_DATA, NO_POS, "ENTRIES: sorted must not be NULL");
    *result = value_null();
    if (value_is_null(map))
        return OK;
    MapEntry *entries = new_entries(call, map.len, err);
    Value    *items   = entries != NULL ? new_items(call, map.len, err) : NULL;
    if (items == NULL)
        return E_LIMIT;
    if (map.len > 0)
        memcpy(entries, value_entries(map), map.len * sizeof *entries);
    if (value_bool(call->args[1]))
        qsort(entries, map.len, sizeof *entries, entry_compare);
    for (size_t i = 0; i < map.len; i++)
        items[i] =
            value_array((const Value *)&entries[i], 2); /* key and value stand side by side: STRUCT<K, V> */
    *result = value_array(items, map.len);
    return OK;
}

#define N0 FN_NULL_IF_ANY_NULL
#define ENTRIES_ROW(type)                                                                                    \
    {                                                                                                        \
        "ENTRIES", "(map MAP<STRING, " type ">, sorted BOOLEAN) -> ARRAY<STRUCT<K STRING, V " type ">>", 0,  \
            fn_entries, "The entries as structs, sorted by key if asked for.", NULL                          \
    }

const ScalarFn map_functions[] = {
    {"AS_MAP", "(keys ARRAY<STRING>, values ARRAY<T>) -> MAP<STRING, T>", N0, fn_as_map,
     "A map of keys and values.", NULL},
    ENTRIES_ROW("INT"),
    ENTRIES_ROW("BIGINT"),
    ENTRIES_ROW("DOUBLE"),
    ENTRIES_ROW("BOOLEAN"),
    ENTRIES_ROW("STRING"),
    {"map_keys", "(input MAP<STRING, T>) -> ARRAY<STRING>", N0, fn_map_keys, "The keys.", NULL},
    {"map_union", "(map1 MAP<STRING, T>, map2 MAP<STRING, T>) -> MAP<STRING, T>", 0, fn_map_union,
     "The entries of both maps; the second wins.", NULL},
    {"map_values", "(input MAP<STRING, T>) -> ARRAY<T>", N0, fn_map_values, "The values.", NULL},
    {0},
};
