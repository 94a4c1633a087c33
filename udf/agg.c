/*
 * agg.c - initial states, and arrays as states: shared by the aggregate families.
 *
 * States are immutable, so an appended list is a new array that shares the old elements.
 */
#include "udf/agg.h"

Value agg_init_zero(const AggregateCall *call, Arena *arena)
{
    return call->state_type->kind == T_DOUBLE ? value_from_double(0.0) : value_from_int(0);
}

Value agg_init_null(const AggregateCall *call, Arena *arena)
{
    return value_null();
}

Value agg_init_empty(const AggregateCall *call, Arena *arena)
{
    return value_array(NULL, 0);
}

Value *agg_new_items(Arena *arena, size_t count, Error *err)
{
    size_t size;
    if (!size_multiply(count, sizeof(Value), &size) || count > UINT32_MAX) {
        error_set(err, E_LIMIT, NO_POS, "an aggregate's list of %zu elements is too long", count);
        return NULL;
    }
    return arena_try_alloc(arena, size > 0 ? size : 1, err);
}

Status agg_append(Value state, Value item, Arena *arena, Value *next, Error *err)
{
    return agg_concat(state, value_array(&item, 1), -1, arena, next, err);
}

Status agg_concat(Value a, Value b, int64_t limit, Arena *arena, Value *next, Error *err)
{
    size_t count = (size_t)a.len + b.len;
    if (limit >= 0 && count > (size_t)limit)
        count = (size_t)limit > a.len ? (size_t)limit : a.len; /* what is there stays, whatever the limit says now */
    Value *items = agg_new_items(arena, count, err);
    if (items == NULL)
        return E_LIMIT;
    if (a.len > 0)
        memcpy(items, value_items(a), a.len * sizeof *items);
    if (count > a.len)
        memcpy(items + a.len, value_items(b), (count - a.len) * sizeof *items);
    *next = value_array(items, count);
    return OK;
}

ptrdiff_t agg_find(const SqlType *element, Value state, Value item)
{
    const Value *items = value_items(state);
    for (size_t i = 0; i < state.len; i++)
        if (value_equal(element, items[i], item))
            return (ptrdiff_t)i;
    return -1;
}

int64_t agg_config_int(const AggregateCall *call, const char *key, int64_t fallback)
{
    int64_t number;
    if (call->config == NULL)
        return fallback;
    Str text = call->config->get(call->config, str_c(key));
    return !str_is_null(text) && int64_parse(str_trim(text), &number) ? number : fallback;
}
