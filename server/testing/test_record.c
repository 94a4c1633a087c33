/*
 * test_record.c - see test_record.h.
 *
 * There is one way for all formats: the schema's own columns are inferred with their names as they are, and
 * the format's usual encoder or decoder is opened for those.
 */
#include "server/testing/test_record.h"

#include "serde/registry_memory.h"
#include "serde/schema_text.h"
#include "server/testing/json_raw.h"
#include "server/testing/test_values.h"

static SerdeSpec declared_spec(SchemaRegistry *registry, const Source *source, int side)
{
    const Schema *schema = source->schema;
    return (SerdeSpec){.format   = side == SIDE_KEY ? source->key_format : source->value_format,
                       .side     = side,
                       .topic    = source->topic,
                       .columns  = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                       .count    = side == SIDE_KEY ? schema->key_count : schema->value_count,
                       .registry = registry,
                       .fill     = true};
}

/* The columns of that schema instead of the declared ones: the whole schema as one where the format can. */
static Status use_schema(SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, Error *err)
{
    bool           unwraps  = format_facts(spec->format.format)->unwraps;
    SchemaQuestion question = {.format    = &spec->format,
                               .side      = spec->side,
                               .schema    = schema,
                               .registry  = spec->registry,
                               .unwrapped = unwraps};
    Column        *columns;
    TRY(schema_columns(&question, arena, &columns, &spec->count, err));
    spec->columns          = columns;
    spec->format.schema_id = schema->id;
    spec->format.wrapping  = unwraps ? UNWRAP_SINGLES : WRAP_DEFAULT;
    return OK;
}

/* ---- data to bytes ---- */

static Status read_row(const SerdeSpec *spec, Str raw, Arena *arena, Value **out, Error *err)
{
    *out = ARENA_ARRAY(arena, Value, spec->count + 1);
    if (serde_is_unwrapped(&spec->format, spec->side, spec->count))
        return test_value_read(spec->columns[0].type, raw, arena, *out, err);
    SqlField *fields = ARENA_ARRAY(arena, SqlField, spec->count + 1);
    Value     row;
    for (size_t i = 0; i < spec->count; i++)
        fields[i] = (SqlField){spec->columns[i].name, spec->columns[i].type};
    TRY(test_value_read(type_struct(arena, fields, spec->count), raw, arena, &row, err));
    memcpy(*out, value_items(row), spec->count * sizeof **out);
    return OK;
}

Status test_record_to_bytes(SchemaRegistry *registry, const Source *source, int side, Str raw, Arena *arena,
                            Str *out, Error *err)
{
    SerdeSpec        spec = declared_spec(registry, source, side);
    RegisteredSchema schema;
    Value           *row;
    Encoder         *encoder;
    if (format_facts(spec.format.format)->registry) {
        TRY(registry_latest(registry, registry_subject(arena, source->topic, side), arena, &schema, err));
        TRY(use_schema(&spec, &schema, arena, err));
    }
    TRY(read_row(&spec, raw, arena, &row, err));
    TRY(encoder_open(&spec, arena, &encoder, err));
    Status status = encoder_encode(encoder, row, arena, out, err);
    encoder_close(encoder);
    return status;
}

/* ---- bytes to data ---- */

static Status schema_of_bytes(SchemaRegistry *registry, Str bytes, Arena *arena, RegisteredSchema *out,
                              Error *err)
{
    uint32_t id = 0;
    if (bytes.len < 5)
        return error_set(err, E_DATA, NO_POS, "A record is too short to name its schema");
    for (int i = 1; i <= 4; i++)
        id = id << 8 | (uint8_t)bytes.ptr[i];
    return registry_by_id(registry, (int32_t)id, arena, out, err);
}

/* Bytes that are empty count as null on the top level of a record. */
static void print_field(const SerdeSpec *spec, size_t i, const Value *row, StrBuf *out)
{
    const SqlType *type  = spec->columns[i].type;
    bool           empty = type->kind == T_BYTES && !value_is_null(row[i]) && row[i].len == 0;
    strbuf_adds(out, i ? "," : "");
    json_write_string(spec->columns[i].name, out);
    strbuf_addc(out, ':');
    test_value_print(type, empty ? value_null() : row[i], out);
}

