/*
 * json_values.c - see the header. One reader per SQL type; each looks at the first character of the token,
 * which says what kind of JSON value it is.
 */
#include <assert.h>

#include "core/decimal.h"
#include "serde/json_values.h"

/* ---- errors ---- */

static void print_path(const JsonPath *path, StrBuf *out)
{
    if (path == NULL) {
        strbuf_addc(out, '$');
        return;
    }
    print_path(path->up, out); /* as deep as the column's type */
    if (str_is_null(path->name))
        strbuf_addf(out, "[%zu]", path->index);
    else
        strbuf_addf(out, "." STR_FMT "%s", STR_ARG(path->name), path->suffix);
}

/* Puts ksqlDB's words around the reason that is in err. */
static Status fail_at(const JsonReader *reader, const JsonPath *path, Error *err)
{
    StrBuf text = {0};
    print_path(path, &text);
    error_prefix(err, "Failed to deserialize %s from topic: " STR_FMT ". ", side_name(reader->side),
                 STR_ARG(reader->topic));
    error_append(err, ", path: " STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_DATA;
}

/* The name that ksqlDB's parser has for a value of this kind. */
static const char *source_type(Str token)
{
    int64_t n;
    switch (token.ptr[0]) {
    case '"':
        return "TextNode";
    case '{':
        return "ObjectNode";
    case '[':
        return "ArrayNode";
    case 't':
    case 'f':
        return "BooleanNode";
    case 'n':
        return "NullNode";
    default:
        break;
    }
    if (memchr(token.ptr, '.', token.len) || memchr(token.ptr, 'e', token.len) ||
        memchr(token.ptr, 'E', token.len))
        return "DecimalNode";
    if (!int64_parse(token, &n))
        return "BigIntegerNode";
    return n >= INT32_MIN && n <= INT32_MAX ? "IntNode" : "LongNode";
}

Status json_cannot_convert(const JsonReader *reader, size_t k, const char *required, const JsonPath *path,
                           Error *err)
{
    error_set(err, E_DATA, NO_POS, "Can't convert type. sourceType: %s, requiredType: %s",
              source_type(json_doc_token(&reader->doc, k)), required);
    return fail_at(reader, path, err);
}

static Status cannot_coerce(const JsonReader *reader, const char *target, const JsonPath *path, Error *err)
{
    error_set(err, E_DATA, NO_POS, "Can't coerce string to type. targetType: %s", target);
    return fail_at(reader, path, err);
}

/* ---- numbers ---- */

static inline bool is_number(char first) { return first == '-' || (first >= '0' && first <= '9'); }

/* Up to 18 digits with a sign and nothing else: nearly all integers. */
static inline bool short_integer(Str token, int64_t *out)
{
    const char *at = token.ptr, *end = at + token.len;
    bool        minus = *at == '-';
    int64_t     n     = 0;
    at += minus;
    if (end - at > 18)
        return false;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(uint8_t)*at - '0';
        if (digit > 9)
            return false;
        n = n * 10 + digit;
    }
    *out = minus ? -n : n;
    return true;
}

/* A number's whole part, low 64 bits; a string's exact integer. `bits` 32 or 64. */
static Status read_integer(const JsonReader *reader, size_t k, int bits, const char *target,
                           const JsonPath *path, Value *out, Error *err)
{
    Str     token = json_doc_token(&reader->doc, k);
    int64_t n;
    if (is_number(token.ptr[0])) {
        if (!short_integer(token, &n)) {
            Value exact;
            if (decimal_parse(reader->arena, token, &exact, err) != OK)
                return fail_at(reader, path, err);
            n = decimal_to_int64(exact);
        }
        *out = value_from_int(bits == 32 ? (int32_t)(uint32_t)(uint64_t)n : n);
        return OK;
    }
    if (token.ptr[0] != '"')
        return json_cannot_convert(reader, k, target, path, err);
    Str text;
    TRY(json_read_string(reader, k, &text, err));
    if (!int64_parse(text, &n) || (bits == 32 && n != (int32_t)n))
        return cannot_coerce(reader, target, path, err);
    *out = value_from_int(n);
    return OK;
}

/* digits * 10^-scale, when it has at most 18 digits and no exponent. */
static inline bool short_decimal(Str token, int64_t *digits, int *scale)
{
    const char *at = token.ptr, *end = at + token.len, *point = NULL;
    bool        minus = *at == '-';
    uint64_t    n     = 0; /* 19 digits fit, which is one more than are wanted */
    at += minus;
    if (end - at > 19)
        return false;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(uint8_t)*at - '0';
        if (digit <= 9)
            n = n * 10 + digit;
        else if (*at == '.')
            point = at;
        else
            return false;
    }
    if (point == NULL && token.len - minus > 18)
        return false;
    *scale  = point ? (int)(end - point - 1) : 0;
    *digits = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

/* Both parts are exact doubles, so one division rounds correctly (Clinger). */
static inline bool short_double(Str token, double *out)
{
    int64_t digits;
    int     scale;
    if (!short_decimal(token, &digits, &scale) || digits > (1LL << 53) || digits < -(1LL << 53))
        return false;
    *out = (double)digits / (double)decimal_pow10(scale);
    return true;
}

