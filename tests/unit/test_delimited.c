/* DELIMITED: Commons CSV's reading and quoting, field parsers, delimiters. */
#include "serde_rows.h"

#define BAD "Error deserializing delimited. "

typedef struct {
    const char *columns, *payload, *expected;
} Case;

static const Case readings[] = {
    {"A STRING, B STRING", "a,b", "\"a\"|\"b\""},
    {"A STRING, B STRING", "a,", "\"a\"|null"},
    {"A STRING, B STRING", ",", "null|null"},
    {"A STRING, B STRING", "\"\",\"\"", "null|null"},
    {"A STRING, B STRING", "\"a,b\",\"c\"\"d\"", "\"a,b\"|\"c\\\"d\""},
    {"A STRING, B STRING", " a , b ", "\" a \"|\" b \""},
    {"A STRING, B STRING", "a\"b,c\"", "\"a\\\"b\"|\"c\\\"\""},
    {"A STRING, B STRING", "\"a\"  ,b", "\"a\"|\"b\""},
    {"A STRING, B STRING", "\"a\"x,b", BAD "invalid char between encapsulated token and delimiter"},
    {"A STRING, B STRING", "\"a,b", BAD "EOF reached before encapsulated token finished"},
    {"A STRING, B STRING", "\"a\nb\",c", "\"a\\nb\"|\"c\""},
    {"A STRING, B STRING", "\n\r\na,b\nc,d,e", "\"a\"|\"b\""},
    {"A STRING, B STRING", "\"a\",\"b\"\r\nc", "\"a\"|\"b\""},
    {"A STRING, B STRING", "\"\"\"\",\"\"\"x\"", "\"\\\"\"|\"\\\"x\""},
    {"A STRING, B STRING", "a", BAD "Unexpected field count, csvFields:1 schemaFields:2"},
    {"A STRING, B STRING", "a,b,c", BAD "Unexpected field count, csvFields:3 schemaFields:2"},
    {"A STRING", "", BAD "No fields in record"},
    {"A STRING", "\n\n", BAD "No fields in record"},
    {"A STRING", "x\xFF", "\"x\xEF\xBF\xBD\""},
    {"A BOOLEAN", "TRUE", "true"},
    {"A BOOLEAN", "yes", "false"},
    {"A INT", "-2147483648", "-2147483648"},
    {"A INT", "2147483648", BAD "Not a value of type INTEGER"},
    {"A INT", " 1", BAD "Not a value of type INTEGER"},
    {"A BIGINT", "+7", "7"},
    {"A BIGINT", "7.0", BAD "Not a value of type BIGINT"},
    {"A DOUBLE", "1e3", "1000.0"},
    {"A DOUBLE", "NaN", "\"NaN\""},
    {"A DOUBLE", "x", BAD "Not a value of type DOUBLE"},
    {"A DECIMAL(4,2)", "1.1", "1.10"},
    {"A DECIMAL(4,2)", "x", BAD "Not a value of type DECIMAL"},
    {"A BYTES", "PQ==", "\"PQ==\""},
    {"A BYTES", "P!==", BAD "Not a value of type BYTES"},
    {"A TIME", "86400000", "86400000"},
    {"A TIME", "86400001",
     BAD "Time values must use number of milliseconds greater than 0 and less than 86400000."},
    {"A DATE", "-1", "-1"},
    {"A TIMESTAMP", "1700000000000", "1700000000000"},
};

static void lines_are_read(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        rows_expect("DELIMITED", SIDE_VALUE, readings[i].columns, str_c(readings[i].payload),
                    readings[i].expected);
}

static void decimals_must_fit(void **state)
{
    SerdeRows rows;
    Value     out;
    rows_init(&rows, "DELIMITED", SIDE_VALUE, "A DECIMAL(4,2)");
    assert_int_equal(rows_decode(&rows, STR_LIT("1.111"), &out), E_DATA);
    assert_int_equal(rows_decode(&rows, STR_LIT("100"), &out), E_DATA);
    assert_int_equal(rows_decode(&rows, STR_LIT("99.99"), &out), OK);
    rows_clear(&rows);
}

