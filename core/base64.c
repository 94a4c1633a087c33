/*
 * base64.c - BYTES as text: RFC 4648, standard alphabet, padded.
 *
 * Decoding is strict, since a lenient reader would turn damaged text into different bytes without a word.
 * Like Java's decoder it lets unpadded text pass and ignores the spare bits of the last character.
 */
#include "core/str.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Str base64_encode(Arena *arena, Str bytes)
{
    size_t len = (bytes.len + 2) / 3 * 4, at = 0;
    char  *out = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t   left  = bytes.len - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        if (left > 1)
            group |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (left > 2)
            group |= (unsigned char)bytes.ptr[i + 2];
        out[at++] = alphabet[group >> 18];
        out[at++] = alphabet[group >> 12 & 63];
        out[at++] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        out[at++] = left > 2 ? alphabet[group & 63] : '=';
    }
    out[at] = '\0';
    return (Str){out, len};
}

int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Takes the padding off; false when there is a wrong amount of it, or one digit too many. */
static bool strip_padding(Str *text)
{
    size_t padding = 0;
    while (padding < 2 && text->len > padding && text->ptr[text->len - 1 - padding] == '=')
        padding++;
    size_t digits = text->len - padding;
    if (digits % 4 == 1 || (padding > 0 && text->len % 4 != 0))
        return false;
    text->len = digits;
    return true;
}

Status base64_decode(Arena *arena, Str text, Str *out, Error *err)
{
    if (!strip_padding(&text))
        return error_set(err, E_DATA, NO_POS, "Invalid base64: wrong length or padding");
    size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0), at = 0;
    char  *bytes = arena_try_alloc(arena, len + 3, err);
    if (bytes == NULL)
        return E_LIMIT;
    uint32_t group = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return error_set(err, E_DATA, NO_POS, "Invalid base64: illegal character at %zu", i + 1);
        group = group << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            bytes[at++] = (char)(group >> 16);
            bytes[at++] = (char)(group >> 8);
            bytes[at++] = (char)group;
            group       = 0;
        }
    }
    if (text.len % 4 >= 2) {
        group <<= 6 * (4 - text.len % 4);
        bytes[at++] = (char)(group >> 16);
        if (text.len % 4 == 3)
            bytes[at++] = (char)(group >> 8);
    }
    *out = (Str){bytes, len};
    return OK;
}
