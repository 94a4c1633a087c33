/*
 * fields.h - inside the HTTP room: the header fields of a request, as both protocols keep them, and what has
 * to hold of them whatever the protocol.
 *
 * Names and values hold no NUL: whoever adds them has refused it.
 */
#ifndef SLUICE_SERVER_HTTP_FIELDS_H
#define SLUICE_SERVER_HTTP_FIELDS_H

#include "core/str.h"

/* Zeroed is empty. */
typedef struct {
    StrBuf bytes; /* name NUL value NUL name ... */
} Fields;

void fields_add(Fields *fields, Str name, Str value);
void fields_clear(Fields *fields);
/* The first of that name, letters of either case; valid until something is added. STR_NULL: there is none. */
Str fields_find(const Fields *fields, Str name);
/* One after the other, from *at = 0 on. False: that was all. */
bool fields_next(const Fields *fields, size_t *at, Str *name, Str *value);

/* Without the blanks around it (RFC 9110, 5.5), which no other control character is one of. */
Str fields_trim(Str text);
/* Is the word, in letters of either case, in a field that is a comma list? *last, unless NULL: it is the end
 * of it. */
bool fields_list_has(Str list, Str word, bool *last);

/* Two answers to a question that has one (who asks, for whom it is, where the body ends), or a host that is
 * none: whoever stands between may have read it another way than we do. NULL, or why it is refused: 400. */
const char *fields_fault(const Fields *fields);

#endif
