/*
 * width.c - columns on a terminal by Unicode's East Asian Width and general category (ICU); wcwidth would
 * depend on the locale.
 */
#include "core/width.h"

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

enum { JOINER = 0x200D, EMOJI_VARIANT = 0xFE0F };

static bool is_regional(uint32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }

/* Is `c` drawn into the picture before it: joined by a ZWJ, a colour of skin, the second letter of a flag? */
static bool continues(uint32_t before, uint32_t c, bool half_flag)
{
    return before == JOINER || (c >= 0x1F3FB && c <= 0x1F3FF) || (half_flag && is_regional(c));
}

/* Moves *at behind what takes one place on the screen, with all that is drawn into it, and tells its width.
 */
static size_t width_cluster(Str text, size_t *at)
{
    uint32_t before    = utf8_next(text, at), c;
    size_t   width     = (size_t)width_of(before), next;
    bool     half_flag = is_regional(before), emoji = width == 2;
    if (half_flag)
        width = 2;
    while ((next = *at) < text.len) {
        c = utf8_next(text, &next);
        if (c == EMOJI_VARIANT)
            width = width > 0 ? 2 : 0; /* the character before it as a picture */
        else if (!(emoji || half_flag || before == EMOJI_VARIANT || before == JOINER) ||
                 !continues(before, c, half_flag)) {
            if (width_of(c) > 0)
                break;
        } else {
            half_flag = false;
        }
        before = c;
        *at    = next;
    }
    return width;
}

size_t width_text(Str text)
{
    if (str_is_ascii(text))
        return text.len;
    size_t width = 0;
    for (size_t at = 0; at < text.len;)
        width += width_cluster(text, &at);
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
        used += width_cluster(text, &next);
        if (used > width)
            break;
    }
    return at;
}
