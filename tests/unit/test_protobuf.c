/* PROTOBUF and PROTOBUF_NOSR: the schemas that are registered, the bytes, evolution, and what strangers'
 * bytes do. */
#include "registry_rows.h"

#define PROTO3 "syntax = \"proto3\"; "

/* ---- schemas of columns ---- */

static const struct {
    const char *columns, *nullable, *text;
} printed[] = {
    {"A INT, D STRING", NULL,
     "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  int32 A = 1;\n  string D = 2;\n}\n"},
    {"A INT, D STRING", "OPTIONAL",
     "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  optional int32 A = 1;\n  optional string D = "
     "2;\n}\n"},
    {"A BIGINT", "WRAPPER",
     "syntax = \"proto3\";\n\nimport \"google/protobuf/wrappers.proto\";\n\nmessage ConnectDefault1 {\n"
     "  google.protobuf.Int64Value A = 1;\n}\n"},
    {"S STRUCT<X ARRAY<BOOLEAN>>, MY_MAP MAP<STRING,DOUBLE>", NULL,
     "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  ConnectDefault2 S = 1;\n  repeated MyMapEntry "
     "MY_MAP = 2;\n\n"
     "  message ConnectDefault2 {\n    repeated bool X = 1;\n  }\n  message MyMapEntry {\n    string key = "
     "1;\n"
     "    double value = 2;\n  }\n}\n"},
    {"D DECIMAL(4,2), T TIMESTAMP", NULL,
     "syntax = \"proto3\";\n\nimport \"confluent/meta.proto\";\nimport \"confluent/type/decimal.proto\";\n"
     "import \"google/protobuf/timestamp.proto\";\n\nmessage ConnectDefault1 {\n"
     "  confluent.type.Decimal D = 1 [(confluent.field_meta) = {\n    params: [\n      {\n        key: "
     "\"precision\",\n"
     "        value: \"4\"\n      },\n      {\n        key: \"scale\",\n        value: \"2\"\n      }\n    "
     "]\n  }];\n"
     "  google.protobuf.Timestamp T = 2;\n}\n"},
};

static void columns_become_ksqldbs_schema(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
        RegistryRows     r;
        RegisteredSchema schema;
        registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, printed[i].columns);
        r.rows.spec.format.nullable_representation = str_c(printed[i].nullable);
        assert_int_equal(schema_of_columns(&r.rows.spec, r.rows.arena, &schema, &r.rows.err), OK);
        assert_string_equal(str_to_c(r.rows.arena, schema.text), printed[i].text);
        registry_rows_clear(&r);
    }
}

/* ---- columns of schemas ---- */

static const struct {
    const char *schema, *columns;
} schemas[] = {
    {PROTO3 "message M { int32 a = 1; sint32 b = 2; uint32 c = 3; fixed64 d = 4; float e = 5; bool f = 6; "
            "bytes g = 7; }",
     "`A` INTEGER, `B` INTEGER, `C` BIGINT, `D` BIGINT, `E` DOUBLE, `F` BOOLEAN, `G` BYTES"},
    {PROTO3 "enum E { X = 0; } message M { E e = 1; map<string, int32> m = 2; repeated N n = 3; message N { "
            "E x = 1; } }",
     "`E` STRING, `M` MAP<STRING, INTEGER>, `N` ARRAY<STRUCT<`X` STRING>>"},
    {PROTO3 "import \"google/protobuf/wrappers.proto\"; import \"google/protobuf/timestamp.proto\"; import "
            "\"google/type/date.proto\"; import \"google/type/timeofday.proto\"; message M { "
            "google.protobuf.Int32Value "
            "a = 1; google.protobuf.Timestamp b = 2; google.type.Date c = 3; google.type.TimeOfDay d = 4; }",
     "`A` INTEGER, `B` TIMESTAMP, `C` DATE, `D` TIME"},
#define GOOGLE(name) "import \"google/protobuf/" name ".proto\"; "
    {PROTO3 GOOGLE("any") GOOGLE("api") GOOGLE("descriptor") GOOGLE("duration") GOOGLE("empty") GOOGLE(
         "field_mask") GOOGLE("source_context") GOOGLE("struct") GOOGLE("timestamp") GOOGLE("type")
         GOOGLE(
             "wrappers") "message M { google.protobuf.Duration d = 1; google.protobuf.StringValue s = 2; }",
     "`D` STRUCT<`SECONDS` BIGINT, `NANOS` INTEGER>, `S` STRING"}, /* what comes with the library */
#undef GOOGLE
    {PROTO3 "import \"confluent/meta.proto\"; import \"confluent/type/decimal.proto\"; message M { "
            "confluent.type.Decimal d "
            "= 1 [(confluent.field_meta) = { params: [ { key: \"precision\", value: \"5\" }, { key: "
            "\"scale\", value: "
            "\"1\" } ] }]; }",
     "`D` DECIMAL(5, 1)"},
    {PROTO3 "message M { oneof choice { int32 a = 1; string b = 2; } int32 c = 3; }",
     "`CHOICE_0` STRUCT<`A` INTEGER, `B` STRING>, `C` INTEGER"},
    {PROTO3 "message M { M next = 1; int32 v = 2; }", "`V` INTEGER"}, /* a message within itself */
    {PROTO3 "message A { int32 x = 1; } message B { int32 y = 1; }",
     "Value schema has multiple schema definitions. \n\n- A\n- B\n\nPlease specify a schema full name in the "
     "WITH clause "
     "using VALUE_SCHEMA_FULL_NAME"},
    {PROTO3 "message M {",
     "Not a valid Protobuf schema: line 1, column 31: Reached end of input in message definition "
     "(missing '}')."},
    {PROTO3 "import \"other.proto\"; message M { int32 a = 1; }",
     "Not a valid Protobuf schema: line 1, column 1: the import \"other.proto\" is not known"},
    {PROTO3 "message M { Missing a = 1; }", "Not a valid Protobuf schema: M.a: \"Missing\" is not defined."},
    {PROTO3, "The Protobuf schema has no message"},
};

