/*
 * format_none.c - NONE: the key of a keyless stream. No columns; every key reads and writes as null.
 */
#include "serde/format.h"

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    if (count == 0)
        return OK;
    StrBuf text = {0};
    columns_print(side, columns, count, &text);
    error_set(err, E_PLAN, NO_POS,
              "The 'NONE' format can only be used when no columns are defined. Got: " STR_FMT,
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Status decode(Decoder *self, Str bytes, Arena *arena, Value *out, Error *err)
{
    return OK; /* there is no column to fill, whatever the bytes are */
}

static Status encode(Encoder *self, const Value *values, Arena *arena, Str *out, Error *err)
{
    *out = STR_NULL;
    return OK;
}

static Status open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    *out           = ARENA_NEW(arena, Decoder);
    (*out)->decode = decode;
    return OK;
}

static Status open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    *out           = ARENA_NEW(arena, Encoder);
    (*out)->encode = encode;
    return OK;
}

const FormatClass format_none = {
    .name  = "NONE",
    .facts = {.payload = PAYLOAD_NOTHING, .built = true, .canonical = true, .exact = true, .flat = true},
    .check = check,
    .open_decoder = open_decoder,
    .open_encoder = open_encoder,
};
