/* Rows to JSON bytes: Java's numbers, Jackson's escapes, wrapping; and values as REST shows them. */
#include <math.h>

#include "core/decimal.h"
#include "serde_rows.h"

static void expect_bytes(Str got, Str expected)
{
    if (!str_equal(got, expected))
        fail_msg("expected " STR_FMT "\ngot      " STR_FMT, STR_ARG(expected), STR_ARG(got));
}

static void a_row_is_an_object_in_schema_order(void **state)
{
    SerdeRows      rows;
    const MapEntry entries[] = {{value_from_str(STR_LIT("x")), value_from_int(1)}};
    rows_init(&rows, "JSON", SIDE_VALUE,
              "A INT, B DOUBLE, C DECIMAL(4,2), D STRING, E BYTES, F MAP<STRING,INT>");
    const Value row[] = {
        value_from_int(1), value_from_double(1e7),       value_decimal(110, 2),
        value_null(),      value_from_str(STR_LIT("=")), value_map(entries, 1),
    };
    expect_bytes(rows_encode(&rows, row),
                 STR_LIT("{\"A\":1,\"B\":1.0E7,\"C\":1.10,\"D\":null,\"E\":\"PQ==\",\"F\":{\"x\":1}}"));
    rows_clear(&rows);
}

static void single_values_are_wrapped_as_told(void **state)
{
    SerdeRows   rows;
    const Value one = value_from_int(1), null = value_null();
    rows_init(&rows, "JSON", SIDE_VALUE, "A INT");
    expect_bytes(rows_encode(&rows, &one), STR_LIT("{\"A\":1}"));
    expect_bytes(rows_encode(&rows, &null), STR_LIT("{\"A\":null}"));
    rows.spec.format.wrapping = UNWRAP_SINGLES;
    expect_bytes(rows_encode(&rows, &one), STR_LIT("1"));
    assert_null(rows_encode(&rows, &null).ptr);
    rows_clear(&rows);
    rows_init(&rows, "JSON", SIDE_KEY, "K STRING");
    const Value abc = value_from_str(STR_LIT("abc"));
    expect_bytes(rows_encode(&rows, &abc), STR_LIT("\"abc\""));
    rows_clear(&rows);
}

static const struct {
    Str text, json;
} strings[] = {
    {STR_LIT(""), STR_LIT("\"\"")},
    {STR_LIT("plain text of more than eight bytes"), STR_LIT("\"plain text of more than eight bytes\"")},
    {STR_LIT("\"\\/"), STR_LIT("\"\\\"\\\\/\"")},
    {STR_LIT("\b\t\n\f\r\x01\x1f\x7f"), STR_LIT("\"\\b\\t\\n\\f\\r\\u0001\\u001F\x7f\"")},
    {STR_LIT("12345678\"12345678\n1234567"), STR_LIT("\"12345678\\\"12345678\\n1234567\"")},
    {STR_LIT("a\0b"), STR_LIT("\"a\\u0000b\"")},
    {STR_LIT("\xC3\xA9\xF0\x9F\x98\x80!!!!!!!\xC3\xA9"),
     STR_LIT("\"\xC3\xA9\xF0\x9F\x98\x80!!!!!!!\xC3\xA9\"")},
};

static void strings_are_escaped_where_json_demands_it(void **state)
{
    StrBuf out = {0};
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        strbuf_reset(&out);
        json_write_string(strings[i].text, &out);
        expect_bytes(strbuf_str(&out), strings[i].json);
    }
    strbuf_clear(&out);
}

/* Each character alone, at each place of a word: the fast scan must agree with the slow one. */
static void escapes_are_found_at_every_place(void **state)
{
    StrBuf out = {0};
    for (int c = 0; c < 256; c++)
        for (size_t place = 0; place < 17; place++) {
            char text[17];
            memset(text, 'x', sizeof text);
            text[place] = (char)c;
            strbuf_reset(&out);
            json_write_string(str_n(text, sizeof text), &out);
            size_t extra = c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11) ? 1 : c < 0x20 ? 5 : 0;
            assert_int_equal(out.len, sizeof text + 2 + extra);
        }
    strbuf_clear(&out);
}

