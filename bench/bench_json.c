/*
 * bench_json.c - how many page-view records a second one core decodes from JSON and encodes to JSON.
 *
 *   bench_json [RECORDS]
 *
 * The records are those of page_views.h.
 */
#include "bench/page_views.h"

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
    describe(query, &spec, STR_LIT("JSON"), wanted);
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
    describe(query, &spec, STR_LIT("JSON"), NULL);
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
