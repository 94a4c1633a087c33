/*
 * json_sr_schema.h - a JSON Schema as Connect reads it: which SQL types its values have, and how they stand
 * in JSON (runtime.md 1.9).
 */
#ifndef SLUICE_SERDE_JSON_SR_SCHEMA_H
#define SLUICE_SERDE_JSON_SR_SCHEMA_H

#include "serde/registry.h"
#include "serde/serde.h"

typedef enum {
    FORM_SCALAR,
    FORM_ARRAY,
    FORM_STRUCT,
    FORM_MAP_OBJECT,  /* {"k": v} */
    FORM_MAP_ENTRIES, /* [{"key": k, "value": v}], as Connect writes maps with optional keys */
} JsonForm;

typedef struct JsonSrType JsonSrType;

typedef struct {
    Str               name;
    const JsonSrType *type;
} JsonSrField;

struct JsonSrType {
    JsonForm          form;
    const SqlType    *scalar;
    const JsonSrType *element; /* ARRAY; maps: the value */
    JsonSrField      *fields;  /* STRUCT, in the order of connect.index */
    size_t            count;
};

/* E_DATA with what is wrong in the text. *out NULL: it describes nothing that SQL has. Properties of that
 * kind are left out. */
Status json_sr_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                     const JsonSrType **out, Error *err);
/* What stands at "/definitions/X" below `at`; NULL: nothing. */
const struct json_t *json_sr_pointer(const struct json_t *at, const char *pointer);
const SqlType       *json_sr_to_sql(const JsonSrType *type, bool upper, Arena *arena);

/* The text as registries keep it (schema_text.h): without spaces. E_DATA when it is no schema, or refers to
 * what it does not have. */
Status json_sr_canonical(Str text, Arena *arena, Str *out, Error *err);

typedef struct {
    Str                      text;
    const ResolvedReference *references;
    size_t                   reference_count;
} JsonSrText;

/* OK: whatever `writer` let in is accepted by `reader`, by the rules of Confluent's registry. E_PLAN: it is
 * not, and where. E_DATA: one is no JSON. */
Status json_sr_can_read(const JsonSrText *reader, const JsonSrText *writer, Arena *arena, Error *err);

/* The schema that ksqlDB registers for these columns; `title` STR_NULL: none. */
void json_sr_print(const Column *columns, size_t count, bool unwrapped, Str title, StrBuf *out);

#endif