static void show(const SqlType *type, Value value, JsonStyle style, const char *expected)
{
    StrBuf out = {0};
    json_write_value(type, value, style, &out);
    expect_bytes(strbuf_str(&out), str_c(expected));
    strbuf_clear(&out);
}

static void numbers_are_written_as_java_writes_them(void **state)
{
    static const SqlType decimal = {.kind = T_DECIMAL, .precision = 20, .scale = 7};
    show(&type_bigint, value_from_int(INT64_MIN), JSON_STYLE_TOPIC, "-9223372036854775808");
    show(&type_double, value_from_double(100), JSON_STYLE_TOPIC, "100.0");
    show(&type_double, value_from_double(1e10), JSON_STYLE_TOPIC, "1.0E10");
    show(&type_double, value_from_double(1e-5), JSON_STYLE_TOPIC, "1.0E-5");
    show(&type_double, value_from_double(-0.0), JSON_STYLE_TOPIC, "-0.0");
    show(&type_double, value_from_double(NAN), JSON_STYLE_TOPIC, "\"NaN\"");
    show(&type_double, value_from_double(INFINITY), JSON_STYLE_TOPIC, "\"Infinity\"");
    show(&type_double, value_from_double(-INFINITY), JSON_STYLE_TOPIC, "\"-Infinity\"");
    show(&decimal, value_decimal(1, 7), JSON_STYLE_TOPIC, "1E-7");
    show(&decimal, value_decimal(1, 7), JSON_STYLE_REST, "0.0000001");
    show(&decimal, value_decimal(10, 7), JSON_STYLE_TOPIC, "0.0000010");
    show(&type_boolean, value_from_bool(true), JSON_STYLE_TOPIC, "true");
}

static void dates_are_numbers_in_topics_and_text_in_rest(void **state)
{
    show(&type_time, value_from_int(3661000), JSON_STYLE_TOPIC, "3661000");
    show(&type_date, value_from_int(1), JSON_STYLE_TOPIC, "1");
    show(&type_timestamp, value_from_int(1), JSON_STYLE_TOPIC, "1");
    show(&type_time, value_from_int(3661000), JSON_STYLE_REST, "\"01:01:01\"");
    show(&type_time, value_from_int(5), JSON_STYLE_REST, "\"00:00:00.005\"");
    show(&type_date, value_from_int(1), JSON_STYLE_REST, "\"1970-01-02\"");
    show(&type_timestamp, value_from_int(1), JSON_STYLE_REST, "\"1970-01-01T00:00:00.001\"");
}

static void maps_are_sorted_by_key(void **state)
{
    Arena         *arena = arena_new(0);
    const SqlType *texts = type_map(arena, &type_string, &type_integer);
    const SqlType *ints  = type_map(arena, &type_integer, &type_integer);
    MapEntry       many[40];
    const MapEntry two[] = {{value_from_str(STR_LIT("b")), value_from_int(1)},
                            {value_from_str(STR_LIT("a")), value_null()}};
    show(texts, value_map(two, 2), JSON_STYLE_TOPIC, "{\"a\":null,\"b\":1}");
    show(texts, value_map(NULL, 0), JSON_STYLE_TOPIC, "{}");
    for (int i = 0; i < 40; i++)
        many[i] = (MapEntry){value_from_int(40 - i), value_from_int(i)};
    StrBuf out = {0};
    json_write_value(ints, value_map(many, 40), JSON_STYLE_REST, &out);
    assert_true(str_starts_with(strbuf_str(&out), STR_LIT("{\"1\":39,\"2\":38,")));
    strbuf_clear(&out);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_an_object_in_schema_order),
        cmocka_unit_test(single_values_are_wrapped_as_told),
        cmocka_unit_test(strings_are_escaped_where_json_demands_it),
        cmocka_unit_test(escapes_are_found_at_every_place),
        cmocka_unit_test(numbers_are_written_as_java_writes_them),
        cmocka_unit_test(dates_are_numbers_in_topics_and_text_in_rest),
        cmocka_unit_test(maps_are_sorted_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
