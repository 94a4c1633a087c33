/*
 * json_sr_codec.h - JSON payloads by a JSON Schema, driven by a plan in which the schema and the columns have
 * met.
 */
#ifndef SLUICE_SERDE_JSON_SR_CODEC_H
#define SLUICE_SERDE_JSON_SR_CODEC_H

#include "serde/format.h"
#include "serde/json_sr_schema.h"

typedef struct JsonSrReader JsonSrReader;
typedef struct JsonSrWriter JsonSrWriter;

/* E_DATA when a column cannot be read from what the schema has in its place. json_sr_reader_free gives back
 * what is not in the arena. */
Status json_sr_reader_new(const JsonSrType *schema, const SerdeSpec *spec, Arena *arena, JsonSrReader **out,
                          Error *err);
void   json_sr_reader_free(JsonSrReader *reader);
/* Fills out[count]; texts may point into `payload`. */
Status json_sr_read(JsonSrReader *reader, Str payload, Arena *arena, Value *out, Error *err);

/* E_PLAN when the schema has something else in a column's place. Columns that it lacks are left out. */
Status json_sr_writer_new(const JsonSrType *schema, const SerdeSpec *spec, Arena *arena,
                          const JsonSrWriter **out, Error *err);
void   json_sr_write(const JsonSrWriter *writer, const Value *values, StrBuf *out);

#endif
