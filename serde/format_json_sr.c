/*
 * format_json_sr.c - JSON_SR: JSON texts behind the id of a registered JSON Schema.
 *
 * Which schema a record was written by decides how it is read: whether a number is an INTEGER or a DATE,
 * whether a map is an object or a list of entries.
 */
#include "serde/framed.h"
#include "serde/json_sr_codec.h"

static Status print(const SerdeSpec *spec, StrBuf *out, Error *err)
{
    json_sr_print(spec->columns, spec->count, serde_is_unwrapped(&spec->format, spec->side, spec->count),
                  spec->format.full_schema_name, out);
    return OK;
}

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    return columns_check_map_keys(columns, count, "JSON only supports MAP types with STRING keys", err);
}

static Status parse(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena,
                    const JsonSrType **out, Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return json_sr_parse(schema->text, references, count, arena, out, err);
}

static Status infer(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err)
{
    const JsonSrType *schema;
    *count = 0;
    *out   = NULL;
    if (parse(question->schema, question->registry, arena, &schema, err) != OK)
        return err->code == E_DATA ? err->code = E_PLAN : err->code;
    if (schema == NULL)
        return OK;
    return framed_columns(question, schema->form == FORM_STRUCT,
                          json_sr_to_sql(schema, question->upper, arena), arena, out, count, err);
}

static Status reader(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    const JsonSrType *type;
    TRY(parse(schema, spec->registry, arena, &type, err));
    return json_sr_reader_new(type, spec, arena, (JsonSrReader **)plan, err);
}

static Status read(void *plan, Str payload, Arena *arena, Value *out, Error *err)
{
    return json_sr_read(plan, payload, arena, out, err);
}

static void free_reader(void *plan) { json_sr_reader_free(plan); }

static Status writer(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    const JsonSrType *type;
    TRY(parse(schema, spec->registry, arena, &type, err));
    return json_sr_writer_new(type, spec, arena, (const JsonSrWriter **)plan, err);
}

static Status write(const void *plan, const Value *values, StrBuf *out, Error *err)
{
    json_sr_write(plan, values, out);
    return OK;
}

static Status can_follow(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Arena *arena, Error *err)
{
    ResolvedReference *of_next, *of_old;
    JsonSrText         reads = {.text = next->text}, wrote = {.text = old->text};
    TRY(registry_resolve(registry, next, arena, &of_next, &reads.reference_count, err));
    TRY(registry_resolve(registry, old, arena, &of_old, &wrote.reference_count, err));
    reads.references = of_next;
    wrote.references = of_old;
    return json_sr_can_read(&reads, &wrote, arena, err);
}

static Status canonical(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return json_sr_canonical(schema->text, arena, out, err);
}

static const SchemaClass schemas = {.kind        = SCHEMA_JSON,
                                    .print       = print,
                                    .infer       = infer,
                                    .can_follow  = can_follow,
                                    .canonical   = canonical,
                                    .reader      = reader,
                                    .read        = read,
                                    .free_reader = free_reader,
                                    .writer      = writer,
                                    .write       = write};

const FormatClass format_json_sr = {
    .name         = "JSON_SR",
    .facts        = {.payload  = PAYLOAD_RECORD,
                     .built    = true,
                     .wraps    = true,
                     .unwraps  = true,
                     .infers   = true,
                     .registry = true,
                     .exact    = true,
                     .named    = true},
    .schemas      = &schemas,
    .check        = check,
    .open_decoder = framed_open_decoder,
    .open_encoder = framed_open_encoder,
};
