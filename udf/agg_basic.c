/*
 * agg_basic.c - COUNT, SUM, SUM_LIST, AVG, MIN, MAX: the aggregates on the hottest path.
 *
 * A state is a number by value, or two numbers in its memory: nothing is allocated per row. NULLs are
 * ignored, integers wrap, and an empty SUM or AVG is 0, not NULL (functions.md 4.2). AVG of INT sums in 64
 * bits, a deliberate difference.
 */
#include "core/decimal.h"
#include "udf/agg.h"

static int64_t wrap32(int64_t n) { return (int32_t)(uint32_t)(uint64_t)n; }

static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

static int64_t wrap_subtract(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

/* ---- COUNT ---- */

static Status count_add(const AggregateCall *call, Value *state, const Value *args,
                        const AggregateContext *context, Error *err)
{
    state->as.i64 += !value_is_null(args[0]);
    return OK;
}

static Status count_merge(const AggregateCall *call, Value *state, Value other,
                          const AggregateContext *context, Error *err)
{
    state->as.i64 = wrap_add(state->as.i64, other.as.i64);
    return OK;
}

static Status count_undo(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err)
{
    state->as.i64 -= !value_is_null(args[0]);
    return OK;
}

/* ---- SUM of integers and doubles ---- */

static Status int_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.i64 = wrap32(state->as.i64 + args[0].as.i64);
    return OK;
}

static Status int_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    state->as.i64 = wrap32(state->as.i64 + other.as.i64);
    return OK;
}

static Status int_undo(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.i64 = wrap32(state->as.i64 - args[0].as.i64);
    return OK;
}

static Status bigint_add(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.i64 = wrap_add(state->as.i64, args[0].as.i64);
    return OK;
}

static Status bigint_undo(const AggregateCall *call, Value *state, const Value *args,
                          const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.i64 = wrap_subtract(state->as.i64, args[0].as.i64);
    return OK;
}

static Status double_add(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.f64 += args[0].as.f64;
    return OK;
}

static Status double_merge(const AggregateCall *call, Value *state, Value other,
                           const AggregateContext *context, Error *err)
{
    state->as.f64 += other.as.f64;
    return OK;
}

static Status double_undo(const AggregateCall *call, Value *state, const Value *args,
                          const AggregateContext *context, Error *err)
{
    if (!value_is_null(args[0]))
        state->as.f64 -= args[0].as.f64;
    return OK;
}

/* ---- SUM of decimals: rounded to p significant digits after each step ---- */

static Status decimal_store(const AggregateCall *call, Value *state, Value sum,
                            const AggregateContext *context, Error *err)
{
    int excess = decimal_precision(sum) - call->state_type->precision;
    if (excess > 0)
        TRY(decimal_rescale(context->scratch, sum, sum.scale - excess, ROUND_HALF_UP, &sum, err));
    return growth_set(context->memory, call->state_type, state, sum, err);
}

static Status decimal_sum_add(const AggregateCall *call, Value *state, const Value *args,
                              const AggregateContext *context, Error *err)
{
    const SqlType *type = call->state_type;
    Value          fitted;
    if (value_is_null(args[0]))
        return OK;
    TRY(decimal_store(call, state, decimal_add(context->scratch, *state, args[0]), context, err));
    /* Only the number of whole digits is checked; the value keeps the scale that the addition gave it. */
    Status status =
        decimal_fit(context->scratch, *state, type->precision, type->scale, ROUND_HALF_UP, &fitted, err);
    if (status == E_DATA && err != NULL)
        err->code = E_FATAL_DATA;
    return status == E_DATA ? E_FATAL_DATA : status;
}

static Status decimal_sum_merge(const AggregateCall *call, Value *state, Value other,
                                const AggregateContext *context, Error *err)
{
    return decimal_store(call, state, decimal_add(context->scratch, *state, other), context, err);
}

static Status decimal_sum_undo(const AggregateCall *call, Value *state, const Value *args,
                               const AggregateContext *context, Error *err)
{
    if (value_is_null(args[0]))
        return OK;
    return decimal_store(call, state, decimal_subtract(context->scratch, *state, args[0]), context, err);
}

/* ---- SUM_LIST ---- */

static Value list_sum(const AggregateCall *call, Value state, Value list, int sign)
{
    const Value *items = value_items(list);
    if (value_is_null(list))
        return state;
    for (size_t i = 0; i < list.len; i++) {
        if (value_is_null(items[i]))
            continue;
        if (call->state_type->kind == T_DOUBLE)
            state.as.f64 += sign * items[i].as.f64;
        else
            state.as.i64 = sign > 0 ? wrap_add(state.as.i64, items[i].as.i64)
                                    : wrap_subtract(state.as.i64, items[i].as.i64);
    }
    if (call->state_type->kind == T_INTEGER)
        state.as.i64 = wrap32(state.as.i64);
    return state;
}

static Status list_add(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    *state = list_sum(call, *state, args[0], 1);
    return OK;
}

static Status list_undo(const AggregateCall *call, Value *state, const Value *args,
                        const AggregateContext *context, Error *err)
{
    *state = list_sum(call, *state, args[0], -1);
    return OK;
}

/* ---- AVG: STRUCT<SUM, COUNT> ---- */

static bool avg_of_double(const AggregateCall *call) { return call->arg_types[0]->kind == T_DOUBLE; }

