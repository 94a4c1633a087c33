/*
 * json_raw.c - finds the ends of values in JSON that is known to be valid.
 */
#include "server/testing/json_raw.h"

#include <jansson.h>

#include "core/value.h"

static size_t skip_blank(Str s, size_t at)
{
    while (at < s.len && strchr(" \t\r\n", s.ptr[at]) != NULL && s.ptr[at] != '\0')
        at++;
    return at;
}

static size_t skip_string(Str s, size_t at)
{
    for (at++; at < s.len && s.ptr[at] != '"'; at++)
        at += s.ptr[at] == '\\';
    return at < s.len ? at + 1 : s.len;
}

/* Behind the value that starts at `at`. */
static size_t skip_value(Str s, size_t at)
{
    size_t depth = 0;
    while (at < s.len) {
        char c = s.ptr[at];
        if (c == '"') {
            at = skip_string(s, at);
        } else {
            if (depth == 0 &&
                (c == ',' || c == ']' || c == '}' || c == ' ' || c == '\n' || c == '\t' || c == '\r'))
                return at;
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            at++;
        }
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            return at;
    }
    return at;
}

static bool starts(Str s, char open) { return s.len > 0 && s.ptr != NULL && s.ptr[0] == open; }

/* The next element at or after *at; *at moves behind it. */
static bool next_value(Str s, size_t *at, Str *out)
{
    *at = skip_blank(s, *at);
    if (*at < s.len && s.ptr[*at] == ',')
        *at = skip_blank(s, *at + 1);
    if (*at >= s.len || s.ptr[*at] == ']' || s.ptr[*at] == '}')
        return false;
    size_t end = skip_value(s, *at);
    *out       = str_n(s.ptr + *at, end - *at);
    *at        = end;
    return true;
}

bool raw_next(Str array, size_t *at, Str *out)
{
    if (!starts(array, '['))
        return false;
    if (*at == 0)
        *at = 1;
    return next_value(array, at, out);
}

static bool next_member(Str object, size_t *at, Str *name, Str *out)
{
    if (!starts(object, '{'))
        return false;
    if (*at == 0)
        *at = 1;
    if (!next_value(object, at, name))
        return false;
    *at = skip_blank(object, *at);
    if (*at < object.len && object.ptr[*at] == ':')
        (*at)++;
    return next_value(object, at, out);
}

Str raw_member(Str object, const char *name)
{
    Str    found = STR_NULL, key, value;
    size_t at = 0, len = strlen(name);
    while (next_member(object, &at, &key, &value))
        if (key.len == len + 2 && memcmp(key.ptr + 1, name, len) == 0)
            found = value;
    return found;
}

bool raw_next_member(Str object, size_t *at, Arena *arena, Str *name, Str *out)
{
    Str raw;
    if (!next_member(object, at, &raw, out))
        return false;
    *name = raw_text(raw, arena);
    return true;
}

bool raw_is_null(Str raw) { return str_is_null(raw) || str_equal(raw, STR_LIT("null")); }

Str raw_text(Str raw, Arena *arena)
{
    if (!starts(raw, '"'))
        return raw;
    json_t *string = json_loadb(raw.ptr, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    Str     text   = str_dup(arena, str_n(json_string_value(string), json_string_length(string)));
    json_decref(string);
    return text;
}

int64_t raw_int(Str raw, int64_t otherwise)
{
    int64_t n;
    return !str_is_null(raw) && int64_parse(raw, &n) ? n : otherwise;
}
