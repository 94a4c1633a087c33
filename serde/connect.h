/*
 * connect.h - which types of a registered schema a column may be read from (runtime.md 1.7).
 *
 * A decoder of a registry format first reads a scalar as what its schema says (the wire type, a SQL type),
 * then converts it to the column's type. What converts is decided once, when schema and columns meet.
 */
#ifndef SLUICE_SERDE_CONNECT_H
#define SLUICE_SERDE_CONNECT_H

#include "serde/format.h"

typedef enum {
    CONVERT_NONE,    /* the same value */
    CONVERT_TIME,    /* the same value, which must be within a day */
    CONVERT_TEXT,    /* a number or BOOLEAN to its text */
    CONVERT_DECIMAL, /* to the column's scale, if it fits exactly */
    CONVERT_NEVER,
} Conversion;

/* For scalars; a container of one kind converts to the same kind (CONVERT_NONE) element by element. */
Conversion connect_conversion(const SqlType *wire, const SqlType *column);
/* *value, which is not NULL, is replaced. E_DATA. */
Status connect_convert(Conversion conversion, const SqlType *wire, const SqlType *column, Arena *arena,
                       Value *value, Error *err);

/* Most decimals fit 64 bits and have the scale that is wanted: their bytes (big-endian two's complement,
 * shortest form) without an arena. 0: this one is another. */
size_t connect_short_decimal(Value value, const SqlType *type, char out[8]);

/* Where in a schema somebody is: on the stack of who walks it. */
typedef struct ConnectPath ConnectPath;
struct ConnectPath {
    const ConnectPath *up;
    Str                name; /* a field's, or ARRAY, MAP_KEY, MAP_VAL */
};
/* E_DATA "Cannot deserialize type int64 as type int32 for path: ->COL->SUB". */
Status connect_refuse(const SqlType *wire, const SqlType *column, const ConnectPath *path, Error *err);

/* The column or field that a writer's field goes to: of its exact name, else of its name in upper case; -1.
 */
int connect_field(const SqlType *row, Str name);
/* Columns as a STRUCT. */
const SqlType *connect_row(Arena *arena, const Column *columns, size_t count);

/* Puts "Error deserializing message from topic: T. " before what went wrong. Returns err->code. */
Status connect_fail(const SerdeSpec *spec, Error *err);

/* Drops entries whose key occurs again later: the last one wins, at the first one's place. Returns how many
 * stay. Keys are texts. */
size_t connect_unique(MapEntry *entries, size_t count, Arena *arena);

#endif
