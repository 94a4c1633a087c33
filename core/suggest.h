/*
 * suggest.h - "did you mean": the known name that was probably meant.
 *
 * A hint is worth giving only where it is likely right: a name is near when about one letter in three at most
 * is wrong.
 */
#ifndef SLUICE_CORE_SUGGEST_H
#define SLUICE_CORE_SUGGEST_H

#include "core/error.h"
#include "core/str.h"

/* The closest of `names`, the first of several, however far; STR_NULL when there are none. */
Str str_closest(Str name, const Str *names, size_t count);
/* The same, if it is near enough to be a slip of the pen; else STR_NULL. */
Str str_nearest(Str name, const Str *names, size_t count);
/* Appends a line "Did you mean X?" to the message if one of `names` is near. */
void error_suggest(Error *err, Str name, const Str *names, size_t count);

#endif
