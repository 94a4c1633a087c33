/*
 * jtext.c - JSON read in place; see jtext.h for why not by a library.
 *
 * One scan finds where a value ends: strings are skipped with their escapes, brackets are counted. What is
 * inside is looked at only when somebody asks, so a row of a thousand columns costs one pass.
 */
#include "shell/jtext.h"

enum { PRETTY_DEPTH_MAX = 100 };

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_blanks(Str text, size_t *at)
{
    while (*at < text.len && is_blank(text.ptr[*at]))
        (*at)++;
}

/* From the opening quote behind the closing one. */
static bool skip_string(Str text, size_t *at)
{
    for (size_t i = *at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"') {
            *at = i + 1;
            return true;
        }
    }
    return false;
}

static bool skip_container(Str text, size_t *at)
{
    size_t depth = 0;
    for (size_t i = *at; i < text.len;) {
        char c = text.ptr[i];
        if (c == '"') {
            if (!skip_string(text, &i))
                return false;
            continue;
        }
        i++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

static void skip_scalar(Str text, size_t *at)
{
    while (*at < text.len && !is_blank(text.ptr[*at]) && strchr(",]}:[{\"", text.ptr[*at]) == NULL)
        (*at)++;
}

static JsonKind kind_of(char first)
{
    switch (first) {
    case '{':
        return JTEXT_OBJECT;
    case '[':
        return JTEXT_ARRAY;
    case '"':
        return JTEXT_STRING;
    case 'n':
        return JTEXT_NULL;
    case 't':
    case 'f':
        return JTEXT_BOOL;
    default:
        return first == '-' || (first >= '0' && first <= '9') ? JTEXT_NUMBER : JTEXT_NONE;
    }
}

JsonText jtext_read(Str text, size_t *at)
{
    skip_blanks(text, at);
    if (*at >= text.len)
        return (JsonText){JTEXT_NONE, STR_NULL};
    size_t   start = *at;
    JsonKind kind  = kind_of(text.ptr[start]);
    bool     ends  = kind != JTEXT_NONE;
    if (kind == JTEXT_STRING)
        ends = skip_string(text, at);
    else if (kind == JTEXT_OBJECT || kind == JTEXT_ARRAY)
        ends = skip_container(text, at);
    else if (ends)
        skip_scalar(text, at);
    if (!ends)
        return (JsonText){JTEXT_NONE, STR_NULL};
    return (JsonText){kind, str_n(text.ptr + start, *at - start)};
}

JsonText jtext_parse(Str text)
{
    size_t at = 0;
    return jtext_read(text, &at);
}

JsonIter jtext_iter(JsonText container)
{
    if (container.kind != JTEXT_OBJECT && container.kind != JTEXT_ARRAY)
        return (JsonIter){0};
    return (JsonIter){str_n(container.raw.ptr + 1, container.raw.len - 2), 0, container.kind == JTEXT_OBJECT};
}

static bool skip_mark(JsonIter *iter, char mark)
{
    skip_blanks(iter->text, &iter->at);
    if (iter->at >= iter->text.len || iter->text.ptr[iter->at] != mark)
        return false;
    iter->at++;
    return true;
}

bool jtext_next(JsonIter *iter, Str *name, JsonText *value)
{
    skip_mark(iter, ',');
    if (iter->object) {
        JsonText key = jtext_read(iter->text, &iter->at);
        if (key.kind != JTEXT_STRING || !skip_mark(iter, ':'))
            return false;
        if (name != NULL)
            *name = str_n(key.raw.ptr + 1, key.raw.len - 2);
    }
    *value = jtext_read(iter->text, &iter->at);
    return value->kind != JTEXT_NONE;
}

size_t jtext_count(JsonText container)
{
    JsonIter iter = jtext_iter(container);
    JsonText value;
    size_t   count = 0;
    while (jtext_next(&iter, NULL, &value))
        count++;
    return count;
}

JsonText jtext_get(JsonText object, const char *name)
{
    JsonText value, none = {JTEXT_NONE, STR_NULL};
    JsonIter iter = jtext_iter(object);
    Str      key  = STR_NULL;
    if (object.kind != JTEXT_OBJECT)
        return none;
    while (jtext_next(&iter, &key, &value))
        if (str_equal(key, str_c(name)))
            return value;
    return none;
}

JsonText jtext_get2(JsonText object, const char *outer, const char *inner)
{
    return jtext_get(jtext_get(object, outer), inner);
}

bool jtext_is_true(JsonText value) { return value.kind == JTEXT_BOOL && value.raw.ptr[0] == 't'; }

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at `at`, or -1. */
static int32_t read_unit(Str text, size_t at)
{
    int32_t unit = 0;
    if (text.len < 4 || at > text.len - 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(text.ptr[at + i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The code point of \uXXXX whose digits begin at *at, which moves behind them; a pair of surrogates is one.
 */
static uint32_t read_escape(Str text, size_t *at)
{
    int32_t high = read_unit(text, *at);
    if (high < 0)
        return 0xFFFD;
    *at += 4;
    if (high < 0xD800 || high > 0xDFFF)
        return (uint32_t)high;
    bool    pair = high < 0xDC00 && *at + 2 <= text.len && text.ptr[*at] == '\\' && text.ptr[*at + 1] == 'u';
    int32_t low  = pair ? read_unit(text, *at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return 0xFFFD;
    *at += 6;
    return 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
}

static Str unescape(Arena *arena, Str text)
{
    char  *out = arena_alloc(arena, text.len + 1); /* no escape grows */
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] != '\\' || i + 1 >= text.len) {
            out[len++] = text.ptr[i++];
            continue;
        }
        char        c     = text.ptr[i + 1];
        const char *plain = strchr("\"\\/bfnrt", c);
        i += 2;
        if (c == 'u')
            len += utf8_put(read_escape(text, &i), out + len);
        else
            out[len++] = plain != NULL && c != '\0' ? "\"\\/\b\f\n\r\t"[plain - "\"\\/bfnrt"] : c;
    }
    out[len] = '\0';
    return str_n(out, len);
}

Str jtext_text(Arena *arena, JsonText value)
{
    if (value.kind == JTEXT_NONE || value.kind == JTEXT_NULL)
        return STR_NULL;
    if (value.kind != JTEXT_STRING)
        return value.raw;
    Str inside = str_n(value.raw.ptr + 1, value.raw.len - 2);
    return inside.len > 0 && memchr(inside.ptr, '\\', inside.len) != NULL ? unescape(arena, inside) : inside;
}

Str jtext_field(Arena *arena, JsonText object, const char *name)
{
    return jtext_text(arena, jtext_get(object, name));
}

void jtext_add_string(StrBuf *out, Str text)
{
    strbuf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c     = (unsigned char)text.ptr[i];
        const char   *plain = c == '\0' ? NULL : strchr("\"\\\b\f\n\r\t", c);
        if (plain != NULL) {
            strbuf_addc(out, '\\');
            strbuf_addc(out, "\"\\bfnrt"[plain - "\"\\\b\f\n\r\t"]);
        } else if (c < 0x20)
            strbuf_addf(out, "\\u%04x", c);
        else
            strbuf_addc(out, (char)c);
    }
    strbuf_addc(out, '"');
}

/* ---- pretty ---- */

static void add_indent(StrBuf *out, int depth)
{
    strbuf_addc(out, '\n');
    for (int i = 0; i < depth; i++)
        strbuf_adds(out, "  ");
}

/* Objects a field a line, arrays on one line: `"a" : [ 1, 2 ]`. */
static void pretty(StrBuf *out, JsonText value, int depth)
{
    if ((value.kind != JTEXT_OBJECT && value.kind != JTEXT_ARRAY) || depth > PRETTY_DEPTH_MAX) {
        strbuf_add(out, value.raw);
        return;
    }
    bool     object = value.kind == JTEXT_OBJECT, first = true;
    JsonIter iter = jtext_iter(value);
    Str      name = STR_NULL;
    JsonText inner;
    strbuf_adds(out, object ? "{" : "[");
    while (jtext_next(&iter, &name, &inner)) {
        strbuf_adds(out, first ? "" : ",");
        first = false;
        if (object) {
            add_indent(out, depth + 1);
            strbuf_addf(out, "\"" STR_FMT "\" : ", STR_ARG(name));
        } else
            strbuf_addc(out, ' ');
        pretty(out, inner, object ? depth + 1 : depth);
    }
    if (object && !first)
        add_indent(out, depth);
    else
        strbuf_addc(out, ' ');
    strbuf_addc(out, object ? '}' : ']');
}

void jtext_pretty(StrBuf *out, JsonText value) { pretty(out, value, 0); }
