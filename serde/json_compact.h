/*
 * json_compact.h - a JSON document without spaces, its members in the order they came in: the form in which
 * schemas are kept and compared.
 *
 * jansson's own writer prints 0.1 as 0.10000000000000001; numbers here are as short as they can be, as Java
 * writes them.
 */
#ifndef SLUICE_SERDE_JSON_COMPACT_H
#define SLUICE_SERDE_JSON_COMPACT_H

#include <jansson.h>

#include "core/str.h"

/* Recursion goes as deep as the document, which jansson's parser bounds (2048). */
void json_compact(const json_t *json, StrBuf *out);

#endif
