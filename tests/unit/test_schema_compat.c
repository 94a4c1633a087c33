/* Which schema may follow which in a subject: backward compatibility of the three kinds. */
#include "registry_rows.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define PROTO3 "syntax = \"proto3\"; "
#define INTEGER(name) "\"" name "\":{\"type\":\"integer\"}"
#define CLOSED(properties)                                                                                   \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" properties "}}"
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

static const struct {
    SchemaKind  kind;
    const char *old, *next, *why; /* NULL: it may */
} cases[] = {
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), RECORD(FIELD("a", "\"int\"")),
     NULL},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"long\"")), NULL},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "[\"null\",\"int\"]")), NULL},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"")),
     RECORD(FIELD("a", "\"int\"") ",{\"name\":\"b\",\"type\":\"int\",\"default\":0}"), NULL},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
     "a new field without a default (at b)"},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"long\"")), RECORD(FIELD("a", "\"int\"")), "a type was changed (at a)"},
    {SCHEMA_AVRO, RECORD(FIELD("a", "[\"null\",\"int\"]")), RECORD(FIELD("a", "\"int\"")),
     "a type was changed (at a)"},
    {SCHEMA_AVRO, RECORD(FIELD("a", "[\"null\",\"int\"]")), RECORD(FIELD("a", "[\"null\",\"string\"]")),
     "a union lost a branch (at a)"},
    {SCHEMA_AVRO, RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}")),
     RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}")),
     "an enum lost a symbol (at e)"},
    {SCHEMA_AVRO, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}",
     "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":\"A\"}", NULL},
    {SCHEMA_AVRO, RECORD(FIELD("a", "\"int\"")),
     RECORD("{\"name\":\"x\",\"type\":\"int\",\"aliases\":[\"a\"]}"), NULL},
    {SCHEMA_AVRO, "{\"type\":\"fixed\",\"name\":\"n.f\",\"size\":4}",
     "{\"type\":\"fixed\",\"name\":\"n.g\",\"size\":4,\"aliases\":[\"f\"]}", NULL},
    {SCHEMA_AVRO, "{\"type\":\"fixed\",\"name\":\"n.f\",\"size\":4}",
     "{\"type\":\"fixed\",\"name\":\"m.g\",\"size\":4,\"aliases\":[\"f\"]}",
     "a named type got another name (at the root)"},
    {SCHEMA_AVRO, RECORD(FIELD("n", "[\"null\",\"r\"]")), RECORD(FIELD("n", "[\"null\",\"r\"]")), NULL},
    {SCHEMA_AVRO, "\"int\"", "{", "Not a valid Avro schema: string or '}' expected near end of file"},
    {SCHEMA_PROTOBUF, PROTO3 "message M { int32 a = 1; }", PROTO3 "message M { int64 a = 1; string b = 2; }",
     NULL},
    {SCHEMA_PROTOBUF, PROTO3 "message M { int32 a = 1; string b = 2; }", PROTO3 "message M { int32 a = 1; }",
     NULL},
    {SCHEMA_PROTOBUF, PROTO3 "message M { int32 a = 1; }", PROTO3 "message M { string a = 1; }",
     "a field's type was changed (at M.a, number 1)"},
    {SCHEMA_PROTOBUF, PROTO3 "message M { int32 a = 1; }", PROTO3 "message M { repeated int32 a = 1; }",
     "a list became a value, or a value a list (at M.a, number 1)"},
    {SCHEMA_PROTOBUF, PROTO3 "message M { int32 a = 1; }", PROTO3 "message N { int32 a = 1; }",
     "the message M was removed"},
    {SCHEMA_PROTOBUF, PROTO3 "message M { M m = 1; }", PROTO3 "message M { M m = 1; }", NULL},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":\"integer\"}"), OBJECT("\"a\":{\"type\":\"number\"}"), NULL},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":\"number\"}"), OBJECT("\"a\":{\"type\":\"integer\"}"),
     "a type was changed (at a)"},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":\"integer\"}"), OBJECT("\"a\":{\"type\":\"string\"}"),
     "a type was changed (at a)"},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":\"integer\"}"), "{\"type\":\"string\"}",
     "a type was changed (at the root)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a")), OBJECT("\"a\":{\"type\":[\"integer\",\"null\"]}"), NULL},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":[\"integer\",\"null\"]}"), OBJECT(INTEGER("a")),
     "a type was removed (at a)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a")),
     OBJECT("\"a\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}"), NULL},
    {SCHEMA_JSON, OBJECT("\"a\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}"),
     OBJECT(INTEGER("a")), "a type was changed (at a)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a")), "{}", NULL},
    {SCHEMA_JSON, "{}", OBJECT(INTEGER("a")), "what could be anything got a schema (at the root)"},
    /* An open content model may have been written with any other name; a closed one can be added to. */
    {SCHEMA_JSON, OBJECT(INTEGER("a")), OBJECT(INTEGER("a") "," INTEGER("b")),
     "a property was added that may have been written as anything: the old schema lets in properties that it "
     "does not name (at b)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a") "," INTEGER("b")), OBJECT(INTEGER("a")), NULL},
    {SCHEMA_JSON, CLOSED(INTEGER("a")), CLOSED(INTEGER("a") "," INTEGER("b")), NULL},
    {SCHEMA_JSON, CLOSED(INTEGER("a") "," INTEGER("b")), CLOSED(INTEGER("a")),
     "a property was removed that nothing else lets in (at b)"},
    {SCHEMA_JSON, CLOSED(INTEGER("a")), OBJECT(INTEGER("a")), NULL},
    {SCHEMA_JSON, OBJECT(INTEGER("a")), CLOSED(INTEGER("a")),
     "properties without a name are no longer let in (at the root)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a")),
     "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{" INTEGER("a") "}}",
     "a property became required, and has no default (at a)"},
    {SCHEMA_JSON, OBJECT(INTEGER("a")), OBJECT("\"a\":{\"type\":\"integer\",\"minimum\":5}"),
     "a limit was added (at a)"},
    {SCHEMA_JSON, OBJECT("\"a\":{\"type\":\"integer\",\"minimum\":5}"),
     OBJECT("\"a\":{\"type\":\"integer\",\"minimum\":4}"), NULL},
    {SCHEMA_JSON, "{\"type\":\"string\",\"maxLength\":5}", "{\"type\":\"string\",\"maxLength\":4}",
     "a limit was narrowed (at the root)"},
    {SCHEMA_JSON, "{\"enum\":[1,2]}", "{\"enum\":[1,2,3]}", NULL},
    /* the zeros are equal, wherever they stand, and texts that look like them are not */
    {SCHEMA_JSON, "{\"enum\":[0.0,[-0.0,\"\\\",-0.0,\"],{\"a\":-0.0}]}",
     "{\"enum\":[{\"a\":0.0},[0.0,\"\\\",-0.0,\"],-0.0]}", NULL},
    {SCHEMA_JSON, "{\"enum\":[\",-0.0,\"]}", "{\"enum\":[\",0.0,\"]}", "an enum lost a value (at the root)"},
    {SCHEMA_JSON, "{\"enum\":[1,2]}", "{\"enum\":[1]}", "an enum lost a value (at the root)"},
    {SCHEMA_JSON, "{\"type\":\"string\"}", "{\"type\":\"string\",\"pattern\":\"a\"}",
     "pattern was added (at the root)"},
    {SCHEMA_JSON, "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
     "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "a type was changed (at the root)"},
    /* A schema within itself. */
    {SCHEMA_JSON,
     "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"a\":{\"type\":\"integer\"}}}",
     "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"a\":{\"type\":\"number\"}}}", NULL},
    {SCHEMA_JSON,
     "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"a\":{\"type\":\"integer\"}}}",
     "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"a\":{\"type\":\"null\"}}}",
     "a type was changed (at a)"},
};

