/* JSON_SR: the schemas that are registered, payloads by schemas of other people, references. */
#include "registry_rows.h"

#define OPTIONAL(type) "\"oneOf\":[{\"type\":\"null\"}," type "]"
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

static void columns_become_ksqldbs_schema(void **state)
{
    RegistryRows     r;
    RegisteredSchema schema;
    registry_rows_init(&r, "JSON_SR", SIDE_VALUE, "A INT, D STRING");
    assert_int_equal(schema_of_columns(&r.rows.spec, r.rows.arena, &schema, &r.rows.err), OK);
    assert_string_equal(
        str_to_c(r.rows.arena, schema.text),
        OBJECT("\"A\":{\"connect.index\":0," OPTIONAL("{\"type\":\"integer\",\"connect.type\":"
                                                      "\"int32\"}") "},\"D\":{\"connect.index\":"
                                                                    "1," OPTIONAL("{\"type\":"
                                                                                  "\"string\"}") "}"));
    registry_rows_clear(&r);
    registry_rows_init(&r, "JSON_SR", SIDE_KEY, "K DECIMAL(4,2)");
    assert_int_equal(schema_of_columns(&r.rows.spec, r.rows.arena, &schema, &r.rows.err), OK);
    assert_string_equal(
        str_to_c(r.rows.arena, schema.text),
        "{" OPTIONAL(
            "{\"type\":\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\",\"connect.version\":1,"
            "\"connect.type\":\"bytes\",\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal."
            "precision\":"
            "\"4\"}}") "}");
    registry_rows_clear(&r);
}

static const struct {
    const char *schema;
    bool        unwrapped;
    const char *columns;
} schemas[] = {
    {OBJECT(
         "\"b\":{\"connect.index\":1,\"type\":\"integer\"},\"a\":{\"connect.index\":0,\"type\":\"number\"}"),
     false, "`A` DOUBLE, `B` BIGINT"},
    {OBJECT("\"a\":{\"type\":\"integer\",\"connect.type\":\"int16\"},\"b\":{\"type\":\"string\",\"connect."
            "type\":\"bytes\"},"
            "\"c\":{\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Timestamp\",\"connect."
            "type\":\"int64\"}"),
     false, "`A` INTEGER, `B` BYTES, `C` TIMESTAMP"},
    {OBJECT("\"m\":{\"type\":\"object\",\"connect.type\":\"map\",\"additionalProperties\":{\"type\":"
            "\"boolean\"}},"
            "\"e\":{\"enum\":[\"X\",\"Y\"]},\"t\":{\"type\":[\"null\",\"string\"]},\"u\":{\"oneOf\":[{"
            "\"type\":\"string\"},"
            "{\"type\":\"integer\"}]}"),
     false, "`M` MAP<STRING, BOOLEAN>, `E` STRING, `T` STRING"},
    {OBJECT("\"x\":{\"$ref\":\"#/definitions/a~1b\"}") "", false,
     "Not a valid JSON Schema: the reference \"#/definitions/a~1b\" is not known"},
    {"{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/definitions/a~1b\"}},\"definitions\":{\"a/"
     "b\":{\"type\":"
     "\"boolean\"}}}",
     false, "`X` BOOLEAN"},
    {"{\"$ref\":\"#\"}", false,
     "Not a valid JSON Schema: it is too large or nests too deep, or its references are cyclic"},
    {"{\"type\":\"integer\"}", true, "`ROWVAL` BIGINT"},
    {"{\"type\":\"integer\"}", false,
     "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
     "'WRAP_SINGLE_VALUE=false' in the WITH clause properties."},
    {"{}", false, "Schema does not include any columns with types that ksqlDB supports."},
};

static void schemas_become_columns(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        RegistryRows r;
        registry_rows_init(&r, "JSON_SR", SIDE_VALUE, "");
        assert_string_equal(inferred(&r, schemas[i].schema, schemas[i].unwrapped, true), schemas[i].columns);
        registry_rows_clear(&r);
    }
}

static void rows_become_bytes_and_rows(void **state)
{
    RegistryRows r;
    SerdeRows    as_json;
    Value        values[ROW_COLUMNS_MAX];
    registry_rows_init(
        &r, "JSON_SR", SIDE_VALUE,
        "A BOOLEAN, B DECIMAL(20,2), C MAP<STRING,INT>, D STRUCT<X MAP<STRING,STRING>>, E ARRAY<DATE>");
    as_json              = r.rows;
    as_json.spec.format  = (FormatSpec){.format = format_any_key()};
    as_json.spec.columns = as_json.columns;
    assert_int_equal(
        rows_decode(&as_json,
                    STR_LIT("{\"A\":true,\"B\":1.5,\"C\":{\"k\":1},\"D\":{\"X\":{\"l\":null}},\"E\":[1,"
                            "null]}"),
                    values),
        OK);
    Str bytes = rows_encode(&r.rows, values);
    assert_string_equal(str_to_c(r.rows.arena, str_n(bytes.ptr + 5, bytes.len - 5)),
                        "{\"A\":true,\"B\":1.50,\"C\":[{\"key\":\"k\",\"value\":1}],\"D\":{\"X\":[{\"key\":"
                        "\"l\",\"value\":null}]}"
                        ",\"E\":[1,null]}");
    assert_string_equal(str_to_c(r.rows.arena, rows_show(&r.rows, bytes)),
                        "true|1.50|{\"k\":1}|{\"X\":{\"l\":null}}|[1,null]");
    registry_rows_clear(&r);
}

