/*
 * type.h - SQL types. A type is an immutable tree; the primitives are shared constants, compound types live
 * in the arena of whoever built them (the catalog copies what it keeps).
 */
#ifndef SLUICE_CORE_TYPE_H
#define SLUICE_CORE_TYPE_H

#include "core/str.h"

typedef enum {
    T_BOOLEAN,
    T_INTEGER,
    T_BIGINT,
    T_DECIMAL,
    T_DOUBLE,
    T_STRING,
    T_BYTES,
    T_TIME,
    T_DATE,
    T_TIMESTAMP,
    T_ARRAY,
    T_MAP,
    T_STRUCT,
    T_NULL,   /* the type of a bare NULL; never the type of a column */
    T_UNIT,   /* an interval unit as function argument (DAYS); value: milliseconds of one unit as BIGINT */
    T_LAMBDA, /* a lambda as function argument; never the type of a column */
} SqlKind;

/* Copying a value's 16 bytes copies the value: a number, whatever it means. (A DECIMAL may be a big one;
 * lambdas are always shared.) */
static inline bool kind_is_fixed(SqlKind kind)
{
    const unsigned pointing =
        1u << T_DECIMAL | 1u << T_STRING | 1u << T_BYTES | 1u << T_ARRAY | 1u << T_MAP | 1u << T_STRUCT;
    return (pointing >> kind & 1) == 0;
}

typedef struct SqlType SqlType;

typedef struct {
    Str            name; /* exact case */
    const SqlType *type;
} SqlField;

struct SqlType {
    SqlKind         kind;
    int             precision, scale; /* DECIMAL */
    const SqlType  *key;              /* MAP */
    const SqlType  *element;          /* ARRAY: element; MAP: value */
    const SqlField *fields;           /* STRUCT */
    size_t          field_count;      /* STRUCT; LAMBDA: how many parameters */
};

extern const SqlType type_boolean, type_integer, type_bigint, type_double, type_string, type_bytes, type_time,
    type_date, type_timestamp, type_null, type_unit;

const SqlType *type_array(Arena *arena, const SqlType *element);
const SqlType *type_map(Arena *arena, const SqlType *key, const SqlType *value);
const SqlType *type_struct(Arena *arena, const SqlField *fields,
                           size_t count); /* copies the array, not the names */
/* E_PLAN with ksqlDB's texts when precision or scale are out of range (sql.md 3.1). */
Status type_decimal(Arena *arena, int precision, int scale, const SqlType **out, Error *err);
/* The same where the numbers are known to be right. */
const SqlType *type_decimal_unchecked(Arena *arena, int precision, int scale);

/* Structural equality: field names, field order, precision and scale count. */
bool           type_equal(const SqlType *a, const SqlType *b);
const SqlType *type_copy(Arena *arena, const SqlType *type);
bool           type_is_numeric(const SqlType *type);
/* A MAP at any depth (keys must not hold one). */
bool type_contains_map(const SqlType *type);
/* Index of the field of that exact name, or -1. */
int type_field(const SqlType *type, Str name);

/* `DECIMAL(4, 2)`, `ARRAY<INTEGER>`, STRUCT<`F` BIGINT>: as DESCRIBE and error texts print types
 * (sql.md 3.1). */
void type_print(const SqlType *type, StrBuf *out);
Str  type_text(Arena *arena, const SqlType *type);
/* The bare name of a kind: "DECIMAL". */
const char *type_kind_name(SqlKind kind);

/* The primitive type of that name (INT, INTEGER, VARCHAR, ... in any case), or NULL. DECIMAL is none. */
const SqlType *type_primitive(Str name);

#endif
