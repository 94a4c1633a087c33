/* KAFKA: bytes of the five types, both ways, and no coercion. */
#include "serde_rows.h"

#define BAD "Error deserializing KAFKA message from topic: T. Size of data received by "

static const struct {
    const char *columns;
    Str         bytes;
    const char *expected;
} readings[] = {
    {"K INT", STR_LIT("\xFF\xFF\xFF\xFE"), "-2"},
    {"K INT", STR_LIT("\xFF\xFF\xFF"), BAD "IntegerDeserializer is not 4"},
    {"K INT", STR_LIT(""), BAD "IntegerDeserializer is not 4"},
    {"K BIGINT", STR_LIT("\0\0\0\0\0\0\0\1"), "1"},
    {"K BIGINT", STR_LIT("\0\0\0\1"), BAD "LongDeserializer is not 8"},
    {"K DOUBLE", STR_LIT("\x3F\xF8\0\0\0\0\0\0"), "1.5"},
    {"K DOUBLE", STR_LIT("1.5"), BAD "Deserializer is not 8"},
    {"K STRING", STR_LIT("k1"), "\"k1\""},
    {"K STRING", STR_LIT(""), "\"\""},
    {"K STRING", STR_LIT("a\xFF"), "\"a\xEF\xBF\xBD\""},
    {"K BYTES", STR_LIT("\x3d"), "\"PQ==\""},
    {"", STR_LIT("whatever"), ""},
};

static void bytes_are_read(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        rows_expect("KAFKA", SIDE_KEY, readings[i].columns, readings[i].bytes, readings[i].expected);
}

static void expect_written(const char *columns, Value value, Str expected)
{
    SerdeRows rows;
    rows_init(&rows, "KAFKA", SIDE_KEY, columns);
    Str got = rows_encode(&rows, &value);
    assert_int_equal(str_is_null(got), str_is_null(expected));
    assert_true(str_equal(got, expected));
    rows_clear(&rows);
}

static void values_are_written(void **state)
{
    expect_written("K INT", value_from_int(-2), STR_LIT("\xFF\xFF\xFF\xFE"));
    expect_written("K BIGINT", value_from_int(1), STR_LIT("\0\0\0\0\0\0\0\1"));
    expect_written("K DOUBLE", value_from_double(1.5), STR_LIT("\x3F\xF8\0\0\0\0\0\0"));
    expect_written("K STRING", value_from_str(STR_LIT("k1")), STR_LIT("k1"));
    expect_written("K STRING", value_from_str((Str){NULL, 0}), STR_LIT(""));
    expect_written("K BYTES", value_from_str(STR_LIT("\0\1")), STR_LIT("\0\1"));
    expect_written("K STRING", value_null(), STR_NULL);
    expect_written("", value_null(), STR_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_read),
        cmocka_unit_test(values_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
