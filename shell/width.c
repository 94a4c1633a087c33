/*
 * width.c - columns on a terminal by Unicode's East Asian Width and general category (ICU); wcwidth would
 * depend on the locale.
 */
#include "shell/width.h"

#include <unicode/uchar.h>

int width_of(uint32_t code_point)
{
    if (code_point < 0x300)
        return code_point == 0xAD ? 0 : 1;
    switch (u_charType((UChar32)code_point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
        return 0;
    default:
        break;
    }
    int32_t east_asian = u_getIntPropertyValue((UChar32)code_point, UCHAR_EAST_ASIAN_WIDTH);
    return east_asian == U_EA_WIDE || east_asian == U_EA_FULLWIDTH ? 2 : 1;
}

size_t width_text(Str text)
{
    if (str_is_ascii(text))
        return text.len;
    size_t width = 0;
    for (size_t at = 0; at < text.len;)
        width += (size_t)width_of(utf8_next(text, &at));
    return width;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

/* Direction marks turn the rest of a line around. */
static bool is_harmful(uint32_t c)
{
    return is_control(c) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_clean(Str text)
{
    for (size_t at = 0; at < text.len;)
        if (is_harmful(utf8_next(text, &at)))
            return false;
    return utf8_valid(text);
}

Str width_clean(Arena *arena, Str text)
{
    if (is_clean(text))
        return text;
    StrBuf out = {0};
    for (size_t at = 0; at < text.len;) {
        char     bytes[4];
        uint32_t c = utf8_next(text, &at);
        if (c == '\n')
            strbuf_adds(&out, "\\n");
        else if (c == '\t')
            strbuf_adds(&out, "\\t");
        else if (is_harmful(c))
            strbuf_addf(&out, "\\u%04x", (unsigned)c);
        else
            strbuf_add(&out, str_n(bytes, utf8_put(c, bytes)));
    }
    Str clean = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return clean;
}

size_t width_prefix(Str text, size_t width)
{
    size_t at = 0;
    for (size_t used = 0, next = 0; at < text.len; at = next) {
        used += (size_t)width_of(utf8_next(text, &next));
        if (used > width)
            break;
    }
    return at;
}
