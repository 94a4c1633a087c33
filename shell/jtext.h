/*
 * jtext.h - JSON as the shell needs it: read in place, by slices of the text.
 *
 * Values are shown exactly as the server wrote them: 1.20 stays 1.20 and 1.0E10 stays 1.0E10. A library that
 * turns numbers into doubles (jansson) loses both, and whoever pipes our output into a program wants the
 * digits. So a JsonText is a kind and a slice; nothing is converted but strings that are to be printed.
 *
 * Malformed text never crashes: it ends what is being read. Depth is bounded only where we recurse
 * (jtext_pretty).
 */
#ifndef SLUICE_SHELL_JTEXT_H
#define SLUICE_SHELL_JTEXT_H

#include "core/str.h"

typedef enum {
    JTEXT_NONE,
    JTEXT_NULL,
    JTEXT_BOOL,
    JTEXT_NUMBER,
    JTEXT_STRING,
    JTEXT_ARRAY,
    JTEXT_OBJECT
} JsonKind;

typedef struct {
    JsonKind kind; /* NONE: there is no such value */
    Str      raw;  /* with quotes or brackets */
} JsonText;

/* The value that begins at *at (blanks are skipped); *at moves behind it. NONE when there is none or it does
 * not end. */
JsonText jtext_read(Str text, size_t *at);
/* The first value of a text. */
JsonText jtext_parse(Str text);

typedef struct {
    Str    text; /* what stands between the brackets */
    size_t at;
    bool   object;
} JsonIter;

JsonIter jtext_iter(JsonText container);
/* The next element; `name` (may be NULL) is the raw text of a field's name without its quotes. */
bool     jtext_next(JsonIter *iter, Str *name, JsonText *value);
size_t   jtext_count(JsonText container);
JsonText jtext_get(JsonText object, const char *name);
/* Field of a field. */
JsonText jtext_get2(JsonText object, const char *outer, const char *inner);
/* A string's text, anything else as it is written; NONE and null: STR_NULL. */
Str  jtext_text(Arena *arena, JsonText value);
Str  jtext_field(Arena *arena, JsonText object, const char *name);
bool jtext_is_true(JsonText value);

/* Writes: a quoted string, and a value laid out as ksqlDB's shell prints entities (Jackson's default). */
void jtext_add_string(StrBuf *out, Str text);
void jtext_pretty(StrBuf *out, JsonText value);

#endif
