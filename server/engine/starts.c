/*
 * starts.c - see starts.h.
 */
#include "server/engine/starts.h"

#include "planner/nodes/node_source.h"
#include "planner/plan_starts.h"
#include "server/engine/engine.h"

static Status ends_of(Execution *x, const PlanSource *source, PlanStart *out, Error *err)
{
    size_t   count   = (size_t)source->partitions;
    int     *numbers = ARENA_ARRAY(x->arena, int, count + 1);
    int64_t *first   = ARENA_ARRAY(x->arena, int64_t, count + 1);
    int64_t *ends    = ARENA_ARRAY(x->arena, int64_t, count + 1);
    Error    why;
    for (size_t p = 0; p < count; p++)
        numbers[p] = (int)p;
    Status status = log_offsets_many(engine_log(x->engine), source->topic, numbers, count, first, ends, &why);
    /* Nothing is in a topic that is not there: whatever comes, comes after the statement. */
    if (status == E_NOT_FOUND)
        for (size_t p = 0; p < count; p++)
            ends[p] = 0;
    else if (status != OK)
        return error_set(err, status, NO_POS, "%s", why.message);
    *out = (PlanStart){source->topic, ends, source->partitions};
    return OK;
}

/* The log is asked without the engine's lock. */
static Status ask(Execution *x, QueryPlan *plan, Error *err)
{
    PlanStart *starts = ARENA_ARRAY(x->arena, PlanStart, plan->source_count + 1);
    Status     status = OK;
    execution_leave_lock(x);
    for (size_t i = 0; status == OK && i < plan->source_count; i++) {
        const PlanSource *source = plan_source(plan->sources[i]);
        bool              known  = plan_start_of(plan, source->topic, 0) >= 0; /* a self-join */
        if (known || !plan_starts_at_end(plan, plan->sources[i]))
            continue;
        status            = ends_of(x, source, &starts[plan->start_count], err);
        plan->starts      = starts;
        plan->start_count = plan->start_count + (status == OK);
    }
    execution_take_lock(x);
    return status;
}

Status starts_decide(Execution *x, QueryPlan *plan, Error *err)
{
    PlanRef         *ref    = execution_plan(x, plan->id);
    const QueryPlan *former = ref == NULL ? NULL : plan_ref_plan(ref);
    if (former != NULL && former->generation == plan->generation)
        plan_keep_starts(plan, former); /* the engine's until this one is carried out */
    return ask(x, plan, err);
}
