/*
 * avro_default.h - values that no column gives: an Avro field's default, and the zero of a type.
 */
#ifndef SLUICE_SERDE_AVRO_DEFAULT_H
#define SLUICE_SERDE_AVRO_DEFAULT_H

#include "serde/avro_schema.h"

/* Appends the binary form of a default as the schema writes it (JSON). E_DATA when it is none of the type,
 * nests deeper than 64 or is larger than 1 MB (types within types grow by powers). */
Status avro_put_default(const AvroType *type, Str json, StrBuf *out, Error *err);
/* Appends 0, false, an empty text, list or record, the first symbol, null where there is one. E_DATA as
 * above. */
Status avro_put_zero(const AvroType *type, StrBuf *out, Error *err);
void   avro_put_varint(int64_t n, StrBuf *out);
void   avro_put_span(Str bytes, StrBuf *out);
void   avro_put_double(double d, StrBuf *out);
void   avro_put_float(float f, StrBuf *out);

#endif
