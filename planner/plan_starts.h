/*
 * plan_starts.h - where a query begins that begins at the ends of its topics (auto.offset.reset latest).
 *
 * The ends are those of the moment at which the statement was accepted, and part of its plan: what is written
 * after the answer is the query's, whichever node reads it, and whenever. Asked for at a start instead, they
 * would be others after each start until a task has committed for the first time, and what was written in
 * between would be passed over.
 */
#ifndef SLUICE_PLANNER_PLAN_STARTS_H
#define SLUICE_PLANNER_PLAN_STARTS_H

#include "planner/plan.h"

/* -1: the plan says nothing of that topic. 0, all that is there: the partition came after the statement. */
int64_t plan_start_of(const QueryPlan *plan, Str topic, int partition);
/* Does the node read a topic whose ends count? Tables are read from the beginning, whatever is set. */
bool plan_starts_at_end(const QueryPlan *plan, const PlanNode *source);
/* OR REPLACE: the next version of a query begins where the former did, if that had read nothing yet.
 * Borrowed: `former` must live as long. */
void plan_keep_starts(QueryPlan *plan, const QueryPlan *former);

#endif