static Value text(const char *s) { return value_from_str(str_c(s)); }

static void expect_line(const char *columns, const char *delimiter, const Value *row, const char *expected)
{
    SerdeRows rows;
    rows_init(&rows, "DELIMITED", SIDE_VALUE, columns);
    rows.spec.format.delimiter = str_c(delimiter);
    Str got                    = rows_encode(&rows, row);
    assert_non_null(got.ptr);
    if (!str_equal(got, str_c(expected)))
        fail_msg("expected <%s>, got <" STR_FMT ">", expected, STR_ARG(got));
    rows_clear(&rows);
}

static void lines_are_written(void **state)
{
    const Value worked[] = {value_from_int(-5), value_null(), text("a,b"), text("")};
    expect_line("A INT, B STRING, C STRING, D STRING", NULL, worked, "\"-5\",,\"a,b\",");
    const Value firsts[] = {text(""), text("#x"), text("-5"), text("x ")};
    expect_line("A STRING, B STRING, C STRING, D STRING", NULL, firsts, "\"\",\"#x\",-5,\"x \"");
    const Value quotes[] = {text("\xC3\xA9"), text("say \"hi\""), text("a\nb"), text("\xC3\xA9")};
    expect_line("A STRING, B STRING, C STRING, D STRING", NULL, quotes,
                "\"\xC3\xA9\",\"say \"\"hi\"\"\",\"a\nb\",\xC3\xA9");
    const Value kinds[] = {value_from_bool(true), value_from_double(1e7), value_decimal(-110, 2), text("=")};
    expect_line("A BOOLEAN, B DOUBLE, C DECIMAL(4,2), D BYTES", "|", kinds, "true|1.0E7|-1.10|PQ==");
    const Value times[] = {value_from_int(1), value_from_int(2), value_from_int(3)};
    expect_line("A TIME, B DATE, C TIMESTAMP", "\xE2\x82\xAC", times,
                "1\xE2\x82\xAC"
                "2\xE2\x82\xAC"
                "3");
    const Value null = value_null();
    expect_line("A STRING", NULL, &null, "");
}

static void other_delimiters_are_read(void **state)
{
    static const char *const delimiters[] = {"|", "\t", " ", "\xE2\x82\xAC", "$"};
    for (size_t i = 0; i < ARRAY_LEN(delimiters); i++) {
        SerdeRows rows;
        rows_init(&rows, "DELIMITED", SIDE_VALUE, "A STRING, B INT");
        rows.spec.format.delimiter = str_c(delimiters[i]);
        Str line                   = str_printf(rows.arena, "\"a,b\"%s5", delimiters[i]);
        assert_string_equal(rows_show(&rows, line).ptr, "\"a,b\"|5");
        rows_clear(&rows);
    }
}

static void delimiter_properties(void **state)
{
    static const struct {
        const char *text, *delimiter, *message;
    } cases[] = {
        {";", ";", NULL},
        {"SPACE", " ", NULL},
        {"tab", "\t", NULL},
        {"\xE2\x82\xAC", "\xE2\x82\xAC", NULL},
        {"", NULL,
         "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please use the "
         "special values 'TAB' "
         "or 'SPACE'\nExample valid value: ';'"},
        {" ", NULL,
         "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please use the "
         "special values 'TAB' "
         "or 'SPACE'\nExample valid value: ';'"},
        {"||", NULL,
         "Invalid delimiter value: '||'. Delimiter must be a single character or TAB,SPACE\nExample valid "
         "value: ';'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Str    out = STR_NULL;
        Error  err;
        Status status = format_parse_delimiter(str_c(cases[i].text), &out, &err);
        assert_int_equal(status, cases[i].message ? E_PLAN : OK);
        if (cases[i].message)
            assert_string_equal(err.message, cases[i].message);
        else
            assert_true(str_equal(out, str_c(cases[i].delimiter)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),       cmocka_unit_test(decimals_must_fit),
        cmocka_unit_test(lines_are_written),    cmocka_unit_test(other_delimiters_are_read),
        cmocka_unit_test(delimiter_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
