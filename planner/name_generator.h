/*
 * name_generator.h - names for columns that were given none: KSQL_COL_0, TOWN_1 (sql.md 5.3).
 *
 * A name X reserves number 0 of base X, X_3 reserves number 3 of base X. Free numbers are taken in order.
 */
#ifndef SLUICE_PLANNER_NAME_GENERATOR_H
#define SLUICE_PLANNER_NAME_GENERATOR_H

#include "core/str.h"

typedef struct NameGenerator NameGenerator;

NameGenerator *name_generator_new(Arena *arena);
void           name_generator_reserve(NameGenerator *generator, Str name);
/* The next free name of that base; number 0 prints as the base alone, but for KSQL_COL. */
Str name_generator_next(NameGenerator *generator, Str base);

#endif
