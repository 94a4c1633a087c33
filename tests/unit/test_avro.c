/* AVRO: the schemas that are registered, the bytes, evolution, and what strangers' bytes do. */
#include "registry_rows.h"

/* ---- schemas of columns ---- */

static const struct {
    const char *columns, *text;
} printed[] = {
    {"A INT, D STRING", "{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema\",\"namespace\":\"io.confluent."
                        "ksql.avro_schemas\","
                        "\"fields\":[{\"name\":\"A\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":"
                        "\"D\",\"type\":[\"null\","
                        "\"string\"],\"default\":null}],\"connect.name\":\"io.confluent.ksql.avro_schemas."
                        "KsqlDataSourceSchema\"}"},
    {"M MAP<STRING,BIGINT>",
     "{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema\",\"namespace\":\"io.confluent.ksql.avro_"
     "schemas\","
     "\"fields\":[{\"name\":\"M\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\","
     "\"name\":"
     "\"KsqlDataSourceSchema_M\",\"fields\":[{\"name\":\"key\",\"type\":[\"null\",\"string\"],\"default\":"
     "null},"
     "{\"name\":\"value\",\"type\":[\"null\",\"long\"],\"default\":null}],\"connect.internal.type\":"
     "\"MapEntry\"},"
     "\"connect.name\":\"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_M\"}],\"default\":null}],"
     "\"connect.name\":\"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema\"}"},
    {"S STRUCT<F DECIMAL(4,2)>",
     "{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema\",\"namespace\":\"io.confluent.ksql.avro_"
     "schemas\","
     "\"fields\":[{\"name\":\"S\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema_"
     "S\","
     "\"fields\":[{\"name\":\"F\",\"type\":[\"null\",{\"type\":\"bytes\",\"scale\":2,\"precision\":4,"
     "\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"4\"},"
     "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}],\"default\":"
     "null}],"
     "\"connect.name\":\"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_S\"}],\"default\":null}],"
     "\"connect.name\":\"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema\"}"},
};

static void columns_become_ksqldbs_schema(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
        RegistryRows     r;
        RegisteredSchema schema;
        registry_rows_init(&r, "AVRO", SIDE_VALUE, printed[i].columns);
        assert_int_equal(schema_of_columns(&r.rows.spec, r.rows.arena, &schema, &r.rows.err), OK);
        assert_string_equal(str_to_c(r.rows.arena, schema.text), printed[i].text);
        registry_rows_clear(&r);
    }
}

static void names_that_avro_lacks_are_refused(void **state)
{
    SerdeRows rows;
    rows_init(&rows, "AVRO", SIDE_VALUE, "1A INT");
    assert_int_equal(serde_check(&rows.spec.format, SIDE_VALUE, rows.columns, 1, &rows.err), E_PLAN);
    assert_non_null(
        strstr(rows.err.message, "Schema is not compatible with Avro: Illegal initial character: 1A"));
    rows_clear(&rows);
}

/* ---- columns of schemas ---- */

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

