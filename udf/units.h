/*
 * units.h - text as the dialect counts it: in UTF-16 units (functions.md 1.3). Inside udf/ only.
 *
 * ASCII text and BYTES are viewed in place, one byte a unit; other text is transcoded, two bytes a unit.
 */
#ifndef SLUICE_UDF_UNITS_H
#define SLUICE_UDF_UNITS_H

#include "udf/udf.h"

typedef struct {
    const char *ptr;
    size_t      len;   /* in units */
    size_t      width; /* bytes in a unit: 1 or 2 */
} Units;

/* True when no text argument needs two bytes a unit. BYTES never do. */
bool   units_are_narrow(const SqlType *type, Str a, Str b);
Status units_open(Str text, bool narrow, Arena *arena, Units *out, Error *err);
/* The slice as text again: a split surrogate pair becomes U+FFFD. Narrow slices are shared, not copied. */
Status   units_value(Units units, size_t from, size_t count, Arena *arena, Value *out, Error *err);
uint16_t units_at(Units units, size_t i);

#endif
