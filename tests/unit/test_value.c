/* test_value.c - number and time texts, deep equality, order, hash and copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/decimal.h"

static Arena *arena;

static void double_texts(void **state)
{
    static const struct {
        double      d;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {1e7, "1.0E7"},
        {1234567, "1234567.0"},
        {1e-3, "0.001"},
        {9.99e-4, "9.99E-4"},
        {2e23, "2.0E23"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e10, "1.0E10"},
        {-1.5, "-1.5"},
        {9999999.5, "9999999.5"},
        {123.456, "123.456"},
        {4.9e-324, "4.9E-324"},
        {1.7976931348623157e308, "1.7976931348623157E308"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {0.012, "0.012"},
        {57.29577951308232, "57.29577951308232"},
        {12345678.9, "1.23456789E7"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char   text[33];
        double back;
        text[double_print(cases[i].d, text)] = '\0';
        assert_string_equal(text, cases[i].text);
        assert_true(double_parse(str_c(text), &back));
        assert_true(back == cases[i].d || isnan(back));
    }
}

static void double_syntax(void **state)
{
    static const struct {
        const char *text;
        double      d;
    } good[] = {
        {" 1e3\n", 1000},
        {"0x1p3", 8},
        {"-0x.8p1", -1},
        {"1.5f", 1.5},
        {"1D", 1},
        {".5", .5},
        {"5.", 5},
        {"+2", 2},
        {"1e400", INFINITY},
        {"-1e400", -INFINITY},
        {"1e-400", 0},
        {"0.0e999", 0},
        {"4.9e-324", 4.9e-324},
    };
    static const char *const bad[] = {"",    "e3",  ".",   "1e",   "0x1", "nan",
                                      "inf", "1 2", "--1", "1..2", "1dd", "0xp1"};
    double                   d;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(double_parse(str_c(good[i].text), &d));
        assert_true(d == good[i].d);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(double_parse(str_c(bad[i]), &d));
    assert_false(double_parse(str_n("1\0", 2), &d) && d != 1); /* Java trims control characters */
}

