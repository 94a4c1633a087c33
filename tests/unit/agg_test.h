/*
 * agg_test.h - runs an aggregate: rows in, the result as text.
 */
#ifndef SLUICE_TESTS_AGG_TEST_H
#define SLUICE_TESTS_AGG_TEST_H

#include "tests/unit/fn_test.h"

typedef struct {
    const AggregateFn *fn;
    AggregateCall     *call;
    Arena             *arena;
    Error              err;
} Agg;

/* `args` give the types; the trailing ones that are constants give their values. */
static inline Status agg_open(Agg *agg, const Functions *functions, Arena *arena, const char *name,
                              const Arg *args, size_t count)
{
    const SqlType *types[FN_MAX_ARGS];
    Value          values[FN_MAX_ARGS];
    FnResolved     found;
    error_clear(&agg->err);
    agg->arena = arena;
    for (size_t i = 0; i < count; i++) {
        types[i]  = args[i].type;
        values[i] = args[i].value;
    }
    TRY(functions_resolve(functions, str_c(name), types, count, NULL, arena, &found, &agg->err));
    agg->fn = found.aggregate;
    return aggregate_bind(&found, types, values + (count - found.constant_count), NULL, arena, &agg->call,
                          &agg->err);
}

/* A state in one group, and the memory it grows in; cleared by agg_state_clear. */
typedef struct {
    Value  value;
    Growth memory;
} AggState;

static inline AggState agg_start(const Agg *agg) { return (AggState){.value = agg->fn->init(agg->call)}; }

static inline void agg_state_clear(AggState *state) { growth_clear(&state->memory); }

static inline AggregateContext agg_context(const Agg *agg, AggState *state, int64_t sequence)
{
    return (AggregateContext){.memory = &state->memory, .scratch = agg->arena, .sequence = sequence};
}

/* Arguments lie in memory that is gone after the call, as those of a batch are. */
static inline Status agg_add(Agg *agg, AggState *state, const Value *args, int64_t sequence)
{
    AggregateContext context = agg_context(agg, state, sequence);
    Arena           *batch   = arena_new(0);
    Value            copies[FN_MAX_ARGS];
    for (size_t i = 0; i < agg->call->arg_count; i++)
        copies[i] = value_copy(batch, agg->call->arg_types[i], args[i]);
    Status status = agg->fn->accumulate(agg->call, &state->value, copies, &context, &agg->err);
    arena_free(batch);
    growth_settle(&state->memory, agg->call->state_type, &state->value);
    return status;
}

static inline void agg_feed(Agg *agg, AggState *state, const Value *rows, size_t count, int64_t sequence)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(agg_add(agg, state, &rows[i], sequence + (int64_t)i), OK);
}

/* `other` is gone afterwards. */
static inline void agg_merge(Agg *agg, AggState *state, AggState *other)
{
    AggregateContext context = agg_context(agg, state, 0);
    assert_int_equal(agg->fn->merge(agg->call, &state->value, other->value, &context, &agg->err), OK);
    agg_state_clear(other);
    growth_settle(&state->memory, agg->call->state_type, &state->value);
}

static inline void agg_undo(Agg *agg, AggState *state, const Value *args)
{
    AggregateContext context = agg_context(agg, state, 0);
    assert_int_equal(agg->fn->undo(agg->call, &state->value, args, &context, &agg->err), OK);
    growth_settle(&state->memory, agg->call->state_type, &state->value);
}

static inline const char *agg_text(Agg *agg, Value state)
{
    AggregateContext context = {.scratch = agg->arena};
    Value            out     = state;
    StrBuf           text    = {0};
    if (agg->fn->result != NULL)
        assert_int_equal(agg->fn->result(agg->call, state, &context, &out, &agg->err), OK);
    if (value_is_null(out))
        return "NULL";
    value_print(agg->call->result_type, out, &text);
    const char *copy = str_to_c(agg->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

#endif
