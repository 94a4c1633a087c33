/*
 * json_path.c - `$.a[0]["b c"]`: no wildcards, slices or filters (functions.md 3.6.1).
 */
#include "udf/json_tree.h"

#include <unicode/uchar.h>

enum { MAX_INDEX_DIGITS = 9 };

struct JsonPath {
    Str   *tokens;
    size_t count;
};

static Status bad(Str path, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Invalid JSON path: '" STR_FMT "'", STR_ARG(path));
}

/* `.name` allows : and @, `[name]` does not. */
static Str read_name(Str path, size_t *at, bool dotted)
{
    size_t start = *at;
    while (*at < path.len) {
        size_t   next = *at;
        uint32_t cp   = utf8_next(path, &next);
        bool     ok   = cp == '_' || u_isalpha((UChar32)cp) || u_isdigit((UChar32)cp) ||
                  (dotted && (cp == ':' || cp == '@'));
        if (!ok)
            break;
        *at = next;
    }
    return str_n(path.ptr + start, *at - start);
}

/* Behind the opening quote; false when it does not close or has another escape than \" and \\. */
static bool read_quoted(Str path, size_t *at, Arena *arena, Str *out)
{
    char  *copy = arena_alloc(arena, path.len - *at + 1);
    size_t len  = 0;
    while (*at < path.len && path.ptr[*at] != '"') {
        if (path.ptr[*at] == '\\') {
            ++*at;
            if (*at >= path.len || (path.ptr[*at] != '"' && path.ptr[*at] != '\\'))
                return false;
        }
        copy[len++] = path.ptr[(*at)++];
    }
    *out = str_n(copy, len);
    return (*at)++ < path.len;
}

static bool read_token(Str path, size_t *at, Arena *arena, Str *out)
{
    char c = path.ptr[(*at)++];
    if (c == '.') {
        *out = read_name(path, at, true);
        return out->len > 0;
    }
    if (c != '[')
        return false;
    if (*at < path.len && path.ptr[*at] == '"') {
        ++*at;
        if (!read_quoted(path, at, arena, out))
            return false;
    } else {
        *out = read_name(path, at, false);
        if (out->len == 0)
            return false;
    }
    return *at < path.len && path.ptr[(*at)++] == ']';
}

Status json_path_compile(Str path, Arena *arena, JsonPath **out, Error *err)
{
    JsonPath *compiled = ARENA_NEW(arena, JsonPath);
    if (path.len == 0 || path.ptr[0] != '$')
        return bad(path, err);
    Str kept         = str_dup(arena, path);
    compiled->tokens = ARENA_ARRAY(arena, Str, kept.len); /* a token takes two characters at least */
    for (size_t at = 1; at < kept.len; compiled->count++) {
        if (!read_token(kept, &at, arena, &compiled->tokens[compiled->count]))
            return bad(path, err);
    }
    *out = compiled;
    return OK;
}

static const JsonNode *step(const JsonNode *node, Str token)
{
    if (node->kind == JSON_OBJECT)
        return json_member(node, token);
    if (node->kind != JSON_ARRAY || token.len == 0 || token.len > MAX_INDEX_DIGITS)
        return NULL;
    size_t index = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(token.ptr[i] - '0');
    }
    return json_item(node, index);
}

const JsonNode *json_path_find(const JsonPath *path, const JsonNode *root)
{
    for (size_t i = 0; i < path->count && root; i++)
        root = step(root, path->tokens[i]);
    return root;
}
