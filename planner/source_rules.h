/*
 * source_rules.h - what holds for every stream and table, however it is made: column names, key types,
 * formats, names that are taken, upgrades by OR REPLACE.
 */
#ifndef SLUICE_PLANNER_SOURCE_RULES_H
#define SLUICE_PLANNER_SOURCE_RULES_H

#include "planner/planner.h"

/* Names that no column may have: ROWTIME, ROWPARTITION, ROWOFFSET, WINDOWSTART, WINDOWEND. */
bool is_reserved_column(Str name);
/* Source names may hold letters, digits, '_' and '-' only (sql.md 1.3). */
Status check_source_name(const AstName *name, Error *err);
/* Keys without maps, both formats able to hold their columns, a key where the window needs one
 * (sql.md 4.1.1, 4.1.3). */
Status check_source(const Source *source, Error *err);
/* The name must be free. E_EXISTS with the warning's text for IF NOT EXISTS, E_PLAN otherwise; OR REPLACE of
 * an existing source of the same kind passes. */
Status check_name_free(const Catalog *catalog, const AstStatement *statement, Error *err);
/* May `next` take the place of `old` (sql.md 4.1.5)? */
Status check_source_upgrade(const Source *old, const Source *next, Error *err);
/* Do both write and read the same bytes, on that side of a source of so many columns? Sources that differ in
 * columns may wrap a single one differently. */
bool same_format(const FormatSpec *a, const FormatSpec *b, int side, size_t count_a, size_t count_b);
/* Where a format's key schemas are named after their source and nothing else was said: that name. */
void name_key_schema(Arena *arena, Source *source);
/* "stream", "table" */
const char *source_kind(bool is_table);

#endif
