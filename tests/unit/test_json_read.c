/* JSON payloads to rows: matching of names, coercions, and what is refused with which words. */
#include "serde_rows.h"

#define BAD_JSON                                                                                             \
    "Failed to deserialize value from topic: T. The payload is not valid JSON, or nests deeper than 1000 "   \
    "levels"
#define BAD "Failed to deserialize value from topic: T. "
#define NO_CONVERSION BAD "Can't convert type. sourceType: "
#define NO_COERCION BAD "Can't coerce string to type. targetType: "

typedef struct {
    const char *columns, *payload, *expected;
} Case;

static void run(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rows_expect("JSON", SIDE_VALUE, cases[i].columns, str_c(cases[i].payload), cases[i].expected);
}

static const Case matching[] = {
    {"A INT, B STRING", "{\"A\":1,\"B\":\"x\"}", "1|\"x\""},
    {"A INT, B STRING", "{\"B\":\"x\",\"A\":1}", "1|\"x\""},
    {"A INT, B STRING", "{\"b\":\"x\",\"a\":1}", "1|\"x\""},
    {"A INT, B STRING", "{}", "null|null"},
    {"A INT, B STRING", "{\"A\":null,\"C\":[1,{\"A\":5}]}", "null|null"},
    {"A INT", "{\"A\":1,\"A\":2}", "2"},
    {"A INT", "{\"a\":1,\"A\":2,\"a\":3}", "2"}, /* exact before folded */
    {"A INT", "{\"A\":null,\"a\":3}", "null"},   /* an exact null as well */
    {"AB INT", "{\"aB\":1,\"Ab\":2}", "2"},      /* of those, the last */
    {"A INT", "{\"A\":\"x\",\"A\":2}", "2"},     /* what is overwritten is not converted */
    {"a INT", "{\"A\":1}", "null"},              /* a quoted lower-case column takes its exact name only */
    {"a INT, A INT", "{\"a\":1}", "1|1"},
    {"a INT, A INT", "{\"a\":1,\"A\":2}", "1|2"},
    {"A INT", "{\"\\u0041\":7}", "7"},
    {"A INT", "{\"\\u0061\":7}", "7"},
    {"\xC3\x9C INT", "{\"\xC3\xBC\":7}", "7"}, /* u umlaut */
    {"S STRUCT<F INT, G STRING>", "{\"s\":{\"g\":\"y\",\"f\":1,\"h\":[]}}", "{\"F\":1,\"G\":\"y\"}"},
    {"A INT", " \t\r\n{ \"A\" : 1 , \"B\" : [ 1 , 2 ] } ", "1"},
    {"A INT", "\xEF\xBB\xBF{\"A\":1}", "1"},
    {"A INT", "{\"A\":1} trailing", "1"},
    {"A INT", "{\"A\":1}{\"A\":2}", "1"},
    {"A INT", "{\"A\":1}\"\xff", "1"}, /* an unclosed string that is no UTF-8 */
};

static void names_match_as_in_ksqldb(void **state) { run(matching, ARRAY_LEN(matching)); }

