/*
 * format_guess.h - which formats the bytes of one side of a topic can be in, judged by the bytes and the
 * schema registry that they may point into: what PRINT tells and shows.
 *
 * One begins with every format possible, and each payload strikes out those that it does not fit. The first
 * that is left is the one in which payloads are shown. The list and its order are ksqlDB's:
 *
 *   AVRO, PROTOBUF, JSON, JSON_SR, KAFKA_INT, KAFKA_BIGINT, KAFKA_DOUBLE, KAFKA_STRING; of keys each also in
 * a window, as SESSION(JSON), HOPPING(JSON), TUMBLING(JSON) before JSON; UNRECOGNISED_BYTES when nothing is
 * left
 *
 * but for one thing: as long as all payloads (or keys under their windows' bounds) are readable text, a text
 * format comes first. Four letters are an integer, too, and twenty a windowed key of a time far beyond the
 * calendar; nobody wants to see them as that. Sessions, and windowed keys that name a schema, are none at
 * such times.
 *
 * AVRO, PROTOBUF and JSON_SR are what the registry knows the schema of (framed_guess.h). Where it does not,
 * or does not answer, they are bytes.
 */
#ifndef SLUICE_SERDE_FORMAT_GUESS_H
#define SLUICE_SERDE_FORMAT_GUESS_H

#include "serde/registry.h"

typedef struct FormatGuess FormatGuess;

/* `side`: SIDE_KEY or SIDE_VALUE. The registry is borrowed; NULL: there is none. On the heap; E_LIMIT when
 * there is no memory for its JSON reader. Thread: one at a time. */
Status format_guess_new(int side, SchemaRegistry *registry, FormatGuess **out, Error *err);
void   format_guess_free(FormatGuess *guess); /* accepts NULL */
/* Strikes out what these bytes cannot be; may wait for the registry. Null bytes (ptr NULL) say nothing. */
void format_guess_see(FormatGuess *guess, Str bytes);
/* Appends "JSON or KAFKA_STRING"; before anything was seen ksqlDB's shrug. */
void format_guess_names(const FormatGuess *guess, StrBuf *out);
/* Appends bytes that were seen as text of one line, in the first format left: numbers and JSON as such,
 * values that name a schema as JSON, windowed keys as `[key@start/end]` (`-` for the end of a time window,
 * which the key does not tell), null as `<null>`, line breaks in texts as \n and \r, other control characters
 * as \xNN (in JSON \u00NN), unrecognised bytes that are no readable text with \xNN for what is not printable
 * ASCII. */
void format_guess_print(FormatGuess *guess, Str bytes, StrBuf *out);

#endif
