/*
 * agg.c - initial states, and arrays as states: shared by the aggregate families.
 */
#include "udf/agg.h"

#include <assert.h>

Value agg_init_zero(const AggregateCall *call)
{
    return call->state_type->kind == T_DOUBLE ? value_from_double(0.0) : value_from_int(0);
}

Value agg_init_null(const AggregateCall *call) { return value_null(); }

Value agg_init_empty(const AggregateCall *call) { return value_array(NULL, 0); }

Value agg_init_fields(const AggregateCall *call)
{
    static const Value zeros[AGG_FIELDS_MAX]; /* 0 and 0.0 alike */
    assert(call->state_type->field_count <= AGG_FIELDS_MAX);
    return value_array(zeros, call->state_type->field_count);
}

Value *agg_fields(const AggregateCall *call, Value *state, const AggregateContext *context, Error *err)
{
    return agg_items(state, call->state_type->field_count, context, err);
}

Value *agg_items(Value *state, size_t count, const AggregateContext *context, Error *err)
{
    return growth_items(context->memory, state, sizeof(Value), count, err);
}

Status agg_insert(const AggregateCall *call, Value *state, size_t at, Value item, size_t limit,
                  const AggregateContext *context, Error *err)
{
    size_t count = state->len < limit ? state->len + 1u : state->len;
    Value *items = agg_items(state, count, context, err);
    if (items == NULL)
        return E_LIMIT;
    memmove(items + at + 1, items + at, (count - at - 1) * sizeof *items);
    items[at]  = value_null();
    state->len = (uint32_t)count;
    return growth_set(context->memory, call->state_type->element, &items[at], item, err);
}

Status agg_append(const AggregateCall *call, Value *state, Value item, const AggregateContext *context,
                  Error *err)
{
    return agg_insert(call, state, state->len, item, UINT32_MAX, context, err);
}

void agg_replace(const AggregateCall *call, Value *state, Value next, const AggregateContext *context)
{
    if (context->memory == NULL) /* its type has values of fixed size only */
        *state = next;
    else
        growth_replace(context->memory, call->state_type, next, state);
}

int64_t agg_config_int(const AggregateCall *call, const char *key, int64_t fallback)
{
    int64_t number;
    if (call->config == NULL)
        return fallback;
    Str text = call->config->get(call->config, str_c(key));
    return !str_is_null(text) && int64_parse(str_trim(text), &number) ? number : fallback;
}