static const struct {
    const char *columns, *schema, *payload, *shown;
} evolutions[] = {
    {"A INT, B STRING, C DOUBLE",
     OBJECT("\"b\":{\"type\":\"integer\"},\"a\":{\"type\":\"integer\",\"connect.type\":\"int32\"},\"x\":{"
            "\"type\":\"string\"}"),
     "{\"x\":\"?\",\"a\":1,\"b\":2,\"unknown\":[{}]}", "1|\"2\"|null"},
    {"A INT", OBJECT("\"a\":{\"type\":\"integer\"}"), "{\"a\":1}",
     "Error deserializing message from topic: T. Cannot deserialize type int64 as type int32 for path: ->a"},
    {"S STRUCT<Y BIGINT,X STRING>",
     OBJECT("\"s\":" OBJECT("\"x\":{\"type\":\"boolean\"},\"y\":{\"type\":\"integer\"}")),
     "{\"s\":{\"x\":true,\"y\":3}}", "{\"Y\":3,\"X\":\"true\"}"},
    {"M MAP<STRING,BIGINT>",
     OBJECT("\"m\":{\"type\":\"object\",\"connect.type\":\"map\",\"additionalProperties\":{\"type\":"
            "\"integer\"}}"),
     "{\"m\":{\"k\":1}}", "{\"k\":1}"},
    {"M MAP<STRING,STRING>",
     OBJECT("\"m\":{\"type\":\"array\",\"connect.type\":\"map\",\"items\":{\"type\":\"object\","
            "\"properties\":{\"key\":{\"type\":"
            "\"string\"},\"value\":{\"type\":\"integer\"}}}}"),
     "{\"m\":[{\"key\":\"k\",\"value\":1},{\"key\":\"k\",\"value\":2}]}", "{\"k\":\"2\"}"},
    {"M MAP<STRING,BIGINT>",
     OBJECT("\"m\":{\"type\":\"array\",\"connect.type\":\"map\",\"items\":{\"type\":\"object\","
            "\"properties\":{\"key\":{\"type\":"
            "\"string\"},\"value\":{\"type\":\"integer\"}}}}"),
     "{\"m\":[null]}", "Error deserializing message from topic: T. A map's entry has no key"},
    {"A BIGINT", OBJECT("\"a\":{\"type\":\"integer\"}"), "{\"a\":1",
     "Error deserializing message from topic: T. The payload is not valid JSON, or nests deeper than 1000 "
     "levels"},
    {"A BIGINT", OBJECT("\"a\":{\"type\":\"integer\"}"), "null", "null"},
    {"A BIGINT", OBJECT("\"a\":{\"type\":\"integer\"}"), "[1]",
     "Error deserializing message from topic: T. Failed to deserialize value from topic: T. Can't convert "
     "type. sourceType: "
     "ArrayNode, requiredType: STRUCT, path: $"},
    {"A DECIMAL(4,2)",
     OBJECT("\"a\":{\"type\":\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\"}"), "{\"a\":1.5}",
     "1.50"},
};

static void the_writers_schema_counts(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(evolutions); i++) {
        RegistryRows r;
        registry_rows_init(&r, "JSON_SR", SIDE_VALUE, evolutions[i].columns);
        int32_t id      = registry_rows_add(&r, evolutions[i].schema);
        Str     payload = str_c(evolutions[i].payload);
        expect_rows(&r, id, to_hex(r.rows.arena, payload), evolutions[i].shown);
        registry_rows_clear(&r);
    }
}

static void a_named_schema_is_written_by(void **state)
{
    RegistryRows r;
    Value        entry_key = value_from_str(STR_LIT("k"));
    MapEntry     entry     = {entry_key, value_from_int(1)};
    Value        values[]  = {value_map(&entry, 1), value_from_int(7)};
    registry_rows_init(&r, "JSON_SR", SIDE_VALUE, "m MAP<STRING,BIGINT>, ID BIGINT");
    r.rows.spec.format.schema_id =
        registry_rows_add(&r, OBJECT("\"id\":{\"type\":\"integer\"},\"m\":{\"type\":\"object\",\"connect."
                                     "type\":\"map\",\"additionalProperties\":"
                                     "{\"type\":\"integer\"}},\"more\":{\"type\":\"string\"}"));
    Str bytes = rows_encode(&r.rows, values);
    assert_string_equal(str_to_c(r.rows.arena, str_n(bytes.ptr + 5, bytes.len - 5)),
                        "{\"id\":7,\"m\":{\"k\":1}}");
    registry_rows_clear(&r);
}

static void references_are_resolved(void **state)
{
    RegistryRows     r;
    RegisteredSchema base = {.kind = SCHEMA_JSON,
                             .text = STR_LIT("{\"definitions\":{\"n\":{\"type\":\"boolean\"}}}")};
    SchemaReference  to   = {STR_LIT("base.json"), STR_LIT("base"), 1};
    RegisteredSchema top  = {.kind       = SCHEMA_JSON,
                             .text       = STR_LIT(OBJECT("\"a\":{\"$ref\":\"base.json#/definitions/n\"}")),
                             .references = &to,
                             .reference_count = 1};
    int32_t          id;
    registry_rows_init(&r, "JSON_SR", SIDE_VALUE, "A BOOLEAN");
    assert_int_equal(registry_enroll(r.registry, STR_LIT("base"), &base, &id, &r.rows.err), OK);
    assert_int_equal(registry_enroll(r.registry, STR_LIT("top"), &top, &id, &r.rows.err), OK);
    expect_rows(&r, id, to_hex(r.rows.arena, STR_LIT("{\"a\":true}")), "true");
    registry_rows_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_ksqldbs_schema), cmocka_unit_test(schemas_become_columns),
        cmocka_unit_test(rows_become_bytes_and_rows),    cmocka_unit_test(the_writers_schema_counts),
        cmocka_unit_test(a_named_schema_is_written_by),  cmocka_unit_test(references_are_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
