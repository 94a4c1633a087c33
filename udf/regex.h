/*
 * regex.h - regular expressions of Java's dialect on PCRE2 (functions.md 3.4, 10).
 *
 * The pattern is rewritten to PCRE2's dialect (regex_translate.c). Matching has a step limit: E_DATA when it
 * is reached. Thread: one at a time (a match writes into the compiled pattern's match data).
 */
#ifndef SLUICE_UDF_REGEX_H
#define SLUICE_UDF_REGEX_H

#include "core/str.h"

typedef struct Regex Regex;

typedef struct {
    bool   found;
    size_t start, end;
} RegexMatch;

/* E_DATA "Invalid regular expression pattern: <p>" and the engine's reason. regex_free on OK. */
Status regex_compile(Str pattern, Regex **out, Error *err);
void   regex_free(Regex *regex);
size_t regex_group_count(const Regex *regex);
/* The number of a named group, or 0. */
size_t regex_named_group(const Regex *regex, Str name);
/* Whether it matches '' as a whole. */
bool regex_matches_empty(const Regex *regex);

/* The first match at or after `from`. */
Status regex_find(Regex *regex, Str text, size_t from, RegexMatch *out, Error *err);
/* A group of the last match; false when it took no part. */
bool regex_group(const Regex *regex, size_t group, size_t *start, size_t *end);
/* Where the search goes on after a match, as Java's find(); beyond text.len = nowhere. */
size_t regex_next(Str text, RegexMatch match);

/* Java's pattern in PCRE2's dialect. E_DATA when something of it has no counterpart. */
Status regex_translate(Str pattern, StrBuf *out, Error *err);
/* The body of a lookbehind with its bounded repetitions spelt out; false when it cannot be (out is then
 * meaningless). */
bool regex_expand_lookbehind(Str body, Arena *arena, StrBuf *out);

#endif
