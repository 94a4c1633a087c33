/*
 * select_items.h - the select list: stars expanded, names generated (sql.md 5.3).
 */
#ifndef SLUICE_PLANNER_SELECT_ITEMS_H
#define SLUICE_PLANNER_SELECT_ITEMS_H

#include "planner/analysis.h"

/* Fills a->items and a->generated_keys. */
Status select_items_expand(Analysis *a, Error *err);
/* Qualified and flat form of a written expression. */
Status select_both_forms(Analysis *a, const AstExpr *written, BothForms *out, Error *err);
/* A reference to a column of a source, as if it had been written. */
const AstExpr *select_column(Arena *arena, Str qualifier, Str name, Pos pos);

#endif
