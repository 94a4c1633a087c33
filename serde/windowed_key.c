/*
 * windowed_key.c - keys of windowed records: the inner key's bytes with the window's bounds behind them
 * (runtime.md 2.5).
 *
 * A time window carries its start alone, since its size is known; a session carries its end first, then its
 * start. Bounds are big-endian 64-bit integers, so keys of one inner key sort by time.
 */
#include "serde/serde.h"

enum { BOUND_SIZE = 8 };

static size_t bounds_size(WindowKeyKind kind)
{
    return kind == WINDOW_KEY_SESSION ? 2 * BOUND_SIZE : kind == WINDOW_KEY_TIME ? BOUND_SIZE : 0;
}

Str windowed_key_encode(Arena *arena, WindowKeyKind kind, Str inner, int64_t start, int64_t end)
{
    if (kind == WINDOW_KEY_NONE)
        return inner;
    size_t len = inner.len + bounds_size(kind);
    char  *key = arena_alloc(arena, len);
    char  *at  = key + inner.len;
    if (inner.len > 0)
        memcpy(key, inner.ptr, inner.len);
    if (kind == WINDOW_KEY_SESSION) {
        int64_put(end, at);
        at += BOUND_SIZE;
    }
    int64_put(start, at);
    return str_n(key, len);
}

bool windowed_key_split(WindowKeyKind kind, int64_t size_ms, Str key, Str *inner, int64_t *start,
                        int64_t *end)
{
    size_t bounds = bounds_size(kind);
    if (str_is_null(key) || key.len < bounds)
        return false;
    *inner = str_n(key.ptr, key.len - bounds);
    *start = *end  = 0;
    const char *at = key.ptr + inner->len;
    if (kind == WINDOW_KEY_SESSION) {
        *end   = int64_take(at);
        *start = int64_take(at + BOUND_SIZE);
    } else if (kind == WINDOW_KEY_TIME) {
        *start = int64_take(at);
        if (__builtin_add_overflow(*start, size_ms, end))
            *end = INT64_MAX;
    }
    return true;
}