static void schemas_become_columns(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        RegistryRows r;
        registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "");
        assert_string_equal(inferred(&r, schemas[i].schema, false, true), schemas[i].columns);
        registry_rows_clear(&r);
    }
}

/* libprotobuf's parser calls itself for each brace: 14,000 of them took the process with them. */
static void nesting_has_an_end(void **state)
{
    RegistryRows r;
    StrBuf       text = {0};
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "");
    strbuf_adds(&text, PROTO3);
    for (int i = 0; i < 30000; i++)
        strbuf_adds(&text, "message A{");
    for (int i = 0; i < 30000; i++)
        strbuf_addc(&text, '}');
    strbuf_addc(&text, '\0');
    assert_string_equal(inferred(&r, text.ptr, false, false),
                        "Not a valid Protobuf schema: line 1, column 1: messages nest too deep");
    strbuf_clear(&text);
    registry_rows_clear(&r);
}

static void a_name_chooses_among_messages(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "");
    r.rows.spec.format.full_schema_name = STR_LIT("p.B.C");
    assert_string_equal(
        inferred(&r, PROTO3 "package p; message A { int32 x = 1; } message B { message C { bool y = 1; } }",
                 false, false),
        "`y` BOOLEAN");
    r.rows.spec.format.full_schema_name = STR_LIT("Z");
    assert_string_equal(inferred(&r, PROTO3 "message A { int32 x = 1; }", false, false),
                        "The Protobuf schema has no message Z");
    registry_rows_clear(&r);
}

/* ---- bytes ---- */

static void rows_become_bytes_and_rows(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "A INT, D STRING");
    Value values[] = {value_from_int(1), value_null()};
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, values)), "0000000001000801");
    expect_rows(&r, 1, "00 0801", "1|\"\"");
    expect_rows(&r, 1, "0200 1201 61", "0|\"a\""); /* the first message, at length */
    registry_rows_clear(&r);
}

static void show_json(RegistryRows *r, const char *json, const char *shown)
{
    SerdeRows as_json = r->rows;
    Value     values[ROW_COLUMNS_MAX];
    as_json.spec.format  = (FormatSpec){.format = format_any_key()};
    as_json.spec.columns = as_json.columns;
    assert_int_equal(rows_decode(&as_json, str_c(json), values), OK);
    assert_string_equal(str_to_c(r->rows.arena, rows_show(&r->rows, rows_encode(&r->rows, values))), shown);
}

#define EVERY_TYPE                                                                                           \
    "A BOOLEAN, B BIGINT, C DOUBLE, D DECIMAL(30,2), E BYTES, F TIME, G DATE, H TIMESTAMP, I "               \
    "ARRAY<STRING>, "                                                                                        \
    "J MAP<STRING,DOUBLE>, K STRUCT<X INT,Y ARRAY<STRUCT<Z STRING>>>, L ARRAY<INT>"

