/* Overload resolution: texts of refusal, widening, generics, lambdas; and the listing. */
#include "tests/unit/fn_test.h"

static const char *resolve(const Functions *functions, Arena *arena, const char *name,
                           const SqlType *const *types, size_t count, FnLambdaTyper *lambdas)
{
    FnResolved found;
    Error      err;
    if (functions_resolve(functions, str_c(name), types, count, lambdas, arena, &found, &err) != OK)
        return str_to_c(arena, str_printf(arena, "ERROR: %s", err.message));
    StrBuf text = {0};
    for (size_t i = 0; i < count; i++) {
        if (found.param_types[i]->kind == T_LAMBDA)
            strbuf_adds(&text, "LAMBDA");
        else
            type_print(found.param_types[i], &text);
        strbuf_addc(&text, ' ');
    }
    strbuf_adds(&text, "-> ");
    type_print(found.result_type, &text);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static const SqlType d42    = {.kind = T_DECIMAL, .precision = 4, .scale = 2},
                     d52    = {.kind = T_DECIMAL, .precision = 5, .scale = 2};
static const SqlType ints   = {.kind = T_ARRAY, .element = &type_integer},
                     unary  = {.kind = T_LAMBDA, .field_count = 1};
static const SqlType binary = {.kind = T_LAMBDA, .field_count = 2};

static void picks_overloads(void **state)
{
    static const struct {
        const char    *name, *expected;
        size_t         count;
        const SqlType *types[4];
    } cases[] = {
        {"SQRT", "DOUBLE -> DOUBLE", 1, {&d42}},
        {"sign", "DOUBLE -> INTEGER", 1, {&d42}},
        {"greatest", "DATE DATE -> DATE", 2, {&type_date, &type_string}},
        {"greatest", "DECIMAL(4, 2) DECIMAL(5, 2) -> DECIMAL(5, 2)", 2, {&d42, &d52}},
        {"round", "DECIMAL(4, 2) -> DECIMAL(2, 0)", 1, {&d42}},
        {"abs", "DECIMAL(4, 2) -> DECIMAL(4, 2)", 1, {&d42}},
        {"coalesce",
         "ERROR~Function 'COALESCE' does not accept parameters (DECIMAL(4, 2), DECIMAL(5, 2)).\nValid "
         "alternatives are:\nCOALESCE(T first, T... others)\nFor detailed",
         2,
         {&d42, &d52}},
        {"coalesce", "ERROR~does not accept parameters (INTEGER, BIGINT)", 2, {&type_integer, &type_bigint}},
        {"coalesce", "INTEGER INTEGER -> INTEGER", 2, {&type_null, &type_integer}},
        {"coalesce", "ERROR", 2, {&type_null, &type_null}},
        {"abs",
         "ERROR~Function 'Abs' cannot be resolved due to ambiguous method parameters (null).\nUse CAST()",
         1,
         {&type_null}},
        {"atan2", "ERROR~ambiguous", 2, {&type_integer, &type_bigint}},
        {"geo_distance",
         "ERROR~(STRING, DOUBLE, DOUBLE, DOUBLE)",
         4,
         {&type_string, &type_double, &type_double, &type_double}},
        {"array_contains", "ERROR", 2, {&ints, &type_bigint}},
        {"array_contains", "ARRAY<INTEGER> INTEGER -> BOOLEAN", 2, {&ints, &type_integer}},
        {"nope", "ERROR: Can't find any functions with the name 'nope'", 1, {&type_integer}},
        {"transform", "ERROR~(ARRAY<INTEGER>, LAMBDA)", 2, {&ints, &binary}},
        {"ucase",
         "ERROR: Function 'ucase' does not accept parameters (INTEGER).\nValid alternatives "
         "are:\nUCASE(VARCHAR input)\n"
         "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;",
         1,
         {&type_integer}},
    };
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fn_expect(cases[i].name, resolve(*state, arena, cases[i].name, cases[i].types, cases[i].count, NULL),
                  cases[i].expected);
    arena_free(arena);
}

typedef struct {
    FnLambdaTyper  base;
    const SqlType *body;
} FixedBody;

static Status fixed_body(FnLambdaTyper *self, size_t index, const SqlType *const *params, size_t count,
                         const SqlType **body, Error *err)
{
    *body = ((FixedBody *)self)->body;
    return params[count - 1]->kind == T_INTEGER ? OK : error_set(err, E_PLAN, NO_POS, "wrong input");
}

static void types_lambdas(void **state)
{
    Arena    *arena = arena_new(0);
    FixedBody text = {{fixed_body}, &type_string}, big = {{fixed_body}, &type_bigint};
    fn_expect("transform",
              resolve(*state, arena, "transform", (const SqlType *[]){&ints, &unary}, 2, &text.base),
              "ARRAY<INTEGER> LAMBDA -> ARRAY<STRING>");
    fn_expect(
        "reduce",
        resolve(*state, arena, "reduce", (const SqlType *[]){&ints, &type_bigint, &binary}, 3, &big.base),
        "ARRAY<INTEGER> BIGINT LAMBDA -> BIGINT");
    fn_expect(
        "reduce",
        resolve(*state, arena, "reduce", (const SqlType *[]){&ints, &type_integer, &binary}, 3, &big.base),
        "ERROR");
    fn_expect("filter", resolve(*state, arena, "filter", (const SqlType *[]){&ints, &unary}, 2, &text.base),
              "ERROR");
    arena_free(arena);
}

/* Other databases' names for them: each name that is suggested is one that is there. */
static void knows_functions_by_other_names(void **state)
{
    static const char *const names[] = {
        "upper",   "LOWER",       "Length",  "substr",       "now",        "nvl",
        "unnest",  "array_agg",   "to_date", "last_value",   "stddev",     "ceiling",
        "to_char", "char_length", "strpos",  "current_date", "cardinality"};
    FnListing *all;
    size_t     count, at;
    Arena     *arena = arena_new(0);
    functions_list(*state, arena, &all, &count);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Error err;
        assert_int_equal(functions_refuse_unknown(*state, str_c(names[i]), &err), E_PLAN);
        const char *hint = strstr(err.message, "\nDid you mean ");
        assert_non_null(hint);
        Str meant = str_c(hint + strlen("\nDid you mean "));
        meant.len--;
        for (at = 0; at < count && !str_equal(all[at].name, meant); at++)
            ;
        if (at == count)
            fail_msg("%s: %s", names[i], err.message);
    }
    arena_free(arena);
}

