/*
 * fault_alloc.c - the wrapped allocator, and SQLite's.
 */
#include "fault_alloc.h"

#include <sqlite3.h>

#include "core/mem.h"

static Fault *_Atomic arena_fault, *_Atomic sqlite_fault;

void *__real_arena_try_alloc(Arena *arena, size_t size, Error *err);
void *__wrap_arena_try_alloc(Arena *arena, size_t size, Error *err);

void *__wrap_arena_try_alloc(Arena *arena, size_t size, Error *err)
{
    if (!fault_here(atomic_load(&arena_fault)))
        return __real_arena_try_alloc(arena, size, err);
    error_set(err, E_LIMIT, NO_POS, "Value too large: %zu bytes were refused by a test", size);
    return NULL;
}

void fault_alloc_watch(Fault *fault) { atomic_store(&arena_fault, fault); }

/* ---- SQLite ---- */

static sqlite3_mem_methods real;

static void *refusing_malloc(int size)
{
    return fault_here(atomic_load(&sqlite_fault)) ? NULL : real.xMalloc(size);
}

static void *refusing_realloc(void *old, int size)
{
    return fault_here(atomic_load(&sqlite_fault)) ? NULL : real.xRealloc(old, size);
}

bool fault_sqlite_memory_install(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
        return false;
    sqlite3_mem_methods refusing = real;
    refusing.xMalloc             = refusing_malloc;
    refusing.xRealloc            = refusing_realloc;
    /* Look-aside memory would answer most small requests before they come here. */
    return sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK &&
           sqlite3_config(SQLITE_CONFIG_MALLOC, &refusing) == SQLITE_OK;
}

void fault_sqlite_memory_watch(Fault *fault) { atomic_store(&sqlite_fault, fault); }
