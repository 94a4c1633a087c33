/*
 * test_serde.h - test data is JSON, topics hold bytes: how one side of a record is turned into the other, by
 * the format and columns of the source over the topic (contract of `sluice test --json`, "Serialisation").
 */
#ifndef SLUICE_SERVER_TESTING_TEST_SERDE_H
#define SLUICE_SERVER_TESTING_TEST_SERDE_H

#include "catalog/catalog.h"

/* Bytes of a raw JSON value; ptr NULL for null. */
Status test_side_to_bytes(SchemaRegistry *registry, const Source *source, int side, Str raw, Arena *arena,
                          Str *out, Error *err);
/* The JSON of a side's bytes. */
Status test_side_to_json(SchemaRegistry *registry, const Source *source, int side, Str bytes, Arena *arena,
                         StrBuf *out, Error *err);

#endif