static const Case coercions[] = {
    {"C BOOLEAN", "{\"C\":true}", "true"},
    {"C BOOLEAN", "{\"C\":false}", "false"},
    {"C BOOLEAN", "{\"C\":\"true\"}", NO_CONVERSION "TextNode, requiredType: BOOLEAN, path: $.C"},
    {"C BOOLEAN", "{\"C\":1}", NO_CONVERSION "IntNode, requiredType: BOOLEAN, path: $.C"},
    {"C INT", "{\"C\":3.9}", "3"},
    {"C INT", "{\"C\":-3.9}", "-3"},
    {"C INT", "{\"C\":4294967297}", "1"},
    {"C INT", "{\"C\":1e3}", "1000"},
    {"C INT", "{\"C\":18446744073709551617}", "1"},
    {"C INT", "{\"C\":\"-17\"}", "-17"},
    {"C INT", "{\"C\":\"3.9\"}", NO_COERCION "INTEGER, path: $.C"},
    {"C INT", "{\"C\":\"4294967297\"}", NO_COERCION "INTEGER, path: $.C"},
    {"C INT", "{\"C\":\" 1\"}", NO_COERCION "INTEGER, path: $.C"},
    {"C INT", "{\"C\":\"\"}", NO_COERCION "INTEGER, path: $.C"},
    {"C INT", "{\"C\":true}", NO_CONVERSION "BooleanNode, requiredType: INTEGER, path: $.C"},
    {"C BIGINT", "{\"C\":9223372036854775807}", "9223372036854775807"},
    {"C BIGINT", "{\"C\":-9223372036854775808}", "-9223372036854775808"},
    {"C BIGINT", "{\"C\":9223372036854775808}", "-9223372036854775808"},
    {"C BIGINT", "{\"C\":\"9223372036854775808\"}", NO_COERCION "BIGINT, path: $.C"},
    {"C BIGINT", "{\"C\":[]}", NO_CONVERSION "ArrayNode, requiredType: BIGINT, path: $.C"},
    {"C DOUBLE", "{\"C\":1}", "1.0"},
    {"C DOUBLE", "{\"C\":0.1}", "0.1"},
    {"C DOUBLE", "{\"C\":123456789.123456789}", "1.2345678912345679E8"},
    {"C DOUBLE", "{\"C\":1e400}", "\"Infinity\""},
    {"C DOUBLE", "{\"C\":-0.0}", "0.0"},
    {"C DOUBLE", "{\"C\":-1e-400}", "-0.0"},
    {"C DOUBLE", "{\"C\":2.2250738585072014E-308}", "2.2250738585072014E-308"},
    {"C DOUBLE", "{\"C\":\" 1e3 \"}", "1000.0"},
    {"C DOUBLE", "{\"C\":\"NaN\"}", "\"NaN\""},
    {"C DOUBLE", "{\"C\":\"0x1p3\"}", "8.0"},
    {"C DOUBLE", "{\"C\":\"x\"}", NO_COERCION "DOUBLE, path: $.C"},
    {"C DOUBLE", "{\"C\":{}}", NO_CONVERSION "ObjectNode, requiredType: DOUBLE, path: $.C"},
    {"C DECIMAL(4,2)", "{\"C\":1.1}", "1.10"},
    {"C DECIMAL(4,2)", "{\"C\":-10}", "-10.00"},
    {"C DECIMAL(4,2)", "{\"C\":\"99.99\"}", "99.99"},
    {"C DECIMAL(4,2)", "{\"C\":1.100}", "1.10"},
    {"C DECIMAL(4,2)", "{\"C\":1e1}", "10.00"},
    {"C DECIMAL(4,2)", "{\"C\":\"x\"}", NO_COERCION "DECIMAL, path: $.C"},
    {"C DECIMAL(4,2)", "{\"C\":true}", NO_CONVERSION "BooleanNode, requiredType: DECIMAL, path: $.C"},
    {"C DECIMAL(30,10)", "{\"C\":12345678901234567890.0123456789}", "12345678901234567890.0123456789"},
    {"C STRING", "{\"C\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}",
     "\"a\\\"\\\\/\\b\\f\\n\\r\\t\xC3\xA9\xF0\x9F\x98\x80\""},
    {"C STRING", "{\"C\":\"\\ud800x\"}", "\"\xEF\xBF\xBDx\""},
    {"C STRING", "{\"C\":\"\"}", "\"\""},
    {"C STRING", "{\"C\":10}", "\"10\""},
    {"C STRING", "{\"C\":-0}", "\"0\""},
    {"C STRING", "{\"C\":123456789012345678901234567890}", "\"123456789012345678901234567890\""},
    {"C STRING", "{\"C\":1e3}", "\"1E+3\""},
    {"C STRING", "{\"C\":1.10}", "\"1.10\""},
    {"C STRING", "{\"C\":true}", "\"true\""},
    {"C STRING", "{\"C\":{\"b\" : 1 , \"a\":[1.50, \"x\", null,{}]}}",
     "\"{\\\"b\\\":1,\\\"a\\\":[1.50,\\\"x\\\",null,{}]}\""},
    {"C STRING", "{\"C\":{\"a\":1,\"b\":2,\"a\":3}}", "\"{\\\"a\\\":3,\\\"b\\\":2}\""},
    {"C STRING", "{\"C\":[1,\"x\",null,true,[2,[]],{\"a\":\"b\"}]}",
     "\"[1, x, null, true, [2, []], {\\\"a\\\":\\\"b\\\"}]\""},
    {"C BYTES", "{\"C\":\"PQ==\"}", "\"PQ==\""},
    {"C BYTES", "{\"C\":\"\"}", "\"\""},
    {"C BYTES", "{\"C\":\"secret!\"}", BAD "Value is not a valid Base64 encoded string, path: $.C"},
    {"C BYTES", "{\"C\":1}", NO_CONVERSION "IntNode, requiredType: BYTES, path: $.C"},
    {"C TIME", "{\"C\":86400000}", "86400000"},
    {"C TIME", "{\"C\":\"1000\"}", "1000"},
    {"C TIME", "{\"C\":86400001}",
     BAD "Time values must use number of milliseconds greater than 0 and less than 86400000., path: $.C"},
    {"C DATE", "{\"C\":\"-3\"}", "-3"},
    {"C TIMESTAMP", "{\"C\":1700000000000}", "1700000000000"},
    {"C TIMESTAMP", "{\"C\":\"2020-01-01T00:00:00\"}", NO_COERCION "BIGINT, path: $.C"},
    {"C ARRAY<INT>", "{\"C\":[1,null,\"3\"]}", "[1,null,3]"},
    {"C ARRAY<INT>", "{\"C\":[]}", "[]"},
    {"C ARRAY<INT>", "{\"C\":{}}", NO_CONVERSION "ObjectNode, requiredType: ARRAY, path: $.C"},
    {"C ARRAY<INT>", "{\"C\":[1,true]}", NO_CONVERSION "BooleanNode, requiredType: INTEGER, path: $.C[1]"},
    {"C MAP<STRING,INT>", "{\"C\":{\"b\":1,\"a\":null,\"b\":3}}", "{\"a\":null,\"b\":3}"},
    {"C MAP<STRING,INT>", "{\"C\":{}}", "{}"},
    {"C MAP<STRING,INT>", "{\"C\":{\"k\":\"x\"}}", NO_COERCION "INTEGER, path: $.C.k.value"},
    {"C MAP<STRING,INT>", "{\"C\":[]}", NO_CONVERSION "ArrayNode, requiredType: MAP, path: $.C"},
    {"C STRUCT<S STRUCT<B BOOLEAN>>", "{\"C\":{\"S\":{\"B\":\"x\"}}}",
     NO_CONVERSION "TextNode, requiredType: BOOLEAN, path: $.C.S.B"},
    {"C ARRAY<STRUCT<A INT>>", "{\"C\":[{\"A\":1},{},null,{\"a\":2}]}",
     "[{\"A\":1},{\"A\":null},null,{\"A\":2}]"},
    {"C STRUCT<A INT>", "{\"C\":12345678901}", NO_CONVERSION "LongNode, requiredType: STRUCT, path: $.C"},
    {"C STRUCT<A INT>", "{\"C\":1.5}", NO_CONVERSION "DecimalNode, requiredType: STRUCT, path: $.C"},
};