static Status avg_shift(const AggregateCall *call, Value *state, Value sum, int sign, int64_t count,
                        const AggregateContext *context, Error *err)
{
    Value *fields = agg_fields(call, state, context, err);
    if (fields == NULL)
        return E_LIMIT;
    if (avg_of_double(call))
        fields[0].as.f64 += sign * sum.as.f64;
    else
        fields[0].as.i64 =
            sign > 0 ? wrap_add(fields[0].as.i64, sum.as.i64) : wrap_subtract(fields[0].as.i64, sum.as.i64);
    fields[1].as.i64 += sign * count;
    return OK;
}

static Status avg_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    return value_is_null(args[0]) ? OK : avg_shift(call, state, args[0], 1, 1, context, err);
}

static Status avg_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    const Value *more = value_items(other);
    return avg_shift(call, state, more[0], 1, more[1].as.i64, context, err);
}

static Status avg_undo(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    return value_is_null(args[0]) ? OK : avg_shift(call, state, args[0], -1, 1, context, err);
}

static Status avg_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                         Error *err)
{
    const Value *fields = value_items(state);
    double       sum    = avg_of_double(call) ? fields[0].as.f64 : (double)fields[0].as.i64;
    *out                = value_from_double(fields[1].as.i64 == 0 ? 0.0 : sum / (double)fields[1].as.i64);
    return OK;
}

/* ---- MIN, MAX ---- */

/* sign 1: the higher one stays; -1: the lower one. */
static Status keep_better(const AggregateCall *call, Value *state, Value v, int sign,
                          const AggregateContext *context, Error *err)
{
    if (value_is_null(v) ||
        (!value_is_null(*state) && sign * value_compare(call->state_type, v, *state) <= 0))
        return OK;
    return growth_set(context->memory, call->state_type, state, v, err);
}

static Status max_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    return keep_better(call, state, args[0], 1, context, err);
}

static Status max_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    return keep_better(call, state, other, 1, context, err);
}

static Status min_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    return keep_better(call, state, args[0], -1, context, err);
}

static Status min_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    return keep_better(call, state, other, -1, context, err);
}

#define SUM_ROW(type, add, merge, undo)                                                                      \
    {                                                                                                        \
        "SUM", "(val " type ") -> " type, type,                                                              \
            "The sum of the values that are not NULL; 0 when there is none.", NULL, agg_init_zero, add,      \
            merge, undo, NULL, NULL                                                                          \
    }
#define SUM_LIST_ROW(type, merge)                                                                            \
    {                                                                                                        \
        "sum_list", "(val ARRAY<" type ">) -> " type, type, "The sum of all elements that are not NULL.",    \
            NULL, agg_init_zero, list_add, merge, list_undo, NULL, NULL                                      \
    }
#define AVG_ROW(type, sum)                                                                                   \
    {                                                                                                        \
        "avg", "(val " type ") -> DOUBLE", "STRUCT<SUM " sum ", COUNT BIGINT>",                              \
            "The mean of the values that are not NULL; 0.0 when there is none.", NULL, agg_init_fields,      \
            avg_add, avg_merge, avg_undo, avg_result, NULL                                                   \
    }
#define MIN_MAX_ROWS(type)                                                                                   \
    {"MIN",   "(val " type ") -> " type,                                                                     \
     type,    "The lowest value; NULLs are ignored.",                                                        \
     NULL,    agg_init_null,                                                                                 \
     min_add, min_merge,                                                                                     \
     NULL,    NULL,                                                                                          \
     NULL},                                                                                                  \
    {                                                                                                        \
        "MAX", "(val " type ") -> " type, type, "The highest value; NULLs are ignored.", NULL,               \
            agg_init_null, max_add, max_merge, NULL, NULL, NULL                                              \
    }

const AggregateFn basic_aggregates[] = {
    {"COUNT", "(val T) -> BIGINT", "BIGINT", "How many values are not NULL; COUNT(*) counts rows.", NULL,
     agg_init_zero, count_add, count_merge, count_undo, NULL, NULL},
    SUM_ROW("INT", int_add, int_merge, int_undo),
    SUM_ROW("BIGINT", bigint_add, count_merge, bigint_undo),
    SUM_ROW("DOUBLE", double_add, double_merge, double_undo),
    SUM_ROW("DECIMAL", decimal_sum_add, decimal_sum_merge, decimal_sum_undo),
    SUM_LIST_ROW("INT", int_merge),
    SUM_LIST_ROW("BIGINT", count_merge),
    SUM_LIST_ROW("DOUBLE", double_merge),
    AVG_ROW("INT", "BIGINT"),
    AVG_ROW("BIGINT", "BIGINT"),
    AVG_ROW("DOUBLE", "DOUBLE"),
    MIN_MAX_ROWS("INT"),
    MIN_MAX_ROWS("BIGINT"),
    MIN_MAX_ROWS("DOUBLE"),
    MIN_MAX_ROWS("DECIMAL"),
    MIN_MAX_ROWS("DATE"),
    MIN_MAX_ROWS("TIME"),
    MIN_MAX_ROWS("TIMESTAMP"),
    MIN_MAX_ROWS("STRING"),
    MIN_MAX_ROWS("BYTES"),
    {0},
};

/* Sums of DOUBLE depend on their order, and so do decimals, which are rounded on the way. AVG's states are
 * left out, though those of whole numbers would do: a state in memory of its own costs more than a row. */
bool aggregate_adds_up(const FnResolved *resolved)
{
    const AggregateFn *row = resolved->aggregate;
    return row != NULL &&
           (row->accumulate == count_add || row->accumulate == int_add || row->accumulate == bigint_add ||
            row->accumulate == min_add || row->accumulate == max_add);
}