static void every_type_comes_back(void **state)
{
    static const char json[] = "{\"A\":true,\"B\":-9223372036854775808,\"C\":-0.0,\"D\":-"
                               "1234567890123456789012345.25,\"E\":\"AP8=\",\"F\":86399999,"
                               "\"G\":-719162,\"H\":-1,\"I\":[\"a\",\"\"],\"J\":{\"k\":1.5},\"K\":{\"X\":-7,"
                               "\"Y\":[{\"Z\":\"z\"}]},\"L\":[1,-1,0]}";
    static const char shown[] =
        "true|-9223372036854775808|0.0|-1234567890123456789012345.25|\"AP8=\"|86399999|-719162|-1|"
        "[\"a\",\"\"]|{\"k\":1.5}|{\"X\":-7,\"Y\":[{\"Z\":\"z\"}]}|[1,-1,0]";
    static const char *const formats[] = {"PROTOBUF", "PROTOBUF_NOSR"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        RegistryRows r;
        registry_rows_init(&r, formats[i], SIDE_VALUE, EVERY_TYPE);
        show_json(&r, json, shown);
        registry_rows_clear(&r);
    }
}

/* What is repeated in the values of a MAP; directly in an ARRAY it is refused (test_serde_check.c). */
static void nested_maps_come_back(void **state)
{
    static const char        json[]    = "{\"A\":{\"k\":[1,2],\"l\":[]},\"B\":{\"m\":{\"n\":[3]}},"
                                         "\"C\":[{\"D\":{\"o\":4}},{\"D\":{}}]}";
    static const char        shown[]   = "{\"k\":[1,2],\"l\":[]}|{\"m\":{\"n\":[3]}}|"
                                         "[{\"D\":{\"o\":4}},{\"D\":{}}]";
    static const char *const formats[] = {"PROTOBUF", "PROTOBUF_NOSR"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        RegistryRows r;
        registry_rows_init(&r, formats[i], SIDE_VALUE,
                           "A MAP<STRING,ARRAY<INT>>, B MAP<STRING,MAP<STRING,ARRAY<INT>>>, "
                           "C ARRAY<STRUCT<D MAP<STRING,INT>>>");
        show_json(&r, json, shown);
        registry_rows_clear(&r);
    }
}

static void nulls_need_a_representation(void **state)
{
    static const struct {
        const char *nullable, *shown;
    } cases[] = {
        {NULL, "false|0|0.0|null|\"\"|null|null|null|[]|{}|null|[]"},
        {"OPTIONAL", "null|null|null|null|null|null|null|null|[]|{}|null|[]"},
        {"wrapper", "null|null|null|null|null|null|null|null|[]|{}|null|[]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        RegistryRows r;
        registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, EVERY_TYPE);
        r.rows.spec.format.nullable_representation = str_c(cases[i].nullable);
        show_json(&r, "{}", cases[i].shown);
        registry_rows_clear(&r);
    }
}

static void zeros_are_told_from_nulls(void **state)
{
    static const char *const representations[] = {"OPTIONAL", "WRAPPER"};
    for (size_t i = 0; i < 2; i++) {
        RegistryRows r;
        registry_rows_init(&r, "PROTOBUF_NOSR", SIDE_VALUE, "A INT, B STRING, C DOUBLE, D BOOLEAN");
        r.rows.spec.format.nullable_representation = str_c(representations[i]);
        show_json(&r, "{\"A\":0,\"B\":\"\",\"C\":0.0,\"D\":false}", "0|\"\"|0.0|false");
        registry_rows_clear(&r);
    }
}

/* ---- the writer's message is another ---- */

