/*
 * regex_lookbehind.c - lookbehind of bounded length: Java takes (?<=a{1,3}), PCRE2 wants alternatives of
 * fixed length.
 *
 * A body without groups is spelt out: a{1,3} becomes a|aa|aaa. What would take too many alternatives, or has
 * groups, is left as it is, and PCRE2 says that it is not of fixed length.
 */
#include "udf/regex.h"

enum { MAX_ALTERNATIVES = 256, MAX_REPEAT = 256, MAX_EXPANDED = 16384 };

typedef struct {
    Str    body;
    size_t at;
} Scan;

static char peek(const Scan *s, size_t ahead)
{
    return s->at + ahead < s->body.len ? s->body.ptr[s->at + ahead] : 0;
}

/* Moves behind a backslash and what it escapes. */
static bool skip_escape(Scan *s)
{
    char c = peek(s, 1);
    if (c == 0 || c == 'Q')
        return false;
    s->at += 2;
    if (c == 'u' || (c == 'x' && peek(s, 0) != '{'))
        s->at += c == 'u' ? 4 : 2;
    else if ((c == 'x' || c == 'p' || c == 'P') && peek(s, 0) == '{') {
        while (s->at < s->body.len && s->body.ptr[s->at++] != '}')
            ;
    } else if (c == 'p' || c == 'P')
        s->at++;
    return s->at <= s->body.len;
}

static bool skip_class(Scan *s)
{
    int depth = 0;
    while (s->at < s->body.len) {
        char c = peek(s, 0);
        if (c == '\\') {
            if (!skip_escape(s))
                return false;
            continue;
        }
        depth += (c == '[') - (c == ']');
        s->at++;
        if (depth == 0)
            return true;
    }
    return false;
}

static bool skip_atom(Scan *s, Str *atom)
{
    size_t start = s->at;
    char   c     = peek(s, 0);
    if (c == '(' || c == ')' || c == '*' || c == '+' || c == '?' || c == '{')
        return false;
    if (c == '\\') {
        if (!skip_escape(s))
            return false;
    } else if (c == '[') {
        if (!skip_class(s))
            return false;
    } else {
        utf8_next(s->body, &s->at);
    }
    *atom = str_n(s->body.ptr + start, s->at - start);
    return true;
}

static bool read_count(Scan *s, int *out)
{
    size_t start = s->at;
    *out         = 0;
    while (peek(s, 0) >= '0' && peek(s, 0) <= '9' && *out <= MAX_REPEAT)
        *out = *out * 10 + (s->body.ptr[s->at++] - '0');
    return s->at > start && *out <= MAX_REPEAT;
}

/* ?, {n}, {n,m}; no quantifier is {1}. Unbounded and possessive ones are refused. */
static bool read_quantifier(Scan *s, int *least, int *most)
{
    *least = *most = 1;
    if (peek(s, 0) == '?') {
        *least = 0;
        s->at++;
    } else if (peek(s, 0) == '{') {
        s->at++;
        if (!read_count(s, least))
            return false;
        *most = *least;
        if (peek(s, 0) == ',') {
            s->at++;
            if (!read_count(s, most) || *most < *least)
                return false;
        }
        if (peek(s, 0) != '}')
            return false;
        s->at++;
    } else {
        return peek(s, 0) != '*' && peek(s, 0) != '+';
    }
    if (peek(s, 0) == '?')
        s->at++; /* lazy or not is the same looking back */
    return peek(s, 0) != '+';
}

/* Every alternative so far, each with the atom least to most times. */
static bool multiply(Arena *arena, Str *alternatives, size_t *count, Str atom, int least, int most)
{
    size_t variants = (size_t)(most - least + 1), old = *count;
    if (old * variants > MAX_ALTERNATIVES)
        return false;
    for (size_t v = variants; v-- > 0;) { /* the last write of each is over its own source */
        for (size_t i = 0; i < old; i++) {
            size_t repeat = (size_t)least + v, len = alternatives[i].len + atom.len * repeat;
            if (len > MAX_EXPANDED)
                return false;
            char *text = arena_alloc(arena, len + 1);
            memcpy(text, alternatives[i].ptr, alternatives[i].len);
            for (size_t k = 0; k < repeat; k++)
                memcpy(text + alternatives[i].len + k * atom.len, atom.ptr, atom.len);
            alternatives[v * old + i] = str_n(text, len);
        }
    }
    *count = old * variants;
    return true;
}

static bool expand_branch(Scan *s, Arena *arena, StrBuf *out)
{
    Str    alternatives[MAX_ALTERNATIVES] = {STR_LIT("")}, atom;
    size_t count                          = 1;
    int    least, most;
    while (s->at < s->body.len && peek(s, 0) != '|') {
        if (!skip_atom(s, &atom) || !read_quantifier(s, &least, &most) ||
            !multiply(arena, alternatives, &count, atom, least, most))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_addc(out, '|');
        strbuf_add(out, alternatives[i]);
    }
    return out->len <= MAX_EXPANDED * 4;
}

bool regex_expand_lookbehind(Str body, Arena *arena, StrBuf *out)
{
    Scan s = {.body = body};
    for (;;) {
        if (!expand_branch(&s, arena, out))
            return false;
        if (s.at >= body.len)
            return true;
        strbuf_addc(out, '|');
        s.at++;
    }
}
