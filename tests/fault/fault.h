/*
 * fault.h - the n-th chance to fail is taken: what all fault tests count with, and how they sweep over n.
 *
 * A Fault stands at some seam of the engine (fault_alloc.h, fault_vfs.h, fault_log.h). Every call that could
 * fail there counts; the n-th does fail, and so do the `times - 1` after it. A scenario is run with n = 1, 2,
 * ... until a run passes with the fault untouched: then every chance was taken once. So no list of places has
 * to be kept, and new code is in the sweep from its first day.
 *
 * Thread: any; the counters are atomic, for writer threads and workers meet the same fault.
 */
#ifndef SLUICE_TESTS_FAULT_H
#define SLUICE_TESTS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/error.h"

typedef struct {
    _Atomic long left;  /* chances until it happens; 0 or less: none is left */
    _Atomic long times; /* how often it happens from then on */
    _Atomic long hits;  /* how often it has happened */
    int          code;  /* what fails with: a Status or a SQLite code, as the seam says */
} Fault;

/* The n-th chance from now on, and the times - 1 after it. */
static inline void fault_arm(Fault *fault, long n, long times, int code)
{
    fault->code = code;
    atomic_store(&fault->hits, 0);
    atomic_store(&fault->times, times);
    atomic_store(&fault->left, n);
}

static inline void fault_disarm(Fault *fault)
{
    atomic_store(&fault->times, 0);
    atomic_store(&fault->left, 0);
}

/* A chance: does this call fail? */
static inline bool fault_here(Fault *fault)
{
    if (fault == NULL || atomic_load(&fault->times) <= 0 || atomic_fetch_sub(&fault->left, 1) > 1)
        return false;
    if (atomic_fetch_sub(&fault->times, 1) <= 0)
        return false;
    atomic_fetch_add(&fault->hits, 1);
    return true;
}

/* Has it happened? If not, the sweep is over. */
static inline bool fault_was_hit(Fault *fault) { return atomic_load(&fault->hits) > 0; }

/* What a failure of the world may be told as. Anything else would be taken for a damaged file or a wrong
 * statement, and acted upon. */
static inline bool fault_is_of_the_world(Status status)
{
    return status == E_IO || status == E_BUSY || status == E_FULL || status == E_FENCED;
}

/* No scenario has more chances than this: beyond it a sweep does not end because something is retried for
 * ever. */
enum { FAULT_SWEEP_MAX = 5000 };

#endif
