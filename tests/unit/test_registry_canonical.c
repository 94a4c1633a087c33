/* Schemas in the form that registries keep, and what is none. */
#include "registry_rows.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define PROTO3 "syntax = \"proto3\";\n"

static const struct {
    SchemaKind  kind;
    const char *text, *canonical; /* of what is none: why */
    bool        good;
} cases[] = {
    {SCHEMA_AVRO, " { \"type\" : \"int\" } ", "\"int\"", true},
    {SCHEMA_AVRO, "{\"logicalType\":\"date\",\"type\":\"int\"}",
     "{\"type\":\"int\",\"logicalType\":\"date\"}", true},
    {SCHEMA_AVRO, "[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"x\":0.1}]",
     "[\"null\",{\"type\":\"array\",\"items\":\"string\",\"x\":0.1}]", true},
    /* The order is Avro's; what it knows nothing of comes behind; a namespace is said once. */
    {SCHEMA_AVRO,
     "{\"x\":1,\"fields\":[{\"type\":\"n.E\",\"name\":\"a\",\"default\":\"A\",\"order\":\"ascending\"},"
     "{\"name\":\"b\",\"order\":\"ignore\",\"doc\":\"d\",\"type\":\"R\"}],\"doc\":\"D\",\"namespace\":\"n\","
     "\"name\":\"R\","
     "\"type\":\"record\",\"aliases\":[\"n.S\",\"m.T\"]}",
     NULL, false}, /* E is not defined before */
    {SCHEMA_AVRO,
     "{\"x\":1,\"fields\":[{\"type\":{\"type\":\"enum\",\"symbols\":[\"A\"],\"name\":\"E\"},\"name\":\"a\","
     "\"default\":\"A\","
     "\"order\":\"ascending\"},{\"name\":\"b\",\"order\":\"ignore\",\"doc\":\"d\",\"type\":[\"null\",\"R\","
     "\"n.E\"],\"y\":{}}],"
     "\"doc\":\"D\",\"namespace\":\"n\",\"name\":\"R\",\"type\":\"record\",\"aliases\":[\"n.S\",\"m.T\"]}",
     "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"doc\":\"D\",\"fields\":[{\"name\":\"a\","
     "\"type\":{\"type\":\"enum\","
     "\"name\":\"E\",\"symbols\":[\"A\"]},\"default\":\"A\"},{\"name\":\"b\",\"type\":[\"null\",\"R\",\"E\"]"
     ","
     "\"doc\":\"d\",\"order\":"
     "\"ignore\",\"y\":{}}],\"x\":1,\"aliases\":[\"S\",\"m.T\"]}",
     true},
    {SCHEMA_AVRO, "{\"type\":\"fixed\",\"name\":\"a.b.F\",\"size\":4}",
     "{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"a.b\",\"size\":4}", true},
    {SCHEMA_AVRO, "{\"type\":\"map\",\"values\":\"long\"}", "{\"type\":\"map\",\"values\":\"long\"}", true},
    {SCHEMA_AVRO, "\"none\"", "Undefined name: \"none\"", false},
    {SCHEMA_AVRO, "[\"int\",\"int\"]", "Duplicate in union: int", false},
    {SCHEMA_AVRO, "[\"int\",[\"long\"]]", "Nested union: a union directly in a union", false},
    {SCHEMA_AVRO, RECORD("{\"name\":\"a-b\",\"type\":\"int\"}"), "Illegal character in: a-b", false},
    {SCHEMA_AVRO, RECORD("{\"name\":\"1a\",\"type\":\"int\"}"), "Illegal initial character: 1a", false},
    {SCHEMA_AVRO, RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\",\"type\":\"int\"}"),
     "Duplicate field a", false},
    {SCHEMA_AVRO, RECORD("{\"name\":\"a\",\"type\":\"int\",\"default\":\"x\"}"),
     "Invalid default for field a: \"x\"", false},
    {SCHEMA_AVRO, RECORD("{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"default\":null}"),
     RECORD("{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"default\":null}"), true},
    {SCHEMA_AVRO, RECORD("{\"name\":\"a\"}"), "A schema is missing where a type is expected", false},
    {SCHEMA_AVRO, "{\"type\":\"record\",\"name\":\"r\"}", "Record has no fields: r", false},
    {SCHEMA_AVRO, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}", "Duplicate enum symbol: A",
     false},
    {SCHEMA_AVRO, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":\"B\"}",
     "The enum's default is none of its symbols: B", false},
    {SCHEMA_AVRO, "{\"type\":\"fixed\",\"name\":\"f\"}", "Invalid or no size: f", false},
    {SCHEMA_AVRO, "{", NULL, false},
    {SCHEMA_JSON, " { \"type\" : \"object\", \"properties\":{ \"b\":{\"minimum\":0.10}, \"a\":true } } ",
     "{\"type\":\"object\",\"properties\":{\"b\":{\"minimum\":0.1},\"a\":true}}", true},
    /* A schema within itself, which no record of finite size is. */
    {SCHEMA_JSON, "{\"properties\":{\"next\":{\"$ref\":\"#\"}}}",
     "{\"properties\":{\"next\":{\"$ref\":\"#\"}}}", true},
    {SCHEMA_JSON, "{\"$ref\":\"#/definitions/X\"}",
     "Not a valid JSON Schema: nothing stands at the $ref #/definitions/X", false},
    {SCHEMA_JSON, "{\"type\":\"text\"}", "Not a valid JSON Schema: unknown type: text", false},
    {SCHEMA_JSON, "{\"properties\":[]}", "Not a valid JSON Schema: no object of schemas behind properties",
     false},
    {SCHEMA_JSON, "5", "Not a valid JSON Schema: a schema is an object, true or false", false},
    {SCHEMA_PROTOBUF, "/* c */ syntax='proto3';message M{int32 a=1;}",
     "syntax = \"proto3\";\n\nmessage M {\n  int32 a = 1;\n}\n\n", true},
    {SCHEMA_PROTOBUF, "CgdtLnByb3Rv!", NULL, false}, /* no base64 either */
    {SCHEMA_PROTOBUF, "AAAA", NULL, false},          /* no descriptor */
    {SCHEMA_PROTOBUF, "message", NULL, false},
};