/* No digit but 0 before the exponent. */
static bool is_zero(Str token)
{
    for (size_t i = 0; i < token.len && token.ptr[i] != 'e' && token.ptr[i] != 'E'; i++)
        if (token.ptr[i] >= '1' && token.ptr[i] <= '9')
            return false;
    return true;
}

static Status read_double(const JsonReader *reader, size_t k, const JsonPath *path, Value *out, Error *err)
{
    Str    token = json_doc_token(&reader->doc, k);
    double d;
    if (is_number(token.ptr[0])) {
        if (!short_double(token, &d) && !double_parse(token, &d))
            return json_cannot_convert(reader, k, "DOUBLE", path, err);
        if (d == 0 && is_zero(token))
            d = 0.0; /* ksqlDB goes through BigDecimal, which knows no minus zero; an underflow keeps its sign
                      */
        *out = value_from_double(d);
        return OK;
    }
    if (token.ptr[0] != '"')
        return json_cannot_convert(reader, k, "DOUBLE", path, err);
    Str text;
    TRY(json_read_string(reader, k, &text, err));
    if (!double_parse(text, &d))
        return cannot_coerce(reader, "DOUBLE", path, err);
    *out = value_from_double(d);
    return OK;
}

/* A short number at the column's own scale, when it fits there without a digit dropped. */
static bool fit_short_decimal(Str token, const SqlType *type, Value *out)
{
    int64_t digits;
    int     scale;
    if (!short_decimal(token, &digits, &scale) || scale > type->scale)
        return false;
    int up = type->scale - scale;
    if (up > DECIMAL_POW10_MAX || __builtin_mul_overflow(digits, decimal_pow10(up), &digits))
        return false;
    if (type->precision <= DECIMAL_POW10_MAX &&
        (digits >= decimal_pow10(type->precision) || digits <= -decimal_pow10(type->precision)))
        return false;
    *out = value_decimal(digits, type->scale);
    return true;
}

static Status read_decimal(const JsonReader *reader, const SqlType *type, size_t k, const JsonPath *path,
                           Value *out, Error *err)
{
    Str  text   = json_doc_token(&reader->doc, k);
    bool number = is_number(text.ptr[0]);
    if (number && fit_short_decimal(text, type, out))
        return OK;
    if (!number && text.ptr[0] != '"')
        return json_cannot_convert(reader, k, "DECIMAL", path, err);
    if (!number)
        TRY(json_read_string(reader, k, &text, err));
    Value exact;
    if (decimal_parse(reader->arena, text, &exact, err) != OK)
        return number ? fail_at(reader, path, err) : cannot_coerce(reader, "DECIMAL", path, err);
    if (decimal_ensure_fit(reader->arena, exact, type->precision, type->scale, out, err) != OK)
        return fail_at(reader, path, err);
    return OK;
}

/* ---- other scalars ---- */

static Status read_boolean(const JsonReader *reader, size_t k, const JsonPath *path, Value *out, Error *err)
{
    char first = reader->doc.text[reader->doc.at[k]];
    if (first != 't' && first != 'f')
        return json_cannot_convert(reader, k, "BOOLEAN", path, err);
    *out = value_from_bool(first == 't');
    return OK;
}

static Status read_bytes(const JsonReader *reader, size_t k, const JsonPath *path, Value *out, Error *err)
{
    if (!json_doc_is(&reader->doc, k, '"'))
        return json_cannot_convert(reader, k, "BYTES", path, err);
    Str text, bytes;
    TRY(json_read_string(reader, k, &text, err));
    if (base64_decode(reader->arena, text, &bytes, err) != OK) {
        error_set(err, E_DATA, NO_POS, "Value is not a valid Base64 encoded string"); /* without the value */
        return fail_at(reader, path, err);
    }
    *out = value_from_str(bytes);
    return OK;
}

static Status read_time(const JsonReader *reader, size_t k, const JsonPath *path, Value *out, Error *err)
{
    TRY(read_integer(reader, k, 64, "BIGINT", path, out, err));
    if (serde_check_time(value_int(*out), err) != OK)
        return fail_at(reader, path, err);
    return OK;
}

/* ---- containers ---- */

static size_t next_value(const JsonDoc *doc, size_t k)
{
    size_t next = json_doc_skip(doc, k);
    assert(next > k); /* the document was checked */
    return next;
}

static Status read_array(JsonReader *reader, const JsonNode *node, size_t k, const JsonPath *path, Value *out,
                         Error *err)
{
    const JsonDoc *doc = &reader->doc;
    if (!json_doc_is(doc, k, '['))
        return json_cannot_convert(reader, k, "ARRAY", path, err);
    size_t n = 0;
    if (!json_doc_is(doc, k + 1, ']'))
        for (size_t at = k + 1; n == 0 || json_doc_is(doc, at++, ','); n++)
            at = next_value(doc, at);
    Value *items = arena_try_alloc(reader->arena, n * sizeof *items + 1, err);
    if (items == NULL)
        return E_LIMIT;
    JsonPath here = {.up = path, .name = STR_NULL, .suffix = ""};
    for (k++; here.index < n; here.index++) {
        TRY(json_read_value(reader, node->element, k, &here, &items[here.index], err));
        k = next_value(doc, k) + 1;
    }
    *out = value_array(items, n);
    return OK;
}

