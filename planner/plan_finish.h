/*
 * plan_finish.h - what follows from a plan's nodes, for who makes plans: builders and readers of documents.
 */
#ifndef SLUICE_PLANNER_PLAN_FINISH_H
#define SLUICE_PLANNER_PLAN_FINISH_H

#include "planner/plan.h"

/* Sets the rest of a plan whose id, statement, settings and nodes are set. */
void plan_derive(QueryPlan *plan, Arena *arena);

#endif