static const struct {
    const char *columns, *schema, *payload, *shown;
} evolutions[] = {
    /* another number, unknown numbers of every wire type, a group, lower case */
    {"A INT, B STRING", PROTO3 "message M { int32 a = 300; }",
     "00 0a01ff 1005 19 0000000000000000 25 00000000 2b 0801 2c e01207", "7|null"},
    {"A BIGINT, B STRING", PROTO3 "message M { sint32 a = 1; fixed32 b = 2; }", "00 0803 15 05000000",
     "-2|\"5\""},
    {"A INT", PROTO3 "message M { int64 a = 1; }", "00 0801",
     "Error deserializing message from topic: T. Cannot deserialize type int64 as type int32 for path: ->a"},
    {"A ARRAY<INT>", PROTO3 "message M { repeated int32 a = 1; }", "00 0801 0a020203 0804",
     "[1,2,3,4]"}, /* packed or not */
    {"A ARRAY<INT>", PROTO3 "message M { repeated int32 a = 1; }", "00", "[]"},
    {"A STRING", PROTO3 "enum E { X = 0; Y = 5; } message M { E a = 1; }", "00 0805", "\"Y\""},
    {"A STRING", PROTO3 "enum E { X = 0; Y = 5; } message M { E a = 1; }", "00", "\"X\""},
    {"A STRING", PROTO3 "enum E { X = 0; } message M { E a = 1; }", "00 0807", "\"UNKNOWN_ENUM_VALUE_7\""},
    {"A INT", PROTO3 "message M { int32 a = 1; }", "00 0801 0802", "2"}, /* the last one */
    {"A INT, B INT", PROTO3 "message M { int32 a = 1; int32 b = 2; }", "00 0a0161 1002",
     "0|2"}, /* another wire type */
    {"S STRUCT<X INT,Y INT>", PROTO3 "message M { N s = 1; message N { int32 x = 1; int32 y = 2; } }",
     "00 0a020801 0a021002", "{\"X\":1,\"Y\":2}"}, /* merged */
    {"S STRUCT<X INT>", PROTO3 "message M { N s = 1; message N { int32 x = 1; } }", "00", "null"},
    {"S STRUCT<X INT>", PROTO3 "message M { N s = 1; message N { int32 x = 1; } }", "00 0a00", "{\"X\":0}"},
    {"M MAP<STRING,INT>", PROTO3 "message M { map<string, int32> m = 1; }",
     "00 0a050a016b1001 0a050a016b1002 0a00", "{\"\":0,\"k\":2}"},
    {"M MAP<STRING,INT>", PROTO3 "message M { map<int32, int32> m = 1; }", "00 0a0408051001", "{\"5\":1}"},
    {"CHOICE_0 STRUCT<A INT,B STRING>", PROTO3 "message M { oneof choice { int32 a = 1; string b = 2; } }",
     "00 0801 120161", "{\"A\":null,\"B\":\"a\"}"},
    {"A INT", PROTO3 "message M { oneof choice { int32 a = 1; string b = 2; } }", "00 120161", "null"},
    {"A INT", PROTO3 "message M { optional int32 a = 1; }", "00", "null"},
    {"T TIMESTAMP",
     PROTO3 "import \"google/protobuf/timestamp.proto\"; message M { google.protobuf.Timestamp t = 1; }",
     "00 0a06 0801 10c0843d", "1001"},
    {"D DATE", PROTO3 "import \"google/type/date.proto\"; message M { google.type.Date d = 1; }",
     "00 0a07 08e50f 1002 181d",
     "Error deserializing message from topic: T. The payload is not valid Protobuf: a date is out of range"},
};

static void the_writers_message_counts(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(evolutions); i++) {
        RegistryRows r;
        registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, evolutions[i].columns);
        expect_rows(&r, registry_rows_add(&r, evolutions[i].schema), evolutions[i].payload,
                    evolutions[i].shown);
        registry_rows_clear(&r);
    }
}

static void the_payload_says_which_message_it_is(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "X INT, Y INT");
    int32_t id = registry_rows_add(
        &r, PROTO3 "message A { int32 x = 1; } message B { int32 y = 1; message C { int32 y = 2; } }");
    expect_rows(&r, id, "00 0801", "1|null");
    expect_rows(&r, id, "0202 0802", "null|2");
    expect_rows(&r, id, "040200 1003", "null|3");
    expect_rows(&r, id, "0208 0801",
                "Error deserializing message from topic: T. The payload names a message that its schema does "
                "not have");
    r.rows.spec.format.schema_id        = id;
    r.rows.spec.format.full_schema_name = STR_LIT("B.C");
    r.rows.columns[0]                   = r.rows.columns[1];
    r.rows.spec.count                   = 1;
    Value three                         = value_from_int(3);
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, &three)), "00000000010402001003");
    registry_rows_clear(&r);
}

