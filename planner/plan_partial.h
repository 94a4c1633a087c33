/*
 * plan_partial.h - does an aggregation send partial results through its repartition topic, or rows?
 */
#ifndef SLUICE_PLANNER_PLAN_PARTIAL_H
#define SLUICE_PLANNER_PLAN_PARTIAL_H

#include "planner/plan.h"

/* Puts a PARTIAL below every EXCHANGE where partial results are as good as rows, or takes all of them away.
 * What is new is in `arena`, which must live as long as the plan. */
void plan_set_partials(QueryPlan *plan, bool wanted, Arena *arena);
bool plan_has_partials(const QueryPlan *plan);

#endif
