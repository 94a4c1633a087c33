/*
 * store_prefix.c - keys of two parts, and rows found by the first: who refers to a row of another table.
 *
 * A key is the length of its first part (four bytes, big-endian), that part, and the rest; so keys of one
 * first part stand together, and none is taken for another's. In the cache they form a group as the windows
 * of a key do (store_cache.h); once a group was read from the file it is complete until one of its rows is
 * evicted.
 */
#include <assert.h>

#include "state/store_cache.h"

enum { LENGTH_SIZE = 4 };

static void put_length(char *at, size_t n)
{
    for (int i = 0; i < LENGTH_SIZE; i++)
        at[i] = (char)(n >> (24 - 8 * i));
}

Str store_prefix_key(Str first, Str rest, Arena *arena)
{
    char *bytes = arena_alloc(arena, LENGTH_SIZE + first.len + rest.len);
    assert(first.len <= INT32_MAX); /* a record's key is shorter */
    put_length(bytes, first.len);
    if (first.len > 0)
        memcpy(bytes + LENGTH_SIZE, first.ptr, first.len);
    if (rest.len > 0)
        memcpy(bytes + LENGTH_SIZE + first.len, rest.ptr, rest.len);
    return str_n(bytes, LENGTH_SIZE + first.len + rest.len);
}

Str store_prefix(Str first, Arena *arena) { return store_prefix_key(first, str_n("", 0), arena); }

Str store_prefix_of(Str key)
{
    size_t len = 0;
    if (key.len < LENGTH_SIZE)
        return STR_NULL;
    for (int i = 0; i < LENGTH_SIZE; i++)
        len = len << 8 | (unsigned char)key.ptr[i];
    return len <= key.len - LENGTH_SIZE ? str_n(key.ptr, LENGTH_SIZE + len) : STR_NULL;
}

/* The prefix with its last byte one higher; 0xff carries. The length in front is never 0xffffffff, so there
 * is always something to raise. */
Str store_prefix_end(Str prefix, Arena *arena)
{
    char  *end = arena_alloc(arena, prefix.len);
    size_t len = prefix.len;
    memcpy(end, prefix.ptr, len);
    while ((unsigned char)end[len - 1] == 0xff)
        len--;
    end[len - 1]++;
    return str_n(end, len);
}