static const struct {
    const char *schema;
    bool        unwrapped, upper;
    const char *columns;
} schemas[] = {
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"null\",\"long\"]")), false, true,
     "`A` INTEGER, `B` BIGINT"},
    {RECORD(FIELD("a", "\"int\"")), false, false, "`a` INTEGER"},
    {RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}") "," FIELD(
         "f", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}") "," FIELD("g", "\"float\"")),
     false, true, "`E` STRING, `F` BYTES, `G` DOUBLE"},
    {RECORD(FIELD("d", "{\"type\":\"int\",\"logicalType\":\"date\"}") "," FIELD(
         "t", "{\"type\":\"int\","
              "\"logicalType\":\"time-"
              "millis\"}") "," FIELD("u", "{\"type\":\"long\",\"logicalType\":\"timestamp-"
                                          "millis\"}") "," FIELD("v", "{\"type\":\"long\","
                                                                      "\"logicalType\":\"timestamp-"
                                                                      "micros\"}") "," FIELD("w", "{\"typ"
                                                                                                  "e\":"
                                                                                                  "\"byte"
                                                                                                  "s\","
                                                                                                  "\"logi"
                                                                                                  "calTyp"
                                                                                                  "e\":"
                                                                                                  "\"deci"
                                                                                                  "mal\","
                                                                                                  "\"prec"
                                                                                                  "ision"
                                                                                                  "\":5,"
                                                                                                  "\"scal"
                                                                                                  "e\":"
                                                                                                  "1}")),
     false, true, "`D` DATE, `T` TIME, `U` TIMESTAMP, `V` BIGINT, `W` DECIMAL(5, 1)"},
    {RECORD(
         FIELD("m", "{\"type\":\"map\",\"values\":\"int\"}") "," FIELD("s", RECORD(FIELD("x", "\"null\"")))),
     false, true, "`M` MAP<STRING, INTEGER>"}, /* a record of nothing that SQL has is left out */
    {RECORD(FIELD("n", "[\"null\",\"r\"]") "," FIELD("v", "\"int\"")), false, true,
     "`V` INTEGER"}, /* a list's node within itself */
    {RECORD(FIELD("u", "[\"int\",\"null\",\"string\"]")), false, true,
     "`U` STRUCT<`INT` INTEGER, `STRING` STRING>"},
    {"\"int\"", true, true, "`ROWVAL` INTEGER"},
    {RECORD(FIELD("a", "\"int\"")), true, true, "`ROWVAL` STRUCT<`A` INTEGER>"},
    {"\"int\"", false, true,
     "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
     "'WRAP_SINGLE_VALUE=false' in the WITH clause properties."},
    {RECORD(FIELD("a", "\"null\"")), false, true,
     "Schema does not include any columns with types that ksqlDB supports."},
    {RECORD(FIELD("a", "\"unknown\"")), false, true, "Not a valid Avro schema: undefined name \"unknown\""},
    {"{\"type\":\"record\"", false, true, "Not a valid Avro schema: '}' expected near end of file"},
};

static void schemas_become_columns(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        RegistryRows r;
        registry_rows_init(&r, "AVRO", SIDE_VALUE, "");
        assert_string_equal(inferred(&r, schemas[i].schema, schemas[i].unwrapped, schemas[i].upper),
                            schemas[i].columns);
        registry_rows_clear(&r);
    }
}

/* ---- bytes ---- */

static void rows_become_bytes_and_rows(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A INT, D STRING");
    Value values[] = {value_from_int(1), value_null()};
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, values)), "0000000001020200");
    expect_rows(&r, 1, "02 02 00", "1|null");
    registry_rows_clear(&r);
}

static void every_type_comes_back(void **state)
{
    RegistryRows r;
    registry_rows_init(
        &r, "AVRO", SIDE_VALUE,
        "A BOOLEAN, B BIGINT, C DOUBLE, D DECIMAL(30,2), E BYTES, F TIME, G DATE, H TIMESTAMP, "
        "I ARRAY<STRING>, J MAP<STRING,DOUBLE>, K STRUCT<X INT,Y ARRAY<STRUCT<Z STRING>>>");
    Str json =
        STR_LIT("{\"A\":true,\"B\":-9223372036854775808,\"C\":-0.5,\"D\":-1234567890123456789012345.25,"
                "\"E\":\"AP8=\",\"F\":1,\"G\":-1,\"H\":1700000000000,\"I\":[\"a\",null,\"\"],"
                "\"J\":{\"k\":1.5,\"l\":null},\"K\":{\"X\":null,\"Y\":[{\"Z\":\"z\"},null]}}");
    SerdeRows as_json = r.rows;
    Value     values[ROW_COLUMNS_MAX];
    as_json.spec.format.format = format_find(STR_LIT("JSON"));
    as_json.spec.columns       = as_json.columns;
    assert_int_equal(rows_decode(&as_json, json, values), OK);
    Str bytes = rows_encode(&r.rows, values);
    Str shown = rows_show(&r.rows, bytes);
    assert_string_equal(
        str_to_c(r.rows.arena, shown),
        "true|-9223372036854775808|-0.5|-1234567890123456789012345.25|\"AP8=\"|1|-1|1700000000000|"
        "[\"a\",null,\"\"]|{\"k\":1.5,\"l\":null}|{\"X\":null,\"Y\":[{\"Z\":\"z\"},null]}");
    registry_rows_clear(&r);
}

