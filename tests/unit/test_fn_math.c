/* Mathematical and choosing functions: rounding directions, domains, GREATEST and friends. */
#include "tests/unit/fn_test.h"

#include <math.h>

static const SqlType d21 = {.kind = T_DECIMAL, .precision = 2, .scale = 1},
                     d42 = {.kind = T_DECIMAL, .precision = 4, .scale = 2};
static const SqlType d11 = {.kind = T_DECIMAL, .precision = 1, .scale = 1};

static void computes_numbers(void **state)
{
    const FnCase cases[] = {
        CASE("abs", "3", I(-3)),
        CASE("ABS", "-2147483648", I(INT32_MIN)),
        CASE("Abs", "1.5", DEC(d21, -15)),
        CASE("round", "-1", D(-1.5)),
        CASE("round", "-2", D(-2.5)),
        CASE("round", "3", D(2.5)),
        CASE("round", "0", D(0.49999999999999994)),
        CASE("round", "9223372036854775807", D(1e30)),
        CASE("round", "0", D(NAN)),
        CASE("round", "2.68", D(2.675), I(2)),
        CASE("round", "-2.67", D(-2.675), I(2)),
        CASE("round", "1.01", D(1.005), I(2)),
        CASE("round", "110.0", D(111), I(-1)),
        CASE("round", "ERROR", D(NAN), I(1)),
        CASE("round", "2", DEC(d21, 15)),
        CASE("round", "-1", DEC(d21, -15)),
        CASE("round", "12.40", DEC(d42, 1235), I(1)),
        CASE("round", "-12.30", DEC(d42, -1235), I(1)),
        CASE("round", "10.00", DEC(d42, 1235), I(-1)),
        CASE("round", "ERROR", DEC(d11, 5)),
        CASE("round", "ERROR~ambiguous", I(1), I(1)),
        CASE("trunc", "-1", D(-1.9)),
        CASE("trunc", "9223372036854775807", D(1e30)),
        CASE("trunc", "12.30", DEC(d42, 1239), I(1)),
        CASE("ceil", "2.0", D(1.1)),
        CASE("ceil", "13.00", DEC(d42, 1201)),
        CASE("floor", "-2.0", D(-1.5)),
        CASE("floor", "-13.00", DEC(d42, -1201)),
        CASE("log", "3.0", I(2), I(8)),
        CASE("log", "NaN", I(1), I(8)),
        CASE("ln", "-Infinity", I(0)),
        CASE("sqrt", "3.0", L(9)),
        CASE("sqrt", "NaN", I(-1)),
        CASE("degrees", "57.29577951308232", I(1)),
        CASE("sign", "0", D(NAN)),
        CASE("sign", "-1", I(-9)),
        CASE("power", "1024.0", I(2), I(10)),
        CASE("power", "NaN", D(1), D(NAN)),
        CASE("power", "NaN", D(-1), D(INFINITY)),
        CASE("power", "ERROR~ambiguous", I(2), L(10)),
        CASE("cbrt", "3.0", I(27)),
        CASE("cot", "Infinity", I(0)),
        CASE0("pi", "3.141592653589793"),
        CASE("sqrt", "1.5", DEC(d42, 225)),
        CASE("acos", "NaN", D(2)),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

static void chooses_among_arguments(void **state)
{
    const FnCase cases[] = {
        CASE("greatest", "5", I(1), NUL(type_null), I(5)),
        CASE("greatest", "NULL", NUL(type_integer), NUL(type_integer)),
        CASE("least", "-0.0", D(0.0), D(-0.0)),
        CASE("greatest", "NaN", D(NAN), D(INFINITY)),
        CASE("greatest", "12.35", DEC(d42, 1235), DEC(d21, 99)),
        CASE("least", "9.90", DEC(d42, 1235), DEC(d21, 99)),
        CASE("greatest", "ERROR~ambiguous", I(1), L(2)),
        CASE0("greatest", "ERROR~does not accept parameters ()"),
        CASE("greatest", "ERROR", S("a"), I(1)),
        CASE("coalesce", "x", NUL(type_string), S("x")),
        CASE("coalesce", "1", NUL(type_null), I(1)),
        CASE("ifnull", "b", NUL(type_string), S("b")),
        CASE("ifnull", "ERROR", I(1), L(1)),
        CASE("nullif", "NULL", I(3), I(3)),
        CASE("nullif", "3", I(3), I(4)),
        CASE("as_value", "k", S("k")),
        CASE("geo_distance", "8632.967666608847", D(37.4439), D(-122.1663), D(51.5257), D(-0.1477)),
        CASE("geo_distance", "ERROR", D(91), D(0), D(0), D(0)),
        CASE("geo_distance", "ERROR~units", D(1), D(0), D(0), D(0), S("parsec")),
        CASE("geo_distance", "0.0", I(1), I(1), I(1), I(1), S(" Miles ")),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(computes_numbers),
                                       cmocka_unit_test(chooses_among_arguments)};
    return cmocka_run_group_tests(tests, fn_setup, fn_teardown);
}
