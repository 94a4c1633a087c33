/*
 * json_shape.h - which of a JSON object's fields are wanted, and finding them while walking the object once.
 *
 * Names match as ksqlDB's do (runtime.md 1.5): the exact name first, else a name whose upper-case form is the
 * column's; of several, the last in the document. Records of a topic nearly always have the same fields in
 * the same order, so each name is first compared with the one that stood there in the record before; only a
 * surprise is hashed.
 */
#ifndef SLUICE_SERDE_JSON_SHAPE_H
#define SLUICE_SERDE_JSON_SHAPE_H

#include "serde/json_doc.h"

typedef struct JsonShape JsonShape;

/* Names are borrowed; a NULL name is a field that nobody wants. Thread: one at a time, walking changes the
 * memory. */
JsonShape *json_shape_new(Arena *arena, const Str *names, size_t count);

/*
 * Walks the object at k, checking it all. slots[i] becomes the entry where field i's value begins, or 0 when
 * it is missing. Returns the entry behind the object, or 0 when it is malformed. The slots belong to the
 * shape and last until its next walk.
 */
size_t json_shape_walk(JsonShape *shape, const JsonDoc *doc, size_t k, const uint32_t **slots);

#endif
