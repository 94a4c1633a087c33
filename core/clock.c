/*
 * clock.c - the machine's clock and the tests' clock.
 */
#include "core/clock.h"

#include <sys/random.h>
#include <time.h>

static int64_t system_now_ms(Clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_monotonic_us(Clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_monotonic_ns(Clock *clock)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* splitmix64: a full-period walk over 64 bits, scrambled. */
static uint64_t scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static uint64_t system_random(Clock *clock)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits)
        return bits;
    return scramble((uint64_t)system_monotonic_us(clock) ^
                    (uint64_t)(uintptr_t)&bits); /* a sandbox without it */
}

Clock *clock_system(void)
{
    /* Never written to: not const only because the functions of a virtual clock change theirs. */
    static Clock clock = {system_now_ms, system_monotonic_us, system_monotonic_ns, system_random, 0, 0};
    return &clock;
}

static int64_t virtual_now_ms(Clock *clock) { return __atomic_load_n(&clock->virtual_ms, __ATOMIC_RELAXED); }

static int64_t virtual_monotonic_us(Clock *clock) { return virtual_now_ms(clock) * 1000; }

static int64_t virtual_monotonic_ns(Clock *clock) { return virtual_now_ms(clock) * 1000000; }

static uint64_t virtual_random(Clock *clock)
{
    return scramble(__atomic_add_fetch(&clock->seed, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED));
}

void clock_init_virtual(Clock *clock, int64_t ms, uint64_t seed)
{
    *clock = (Clock){virtual_now_ms, virtual_monotonic_us, virtual_monotonic_ns, virtual_random, ms, seed};
}
