/*
 * plan_partial.h - does an aggregation send partial results through its repartition topic, or rows?
 */
#ifndef SLUICE_PLANNER_PLAN_PARTIAL_H
#define SLUICE_PLANNER_PLAN_PARTIAL_H

#include "planner/plan.h"

/* PARTIALS_UNNAMED: in topics that are called as those of rows, as the first version that had partial results
 * called them; who does not know what a query was made as cannot tell what lies in these. */
typedef enum { PARTIALS_NONE, PARTIALS_NAMED, PARTIALS_UNNAMED } Partials;

/* Puts a PARTIAL below every EXCHANGE where partial results are as good as rows, or takes all of them away.
 * What is new is in `arena`, which must live as long as the plan. */
void     plan_set_partials(QueryPlan *plan, Partials partials, Arena *arena);
Partials plan_partials(const QueryPlan *plan);
/* What a topic of partial results is called where one of rows has this suffix. */
Str plan_partial_suffix(Str suffix, Arena *arena);

#endif