static void bare_values(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "AVRO", SIDE_KEY, "K BIGINT");
    Value one = value_from_int(-1), none = value_null();
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, &one)), "000000000101");
    assert_null(rows_encode(&r.rows, &none).ptr);
    registry_rows_clear(&r);
    registry_rows_init(&r, "AVRO", SIDE_KEY, "K BYTES");
    Value bytes = value_from_str(STR_LIT("ab"));
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, &bytes)), "00000000016162"); /* no length */
    expect_rows(&r, 1, "6162", "\"YWI=\"");
    registry_rows_clear(&r);
}

/* ---- the writer's schema is another ---- */

static const struct {
    const char *columns, *schema, *payload, *shown;
} evolutions[] = {
    /* a field more, a field less, another order, lower case */
    {"A INT, B STRING", RECORD(FIELD("x", "\"string\"") "," FIELD("a", "\"int\"")), "04 7a7a 0e", "7|null"},
    {"A INT",
     RECORD(FIELD("skip", "{\"type\":\"array\",\"items\":\"long\"}") "," FIELD(
         "map", "{\"type\":\"map\",\"values\":[\"null\",\"double\"]}") "," FIELD("A", "\"int\"")),
     "03 04 0203 00 02 02 6b 02 0000000000000000 00 02", "1"},
    {"A BIGINT, B STRING, C DOUBLE",
     RECORD(FIELD("A", "\"int\"") "," FIELD("B", "\"long\"") "," FIELD("C", "\"float\"")), "02 04 0000c03f",
     "1|\"2\"|1.5"},
    {"A INT", RECORD(FIELD("A", "\"long\"")), "02",
     "Error deserializing message from topic: T. Cannot deserialize type int64 as type int32 for path: ->A"},
    {"S STRUCT<X ARRAY<BOOLEAN>>",
     RECORD(FIELD("S", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
                           "X", "{\"type\":\"array\",\"items\":\"string\"}") "]}")),
     "00",
     "Error deserializing message from topic: T. Cannot deserialize type string as type boolean for path: "
     "->S->X->ARRAY"},
    {"A DOUBLE", RECORD(FIELD("A", "\"int\"")), "02",
     "Error deserializing message from topic: T. Cannot deserialize type int32 as type float64 for path: "
     "->A"},
    {"A DECIMAL(4,2)",
     RECORD(FIELD("A", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":1}")),
     "02 0f", "1.50"},
    {"A DECIMAL(4,2)",
     RECORD(FIELD("A", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":3}")),
     "02 0f",
     "Error deserializing message from topic: T. Cannot fit decimal '0.015' into DECIMAL(4, 2) without "
     "rounding. "
     "(Requires 2,3)"},
    {"A STRING", RECORD(FIELD("A", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"P\",\"Q\"]}")), "02",
     "\"Q\""},
    {"A BYTES", RECORD(FIELD("A", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}")), "0102", "\"AQI=\""},
    {"U STRUCT<INT INT,STRING STRING>", RECORD(FIELD("U", "[\"int\",\"null\",\"string\"]")), "04 0261",
     "{\"INT\":null,\"STRING\":\"a\"}"},
    {"U STRUCT<INT INT,STRING STRING>", RECORD(FIELD("U", "[\"int\",\"null\",\"string\"]")), "02", "null"},
    {"M MAP<STRING,INT>", RECORD(FIELD("M", "{\"type\":\"map\",\"values\":\"int\"}")),
     "04 026b 02 026b 04 00", "{\"k\":2}"}, /* the last of equal keys */
    {"T TIME", RECORD(FIELD("T", "\"int\"")), "01",
     "Error deserializing message from topic: T. Time values must use number of milliseconds greater than 0 "
     "and less "
     "than 86400000."},
};

static void the_writers_schema_counts(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(evolutions); i++) {
        RegistryRows r;
        registry_rows_init(&r, "AVRO", SIDE_VALUE, evolutions[i].columns);
        expect_rows(&r, registry_rows_add(&r, evolutions[i].schema), evolutions[i].payload,
                    evolutions[i].shown);
        registry_rows_clear(&r);
    }
}

