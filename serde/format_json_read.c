/*
 * format_json_read.c - JSON payloads to rows: the hot path of most queries.
 *
 * Three steps: simdjson indexes the structure (json_index.h); one walk over the fields in document order
 * checks the record and notes where the wanted ones begin (json_shape.h); then those are converted in column
 * order, which makes "last duplicate wins" and the order of errors come out as in ksqlDB. Texts without
 * escapes stay in the payload.
 */
#include "serde/format_json.h"
#include "serde/json_values.h"

typedef struct {
    Decoder    base;
    JsonReader reader;
    JsonIndex *index;
    bool       unwrapped;
    size_t     count;
    JsonNode   row; /* the columns as a STRUCT */
} JsonDecoder;

static Status malformed(const JsonReader *reader, Error *err)
{
    return error_set(err, E_DATA, NO_POS,
                     "Failed to deserialize %s from topic: " STR_FMT
                     ". The payload is not valid JSON, or nests deeper than %d levels",
                     side_name(reader->side), STR_ARG(reader->topic), (int)JSON_MAX_DEPTH);
}

static Status decode_unwrapped(JsonDecoder *self, Value *out, Error *err)
{
    if (json_doc_skip(&self->reader.doc, 0) == 0)
        return malformed(&self->reader, err);
    return json_read_value(&self->reader, &self->row.fields[0], 0, NULL, out, err);
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    JsonDecoder *self   = (JsonDecoder *)base;
    JsonReader  *reader = &self->reader;
    reader->arena       = arena;
    if (!json_doc_open(&reader->doc, self->index, bytes))
        return malformed(reader, err);
    if (self->unwrapped)
        return decode_unwrapped(self, out, err);
    if (!json_doc_is(&reader->doc, 0, '{'))
        return json_doc_skip(&reader->doc, 0) == 0 ? malformed(reader, err)
                                                   : json_cannot_convert(reader, 0, "STRUCT", NULL, err);
    const uint32_t *slots;
    if (json_shape_walk(self->row.shape, &reader->doc, 0, &slots) == 0)
        return malformed(reader, err);
    for (size_t i = 0; i < self->count; i++) {
        JsonPath here = {.name = self->row.type->fields[i].name, .suffix = ""};
        if (slots[i] == 0)
            out[i] = value_null();
        else
            TRY(json_read_value(reader, &self->row.fields[i], slots[i], &here, &out[i], err));
    }
    return OK;
}

static void close_decoder(Decoder *base)
{
    JsonDecoder *self = (JsonDecoder *)base;
    json_index_free(self->index);
    strbuf_clear(&self->reader.scratch);
}

Status json_open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    JsonDecoder *self   = ARENA_NEW(arena, JsonDecoder);
    SqlField    *fields = ARENA_ARRAY(arena, SqlField, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++)
        fields[i] = (SqlField){spec->columns[i].name, spec->columns[i].type};
    const SqlType *row = type_copy(arena, type_struct(arena, fields, spec->count));
    Wanted         all = {.fields = spec->wanted};
    self->base         = (Decoder){.decode = decode, .close = close_decoder};
    self->unwrapped    = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    self->count        = spec->count;
    self->reader.topic = str_dup(arena, spec->topic);
    self->reader.side  = spec->side;
    json_node_init(&self->row, row, &all, arena);
    self->index = json_index_new();
    if (self->index == NULL)
        return error_set(err, E_LIMIT, NO_POS, "No memory for a JSON reader");
    *out = &self->base;
    return OK;
}
