/*
 * agg_collect.c - COLLECT_LIST and COLLECT_SET: the values of a group as an array, NULLs included, up to a configured limit.
 */
#include "udf/agg.h"

static const SqlType *element_of(const AggregateCall *call)
{
    return call->state_type->element;
}

/* A negative limit is none, whatever its size. */
static void set_limit(AggregateCall *call, const char *key)
{
    int64_t limit = agg_config_int(call, key, -1);
    call->limit   = limit < 0 ? -1 : limit;
}

static Status list_bind(AggregateCall *call, Arena *arena, Error *err)
{
    set_limit(call, "ksql.functions.collect_list.limit");
    return OK;
}

static Status set_bind(AggregateCall *call, Arena *arena, Error *err)
{
    set_limit(call, "ksql.functions.collect_set.limit");
    return OK;
}

static bool is_full(const AggregateCall *call, Value state)
{
    return call->limit >= 0 && (int64_t)state.len >= call->limit;
}

static Status list_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = state;
    return is_full(call, state) ? OK : agg_append(state, args[0], arena, next, err);
}

static Status list_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    return agg_concat(a, b, call->limit, arena, next, err);
}

/* The last equal element leaves. */
static Status list_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    const Value *items = value_items(state);
    size_t       at    = state.len;
    *next              = state;
    while (at > 0 && !value_equal(element_of(call), items[at - 1], args[0]))
        at--;
    if (at == 0)
        return OK;
    Value *kept = agg_new_items(arena, state.len - 1, err);
    if (kept == NULL)
        return E_LIMIT;
    memcpy(kept, items, (at - 1) * sizeof *kept);
    memcpy(kept + at - 1, items + at, (state.len - at) * sizeof *kept);
    *next = value_array(kept, state.len - 1);
    return OK;
}

static Status set_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = state;
    if (is_full(call, state) || agg_find(element_of(call), state, args[0]) >= 0)
        return OK;
    return agg_append(state, args[0], arena, next, err);
}

static Status set_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    const Value *items = value_items(b);
    Value       *fresh = agg_new_items(arena, b.len, err);
    size_t       count = 0;
    if (fresh == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < b.len; i++)
        if (agg_find(element_of(call), a, items[i]) < 0)
            fresh[count++] = items[i];
    return agg_concat(a, value_array(fresh, count), call->limit, arena, next, err);
}

const AggregateFn collect_aggregates[] = {
    {"collect_list", "(val T) -> ARRAY<T>", "ARRAY<T>", "All values, NULLs included, in order of arrival.", list_bind, agg_init_empty,
     list_add, list_merge, list_undo, NULL, NULL},
    {"collect_set", "(val T) -> ARRAY<T>", "ARRAY<T>", "The distinct values, in order of first arrival.", set_bind, agg_init_empty,
     set_add, set_merge, NULL, NULL, NULL},
    {0},
};
