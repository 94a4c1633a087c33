/*
 * agg_collect.c - COLLECT_LIST and COLLECT_SET: the values of a group as an array, NULLs included, up to a
 * configured limit.
 */
#include "udf/agg.h"

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

/* What is there stays, whatever the limit says now. */
static bool is_full(const AggregateCall *call, Value state)
{
    return call->limit >= 0 && (int64_t)state.len >= call->limit;
}

static Status list_add(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    return is_full(call, *state) ? OK : agg_append(call, state, args[0], context, err);
}

static Status list_merge(const AggregateCall *call, Value *state, Value other,
                         const AggregateContext *context, Error *err)
{
    for (size_t i = 0; i < other.len && !is_full(call, *state); i++)
        TRY(agg_append(call, state, value_items(other)[i], context, err));
    return OK;
}

/* The last equal element leaves. */
static Status list_undo(const AggregateCall *call, Value *state, const Value *args,
                        const AggregateContext *context, Error *err)
{
    size_t at = state->len;
    while (at > 0 && !value_equal(call->state_type->element, value_items(*state)[at - 1], args[0]))
        at--;
    if (at == 0)
        return OK;
    Value *items = agg_items(state, state->len, context, err);
    if (items == NULL)
        return E_LIMIT;
    memmove(items + at - 1, items + at, (state->len - at) * sizeof *items);
    state->len--;
    return OK;
}

static Value element_at(Value list, size_t at) { return value_items(list)[at]; }

static Status set_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    if (is_full(call, *state) ||
        growth_find(context->memory, call->state_type->element, element_at, *state, args[0]) >= 0)
        return OK;
    return agg_append(call, state, args[0], context, err);
}

static Status set_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    for (size_t i = 0; i < other.len; i++)
        TRY(set_add(call, state, &value_items(other)[i], context, err));
    return OK;
}

const AggregateFn collect_aggregates[] = {
    {"collect_list", "(val T) -> ARRAY<T>", "ARRAY<T>", "All values, NULLs included, in order of arrival.",
     list_bind, agg_init_empty, list_add, list_merge, list_undo, NULL, NULL},
    {"collect_set", "(val T) -> ARRAY<T>", "ARRAY<T>", "The distinct values, in order of first arrival.",
     set_bind, agg_init_empty, set_add, set_merge, NULL, NULL, NULL},
    {0},
};
