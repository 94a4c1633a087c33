/*
 * pull_constraint.h - from the WHERE of a pull query on a table to the keys, ranges and windows it can
 * concern (sql.md 5.13).
 */
#ifndef SLUICE_PLANNER_PULL_CONSTRAINT_H
#define SLUICE_PLANNER_PULL_CONSTRAINT_H

#include "planner/planner.h"

/* Fills access, keys, range and window bounds of a plan whose table and schema are set. `where` is the flat
 * form of the condition, or NULL. E_PLAN: what no pull query may compare a key or a window bound with, and
 * what needs a table scan where scans are switched off. Where scans are on, a condition that ksqlDB would
 * scan for may still be answered by look-ups: the rows are the same. */
Status pull_find_access(const Planner *planner, const Typer *typer, const AstExpr *where, PullPlan *plan,
                        Error *err);

#endif