static void one_topic_has_many_schemas(void **state)
{
    RegistryRows r;
    Decoder     *decoder;
    Value        out[1];
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A BIGINT");
    registry_rows_add(&r, RECORD(FIELD("A", "\"int\"")));
    registry_rows_add(&r, RECORD(FIELD("B", "\"int\"") "," FIELD("A", "\"long\"")));
    assert_int_equal(decoder_open(&r.rows.spec, r.rows.arena, &decoder, &r.rows.err), OK);
    for (int i = 0; i < 4; i++) {
        Str bytes = from_hex(r.rows.arena, i % 2 ? "00 00000002 0002" : "00 00000001 04");
        assert_int_equal(decoder_decode(decoder, bytes, r.rows.arena, out, &r.rows.err), OK);
        assert_int_equal(value_int(out[0]), i % 2 ? 1 : 2);
    }
    decoder_close(decoder);
    registry_rows_clear(&r);
}

static void unwanted_columns_are_stepped_over(void **state)
{
    RegistryRows        r;
    const Wanted        nothing  = {.none = true};
    const Wanted       *fields[] = {&nothing, NULL};
    const Wanted        part     = {.fields = fields};
    const Wanted *const wanted[] = {&nothing, &part};
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A STRING, S STRUCT<X STRING,Y INT>");
    r.rows.spec.wanted = wanted;
    int32_t id         = registry_rows_add(&r, RECORD(FIELD("A", "\"string\"") "," FIELD(
                                                   "S", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
                                                            "X", "\"string\"") "," FIELD("Y", "\"int\"") "]}")));
    expect_rows(&r, id, "0261 0262 02", "null|{\"X\":null,\"Y\":1}");
    registry_rows_clear(&r);
}

/* ---- strangers ---- */

static const struct {
    const char *bytes, *why;
} strangers[] = {
    {"", "The payload is too short to name its schema"},
    {"00 0000", "The payload is too short to name its schema"},
    {"01 00000001 02", "Unknown magic byte!"},
    {"00 00000063 02", "Error retrieving AVRO schema for id 99: Schema 99 not found"},
    {"00 00000001", "The payload is not valid Avro: it is cut short, or a number is too large"},
    {"00 00000001 ffffffffffffffffffff",
     "The payload is not valid Avro: it is cut short, or a number is too large"},
    {"00 00000001 02 0661", "The payload is not valid Avro: it is cut short, or a number is too large"},
    {"00 00000001 02 0261 06", "The payload is not valid Avro: a union has no such branch"},
    {"00 00000001 02 0261 00 fe ff ff ff 0f",
     "The payload is not valid Avro: a list claims more items than there are bytes"},
};

static void strangers_bytes_are_refused(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A INT, B STRING, C INT, L ARRAY<INT>");
    registry_rows_add(
        &r, RECORD(FIELD("A", "\"int\"") "," FIELD("B", "\"string\"") "," FIELD(
                "C", "[\"null\",\"int\"]") "," FIELD("L", "{\"type\":\"array\",\"items\":\"int\"}")));
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        Str  shown = rows_show(&r.rows, from_hex(r.rows.arena, strangers[i].bytes));
        char expected[512];
        snprintf(expected, sizeof expected, "Error deserializing message from topic: T. %s",
                 strangers[i].why);
        assert_string_equal(str_to_c(r.rows.arena, shown), expected);
    }
    registry_rows_clear(&r);
}

/* A payload nests as deep as a type within itself lets it. */
static void nesting_has_an_end(void **state)
{
    RegistryRows r;
    char         payload[4096];
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "V INT");
    int32_t id = registry_rows_add(&r, RECORD(FIELD("n", "[\"null\",\"r\"]") "," FIELD("v", "\"int\"")));
    memset(payload, 0, sizeof payload);
    for (size_t i = 0; i + 3 < sizeof payload; i += 2)
        memcpy(payload + i, "02", 2);
    expect_rows(
        &r, id, payload,
        "Error deserializing message from topic: T. The payload is not valid Avro: it nests too deep");
    registry_rows_clear(&r);
}

