/*
 * agg_misc.c - HISTOGRAM and ATTR: counts per distinct value.
 */
#include "udf/agg.h"

/* ---- HISTOGRAM: MAP<STRING, BIGINT> ---- */

enum { HISTOGRAM_MAX_KEYS = 1000 };

static Value key_at(Value map, size_t at) { return value_entries(map)[at].key; }

static ptrdiff_t key_find(const AggregateContext *context, Value state, Value key)
{
    return growth_find(context->memory, &type_string, key_at, state, key);
}

static MapEntry *entries_of(Value *state, size_t count, const AggregateContext *context, Error *err)
{
    return growth_items(context->memory, state, sizeof(MapEntry), count, err);
}

/* Adds to the key's count; a new key is ignored once there are as many as allowed. */
static Status count_key(Value *state, Value key, int64_t by, const AggregateContext *context, Error *err)
{
    ptrdiff_t at = key_find(context, *state, key);
    if (at < 0 && state->len >= HISTOGRAM_MAX_KEYS)
        return OK;
    MapEntry *entries = entries_of(state, state->len + (at < 0), context, err);
    if (entries == NULL)
        return E_LIMIT;
    if (at >= 0) {
        entries[at].value.as.i64 += by;
        return OK;
    }
    entries[state->len] = (MapEntry){value_null(), value_from_int(by)};
    TRY(growth_set(context->memory, &type_string, &entries[state->len].key, key, err));
    state->len++;
    return OK;
}

static Status histogram_add(const AggregateCall *call, Value *state, const Value *args,
                            const AggregateContext *context, Error *err)
{
    if (value_is_null(args[0]))
        return OK; /* a NULL key is one that no format can write */
    return count_key(state, args[0], 1, context, err);
}

static Status histogram_merge(const AggregateCall *call, Value *state, Value other,
                              const AggregateContext *context, Error *err)
{
    const MapEntry *more = value_entries(other);
    for (size_t i = 0; i < other.len; i++)
        TRY(count_key(state, more[i].key, more[i].value.as.i64, context, err));
    return OK;
}

static Status histogram_undo(const AggregateCall *call, Value *state, const Value *args,
                             const AggregateContext *context, Error *err)
{
    ptrdiff_t at = value_is_null(args[0]) ? -1 : key_find(context, *state, args[0]);
    if (at < 0)
        return OK;
    MapEntry *entries = entries_of(state, state->len, context, err);
    if (entries == NULL)
        return E_LIMIT;
    if (--entries[at].value.as.i64 >= 1)
        return OK;
    memmove(entries + at, entries + at + 1, (state->len - (size_t)at - 1) * sizeof *entries);
    state->len--;
    growth_unindex(context->memory);
    return OK;
}

/* ---- ATTR: ARRAY<STRUCT<VALUE T, COUNT INT>> ---- */

enum { ATTR_VALUE, ATTR_COUNT };

static const SqlType *attr_type(const AggregateCall *call)
{
    return call->state_type->element->fields[ATTR_VALUE].type;
}

static Value attr_at(Value list, size_t at) { return value_items(value_items(list)[at])[ATTR_VALUE]; }

static Status attr_shift(const AggregateCall *call, Value *state, Value value, int64_t by,
                         const AggregateContext *context, Error *err)
{
    ptrdiff_t at = growth_find(context->memory, attr_type(call), attr_at, *state, value);
    if (at < 0) {
        Value entry[] = {value, value_from_int(by)};
        return by > 0 ? agg_append(call, state, value_array(entry, ARRAY_LEN(entry)), context, err) : OK;
    }
    Value  *entry     = (Value *)(uintptr_t)value_items(*state)[at].as.ptr; /* a copy that agg_append made */
    int64_t count     = entry[ATTR_COUNT].as.i64 + by;
    entry[ATTR_COUNT] = value_from_int(count > 0 ? count : 0);
    return OK;
}

static Status attr_add(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    return attr_shift(call, state, args[0], 1, context, err);
}

static Status attr_undo(const AggregateCall *call, Value *state, const Value *args,
                        const AggregateContext *context, Error *err)
{
    return attr_shift(call, state, args[0], -1, context, err);
}

static Status attr_merge(const AggregateCall *call, Value *state, Value other,
                         const AggregateContext *context, Error *err)
{
    for (size_t i = 0; i < other.len; i++) {
        const Value *entry = value_items(value_items(other)[i]);
        if (entry[ATTR_COUNT].as.i64 > 0)
            TRY(attr_shift(call, state, entry[ATTR_VALUE], entry[ATTR_COUNT].as.i64, context, err));
    }
    return OK;
}

/* The only value that still counts; NULL is a value like any other. */
static Status attr_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                          Error *err)
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
    {"histogram", "(val STRING) -> MAP<STRING, BIGINT>", "MAP<STRING, BIGINT>",
     "How often each value occurs; 1000 values at most.", NULL, agg_init_empty, histogram_add,
     histogram_merge, histogram_undo, NULL, NULL},
    {"ATTR", "(val T) -> T", "ARRAY<STRUCT<VALUE T, COUNT INT>>",
     "The one value that all rows have, else NULL.", NULL, agg_init_empty, attr_add, attr_merge, attr_undo,
     attr_result, NULL},
    {0},
};
