/*
 * key_coder.h - the bytes of an operator's own keys, where format or column names differ from its input's.
 *
 * Keys have the same columns as the input's. Bytes that are there are used again when they would come out the
 * same.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_KEY_CODER_H
#define SLUICE_EXECUTOR_DATAFLOW_KEY_CODER_H

#include "executor/dataflow/operator.h"

typedef struct {
    Encoder *encoder; /* NULL: keys have no bytes */
    bool     reuse;   /* row->key_bytes of the input fit */
} KeyCoder;

/* For keys with the columns of `schema` in `format`, made from rows of the operator's first input. `topic`:
 * where they are written to; STR_NULL: nowhere. */
Status key_coder_open(Operator *op, const FormatSpec *format, const Schema *schema, Str topic, KeyCoder *out,
                      Error *err);
/* The same for keys that stay within the query, in what stands in for the node's own format there. */
Status key_coder_open_inside(Operator *op, const Schema *schema, Str topic, KeyCoder *out, Error *err);
/* Bytes of the row's key (without window), kept in row->key_bytes; ptr NULL: null. */
Status key_coder_bytes(KeyCoder *coder, const Row *row, Arena *arena, Str *out, Error *err);

#endif
