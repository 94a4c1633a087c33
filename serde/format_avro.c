/*
 * format_avro.c - AVRO: registered Avro schemas and binary records.
 */
#include "serde/avro_canonical.h"
#include "serde/avro_codec.h"
#include "serde/framed.h"

static const char default_name[] = "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema";

static Str root_name(const FormatSpec *format)
{
    return str_is_null(format->full_schema_name) ? str_c(default_name) : format->full_schema_name;
}

static Status print(const SerdeSpec *spec, StrBuf *out, Error *err)
{
    return avro_print(spec->columns, spec->count, serde_is_unwrapped(&spec->format, spec->side, spec->count),
                      root_name(&spec->format), out, err);
}

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    TRY(columns_check_map_keys(columns, count, "Avro only supports MAPs with STRING keys", err));
    StrBuf    text   = {0};
    SerdeSpec spec   = {.format = {.format = format}, .side = side, .columns = columns, .count = count};
    Status    status = count > 0 ? print(&spec, &text, err) : OK; /* names that Avro does not have */
    strbuf_clear(&text);
    return status;
}

static Status parse(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena,
                    const AvroType **out, Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return avro_parse(schema->text, references, count, arena, out, err);
}

static Status infer(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err)
{
    const AvroType *schema;
    *count = 0;
    *out   = NULL;
    if (parse(question->schema, question->registry, arena, &schema, err) != OK)
        return err->code == E_DATA ? err->code = E_PLAN : err->code;
    return framed_columns(question, schema->kind == AVRO_RECORD, avro_to_sql(schema, question->upper, arena),
                          arena, out, count, err);
}

static Status reader(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    const AvroType *type;
    TRY(parse(schema, spec->registry, arena, &type, err));
    return avro_reader_new(type, spec, arena, (const AvroReader **)plan, err);
}

static Status read(void *plan, Str payload, Arena *arena, Value *out, Error *err)
{
    return avro_read_row(plan, payload, arena, out, err);
}

static Status writer(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    const AvroType *type;
    TRY(parse(schema, spec->registry, arena, &type, err));
    return avro_writer_new(type, spec, spec->fill, arena, (const AvroWriter **)plan, err);
}

static Status write(const void *plan, const Value *values, StrBuf *out, Error *err)
{
    return avro_write_row(plan, values, out, err);
}

static Status can_follow(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Arena *arena, Error *err)
{
    const AvroType *reads, *wrote;
    TRY(parse(next, registry, arena, &reads, err));
    TRY(parse(old, registry, arena, &wrote, err));
    return avro_can_read(reads, wrote, err);
}

static Status canonical(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return avro_canonical(schema->text, references, count, arena, out, err);
}

static const SchemaClass schemas = {.kind       = SCHEMA_AVRO,
                                    .print      = print,
                                    .infer      = infer,
                                    .can_follow = can_follow,
                                    .canonical  = canonical,
                                    .reader     = reader,
                                    .read       = read,
                                    .writer     = writer,
                                    .write      = write};

const FormatClass format_avro = {
    .name         = "AVRO",
    .facts        = {.payload    = PAYLOAD_RECORD,
                     .built      = true,
                     .wraps      = true,
                     .unwraps    = true,
                     .infers     = true,
                     .registry   = true,
                     .exact      = true,
                     .named      = true,
                     .named_keys = true},
    .schemas      = &schemas,
    .check        = check,
    .open_decoder = framed_open_decoder,
    .open_encoder = framed_open_encoder,
};
