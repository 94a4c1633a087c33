/*
 * bench_json.c - how many page-view records a second one core decodes from JSON and encodes to JSON.
 *
 *   bench_json [RECORDS]
 *
 * Records are flat objects of 8 fields and about 215 bytes, of which 4 fields are wanted: the load of the
 * published comparisons. Memory for all of them would measure the memory, so a few thousand are used over and
 * over.
 */
#include <inttypes.h>

#include "serde/serde.h"

enum { DISTINCT = 4096, BATCH = 1024 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_records(Arena *arena, Str *records)
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

static void describe(Arena *arena, SerdeSpec *spec, const Wanted *const *wanted)
{
    const SqlType *types[] = {&type_bigint, &type_string,  &type_string,
                              &type_string, &type_integer, type_decimal_unchecked(arena, 6, 2),
                              &type_string, &type_string};
    Column        *columns = ARENA_ARRAY(arena, Column, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        columns[i] = (Column){.name = str_c(names[i]), .type = types[i], .role = COLUMN_VALUE};
    *spec = (SerdeSpec){.format  = {.format = format_find(STR_LIT("JSON")), .delimiter = STR_NULL},
                        .side    = SIDE_VALUE,
                        .topic   = STR_LIT("pageviews"),
                        .columns = columns,
                        .count   = ARRAY_LEN(names),
                        .wanted  = wanted};
}

static void report(const char *what, size_t records, size_t bytes, double took)
{
    printf("%-16s %6.2f M records/s  %7.0f MB/s\n", what, (double)records / took / 1e6,
           (double)bytes / took / 1e6);
}

static Status run_decode(const char *what, const Wanted *const *wanted, const Str *records, size_t total,
                         Error *err)
{
    Arena    *query = arena_new(0), *batch = arena_new(0);
    SerdeSpec spec;
    Decoder  *decoder;
    size_t    bytes = 0;
    describe(query, &spec, wanted);
    TRY(decoder_open(&spec, query, &decoder, err));
    double start = seconds();
    for (size_t i = 0; i < total; i++) {
        if (i % BATCH == 0)
            arena_reset(batch);
        Value *row = arena_alloc(batch, spec.count * sizeof *row);
        TRY(decoder_decode(decoder, records[i % DISTINCT], batch, row, err));
        bytes += records[i % DISTINCT].len;
    }
    report(what, total, bytes, seconds() - start);
    decoder_close(decoder);
    arena_free(batch);
    arena_free(query);
    return OK;
}

static Status run_encode(const char *what, size_t columns, const Str *records, size_t total, Error *err)
{
    Arena    *query = arena_new(0), *batch = arena_new(0);
    SerdeSpec spec;
    Decoder  *decoder;
    Encoder  *encoder;
    size_t    bytes = 0;
    describe(query, &spec, NULL);
    Value *rows = arena_alloc(query, DISTINCT * spec.count * sizeof *rows);
    TRY(decoder_open(&spec, query, &decoder, err));
    for (size_t i = 0; i < DISTINCT; i++)
        TRY(decoder_decode(decoder, records[i], query, rows + i * spec.count, err));
    size_t stride = spec.count;
    spec.count    = columns;
    TRY(encoder_open(&spec, query, &encoder, err));
    double start = seconds();
    for (size_t i = 0; i < total; i++) {
        Str out;
        if (i % BATCH == 0)
            arena_reset(batch);
        TRY(encoder_encode(encoder, rows + i % DISTINCT * stride, batch, &out, err));
        bytes += out.len;
    }
    report(what, total, bytes, seconds() - start);
    encoder_close(encoder);
    decoder_close(decoder);
    arena_free(batch);
    arena_free(query);
    return OK;
}

static Status run(size_t total, Error *err)
{
    static const Wanted        none    = {.none = true};
    static const Wanted *const four[]  = {&none, NULL, NULL, NULL, &none, NULL, &none, &none};
    Arena                     *arena   = arena_new(0);
    Str                       *records = ARENA_ARRAY(arena, Str, DISTINCT);
    make_records(arena, records);
    TRY(run_decode("decode 4 of 8", four, records, total, err));
    TRY(run_decode("decode 8 of 8", NULL, records, total, err));
    TRY(run_encode("encode 4", 4, records, total, err));
    TRY(run_encode("encode 8", 8, records, total, err));
    arena_free(arena);
    return OK;
}

int main(int argc, char **argv)
{
    Error  err;
    size_t total = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 5000000;
    if (run(total, &err) == OK)
        return 0;
    fprintf(stderr, "bench_json: %s\n", err.message);
    return 1;
}
