/*
 * What a repartition topic is given it gives back: every key format, every type that it takes, odd values
 * among them, to the bit. NULL, empty text and zeros of both signs stay apart, or two groups become one and
 * a group becomes nobody's.
 */
#include "executor/dataflow/repartition.h"
#include "state_random.h"

enum { SCHEMAS = 300, ROWS = 40, MOST_KEYS = 3 };

/* Random values are wilder than SQL's here and there: there is one NaN, decimals have their
 * precision, a day has an end, and so has time.
 */
static Value tame(Arena *arena, const SqlType *type, Value value)
{
    if (value_is_null(value))
        return value;
    if (type->kind == T_DOUBLE && isnan(value_double(value)))
        return value_from_double(NAN);
    if (type->kind == T_DECIMAL && decimal_precision(value) > type->precision)
        return value_decimal(7, type->scale);
    if (type->kind == T_TIME)
        return value_from_int((int64_t)((uint64_t)value_int(value) % 86400000));
    if (type->kind == T_DATE)
        return value_from_int(value_int(value) % 2000000);
    if (type->kind == T_ARRAY || type->kind == T_STRUCT) {
        Value *items = ARENA_ARRAY(arena, Value, value.len + 1);
        for (uint32_t i = 0; i < value.len; i++)
            items[i] = tame(arena, type->kind == T_ARRAY ? type->element : type->fields[i].type,
                            value_items(value)[i]);
        return value_array(items, value.len);
    }
    return value;
}

static bool has_map(const SqlType *type)
{
    bool found = type->kind == T_MAP;
    for (size_t i = 0; type->kind == T_STRUCT && i < type->field_count; i++)
        found |= has_map(type->fields[i].type);
    return found || (type->kind == T_ARRAY && has_map(type->element));
}

/* The REKEY's key columns in a random schema; false: the format does not take them. */
static bool random_rekey(Random *r, Arena *arena, const char *format, PlanNode *out)
{
    size_t  count   = 1 + random_below(r, MOST_KEYS);
    Column *columns = ARENA_ARRAY(arena, Column, count);
    Error   ignored;
    for (size_t i = 0; i < count; i++) {
        columns[i] = (Column){str_printf(arena, "K%zu", i), random_type(r, arena, 2), COLUMN_KEY, STR_NULL};
        if (has_map(columns[i].type))
            return false; /* no key has one */
    }
    *out            = (PlanNode){.schema = schema_new(arena, columns, count)};
    out->key_format = (FormatSpec){.format = format_find(str_c(format))};
    return serde_check(&out->key_format, SIDE_KEY, columns, count, &ignored) == OK;
}

static void expect_same(const PlanNode *rekey, const Value *values, const Value *back, uint64_t seed)
{
    for (size_t i = 0; i < rekey->schema->key_count; i++) {
        const SqlType *type = rekey->schema->columns[i].type;
        StrBuf         text = {0};
        if (value_same(type, values[i], back[i]))
            continue;
        type_print(type, &text);
        fail_msg("%s key %s: column %zu comes back as another value (seed %llu)",
                 format_name(rekey->key_format.format), str_to_c(arena_new(0), strbuf_str(&text)), i,
                 (unsigned long long)seed);
    }
}

static void cross(Random *r, Arena *arena, const PlanNode *rekey, uint64_t seed)
{
    SerdeSpec spec = repartition_key_serde(rekey, STR_LIT("T"));
    bool      bare = serde_is_unwrapped(&spec.format, SIDE_KEY, spec.count);
    Encoder  *encoder;
    Decoder  *decoder;
    Error     err;
    assert_int_equal(encoder_open(&spec, arena, &encoder, &err), OK);
    assert_int_equal(decoder_open(&spec, arena, &decoder, &err), OK);
    for (int i = 0; i < ROWS; i++) {
        Value *values = random_values(r, arena, spec.columns, spec.count), back[MOST_KEYS];
        Str    bytes;
        for (size_t c = 0; c < spec.count; c++)
            values[c] = tame(arena, spec.columns[c].type, values[c]);
        if (encoder_encode(encoder, values, arena, &bytes, &err) != OK)
            fail_msg("%s: %s (seed %llu)", format_name(rekey->key_format.format), err.message,
                     (unsigned long long)seed);
        assert_int_equal(str_is_null(bytes), bare && value_is_null(values[0])); /* a null key, and no other */
        if (str_is_null(bytes))
            continue;
        if (decoder_decode(decoder, bytes, arena, back, &err) != OK)
            fail_msg("%s: %s (seed %llu)", format_name(rekey->key_format.format), err.message,
                     (unsigned long long)seed);
        expect_same(rekey, values, back, seed);
    }
    encoder_close(encoder);
    decoder_close(decoder);
}

static void keys_come_back(const char *format, size_t least)
{
    size_t crossed = 0;
    for (uint64_t seed = 1; seed <= SCHEMAS; seed++) {
        Random   r     = {seed};
        Arena   *arena = arena_new(0);
        PlanNode rekey;
        if (random_rekey(&r, arena, format, &rekey)) {
            cross(&r, arena, &rekey, seed);
            crossed++;
        }
        arena_free(arena);
    }
    assert_true(crossed >= least); /* the test has seen something */
}

static void kafka_keys_come_back(void **state) { keys_come_back("KAFKA", 10); }
static void delimited_keys_come_back(void **state) { keys_come_back("DELIMITED", 30); }
static void json_keys_come_back(void **state) { keys_come_back("JSON", 100); }

/* Keys that earlier versions wrote in the edge's own format are told from exact ones, so that none is lost at
 * an upgrade. */
static void keys_of_earlier_versions_are_no_exact_ones(void **state)
{
    static const struct {
        const char *format, *bytes;
        size_t      keys;
    } cases[] = {
        {"DELIMITED", "Z17", 1},
        {"DELIMITED", "b", 1},
        {"DELIMITED", "`~", 1},
        {"DELIMITED", "a,b", 2},
        {"DELIMITED", "\"a,\",b", 2},
        {"DELIMITED", "@@@,@@@@", 2},
        {"JSON", "\"Z17\"", 1},
        {"JSON", "\"\"", 1},
        {"JSON", "null", 1},
        {"JSON", "{\"K0\":1}", 2},
        {"JSON", "17", 1},
    };
    Column columns[] = {{STR_LIT("K0"), &type_string, COLUMN_KEY, STR_NULL},
                        {STR_LIT("K1"), &type_string, COLUMN_KEY, STR_NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arena   *arena = arena_new(0);
        PlanNode edge  = {.schema     = schema_new(arena, columns, cases[i].keys),
                          .key_format = {.format = format_find(str_c(cases[i].format))}};
        assert_false(repartition_keeps_key_bytes(&edge));
        SerdeSpec exact = repartition_key_serde(&edge, STR_LIT("T")),
                  old   = repartition_edge_key_serde(&edge, STR_LIT("T"));
        Decoder *decoder;
        Value    values[2];
        Error    err;
        assert_int_equal(decoder_open(&exact, arena, &decoder, &err), OK);
        assert_int_equal(decoder_decode(decoder, str_c(cases[i].bytes), arena, values, &err), E_DATA);
        decoder_close(decoder);
        assert_int_equal(decoder_open(&old, arena, &decoder, &err), OK);
        assert_int_equal(decoder_decode(decoder, str_c(cases[i].bytes), arena, values, &err), OK);
        decoder_close(decoder);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kafka_keys_come_back),
        cmocka_unit_test(delimited_keys_come_back),
        cmocka_unit_test(json_keys_come_back),
        cmocka_unit_test(keys_of_earlier_versions_are_no_exact_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
