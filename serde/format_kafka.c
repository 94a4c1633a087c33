/*
 * format_kafka.c - KAFKA: one column as Kafka's own serializers write it, and nothing is coerced
 * (runtime.md 1.3).
 *
 * Without columns it is the null format: both directions give null.
 */
#include "serde/format.h"

typedef struct {
    Decoder        base;
    const SqlType *type; /* NULL: no columns */
    bool           unwanted;
    Str            topic;
} KafkaDecoder;

typedef struct {
    Encoder        base;
    const SqlType *type;
} KafkaEncoder;

static bool is_supported(SqlKind kind)
{
    return kind == T_INTEGER || kind == T_BIGINT || kind == T_DOUBLE || kind == T_STRING || kind == T_BYTES;
}

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    if (count > 1) {
        StrBuf text = {0};
        columns_print(side, columns, count, &text);
        error_set(err, E_PLAN, NO_POS, "The 'KAFKA' format only supports a single field. Got: " STR_FMT,
                  STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        return E_PLAN;
    }
    if (count == 1 && !is_supported(columns[0].type->kind))
        return error_set(err, E_PLAN, NO_POS, "The 'KAFKA' format does not support type '%s'",
                         type_kind_name(columns[0].type->kind));
    return OK;
}

static uint64_t get_big_endian(Str bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes.len; i++)
        n = n << 8 | (uint8_t)bytes.ptr[i];
    return n;
}

static Status wrong_size(const KafkaDecoder *self, const char *reader, size_t expected, Error *err)
{
    return error_set(err, E_DATA, NO_POS,
                     "Error deserializing KAFKA message from topic: " STR_FMT
                     ". Size of data received by %s is not %zu",
                     STR_ARG(self->topic), reader, expected);
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    const KafkaDecoder *self = (const KafkaDecoder *)base;
    if (self->type == NULL)
        return OK;
    switch (self->type->kind) {
    case T_INTEGER:
        if (bytes.len != 4)
            return wrong_size(self, "IntegerDeserializer", 4, err);
        *out = value_from_int((int32_t)(uint32_t)get_big_endian(bytes));
        break;
    case T_BIGINT:
        if (bytes.len != 8)
            return wrong_size(self, "LongDeserializer", 8, err);
        *out = value_from_int((int64_t)get_big_endian(bytes));
        break;
    case T_DOUBLE: {
        if (bytes.len != 8)
            return wrong_size(self, "Deserializer", 8, err);
        uint64_t bits = get_big_endian(bytes);
        double   d;
        memcpy(&d, &bits, sizeof d);
        *out = value_from_double(d);
        break;
    }
    case T_STRING:
        *out = value_from_str(utf8_repair(arena, bytes));
        break;
    default:
        *out = value_from_str(bytes);
        break; /* BYTES: check() lets nothing else in */
    }
    if (self->unwanted)
        *out = value_null();
    return OK;
}

static Status open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    KafkaDecoder *self = ARENA_NEW(arena, KafkaDecoder);
    self->base.decode  = decode;
    self->type         = spec->count == 1 ? spec->columns[0].type : NULL;
    self->unwanted     = spec->count == 1 && spec_unwanted(spec, 0);
    self->topic        = str_dup(arena, spec->topic);
    *out               = &self->base;
    return OK;
}

static void put_big_endian(uint64_t n, char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(uint8_t)(n >> (8 * (len - 1 - i)));
}

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    const KafkaEncoder *self = (const KafkaEncoder *)base;
    *out                     = STR_NULL;
    if (self->type == NULL || value_is_null(values[0]))
        return OK;
    if (self->type->kind == T_STRING || self->type->kind == T_BYTES) {
        Str bytes = value_str(values[0]);
        *out      = bytes.len > 0 ? bytes : STR_LIT("");
        return OK; /* values live as long as their batch: no copy */
    }
    size_t   len = self->type->kind == T_INTEGER ? 4 : 8;
    char    *ptr = arena_alloc(arena, len);
    uint64_t bits;
    if (self->type->kind == T_DOUBLE) {
        double d = value_double(values[0]);
        if (d != d)
            bits = 0x7ff8000000000000u; /* Java writes one NaN */
        else
            memcpy(&bits, &d, sizeof bits);
    } else {
        bits = (uint64_t)value_int(values[0]);
    }
    put_big_endian(bits, ptr, len);
    *out = str_n(ptr, len);
    return OK;
}

static Status open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    KafkaEncoder *self = ARENA_NEW(arena, KafkaEncoder);
    self->base.encode  = encode;
    self->type         = spec->count == 1 ? spec->columns[0].type : NULL;
    *out               = &self->base;
    return OK;
}

const FormatClass format_kafka = {
    .name         = "KAFKA",
    .facts        = {.payload   = PAYLOAD_SCALAR,
                     .built     = true,
                     .unwraps   = true,
                     .canonical = true,
                     .ordered   = true,
                     .exact     = true,
                     .flat      = true,
                     .opaque    = true},
    .check        = check,
    .open_decoder = open_decoder,
    .open_encoder = open_encoder,
};
