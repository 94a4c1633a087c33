/*
 * name_set.h - names, each with a number, found by their hash: for whatever a client may send by the
 * thousand.
 */
#ifndef SLUICE_CORE_NAME_SET_H
#define SLUICE_CORE_NAME_SET_H

#include "core/str.h"

typedef struct NameSet NameSet;

/* In the arena, as what it grows by. */
NameSet *name_set_new(Arena *arena);
/* The number that is kept with the name, 0 when it is new (*added); to be written to until another name is
 * added. The name's bytes are borrowed. */
size_t *name_set_put(NameSet *set, Str name, bool *added);
/* The same for one that may not be there: NULL. */
const size_t *name_set_get(const NameSet *set, Str name);

#endif