/* A record of two records of two records ...: `levels` of them, around `innermost`. The caller frees it. */
static char *doubling_schema(int levels, const char *innermost, const char *before)
{
    StrBuf out = {0};
    strbuf_addf(&out, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[%s{\"name\":\"n\",\"type\":", before);
    for (int i = 0; i < levels; i++)
        strbuf_addf(&out, "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"x\",\"type\":", i);
    strbuf_adds(&out, innermost);
    for (int i = levels; i-- > 0;)
        if (i == levels - 1)
            strbuf_addf(&out, "},{\"name\":\"y\",\"type\":%s}]}", innermost);
        else
            strbuf_addf(&out, "},{\"name\":\"y\",\"type\":\"r%d\"}]}", i + 1);
    strbuf_adds(&out, "}]}");
    char *text = str_to_heap(strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

/* Forty levels are 2^40 nulls, which take no bytes. */
static void what_takes_no_bytes_has_an_end(void **state)
{
    RegistryRows r;
    char        *schema = doubling_schema(40, "\"null\"", FIELD("V", "\"int\"") ",");
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "V INT");
    expect_rows(
        &r, registry_rows_add(&r, schema), "02",
        "Error deserializing message from topic: T. The payload is not valid Avro: it holds too much that "
        "takes no bytes");
    expect_rows(&r,
                registry_rows_add(&r, RECORD(FIELD("n", "{\"type\":\"array\",\"items\":\"null\"}") "," FIELD(
                                          "V", "\"int\""))),
                "8040 8040 00 02", "1"); /* 8192 nulls */
    free(schema);
    registry_rows_clear(&r);
}

/* ---- writing by a schema of somebody else ---- */

/* Defaults may call for themselves, or double with each level. */
static void defaults_have_an_end(void **state)
{
    static const char itself[] = RECORD(
        FIELD("a", "\"int\"") ",{\"name\":\"n\",\"type\":{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                              "{\"name\":\"x\",\"type\":\"R\",\"default\":{}}]},\"default\":{}}");
    RegistryRows r;
    Encoder     *encoder;
    Str          out;
    Value        one = value_from_int(1);
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "a INT");
    r.rows.spec.format.schema_id = registry_rows_add(&r, itself);
    assert_int_equal(encoder_open(&r.rows.spec, r.rows.arena, &encoder, &r.rows.err), OK);
    assert_int_equal(encoder_encode(encoder, &one, r.rows.arena, &out, &r.rows.err), E_DATA);
    assert_non_null(strstr(r.rows.err.message, "nests too deep or is too large"));
    encoder_close(encoder);
    registry_rows_clear(&r);
}

static void a_named_schema_is_written_by(void **state)
{
    RegistryRows r;
    Encoder     *encoder;
    Str          out;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "a INT, e STRING");
    r.rows.spec.format.schema_id =
        registry_rows_add(&r, RECORD(FIELD("a", "\"long\"") "," FIELD(
                                  "e", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"P\",\"Q\"]"
                                       "}") ","
                                            "{\"name\":\"more\",\"type\":\"string\",\"default\":"
                                            "\"foo\"}," FIELD("none", "[\"int\",\"null\"]")));
    Value values[] = {value_from_int(1), value_from_str(STR_LIT("Q"))};
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, values)), "0000000001020206666f6f02");
    assert_int_equal(encoder_open(&r.rows.spec, r.rows.arena, &encoder, &r.rows.err), OK);
    values[1] = value_from_str(STR_LIT("R"));
    assert_int_equal(encoder_encode(encoder, values, r.rows.arena, &out, &r.rows.err), E_DATA);
    assert_non_null(strstr(r.rows.err.message, "The Avro enum of [e] has no such symbol"));
    values[1] = value_null();
    assert_int_equal(encoder_encode(encoder, values, r.rows.arena, &out, &r.rows.err), E_DATA);
    assert_non_null(strstr(r.rows.err.message, "Null for the required Avro field: [e]"));
    encoder_close(encoder);
    registry_rows_clear(&r);
}

/* A STRUCT's field that was not given, say. */
static void a_null_is_the_default_where_null_is_none(void **state)
{
    RegistryRows r;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "a BIGINT, b STRING, c INT");
    r.rows.spec.format.schema_id =
        registry_rows_add(&r, RECORD("{\"name\":\"a\",\"type\":\"long\",\"default\":10},"
                                     "{\"name\":\"b\",\"type\":[\"string\",\"bytes\"],\"default\":\"x\"},"
                                     "{\"name\":\"c\",\"type\":[\"int\",\"null\"],\"default\":5}"));
    Value nulls[] = {value_null(), value_null(), value_null()};
    assert_string_equal(to_hex(r.rows.arena, rows_encode(&r.rows, nulls)), "000000000114000278"
                                                                           "02");
    registry_rows_clear(&r);
}

