/*
 * json_text.c - values as JSON text, compact, as ksqlDB's Jackson writes it (runtime.md 1.5, rest.md 1).
 *
 * Escapes only what JSON demands; everything else is UTF-8 as it is. Text is scanned eight bytes at a time
 * for the characters that need work, and copied in runs: most texts have none.
 */
#include "core/decimal.h"
#include "serde/serde.h"

static inline void put_bytes(StrBuf *out, const char *ptr, size_t len)
{
    if (out->capacity - out->len < len)
        strbuf_reserve(out, len);
    memcpy(out->ptr + out->len, ptr, len);
    out->len += len;
}

static inline void put_char(StrBuf *out, char c)
{
    if (out->capacity == out->len)
        strbuf_reserve(out, 1);
    out->ptr[out->len++] = c;
}

static inline bool needs_escape(char c) { return (uint8_t)c < 0x20 || c == '"' || c == '\\'; }

#define EACH(byte) (0x0101010101010101u * (byte))

/* Not 0 when one of the word's eight bytes needs an escape; may be not 0 for others behind such a byte only.
 */
static inline uint64_t escapes_of_word(uint64_t w)
{
    uint64_t quote = w ^ EACH('"'), slash = w ^ EACH('\\');
    return (((w - EACH(0x20)) & ~w) | ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash)) &
           EACH(0x80);
}

/* Where the next character to escape is, at or behind `at`. */
static size_t find_escape(Str text, size_t at)
{
    for (; text.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, text.ptr + at, sizeof word);
        if (escapes_of_word(word))
            break;
    }
    while (at < text.len && !needs_escape(text.ptr[at]))
        at++;
    return at;
}

static void put_escape(StrBuf *out, char c)
{
    static const char digits[]   = "0123456789ABCDEF";
    char              short_form = 0;
    switch (c) {
    case '"':
    case '\\':
        short_form = c;
        break;
    case '\b':
        short_form = 'b';
        break;
    case '\f':
        short_form = 'f';
        break;
    case '\n':
        short_form = 'n';
        break;
    case '\r':
        short_form = 'r';
        break;
    case '\t':
        short_form = 't';
        break;
    default:
        break;
    }
    if (short_form != 0)
        put_bytes(out, (char[]){'\\', short_form}, 2);
    else
        put_bytes(out, (char[]){'\\', 'u', '0', '0', digits[(uint8_t)c >> 4], digits[c & 15]}, 6);
}

void json_write_string(Str text, StrBuf *out)
{
    if (out->capacity - out->len < text.len + 2)
        strbuf_reserve(out, text.len + 2);
    put_char(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t end = find_escape(text, at);
        put_bytes(out, text.ptr + at, end - at);
        if (end < text.len)
            put_escape(out, text.ptr[end++]);
        at = end;
    }
    put_char(out, '"');
}

static void put_int(int64_t n, StrBuf *out)
{
    if (out->capacity - out->len < 24)
        strbuf_reserve(out, 24);
    out->len += int64_print(n, out->ptr + out->len);
}

static void put_double(double d, StrBuf *out)
{
    char   text[32];
    size_t len    = double_print(d, text);
    bool   finite = d - d == 0;
    if (!finite)
        put_char(out, '"');
    put_bytes(out, text, len);
    if (!finite)
        put_char(out, '"');
}

