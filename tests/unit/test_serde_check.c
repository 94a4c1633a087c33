/* Formats by name, their features, and the schemas they refuse with ksqlDB's words. */
#include "serde_rows.h"

static void formats_are_found_in_any_case(void **state)
{
    static const struct {
        const char *name;
        bool        built, wraps, unwraps, infers;
    } formats[] = {
        {"kafka", true, false, true, false},   {"Delimited", true, false, true, false},
        {"JSON", true, true, true, false},     {"none", true, false, false, false},
        {"AVRO", true, true, true, true},      {"json_sr", true, true, true, true},
        {"PROTOBUF", true, true, false, true}, {"PROTOBUF_NOSR", true, true, true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        const FormatClass *format = format_find(str_c(formats[i].name));
        assert_non_null(format);
        assert_true(str_equal_nocase(str_c(format_name(format)), str_c(formats[i].name)));
        assert_int_equal(format_facts(format)->built, formats[i].built);
        assert_int_equal(format_supports_wrapping(format, WRAP_SINGLES), formats[i].wraps);
        assert_int_equal(format_supports_wrapping(format, UNWRAP_SINGLES), formats[i].unwraps);
        assert_int_equal(format_facts(format)->infers, formats[i].infers);
    }
    assert_null(format_find(STR_LIT("XML")));
}

/* What other folders decide by: the rows say it, and the bytes bear it out elsewhere. */
static void facts_stand_in_for_names(void **state)
{
    const FormatFacts *kafka = format_facts(format_default_key()), *json = format_facts(format_any_key());
    const FormatFacts *exact     = format_facts(format_exact()),
                      *avro      = format_facts(format_find(STR_LIT("AVRO")));
    const FormatFacts *delimited = format_facts(format_find(STR_LIT("DELIMITED")));
    const FormatFacts *protobuf  = format_facts(format_find(STR_LIT("PROTOBUF")));
    assert_true(kafka->canonical && kafka->ordered && kafka->flat && kafka->opaque && !kafka->named);
    assert_true(json->named && !json->canonical && !json->flat && !json->registry && !json->hidden);
    assert_true(delimited->delimiter && delimited->flat && !delimited->exact && !json->delimiter);
    assert_true(exact->hidden && exact->exact && exact->canonical && !exact->flat);
    assert_true(avro->registry && avro->named && !avro->nullable_representation);
    assert_true(protobuf->nullable_representation && !protobuf->exact);
    assert_int_equal(format_facts(format_keyless())->payload, PAYLOAD_NOTHING);
    assert_string_equal(format_name(NULL), "NONE");
}

static void features_of_single_columns(void **state)
{
    static const struct {
        const char *format;
        int         side;
        size_t      columns;
        Wrapping    said, features;
        bool        unwrapped;
    } cases[] = {
        {"JSON", SIDE_KEY, 1, WRAP_DEFAULT, UNWRAP_SINGLES, true},
        {"JSON", SIDE_KEY, 2, WRAP_DEFAULT, WRAP_DEFAULT, false},
        {"AVRO", SIDE_KEY, 1, WRAP_DEFAULT, UNWRAP_SINGLES, true},
        {"KAFKA", SIDE_KEY, 1, WRAP_DEFAULT, WRAP_DEFAULT, true},
        {"PROTOBUF", SIDE_KEY, 1, WRAP_DEFAULT, WRAP_DEFAULT, false},
        {"JSON", SIDE_VALUE, 1, WRAP_DEFAULT, WRAP_DEFAULT, false},
        {"JSON", SIDE_VALUE, 1, WRAP_SINGLES, WRAP_SINGLES, false},
        {"JSON", SIDE_VALUE, 1, UNWRAP_SINGLES, UNWRAP_SINGLES, true},
        {"DELIMITED", SIDE_VALUE, 1, UNWRAP_SINGLES, UNWRAP_SINGLES, true},
        {"DELIMITED", SIDE_VALUE, 1, WRAP_DEFAULT, WRAP_DEFAULT, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FormatSpec spec = {.format = format_find(str_c(cases[i].format)), .wrapping = cases[i].said};
        assert_int_equal(serde_features(&spec, cases[i].side, cases[i].columns), cases[i].features);
        assert_int_equal(serde_is_unwrapped(&spec, cases[i].side, cases[i].columns), cases[i].unwrapped);
    }
}

static const struct {
    const char *format;
    int         side;
    const char *columns, *message; /* NULL: accepted */
} checks[] = {
    {"KAFKA", SIDE_KEY, "K BOOLEAN",
     "Key format does not support schema.\nformat: KAFKA\nschema: Persistence{columns=[`K` BOOLEAN KEY], "
     "features=[]}\n"
     "reason: The 'KAFKA' format does not support type 'BOOLEAN'"},
    {"KAFKA", SIDE_KEY, "A INT, B INT",
     "Key format does not support schema.\nformat: KAFKA\nschema: Persistence{columns=[`A` INTEGER KEY, `B` "
     "INTEGER KEY], "
     "features=[]}\nreason: The 'KAFKA' format only supports a single field. Got: [`A` INTEGER KEY, `B` "
     "INTEGER KEY]"},
    {"KAFKA", SIDE_VALUE, "A INT, B STRING",
     "Value format does not support schema.\nformat: KAFKA\nschema: Persistence{columns=[`A` INTEGER, `B` "
     "STRING], "
     "features=[]}\nreason: The 'KAFKA' format only supports a single field. Got: [`A` INTEGER, `B` STRING]"},
    {"KAFKA", SIDE_VALUE, "", NULL},
    {"KAFKA", SIDE_VALUE, "A BYTES", NULL},
    {"DELIMITED", SIDE_KEY, "K ARRAY<DOUBLE>",
     "Key format does not support schema.\nformat: DELIMITED\nschema: Persistence{columns=[`K` ARRAY<DOUBLE> "
     "KEY], "
     "features=[]}\nreason: The 'DELIMITED' format does not support type 'ARRAY', column: `K`"},
    {"DELIMITED", SIDE_VALUE, "A INT, B DECIMAL(4,2), C TIME", NULL},
    {"NONE", SIDE_KEY, "K STRING",
     "Key format does not support schema.\nformat: NONE\nschema: Persistence{columns=[`K` STRING KEY], "
     "features=[]}\n"
     "reason: The 'NONE' format can only be used when no columns are defined. Got: [`K` STRING KEY]"},
    {"NONE", SIDE_KEY, "", NULL},
    {"JSON", SIDE_KEY, "K STRUCT<F MAP<STRING,INT>>",
     "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior "
     "due to "
     "inconsistent serialization. Key column name: `K`. Column type: STRUCT<`F` MAP<STRING, INTEGER>>. See "
     "https://github.com/confluentinc/ksql/issues/6621 for more."},
    {"JSON", SIDE_VALUE, "A ARRAY<MAP<INT,INT>>",
     "Value format does not support schema.\nformat: JSON\nschema: Persistence{columns=[`A` "
     "ARRAY<MAP<INTEGER, INTEGER>>], "
     "features=[]}\nreason: JSON only supports MAP types with STRING keys"},
    {"JSON", SIDE_KEY, "K MAP<STRING,INT>",
     "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior "
     "due to "
     "inconsistent serialization. Key column name: `K`. Column type: MAP<STRING, INTEGER>. See "
     "https://github.com/confluentinc/ksql/issues/6621 for more."},
    {"JSON", SIDE_VALUE, "A MAP<STRING,ARRAY<INT>>", NULL},
    {"AVRO", SIDE_VALUE, "A MAP<INT,INT>",
     "Value format does not support schema.\nformat: AVRO\nschema: Persistence{columns=[`A` MAP<INTEGER, "
     "INTEGER>], "
     "features=[]}\nreason: Avro only supports MAPs with STRING keys"},
    {"PROTOBUF", SIDE_VALUE, "A MAP<INT,INT>",
     "Value format does not support schema.\nformat: PROTOBUF\nschema: Persistence{columns=[`A` MAP<INTEGER, "
     "INTEGER>], "
     "features=[]}\nreason: PROTOBUF format only supports MAP types with STRING keys. See "
     "https://github.com/confluentinc/ksql/issues/6177."},
#define NESTED(format, shown, what)                                                                          \
    "Value format does not support schema.\nformat: " format "\nschema: Persistence{columns=[`A` " shown     \
    "], "                                                                                                    \
    "features=[]}\nreason: PROTOBUF format does not support " what " directly in an ARRAY, column: `A`. A "  \
    "STRUCT between the two holds it"
    {"PROTOBUF", SIDE_VALUE, "A ARRAY<ARRAY<INT>>", NESTED("PROTOBUF", "ARRAY<ARRAY<INTEGER>>", "an ARRAY")},
    {"PROTOBUF", SIDE_VALUE, "A ARRAY<MAP<STRING,INT>>",
     NESTED("PROTOBUF", "ARRAY<MAP<STRING, INTEGER>>", "a MAP")},
    {"PROTOBUF_NOSR", SIDE_VALUE, "A ARRAY<MAP<STRING,INT>>",
     NESTED("PROTOBUF_NOSR", "ARRAY<MAP<STRING, INTEGER>>", "a MAP")},
    {"PROTOBUF", SIDE_VALUE, "A STRUCT<B STRUCT<C ARRAY<MAP<STRING,INT>>>>",
     NESTED("PROTOBUF", "STRUCT<`B` STRUCT<`C` ARRAY<MAP<STRING, INTEGER>>>>", "a MAP")},
    {"PROTOBUF", SIDE_VALUE, "A MAP<STRING,ARRAY<MAP<STRING,INT>>>",
     NESTED("PROTOBUF", "MAP<STRING, ARRAY<MAP<STRING, INTEGER>>>", "a MAP")},
    {"PROTOBUF", SIDE_VALUE, "A MAP<STRING,MAP<STRING,ARRAY<INT>>>, B ARRAY<STRUCT<C MAP<STRING,INT>>>",
     NULL}, /* test_protobuf.c has them come back */
    {"INTERNAL", SIDE_VALUE, "A MAP<INT,INT>", NULL},
};

static void schemas_are_checked(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        SerdeRows rows;
        rows_init(&rows, checks[i].format, checks[i].side, checks[i].columns);
        Status status =
            serde_check(&rows.spec.format, checks[i].side, rows.columns, rows.spec.count, &rows.err);
        assert_int_equal(status, checks[i].message ? E_PLAN : OK);
        if (checks[i].message)
            assert_string_equal(rows.err.message, checks[i].message);
        rows_clear(&rows);
    }
}

static void registry_formats_need_one(void **state)
{
    SerdeRows rows;
    Decoder  *decoder;
    rows_init(&rows, "AVRO", SIDE_VALUE, "A INT");
    assert_int_equal(decoder_open(&rows.spec, rows.arena, &decoder, &rows.err), E_PLAN);
    assert_string_equal(rows.err.message, "Cannot use the format AVRO for topic 'T' without configuring "
                                          "'ksql.schema.registry.url'");
    rows_clear(&rows);
}

static void none_is_always_null(void **state)
{
    SerdeRows rows;
    rows_init(&rows, "NONE", SIDE_KEY, "");
    assert_int_equal(rows_decode(&rows, STR_LIT("ignored"), NULL), OK);
    assert_null(rows_encode(&rows, NULL).ptr);
    rows_clear(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found_in_any_case), cmocka_unit_test(facts_stand_in_for_names),
        cmocka_unit_test(features_of_single_columns),    cmocka_unit_test(schemas_are_checked),
        cmocka_unit_test(registry_formats_need_one),     cmocka_unit_test(none_is_always_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
