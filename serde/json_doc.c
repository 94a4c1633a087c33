/*
 * json_doc.c - what of JSON's grammar is not needed inline: containers, numbers, escapes, and the end of the
 * first value.
 *
 * Nothing here recurses on the text: open brackets are bits in a fixed stack.
 */
#include "serde/json_doc.h"

/* Length of the first value of the text, found without an index: what follows it may be no JSON, nor even
 * UTF-8. */
static size_t first_value_length(Str text)
{
    size_t depth  = 0;
    bool   quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (depth > 0 || c != ' ') {
            continue; /* a scalar at the top ends at the first space only: trailing content there is rare */
        }
        if (depth == 0 && !quoted && i > 0 && str_trim(str_n(text.ptr, i + 1)).len > 0)
            return i + 1;
    }
    return text.len;
}

bool json_doc_open(JsonDoc *doc, JsonIndex *index, Str bytes)
{
    if (str_starts_with(bytes, STR_LIT("\xEF\xBB\xBF")))
        bytes = str_n(bytes.ptr + 3, bytes.len - 3);
    if (!json_index_build(index, bytes.ptr, bytes.len, &doc->at, &doc->count)) {
        size_t len = first_value_length(bytes);
        if (len == bytes.len || !json_index_build(index, bytes.ptr, len, &doc->at, &doc->count))
            return false;
        bytes.len = len;
    }
    doc->text    = bytes.ptr;
    doc->len     = bytes.len;
    doc->escapes = memchr(bytes.ptr, '\\', bytes.len) != NULL;
    return doc->count > 0;
}

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

bool json_is_number(Str text)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    if (at < end && *at == '-')
        at++;
    const char *digits = at;
    at                 = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return false;
    if (at < end && *at == '.') {
        digits = ++at;
        at     = skip_digits(at, end);
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at     = skip_digits(at, end);
        if (at == digits)
            return false;
    }
    return at == end;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The UTF-16 unit of \uXXXX at raw.ptr + at (behind the u), or -1. */
static int32_t hex_unit(Str raw, size_t at)
{
    if (raw.len - at < 4)
        return -1;
    int32_t unit = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = hex_digit(raw.ptr[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Reads \uXXXX, and the second half of a pair with it; *at stands behind the u and is moved. -1: malformed.
 */
static int32_t unicode_escape(Str raw, size_t *at)
{
    int32_t unit = hex_unit(raw, *at);
    if (unit < 0)
        return -1;
    *at += 4;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit < 0xDC00 && raw.len - *at >= 6 && raw.ptr[*at] == '\\' && raw.ptr[*at + 1] == 'u') {
        int32_t low = hex_unit(raw, *at + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *at += 6;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

static int simple_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

ptrdiff_t json_unescape(Str raw, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < raw.len;) {
        char   plain[4];
        size_t n = 1;
        plain[0] = raw.ptr[at++];
        if (plain[0] == '\\') {
            if (at == raw.len)
                return -1;
            char kind = raw.ptr[at++];
            if (kind == 'u') {
                int32_t cp = unicode_escape(raw, &at);
                if (cp < 0)
                    return -1;
                n = utf8_put((uint32_t)cp, plain);
            } else {
                int c = simple_escape(kind);
                if (c < 0)
                    return -1;
                plain[0] = (char)c;
            }
        }
        if (out != NULL)
            memcpy(out + len, plain, n);
        len += n;
    }
    return (ptrdiff_t)len;
}

enum Expected { A_VALUE, AN_ITEM_OR_END, A_NAME, A_NAME_OR_END, A_COMMA_OR_END };

size_t json_doc_skip_container(const JsonDoc *doc, size_t k)
{
    uint64_t      objects[(JSON_MAX_DEPTH + 63) / 64]; /* bit d: the container at depth d is an object */
    size_t        depth     = 0;
    bool          in_object = false;
    enum Expected expected  = A_VALUE;
    for (; k < doc->count;) {
        char c = doc->text[doc->at[k]];
        if (c == (in_object ? '}' : ']') && expected != A_VALUE && expected != A_NAME) {
            k++;
            if (--depth == 0)
                return k;
            in_object = objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1;
            expected  = A_COMMA_OR_END;
        } else if (expected == A_COMMA_OR_END) {
            if (c != ',')
                return 0;
            k++;
            expected = in_object ? A_NAME : A_VALUE;
        } else if (expected == A_NAME || expected == A_NAME_OR_END) {
            if (!json_doc_check_string(doc, k) || !json_doc_is(doc, k + 1, ':'))
                return 0;
            k += 2;
            expected = A_VALUE;
        } else if (c == '{' || c == '[') {
            if (depth == JSON_MAX_DEPTH)
                return 0;
            in_object    = c == '{';
            uint64_t bit = (uint64_t)1 << (depth % 64);
            if (depth % 64 == 0)
                objects[depth / 64] = 0;
            objects[depth / 64] = in_object ? objects[depth / 64] | bit : objects[depth / 64] & ~bit;
            depth++;
            k++;
            expected = in_object ? A_NAME_OR_END : AN_ITEM_OR_END;
        } else {
            if (!json_doc_check_scalar(doc, k))
                return 0;
            k++;
            expected = A_COMMA_OR_END;
        }
    }
    return 0;
}
