/*
 * json_raw.h - parts of a JSON text as they are spelled: 1.50 stays 1.50. For test data, where the spelling
 * of numbers counts.
 *
 * The text must be valid JSON (let a real parser look at it first); then these only find where a value begins
 * and ends.
 */
#ifndef SLUICE_SERVER_TESTING_JSON_RAW_H
#define SLUICE_SERVER_TESTING_JSON_RAW_H

#include "core/str.h"

/* The raw value of a member; ptr NULL when the object has none of that name or is no object. The last of
 * equal names wins. */
Str raw_member(Str object, const char *name);
/* Elements of an array one after the other, *at starting at 0; false at the end. */
bool raw_next(Str array, size_t *at, Str *out);
/* Members of an object likewise; *name is decoded. */
bool raw_next_member(Str object, size_t *at, Arena *arena, Str *name, Str *out);
bool raw_is_null(Str raw); /* missing, or null */
/* A string's contents, decoded; of any other value its text. */
Str     raw_text(Str raw, Arena *arena);
int64_t raw_int(Str raw, int64_t otherwise);

#endif
