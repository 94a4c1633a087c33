/*
 * plans.c - see plans.h. A plan lives as long as anybody refers to it: the engine, a worker, a reply under
 * way.
 */
#include "server/engine/plans.h"

#include <stdatomic.h>

struct PlanRef {
    atomic_int       refs;
    Arena           *arena;
    const QueryPlan *plan;
};

PlanRef *plan_ref_new(Arena *arena, const QueryPlan *plan)
{
    PlanRef *ref = mem_calloc(1, sizeof *ref);
    atomic_init(&ref->refs, 1);
    ref->arena = arena;
    ref->plan  = plan;
    return ref;
}

PlanRef *plan_ref(PlanRef *ref)
{
    atomic_fetch_add(&ref->refs, 1);
    return ref;
}

void plan_unref(void *shared)
{
    PlanRef *ref = shared;
    if (ref == NULL || atomic_fetch_sub(&ref->refs, 1) != 1)
        return;
    arena_free(ref->arena);
    mem_free(ref);
}

const QueryPlan *plan_ref_plan(const PlanRef *ref) { return ref->plan; }

/* ---- the registry ---- */

static size_t find(const Plans *plans, Str id)
{
    size_t at = 0;
    while (at < plans->count && !str_equal(plans->items[at]->plan->id, id))
        at++;
    return at;
}

PlanRef *plans_get(const Plans *plans, Str id)
{
    size_t at = find(plans, id);
    return at < plans->count ? plans->items[at] : NULL;
}

void plans_put(Plans *plans, PlanRef *ref)
{
    size_t at = find(plans, ref->plan->id);
    if (at < plans->count) {
        plan_unref(plans->items[at]);
    } else {
        if (plans->count == plans->capacity) {
            plans->capacity = plans->capacity ? plans->capacity * 2 : 16;
            plans->items    = mem_realloc(plans->items, plans->capacity * sizeof(PlanRef *));
        }
        plans->count++;
    }
    plans->items[at] = plan_ref(ref);
}

void plans_remove(Plans *plans, Str id)
{
    size_t at = find(plans, id);
    if (at == plans->count)
        return;
    plan_unref(plans->items[at]);
    plans->items[at] = plans->items[--plans->count];
}

void plans_clear(Plans *plans)
{
    while (plans->count > 0)
        plan_unref(plans->items[--plans->count]);
    mem_free(plans->items);
    *plans = (Plans){0};
}
