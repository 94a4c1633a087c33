/*
 * format_delimited.c - DELIMITED: one line of separated values, as Apache Commons CSV 1.4 reads and writes it
 * (runtime.md 1.4), with its oddities: empty is NULL even for text, a first field like -5 is written in
 * quotes.
 *
 * Reading goes over the first record once, cutting fields out of the payload; only a field with doubled
 * quotes is copied.
 */
#include "core/decimal.h"
#include "serde/format.h"

typedef struct {
    Decoder         base;
    Str             delimiter;
    const SqlType **types;
    bool           *unwanted;
    size_t          count;
    Str            *fields; /* [count], of the record being read */
} DelimitedDecoder;

typedef struct {
    Encoder         base;
    Str             delimiter;
    const SqlType **types;
    size_t          count;
    StrBuf          text, field;
} DelimitedEncoder;

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        SqlKind kind = columns[i].type->kind;
        if (kind == T_ARRAY || kind == T_MAP || kind == T_STRUCT)
            return error_set(err, E_PLAN, NO_POS,
                             "The 'DELIMITED' format does not support type '%s', column: `" STR_FMT "`",
                             type_kind_name(kind), STR_ARG(columns[i].name));
    }
    return OK;
}

static Str delimiter_of(const SerdeSpec *spec, Arena *arena)
{
    return str_is_null(spec->format.delimiter) ? STR_LIT(",") : str_dup(arena, spec->format.delimiter);
}

static const SqlType **types_of(const SerdeSpec *spec, Arena *arena)
{
    const SqlType **types = ARENA_ARRAY(arena, const SqlType *, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++)
        types[i] = type_copy(arena, spec->columns[i].type);
    return types;
}

/* ---- reading ---- */

typedef enum { END_OF_FIELD, END_OF_RECORD } FieldEnd;

static bool at_delimiter(const DelimitedDecoder *self, Str text, size_t at)
{
    return text.len - at >= self->delimiter.len &&
           memcmp(text.ptr + at, self->delimiter.ptr, self->delimiter.len) == 0;
}

static bool at_line_end(Str text, size_t at)
{
    return at == text.len || text.ptr[at] == '\n' || text.ptr[at] == '\r';
}

/* Behind a field: moves over the delimiter, or says that the record ends here. */
static FieldEnd end_field(const DelimitedDecoder *self, Str text, size_t *at)
{
    if (at_line_end(text, *at))
        return END_OF_RECORD;
    *at += self->delimiter.len;
    return END_OF_FIELD;
}

/* Java's Character.isWhitespace, as far as Commons CSV can meet it between a closing quote and a delimiter.
 */
static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }

/* Copies what stands between the quotes, doubled ones once. */
static Status copy_quoted(Str quoted, Arena *arena, Str *out, Error *err)
{
    char  *copy = arena_try_alloc(arena, quoted.len, err);
    size_t len  = 0;
    if (copy == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < quoted.len; i++) {
        copy[len++] = quoted.ptr[i];
        i += quoted.ptr[i] == '"';
    }
    *out = str_n(copy, len);
    return OK;
}

/* *at stands at the opening quote. */
static Status read_quoted(const DelimitedDecoder *self, Str text, size_t *at, Arena *arena, Str *out,
                          Error *err)
{
    size_t start   = ++*at;
    bool   doubled = false;
    for (;; ++*at) {
        const char *quote = memchr(text.ptr + *at, '"', text.len - *at);
        if (quote == NULL)
            return error_set(err, E_DATA, NO_POS, "EOF reached before encapsulated token finished");
        *at = (size_t)(quote - text.ptr);
        if (*at + 1 == text.len || quote[1] != '"')
            break;
        doubled = true;
        ++*at;
    }
    Str quoted = str_n(text.ptr + start, *at - start);
    for (++*at; !at_line_end(text, *at) && !at_delimiter(self, text, *at); ++*at)
        if (!is_space(text.ptr[*at]))
            return error_set(err, E_DATA, NO_POS, "invalid char between encapsulated token and delimiter");
    if (doubled)
        return copy_quoted(quoted, arena, out, err);
    *out = quoted;
    return OK;
}

static Status read_field(const DelimitedDecoder *self, Str text, size_t *at, Arena *arena, Str *out,
                         Error *err)
{
    if (*at < text.len && text.ptr[*at] == '"' && !at_delimiter(self, text, *at))
        return read_quoted(self, text, at, arena, out, err);
    size_t start = *at;
    while (!at_line_end(text, *at) && !at_delimiter(self, text, *at))
        ++*at;
    *out = str_n(text.ptr + start, *at - start);
    return OK;
}

/* The fields of the first record that is no empty line. */
static Status split_record(const DelimitedDecoder *self, Str text, Arena *arena, Error *err)
{
    size_t at = 0, n = 0;
    while (at < text.len && at_line_end(text, at))
        at++;
    if (at == text.len)
        return error_set(err, E_DATA, NO_POS, "No fields in record");
    FieldEnd end;
    do {
        Str field;
        TRY(read_field(self, text, &at, arena, &field, err));
        if (n < self->count)
            self->fields[n] = field;
        n++;
        end = end_field(self, text, &at);
    } while (end == END_OF_FIELD);
    if (n != self->count)
        return error_set(err, E_DATA, NO_POS, "Unexpected field count, csvFields:%zu schemaFields:%zu", n,
                         self->count);
    return OK;
}

static Status bad_field(const SqlType *type, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Not a value of type %s", type_kind_name(type->kind));
}