static void values_are_coerced(void **state) { run(coercions, ARRAY_LEN(coercions)); }

static const char *const broken[] = {
    "",
    " ",
    "{",
    "}",
    "{\"A\":1,",
    "{\"A\":1,}",
    "{\"A\":1",
    "{\"A\" 1}",
    "{\"A\":}",
    "{A:1}",
    "{\"A\":1]",
    "{\"A\":1 \"B\":2}",
    "{\"A\":1,\"B\":tru}",
    "{\"A\":1,\"B\":nulls}",
    "{\"A\":1,\"B\":01}",
    "{\"A\":1,\"B\":1.}",
    "{\"A\":1,\"B\":-}",
    "{\"A\":1,\"B\":1e}",
    "{\"A\":1,\"B\":+1}",
    "{\"A\":1,\"B\":.5}",
    "{\"A\":1,\"B\":NaN}",
    "{\"A\":1,\"B\":\"\\x\"}",
    "{\"A\":1,\"B\":\"\\u12\"}",
    "{\"A\":1,\"B\":\"x}",
    "{\"A\":1,\"B\":\"\n\"}",
    "{\"A\":1,\"B\":\"\xff\"}",
    "{\"A\":1,\"B\":[1,2}",
    "{\"A\":1,\"B\":[1,]}",
    "{\"A\":1,\"B\":[,1]}",
    "{\"A\":1,\"B\":{\"x\"}}",
    "{\"A\":1,\"B\":{\"x\":1,}}",
    "{\"A\":1,\"B\":[1 2]}",
    "{\"A\":1,\"B\":\"x\"y}",
    "{,}",
    "[1",
    "tru",
    "{\"A\":1,\"B\\q\":1}",
    "\\",
};

