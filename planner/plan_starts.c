/*
 * plan_starts.c - see plan_starts.h.
 */
#include "planner/plan_starts.h"

#include "planner/plan_settings.h"

int64_t plan_start_of(const QueryPlan *plan, Str topic, int partition)
{
    for (size_t i = 0; i < plan->start_count; i++)
        if (str_equal(plan->starts[i].topic, topic))
            return partition < plan->starts[i].partitions ? plan->starts[i].offsets[partition] : 0;
    return -1;
}

bool plan_starts_at_end(const QueryPlan *plan, const PlanNode *source)
{
    QuerySettings settings;
    plan_query_settings(plan, &settings);
    /* The plan's own setting, not the server's of today. */
    return !source->is_table && settings.offset_reset != OFFSET_RESET_EARLIEST;
}

void plan_keep_starts(QueryPlan *plan, const QueryPlan *former)
{
    if (former->start_count == 0)
        return;
    plan->starts      = former->starts;
    plan->start_count = former->start_count;
}
