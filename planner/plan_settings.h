/*
 * plan_settings.h - the settings that a plan keeps.
 */
#ifndef SLUICE_PLANNER_PLAN_SETTINGS_H
#define SLUICE_PLANNER_PLAN_SETTINGS_H

#include "planner/plan.h"
#include "planner/query_settings.h"

/* STR_NULL: it was not set, or nobody asked. */
Str plan_setting(const QueryPlan *plan, Str name);
/* What the query is told, and what the planner has asked (each once; the texts must live as long as the
 * plan). */
void plan_keep_settings(QueryPlan *plan, const QuerySettings *told, const PlanSetting *asked,
                        size_t asked_count, Arena *arena);
/* What the query is told. */
void plan_query_settings(const QueryPlan *plan, QuerySettings *out);

#endif
