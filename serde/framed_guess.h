/*
 * framed_guess.h - payloads that name their schema (framed.h), read without a statement that says what they
 * are: the columns are those of the writer's schema. What PRINT shows of AVRO, PROTOBUF and JSON_SR.
 *
 * A registry that knows the id and bytes that its schema can read are what makes such a payload: the five
 * bytes before it may be anything else, a small BIGINT's for one.
 *
 * The registry is asked once per id. After no answer it is not asked again: whoever looks at a topic would
 * wait for each record, and so would others that need the thread.
 */
#ifndef SLUICE_SERDE_FRAMED_GUESS_H
#define SLUICE_SERDE_FRAMED_GUESS_H

#include "serde/registry.h"

typedef struct FramedGuess FramedGuess;

/* `side`: SIDE_KEY or SIDE_VALUE. The registry is borrowed; NULL: nothing is ever recognised. Thread: one at
 * a time. */
FramedGuess *framed_guess_new(int side, SchemaRegistry *registry);
void         framed_guess_free(FramedGuess *guess); /* accepts NULL */
/* False: bytes of something else. Otherwise their values are appended as JSON; `out` may be NULL. May wait
 * for the registry. */
bool framed_guess_read(FramedGuess *guess, SchemaKind kind, Str bytes, StrBuf *out);

#endif
