/*
 * agg_offset.c - EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: first and last values by order of arrival.
 *
 * The state carries the sequence number that the caller gave each row, so that sessions merge in order
 * (functions.md 4.3). Sequences compare as unsigned. A single state without a sequence (NULL struct, or NULL
 * SEQ) has seen nothing.
 */
#include "udf/agg.h"

enum { FIELD_SEQ, FIELD_VAL };

/* Constants are (n), (ignore nulls) or (n, ignore nulls). */
static bool ignores_nulls(const AggregateCall *call)
{
    size_t last = call->constant_count;
    if (last == 0 || call->constant_types[last - 1]->kind != T_BOOLEAN ||
        value_is_null(call->constants[last - 1]))
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

static Status set_entry(const AggregateCall *call, Value *state, int64_t sequence, Value value,
                        const AggregateContext *context, Error *err)
{
    if (value_is_null(*state))
        *state = value_array(NULL, 0);
    Value *fields = agg_fields(call, state, context, err);
    if (fields == NULL)
        return E_LIMIT;
    if (state->len == 0)
        fields[FIELD_VAL] = value_null();
    state->len        = 2;
    fields[FIELD_SEQ] = value_from_int(sequence);
    return growth_set(context->memory, call->state_type->fields[FIELD_VAL].type, &fields[FIELD_VAL], value,
                      err);
}

static bool is_empty(Value entry)
{
    return value_is_null(entry) || value_is_null(value_items(entry)[FIELD_SEQ]);
}

static uint64_t sequence_of(Value entry) { return (uint64_t)value_items(entry)[FIELD_SEQ].as.i64; }

static Status earliest_add(const AggregateCall *call, Value *state, const Value *args,
                           const AggregateContext *context, Error *err)
{
    bool skip = !is_empty(*state) || (value_is_null(args[0]) && ignores_nulls(call));
    return skip ? OK : set_entry(call, state, context->sequence, args[0], context, err);
}

static Status latest_add(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err)
{
    bool skip = value_is_null(args[0]) && ignores_nulls(call);
    return skip ? OK : set_entry(call, state, context->sequence, args[0], context, err);
}

static Status take_entry(const AggregateCall *call, Value *state, Value other,
                         const AggregateContext *context, Error *err)
{
    const Value *fields = value_items(other);
    return set_entry(call, state, fields[FIELD_SEQ].as.i64, fields[FIELD_VAL], context, err);
}

static Status earliest_merge(const AggregateCall *call, Value *state, Value other,
                             const AggregateContext *context, Error *err)
{
    bool takes = !is_empty(other) && (is_empty(*state) || sequence_of(other) < sequence_of(*state));
    return takes ? take_entry(call, state, other, context, err) : OK;
}

static Status latest_merge(const AggregateCall *call, Value *state, Value other,
                           const AggregateContext *context, Error *err)
{
    bool takes = !is_empty(other) && (is_empty(*state) || sequence_of(other) >= sequence_of(*state));
    return takes ? take_entry(call, state, other, context, err) : OK;
}

static Status entry_result(const AggregateCall *call, Value state, const AggregateContext *context,
                           Value *out, Error *err)
{
    *out = value_is_null(state) ? state : value_items(state)[FIELD_VAL];
    return OK;
}

/* ---- the list forms ---- */

static void drop_first(Value *state) { *state = value_array(value_items(*state) + 1, state->len - 1); }

static Status first_n_add(const AggregateCall *call, Value *state, const Value *args,
                          const AggregateContext *context, Error *err)
{
    Value entry[] = {value_from_int(context->sequence), args[0]};
    if ((int64_t)state->len >= call->limit || (value_is_null(args[0]) && ignores_nulls(call)))
        return OK;
    return agg_append(call, state, value_array(entry, ARRAY_LEN(entry)), context, err);
}

static Status last_n_add(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err)
{
    Value entry[] = {value_from_int(context->sequence), args[0]};
    if (value_is_null(args[0]) && ignores_nulls(call))
        return OK;
    if ((int64_t)state->len >= call->limit)
        drop_first(state);
    return agg_append(call, state, value_array(entry, ARRAY_LEN(entry)), context, err);
}

/* Both lists are in order of arrival, and so is the merged one; what is equal stands behind. */
static Status merge_ordered(const AggregateCall *call, Value *state, Value other,
                            const AggregateContext *context, Error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < other.len; i++) {
        Value entry = value_items(other)[i];
        while (at < state->len && sequence_of(value_items(*state)[at]) <= sequence_of(entry))
            at++;
        TRY(agg_insert(call, state, at, entry, UINT32_MAX, context, err));
    }
    return OK;
}

static Status first_n_merge(const AggregateCall *call, Value *state, Value other,
                            const AggregateContext *context, Error *err)
{
    TRY(merge_ordered(call, state, other, context, err));
    if ((int64_t)state->len > call->limit)
        state->len = (uint32_t)call->limit;
    return OK;
}

static Status last_n_merge(const AggregateCall *call, Value *state, Value other,
                           const AggregateContext *context, Error *err)
{
    TRY(merge_ordered(call, state, other, context, err));
    while ((int64_t)state->len > call->limit)
        drop_first(state);
    return OK;
}

static Status list_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                          Error *err)
{
    Value *values = arena_try_alloc(context->scratch, state.len * sizeof *values, err);
    if (values == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < state.len; i++)
        values[i] = value_items(state)[i].flags & VALUE_NULL ? value_null()
                                                             : value_items(value_items(state)[i])[FIELD_VAL];
    *out = value_array(values, state.len);
    return OK;
}

#define SINGLE_STATE "STRUCT<SEQ BIGINT, VAL T>"
#define LIST_STATE "ARRAY<STRUCT<SEQ BIGINT, VAL T>>"
#define EARLIEST_DOC "The first value, or the first n values, by order of arrival."
#define LATEST_DOC "The last value, or the last n values, by order of arrival."

#define BY_OFFSET_ROWS(name, doc, n, bind, one_add, one_merge, n_add, n_merge)                               \
    {name,    "(val T) -> T", SINGLE_STATE, doc,          NULL, agg_init_null,                               \
     one_add, one_merge,      NULL,         entry_result, NULL},                                             \
        {name,         "(val T, CONST ignoreNulls BOOLEAN) -> T",                                            \
         SINGLE_STATE, doc,                                                                                  \
         NULL,         agg_init_null,                                                                        \
         one_add,      one_merge,                                                                            \
         NULL,         entry_result,                                                                         \
         NULL},                                                                                              \
        {name,       "(val T, CONST " n " INT) -> ARRAY<T>",                                                 \
         LIST_STATE, doc,                                                                                    \
         bind,       agg_init_empty,                                                                         \
         n_add,      n_merge,                                                                                \
         NULL,       list_result,                                                                            \
         NULL},                                                                                              \
    {                                                                                                        \
        name, "(val T, CONST " n " INT, CONST ignoreNulls BOOLEAN) -> ARRAY<T>", LIST_STATE, doc, bind,      \
            agg_init_empty, n_add, n_merge, NULL, list_result, NULL                                          \
    }

const AggregateFn offset_aggregates[] = {
    BY_OFFSET_ROWS("EARLIEST_BY_OFFSET", EARLIEST_DOC, "earliestN", earliest_bind, earliest_add,
                   earliest_merge, first_n_add, first_n_merge),
    BY_OFFSET_ROWS("LATEST_BY_OFFSET", LATEST_DOC, "latestN", latest_bind, latest_add, latest_merge,
                   last_n_add, last_n_merge),
    {0},
};