static void print_row(const SerdeSpec *spec, const Value *row, StrBuf *out)
{
    if (serde_is_unwrapped(&spec->format, spec->side, spec->count)) {
        test_value_print(spec->columns[0].type, row[0], out);
        return;
    }
    strbuf_addc(out, '{');
    for (size_t i = 0; i < spec->count; i++)
        print_field(spec, i, row, out);
    strbuf_addc(out, '}');
}

Status test_record_to_json(SchemaRegistry *registry, const Source *source, int side, Str bytes, Arena *arena,
                           StrBuf *out, Error *err)
{
    SerdeSpec        spec = declared_spec(registry, source, side);
    RegisteredSchema schema;
    Decoder         *decoder;
    if (format_facts(spec.format.format)->registry) {
        TRY(schema_of_bytes(registry, bytes, arena, &schema, err));
        TRY(use_schema(&spec, &schema, arena, err));
    }
    Value *row = ARENA_ARRAY(arena, Value, spec.count + 1);
    TRY(decoder_open(&spec, arena, &decoder, err));
    Status status = decoder_decode(decoder, bytes, arena, row, err);
    decoder_close(decoder);
    if (status == OK)
        print_row(&spec, row, out);
    return status;
}

/* ---- schemas of a case ---- */

static Str schema_text(Str raw, SchemaKind kind, Arena *arena)
{
    return kind == SCHEMA_PROTOBUF ? raw_text(raw, arena) : raw;
}

/* A topic in plain JSON may have a schema, too: it is one of JSON. */
static SchemaKind kind_of(Str format_name_text)
{
    const FormatClass *format = format_find(format_name_text);
    return format != NULL && format_facts(format)->registry && format_facts(format)->built
               ? schema_kind_of(format)
               : SCHEMA_JSON;
}

/* What the schema refers to gets a subject of its own name. */
static Status register_references(SchemaRegistry *registry, Str raw, Arena *arena, SchemaReference **out,
                                  size_t *count, Error *err)
{
    Str    item;
    size_t at = 0;
    *count    = 0;
    while (raw_next(raw, &at, &item))
        ++*count;
    *out = ARENA_ARRAY(arena, SchemaReference, *count + 1);
    at = *count = 0;
    while (raw_next(raw, &at, &item)) {
        Str              name   = raw_text(raw_member(item, "name"), arena);
        SchemaKind       kind   = kind_of(raw_text(raw_member(item, "format"), arena));
        RegisteredSchema schema = {.kind = kind,
                                   .text = schema_text(raw_member(item, "schema"), kind, arena)};
        int32_t          id;
        TRY(registry_enroll(registry, name, &schema, &id, err));
        (*out)[(*count)++] = (SchemaReference){name, name, 0};
    }
    return OK;
}

Status test_record_register(SchemaRegistry *registry, Str raw_topic, int side, int32_t *last, Arena *arena,
                            Error *err)
{
    bool key     = side == SIDE_KEY;
    Str  raw     = raw_member(raw_topic, key ? "keySchema" : "valueSchema");
    Str  given   = raw_member(raw_topic, key ? "keySchemaId" : "valueSchemaId");
    Str  subject = registry_subject(arena, raw_text(raw_member(raw_topic, "name"), arena), side);
    if (raw_is_null(raw))
        return OK;
    RegisteredSchema schema = {
        .kind = kind_of(raw_text(raw_member(raw_topic, key ? "keyFormat" : "valueFormat"), arena))};
    SchemaReference *references;
    schema.text = schema_text(raw, schema.kind, arena);
    TRY(register_references(registry,
                            raw_member(raw_topic, key ? "keySchemaReferences" : "valueSchemaReferences"),
                            arena, &references, &schema.reference_count, err));
    schema.references = references;
    if (raw_is_null(given) && last == NULL)
        return registry_enroll(registry, subject, &schema, &schema.id, err);
    schema.id = raw_is_null(given) ? ++*last : (int32_t)raw_int(given, 0);
    return registry_memory_put(registry, subject, &schema, err);
}
