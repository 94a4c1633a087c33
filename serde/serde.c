/*
 * serde.c - the list of formats, what their features come to, and the way into decoders and encoders.
 *
 * The texts of refused schemas are ksqlDB's: clients and tests match on them.
 */
#include "core/suggest.h"
#include "serde/format.h"

static const FormatClass *const formats[] = {
#define FORMAT(symbol) &symbol,
#include "serde/formats.def"
#undef FORMAT
};

const FormatClass *format_find(Str name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_equal_nocase(name, str_c(formats[i]->name)))
            return formats[i];
    return NULL;
}

Status format_refuse_unknown(Str name, Error *err)
{
    Str names[ARRAY_LEN(formats)];
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        names[i] = str_c(formats[i]->name);
    error_set(err, E_PLAN, NO_POS, "Unknown format: " STR_FMT, STR_ARG(name));
    error_suggest(err, name, names, ARRAY_LEN(names));
    return E_PLAN;
}

const char *format_name(const FormatClass *format)
{
    return format != NULL ? format->name : format_none.name;
}

const FormatFacts *format_facts(const FormatClass *format) { return &format->facts; }

const FormatClass *format_keyless(void) { return &format_none; }

const FormatClass *format_default_key(void) { return &format_kafka; }

const FormatClass *format_any_key(void) { return &format_json; }

const FormatClass *format_exact(void) { return &format_internal; }

void format_inherit(FormatSpec *sink, const FormatSpec *source)
{
    if (sink->format != source->format)
        return;
    if (str_is_null(sink->delimiter))
        sink->delimiter = source->delimiter;
    if (sink->format->facts.inherits_name && str_is_null(sink->full_schema_name))
        sink->full_schema_name = source->full_schema_name;
    if (sink->format->facts.inherits_nullable && str_is_null(sink->nullable_representation))
        sink->nullable_representation = source->nullable_representation;
}

FormatSpec format_inside(const FormatSpec *spec)
{
    if (spec->format == NULL || !spec->format->facts.registry)
        return *spec;
    return (FormatSpec){.format = format_exact()};
}

bool format_supports_wrapping(const FormatClass *format, Wrapping wrapping)
{
    switch (wrapping) {
    case WRAP_SINGLES:
        return format->facts.wraps;
    case UNWRAP_SINGLES:
        return format->facts.unwraps;
    case WRAP_DEFAULT:
        break;
    }
    return true;
}

Status format_parse_delimiter(Str text, Str *out, Error *err)
{
    if (str_equal_nocase(text, STR_LIT("SPACE")))
        *out = STR_LIT(" ");
    else if (str_equal_nocase(text, STR_LIT("TAB")))
        *out = STR_LIT("\t");
    else if (str_trim(text).len == 0)
        return error_set(
            err, E_PLAN, NO_POS,
            "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please use "
            "the special values 'TAB' or 'SPACE'\nExample valid value: ';'");
    else if (utf16_length(text) != 1)
        return error_set(err, E_PLAN, NO_POS,
                         "Invalid delimiter value: '" STR_FMT "'. Delimiter must be a single character or "
                         "TAB,SPACE\nExample valid value: ';'",
                         STR_ARG(text));
    else
        *out = text;
    return OK;
}

/* Keys: one column is bare wherever the format leaves a choice. Values: what the statement said. */
Wrapping serde_features(const FormatSpec *spec, int side, size_t column_count)
{
    if (column_count != 1)
        return WRAP_DEFAULT;
    if (side == SIDE_KEY)
        return spec->format->facts.wraps && spec->format->facts.unwraps ? UNWRAP_SINGLES : WRAP_DEFAULT;
    return spec->wrapping;
}

bool serde_is_unwrapped(const FormatSpec *spec, int side, size_t column_count)
{
    if (column_count != 1 || !spec->format->facts.unwraps)
        return false;
    if (!spec->format->facts.wraps)
        return true; /* the only form it has */
    return serde_features(spec, side, column_count) == UNWRAP_SINGLES;
}

void columns_print(int side, const Column *columns, size_t count, StrBuf *out)
{
    strbuf_addc(out, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "%s`" STR_FMT "` ", i ? ", " : "", STR_ARG(columns[i].name));
        type_print(columns[i].type, out);
        if (side == SIDE_KEY)
            strbuf_adds(out, " KEY");
    }
    strbuf_addc(out, ']');
}

