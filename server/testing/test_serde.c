/*
 * test_serde.c - see test_serde.h. JSON passes through as it is spelled; DELIMITED is text; KAFKA goes by the
 * one column's type.
 */
#include "server/testing/test_serde.h"

#include "server/testing/json_raw.h"
#include "server/testing/test_record.h"

static const FormatSpec *side_format(const Source *source, int side)
{
    return side == SIDE_KEY ? &source->key_format : &source->value_format;
}

static PayloadForm side_payload(const Source *source, int side)
{
    return format_facts(side_format(source, side)->format)->payload;
}

static SerdeSpec side_spec(const Source *source, int side)
{
    const Schema *schema = source->schema;
    return (SerdeSpec){.format  = *side_format(source, side),
                       .side    = side,
                       .topic   = source->topic,
                       .columns = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                       .count   = side == SIDE_KEY ? schema->key_count : schema->value_count};
}

static Status kafka_value(const SqlType *type, Str text, Value *out, Error *err)
{
    int64_t n;
    double  d;
    switch (type->kind) {
    case T_INTEGER:
    case T_BIGINT:
        if (!int64_parse(text, &n))
            return error_set(err, E_DATA, NO_POS, "\"" STR_FMT "\" is no whole number", STR_ARG(text));
        *out = value_from_int(n);
        return OK;
    case T_DOUBLE:
        if (!double_parse(text, &d))
            return error_set(err, E_DATA, NO_POS, "\"" STR_FMT "\" is no number", STR_ARG(text));
        *out = value_from_double(d);
        return OK;
    default:
        *out = value_from_str(text);
        return OK;
    }
}

static Status kafka_to_bytes(const Source *source, int side, Str raw, Arena *arena, Str *out, Error *err)
{
    SerdeSpec spec = side_spec(source, side);
    Str       text = raw_text(raw, arena);
    Encoder  *encoder;
    Value     value;
    if (spec.count == 0) {
        *out = text;
        return OK;
    }
    TRY(kafka_value(spec.columns[0].type, text, &value, err));
    TRY(encoder_open(&spec, arena, &encoder, err));
    Status status = encoder_encode(encoder, &value, arena, out, err);
    encoder_close(encoder);
    return status;
}

Status test_side_to_bytes(SchemaRegistry *registry, const Source *source, int side, Str raw, Arena *arena,
                          Str *out, Error *err)
{
    *out = STR_NULL;
    if (raw_is_null(raw))
        return OK;
    switch (side_payload(source, side)) {
    case PAYLOAD_NOTHING:
        return OK;
    case PAYLOAD_DOCUMENT:
        *out = raw;
        return OK;
    case PAYLOAD_TEXT:
        *out = raw_text(raw, arena);
        return OK;
    case PAYLOAD_SCALAR:
        return kafka_to_bytes(source, side, raw, arena, out, err);
    case PAYLOAD_RECORD:
        return test_record_to_bytes(registry, source, side, raw, arena, out, err);
    }
    return OK;
}

static Status kafka_to_json(const Source *source, int side, Str bytes, Arena *arena, StrBuf *out, Error *err)
{
    SerdeSpec spec = side_spec(source, side);
    Decoder  *decoder;
    Value     value;
    if (spec.count == 0) {
        json_write_string(utf8_repair(arena, bytes), out);
        return OK;
    }
    TRY(decoder_open(&spec, arena, &decoder, err));
    Status status = decoder_decode(decoder, bytes, arena, &value, err);
    decoder_close(decoder);
    if (status == OK) {
        const SqlType *type = spec.columns[0].type->kind == T_BYTES ? &type_string : spec.columns[0].type;
        json_write_value(type, value, JSON_STYLE_TOPIC, out);
    }
    return status;
}

Status test_side_to_json(SchemaRegistry *registry, const Source *source, int side, Str bytes, Arena *arena,
                         StrBuf *out, Error *err)
{
    PayloadForm payload = side_payload(source, side);
    if (str_is_null(bytes) || payload == PAYLOAD_NOTHING) {
        strbuf_adds(out, "null");
        return OK;
    }
    switch (payload) {
    case PAYLOAD_DOCUMENT:
        strbuf_add(out, bytes);
        return OK;
    case PAYLOAD_SCALAR:
        return kafka_to_json(source, side, bytes, arena, out, err);
    case PAYLOAD_TEXT:
        json_write_string(utf8_repair(arena, bytes), out);
        return OK;
    default:
        return test_record_to_json(registry, source, side, bytes, arena, out, err);
    }
}
