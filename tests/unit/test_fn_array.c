/* Array, map, lambda and table functions. */
#include "tests/unit/fn_test.h"

static const SqlType ints   = {.kind = T_ARRAY, .element = &type_integer},
                     texts  = {.kind = T_ARRAY, .element = &type_string};
static const SqlType arrays = {.kind = T_ARRAY, .element = &ints},
                     map    = {.kind = T_MAP, .key = &type_string, .element = &type_integer};
static const SqlType unary  = {.kind = T_LAMBDA, .field_count = 1},
                     binary = {.kind = T_LAMBDA, .field_count = 2};

#define A(...) ITEMS(ints, __VA_ARGS__)
#define M(...)                                                                                               \
    ((Arg){{.as.ptr = (const MapEntry[]){__VA_ARGS__},                                                       \
            .len    = sizeof((MapEntry[]){__VA_ARGS__}) / sizeof(MapEntry)},                                    \
           &map})

static void works_on_arrays(void **state)
{
    const FnCase cases[] = {
        CASE("array_concat", "[1, null, 1]", A(VI(1), VNULL), A(VI(1))),
        CASE("array_concat", "[1]", A(VI(1)), NUL(ints)),
        CASE("array_contains", "true", A(VI(1), VNULL), NUL(type_integer)),
        CASE("array_contains", "false", NUL(ints), I(1)),
        CASE("array_distinct", "[2, null, 1]", A(VI(2), VNULL, VI(1), VI(2), VNULL)),
        CASE("array_except", "[1]", A(VI(1), VI(2), VI(1)), A(VI(2))),
        CASE("array_intersect", "[2, null]", A(VI(1), VI(2), VNULL, VI(2)), A(VNULL, VI(2))),
        CASE("array_union", "[1, 2, 3]", A(VI(1), VI(2)), A(VI(2), VI(3))),
        CASE("array_join", "1-null", A(VI(1), VNULL), S("-")),
        CASE("array_join", "12", A(VI(1), VI(2)), NUL(type_string)),
        CASE("array_join", "ERROR~not supported", ITEMS(arrays, VNULL)),
        CASE("array_length", "2", A(VI(1), VNULL)),
        CASE("array_max", "2", A(VNULL, VI(2), VI(1))),
        CASE("array_min", "NULL", A(VNULL)),
        CASE("array_max", "ERROR", ITEMS(arrays, VNULL)),
        CASE("array_remove", "[1]", A(VI(1), VNULL), NUL(type_integer)),
        CASE("array_sort", "[2, 1, null]", A(VI(1), VNULL, VI(2)), S("desc")),
        CASE("array_sort", "[1, 2, null]", A(VNULL, VI(2), VI(1))),
        CASE("array_sort", "NULL", A(VI(1)), S("up")),
        CASE("generate_series", "[1, 3, 5]", I(1), I(6), I(2)),
        CASE("generate_series", "[2, 1]", L(2), L(1)),
        CASE("generate_series", "[1]", I(1), I(1)),
        CASE("generate_series", "ERROR~step cannot be zero", I(1), I(2), I(0)),
        CASE("generate_series", "ERROR~wrong sign", I(1), I(2), I(-1)),
        CASE("generate_series", "ERROR~more than", I(1), I(INT32_MAX)),
        CASE("slice", "[2, 3]", A(VI(1), VI(2), VI(3)), I(2), I(3)),
        CASE("slice", "NULL", A(VI(1)), I(1), I(2)),
        CASE("slice", "[]", A(VI(1)), I(2), I(1)),
        CASE("slice", "[1]", A(VI(1)), NUL(type_integer), NUL(type_integer)),
        CASE("slice", "NULL", A(VI(1)), I(0), I(1)),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

static void works_on_maps(void **state)
{
    const FnCase cases[] = {
        CASE("as_map", "{a=1, b=null}", ITEMS(texts, VS("a"), VS("b")), A(VI(1))),
        CASE("as_map", "{a=2}", ITEMS(texts, VS("a"), VS("a")), A(VI(1), VI(2))),
        CASE("map_keys", "[b, a]", M({VS("b"), VI(1)}, {VS("a"), VI(2)})),
        CASE("map_values", "[1, null]", M({VS("b"), VI(1)}, {VS("a"), VNULL})),
        CASE("map_union", "{b=3, a=2}", M({VS("b"), VI(1)}, {VS("a"), VI(2)}), M({VS("b"), VI(3)})),
        CASE("map_union", "NULL", NUL(map), NUL(map)),
        CASE("entries", "[Struct{K=a,V=2}, Struct{K=b,V=1}]", M({VS("b"), VI(1)}, {VS("a"), VI(2)}), B(true)),
        CASE("entries", "ERROR", NUL(map), NUL(type_boolean)),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

/* last argument + 1; NULL stays NULL */
static Status increment(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                        Error *err)
{
    *out = value_is_null(args[count - 1]) ? value_null() : value_from_int(args[count - 1].as.i64 + 1);
    return OK;
}

static Status sum(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out, Error *err)
{
    *out = value_from_int(args[0].as.i64 + args[count - 1].as.i64);
    return OK;
}

static Status is_large(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                       Error *err)
{
    *out = value_is_null(args[count - 1]) ? value_null() : value_from_bool(args[count - 1].as.i64 > 1);
    return OK;
}

static Status same_key(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                       Error *err)
{
    *out = value_from_str(STR_LIT("k"));
    return OK;
}

static Status body_type(FnLambdaTyper *self, size_t index, const SqlType *const *params, size_t count,
                        const SqlType **body, Error *err)
{
    *body = &type_integer;
    return OK;
}

extern const ScalarFn lambda_functions[];
extern const TableFn  table_functions[];

static const char *run_lambda(size_t row, const SqlType *type, Arg first, Arg second, Arg third, size_t count,
                              Arena *arena)
{
    Clock  clock;
    FnSite site = {0};
    clock_init_virtual(&clock, 0, 1);
    return fn_call_at(&lambda_functions[row], type, (Arg[]){first, second, third}, count, &site, &clock,
                      arena);
}

static void applies_lambdas(void **state)
{
    static const FnLambda inc = {increment}, add = {sum}, large = {is_large}, same = {same_key};
    FnLambdaTyper         typer = {body_type};
    FnResolved            found;
    Error                 err;
    Arena                *arena = arena_new(0);
    const Arg             none = I(0), plus = {{.as.ptr = &inc}, &unary}, fold = {{.as.ptr = &add}, &binary},
              test = {{.as.ptr = &large}, &unary}, key = {{.as.ptr = &same}, &binary};
    fn_expect("transform", run_lambda(0, &ints, A(VI(1), VNULL), plus, none, 2, arena), "[2, null]");
    fn_expect("transform", run_lambda(1, &map, M({VS("a"), VI(1)}), key, plus, 3, arena), "{k=2}");
    fn_expect("transform", run_lambda(1, &map, M({VS("a"), VI(1)}, {VS("b"), VI(2)}), key, plus, 3, arena),
              "ERROR~same key");
    fn_expect("transform", run_lambda(1, &map, M({VS("a"), VNULL}), key, plus, 3, arena), "ERROR~NULL");
    fn_expect("filter", run_lambda(2, &ints, A(VI(1), VI(2)), test, none, 2, arena), "[2]");
    fn_expect("filter", run_lambda(2, &ints, A(VNULL), test, none, 2, arena), "ERROR");
    fn_expect("filter", run_lambda(3, &map, M({VS("a"), VI(1)}, {VS("b"), VI(2)}), test, none, 2, arena),
              "{b=2}");
    fn_expect("reduce", run_lambda(4, &type_integer, A(VI(1), VI(2), VI(3)), I(0), fold, 3, arena), "6");
    fn_expect("reduce", run_lambda(4, &type_integer, NUL(ints), I(7), fold, 3, arena), "7");
    fn_expect("reduce", run_lambda(4, &type_integer, A(VI(1)), NUL(type_integer), fold, 3, arena), "NULL");
    fn_expect("reduce", run_lambda(5, &type_integer, M({VS("a"), VI(4)}), I(1), fold, 3, arena), "5");
    assert_int_equal(functions_resolve(*state, STR_LIT("filter"), (const SqlType *[]){&ints, &unary}, 2,
                                       &typer, arena, &found, &err),
                     E_PLAN);
    arena_free(arena);
}

static const char *explode(const char *name, const SqlType *type, Arg arg, Arena *arena)
{
    FnSite site = {0};
    size_t row  = 0;
    while (strcmp(table_functions[row].name, name) != 0)
        row++;
    const ScalarFn scalar = {.name = table_functions[row].name, .eval = table_functions[row].eval};
    return fn_call_at(&scalar, type, &arg, 1, &site, NULL, arena);
}

static void explodes(void **state)
{
    Arena *arena    = arena_new(0);
    Value  wide[21] = {{{0}, 0, 0, 0}};
    fn_expect("explode", explode("explode", &ints, A(VI(1), VNULL), arena), "[1, null]");
    fn_expect("explode", explode("explode", &ints, NUL(ints), arena), "[]");
    fn_expect("cube", explode("cube_explode", &arrays, A(VI(1), VI(2)), arena),
              "[[null, null], [null, 2], [1, null], [1, 2]]");
    fn_expect("cube", explode("cube_explode", &arrays, A(VNULL, VI(2)), arena), "[[null, null], [null, 2]]");
    fn_expect("cube", explode("cube_explode", &arrays, (Arg){value_array(wide, 21), &ints}, arena),
              "ERROR: cube_explode: too many columns (21); max is 20");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_on_arrays),
        cmocka_unit_test(works_on_maps),
        cmocka_unit_test(applies_lambdas),
        cmocka_unit_test(explodes),
    };
    return cmocka_run_group_tests(tests, fn_setup, fn_teardown);
}
