/*
 * fault_alloc.h - allocations that may be refused, refused.
 *
 * Two kinds of memory may be refused (core/mem.h): what arena_try_alloc hands out, whose size the data chose,
 * and what SQLite takes for itself. Everything else has a size that the program chose, and running out of it
 * ends the process. The first is caught by the linker (--wrap=arena_try_alloc), so that the product has no
 * hook for it; the second by SQLITE_CONFIG_MALLOC, with a table of functions that it has for that.
 */
#ifndef SLUICE_TESTS_FAULT_ALLOC_H
#define SLUICE_TESTS_FAULT_ALLOC_H

#include "fault.h"

/* From now on the chances of `fault` are the calls of arena_try_alloc, which fails with E_LIMIT; NULL: none.
 */
void fault_alloc_watch(Fault *fault);

/* Before the first use of SQLite. Returns false when it was used already. */
bool fault_sqlite_memory_install(void);
/* From now on the chances of `fault` are SQLite's allocations; NULL: none. */
void fault_sqlite_memory_watch(Fault *fault);

#endif
