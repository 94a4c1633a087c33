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
static inline Status agg_open(Agg *agg, const Functions *functions, Arena *arena, const char *name, const Arg *args, size_t count)
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
    return aggregate_bind(&found, types, values + (count - found.constant_count), NULL, arena, &agg->call, &agg->err);
}

static inline Value agg_feed(Agg *agg, Value state, const Value *rows, size_t count, int64_t sequence)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(agg->fn->accumulate(agg->call, state, &rows[i], sequence + (int64_t)i, agg->arena, &state, &agg->err), OK);
    return state;
}

static inline const char *agg_text(Agg *agg, Value state)
{
    Value  out = state;
    StrBuf text = {0};
    if (agg->fn->result != NULL)
        assert_int_equal(agg->fn->result(agg->call, state, agg->arena, &out, &agg->err), OK);
    if (value_is_null(out))
        return "NULL";
    value_print(agg->call->result_type, out, &text);
    const char *copy = str_to_c(agg->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

#endif
