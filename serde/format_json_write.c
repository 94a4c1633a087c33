/*
 * format_json_write.c - rows as JSON objects, fields in schema order, NULLs included (runtime.md 1.5); and
 * JSON's class.
 *
 * What stands between two values never changes (`,"NAME":`), so it is made once, when the encoder is opened.
 */
#include "serde/format_json.h"

typedef struct {
    Encoder         base;
    bool            unwrapped;
    size_t          count;
    const SqlType **types;
    Str            *lead; /* [count]: `{"A":`, `,"B":` */
    StrBuf          text; /* of the record being written */
} JsonEncoder;

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    JsonEncoder *self = (JsonEncoder *)base;
    strbuf_reset(&self->text);
    if (self->unwrapped) {
        *out = STR_NULL;
        if (value_is_null(values[0]))
            return OK;
        json_write_value(self->types[0], values[0], JSON_STYLE_TOPIC, &self->text);
        return encoder_hand_out(&self->text, arena, out, err);
    }
    if (self->count == 0)
        strbuf_addc(&self->text, '{');
    for (size_t i = 0; i < self->count; i++) {
        strbuf_add(&self->text, self->lead[i]);
        json_write_value(self->types[i], values[i], JSON_STYLE_TOPIC, &self->text);
    }
    strbuf_addc(&self->text, '}');
    return encoder_hand_out(&self->text, arena, out, err);
}

static void encoder_free_text(Encoder *base) { strbuf_clear(&((JsonEncoder *)base)->text); }

Status json_open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    JsonEncoder *self = ARENA_NEW(arena, JsonEncoder);
    self->base        = (Encoder){.encode = encode, .close = encoder_free_text};
    self->unwrapped   = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    self->count       = spec->count;
    self->types       = ARENA_ARRAY(arena, const SqlType *, spec->count + 1);
    self->lead        = ARENA_ARRAY(arena, Str, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++) {
        strbuf_reset(&self->text);
        strbuf_addc(&self->text, i == 0 ? '{' : ',');
        json_write_string(spec->columns[i].name, &self->text);
        strbuf_addc(&self->text, ':');
        self->lead[i]  = str_dup(arena, strbuf_str(&self->text));
        self->types[i] = type_copy(arena, spec->columns[i].type);
    }
    *out = &self->base;
    return OK;
}

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    return columns_check_map_keys(columns, count, "JSON only supports MAP types with STRING keys", err);
}

const FormatClass format_json = {
    .name  = "JSON",
    .facts = {.payload = PAYLOAD_DOCUMENT, .built = true, .wraps = true, .unwraps = true, .named = true},
    .check = check,
    .open_decoder = json_open_decoder,
    .open_encoder = json_open_encoder,
};
