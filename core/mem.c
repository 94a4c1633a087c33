/*
 * mem.c - heap and arenas.
 *
 * An arena is a list of chunks in which a pointer moves forward. Requests that would waste most of a chunk
 * get a block of their own. A reset frees those blocks and rewinds the chunks, so that an arena reset after
 * every batch soon stops calling malloc; beyond KEEP_MAX chunks are freed, since a thousand queries hold a
 * thousand batch arenas.
 *
 * Under AddressSanitizer everything not handed out is poisoned: using a value after its batch is found by the
 * tests.
 */
#include "core/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, size) ASAN_POISON_MEMORY_REGION((ptr), (size))
#define UNPOISON(ptr, size) ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
#define POISON(ptr, size) ((void)0)
#define UNPOISON(ptr, size) ((void)0)
#endif

enum {
    ALIGNMENT = 16,
    CHUNK_MIN = 4 * 1024, /* most arenas are those of small statements */
    CHUNK_MAX = 1024 * 1024,
    KEEP_MAX  = 4 * 1024 * 1024,
};

static const size_t default_limit = (size_t)256 * 1024 * 1024;

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "sluice: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *mem_calloc(size_t n, size_t size)
{
    void *ptr = calloc(n ? n : 1, size ? size : 1); /* checks the product itself */
    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *mem_realloc(void *old, size_t size)
{
    void *ptr = realloc(old, size ? size : 1);
    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

void mem_free(void *ptr) { free(ptr); }

bool size_multiply(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

typedef struct Chunk Chunk;
struct Chunk {
    Chunk *next;
    size_t size; /* of data */
    alignas(ALIGNMENT) char data[];
};

struct Arena {
    char  *at, *end;  /* what is free in `current` */
    Chunk *first;     /* chunks in the order they are filled */
    Chunk *current;   /* NULL: none yet */
    Chunk *blocks;    /* big requests, each alone */
    size_t full_used; /* bytes handed out from the chunks before `current`, and from blocks */
    size_t limit;
};

Arena *arena_new(size_t limit)
{
    Arena *arena = mem_calloc(1, sizeof *arena);
    arena->limit = limit ? limit : default_limit;
    return arena;
}

static Chunk *chunk_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(Chunk))
        out_of_memory(size);
    Chunk *chunk = mem_alloc(sizeof *chunk + size);
    chunk->next  = NULL;
    chunk->size  = size;
    POISON(chunk->data, size);
    return chunk;
}

static void chunks_free(Chunk *chunk)
{
    while (chunk != NULL) {
        Chunk *next = chunk->next;
        UNPOISON(chunk->data, chunk->size);
        mem_free(chunk);
        chunk = next;
    }
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    chunks_free(arena->first);
    chunks_free(arena->blocks);
    mem_free(arena);
}

static void arena_enter(Arena *arena, Chunk *chunk)
{
    arena->current = chunk;
    arena->at      = chunk->data;
    arena->end     = chunk->data + chunk->size;
}

void arena_reset(Arena *arena)
{
    chunks_free(arena->blocks);
    arena->blocks    = NULL;
    arena->full_used = 0;
    if (arena->first == NULL)
        return;
    Chunk *chunk = arena->first;
    for (size_t kept = chunk->size;; kept += chunk->size) {
        POISON(chunk->data, chunk->size);
        if (chunk->next == NULL || kept + chunk->next->size > KEEP_MAX)
            break;
        chunk = chunk->next;
    }
    chunks_free(chunk->next);
    chunk->next = NULL;
    arena_enter(arena, arena->first);
}

size_t arena_used(const Arena *arena)
{
    return arena->full_used + (arena->current ? (size_t)(arena->at - arena->current->data) : 0);
}

/* Makes a following chunk current. Each is twice the one before, up to CHUNK_MAX. */
static void arena_advance(Arena *arena, size_t need)
{
    Chunk *last = arena->current;
    if (last == NULL) {
        size_t size  = need > CHUNK_MIN ? need : CHUNK_MIN;
        arena->first = chunk_new(size);
        arena_enter(arena, arena->first);
        return;
    }
    arena->full_used += (size_t)(arena->at - last->data);
    if (last->next == NULL || last->next->size < need) {
        size_t size  = last->size * 2 < CHUNK_MAX ? last->size * 2 : CHUNK_MAX;
        Chunk *chunk = chunk_new(size > need ? size : need);
        chunk->next  = last->next;
        last->next   = chunk;
    }
    arena_enter(arena, last->next);
}

static void *arena_alloc_slow(Arena *arena, size_t size)
{
    size_t chunk_size = arena->current ? arena->current->size : CHUNK_MIN;
    if (size > chunk_size / 4 && size > CHUNK_MIN / 2) {
        Chunk *block  = chunk_new(size);
        block->next   = arena->blocks;
        arena->blocks = block;
        arena->full_used += size;
        UNPOISON(block->data, size);
        return block->data;
    }
    arena_advance(arena, size);
    void *ptr = arena->at;
    arena->at += size;
    UNPOISON(ptr, size);
    return ptr;
}

void *arena_alloc(Arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        out_of_memory(size);
    size = ((size ? size : 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > (size_t)(arena->end - arena->at))
        return arena_alloc_slow(arena, size);
    void *ptr = arena->at;
    arena->at += size;
    UNPOISON(ptr, size);
    return ptr;
}

void *arena_calloc(Arena *arena, size_t n, size_t size)
{
    size_t total;
    if (!size_multiply(n, size, &total))
        out_of_memory(SIZE_MAX);
    return memset(arena_alloc(arena, total), 0, total);
}

void *arena_try_alloc(Arena *arena, size_t size, Error *err)
{
    size_t used = arena_used(arena);
    if (used > arena->limit || size > arena->limit - used) {
        error_set(err, E_LIMIT, NO_POS, "Value too large: %zu bytes wanted, limit is %zu bytes", size,
                  arena->limit);
        return NULL;
    }
    return arena_alloc(arena, size);
}