/* A message that has one that has one ... */
static void a_chain_has_an_end(void **state)
{
    SchemaRegistry  *registry = registry_memory_new();
    StrBuf           text     = {0};
    RegisteredSchema schema   = {.kind = SCHEMA_PROTOBUF};
    Error            err;
    strbuf_adds(&text, PROTO3);
    for (int i = 0; i < 20000; i++)
        strbuf_addf(&text, "message A%d { A%d a = 1; } ", i, i + 1);
    strbuf_adds(&text, "message A20000 { int32 a = 1; }");
    schema.text = strbuf_str(&text);
    assert_int_equal(schema_can_follow(&schema, &schema, registry, &err), E_PLAN);
    assert_string_equal(err.message, "the schemas are too large to compare");
    strbuf_clear(&text);
    registry_close(registry);
}

static void who_may_follow_whom(void **state)
{
    SchemaRegistry *registry = registry_memory_new();
    Error           err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        RegisteredSchema old  = {.kind = cases[i].kind, .text = str_c(cases[i].old)};
        RegisteredSchema next = {.kind = cases[i].kind, .text = str_c(cases[i].next)};
        Status           got  = schema_can_follow(&next, &old, registry, &err);
        assert_int_equal(got, cases[i].why != NULL ? E_PLAN : OK);
        if (cases[i].why != NULL)
            assert_string_equal(err.message, cases[i].why);
    }
    registry_close(registry);
}

static void kinds_do_not_follow_each_other(void **state)
{
    RegisteredSchema old  = {.kind = SCHEMA_AVRO, .text = STR_LIT("\"int\"")},
                     next = {.kind = SCHEMA_JSON, .text = STR_LIT("{}")};
    Error err;
    assert_int_equal(schema_can_follow(&next, &old, NULL, &err), E_PLAN);
    assert_string_equal(err.message, "a schema of the kind JSON cannot follow one of the kind AVRO");
}

/* Thirty types, each of two of the next: a billion pairs, if every way to them were walked. */
static void large_schemas_are_not_walked_for_ever(void **state)
{
    StrBuf text = {0};
    Error  err;
    strbuf_adds(&text, "\"int\"");
    for (int i = 0; i < 30; i++) {
        StrBuf wider = {0};
        char   again[16];
        snprintf(again, sizeof again, i == 0 ? "\"int\"" : "\"r%d\"", i - 1);
        strbuf_addf(&wider,
                    "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[" FIELD("a", STR_FMT) "," FIELD(
                        "b", "%s") "]}",
                    i, STR_ARG(strbuf_str(&text)), again);
        strbuf_clear(&text);
        text = wider;
    }
    RegisteredSchema schema = {.kind = SCHEMA_AVRO, .text = strbuf_str(&text)};
    Status           got    = schema_can_follow(&schema, &schema, NULL, &err);
    assert_int_equal(got, E_PLAN);
    strbuf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_follow_whom),
        cmocka_unit_test(a_chain_has_an_end),
        cmocka_unit_test(kinds_do_not_follow_each_other),
        cmocka_unit_test(large_schemas_are_not_walked_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
