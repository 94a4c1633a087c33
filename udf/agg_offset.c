/*
 * agg_offset.c - EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: first and last values by order of arrival.
 *
 * The state carries the sequence number that the caller gave each row, so that sessions merge in order (functions.md 4.3).
 * Sequences compare as unsigned. A single state without a sequence (NULL struct, or NULL SEQ) has seen nothing.
 */
#include "udf/agg.h"

enum { FIELD_SEQ, FIELD_VAL };

/* Constants are (n), (ignore nulls) or (n, ignore nulls). */
static bool ignores_nulls(const AggregateCall *call)
{
    size_t last = call->constant_count;
    if (last == 0 || call->constant_types[last - 1]->kind != T_BOOLEAN || value_is_null(call->constants[last - 1]))
        return true;
    return value_bool(call->constants[last - 1]);
}

static Status bind_count(AggregateCall *call, const char *name, Error *err)
{
    if (value_is_null(call->constants[0]) || value_int(call->constants[0]) <= 0)
        return error_set(err, E_PLAN, NO_POS, "%s must be 1 or greater", name);
    call->limit = value_int(call->constants[0]);
    return OK;
}

static Status earliest_bind(AggregateCall *call, Arena *arena, Error *err)
{
    return bind_count(call, "earliestN", err);
}

static Status latest_bind(AggregateCall *call, Arena *arena, Error *err)
{
    return bind_count(call, "latestN", err);
}

static Value new_entry(Arena *arena, int64_t sequence, Value value)
{
    Value *fields     = arena_alloc(arena, 2 * sizeof *fields);
    fields[FIELD_SEQ] = value_from_int(sequence);
    fields[FIELD_VAL] = value;
    return value_array(fields, 2);
}

static bool is_empty(Value entry)
{
    return value_is_null(entry) || value_is_null(value_items(entry)[FIELD_SEQ]);
}

static uint64_t sequence_of(Value entry)
{
    return (uint64_t)value_items(entry)[FIELD_SEQ].as.i64;
}

static Status earliest_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                           Error *err)
{
    bool skip = !is_empty(state) || (value_is_null(args[0]) && ignores_nulls(call));
    *next     = skip ? state : new_entry(arena, sequence, args[0]);
    return OK;
}

static Status earliest_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    if (is_empty(a) || is_empty(b))
        *next = is_empty(a) ? b : a;
    else
        *next = sequence_of(b) < sequence_of(a) ? b : a;
    return OK;
}

static Status latest_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                         Error *err)
{
    *next = value_is_null(args[0]) && ignores_nulls(call) ? state : new_entry(arena, sequence, args[0]);
    return OK;
}

static Status latest_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    if (is_empty(a) || is_empty(b))
        *next = is_empty(a) ? b : a;
    else
        *next = sequence_of(b) >= sequence_of(a) ? b : a;
    return OK;
}

static Status entry_result(const AggregateCall *call, Value state, Arena *arena, Value *out, Error *err)
{
    *out = value_is_null(state) ? state : value_items(state)[FIELD_VAL];
    return OK;
}

/* ---- the list forms ---- */

static Status first_n_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                          Error *err)
{
    *next = state;
    if ((int64_t)state.len >= call->limit || (value_is_null(args[0]) && ignores_nulls(call)))
        return OK;
    return agg_append(state, new_entry(arena, sequence, args[0]), arena, next, err);
}

static Status last_n_add(const AggregateCall *call, Value state, const Value *args, int64_t sequence, Arena *arena, Value *next,
                         Error *err)
{
    *next = state;
    if (value_is_null(args[0]) && ignores_nulls(call))
        return OK;
    if ((int64_t)state.len >= call->limit)
        state = value_array(value_items(state) + 1, state.len - 1);
    return agg_append(state, new_entry(arena, sequence, args[0]), arena, next, err);
}

/* Both lists are in order of arrival; so is the merged one. */
static Status merge_ordered(Value a, Value b, Arena *arena, Value *next, Error *err)
{
    const Value *x = value_items(a), *y = value_items(b);
    size_t       i = 0, j = 0;
    Value       *items = agg_new_items(arena, (size_t)a.len + b.len, err);
    if (items == NULL)
        return E_LIMIT;
    while (i < a.len || j < b.len) {
        bool left    = j == b.len || (i < a.len && sequence_of(x[i]) <= sequence_of(y[j]));
        items[i + j] = left ? x[i] : y[j];
        if (left)
            i++;
        else
            j++;
    }
    *next = value_array(items, i + j);
    return OK;
}

static Status first_n_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    TRY(merge_ordered(a, b, arena, next, err));
    if ((int64_t)next->len > call->limit)
        next->len = (uint32_t)call->limit;
    return OK;
}

static Status last_n_merge(const AggregateCall *call, Value a, Value b, Arena *arena, Value *next, Error *err)
{
    TRY(merge_ordered(a, b, arena, next, err));
    if ((int64_t)next->len > call->limit)
        *next = value_array(value_items(*next) + (next->len - (size_t)call->limit), (size_t)call->limit);
    return OK;
}

static Status list_result(const AggregateCall *call, Value state, Arena *arena, Value *out, Error *err)
{
    Value *values = agg_new_items(arena, state.len, err);
    if (values == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < state.len; i++)
        values[i] = value_items(state)[i].flags & VALUE_NULL ? value_null() : value_items(value_items(state)[i])[FIELD_VAL];
    *out = value_array(values, state.len);
    return OK;
}

#define SINGLE_STATE "STRUCT<SEQ BIGINT, VAL T>"
#define LIST_STATE   "ARRAY<STRUCT<SEQ BIGINT, VAL T>>"
#define EARLIEST_DOC "The first value, or the first n values, by order of arrival."
#define LATEST_DOC   "The last value, or the last n values, by order of arrival."

#define BY_OFFSET_ROWS(name, doc, n, bind, one_add, one_merge, n_add, n_merge)                                               \
    {name, "(val T) -> T", SINGLE_STATE, doc, NULL, agg_init_null, one_add, one_merge, NULL, entry_result, NULL},            \
    {name, "(val T, CONST ignoreNulls BOOLEAN) -> T", SINGLE_STATE, doc, NULL, agg_init_null, one_add, one_merge, NULL,      \
     entry_result, NULL},                                                                                                    \
    {name, "(val T, CONST " n " INT) -> ARRAY<T>", LIST_STATE, doc, bind, agg_init_empty, n_add, n_merge, NULL,              \
     list_result, NULL},                                                                                                     \
    {name, "(val T, CONST " n " INT, CONST ignoreNulls BOOLEAN) -> ARRAY<T>", LIST_STATE, doc, bind, agg_init_empty, n_add,  \
     n_merge, NULL, list_result, NULL}

const AggregateFn offset_aggregates[] = {
    BY_OFFSET_ROWS("EARLIEST_BY_OFFSET", EARLIEST_DOC, "earliestN", earliest_bind, earliest_add, earliest_merge, first_n_add, first_n_merge),
    BY_OFFSET_ROWS("LATEST_BY_OFFSET", LATEST_DOC, "latestN", latest_bind, latest_add, latest_merge, last_n_add, last_n_merge),
    {0},
};
