/*
 * utf.c - UTF-8 text, seen as code points or as the UTF-16 code units that the dialect counts in.
 *
 * Text is almost always ASCII, so everything first runs over eight bytes at a time. A malformed sequence is
 * replaced by its longest valid beginning, as Java's decoder does: one U+FFFD for each.
 */
#include "core/str.h"

static const uint64_t high_bits = 0x8080808080808080ull;

/* How many bytes at the start of s, from `at` on, are ASCII. */
static size_t ascii_run(Str s, size_t at)
{
    size_t start = at;
    while (at + 8 <= s.len) {
        uint64_t word;
        memcpy(&word, s.ptr + at, 8);
        if (word & high_bits)
            break;
        at += 8;
    }
    while (at < s.len && (unsigned char)s.ptr[at] < 0x80)
        at++;
    return at - start;
}

bool str_is_ascii(Str s) { return ascii_run(s, 0) == s.len; }

/* Length of the sequence that a lead byte starts, and the range its second byte must be in; 0 for no lead
 * byte. */
static unsigned sequence_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low  = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80; /* shorter forms exist */
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF; /* surrogates; beyond U+10FFFF */
    return lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
}

/* Decodes one non-ASCII sequence; false when it is malformed, and then *at is behind its valid beginning. */
static bool decode(Str s, size_t *at, uint32_t *cp)
{
    unsigned char low, high, lead = (unsigned char)s.ptr[(*at)++];
    unsigned      length = sequence_length(lead, &low, &high);
    if (length == 0)
        return false;
    *cp = lead & (0x7Fu >> length);
    for (unsigned i = 1; i < length; i++) {
        unsigned char c = *at < s.len ? (unsigned char)s.ptr[*at] : 0;
        if (c < low || c > high)
            return false;
        *cp = *cp << 6 | (c & 0x3F);
        ++*at;
        low  = 0x80;
        high = 0xBF;
    }
    return true;
}

uint32_t utf8_next(Str s, size_t *at)
{
    uint32_t cp;
    if ((unsigned char)s.ptr[*at] < 0x80)
        return (unsigned char)s.ptr[(*at)++];
    return decode(s, at, &cp) ? cp : 0xFFFD;
}

size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp >= 0x110000 || (cp >= 0xD800 && cp < 0xE000))
        cp = 0xFFFD; /* a lone surrogate has no UTF-8 */
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* Length of the valid text at the start of s. */
static size_t valid_prefix(Str s)
{
    size_t at = 0;
    for (;;) {
        uint32_t cp;
        at += ascii_run(s, at);
        size_t start = at;
        if (at == s.len || !decode(s, &at, &cp))
            return start;
    }
}

bool utf8_valid(Str s) { return valid_prefix(s) == s.len; }

Str utf8_repair(Arena *arena, Str s)
{
    size_t at = valid_prefix(s);
    if (at == s.len)
        return s;
    char *out =
        arena_alloc(arena, at + (s.len - at) * 3); /* U+FFFD takes three bytes, at worst for each byte */
    size_t len = at;
    if (at > 0)
        memcpy(out, s.ptr, at);
    while (at < s.len)
        len += utf8_put(utf8_next(s, &at), out + len);
    return (Str){out, len};
}

size_t utf16_length(Str utf8)
{
    size_t units = 0, at = 0;
    for (;;) {
        size_t run = ascii_run(utf8, at);
        units += run;
        at += run;
        if (at == utf8.len)
            return units;
        units += utf8_next(utf8, &at) >= 0x10000 ? 2 : 1;
    }
}

int utf16_compare(Str a, Str b)
{
    size_t common = a.len < b.len ? a.len : b.len, i = 0;
    while (i + 8 <= common && memcmp(a.ptr + i, b.ptr + i, 8) == 0)
        i += 8;
    while (i < common && a.ptr[i] == b.ptr[i])
        i++;
    if (i == common)
        return (a.len > b.len) - (a.len < b.len);
    unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
    /* UTF-8 sorts by code point. Only this differs: supplementary characters (lead F0 and up) are surrogates
     * in UTF-16, below U+E000..U+FFFF (leads EE and EF). */
    if (x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0))
        return x >= 0xF0 ? -1 : 1;
    return x < y ? -1 : 1;
}
