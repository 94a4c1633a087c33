/*
 * properties.h - names and values of settings: the server's, a request's overrides, a session's variables.
 *
 * Names with and without `ksql.streams.` are the same setting (rest.md 9): they are kept without it.
 */
#ifndef SLUICE_SERVER_SETTINGS_PROPERTIES_H
#define SLUICE_SERVER_SETTINGS_PROPERTIES_H

#include "core/str.h"

typedef struct Properties Properties;

/* `parent` is asked for what is not set here; may be NULL; must live as long. */
Properties *properties_new(const Properties *parent);
void        properties_free(Properties *properties); /* accepts NULL */
void        properties_set(Properties *properties, Str name, Str value);
/* A default, where nothing is set. */
void properties_fill(Properties *properties, Str name, Str value);
bool properties_unset(Properties *properties, Str name); /* false: was not set */
/* STR_NULL when neither it nor a parent has it. Valid until it is set again. */
Str     properties_get(const Properties *properties, Str name);
Str     properties_get_c(const Properties *properties, const char *name);
bool    properties_is_true(const Properties *properties, const char *name, bool otherwise);
int64_t properties_int(const Properties *properties, const char *name, int64_t otherwise);
/* Is it set, and not by properties_fill? */
bool properties_is_said(const Properties *properties, const char *name);
/* Those set here, without parents, in order of name. */
size_t properties_count(const Properties *properties);
size_t properties_size(const Properties *properties); /* bytes of names and values, the parents' aside */
void   properties_at(const Properties *properties, size_t index, Str *name, Str *value);
/* Java properties text: key=value, # and ! comments, \ continuation and escapes. E_CONFIG with the line. */
Status properties_parse(Properties *properties, Str text, Error *err);
/* The name as it is kept: without `ksql.streams.`. */
Str property_canonical(Str name);

#endif
