/*
 * str.h - text and bytes as pointer and length, and a buffer to build them in.
 *
 * A Str may hold NUL and need not end in one. ptr == NULL is "no text" (an absent key, say), which is not the
 * empty text. C strings appear only at the edge of a library.
 */
#ifndef SLUICE_CORE_STR_H
#define SLUICE_CORE_STR_H

#include <string.h>

#include "core/mem.h"

typedef struct {
    const char *ptr;
    size_t      len;
} Str;

#define STR_NULL ((Str){NULL, 0})
#define STR_LIT(s) ((Str){(s), sizeof(s) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

static inline Str  str_c(const char *text) { return (Str){text, text ? strlen(text) : 0}; }
static inline Str  str_n(const char *ptr, size_t len) { return (Str){ptr, len}; }
static inline bool str_is_null(Str s) { return s.ptr == NULL; }

static inline bool str_equal(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_equal_nocase(Str a, Str b); /* ASCII only */
bool str_starts_with(Str s, Str prefix);
bool str_ends_with(Str s, Str suffix);
/* Bytewise order, a shorter prefix first. */
int str_compare(Str a, Str b);
/* Position of the first `needle` at or after `from`, or -1. */
ptrdiff_t str_find(Str s, Str needle, size_t from);
Str       str_trim(Str s); /* without bytes <= 0x20 at both ends, as Java trims */
/* 64-bit hash for tables in memory. Not to be written down: that is slot_hash's (core/slot_hash.h). */
uint64_t str_hash(Str s);

/* Copies. The result of str_dup ends in a NUL that len does not count. */
Str   str_dup(Arena *arena, Str s);
char *str_to_c(Arena *arena, Str s);
Str   str_upper(Arena *arena, Str s); /* ASCII only, as identifiers are folded */
Str   str_printf(Arena *arena, const char *fmt, ...) SL_PRINTF(2, 3);
char *str_to_heap(Str s);

/* Edit distance, for "did you mean" (suggest.h). */
size_t str_distance(Str a, Str b);

/* A growing byte buffer on the heap. Zeroed is empty and valid; strbuf_clear frees it. */
typedef struct {
    char  *ptr;
    size_t len, capacity;
} StrBuf;

void strbuf_clear(StrBuf *buf);
void strbuf_reset(StrBuf *buf); /* empties it, keeps the memory */
void strbuf_reserve(StrBuf *buf, size_t more);
void strbuf_add(StrBuf *buf, Str s);
void strbuf_addc(StrBuf *buf, char c);
void strbuf_adds(StrBuf *buf, const char *text);
/* The text between quotes, those inside doubled: SQL's and CSV's way. */
void              strbuf_add_quoted(StrBuf *buf, Str text, char quote);
void              strbuf_addf(StrBuf *buf, const char *fmt, ...) SL_PRINTF(2, 3);
static inline Str strbuf_str(const StrBuf *buf) { return (Str){buf->ptr ? buf->ptr : "", buf->len}; }

/* UTF-8 and UTF-16. The dialect counts text in UTF-16 code units (functions.md 1.3). */
size_t utf16_length(Str utf8);
bool   str_is_ascii(Str s);
bool   utf8_valid(Str s);
/* Copy in which every malformed sequence is U+FFFD. Returns s itself when it is valid. */
Str utf8_repair(Arena *arena, Str s);
/* Order by UTF-16 code unit. */
int utf16_compare(Str a, Str b);
/* Decodes the code point at *at (which must be < s.len) and moves *at behind it; U+FFFD when malformed. */
uint32_t utf8_next(Str s, size_t *at);
/* Writes a code point as UTF-8 (4 bytes at most); returns how many bytes. */
size_t utf8_put(uint32_t cp, char out[4]);

/* Base64, standard alphabet. Decoding is strict (padding right, nothing else in it). */
Str    base64_encode(Arena *arena, Str bytes);
Status base64_decode(Arena *arena, Str text, Str *out, Error *err);
/* What a digit stands for, 0 to 63; -1 when it is none. */
int base64_digit(char c);

#endif
