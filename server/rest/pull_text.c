/*
 * pull_text.c - see pull_text.h.
 *
 * A doubled quote is where two texts between quotes would stand side by side: such a text is not taken apart,
 * nor is one with `$` (a variable, or a text between dollars) or a control character, which the marks are.
 */
#include "server/rest/pull_text.h"

enum { MARK_STRING = 1, MARK_NUMBER = 2 };

typedef struct {
    Str    text;
    size_t at;
    Pos    pos;
    char  *out;
    size_t len;
} Reading;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || c == '.' || (c & 0x80) != 0;
}

/* Columns are counted in code points. */
static void advance(Reading *reading, size_t count)
{
    for (; count > 0; count--) {
        char c = reading->text.ptr[reading->at++];
        if (c == '\n') {
            reading->pos.line++;
            reading->pos.col = 1;
        } else if (reading->at >= reading->text.len || (reading->text.ptr[reading->at] & 0xC0) != 0x80) {
            reading->pos.col++;
        }
    }
}

static bool is_control(char c) { return ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == 0x7f; }

/* Length of what stands between quotes here; -1: it is never closed, or has a quote in it. */
static ptrdiff_t quoted_length(const Reading *reading)
{
    size_t at = reading->at + 1;
    while (at < reading->text.len && reading->text.ptr[at] != '\'') {
        char c = reading->text.ptr[at++];
        if (is_control(c) || c == '$')
            return -1;
    }
    bool doubled = at + 1 < reading->text.len && reading->text.ptr[at + 1] == '\'';
    return at >= reading->text.len || doubled ? -1 : (ptrdiff_t)(at - reading->at - 1);
}

/* Of a whole number that begins here; 0: none does. */
static size_t number_length(const Reading *reading)
{
    size_t at = reading->at, len = reading->text.len;
    if (at > 0 && is_word(reading->text.ptr[at - 1]))
        return 0;
    while (at < len && reading->text.ptr[at] >= '0' && reading->text.ptr[at] <= '9')
        at++;
    return at < len && is_word(reading->text.ptr[at]) ? 0 : at - reading->at;
}

static bool take(Reading *reading, PullText *text, size_t skip, size_t len, bool number)
{
    if (text->count == PULL_LITERALS)
        return false;
    text->literals[text->count++] =
        (PullLiteral){str_n(reading->text.ptr + reading->at + skip, len), number, reading->pos};
    reading->out[reading->len++] = number ? MARK_NUMBER : MARK_STRING;
    advance(reading, len + 2 * skip);
    return true;
}

static bool take_next(Reading *reading, PullText *text)
{
    char      c = reading->text.ptr[reading->at];
    ptrdiff_t quoted;
    size_t    digits;
    if (is_control(c) || c == '$')
        return false;
    if (c == '\'')
        return (quoted = quoted_length(reading)) >= 0 && take(reading, text, 1, (size_t)quoted, false);
    if (c >= '0' && c <= '9' && (digits = number_length(reading)) > 0)
        return take(reading, text, 0, digits, true);
    reading->out[reading->len++] = c;
    advance(reading, 1);
    return true;
}

bool pull_text_read(Str text, Arena *arena, PullText *out)
{
    Reading reading = {.text = text, .pos = {1, 1}};
    out->count      = 0;
    if (text.len == 0 || text.len > PULL_TEXT_MOST)
        return false;
    reading.out = arena_alloc(arena, text.len);
    while (reading.at < text.len)
        if (!take_next(&reading, out))
            return false;
    out->pattern = str_n(reading.out, reading.len);
    out->hash    = str_hash(out->pattern);
    return true;
}
