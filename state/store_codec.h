/*
 * store_codec.h - values as bytes, exact for every type: what a plain SQLite column cannot hold, and the
 * changelog.
 *
 * One value: a tag (0 NULL, 1 present, 2 a decimal beyond 64 bits), then by type
 *   BOOLEAN, INTEGER, BIGINT, DATE, TIME, TIMESTAMP   zigzag varint
 *   DOUBLE                                            8 bytes little-endian, all bits kept
 *   STRING, BYTES                                     varint length, bytes
 *   DECIMAL                                           zigzag scale, then zigzag unscaled number (tag 2:
 * length, bytes) ARRAY, STRUCT, MAP                                varint count, then the items (MAP: key,
 * value, ...)
 */
#ifndef SLUICE_STATE_STORE_CODEC_H
#define SLUICE_STATE_STORE_CODEC_H

#include "core/row.h"

void store_codec_add_int(StrBuf *out, int64_t number); /* zigzag varint */
void store_codec_add(StrBuf *out, const SqlType *type, Value v);
void store_codec_add_columns(StrBuf *out, const Column *columns, const Value *values, size_t count);

/* Reads at *at, moves it behind what was read. E_DATA when the bytes are not what a type of that kind looks
 * like, E_LIMIT when the arena is full. What `out` points to is in the arena or in `bytes`. */
Status store_codec_read_int(Str bytes, size_t *at, int64_t *out, Error *err);
Status store_codec_read(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err);
/* The same of bytes that were read before: texts stay where they are, in `bytes`. */
Status store_codec_view(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err);
Status store_codec_read_columns(Str bytes, size_t *at, const Column *columns, size_t count, Arena *arena,
                                Value *out, Error *err);
/* The last columns of `bytes`, some of which may have been added since these were written: those are NULL. */
Status store_codec_read_rest(Str bytes, size_t *at, const Column *columns, size_t count, Arena *arena,
                             Value *out, Error *err);

#endif
