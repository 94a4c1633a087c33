/*
 * mem.h - memory: the heap for what lives as long as the server, arenas for everything else.
 *
 * Four lifetimes: server (heap), query arena, statement arena (freed with the reply), batch arena (reset
 * after each batch). An arena hands out memory that is never freed one by one. Arenas are arguments; there is
 * no "current" one. To keep a value longer, copy it into the longer arena.
 *
 * Running out of memory for sizes that the program chose ends the process (there is nothing sensible left to
 * do); for sizes that data chose, arena_try_alloc and its limit make it an error of that record.
 */
#ifndef SLUICE_CORE_MEM_H
#define SLUICE_CORE_MEM_H

#include <stddef.h>

#include "core/error.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Heap. Never return NULL; n * size is checked for overflow. mem_free(NULL) is allowed. */
void *mem_alloc(size_t size);
void *mem_calloc(size_t n, size_t size);
void *mem_realloc(void *old, size_t size);
char *mem_strdup(const char *text);
void  mem_free(void *ptr);

/* *out = a * b, or false when that overflows. */
bool size_multiply(size_t a, size_t b, size_t *out);

typedef struct Arena Arena;

/* An empty arena. `limit` bounds what arena_try_alloc may hand out in total, in bytes; 0 = the default (256
 * MiB). Thread: one at a time. */
Arena *arena_new(size_t limit);
void   arena_free(Arena *arena); /* accepts NULL */
/* Forgets everything handed out, and keeps some memory for the next round. */
void arena_reset(Arena *arena);
/* Bytes handed out since the last reset. */
size_t arena_used(const Arena *arena);

/* Memory aligned for any type, not zeroed; for sizes the program chose. Never NULL. */
void *arena_alloc(Arena *arena, size_t size);
void *arena_calloc(Arena *arena, size_t n, size_t size);
/* The same for sizes the data chose: NULL and E_LIMIT in err beyond the arena's limit. */
void *arena_try_alloc(Arena *arena, size_t size, Error *err);

#define ARENA_NEW(arena, Type) ((Type *)arena_calloc((arena), 1, sizeof(Type)))
#define ARENA_ARRAY(arena, Type, n) ((Type *)arena_calloc((arena), (n), sizeof(Type)))

#endif
