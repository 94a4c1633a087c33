/*
 * clock.h - time and randomness come through here, so that tests can give them.
 */
#ifndef SLUICE_CORE_CLOCK_H
#define SLUICE_CORE_CLOCK_H

#include <stdint.h>

typedef struct Clock Clock;
struct Clock {
    int64_t (*now_ms)(Clock *clock);       /* wall clock, ms since the epoch */
    int64_t (*monotonic_us)(Clock *clock); /* for intervals and time-outs */
    int64_t (*monotonic_ns)(Clock *clock); /* for what is measured */
    uint64_t (*random)(Clock *clock);      /* 64 random bits. Thread: any */
    int64_t  virtual_ms;                   /* of a virtual clock: what now_ms answers; set by the test */
    uint64_t seed;
};

/* The machine's clock and random numbers. Thread: any. */
Clock *clock_system(void);
/* A clock that stands at `ms` until the caller changes virtual_ms; random numbers follow from the seed. */
void clock_init_virtual(Clock *clock, int64_t ms, uint64_t seed);

#endif
