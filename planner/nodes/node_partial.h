/*
 * node_partial.h - PARTIAL folds rows of a group that come close together into one, before they go through
 * the topic: its rows have the group's key and a state per aggregate call, which the AGGREGATE above the
 * EXCHANGE merges.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_PARTIAL_H
#define SLUICE_PLANNER_NODES_NODE_PARTIAL_H

#include "planner/nodes/node_aggregate.h"

typedef struct {
    const PlanAggregateCall *calls; /* those of the AGGREGATE; args over the input's schema */
    size_t                   call_count;
    int64_t                  advance_ms; /* rows of one advance are in the same windows; 0: not windowed */
    int64_t                  grace_ms;
} PlanPartial;

static inline const PlanPartial *plan_partial(const PlanNode *node)
{
    return node_details(node, &node_partial);
}

/* The PARTIAL that this AGGREGATE gets its rows from; NULL: it gets them as they are. */
static inline const PlanNode *partial_of(const PlanNode *aggregate)
{
    const PlanNode *below = aggregate->inputs[0];
    if (below->class != &node_exchange || below->inputs[0]->class != &node_partial)
        return NULL;
    return below->inputs[0];
}

#endif
