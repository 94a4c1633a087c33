/* INTERNAL: everything comes back exactly, and nothing else is accepted. */
#include <math.h>

#include "core/decimal.h"
#include "serde_rows.h"

static const char *const all_types =
    "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E DECIMAL(40,3), F STRING, G BYTES, H TIME, I DATE, J TIMESTAMP, "
    "K ARRAY<STRING>, L MAP<STRING,DOUBLE>, M STRUCT<X INT, Y ARRAY<STRUCT<Z DECIMAL(3,1)>>>";

/* The row comes back the same, value by value, and its bytes again. */
static void expect_round_trip(const char *columns, const Value *row)
{
    SerdeRows rows;
    Value     back[ROW_COLUMNS_MAX];
    rows_init(&rows, "INTERNAL", SIDE_VALUE, columns);
    Str bytes = rows_encode(&rows, row);
    if (rows_decode(&rows, bytes, back) != OK)
        fail_msg("%s", rows.err.message);
    for (size_t i = 0; i < rows.spec.count; i++)
        assert_true(value_equal(rows.columns[i].type, row[i], back[i]));
    assert_true(str_equal(rows_encode(&rows, back), bytes));
    rows_clear(&rows);
}

static void rows_come_back_exactly(void **state)
{
    Arena      *arena = arena_new(0);
    Value       big;
    Error       err;
    const Value texts[] = {value_from_str(STR_LIT("")), value_null(), value_from_str(STR_LIT("\xC3\xA9\0x"))};
    const MapEntry entries[] = {{value_from_str(STR_LIT("z")), value_from_double(-0.0)},
                                {value_null(), value_null()}};
    const Value    inner[]   = {value_decimal(15, 1)};
    const Value    structs[] = {value_array(inner, 1), value_null()};
    const Value    fields[]  = {value_null(), value_array(structs, 2)};
    assert_int_equal(decimal_parse(arena, STR_LIT("-123456789012345678901234567890.120"), &big, &err), OK);
    const Value row[] = {
        value_from_bool(true),
        value_from_int(INT32_MIN),
        value_from_int(INT64_MIN),
        value_from_double(NAN),
        big,
        value_from_str(STR_LIT("")),
        value_from_str(STR_LIT("\xFF\0")),
        value_from_int(86400000),
        value_from_int(-1),
        value_from_int(INT64_MAX),
        value_array(texts, 3),
        value_map(entries, 2),
        value_array(fields, 2),
    };
    const Value empty[] = {
        value_from_bool(false),
        value_from_int(0),
        value_from_int(-1),
        value_from_double(-0.0),
        value_decimal(-1, -3),
        value_from_str(STR_LIT("x")),
        value_from_str(STR_LIT("")),
        value_from_int(0),
        value_from_int(0),
        value_from_int(0),
        value_array(NULL, 0),
        value_map(NULL, 0),
        value_null(),
    };
    Value nulls[13];
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        nulls[i] = value_null();
    expect_round_trip(all_types, row);
    expect_round_trip(all_types, empty);
    expect_round_trip(all_types, nulls);
    expect_round_trip("", nulls);
    arena_free(arena);
}

/* Maps come back in the order they were built in; doubles bit for bit. */
static void order_and_bits_are_kept(void **state)
{
    SerdeRows      rows;
    Value          back[2];
    const MapEntry entries[] = {{value_from_str(STR_LIT("b")), value_null()},
                                {value_from_str(STR_LIT("a")), value_from_int(1)}};
    const Value    row[]     = {value_map(entries, 2), value_from_double(-0.0)};
    rows_init(&rows, "INTERNAL", SIDE_VALUE, "M MAP<STRING,INT>, D DOUBLE");
    assert_int_equal(rows_decode(&rows, rows_encode(&rows, row), back), OK);
    assert_true(str_equal(value_str(value_entries(back[0])[0].key), STR_LIT("b")));
    assert_true(signbit(value_double(back[1])));
    rows_clear(&rows);
}

/* Rows are small: that is what the format is for. */
static void small_rows_are_small(void **state)
{
    SerdeRows   rows;
    const Value row[] = {value_from_int(5), value_from_str(STR_LIT("abc")), value_null()};
    rows_init(&rows, "INTERNAL", SIDE_VALUE, "A INT, B STRING, C DOUBLE");
    assert_true(str_equal(rows_encode(&rows, row), STR_LIT("\3\x0A\3abc")));
    rows_clear(&rows);
}

static const struct {
    const char *columns;
    Str         bytes;
} broken[] = {
    {"A INT", STR_LIT("")},
    {"A INT", STR_LIT("\1")},
    {"A INT", STR_LIT("\1\2\2")},                                   /* trailing */
    {"A INT", STR_LIT("\1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1")}, /* 64 bits */
    {"A BIGINT", STR_LIT("\1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\2")},
    {"A BIGINT", STR_LIT("\1\xFF")},
    {"A BOOLEAN", STR_LIT("\1\2")},
    {"A STRING", STR_LIT("\1\3ab")},
    {"A STRING", STR_LIT("\1\1\xFF")},
    {"A STRING", STR_LIT("\1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1")},
    {"A DOUBLE", STR_LIT("\1\0\0\0\0\0\0\0")},
    {"A ARRAY<INT>", STR_LIT("\1\xFF\xFF\xFF\xFF\x0F")},
    {"A MAP<STRING,INT>", STR_LIT("\1\1\1\1k")},
    {"A DECIMAL(4,2)", STR_LIT("\1\1\1\1")},
};

static void broken_bytes_are_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        rows_expect("INTERNAL", SIDE_VALUE, broken[i].columns, broken[i].bytes,
                    "Failed to deserialize value from topic: T. malformed internal data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_exactly),
        cmocka_unit_test(order_and_bits_are_kept),
        cmocka_unit_test(small_rows_are_small),
        cmocka_unit_test(broken_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
