/*
 * proto_codec.h - Protobuf's wire format, driven by a plan in which a message and the columns have met.
 *
 * Evolution is Protobuf's: fields are found by their numbers in the writer's message and matched to columns
 * by name; numbers that it does not know are stepped over; what is absent is zero, or NULL where absence is
 * told from zero.
 */
#ifndef SLUICE_SERDE_PROTO_CODEC_H
#define SLUICE_SERDE_PROTO_CODEC_H

#include "serde/format.h"
#include "serde/proto_sql.h"

typedef struct ProtoReader ProtoReader;
typedef struct ProtoWriter ProtoWriter;

/* E_DATA when a column cannot be read from what the message has in its place. */
Status proto_reader_new(const ProtoMessage *message, const SerdeSpec *spec, Arena *arena,
                        const ProtoReader **out, Error *err);
/* Fills out[count]; texts point into `payload`. E_DATA when it is cut short or no message at all. */
Status proto_read(const ProtoReader *reader, Str payload, Arena *arena, Value *out, Error *err);

/* E_PLAN when a column cannot be written to the field of its name. Columns that the message lacks are
 * refused, too; fields without a column stay absent. */
Status proto_writer_new(const ProtoMessage *message, const SerdeSpec *spec, Arena *arena,
                        const ProtoWriter **out, Error *err);
Status proto_write(const ProtoWriter *writer, const Value *values, StrBuf *out, Error *err);

/* How a field's bytes are told apart, in the numbers of a tag (Protobuf's encoding). */
typedef enum { WIRE_VARINT, WIRE_64, WIRE_SPAN, WIRE_GROUP, WIRE_END_GROUP, WIRE_32 } ProtoWire;
ProtoWire proto_wire_type(ProtoKind kind);

void proto_put_varint(uint64_t n, StrBuf *out);
/* False when it does not end within the bytes or is longer than 64 bits. */
bool proto_take_varint(Str *from, uint64_t *out);

#endif
