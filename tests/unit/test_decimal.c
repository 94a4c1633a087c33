/* test_decimal.c - exact arithmetic, within 64 bits and beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/decimal.h"

static Arena *arena;

static Value dec(const char *text)
{
    Value v;
    assert_int_equal(decimal_parse(arena, str_c(text), &v, NULL), OK);
    return v;
}

static void assert_text(Value v, const char *expected)
{
    StrBuf buf = {0};
    decimal_print(v, &buf);
    strbuf_addc(&buf, 0);
    assert_string_equal(buf.ptr, expected);
    strbuf_clear(&buf);
}

static void texts(void **state)
{
    static const struct {
        const char *text, *plain, *scientific;
    } cases[] = {
        {"1.23450", "1.23450", "1.23450"},
        {"1e5", "100000", "1E+5"},
        {"0.0000001", "0.0000001", "1E-7"},
        {"-12.5E-9", "-0.0000000125", "-1.25E-8"},
        {"+.5", "0.5", "0.5"},
        {"5.", "5", "5"},
        {"0.00", "0.00", "0.00"},
        {"1E+3", "1000", "1E+3"},
        {"-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808.5", "9223372036854775808.5", "9223372036854775808.5"},
        {"-123456789012345678901234567890e2", "-12345678901234567890123456789000",
         "-1.23456789012345678901234567890E+31"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        StrBuf buf = {0};
        assert_text(dec(cases[i].text), cases[i].plain);
        decimal_print_scientific(dec(cases[i].text), &buf);
        strbuf_addc(&buf, 0);
        assert_string_equal(buf.ptr, cases[i].scientific);
        strbuf_clear(&buf);
    }
    static const char *const bad[] = {"",        "-",   ".",  "1e", "1.2.3", " 1", "1x", "1e99999999999",
                                      "1e40000", "NaN", "+-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Value v;
        assert_int_equal(decimal_parse(arena, str_c(bad[i]), &v, NULL), E_DATA);
    }
}

static void arithmetic(void **state)
{
    static const struct {
        const char *a, *b, *sum, *difference, *product;
    } cases[] = {
        {"1.5", "2.25", "3.75", "-0.75", "3.375"},
        {"9223372036854775807", "1", "9223372036854775808", "9223372036854775806", "9223372036854775807"},
        {"-9223372036854775808", "-1", "-9223372036854775809", "-9223372036854775807", "9223372036854775808"},
        {"99999999999999999999.9", "0.1", "100000000000000000000.0", "99999999999999999999.8",
         "9999999999999999999.99"},
        {"1e30", "1e-30", "1000000000000000000000000000000.000000000000000000000000000001",
         "999999999999999999999999999999.999999999999999999999999999999", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Value a = dec(cases[i].a), b = dec(cases[i].b);
        assert_text(decimal_add(arena, a, b), cases[i].sum);
        assert_text(decimal_subtract(arena, a, b), cases[i].difference);
        assert_text(decimal_multiply(arena, a, b), cases[i].product);
    }
    assert_text(decimal_abs(arena, dec("-9223372036854775808")), "9223372036854775808");
    Value back = decimal_subtract(arena, dec("9223372036854775808"), dec("1"));
    assert_int_equal(back.flags, 0); /* canonical: small again */
    assert_int_equal(decimal_compare(dec("1.0"), dec("1.00")), 0);
    assert_int_equal(decimal_compare(dec("1e30"), dec("-1e-30")), 1);
    assert_int_equal(decimal_compare(dec("1e30"), dec("1.0000000000000000000000000000001e30")), -1);
    assert_int_equal(decimal_precision(dec("0.00")), 1);
    assert_int_equal(decimal_precision(dec("99999999999999999999")), 20);
}

