/*
 * schema_text.c - see schema_text.h: what all registry formats have in common on the planner's side.
 */
#include "serde/format.h"

SchemaKind schema_kind_of(const FormatClass *format) { return format->schemas->kind; }

Status schema_can_follow(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Error *err)
{
    if (next->kind != old->kind)
        return error_set(err, E_PLAN, NO_POS, "a schema of the kind %s cannot follow one of the kind %s",
                         schema_kind_name(next->kind), schema_kind_name(old->kind));
    Arena *arena  = arena_new(0);
    Status status = schema_format(next->kind)->schemas->can_follow(next, old, registry, arena, err);
    arena_free(arena);
    if (status == E_DATA && err != NULL)
        err->code = E_PLAN;
    return status == E_DATA ? E_PLAN : status;
}

Status schema_canonical(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err)
{
    return schema_format(schema->kind)->schemas->canonical(schema, registry, arena, out, err);
}

Status schema_serialized(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                         Error *err)
{
    const SchemaClass *kind = schema_format(schema->kind)->schemas;
    *out                    = schema->text;
    return kind->serialized != NULL ? kind->serialized(schema, registry, arena, out, err) : OK;
}

const FormatClass *schema_format(SchemaKind kind)
{
    static const FormatClass *const formats[] = {
#define FORMAT(symbol) &symbol,
#include "serde/formats.def"
#undef FORMAT
    };
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (formats[i]->schemas != NULL && formats[i]->schemas->kind == kind)
            return formats[i];
    return NULL;
}

Status schema_columns(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err)
{
    Error unasked;
    if (err == NULL)
        err = &unasked;
    TRY(question->format->format->schemas->infer(question, arena, out, count, err));
    if (*count == 0)
        return error_set(err, E_PLAN, NO_POS,
                         "Schema does not include any columns with types that ksqlDB supports.");
    return OK;
}

Status schema_of_columns(const SerdeSpec *spec, Arena *arena, RegisteredSchema *out, Error *err)
{
    const SchemaClass *schemas = spec->format.format->schemas;
    StrBuf             text    = {0};
    Status             status  = schemas->print(spec, &text, err);
    *out                       = (RegisteredSchema){.kind = schemas->kind};
    out->text                  = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return status;
}

Status schema_enroll(const SerdeSpec *spec, int32_t *id, Error *err)
{
    RegisteredSchema schema;
    Arena           *arena   = arena_new(0);
    Str              subject = registry_subject(arena, spec->topic, spec->side);
    Status           status  = spec->format.schema_id != 0
                                   ? registry_by_id(spec->registry, spec->format.schema_id, arena, &schema, err)
                                   : schema_of_columns(spec, arena, &schema, err);
    if (status == OK)
        status = registry_enroll(spec->registry, subject, &schema, id, err);
    arena_free(arena);
    return status;
}

/* UPPER_UNDERSCORE to UpperCamel: LEFT_TABLE is LeftTable. */
Str schema_key_name(const FormatClass *format, Str source, Arena *arena)
{
    StrBuf text  = {0};
    bool   begin = true;
    if (!format->facts.named_keys)
        return STR_NULL;
    strbuf_adds(&text, "io.confluent.ksql.avro_schemas.");
    for (size_t i = 0; i < source.len; i++) {
        char c = source.ptr[i];
        if (c == '_') {
            begin = true;
            continue;
        }
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        strbuf_addc(&text, begin && lower ? (char)(c - 32) : !begin && upper ? (char)(c + 32) : c);
        begin = false;
    }
    strbuf_adds(&text, "Key");
    Str name = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return name;
}
