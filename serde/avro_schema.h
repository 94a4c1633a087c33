/*
 * avro_schema.h - an Avro schema taken apart, and what it means in SQL (runtime.md 1.7, 1.8).
 *
 * A type is a tree, or a graph where a named type refers to itself. avro-c's own schema objects are not used:
 * they drop logical types, defaults and Connect's properties, which are half of what is needed here.
 */
#ifndef SLUICE_SERDE_AVRO_SCHEMA_H
#define SLUICE_SERDE_AVRO_SCHEMA_H

#include "serde/registry.h"
#include "serde/serde.h"

typedef enum {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_RECORD,
    AVRO_UNION,
} AvroKind;

typedef enum { LOGICAL_NONE, LOGICAL_DECIMAL, LOGICAL_DATE, LOGICAL_TIME, LOGICAL_TIMESTAMP } AvroLogical;

typedef struct AvroType AvroType;

typedef struct {
    Str             name;
    const AvroType *type;
    Str             fallback; /* the default as JSON text; ptr NULL: none */
    const Str      *aliases;  /* what it may be called in data of others */
    size_t          alias_count;
} AvroField;

struct AvroType {
    AvroKind         kind;
    AvroLogical      logical;
    int              precision, scale; /* DECIMAL */
    size_t           size;             /* FIXED */
    Str              name;             /* full name of RECORD, ENUM, FIXED */
    const Str       *aliases;          /* full names that it also answers to */
    size_t           alias_count;
    Str              fallback; /* ENUM: the symbol that unknown ones are read as; ptr NULL: none */
    const AvroType  *element;  /* ARRAY; MAP: its value */
    AvroField       *fields;   /* RECORD */
    const AvroType **branches; /* UNION */
    Str             *symbols;  /* ENUM */
    size_t           count;    /* of fields, branches or symbols */
    bool             entry;    /* RECORD: key and value of a map that Connect wrote as an array */
};

/* Parses a schema and what it refers to. E_DATA with what is wrong in the text. */
Status avro_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                  const AvroType **out, Error *err);

/* The SQL type of values of this type, as inference sees it: unions with null are what else is in them,
 * fields that SQL has no type for are left out; names in upper case if so asked. NULL: there is none (null
 * alone, a record of nothing, a type within itself). */
const SqlType *avro_to_sql(const AvroType *type, bool upper, Arena *arena);
/* An array of Connect's map entries. */
bool avro_is_entries(const AvroType *type);

/* OK: `reader` reads whatever `writer` wrote. E_PLAN: it does not, and where. */
Status avro_can_read(const AvroType *reader, const AvroType *writer, Error *err);

/* The schema that ksqlDB registers for these columns (runtime.md 1.8): `name` is the root's full name;
 * `unwrapped`: the one column's own type. E_PLAN when a name is none in Avro. */
Status avro_print(const Column *columns, size_t count, bool unwrapped, Str name, StrBuf *out, Error *err);

#endif