static void rounding(void **state)
{
    static const struct {
        const char *v;
        Rounding    rounding;
        const char *expected;
    } cases[] = {
        {"2.5", ROUND_HALF_UP, "3"},
        {"-2.5", ROUND_HALF_UP, "-3"},
        {"2.4", ROUND_HALF_UP, "2"},
        {"-2.9", ROUND_DOWN, "-2"},
        {"2.1", ROUND_UP, "3"},
        {"-2.1", ROUND_FLOOR, "-3"},
        {"-2.9", ROUND_CEILING, "-2"},
        {"2.1", ROUND_CEILING, "3"},
        {"2.0", ROUND_NONE, "2"},
        {"123456789012345678901.5", ROUND_HALF_UP, "123456789012345678902"},
        {"0.49999999999999999999999", ROUND_HALF_UP, "0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Value v;
        assert_int_equal(decimal_rescale(arena, dec(cases[i].v), 0, cases[i].rounding, &v, NULL), OK);
        assert_text(v, cases[i].expected);
    }
    Value v;
    Error err;
    assert_int_equal(decimal_rescale(arena, dec("2.1"), 0, ROUND_NONE, &v, &err), E_DATA);
    assert_int_equal(decimal_divide(arena, dec("1"), dec("3"), 5, ROUND_NONE, &v, &err), E_DATA);
    assert_int_equal(decimal_divide(arena, dec("1"), dec("0.0"), 5, ROUND_DOWN, &v, &err), E_DATA);
    assert_int_equal(decimal_divide(arena, dec("2"), dec("-3"), 5, ROUND_HALF_UP, &v, &err), OK);
    assert_text(v, "-0.66667");
    assert_int_equal(decimal_divide(arena, dec("1e25"), dec("8"), 1, ROUND_NONE, &v, &err), OK);
    assert_text(v, "1250000000000000000000000.0");
    assert_int_equal(decimal_remainder(arena, dec("-7.5"), dec("2"), &v, &err), OK);
    assert_text(v, "-1.5");
}

static void fitting(void **state)
{
    Value v;
    Error err;
    assert_int_equal(decimal_fit(arena, dec("9.996"), 4, 2, ROUND_HALF_UP, &v, &err), OK);
    assert_text(v, "10.00");
    assert_int_equal(decimal_fit(arena, dec("123.4"), 4, 2, ROUND_HALF_UP, &v, &err), E_DATA);
    assert_string_equal(err.message,
                        "Numeric field overflow: A field with precision 4 and scale 2 must round to an "
                        "absolute value less than 10^2. Got 123.4");
    assert_int_equal(decimal_ensure_fit(arena, dec("1.5"), 4, 2, &v, &err), OK);
    assert_text(v, "1.50");
    assert_int_equal(decimal_ensure_fit(arena, dec("1.555"), 4, 2, &v, &err), E_DATA);
    assert_int_equal(strncmp(err.message,
                             "Cannot fit decimal '1.555' into DECIMAL(4, 2) without rounding. (Requires ",
                             73),
                     0);
    assert_int_equal(decimal_ensure_fit(arena, dec("0"), 2, 2, &v, &err), OK);
}

static void conversions(void **state)
{
    Value v;
    assert_int_equal(decimal_from_double(arena, 0.1, &v, NULL), OK);
    assert_text(v, "0.1");
    assert_int_equal(decimal_from_double(arena, 1e300 * 1e300, &v, NULL), E_DATA);
    assert_true(decimal_to_double(dec("0.1")) == 0.1);
    assert_true(decimal_to_double(dec("123456789012345678901234567890")) == 123456789012345678901234567890.0);
    assert_int_equal(decimal_to_int64(dec("-3.99")), -3);
    assert_int_equal(decimal_to_int64(dec("18446744073709551621.7")), 5);
    assert_int_equal(decimal_to_int64(dec("-18446744073709551621.7")), -5);
    static const struct {
        const char *v;
        const char *bytes;
        size_t      len;
    } cases[] = {
        {"0", "\x00", 1},
        {"-1", "\xFF", 1},
        {"127", "\x7F", 1},
        {"128", "\x00\x80", 2},
        {"-128", "\x80", 1},
        {"-129", "\xFF\x7F", 2},
        {"18446744073709551616", "\x01\0\0\0\0\0\0\0\0", 9},
        {"9223372036854775808", "\0\x80\0\0\0\0\0\0\0", 9},
        {"-18446744073709551616", "\xFF\0\0\0\0\0\0\0\0", 9},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Str bytes = decimal_to_bytes(arena, dec(cases[i].v));
        assert_int_equal(bytes.len, cases[i].len);
        assert_memory_equal(bytes.ptr, cases[i].bytes, bytes.len);
        assert_text(decimal_from_bytes(arena, bytes, 0), cases[i].v);
    }
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
        cmocka_unit_test(texts),   cmocka_unit_test(arithmetic),  cmocka_unit_test(rounding),
        cmocka_unit_test(fitting), cmocka_unit_test(conversions),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