static Status parse_field(const SqlType *type, Str field, Arena *arena, Value *out, Error *err)
{
    int64_t n;
    double  d;
    Str     bytes;
    switch (type->kind) {
    case T_STRING:
        *out = value_from_str(field);
        return OK;
    case T_BOOLEAN:
        *out = value_from_bool(str_equal_nocase(field, STR_LIT("true")));
        return OK;
    case T_DOUBLE:
        if (!double_parse(field, &d))
            return bad_field(type, err);
        *out = value_from_double(d);
        return OK;
    case T_DECIMAL:
        if (decimal_parse(arena, field, out, err) != OK)
            return bad_field(type, err);
        return decimal_ensure_fit(arena, *out, type->precision, type->scale, out, err);
    case T_BYTES:
        if (base64_decode(arena, field, &bytes, err) != OK)
            return bad_field(type, err);
        *out = value_from_str(bytes);
        return OK;
    default:
        break; /* the kinds written as integers */
    }
    if (!int64_parse(field, &n) || ((type->kind == T_INTEGER || type->kind == T_DATE) && n != (int32_t)n))
        return bad_field(type, err);
    if (type->kind == T_TIME)
        TRY(serde_check_time(n, err));
    *out = value_from_int(n);
    return OK;
}

static Status decode_record(DelimitedDecoder *self, Str bytes, Arena *arena, Value *out, Error *err)
{
    TRY(split_record(self, utf8_repair(arena, bytes), arena, err));
    for (size_t i = 0; i < self->count; i++) {
        out[i] = value_null();
        if (self->fields[i].len > 0 && !self->unwanted[i])
            TRY(parse_field(self->types[i], self->fields[i], arena, &out[i], err));
    }
    return OK;
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    Status status = decode_record((DelimitedDecoder *)base, bytes, arena, out, err);
    if (status == E_DATA)
        error_prefix(err, "Error deserializing delimited. ");
    return status;
}

static Status open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    DelimitedDecoder *self = ARENA_NEW(arena, DelimitedDecoder);
    self->base.decode      = decode;
    self->delimiter        = delimiter_of(spec, arena);
    self->types            = types_of(spec, arena);
    self->count            = spec->count;
    self->fields           = ARENA_ARRAY(arena, Str, spec->count + 1);
    self->unwanted         = ARENA_ARRAY(arena, bool, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++)
        self->unwanted[i] = spec_unwanted(spec, i);
    *out = &self->base;
    return OK;
}

/* ---- writing ---- */

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Commons CSV's rules for a field that is not NULL; `#` and below were comment signs once. */
static bool needs_quotes(Str field, Str delimiter, bool first)
{
    if (field.len == 0)
        return first;
    if (first && !is_alphanumeric(field.ptr[0]))
        return true;
    return (uint8_t)field.ptr[0] <= '#' || memchr(field.ptr, '\n', field.len) != NULL ||
           memchr(field.ptr, '\r', field.len) != NULL || memchr(field.ptr, '"', field.len) != NULL ||
           str_find(field, delimiter, 0) >= 0 || (uint8_t)field.ptr[field.len - 1] <= ' ';
}

static void put_field(DelimitedEncoder *self, Str field, bool first)
{
    if (!needs_quotes(field, self->delimiter, first)) {
        strbuf_add(&self->text, field);
        return;
    }
    strbuf_add_quoted(&self->text, field, '"');
}

static Str field_text(DelimitedEncoder *self, const SqlType *type, Value value, Arena *arena)
{
    char text[32];
    strbuf_reset(&self->field);
    switch (type->kind) {
    case T_STRING:
        return value_str(value);
    case T_BYTES:
        return base64_encode(arena, value_str(value));
    case T_BOOLEAN:
        return value_bool(value) ? STR_LIT("true") : STR_LIT("false");
    case T_DECIMAL:
        decimal_print(value, &self->field);
        break;
    case T_DOUBLE:
        strbuf_add(&self->field, str_n(text, double_print(value_double(value), text)));
        break;
    default:
        strbuf_add(&self->field, str_n(text, int64_print(value_int(value), text)));
        break;
    }
    return strbuf_str(&self->field);
}

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    DelimitedEncoder *self = (DelimitedEncoder *)base;
    strbuf_reset(&self->text);
    for (size_t i = 0; i < self->count; i++) {
        if (i > 0)
            strbuf_add(&self->text, self->delimiter);
        if (!value_is_null(values[i]))
            put_field(self, field_text(self, self->types[i], values[i], arena), i == 0);
    }
    return encoder_hand_out(&self->text, arena, out, err);
}

static void close_encoder(Encoder *base)
{
    strbuf_clear(&((DelimitedEncoder *)base)->text);
    strbuf_clear(&((DelimitedEncoder *)base)->field);
}

static Status open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    TRY(check(spec->format.format, spec->side, spec->columns, spec->count, err));
    DelimitedEncoder *self = ARENA_NEW(arena, DelimitedEncoder);
    self->base             = (Encoder){.encode = encode, .close = close_encoder};
    self->delimiter        = delimiter_of(spec, arena);
    self->types            = types_of(spec, arena);
    self->count            = spec->count;
    *out                   = &self->base;
    return OK;
}

const FormatClass format_delimited = {
    .name  = "DELIMITED",
    .facts = {.payload = PAYLOAD_TEXT, .built = true, .unwraps = true, .flat = true, .delimiter = true},
    .check = check,
    .open_decoder = open_decoder,
    .open_encoder = open_encoder,
};
