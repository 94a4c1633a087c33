/*
 * format_protobuf_nosr.c - PROTOBUF_NOSR: messages alone, by the schema that the declared columns make.
 *
 * The text is made and parsed as for PROTOBUF: the numbers of fields and the types on the wire have one
 * origin.
 */
#include "serde/connect.h"
#include "serde/format_protobuf.h"
#include "serde/proto_codec.h"

typedef struct {
    Decoder            base;
    const ProtoReader *reader;
    SerdeSpec          spec; /* for error texts: topic alone */
} NosrDecoder;

typedef struct {
    Encoder            base;
    const ProtoWriter *writer;
    bool               unwrapped;
    StrBuf             bytes;
} NosrEncoder;

static Status own_message(const SerdeSpec *spec, Arena *arena, const ProtoMessage **out, Error *err)
{
    StrBuf           text      = {0};
    const Column    *columns   = spec->columns;
    size_t           count     = spec->count;
    bool             unwrapped = serde_is_unwrapped(&spec->format, spec->side, count);
    const ProtoFile *file      = NULL;
    Column          *fields    = NULL;
    if (unwrapped && columns[0].type->kind != T_STRUCT)
        return error_set(err, E_PLAN, NO_POS, "Unwrapped values of %s must be STRUCTs: a message has fields",
                         format_name(spec->format.format));
    if (unwrapped) {
        count  = spec->columns[0].type->field_count;
        fields = ARENA_ARRAY(arena, Column, count + 1);
        for (size_t i = 0; i < count; i++)
            fields[i] =
                (Column){.name = columns[0].type->fields[i].name, .type = columns[0].type->fields[i].type};
        columns = fields;
    }
    Status status = proto_print(columns, count, STR_LIT("ConnectDefault1"),
                                spec->format.nullable_representation, &text, err);
    if (status == OK)
        status = proto_parse(strbuf_str(&text), NULL, 0, arena, &file, err);
    strbuf_clear(&text);
    *out = file != NULL ? proto_find(file, STR_NULL) : NULL;
    return status;
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    const NosrDecoder *self = (const NosrDecoder *)base;
    return proto_read(self->reader, bytes, arena, out, err) == OK ? OK : connect_fail(&self->spec, err);
}

static Status open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    NosrDecoder        *self = ARENA_NEW(arena, NosrDecoder);
    const ProtoMessage *message;
    TRY(own_message(spec, arena, &message, err));
    self->base.decode = decode;
    self->spec.topic  = str_dup(arena, spec->topic);
    *out              = &self->base;
    return proto_reader_new(message, spec, arena, &self->reader, err);
}

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    NosrEncoder *self = (NosrEncoder *)base;
    *out              = STR_NULL;
    if (self->unwrapped && value_is_null(values[0]))
        return OK;
    strbuf_reset(&self->bytes);
    TRY(proto_write(self->writer, values, &self->bytes, err));
    return encoder_hand_out(&self->bytes, arena, out, err);
}

static void close_encoder(Encoder *base) { strbuf_clear(&((NosrEncoder *)base)->bytes); }

static Status open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    NosrEncoder        *self = ARENA_NEW(arena, NosrEncoder);
    const ProtoMessage *message;
    TRY(own_message(spec, arena, &message, err));
    self->base      = (Encoder){.encode = encode, .close = close_encoder};
    self->unwrapped = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    *out            = &self->base;
    return proto_writer_new(message, spec, arena, &self->writer, err);
}

const FormatClass format_protobuf_nosr = {
    .name         = "PROTOBUF_NOSR",
    .facts        = {.payload                 = PAYLOAD_RECORD,
                     .built                   = true,
                     .wraps                   = true,
                     .unwraps                 = true,
                     .named                   = true,
                     .nullable_representation = true,
                     .inherits_nullable       = true},
    .check        = protobuf_check,
    .open_decoder = open_decoder,
    .open_encoder = open_encoder,
};