static void lists_and_describes(void **state)
{
    Arena             *arena = arena_new(0);
    FnListing         *all, one;
    FnOverloadListing *overloads;
    size_t             count;
    Error              err;
    functions_list(*state, arena, &all, &count);
    for (size_t i = 1; i < count; i++)
        assert_true(str_compare(all[i - 1].name, all[i].name) < 0);
    assert_int_equal(functions_describe(*state, STR_LIT("Substring"), arena, &one, &overloads, &count, &err),
                     OK);
    assert_int_equal(count, 4);
    assert_string_equal(one.category, "STRING");
    assert_true(str_equal(overloads[0].params[1].type, STR_LIT("INT")) &&
                str_equal(overloads[0].result, STR_LIT("VARCHAR")));
    assert_int_equal(functions_describe(*state, STR_LIT("NOPE"), arena, &one, &overloads, &count, &err),
                     E_PLAN);
    assert_int_equal(functions_kind(*state, STR_LIT("count")), FN_AGGREGATE);
    assert_int_equal(functions_kind(*state, STR_LIT("EXPLODE")), FN_TABLE);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(picks_overloads), cmocka_unit_test(types_lambdas),
                                       cmocka_unit_test(knows_functions_by_other_names),
                                       cmocka_unit_test(lists_and_describes)};
    return cmocka_run_group_tests(tests, fn_setup, fn_teardown);
}
