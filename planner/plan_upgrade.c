/*
 * plan_upgrade.c - may a new version of a query go on from the old one's positions and state (sql.md 5.11,
 * runtime.md 6.5)?
 *
 * Steps that keep nothing (WHERE and SELECT) may come, go and change. What is left must correspond one to
 * one; each class of nodes says what of it must not change (NodeClass.check_upgrade). Steps whose stored
 * state depends on more than their own properties are never upgradeable.
 */
#include "planner/query_build.h"

typedef struct {
    const PlanNode **items;
    size_t           count;
} Steps;

static Steps gather(const QueryPlan *plan, Arena *arena)
{
    Steps steps = {ARENA_ARRAY(arena, const PlanNode *, plan->node_count + 1), 0};
    for (size_t i = 0; i < plan->node_count; i++)
        if (!plan->nodes[i]->class->passes)
            steps.items[steps.count++] = plan->nodes[i];
    return steps;
}

static bool joins(const Steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i]->input_count > 1)
            return true;
    return false;
}

static Status compare_steps(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (old->class == next->class)
        return next->class->check_upgrade == NULL ? OK : next->class->check_upgrade(old, next, err);
    return refuse_upgrade(next, "type", str_c(old->class->step_name(old)),
                          str_c(next->class->step_name(next)), err);
}

/* A join that comes is told as such: compared one by one, its second source would stand against the sink. */
static Status compare(const Steps *old, const Steps *next, Error *err)
{
    if (joins(next) && !joins(old))
        return error_set(err, E_PLAN, NO_POS,
                         "Query is not upgradeable. Cannot change a non-join source into a join source.");
    /* By place: a task finds what it saved by "the n-th operator of this class", so steps that changed
     * places would get each other's. */
    for (size_t i = 0; i < old->count && i < next->count; i++)
        TRY(compare_steps(old->items[i], next->items[i], err));
    if (old->count == next->count)
        return OK;
    return error_set(
        err, E_PLAN, NO_POS,
        "Query is not upgradeable. The old plan has %zu steps that keep state or order, the new one %zu",
        old->count, next->count);
}

Status plan_check_upgrade(const QueryPlan *old_plan, const QueryPlan *new_plan, Error *err)
{
    Arena *arena = arena_new(0);
    Steps  old = gather(old_plan, arena), next = gather(new_plan, arena);
    Status status = compare(&old, &next, err);
    arena_free(arena);
    return status;
}
