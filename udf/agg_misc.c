/*
 * agg_misc.c - HISTOGRAM and ATTR: counts per distinct value.
 */
#include "udf/agg.h"

/* ---- HISTOGRAM: MAP<STRING, BIGINT> ---- */

enum { HISTOGRAM_MAX_KEYS = 1000 };

static ptrdiff_t key_find(const MapEntry *entries, size_t count, Value key)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(value_str(entries[i].key), value_str(key)))
            return (ptrdiff_t)i;
    return -1;
}

static MapEntry *copy_entries(Value state, size_t spare, Arena *arena)
{
    MapEntry *entries = arena_alloc(arena, (state.len + spare + 1) * sizeof *entries); /* at most 1000 keys */
    if (state.len > 0)
        memcpy(entries, value_entries(state), state.len * sizeof *entries);
    return entries;
}

/* Adds to the key's count; a new key is ignored once there are as many as allowed. */
static void count_key(MapEntry *entries, size_t *count, Value key, int64_t by)
{
    ptrdiff_t at = key_find(entries, *count, key);
    if (at >= 0)
        entries[at].value = value_from_int(entries[at].value.as.i64 + by);
    else if (*count < HISTOGRAM_MAX_KEYS)
        entries[(*count)++] = (MapEntry){key, value_from_int(by)};
}

static Status histogram_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                            Error *err)
{
    size_t count = state.len;
    *next        = state;
    if (value_is_null(args[0]))
        return OK; /* a NULL key is one that no format can write */
    MapEntry *entries = copy_entries(state, 1, arena);
    count_key(entries, &count, args[0], 1);
    *next = value_map(entries, count);
    return OK;
}

static Status histogram_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    size_t          count   = a.len;
    MapEntry       *entries = copy_entries(a, b.len, arena);
    const MapEntry *more    = value_entries(b);
    for (size_t i = 0; i < b.len; i++)
        count_key(entries, &count, more[i].key, more[i].value.as.i64);
    *next = value_map(entries, count);
    return OK;
}

static Status histogram_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next        = state;
    ptrdiff_t at = value_is_null(args[0]) ? -1 : key_find(value_entries(state), state.len, args[0]);
    if (at < 0)
        return OK;
    MapEntry *entries = copy_entries(state, 0, arena);
    size_t    count   = state.len;
    entries[at].value = value_from_int(entries[at].value.as.i64 - 1);
    if (entries[at].value.as.i64 < 1) {
        memmove(entries + at, entries + at + 1, (count - (size_t)at - 1) * sizeof *entries);
        count--;
    }
    *next = value_map(entries, count);
    return OK;
}

/* ---- ATTR: ARRAY<STRUCT<VALUE T, COUNT INT>> ---- */

enum { ATTR_VALUE, ATTR_COUNT };

static const SqlType *attr_type(const AggregateCall *call)
{
    return call->state_type->element->fields[ATTR_VALUE].type;
}

static ptrdiff_t attr_find(const AggregateCall *call, Value state, Value value)
{
    for (size_t i = 0; i < state.len; i++)
        if (value_equal(attr_type(call), value_items(value_items(state)[i])[ATTR_VALUE], value))
            return (ptrdiff_t)i;
    return -1;
}

static Value attr_entry(Arena *arena, Value value, int64_t count)
{
    Value *fields      = arena_alloc(arena, 2 * sizeof *fields);
    fields[ATTR_VALUE] = value;
    fields[ATTR_COUNT] = value_from_int(count > 0 ? count : 0);
    return value_array(fields, 2);
}

static Status attr_shift(const AggregateCall *call, Value state, Value value, int64_t by, Arena *arena, Value *next, Error *err)
{
    ptrdiff_t at = attr_find(call, state, value);
    *next        = state;
    if (at < 0)
        return by > 0 ? agg_append(state, attr_entry(arena, value, by), arena, next, err) : OK;
    Value *items = agg_new_items(arena, state.len, err);
    if (items == NULL)
        return E_LIMIT;
    memcpy(items, value_items(state), state.len * sizeof *items);
    items[at] = attr_entry(arena, value, value_items(items[at])[ATTR_COUNT].as.i64 + by);
    *next     = value_array(items, state.len);
    return OK;
}

static Status attr_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    return attr_shift(call, state, args[0], 1, arena, next, err);
}

static Status attr_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    return attr_shift(call, state, args[0], -1, arena, next, err);
}

static Status attr_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = a;
    for (size_t i = 0; i < b.len; i++) {
        const Value *entry = value_items(value_items(b)[i]);
        if (entry[ATTR_COUNT].as.i64 > 0)
            TRY(attr_shift(call, *next, entry[ATTR_VALUE], entry[ATTR_COUNT].as.i64, arena, next, err));
    }
    return OK;
}

/* The only value that still counts; NULL is a value like any other. */
static Status attr_result(const AggregateCall *call, Value state, Arena *arena, Value *out, Error *err)
{
    size_t present = 0;
    *out           = value_null();
    for (size_t i = 0; i < state.len; i++) {
        const Value *entry = value_items(value_items(state)[i]);
        if (entry[ATTR_COUNT].as.i64 > 0) {
            present++;
            *out = entry[ATTR_VALUE];
        }
    }
    if (present != 1)
        *out = value_null();
    return OK;
}

const AggregateFn misc_aggregates[] = {
    {"histogram", "(val STRING) -> MAP<STRING, BIGINT>", "MAP<STRING, BIGINT>", "How often each value occurs; 1000 values at most.", NULL,
     agg_init_empty, histogram_add, histogram_merge, histogram_undo, NULL, NULL},
    {"ATTR", "(val T) -> T", "ARRAY<STRUCT<VALUE T, COUNT INT>>", "The one value that all rows have, else NULL.", NULL, agg_init_empty,
     attr_add, attr_merge, attr_undo, attr_result, NULL},
    {0},
};
