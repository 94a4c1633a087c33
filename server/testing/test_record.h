/*
 * test_record.h - test data in formats whose records have a schema: the registry's and PROTOBUF_NOSR.
 *
 * Data are turned into bytes by the latest schema of the topic's subject, not by the columns that a source
 * declares; bytes into data by the schema that they name. What the engine makes of other people's schemas is
 * tested that way.
 */
#ifndef SLUICE_SERVER_TESTING_TEST_RECORD_H
#define SLUICE_SERVER_TESTING_TEST_RECORD_H

#include "catalog/catalog.h"

/* `raw` is not null. */
Status test_record_to_bytes(SchemaRegistry *registry, const Source *source, int side, Str raw, Arena *arena,
                            Str *out, Error *err);
Status test_record_to_json(SchemaRegistry *registry, const Source *source, int side, Str bytes, Arena *arena,
                           StrBuf *out, Error *err);
/* Registers "keySchema" or "valueSchema" of a raw topic of a case, with what it refers to. `last`: without an
 * id of its own it gets the one after *last, which moves on; NULL: whichever is free. */
Status test_record_register(SchemaRegistry *registry, Str raw_topic, int side, int32_t *last, Arena *arena,
                            Error *err);

#endif
