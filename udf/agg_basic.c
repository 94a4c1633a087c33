/*
 * agg_basic.c - COUNT, SUM, SUM_LIST, AVG, MIN, MAX: the aggregates on the hottest path.
 *
 * A state is a number by value, or two numbers in the batch arena: accumulate allocates nothing else. NULLs are ignored, integers
 * wrap, and an empty SUM or AVG is 0, not NULL (functions.md 4.2). AVG of INT sums in 64 bits, a deliberate difference.
 */
#include "core/decimal.h"
#include "udf/agg.h"

static int64_t wrap32(int64_t n)
{
    return (int32_t)(uint32_t)(uint64_t)n;
}

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_subtract(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* ---- COUNT ---- */

static Status count_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = value_from_int(state.as.i64 + !value_is_null(args[0]));
    return OK;
}

static Status count_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = value_from_int(wrap_add(a.as.i64, b.as.i64));
    return OK;
}

static Status count_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = value_from_int(state.as.i64 - !value_is_null(args[0]));
    return OK;
}

/* ---- SUM of integers and doubles ---- */

static Status int_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_int(wrap32(state.as.i64 + args[0].as.i64));
    return OK;
}

static Status int_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = value_from_int(wrap32(a.as.i64 + b.as.i64));
    return OK;
}

static Status int_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_int(wrap32(state.as.i64 - args[0].as.i64));
    return OK;
}

static Status bigint_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                         Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_int(wrap_add(state.as.i64, args[0].as.i64));
    return OK;
}

static Status bigint_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_int(wrap_subtract(state.as.i64, args[0].as.i64));
    return OK;
}

static Status double_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                         Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_double(state.as.f64 + args[0].as.f64);
    return OK;
}

static Status double_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = value_from_double(a.as.f64 + b.as.f64);
    return OK;
}

static Status double_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = value_is_null(args[0]) ? state : value_from_double(state.as.f64 - args[0].as.f64);
    return OK;
}

/* ---- SUM of decimals: rounded to p significant digits after each step ---- */

static Status round_digits(const AggregateCall *call, Value sum, Arena *arena, Value *next, Error *err)
{
    int excess = decimal_precision(sum) - call->state_type->precision;
    *next      = sum;
    return excess > 0 ? decimal_rescale(arena, sum, sum.scale - excess, ROUND_HALF_UP, next, err) : OK;
}

static Status decimal_sum_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                              Error *err)
{
    const SqlType *type = call->state_type;
    Value          fitted;
    *next = state;
    if (value_is_null(args[0]))
        return OK;
    TRY(round_digits(call, decimal_add(arena, state, args[0]), arena, next, err));
    /* Only the number of whole digits is checked; the value keeps the scale that the addition gave it. */
    Status status = decimal_fit(arena, *next, type->precision, type->scale, ROUND_HALF_UP, &fitted, err);
    if (status == E_DATA && err != NULL)
        err->code = E_FATAL_DATA;
    return status == E_DATA ? E_FATAL_DATA : status;
}

static Status decimal_sum_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    return round_digits(call, decimal_add(arena, a, b), arena, next, err);
}

static Status decimal_sum_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = state;
    return value_is_null(args[0]) ? OK : round_digits(call, decimal_subtract(arena, state, args[0]), arena, next, err);
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
            state.as.i64 = sign > 0 ? wrap_add(state.as.i64, items[i].as.i64) : wrap_subtract(state.as.i64, items[i].as.i64);
    }
    if (call->state_type->kind == T_INTEGER)
        state.as.i64 = wrap32(state.as.i64);
    return state;
}

static Status list_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = list_sum(call, state, args[0], 1);
    return OK;
}

static Status list_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    *next = list_sum(call, state, args[0], -1);
    return OK;
}

/* ---- AVG: STRUCT<SUM, COUNT> ---- */

static Value avg_state(Arena *arena, Value sum, int64_t count)
{
    Value *fields = arena_alloc(arena, 2 * sizeof *fields);
    fields[0]     = sum;
    fields[1]     = value_from_int(count);
    return value_array(fields, 2);
}

