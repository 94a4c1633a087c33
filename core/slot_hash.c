/*
 * slot_hash.c - see slot_hash.h. Words are little-endian, whatever the machine's order: the value is written
 * down.
 */
#include "core/slot_hash.h"

/* wyhash's default secret, the first three of its words (_wyp). */
static const uint64_t SECRET_0 = UINT64_C(0xa0761d6478bd642f);
static const uint64_t SECRET_1 = UINT64_C(0xe7037ed1a0b428db);
static const uint64_t SECRET_2 = UINT64_C(0x8ebc6af09c88c6e3);

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const char *p, size_t bytes)
{
    uint64_t out = 0;
    for (size_t i = bytes; i-- > 0;)
        out = out << 8 | (unsigned char)p[i];
    return out;
}

uint64_t slot_hash(Str text)
{
    const char *p   = text.ptr;
    size_t      len = text.len;
    uint64_t    a = 0, b = 0, hash = SECRET_0 ^ text.len;
    for (; len > 16; p += 16, len -= 16)
        hash = mix(word(p, 8) ^ SECRET_1, word(p + 8, 8) ^ hash);
    if (text.len >= 16) { /* the last 16 bytes, overlapping what was taken before */
        a = word(p + len - 16, 8);
        b = word(p + len - 8, 8);
    } else if (len >= 8) {
        a = word(p, 8);
        b = word(p + len - 8, 8);
    } else if (len >= 4) {
        a = word(p, 4);
        b = word(p + len - 4, 4);
    } else if (len > 0) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[len / 2] << 8 |
            (unsigned char)p[len - 1];
    }
    return mix(SECRET_1 ^ text.len, mix(a ^ SECRET_2, b ^ hash));
}