static Status read_map(JsonReader *reader, const JsonNode *node, size_t k, const JsonPath *path, Value *out,
                       Error *err)
{
    if (!json_doc_is(&reader->doc, k, '{'))
        return json_cannot_convert(reader, k, "MAP", path, err);
    JsonEntries entries;
    TRY(json_read_entries(reader, k, &entries, err));
    MapEntry *items = arena_try_alloc(reader->arena, entries.count * sizeof *items + 1, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < entries.count; i++) {
        JsonPath here = {.up = path, .name = entries.names[i], .suffix = ".value"};
        items[i].key  = value_from_str(entries.names[i]);
        TRY(json_read_value(reader, node->element, entries.values[i], &here, &items[i].value, err));
    }
    *out = value_map(items, entries.count);
    return OK;
}

static Status read_struct(JsonReader *reader, const JsonNode *node, size_t k, const JsonPath *path,
                          Value *out, Error *err)
{
    if (!json_doc_is(&reader->doc, k, '{'))
        return json_cannot_convert(reader, k, "STRUCT", path, err);
    const SqlType  *type = node->type;
    const uint32_t *slots;
    size_t          end = json_shape_walk(node->shape, &reader->doc, k, &slots);
    assert(end > 0);
    Value *items = arena_try_alloc(reader->arena, type->field_count * sizeof *items + 1, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < type->field_count; i++) {
        JsonPath here = {.up = path, .name = type->fields[i].name, .suffix = ""};
        items[i]      = value_null();
        if (slots[i] != 0)
            TRY(json_read_value(reader, &node->fields[i], slots[i], &here, &items[i], err));
    }
    *out = value_array(items, type->field_count);
    return OK;
}

static Status read_string(JsonReader *reader, size_t k, const JsonPath *path, Value *out, Error *err)
{
    Str    text;
    Status status = json_read_text(reader, k, &text, err);
    if (status == E_DATA)
        return fail_at(reader, path, err);
    TRY(status);
    *out = value_from_str(text);
    return OK;
}

Status json_read_value(JsonReader *reader, const JsonNode *node, size_t k, const JsonPath *path, Value *out,
                       Error *err)
{
    if (node->unwanted || json_doc_is(&reader->doc, k, 'n')) {
        *out = value_null();
        return OK;
    }
    switch (node->type->kind) {
    case T_STRING:
        return read_string(reader, k, path, out, err);
    case T_INTEGER:
        return read_integer(reader, k, 32, "INTEGER", path, out, err);
    case T_BIGINT:
        return read_integer(reader, k, 64, "BIGINT", path, out, err);
    case T_DOUBLE:
        return read_double(reader, k, path, out, err);
    case T_DECIMAL:
        return read_decimal(reader, node->type, k, path, out, err);
    case T_BOOLEAN:
        return read_boolean(reader, k, path, out, err);
    case T_BYTES:
        return read_bytes(reader, k, path, out, err);
    case T_TIME:
        return read_time(reader, k, path, out, err);
    case T_DATE:
    case T_TIMESTAMP:
        return read_integer(reader, k, 64, "BIGINT", path, out, err);
    case T_ARRAY:
        return read_array(reader, node, k, path, out, err);
    case T_MAP:
        return read_map(reader, node, k, path, out, err);
    case T_STRUCT:
        return read_struct(reader, node, k, path, out, err);
    case T_NULL:
    case T_UNIT:
    case T_LAMBDA:
        break;
    }
    assert(!"a column of a type that no column has");
    return E_DATA;
}

void json_node_init(JsonNode *node, const SqlType *type, const Wanted *wanted, Arena *arena)
{
    *node = (JsonNode){.type = type, .unwanted = wanted != NULL && wanted->none};
    if (type->kind == T_ARRAY || type->kind == T_MAP) {
        JsonNode *element = ARENA_NEW(arena, JsonNode);
        json_node_init(element, type->element, NULL, arena);
        node->element = element;
    } else if (type->kind == T_STRUCT) {
        Str *names   = ARENA_ARRAY(arena, Str, type->field_count + 1);
        node->fields = ARENA_ARRAY(arena, JsonNode, type->field_count + 1);
        for (size_t i = 0; i < type->field_count; i++) {
            const Wanted *field = wanted != NULL && wanted->fields != NULL ? wanted->fields[i] : NULL;
            json_node_init(&node->fields[i], type->fields[i].type, field, arena);
            names[i] = node->fields[i].unwanted ? STR_NULL : type->fields[i].name;
        }
        node->shape = json_shape_new(arena, names, type->field_count);
    }
}