static void unwanted_columns_are_stepped_over(void **state)
{
    RegistryRows        r;
    const Wanted        nothing  = {.none = true};
    const Wanted       *fields[] = {&nothing, NULL};
    const Wanted        part     = {.fields = fields};
    const Wanted *const wanted[] = {&nothing, &part};
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "A STRING, S STRUCT<X STRING,Y INT>");
    r.rows.spec.wanted = wanted;
    int32_t id         = registry_rows_add(
                &r, PROTO3 "message M { string a = 1; N s = 2; message N { string x = 1; int32 y = 2; } }");
    expect_rows(&r, id, "00 0a0161 1205 0a0162 1001", "null|{\"X\":null,\"Y\":1}");
    registry_rows_clear(&r);
}

/* ---- strangers ---- */

static const struct {
    const char *payload, *why;
} strangers[] = {
    {"", "The payload's message indexes are wrong"},
    {"01", "The payload's message indexes are wrong"},
    {"fe7f 00", "The payload's message indexes are wrong"},
    {"00 08", "The payload is not valid Protobuf: it is cut short"},
    {"00 0880808080808080808080", "The payload is not valid Protobuf: it is cut short"},
    {"00 1205 61", "The payload is not valid Protobuf: it is cut short"},
    {"00 00", "The payload is not valid Protobuf: a field's tag is wrong"},
    {"00 0f", "The payload is not valid Protobuf: a field has no such wire type"},
    {"00 2b2b2b", "The payload is not valid Protobuf: it is cut short"}, /* groups that do not end */
    {"00 ffffffffffffffffff7f", "The payload is not valid Protobuf: a field's tag is wrong"},
};

static void strangers_bytes_are_refused(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "A INT, B STRING");
    int32_t id = registry_rows_add(&r, PROTO3 "message M { int32 a = 1; string b = 2; }");
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        char expected[512];
        snprintf(expected, sizeof expected, "Error deserializing message from topic: T. %s",
                 strangers[i].why);
        expect_rows(&r, id, strangers[i].payload, expected);
    }
    registry_rows_clear(&r);
}

static void references_are_imports(void **state)
{
    RegistryRows     r;
    RegisteredSchema base = {.kind = SCHEMA_PROTOBUF,
                             .text = STR_LIT(PROTO3 "package n; message B { int32 x = 1; }")};
    SchemaReference  to   = {STR_LIT("base.proto"), STR_LIT("base"), 1};
    RegisteredSchema top  = {.kind       = SCHEMA_PROTOBUF,
                             .text       = STR_LIT(PROTO3 "import \"base.proto\"; message M { n.B s = 1; }"),
                             .references = &to,
                             .reference_count = 1};
    int32_t          id;
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "S STRUCT<X INT>");
    assert_int_equal(registry_enroll(r.registry, STR_LIT("base"), &base, &id, &r.rows.err), OK);
    assert_int_equal(registry_enroll(r.registry, STR_LIT("top"), &top, &id, &r.rows.err), OK);
    expect_rows(&r, id, "00 0a020801", "{\"X\":1}");
    registry_rows_clear(&r);
}

static void columns_that_a_named_schema_lacks_are_refused(void **state)
{
    RegistryRows r;
    Encoder     *encoder;
    Str          out;
    Value        values[] = {value_from_int(1), value_from_int(2)};
    registry_rows_init(&r, "PROTOBUF", SIDE_VALUE, "A INT, B INT");
    r.rows.spec.format.schema_id = registry_rows_add(&r, PROTO3 "message M { int32 a = 1; }");
    assert_int_equal(encoder_open(&r.rows.spec, r.rows.arena, &encoder, &r.rows.err), OK);
    assert_int_equal(encoder_encode(encoder, values, r.rows.arena, &out, &r.rows.err), E_PLAN);
    assert_non_null(
        strstr(r.rows.err.message, "The Protobuf schema cannot hold the column `B` of type INTEGER"));
    encoder_close(encoder);
    registry_rows_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_ksqldbs_schema),
        cmocka_unit_test(schemas_become_columns),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_name_chooses_among_messages),
        cmocka_unit_test(rows_become_bytes_and_rows),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(nested_maps_come_back),
        cmocka_unit_test(nulls_need_a_representation),
        cmocka_unit_test(zeros_are_told_from_nulls),
        cmocka_unit_test(the_writers_message_counts),
        cmocka_unit_test(the_payload_says_which_message_it_is),
        cmocka_unit_test(unwanted_columns_are_stepped_over),
        cmocka_unit_test(strangers_bytes_are_refused),
        cmocka_unit_test(references_are_imports),
        cmocka_unit_test(columns_that_a_named_schema_lacks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