static void put_base64(Str bytes, StrBuf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    strbuf_reserve(out, bytes.len / 3 * 4 + 6);
    put_char(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t   n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t b = 0;
        for (size_t j = 0; j < 3; j++)
            b = b << 8 | (j < n ? (uint8_t)bytes.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            put_char(out, j <= n ? digits[b >> (18 - 6 * j) & 63] : '=');
    }
    put_char(out, '"');
}

/* HH:mm:ss, and milliseconds where there are any. 24:00 is the end of the day. */
static void put_time(int64_t ms, StrBuf *out)
{
    strbuf_addf(out, "\"%02d:%02d:%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
    if (ms % 1000 != 0)
        strbuf_addf(out, ".%03d", (int)(ms % 1000));
    put_char(out, '"');
}

static void put_instant(SqlKind kind, int64_t n, StrBuf *out)
{
    char text[40];
    if (kind == T_TIME) {
        put_time(n, out);
        return;
    }
    size_t len = kind == T_DATE ? date_print(n, text) : timestamp_print(n, text);
    put_char(out, '"');
    put_bytes(out, text, len);
    put_char(out, '"');
}

static void put_struct(const SqlType *type, Value value, JsonStyle style, StrBuf *out)
{
    put_char(out, '{');
    for (size_t i = 0; i < type->field_count; i++) {
        if (i > 0)
            put_char(out, ',');
        json_write_string(type->fields[i].name, out);
        put_char(out, ':');
        json_write_value(type->fields[i].type, value_items(value)[i], style, out);
    }
    put_char(out, '}');
}

static void put_array(const SqlType *type, Value value, JsonStyle style, StrBuf *out)
{
    put_char(out, '[');
    for (size_t i = 0; i < value.len; i++) {
        if (i > 0)
            put_char(out, ',');
        json_write_value(type->element, value_items(value)[i], style, out);
    }
    put_char(out, ']');
}

static int compare_entries(const void *a, const void *b, void *key_type)
{
    return value_compare(key_type, (*(const MapEntry *const *)a)->key, (*(const MapEntry *const *)b)->key);
}

/* Sorted by key: equal maps have equal bytes, whatever order they were built in. */
static void put_map(const SqlType *type, Value value, JsonStyle style, StrBuf *out)
{
    enum { ON_STACK = 32 };
    const MapEntry  *few[ON_STACK];
    const MapEntry **sorted = value.len <= ON_STACK ? few : mem_alloc(value.len * sizeof(const MapEntry *));
    bool             orderable = type->key->kind < T_ARRAY;
    for (size_t i = 0; i < value.len; i++)
        sorted[i] = &value_entries(value)[i];
    if (orderable && value.len > 1)
        qsort_r(sorted, value.len, sizeof(const MapEntry *), compare_entries, (void *)type->key);
    put_char(out, '{');
    for (size_t i = 0; i < value.len; i++) {
        if (i > 0)
            put_char(out, ',');
        if (type->key->kind == T_STRING && !value_is_null(sorted[i]->key)) {
            json_write_string(value_str(sorted[i]->key), out);
        } else {
            StrBuf key = {0};
            value_print(type->key, sorted[i]->key, &key);
            json_write_string(strbuf_str(&key), out);
            strbuf_clear(&key);
        }
        put_char(out, ':');
        json_write_value(type->element, sorted[i]->value, style, out);
    }
    put_char(out, '}');
    if (sorted != few)
        mem_free(sorted);
}

void json_write_value(const SqlType *type, Value value, JsonStyle style, StrBuf *out)
{
    if (value_is_null(value)) {
        put_bytes(out, "null", 4);
        return;
    }
    switch (type->kind) {
    case T_STRING:
        json_write_string(value_str(value), out);
        break;
    case T_INTEGER:
    case T_BIGINT:
    case T_UNIT:
        put_int(value_int(value), out);
        break;
    case T_DOUBLE:
        put_double(value_double(value), out);
        break;
    case T_BOOLEAN:
        value_bool(value) ? put_bytes(out, "true", 4) : put_bytes(out, "false", 5);
        break;
    case T_DECIMAL:
        if (style == JSON_STYLE_REST)
            decimal_print(value, out);
        else
            decimal_print_scientific(value, out);
        break;
    case T_BYTES:
        put_base64(value_str(value), out);
        break;
    case T_TIME:
    case T_DATE:
    case T_TIMESTAMP:
        if (style == JSON_STYLE_REST)
            put_instant(type->kind, value_int(value), out);
        else
            put_int(value_int(value), out);
        break;
    case T_ARRAY:
        put_array(type, value, style, out);
        break;
    case T_MAP:
        put_map(type, value, style, out);
        break;
    case T_STRUCT:
        put_struct(type, value, style, out);
        break;
    case T_NULL:
    case T_LAMBDA:
        put_bytes(out, "null", 4);
        break;
    }
}