static void one_form(void **state)
{
    SchemaRegistry *registry = registry_memory_new();
    Arena          *arena    = arena_new(0);
    Error           err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        RegisteredSchema schema = {.kind = cases[i].kind, .text = str_c(cases[i].text)};
        Str              out, again;
        Status           status = schema_canonical(&schema, registry, arena, &out, &err);
        assert_int_equal(status, cases[i].good ? OK : E_DATA);
        if (!cases[i].good) {
            if (cases[i].canonical != NULL)
                assert_string_equal(err.message, cases[i].canonical);
            continue;
        }
        assert_string_equal(str_to_c(arena, out), cases[i].canonical);
        schema.text = out;
        assert_int_equal(schema_canonical(&schema, registry, arena, &again, &err), OK);
        assert_true(str_equal(out, again)); /* it is its own */
    }
    arena_free(arena);
    registry_close(registry);
}

/* A text as a descriptor is the same schema. */
static void a_descriptor_is_its_text(void **state)
{
    SchemaRegistry  *registry = registry_memory_new();
    Arena           *arena    = arena_new(0);
    RegisteredSchema schema   = {
          .kind = SCHEMA_PROTOBUF,
          .text = STR_LIT(PROTO3
                          "package p; import \"google/protobuf/timestamp.proto\"; message M { "
                            "google.protobuf.Timestamp t = 1; map<string, int32> m = 2; oneof o { int32 a = 3; "
                            "string b = 4; } enum E { X = 0; } optional E e = 5; }")};
    Str   text, bytes, again;
    Error err;
    assert_int_equal(schema_canonical(&schema, registry, arena, &text, &err), OK);
    schema.text = text;
    assert_int_equal(schema_serialized(&schema, registry, arena, &bytes, &err), OK);
    schema.text = bytes;
    assert_int_equal(schema_canonical(&schema, registry, arena, &again, &err), OK);
    assert_true(str_equal(text, again));
    arena_free(arena);
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_form),
        cmocka_unit_test(a_descriptor_is_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
