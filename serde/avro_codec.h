/*
 * avro_codec.h - Avro's binary encoding, driven by a plan in which a schema and the columns have met.
 *
 * A plan is made once per (writer's schema, columns) and read-only afterwards. The reader converts only what
 * is wanted and steps over the rest; what it does with a field was decided when the plan was made. avro-c's
 * value interface builds every value of a record on the heap before anybody can look at it: bench/bench_avro
 * measures both on the same records.
 *
 * Evolution is by the writer's schema: fields are matched by name, those that no column has are stepped over,
 * columns that the writer lacks are NULL, int becomes long and so on as connect.h says.
 */
#ifndef SLUICE_SERDE_AVRO_CODEC_H
#define SLUICE_SERDE_AVRO_CODEC_H

#include "serde/avro_schema.h"
#include "serde/format.h"

typedef struct AvroReader AvroReader;
typedef struct AvroWriter AvroWriter;

/* E_DATA when a column cannot be read from what the schema has in its place. */
Status avro_reader_new(const AvroType *schema, const SerdeSpec *spec, Arena *arena, const AvroReader **out,
                       Error *err);
/* Fills out[count]; texts point into `payload`. E_DATA when it is cut short or does not fit the schema. */
Status avro_read_row(const AvroReader *reader, Str payload, Arena *arena, Value *out, Error *err);

/* `fill`: where the schema has no null, NULL becomes the zero of the type (test data); otherwise E_DATA when
 * it happens. Fields without a column get their default. E_PLAN when a column cannot be written so. */
Status avro_writer_new(const AvroType *schema, const SerdeSpec *spec, bool fill, Arena *arena,
                       const AvroWriter **out, Error *err);
Status avro_write_row(const AvroWriter *writer, const Value *values, StrBuf *out, Error *err);

#endif
