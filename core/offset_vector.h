/*
 * offset_vector.h - how far some topics have come: of a partition, the offset behind the last record that
 * counts.
 *
 * What a client has inserted, and what an answer reflects. As text it is the token that clients carry from an
 * insert to the query that must see it (rest.md 5.1): "sluice1;views:0=12,1=5;clicks:0=3", in which names
 * need no quotes, for topics have none of these signs. The text never grows beyond OFFSET_VECTOR_TEXT bytes,
 * so that it fits a header of HTTP: what would be longer becomes "sluice1;*", which stands for the ends of
 * all topics at the moment when somebody looks, and so asks for more and never for less.
 *
 * Zeroed is empty and valid. Thread: one.
 */
#ifndef SLUICE_CORE_OFFSET_VECTOR_H
#define SLUICE_CORE_OFFSET_VECTOR_H

#include "core/error.h"
#include "core/str.h"

enum { OFFSET_VECTOR_TEXT = 6000 };

typedef struct {
    char   *topic; /* heap */
    int     partition;
    int64_t offset;
} OffsetEntry;

typedef struct {
    OffsetEntry *entries; /* by topic, then partition */
    size_t       count, capacity;
    bool         everything; /* the ends of all topics, beside the entries */
} OffsetVector;

void offset_vector_clear(OffsetVector *vector);
bool offset_vector_is_empty(const OffsetVector *vector);
/* Of two offsets the larger one stays. */
void offset_vector_put(OffsetVector *vector, Str topic, int partition, int64_t offset);
void offset_vector_merge(OffsetVector *vector, const OffsetVector *from);
/* Drops what is of no topic of `topics`. */
void offset_vector_keep(OffsetVector *vector, const OffsetVector *topics);
/* -1: it says nothing of that partition. */
int64_t offset_vector_get(const OffsetVector *vector, Str topic, int partition);
/* Does it name a partition of the topic? */
bool offset_vector_has(const OffsetVector *vector, Str topic);

void offset_vector_print(const OffsetVector *vector, StrBuf *out);
/* Begins like a text of ours: others' tokens are not to be parsed. */
bool offset_vector_is_text(Str text);
/* Merges what the text says into the vector. E_DATA: it is none of ours, or damaged; the vector may have
 * taken a part of it. */
Status offset_vector_parse(OffsetVector *vector, Str text, Error *err);

#endif
