/*
 * caret.c - see caret.h.
 */
#include "core/caret.h"

enum { LONGEST_LINE = 400 };

static bool find_line(Str text, unsigned number, Str *line)
{
    size_t at = 0;
    for (unsigned n = 1; n < number; n++) {
        const char *newline = at < text.len ? memchr(text.ptr + at, '\n', text.len - at) : NULL;
        if (newline == NULL)
            return false;
        at = (size_t)(newline - text.ptr) + 1;
    }
    const char *newline = at < text.len ? memchr(text.ptr + at, '\n', text.len - at) : NULL;
    *line = str_n(text.ptr + at, newline != NULL ? (size_t)(newline - text.ptr) - at : text.len - at);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return number > 0;
}

bool caret_append(StrBuf *out, Str text, Pos pos)
{
    Str line;
    if (pos.line == 0 || pos.col == 0 || !find_line(text, pos.line, &line) || line.len > LONGEST_LINE ||
        pos.col > line.len + 1)
        return false;
    strbuf_addf(out, "  " STR_FMT "\n  ", STR_ARG(line));
    size_t at = 0;
    for (unsigned col = 1; col < pos.col && at < line.len;
         col++) /* a tab stays one: it is as wide as above */
        strbuf_addc(out, utf8_next(line, &at) == '\t' ? '\t' : ' ');
    if (pos.col > line.len)
        for (unsigned col = (unsigned)line.len + 1; col < pos.col; col++)
            strbuf_addc(out, ' ');
    strbuf_addc(out, '^');
    return true;
}
