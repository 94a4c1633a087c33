/*
 * page_views.h - the records that the benchmarks of formats share: flat objects of 8 fields and about 215
 * bytes of JSON, of which 4 fields are wanted: the load of the published comparisons.
 *
 * Memory for all of them would measure the memory, so a few thousand are used over and over.
 */
#ifndef SLUICE_BENCH_PAGE_VIEWS_H
#define SLUICE_BENCH_PAGE_VIEWS_H

#include <inttypes.h>
#include <time.h>

#include "serde/serde.h"

enum { DISTINCT = 4096, BATCH = 1024 };

static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void make_records(Arena *arena, Str *records)
{
    uint64_t dice = 1;
    for (size_t i = 0; i < DISTINCT; i++) {
        dice       = dice * 6364136223846793005u + 1442695040888963407u;
        uint64_t x = dice >> 16;
        records[i] = str_printf(
            arena,
            "{\"viewtime\":%" PRId64
            ",\"userid\":\"User_%d\",\"pageid\":\"Page_%d\",\"region\":\"Region_%d\","
            "\"duration_ms\":%d,\"price\":%d.%02d,\"referrer\":\"https://site-%d.example/\","
            "\"agent\":\"Mozilla/5.0 (X11; Linux x86_64) rv:%d\"}",
            (int64_t)1700000040000 + (int64_t)i, (int)(x % 10000), (int)(x >> 8) % 1000 & 1023, (int)(x % 10),
            (int)(x % 60000), (int)(x % 100), (int)(x >> 9 & 63), (int)(x % 1000), (int)(x % 100));
    }
}

static const char *const names[] = {"VIEWTIME",    "USERID", "PAGEID",   "REGION",
                                    "DURATION_MS", "PRICE",  "REFERRER", "AGENT"};

static inline void describe(Arena *arena, SerdeSpec *spec, Str format, const Wanted *const *wanted)
{
    const SqlType *types[] = {&type_bigint, &type_string,  &type_string,
                              &type_string, &type_integer, type_decimal_unchecked(arena, 6, 2),
                              &type_string, &type_string};
    Column        *columns = ARENA_ARRAY(arena, Column, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        columns[i] = (Column){.name = str_c(names[i]), .type = types[i], .role = COLUMN_VALUE};
    *spec = (SerdeSpec){.format  = {.format = format_find(format), .delimiter = STR_NULL},
                        .side    = SIDE_VALUE,
                        .topic   = STR_LIT("pageviews"),
                        .columns = columns,
                        .count   = ARRAY_LEN(names),
                        .wanted  = wanted};
}

#endif
