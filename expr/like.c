/*
 * like.c - LIKE: `%` any run of characters, `_` one character, all else literal; the whole text must match
 * (sql.md 3.8).
 *
 * Wildcards stop at line terminators (LF, CR, NEL, LS, PS), as `.` of a Java pattern does. The pattern
 * becomes a list of tokens, a byte or a wildcard each; matching keeps only the last `%` to fall back to. That
 * is enough although `%` may not cross a line end: moving an earlier `%` further could not carry a later one
 * past a terminator either, so the time is bounded by pattern * text.
 */
#include "expr/program.h"

enum { TOKEN_ONE = 256, TOKEN_MANY = 257 };

struct LikePattern {
    size_t   count;
    uint16_t tokens[];
};

Status like_compile(Arena *arena, Str pattern, Str escape, const LikePattern **out, Error *err)
{
    LikePattern *self = arena_try_alloc(arena, sizeof *self + pattern.len * sizeof self->tokens[0], err);
    if (self == NULL)
        return E_DATA;
    self->count = 0;
    for (size_t at = 0; at < pattern.len;) {
        bool escaped = escape.len > 0 && str_starts_with(str_n(pattern.ptr + at, pattern.len - at), escape);
        at += escaped ? escape.len : 0;
        if (at >= pattern.len)
            return error_set(err, E_DATA, NO_POS, "LIKE pattern must not end with escape character");
        size_t start = at;
        utf8_next(pattern, &at);
        char c = pattern.ptr[start];
        if (!escaped && c == '%') {
            if (self->count == 0 || self->tokens[self->count - 1] != TOKEN_MANY)
                self->tokens[self->count++] = TOKEN_MANY;
        } else if (!escaped && c == '_') {
            self->tokens[self->count++] = TOKEN_ONE;
        } else {
            for (; start < at; start++)
                self->tokens[self->count++] = (unsigned char)pattern.ptr[start];
        }
    }
    *out = self;
    return OK;
}

/* Moves behind the character at *at; false when it is a line terminator. */
static bool skip_character(Str text, size_t *at)
{
    unsigned char c = (unsigned char)text.ptr[*at];
    if (c < 0x80) {
        (*at)++;
        return c != '\n' && c != '\r';
    }
    uint32_t cp = utf8_next(text, at);
    return cp != 0x85 && cp != 0x2028 && cp != 0x2029;
}

/* The last % takes the rest, if it stays on one line. */
static bool rest_is_one_line(Str text, size_t at)
{
    while (at < text.len)
        if (!skip_character(text, &at))
            return false;
    return true;
}

bool like_matches(const LikePattern *pattern, Str text)
{
    const uint16_t *tokens = pattern->tokens;
    size_t          token = 0, at = 0, many = SIZE_MAX, many_at = 0;
    while (true) {
        if (token < pattern->count && tokens[token] == TOKEN_MANY) {
            if (token + 1 == pattern->count)
                return rest_is_one_line(text, at);
            many    = token++;
            many_at = at;
            continue;
        }
        if (token == pattern->count && at == text.len)
            return true;
        if (token < pattern->count && at < text.len) {
            if (tokens[token] == TOKEN_ONE) {
                size_t next = at;
                if (skip_character(text, &next)) {
                    at = next;
                    token++;
                    continue;
                }
            } else if (tokens[token] == (unsigned char)text.ptr[at]) {
                at++;
                token++;
                continue;
            }
        }
        if (many == SIZE_MAX || many_at >= text.len || !skip_character(text, &many_at))
            return false;
        at    = many_at;
        token = many + 1;
    }
}
