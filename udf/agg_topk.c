/*
 * agg_topk.c - TOPK and TOPKDISTINCT: the k highest values, descending.
 *
 * The state is the sorted result. On ties the earlier row stays in front, and an equal value never enters a
 * full list. With extra columns an element is a STRUCT whose first field is the value sorted by; its names
 * are lower case (functions.md 4.2).
 */
#include "udf/agg.h"

static Status bind_k(AggregateCall *call, const char *name, Error *err)
{
    Value k = call->constants[0];
    if (value_is_null(k) || value_int(k) <= 0)
        return error_set(err, E_PLAN, NO_POS, "%s: k must be 1 or greater", name);
    call->limit = value_int(k);
    return OK;
}

static Status topk_bind(AggregateCall *call, Arena *arena, Error *err) { return bind_k(call, "TOPK", err); }

static Status distinct_bind(AggregateCall *call, Arena *arena, Error *err)
{
    return bind_k(call, "TOPKDISTINCT", err);
}

static Status rows_bind(AggregateCall *call, Arena *arena, Error *err)
{
    call->state_type = call->result_type;
    return bind_k(call, "TOPK", err);
}

/* ARRAY<STRUCT<sort_col, col0, ...>>; the last argument is k. */
static Status rows_type(const SqlType *const *arg_types, size_t count, Arena *arena, const SqlType **out,
                        Error *err)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, count);
    for (size_t i = 0; i + 1 < count; i++) {
        fields[i].name = i == 0 ? STR_LIT("sort_col") : str_printf(arena, "col%zu", i - 1);
        fields[i].type = arg_types[i];
        if (fields[i].type->kind == T_NULL)
            return error_set(err, E_PLAN, NO_POS, "TOPK: use CAST() to give NULL a type.");
    }
    *out = type_array(arena, type_struct(arena, fields, count - 1));
    return OK;
}

static bool has_rows(const AggregateCall *call) { return call->state_type->element->kind == T_STRUCT; }

static Value sort_value(const AggregateCall *call, Value element)
{
    return has_rows(call) ? value_items(element)[0] : element;
}

static int compare(const AggregateCall *call, Value a, Value b)
{
    return value_compare(call->arg_types[0], sort_value(call, a), sort_value(call, b));
}

/* Where `item` goes: behind all that are not lower. */
static size_t place_of(const AggregateCall *call, Value state, Value item)
{
    size_t low = 0, high = state.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(call, value_items(state)[middle], item) >= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static Status insert(const AggregateCall *call, Value *state, Value item, bool distinct,
                     const AggregateContext *context, Error *err)
{
    size_t at = place_of(call, *state, item);
    if ((int64_t)at >= call->limit ||
        (distinct && at > 0 && compare(call, value_items(*state)[at - 1], item) == 0))
        return OK;
    return agg_insert(call, state, at, item, (size_t)call->limit, context, err);
}

static Status topk_add(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    Value item = has_rows(call) ? value_array(args, call->arg_count) : args[0];
    return value_is_null(args[0]) ? OK : insert(call, state, item, false, context, err);
}

static Status distinct_add(const AggregateCall *call, Value *state, const Value *args,
                           const AggregateContext *context, Error *err)
{
    return value_is_null(args[0]) ? OK : insert(call, state, args[0], true, context, err);
}

static Status topk_merge(const AggregateCall *call, Value *state, Value other,
                         const AggregateContext *context, Error *err)
{
    for (size_t i = 0; i < other.len; i++)
        TRY(insert(call, state, value_items(other)[i], false, context, err));
    return OK;
}

static Status distinct_merge(const AggregateCall *call, Value *state, Value other,
                             const AggregateContext *context, Error *err)
{
    for (size_t i = 0; i < other.len; i++)
        TRY(insert(call, state, value_items(other)[i], true, context, err));
    return OK;
}

#define TOPK_ROW(type)                                                                                       \
    {                                                                                                        \
        "TOPK", "(val " type ", CONST k INT) -> ARRAY<" type ">", "ARRAY<" type ">",                         \
            "The k highest values, descending.", topk_bind, agg_init_empty, topk_add, topk_merge, NULL,      \
            NULL, NULL                                                                                       \
    }
#define TOPK_ROWS_ROW(type)                                                                                  \
    {                                                                                                        \
        "TOPK",                                                                                              \
            "(sort_col " type ", cols ANY..., CONST k INT) -> ARRAY<STRUCT<sort_col " type ", col0 ANY>>",   \
            "?", "The k highest values with further columns of their rows, descending.", rows_bind,          \
            agg_init_empty, topk_add, topk_merge, NULL, NULL, rows_type                                      \
    }
#define TOPKDISTINCT_ROW(type)                                                                               \
    {                                                                                                        \
        "TOPKDISTINCT", "(val " type ", CONST k INT) -> ARRAY<" type ">", "ARRAY<" type ">",                 \
            "The k highest distinct values, descending.", distinct_bind, agg_init_empty, distinct_add,       \
            distinct_merge, NULL, NULL, NULL                                                                 \
    }

const AggregateFn topk_aggregates[] = {
    TOPK_ROW("INT"),
    TOPK_ROW("BIGINT"),
    TOPK_ROW("DOUBLE"),
    TOPK_ROW("STRING"),
    TOPK_ROWS_ROW("INT"),
    TOPK_ROWS_ROW("BIGINT"),
    TOPK_ROWS_ROW("DOUBLE"),
    TOPK_ROWS_ROW("STRING"),
    TOPKDISTINCT_ROW("INT"),
    TOPKDISTINCT_ROW("BIGINT"),
    TOPKDISTINCT_ROW("DOUBLE"),
    TOPKDISTINCT_ROW("STRING"),
    TOPKDISTINCT_ROW("DECIMAL"),
    TOPKDISTINCT_ROW("DATE"),
    TOPKDISTINCT_ROW("TIME"),
    TOPKDISTINCT_ROW("TIMESTAMP"),
    TOPKDISTINCT_ROW("BYTES"),
    {0},
};
