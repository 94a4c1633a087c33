/*
 * schema_text.h - columns as schemas of a registry and back, for whoever plans statements (runtime.md 1.8 to
 * 1.10).
 */
#ifndef SLUICE_SERDE_SCHEMA_TEXT_H
#define SLUICE_SERDE_SCHEMA_TEXT_H

#include "serde/serde.h"

/* What is asked when columns were not declared. */
typedef struct {
    const FormatSpec       *format; /* full_schema_name chooses among several messages */
    int                     side;
    const RegisteredSchema *schema;
    SchemaRegistry         *registry;  /* for references */
    bool                    unwrapped; /* the whole schema is one column */
    bool                    upper;     /* names in upper case, nested ones too */
} SchemaQuestion;

/* The columns of a schema, without roles; an unwrapped one is called ROWKEY or ROWVAL. Types that SQL does
 * not have are left out. E_PLAN with ksqlDB's texts: anonymous, several messages, nothing that SQL has.
 * E_WAIT: a reference could not be fetched. */
Status schema_columns(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err);

/* The schema that is registered for the columns of a topic's side. */
Status schema_of_columns(const SerdeSpec *spec, Arena *arena, RegisteredSchema *out, Error *err);
/* Registers it under the topic's subject, or the one that the format names by its id. */
Status schema_enroll(const SerdeSpec *spec, int32_t *id, Error *err);

/* Backward compatibility, which registries ask for unless told otherwise: may `next` follow `old` in a
 * subject, because it reads what was written by that? Both of one kind. E_PLAN: no, and why. `registry` is
 * asked for references. */
Status schema_can_follow(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Error *err);

/* The form in which registries keep and compare schemas of the kind, in the arena. E_DATA with what is wrong
 * with the text; E_NOT_FOUND: a reference to what is not there. */
Status schema_canonical(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err);
/* Protobuf: the FileDescriptorProto in base64, which clients ask for (format=serialized). Other kinds have no
 * such form: the text itself. */
Status schema_serialized(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                         Error *err);

/* The registry's kind of schemas for a format that has one. */
SchemaKind schema_kind_of(const FormatClass *format);
/* The opposite; NULL: none is built. */
const FormatClass *schema_format(SchemaKind kind);
/* "io.confluent.ksql.avro_schemas.LeftTableKey" where a format's key schemas are named after the source;
 * STR_NULL where they are not. */
Str schema_key_name(const FormatClass *format, Str source, Arena *arena);

#endif
