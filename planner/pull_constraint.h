/*
 * pull_constraint.h - from the WHERE of a pull query to the keys it can concern.
 */
#ifndef SLUICE_PLANNER_PULL_CONSTRAINT_H
#define SLUICE_PLANNER_PULL_CONSTRAINT_H

#include "planner/planner.h"

/* Only AND, OR, comparisons and LIKE, with NOT pushed down (sql.md 5.13): "Unsupported expression in WHERE clause: ...". */
Status pull_check_condition(const AstExpr *condition, Error *err);
/* Fills access, keys, range and window bounds from plan->where. */
Status pull_find_access(const Planner *planner, PullPlan *plan, Error *err);

#endif
