/*
 * fuzz_registry.h - what the targets of registry formats share: a stranger's payload by Sluice's own schema
 * of every type, and a stranger's schema with a payload.
 *
 * The first byte says which; of the second kind, two bytes give the schema's length.
 */
#ifndef SLUICE_TESTS_FUZZ_REGISTRY_H
#define SLUICE_TESTS_FUZZ_REGISTRY_H

#include "fuzz_serde.h"
#include "serde/registry_memory.h"
#include "serde/schema_text.h"

static inline Str fuzz_frame(Arena *arena, const uint8_t *data, size_t size)
{
    char *bytes = arena_alloc(arena, size + 5);
    memcpy(bytes, "\0\0\0\0\1", 5); /* the only schema there is */
    if (size > 0)
        memcpy(bytes + 5, data, size);
    return str_n(bytes, size + 5);
}

/* What was read can be written, and is read back as the same bytes' row. */
static inline void fuzz_own_schema(SerdeSpec *spec, const uint8_t *data, size_t size, Arena *arena)
{
    Error    err;
    int32_t  id;
    Decoder *decoder;
    Encoder *encoder;
    Value    row[FUZZ_COLUMNS_ALL];
    Str      bytes = fuzz_frame(arena, data, size), last = STR_NULL;
    spec->columns = fuzz_columns_all;
    spec->count   = FUZZ_COLUMNS_ALL;
    fuzz_must(schema_enroll(spec, &id, &err) == OK && id == 1);
    fuzz_must(decoder_open(spec, arena, &decoder, &err) == OK);
    fuzz_must(encoder_open(spec, arena, &encoder, &err) == OK);
    for (int round = 0; round < 4; round++) {
        Status status = decoder_decode(decoder, bytes, arena, row, &err);
        fuzz_must(status == OK || round == 0 || status == E_LIMIT);
        if (status != OK || encoder_encode(encoder, row, arena, &bytes, &err) != OK)
            break;
        fuzz_must(round < 3 || str_equal(bytes, last));
        last = bytes;
    }
    decoder_close(decoder);
    encoder_close(encoder);
}

static inline void fuzz_read(SerdeSpec *spec, const uint8_t *data, size_t size, Arena *arena)
{
    Error    err;
    Decoder *decoder;
    Encoder *encoder;
    Str      bytes, ignored;
    Value   *row = ARENA_ARRAY(arena, Value, spec->count + 1);
    fuzz_must(decoder_open(spec, arena, &decoder, &err) == OK);
    bytes         = fuzz_frame(arena, data, size);
    Status status = decoder_decode(decoder, bytes, arena, row, &err);
    decoder_close(decoder);
    if (status != OK || encoder_open(spec, arena, &encoder, &err) != OK)
        return;
    if (encoder_encode(encoder, row, arena, &ignored, &err) != OK)
        fuzz_must(err.message[0] != 0);
    encoder_close(encoder);
}

static inline void fuzz_strange_schema(SerdeSpec *spec, Str text, bool unwrapped, const uint8_t *data,
                                       size_t size, Arena *arena)
{
    RegisteredSchema schema = {.kind = schema_kind_of(spec->format.format), .text = text};
    Error            err;
    Column          *columns;
    unwrapped &= format_facts(spec->format.format)->unwraps;
    fuzz_must(registry_enroll(spec->registry, STR_LIT("T-value"), &schema, &schema.id, &err) == OK);
    SchemaQuestion question = {.format    = &spec->format,
                               .side      = SIDE_VALUE,
                               .schema    = &schema,
                               .registry  = spec->registry,
                               .unwrapped = unwrapped,
                               .upper     = true};
    spec->format.schema_id  = schema.id;
    spec->format.wrapping   = unwrapped ? UNWRAP_SINGLES : WRAP_DEFAULT;
    spec->columns           = fuzz_columns_all;
    spec->count             = unwrapped ? 1 : FUZZ_COLUMNS_ALL;
    fuzz_read(spec, data, size, arena);
    if (schema_columns(&question, arena, &columns, &spec->count, &err) != OK)
        return;
    spec->columns = columns;
    fuzz_read(spec, data, size, arena);
}

static inline void fuzz_registry_format(Str format, const uint8_t *data, size_t size)
{
    if (size < 3)
        return;
    Arena          *arena    = arena_new(16 << 20);
    SchemaRegistry *registry = registry_memory_new();
    SerdeSpec       spec     = {.format   = {.format = format_find(format)},
                                .side     = SIDE_VALUE,
                                .topic    = STR_LIT("T"),
                                .registry = registry};
    size_t          len      = data[1] | (size_t)data[2] << 8;
    if (data[0] & 1)
        fuzz_own_schema(&spec, data + 1, size - 1, arena);
    else if (len <= size - 3)
        fuzz_strange_schema(&spec, str_n((const char *)data + 3, len), (data[0] & 2) != 0, data + 3 + len,
                            size - 3 - len, arena);
    registry_close(registry);
    arena_free(arena);
}

#endif