static void a_required_field_without_column_fails(void **state)
{
    RegistryRows r;
    Encoder     *encoder;
    Str          out;
    Value        one = value_from_int(1);
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "c1 INT");
    r.rows.spec.format.schema_id =
        registry_rows_add(&r, RECORD(FIELD("c1", "\"int\"") "," FIELD("c2", "\"double\"")));
    assert_int_equal(encoder_open(&r.rows.spec, r.rows.arena, &encoder, &r.rows.err), OK);
    assert_int_equal(encoder_encode(encoder, &one, r.rows.arena, &out, &r.rows.err), E_DATA);
    assert_non_null(strstr(r.rows.err.message,
                           "Missing default value for required Avro field: [c2]. This field "
                           "appears in Avro schema in Schema Registry"));
    encoder_close(encoder);
    registry_rows_clear(&r);
}

/* ---- references ---- */

static void references_are_resolved_once(void **state)
{
    RegistryRows     r;
    RegisteredSchema base = {
        .text = STR_LIT("{\"type\":\"record\",\"name\":\"b\",\"namespace\":\"n\",\"fields\":[" FIELD(
            "x", "\"int\"") "]}")};
    SchemaReference  to  = {STR_LIT("n.b"), STR_LIT("base"), 1};
    RegisteredSchema top = {.text       = STR_LIT(RECORD(FIELD("s", "\"n.b\"") "," FIELD("t", "\"n.b\""))),
                            .references = &to,
                            .reference_count = 1};
    int32_t          id;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "S STRUCT<X INT>, T STRUCT<X INT>");
    assert_int_equal(registry_enroll(r.registry, STR_LIT("base"), &base, &id, &r.rows.err), OK);
    assert_int_equal(registry_enroll(r.registry, STR_LIT("top"), &top, &id, &r.rows.err), OK);
    expect_rows(&r, id, "02 04", "{\"X\":1}|{\"X\":2}");
    registry_rows_clear(&r);
}

static void cyclic_references_are_refused(void **state)
{
    RegistryRows     r;
    SchemaReference  to  = {STR_LIT("n.b"), STR_LIT("loop"), 0};
    RegisteredSchema top = {
        .text = STR_LIT(RECORD(FIELD("s", "\"n.b\""))), .references = &to, .reference_count = 1};
    int32_t id;
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "S STRUCT<X INT>");
    assert_int_equal(registry_enroll(r.registry, STR_LIT("loop"), &top, &id, &r.rows.err), OK);
    expect_rows(
        &r, id, "02",
        "Error deserializing message from topic: T. Schema references are cyclic or nest deeper than 32");
    registry_rows_clear(&r);
}

/* ---- a registry that is away ---- */

static Status away_by_id(SchemaRegistry *self, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    return error_set(err, E_WAIT, NO_POS, "it does not answer");
}

static void a_registry_that_is_away_is_no_fault_of_the_record(void **state)
{
    SerdeRows      rows;
    Value          out[1];
    SchemaRegistry away = {.by_id = away_by_id};
    rows_init(&rows, "AVRO", SIDE_VALUE, "A INT");
    rows.spec.registry = &away;
    assert_int_equal(rows_decode(&rows, from_hex(rows.arena, "00 00000001 02"), out), E_WAIT);
    assert_non_null(
        strstr(rows.err.message, "Waiting for the schema registry: schema 1: it does not answer"));
    rows_clear(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_ksqldbs_schema),
        cmocka_unit_test(names_that_avro_lacks_are_refused),
        cmocka_unit_test(schemas_become_columns),
        cmocka_unit_test(rows_become_bytes_and_rows),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(bare_values),
        cmocka_unit_test(the_writers_schema_counts),
        cmocka_unit_test(one_topic_has_many_schemas),
        cmocka_unit_test(unwanted_columns_are_stepped_over),
        cmocka_unit_test(strangers_bytes_are_refused),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(what_takes_no_bytes_has_an_end),
        cmocka_unit_test(defaults_have_an_end),
        cmocka_unit_test(a_named_schema_is_written_by),
        cmocka_unit_test(a_null_is_the_default_where_null_is_none),
        cmocka_unit_test(a_required_field_without_column_fails),
        cmocka_unit_test(references_are_resolved_once),
        cmocka_unit_test(cyclic_references_are_refused),
        cmocka_unit_test(a_registry_that_is_away_is_no_fault_of_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