static bool avg_of_double(const AggregateCall *call)
{
    return call->arg_types[0]->kind == T_DOUBLE;
}

static Value avg_init(const AggregateCall *call, Arena *arena)
{
    return avg_state(arena, avg_of_double(call) ? value_from_double(0.0) : value_from_int(0), 0);
}

static Value avg_plus(const AggregateCall *call, Value a, Value b, int sign)
{
    if (avg_of_double(call))
        return value_from_double(a.as.f64 + sign * b.as.f64);
    return value_from_int(sign > 0 ? wrap_add(a.as.i64, b.as.i64) : wrap_subtract(a.as.i64, b.as.i64));
}

static Status avg_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    const Value *old = value_items(state);
    *next = value_is_null(args[0]) ? state : avg_state(arena, avg_plus(call, old[0], args[0], 1), old[1].as.i64 + 1);
    return OK;
}

static Status avg_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    const Value *x = value_items(a), *y = value_items(b);
    *next = avg_state(arena, avg_plus(call, x[0], y[0], 1), x[1].as.i64 + y[1].as.i64);
    return OK;
}

static Status avg_undo(const AggregateCall *call, Value state, const Value *args, Arena *arena, Value *next, Error *err)
{
    const Value *old = value_items(state);
    *next = value_is_null(args[0]) ? state : avg_state(arena, avg_plus(call, old[0], args[0], -1), old[1].as.i64 - 1);
    return OK;
}

static Status avg_result(const AggregateCall *call, Value state, Arena *arena, Value *out, Error *err)
{
    const Value *fields = value_items(state);
    double       sum    = avg_of_double(call) ? fields[0].as.f64 : (double)fields[0].as.i64;
    *out = value_from_double(fields[1].as.i64 == 0 ? 0.0 : sum / (double)fields[1].as.i64);
    return OK;
}

/* ---- MIN, MAX ---- */

static Value better(const AggregateCall *call, Value a, Value b, int sign)
{
    if (value_is_null(b))
        return a;
    if (value_is_null(a))
        return b;
    return sign * value_compare(call->state_type, b, a) > 0 ? b : a;
}

static Status max_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = better(call, state, args[0], 1);
    return OK;
}

static Status max_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = better(call, a, b, 1);
    return OK;
}

static Status min_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next, Error *err)
{
    *next = better(call, state, args[0], -1);
    return OK;
}

static Status min_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    *next = better(call, a, b, -1);
    return OK;
}

#define SUM_ROW(type, add, merge, undo)                                                                                      \
    {"SUM", "(val " type ") -> " type, type, "The sum of the values that are not NULL; 0 when there is none.", NULL,         \
     agg_init_zero, add, merge, undo, NULL, NULL}
#define SUM_LIST_ROW(type, merge)                                                                                            \
    {"sum_list", "(val ARRAY<" type ">) -> " type, type, "The sum of all elements that are not NULL.", NULL, agg_init_zero,  \
     list_add, merge, list_undo, NULL, NULL}
#define AVG_ROW(type, sum)                                                                                                   \
    {"avg", "(val " type ") -> DOUBLE", "STRUCT<SUM " sum ", COUNT BIGINT>",                                                 \
     "The mean of the values that are not NULL; 0.0 when there is none.", NULL, avg_init, avg_add, avg_merge, avg_undo,      \
     avg_result, NULL}
#define MIN_MAX_ROWS(type)                                                                                                   \
    {"MIN", "(val " type ") -> " type, type, "The lowest value; NULLs are ignored.", NULL, agg_init_null, min_add,           \
     min_merge, NULL, NULL, NULL},                                                                                           \
    {"MAX", "(val " type ") -> " type, type, "The highest value; NULLs are ignored.", NULL, agg_init_null, max_add,          \
     max_merge, NULL, NULL, NULL}

const AggregateFn basic_aggregates[] = {
    {"COUNT", "(val T) -> BIGINT", "BIGINT", "How many values are not NULL; COUNT(*) counts rows.", NULL, agg_init_zero, count_add,
     count_merge, count_undo, NULL, NULL},
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
