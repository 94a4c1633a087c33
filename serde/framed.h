/*
 * framed.h - 00, the schema's id, the payload: decoder and encoder of all formats of a schema registry
 * (runtime.md 1.6).
 */
#ifndef SLUICE_SERDE_FRAMED_H
#define SLUICE_SERDE_FRAMED_H

#include "serde/format.h"

Status framed_open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err);
Status framed_open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err);

/* The columns of a registered schema that is `type` in SQL (NULL: nothing that SQL has, so no columns): its
 * fields, or the whole as one when the question says that it is unwrapped. E_PLAN when it has to have fields
 * and has none. */
Status framed_columns(const SchemaQuestion *question, bool has_fields, const SqlType *type, Arena *arena,
                      Column **out, size_t *count, Error *err);

#endif
