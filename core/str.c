/*
 * str.c - text as pointer and length: comparing, copying, hashing; and StrBuf, the buffer that text is built
 * in.
 *
 * Nothing here looks inside a character: see utf.c for what depends on the encoding.
 */
#include "core/str.h"

#include <stdio.h>

static inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

bool str_equal_nocase(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool str_starts_with(Str s, Str prefix)
{
    return s.len >= prefix.len && str_equal(str_n(s.ptr, prefix.len), prefix);
}

bool str_ends_with(Str s, Str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || str_equal(str_n(s.ptr + s.len - suffix.len, suffix.len), suffix));
}

int str_compare(Str a, Str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int    order  = common ? memcmp(a.ptr, b.ptr, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t str_find(Str s, Str needle, size_t from)
{
    if (from > s.len)
        return -1;
    if (needle.len == 0)
        return (ptrdiff_t)from;
    if (needle.len > s.len - from)
        return -1;
    const char *found = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return found ? found - s.ptr : -1;
}

Str str_trim(Str s)
{
    while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ') {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

/* The two halves of a 64 x 64 bit product, folded: the mixing step of wyhash. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t read_u64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t read_u32(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

uint64_t str_hash(Str s)
{
    /* wyhash's default secret (_wyp), of Wang Yi's program in the public domain: numbers without structure.
     */
    const uint64_t k0 = 0xa0761d6478bd642full, k1 = 0xe7037ed1a0b428dbull, k2 = 0x8ebc6af09c88c6e3ull;
    const char    *p   = s.ptr;
    size_t         len = s.len;
    uint64_t       a = 0, b = 0, hash = k0 ^ s.len;
    if (len >= 8) {
        for (; len > 16; p += 16, len -= 16)
            hash = hash_mix(read_u64(p) ^ k1, read_u64(p + 8) ^ hash);
        if (s.len >= 16) { /* the last 16 bytes, overlapping what was read before */
            a = read_u64(p + len - 16);
            b = read_u64(p + len - 8);
        } else {
            a = read_u64(p);
            b = read_u64(p + len - 8);
        }
    } else if (len >= 4) {
        a = read_u32(p);
        b = read_u32(p + len - 4);
    } else if (len > 0) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[len / 2] << 8 |
            (unsigned char)p[len - 1];
    }
    return hash_mix(k1 ^ s.len, hash_mix(a ^ k2, b ^ hash));
}

Str str_dup(Arena *arena, Str s) { return (Str){str_to_c(arena, s), s.len}; }

char *str_to_c(Arena *arena, Str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *str_to_heap(Str s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

Str str_upper(Arena *arena, Str s)
{
    char *copy = str_to_c(arena, s);
    for (size_t i = 0; i < s.len; i++)
        if (copy[i] >= 'a' && copy[i] <= 'z')
            copy[i] = (char)(copy[i] - 0x20);
    return (Str){copy, s.len};
}

Str str_printf(Arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int   len  = vsnprintf(NULL, 0, fmt, args);
    char *text = arena_alloc(arena, (size_t)(len < 0 ? 0 : len) + 1);
    text[0]    = '\0';
    if (len > 0)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return (Str){text, (size_t)(len < 0 ? 0 : len)};
}

size_t str_distance(Str a, Str b)
{
    enum { NAME_MAX_LEN = 255 }; /* it is for names: beyond, texts count as wholly different */
    size_t row[NAME_MAX_LEN + 1];
    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return str_equal(a, b) ? 0 : a.len > b.len ? a.len : b.len;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replace = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            size_t best    = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal       = row[j];
            row[j]         = replace < best ? replace : best;
        }
    }
    return row[b.len];
}

void strbuf_clear(StrBuf *buf)
{
    mem_free(buf->ptr);
    *buf = (StrBuf){0};
}

void strbuf_reset(StrBuf *buf) { buf->len = 0; }

void strbuf_reserve(StrBuf *buf, size_t more)
{
    if (more <= buf->capacity - buf->len)
        return;
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity + buf->capacity / 2;
    if (capacity - buf->len < more)
        capacity = more < SIZE_MAX - buf->len ? buf->len + more : SIZE_MAX; /* SIZE_MAX: refused below */
    buf->ptr      = mem_realloc(buf->ptr, capacity);
    buf->capacity = capacity;
}

void strbuf_add(StrBuf *buf, Str s)
{
    if (s.len == 0)
        return;
    strbuf_reserve(buf, s.len);
    memcpy(buf->ptr + buf->len, s.ptr, s.len);
    buf->len += s.len;
}

void strbuf_addc(StrBuf *buf, char c)
{
    strbuf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
}

void strbuf_adds(StrBuf *buf, const char *text) { strbuf_add(buf, str_c(text)); }

void strbuf_add_quoted(StrBuf *buf, Str text, char quote)
{
    strbuf_addc(buf, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            strbuf_addc(buf, quote);
        strbuf_addc(buf, text.ptr[i]);
    }
    strbuf_addc(buf, quote);
}

void strbuf_addf(StrBuf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    strbuf_reserve(buf, 64);
    int len = vsnprintf(buf->ptr + buf->len, buf->capacity - buf->len, fmt, args);
    if (len > 0 && (size_t)len >= buf->capacity - buf->len) {
        strbuf_reserve(buf, (size_t)len + 1);
        vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, again);
    }
    if (len > 0)
        buf->len += (size_t)len;
    va_end(again);
    va_end(args);
}
