/*
 * plans.h - the plans of the persistent queries that run, by query id. PlanRef itself is in engine.h.
 *
 * Thread: under the engine's lock.
 */
#ifndef SLUICE_SERVER_ENGINE_PLANS_H
#define SLUICE_SERVER_ENGINE_PLANS_H

#include "server/engine/engine.h"

typedef struct {
    PlanRef **items;
    size_t    count, capacity;
} Plans;

PlanRef *plans_get(const Plans *plans, Str id); /* borrowed; NULL: none */
void     plans_put(Plans *plans, PlanRef *ref); /* takes a reference; replaces the one of the same id */
void     plans_remove(Plans *plans, Str id);
void     plans_clear(Plans *plans);

#endif