static bool has_other_map_keys(const SqlType *type)
{
    switch (type->kind) {
    case T_ARRAY:
        return has_other_map_keys(type->element);
    case T_MAP:
        return type->key->kind != T_STRING || has_other_map_keys(type->element);
    case T_STRUCT:
        for (size_t i = 0; i < type->field_count; i++)
            if (has_other_map_keys(type->fields[i].type))
                return true;
        return false;
    default:
        return false;
    }
}

Status columns_check_map_keys(const Column *columns, size_t count, const char *reason, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (has_other_map_keys(columns[i].type))
            return error_set(err, E_PLAN, NO_POS, "%s", reason);
    return OK;
}

/* Two equal maps may have different bytes, so no format may hold one in a key. */
static Status check_no_map_keys(const Column *columns, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!type_contains_map(columns[i].type))
            continue;
        StrBuf type = {0};
        type_print(columns[i].type, &type);
        error_set(
            err, E_PLAN, NO_POS,
            "Map keys, including types that contain maps, are not supported as they may lead to unexpected "
            "behavior due to inconsistent serialization. Key column name: `" STR_FMT
            "`. Column type: " STR_FMT ". See https://github.com/confluentinc/ksql/issues/6621 for more.",
            STR_ARG(columns[i].name), STR_ARG(strbuf_str(&type)));
        strbuf_clear(&type);
        return E_PLAN;
    }
    return OK;
}

static const char *features_text(Wrapping features)
{
    return features == WRAP_SINGLES ? "WRAP_SINGLES" : features == UNWRAP_SINGLES ? "UNWRAP_SINGLES" : "";
}

Status serde_check(const FormatSpec *spec, int side, const Column *columns, size_t count, Error *err)
{
    if (side == SIDE_KEY)
        TRY(check_no_map_keys(columns, count, err));
    Status status = spec->format->check(spec->format, side, columns, count, err);
    if (status == OK)
        return OK;
    StrBuf text = {0};
    columns_print(side, columns, count, &text);
    error_prefix(err,
                 "%s format does not support schema.\nformat: %s\nschema: Persistence{columns=" STR_FMT
                 ", features=[%s]}\nreason: ",
                 side == SIDE_KEY ? "Key" : "Value", spec->format->name, STR_ARG(strbuf_str(&text)),
                 features_text(serde_features(spec, side, count)));
    strbuf_clear(&text);
    return status;
}

static Status refuse_unbuilt(const FormatClass *format, Error *err)
{
    return error_set(err, E_UNSUPPORTED, NO_POS, "Sluice cannot read or write the format %s yet",
                     format->name);
}

Status decoder_open(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    const FormatClass *format = spec->format.format;
    return format->facts.built ? format->open_decoder(spec, arena, out, err) : refuse_unbuilt(format, err);
}

Status encoder_open(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    const FormatClass *format = spec->format.format;
    return format->facts.built ? format->open_encoder(spec, arena, out, err) : refuse_unbuilt(format, err);
}

void decoder_close(Decoder *decoder)
{
    if (decoder != NULL && decoder->close != NULL)
        decoder->close(decoder);
}

void encoder_close(Encoder *encoder)
{
    if (encoder != NULL && encoder->close != NULL)
        encoder->close(encoder);
}

Status decoder_decode(Decoder *decoder, Str bytes, Arena *arena, Value *out, Error *err)
{
    return decoder->decode(decoder, bytes, arena, out, err);
}

Status encoder_encode(Encoder *encoder, const Value *values, Arena *arena, Str *out, Error *err)
{
    return encoder->encode(encoder, values, arena, out, err);
}

Status encoder_hand_out(const StrBuf *buf, Arena *arena, Str *out, Error *err)
{
    char *copy = arena_try_alloc(arena, buf->len + 1, err); /* + 1: empty bytes are not null bytes */
    if (copy == NULL)
        return E_LIMIT;
    if (buf->len > 0)
        memcpy(copy, buf->ptr, buf->len);
    *out = str_n(copy, buf->len);
    return OK;
}

Status serde_check_time(int64_t ms, Error *err)
{
    if (ms >= 0 && ms <= 86400000)
        return OK;
    return error_set(err, E_DATA, NO_POS,
                     "Time values must use number of milliseconds greater than 0 and less than 86400000.");
}
