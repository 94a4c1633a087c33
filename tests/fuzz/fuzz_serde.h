/*
 * fuzz_serde.h - what the targets of formats share: columns of every type, and a decode whose result must
 * survive encoding. Two rounds must bring bytes that a third does not change (one is not enough: text "-0" is
 * -0.0 as DOUBLE, and the number -0.0 is 0.0).
 */
#ifndef SLUICE_TESTS_FUZZ_SERDE_H
#define SLUICE_TESTS_FUZZ_SERDE_H

#include "serde/serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const SqlType  fuzz_decimal  = {.kind = T_DECIMAL, .precision = 20, .scale = 4};
static const SqlType  fuzz_array    = {.kind = T_ARRAY, .element = &type_integer};
static const SqlType  fuzz_map      = {.kind = T_MAP, .key = &type_string, .element = &type_string};
static const SqlField fuzz_fields[] = {{STR_LIT("F"), &type_bigint}, {STR_LIT("M"), &fuzz_map}};
static const SqlType  fuzz_struct   = {.kind = T_STRUCT, .fields = fuzz_fields, .field_count = 2};
static const SqlType  fuzz_structs  = {.kind = T_ARRAY, .element = &fuzz_struct};

enum { FUZZ_COLUMNS_SCALAR = 10, FUZZ_COLUMNS_ALL = 14 };

static const Column fuzz_columns_all[FUZZ_COLUMNS_ALL] = {
    {.name = STR_LIT("A"), .type = &type_boolean, .role = COLUMN_VALUE},
    {.name = STR_LIT("B"), .type = &type_integer, .role = COLUMN_VALUE},
    {.name = STR_LIT("C"), .type = &type_bigint, .role = COLUMN_VALUE},
    {.name = STR_LIT("D"), .type = &type_double, .role = COLUMN_VALUE},
    {.name = STR_LIT("E"), .type = &fuzz_decimal, .role = COLUMN_VALUE},
    {.name = STR_LIT("F"), .type = &type_string, .role = COLUMN_VALUE},
    {.name = STR_LIT("G"), .type = &type_bytes, .role = COLUMN_VALUE},
    {.name = STR_LIT("H"), .type = &type_time, .role = COLUMN_VALUE},
    {.name = STR_LIT("I"), .type = &type_date, .role = COLUMN_VALUE},
    {.name = STR_LIT("J"), .type = &type_timestamp, .role = COLUMN_VALUE},
    {.name = STR_LIT("K"), .type = &fuzz_array, .role = COLUMN_VALUE},
    {.name = STR_LIT("L"), .type = &fuzz_map, .role = COLUMN_VALUE},
    {.name = STR_LIT("M"), .type = &fuzz_struct, .role = COLUMN_VALUE},
    {.name = STR_LIT("N"), .type = &fuzz_structs, .role = COLUMN_VALUE},
};

static inline void fuzz_must(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static inline void fuzz_decode(Str format, int side, const Column *columns, size_t count, const uint8_t *data,
                               size_t size)
{
    Arena    *arena = arena_new(16 << 20);
    SerdeSpec spec  = {
         .format  = {.format = format_find(format), .delimiter = STR_NULL},
         .side    = side,
         .topic   = STR_LIT("T"),
         .columns = columns,
         .count   = count,
    };
    Error    err;
    Decoder *decoder;
    Encoder *encoder;
    Value    row[FUZZ_COLUMNS_ALL];
    Str      bytes = str_n((const char *)data, size), last = STR_NULL;
    fuzz_must(decoder_open(&spec, arena, &decoder, &err) == OK);
    fuzz_must(encoder_open(&spec, arena, &encoder, &err) == OK);
    for (int round = 0; round < 4; round++) {
        Status status = decoder_decode(decoder, bytes, arena, row, &err);
        fuzz_must(status == OK || round == 0 || status == E_LIMIT);
        if (status != OK || encoder_encode(encoder, row, arena, &bytes, &err) != OK)
            break; /* refused, or too big for the arena */
        if (str_is_null(bytes) || bytes.len == 0)
            break; /* an unwrapped NULL; a line without fields */
        fuzz_must(round < 3 || str_equal(bytes, last));
        last = bytes;
    }
    decoder_close(decoder);
    encoder_close(encoder);
    arena_free(arena);
}

#endif