static void integer_texts(void **state)
{
    static const struct {
        int64_t     n;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-10, "-10"},
        {100, "100"},
        {12345, "12345"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    int64_t n;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[25];
        text[int64_print(cases[i].n, text)] = '\0';
        assert_string_equal(text, cases[i].text);
        assert_true(int64_parse(str_c(text), &n));
        assert_int_equal(n, cases[i].n);
    }
    static const char *const bad[] = {"",   "-", "1.0", " 1", "9223372036854775808", "-9223372036854775809",
                                      "1e3"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(int64_parse(str_c(bad[i]), &n));
}

static void time_texts(void **state)
{
    static const struct {
        const char *text;
        int64_t     ms;
    } good[] = {
        {"1970", 0},
        {"1970-02", 2678400000},
        {"2018-05-11T21:58:33.000", 1526075913000},
        {"1970-01-01T10:3", 37800000},
        {"1970-01-01T", 0},
        {"1970-01-01T01:00+0100", 0},
        {"1970-01-01T01:00+01:00", 0},
        {"1970-01-01T00Z", 0},
        {"2020-02-29", 1582934400000},
        {" 1969-12-31T23:59:59.999 ", -1},
        {"1970-01-01T24:00", 86400000},
    };
    static const char *const bad[] = {"",
                                      "70",
                                      "1970-1",
                                      "1970-13",
                                      "1970-01-32",
                                      "2021-02-29",
                                      "2021-04-31T00:00",
                                      "1900-02-29",
                                      "1970T00",
                                      "1970-01-01T25",
                                      "1970-01-01 00:00",
                                      "1970-01-01T00:00:00.0000",
                                      "1970-01-01T00+1",
                                      "+999999999-01-01T"};
    int64_t                  n;
    char                     text[40];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(timestamp_parse(str_c(good[i].text), &n));
        assert_int_equal(n, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(timestamp_parse(str_c(bad[i]), &n));
    text[timestamp_print(-1, text)] = '\0';
    assert_string_equal(text, "1969-12-31T23:59:59.999");
    timestamp_print(INT64_MIN, text);
    timestamp_print(INT64_MAX, text);
    text[date_print(18262, text)] = '\0';
    assert_string_equal(text, "2020-01-01");
    text[time_print(37800000, text)] = '\0';
    assert_string_equal(text, "10:30");
    text[time_print(37801999, text)] = '\0';
    assert_string_equal(text, "10:30:01");
    assert_true(time_parse(STR_LIT("10:30:01.2509"), &n));
    assert_int_equal(n, 37801250);
    assert_false(time_parse(STR_LIT("24:00"), &n));
    assert_false(time_parse(STR_LIT("1:00"), &n));
    for (int64_t day = -800000; day < 3000000; day += 997) {
        int64_t year;
        int     month, d;
        civil_from_days(day, &year, &month, &d);
        assert_int_equal(days_from_civil(year, month, d), day);
    }
}

static Value text_value(const char *text) { return value_from_str(str_c(text)); }

static void equality_and_order(void **state)
{
    assert_true(value_equal(&type_double, value_from_double(NAN), value_from_double(-NAN)));
    assert_false(value_equal(&type_double, value_from_double(0.0), value_from_double(-0.0)));
    assert_true(value_compare(&type_double, value_from_double(-0.0), value_from_double(0.0)) < 0);
    assert_true(value_compare(&type_double, value_from_double(NAN), value_from_double(INFINITY)) > 0);
    assert_true(value_compare(&type_bytes, text_value("\x80"), text_value("\x01")) < 0);
    assert_true(value_compare(&type_string, text_value("\xEF\xBF\xBD"), text_value("\xF0\x9F\x98\x80")) > 0);
    assert_true(value_compare(&type_string, value_null(), text_value("")) < 0);
    const SqlType *decimal = type_decimal_unchecked(arena, 4, 2);
    assert_false(value_equal(decimal, value_decimal(10, 1), value_decimal(100, 2)));
    assert_int_equal(value_compare(decimal, value_decimal(10, 1), value_decimal(100, 2)), 0);
}

static void maps_are_unordered(void **state)
{
    enum { N = 200 };
    const SqlType *type = type_map(arena, &type_bigint, &type_string);
    MapEntry       up[N], down[N];
    for (int i = 0; i < N; i++)
        up[i] = down[N - 1 - i] = (MapEntry){value_from_int(i), text_value(i % 2 ? "odd" : "even")};
    Value a = value_map(up, N), b = value_map(down, N);
    assert_true(value_equal(type, a, b));
    assert_true(value_hash(type, a) == value_hash(type, b));
    Value copy  = value_copy(arena, type, a);
    up[5].value = text_value("changed");
    assert_false(value_equal(type, a, b));
    assert_true(value_equal(type, copy, b));
    assert_int_equal(value_pack_size(&type_string, text_value("abc")), 8);
    assert_int_equal(value_pack_size(type, b), N * (sizeof(MapEntry) + 8));
}

static void cast_to_string(void **state)
{
    SqlField fields[]  = {{STR_LIT("F"), &type_double}, {STR_LIT("G"), &type_string}, {STR_LIT("H"), NULL}};
    const SqlType *map = type_map(arena, &type_string, &type_integer);
    fields[2].type     = type_array(arena, map);
    MapEntry entries[] = {{text_value("k"), value_from_int(1)}, {text_value("n"), value_null()}};
    Value    maps[]    = {value_map(entries, 2), value_null()};
    Value    items[]   = {value_from_double(1e10), value_null(), value_array(maps, 2)};
    StrBuf   out       = {0};
    value_print(type_struct(arena, fields, 3), value_array(items, 3), &out);
    assert_true(str_equal(strbuf_str(&out), STR_LIT("Struct{F=1.0E10,H=[{k=1, n=null}, null]}")));
    strbuf_clear(&out);
}

static int setup(void **state)
{
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_texts),       cmocka_unit_test(double_syntax),
        cmocka_unit_test(integer_texts),      cmocka_unit_test(time_texts),
        cmocka_unit_test(equality_and_order), cmocka_unit_test(maps_are_unordered),
        cmocka_unit_test(cast_to_string),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
