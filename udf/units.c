/*
 * units.c - UTF-8 to UTF-16 units and back.
 */
#include "udf/units.h"

bool units_are_narrow(const SqlType *type, Str a, Str b)
{
    return type->kind == T_BYTES || (str_is_ascii(a) && str_is_ascii(b));
}

Status units_open(Str text, bool narrow, Arena *arena, Units *out, Error *err)
{
    *out = (Units){text.ptr, text.len, 1};
    if (narrow)
        return OK;
    uint16_t *units = arena_try_alloc(arena, (text.len + 1) * sizeof *units, err);
    size_t    at = 0, count = 0;
    if (units == NULL)
        return E_LIMIT;
    while (at < text.len) {
        uint32_t cp = utf8_next(text, &at);
        if (cp >= 0x10000) {
            units[count++] = (uint16_t)(0xD800 + ((cp - 0x10000) >> 10));
            units[count++] = (uint16_t)(0xDC00 + ((cp - 0x10000) & 0x3FF));
        } else {
            units[count++] = (uint16_t)cp;
        }
    }
    *out = (Units){(const char *)units, count, 2};
    return OK;
}

uint16_t units_at(Units units, size_t i)
{
    return units.width == 1 ? (unsigned char)units.ptr[i] : ((const uint16_t *)(const void *)units.ptr)[i];
}

Status units_value(Units units, size_t from, size_t count, Arena *arena, Value *out, Error *err)
{
    *out = value_string(units.ptr + from * units.width, count);
    if (units.width == 1)
        return OK;
    char  *text = arena_try_alloc(arena, count * 3 + 1, err);
    size_t len  = 0;
    if (text == NULL)
        return E_LIMIT;
    for (size_t i = from; i < from + count; i++) {
        uint32_t cp = units_at(units, i);
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            uint32_t low  = cp < 0xDC00 && i + 1 < from + count ? units_at(units, i + 1) : 0;
            bool     pair = low >= 0xDC00 && low <= 0xDFFF;
            cp            = pair ? 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            i += pair;
        }
        len += utf8_put(cp, text + len);
    }
    *out = value_string(text, len);
    return OK;
}
