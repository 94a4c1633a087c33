/*
 * json_index.h - where a JSON text has its structure, found by simdjson at gigabytes a second.
 *
 * The index lists the position of every structural character: { } [ ] : , and the first character of every
 * string, number and literal. White space and everything inside strings is left out. It is the first stage of
 * simdjson's On-Demand and DOM parsers alike; the second stage is ours (json_doc.h), because On-Demand
 * refuses trailing content, which ksqlDB ignores, does not look at values that it skips, and wants each
 * record copied into padded memory.
 *
 * This is the only header between C and simdjson's C++.
 */
#ifndef SLUICE_SERDE_JSON_INDEX_H
#define SLUICE_SERDE_JSON_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct JsonIndex JsonIndex;

JsonIndex *json_index_new(void);
void       json_index_free(JsonIndex *index);
/*
 * Indexes text[0 .. len); reads nothing beyond. False when it is empty, not UTF-8, ends inside a string, or
 * has a bare control character in one. On true (*positions)[0 .. *count) ascend and (*positions)[*count] is
 * len; they stay valid until the next call.
 */
bool json_index_build(JsonIndex *index, const char *text, size_t len, const uint32_t **positions,
                      size_t *count);

#ifdef __cplusplus
}
#endif

#endif
