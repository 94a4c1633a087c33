/*
 * bench_formats.c - how many page-view records a second one core decodes and encodes in each format, beside
 * the same rows in JSON; and AVRO by avro-c's generic reader, where that is installed.
 *
 *   bench_formats [RECORDS]
 *
 * What counts is the ratio to JSON in the same run.
 */
#include "bench/page_views.h"
#include "serde/registry_memory.h"
#include "serde/schema_text.h"

#ifdef HAVE_AVRO_C
#include <avro.h>
#endif

typedef struct {
    Arena          *arena;
    SchemaRegistry *registry;
    Value          *rows; /* all 8 columns */
    Str            *json, *records;
    size_t          total;
    double          json_rates[3];
} Bench;

static const Wanted        none   = {.none = true};
static const Wanted *const four[] = {&none, NULL, NULL, NULL, &none, NULL, &none, &none};

static void report(Bench *b, const char *format, int which, double took, size_t bytes)
{
    static const char *const names[] = {"decode 4 of 8", "decode 8 of 8", "encode 8"};
    double                   rate    = (double)b->total / took / 1e6;
    if (strcmp(format, "JSON") == 0)
        b->json_rates[which] = rate;
    printf("%-14s %-14s %6.2f M records/s  %4zu bytes  %5.2f x JSON\n", format, names[which], rate,
           bytes / b->total, rate / b->json_rates[which]);
}

static Status decode_all(Bench *b, const char *format, int which, Error *err)
{
    Arena    *query = arena_new(0), *batch = arena_new(0);
    SerdeSpec spec;
    Decoder  *decoder;
    size_t    bytes = 0;
    describe(query, &spec, str_c(format), which == 0 ? four : NULL);
    spec.registry = b->registry;
    TRY(decoder_open(&spec, query, &decoder, err));
    double start = seconds();
    for (size_t i = 0; i < b->total; i++) {
        if (i % BATCH == 0)
            arena_reset(batch);
        Value *row = arena_alloc(batch, spec.count * sizeof *row);
        TRY(decoder_decode(decoder, b->records[i % DISTINCT], batch, row, err));
        bytes += b->records[i % DISTINCT].len;
    }
    report(b, format, which, seconds() - start, bytes);
    decoder_close(decoder);
    arena_free(batch);
    arena_free(query);
    return OK;
}

static Status encode_all(Bench *b, const char *format, Error *err)
{
    Arena    *query = arena_new(0), *batch = arena_new(0);
    SerdeSpec spec;
    Encoder  *encoder;
    size_t    bytes = 0;
    describe(query, &spec, str_c(format), NULL);
    spec.registry = b->registry;
    TRY(encoder_open(&spec, query, &encoder, err));
    for (size_t i = 0; i < DISTINCT; i++) /* what is decoded afterwards */
        TRY(encoder_encode(encoder, b->rows + i * spec.count, b->arena, &b->records[i], err));
    double start = seconds();
    for (size_t i = 0; i < b->total; i++) {
        Str out;
        if (i % BATCH == 0)
            arena_reset(batch);
        TRY(encoder_encode(encoder, b->rows + i % DISTINCT * spec.count, batch, &out, err));
        bytes += out.len;
    }
    report(b, format, 2, seconds() - start, bytes);
    encoder_close(encoder);
    arena_free(batch);
    arena_free(query);
    return OK;
}

/* The rows that the JSON records are. */
static Status make_rows(Bench *b, Error *err)
{
    SerdeSpec spec;
    Decoder  *decoder;
    describe(b->arena, &spec, STR_LIT("JSON"), NULL);
    b->rows = arena_alloc(b->arena, DISTINCT * spec.count * sizeof *b->rows);
    TRY(decoder_open(&spec, b->arena, &decoder, err));
    for (size_t i = 0; i < DISTINCT; i++)
        TRY(decoder_decode(decoder, b->json[i], b->arena, b->rows + i * spec.count, err));
    decoder_close(decoder);
    return OK;
}

#ifdef HAVE_AVRO_C
/* A generic value, filled for each record: what a program on avro-c does. */
static void decode_by_avro_c(Bench *b)
{
    RegisteredSchema    schema;
    Error               err;
    avro_schema_t       parsed;
    avro_schema_error_t ignored;
    avro_value_t        value;
    if (registry_latest(b->registry, STR_LIT("pageviews-value"), b->arena, &schema, &err) != OK ||
        schema.kind != SCHEMA_AVRO ||
        avro_schema_from_json(schema.text.ptr, (int32_t)schema.text.len, &parsed, &ignored) != 0)
        return;
    avro_value_iface_t *iface = avro_generic_class_from_schema(parsed);
    avro_generic_value_new(iface, &value);
    size_t bytes = 0;
    double start = seconds();
    for (size_t i = 0; i < b->total; i++) {
        Str           record = b->records[i % DISTINCT];
        avro_reader_t reader = avro_reader_memory(record.ptr + 5, (int64_t)record.len - 5);
        if (avro_value_read(reader, &value) != 0)
            abort();
        avro_reader_free(reader);
        bytes += record.len;
    }
    report(b, "avro-c", 1, seconds() - start, bytes);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(parsed);
}
#endif

static Status run(size_t total, Error *err)
{
    static const char *const formats[] = {"JSON", "AVRO", "PROTOBUF", "PROTOBUF_NOSR", "JSON_SR"};
    Bench                    b         = {.arena = arena_new(0), .total = total};
    b.json                             = ARENA_ARRAY(b.arena, Str, DISTINCT);
    b.records                          = ARENA_ARRAY(b.arena, Str, DISTINCT);
    make_records(b.arena, b.json);
    TRY(make_rows(&b, err));
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        b.registry = registry_memory_new();
        TRY(encode_all(&b, formats[i], err));
        TRY(decode_all(&b, formats[i], 0, err));
        TRY(decode_all(&b, formats[i], 1, err));
#ifdef HAVE_AVRO_C
        decode_by_avro_c(&b);
#endif
        registry_close(b.registry);
    }
    arena_free(b.arena);
    return OK;
}

int main(int argc, char **argv)
{
    Error  err;
    size_t total = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 1000000;
    if (run(total, &err) == OK)
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