static void broken_documents_are_refused_whole(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        rows_expect("JSON", SIDE_VALUE, "A INT", str_c(broken[i]), BAD_JSON);
}

static void payloads_that_are_no_objects_are_refused(void **state)
{
    static const Case cases[] = {
        {"A INT", "null", NO_CONVERSION "NullNode, requiredType: STRUCT, path: $"},
        {"A INT", "[1]", NO_CONVERSION "ArrayNode, requiredType: STRUCT, path: $"},
        {"A INT", "10", NO_CONVERSION "IntNode, requiredType: STRUCT, path: $"},
        {"A INT", "\"{}\"", NO_CONVERSION "TextNode, requiredType: STRUCT, path: $"},
    };
    run(cases, ARRAY_LEN(cases));
}

static void keys_of_one_column_are_bare(void **state)
{
    static const Case cases[] = {
        {"K STRING", "\"abc\"", "\"abc\""},
        {"K INT", " 10 ", "10"},
        {"K INT", "10 20", "10"},
        {"K INT", "null", "null"},
        {"K INT", "true",
         "Failed to deserialize key from topic: T. Can't convert type. sourceType: BooleanNode, "
         "requiredType: INTEGER, "
         "path: $"},
        {"K STRUCT<F INT>", "{\"F\":1}", "{\"F\":1}"},
        {"K INT, L INT", "{\"K\":1,\"L\":2}", "1|2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        rows_expect("JSON", SIDE_KEY, cases[i].columns, str_c(cases[i].payload), cases[i].expected);
}

/* Decodes n brackets of one kind, open and closed, into a column that nobody described so deep. */
static Status decode_nested(size_t n, const char *columns)
{
    SerdeRows rows;
    StrBuf    text = {0};
    Value     values[ROW_COLUMNS_MAX];
    rows_init(&rows, "JSON", SIDE_VALUE, columns);
    strbuf_adds(&text, "{\"A\":");
    for (size_t i = 0; i < n; i++)
        strbuf_addc(&text, '[');
    for (size_t i = 0; i < n; i++)
        strbuf_addc(&text, ']');
    strbuf_addc(&text, '}');
    Status status = rows_decode(&rows, strbuf_str(&text), values);
    strbuf_clear(&text);
    rows_clear(&rows);
    return status;
}

static void depth_is_limited(void **state)
{
    assert_int_equal(decode_nested(1000, "A STRING"), OK);
    assert_int_equal(decode_nested(1001, "A STRING"), E_DATA);
    assert_int_equal(decode_nested(1000, "B STRING"), OK);
    assert_int_equal(decode_nested(100000, "B STRING"), E_DATA);
}

static void unwanted_parts_stay_null(void **state)
{
    static const Wanted        none = {.none = true}, all = {0};
    static const Wanted *const fields[]  = {&none, &all};
    static const Wanted        some      = {.fields = fields};
    static const Wanted *const columns[] = {&none, &some, NULL};
    SerdeRows                  rows;
    rows_init(&rows, "JSON", SIDE_VALUE, "A INT, S STRUCT<F INT, G INT>, C INT");
    rows.spec.wanted = columns;
    Str shown = rows_show(&rows, STR_LIT("{\"A\":\"no int\",\"S\":{\"F\":\"nor this\",\"G\":2},\"C\":3}"));
    assert_string_equal(shown.ptr, "null|{\"F\":null,\"G\":2}|3");
    rows_clear(&rows);
}

/* One decoder, records whose fields come, go and change places: guesses must never show. */
static void guesses_never_show(void **state)
{
    static const struct {
        const char *payload;
        int64_t     a, b;
    } records[] = {
        {"{\"A\":1,\"B\":2,\"C\":3}", 1, 2}, {"{\"A\":4,\"B\":5,\"C\":6}", 4, 5},
        {"{\"B\":1,\"A\":2}", 2, 1},         {"{\"X\":9,\"A\":2,\"B\":3}", 2, 3},
        {"{\"b\":3,\"a\":2}", 2, 3},         {"{\"B\":3,\"C\":2,\"A\":7}", 7, 3},
        {"{\"A\":4,\"B\":5,\"C\":6}", 4, 5}, {"{\"AB\":4,\"A\":1,\"B\":2}", 1, 2},
    };
    SerdeRows rows;
    Decoder  *decoder;
    Value     out[2];
    rows_init(&rows, "JSON", SIDE_VALUE, "A INT, B INT");
    assert_int_equal(decoder_open(&rows.spec, rows.arena, &decoder, &rows.err), OK);
    for (size_t i = 0; i < 3 * ARRAY_LEN(records); i++) {
        size_t at = i * 5 % ARRAY_LEN(records);
        assert_int_equal(decoder_decode(decoder, str_c(records[at].payload), rows.arena, out, &rows.err), OK);
        assert_int_equal(value_int(out[0]), records[at].a);
        assert_int_equal(value_int(out[1]), records[at].b);
    }
    decoder_close(decoder);
    rows_clear(&rows);
}

/* Texts without escapes are not copied; many fields outgrow the guesses; big records grow the index. */
static void wide_and_long_records(void **state)
{
    SerdeRows rows;
    StrBuf    text = {0};
    Value     values[2];
    rows_init(&rows, "JSON", SIDE_VALUE, "F999 INT, T STRING");
    strbuf_addc(&text, '{');
    for (int i = 0; i < 1000; i++)
        strbuf_addf(&text, "\"F%d\":%d,", i, i);
    strbuf_adds(&text, "\"T\":\"");
    for (int i = 0; i < 100000; i++)
        strbuf_addc(&text, 'x');
    strbuf_adds(&text, "\"}");
    assert_int_equal(rows_decode(&rows, strbuf_str(&text), values), OK);
    assert_int_equal(value_int(values[0]), 999);
    assert_int_equal(values[1].len, 100000);
    strbuf_clear(&text);
    rows_clear(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_as_in_ksqldb),
        cmocka_unit_test(values_are_coerced),
        cmocka_unit_test(broken_documents_are_refused_whole),
        cmocka_unit_test(payloads_that_are_no_objects_are_refused),
        cmocka_unit_test(keys_of_one_column_are_bare),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(unwanted_parts_stay_null),
        cmocka_unit_test(guesses_never_show),
        cmocka_unit_test(wide_and_long_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
