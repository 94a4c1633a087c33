/*
 * node_flatten.h - table functions of a select list: FLATTEN makes several rows of one.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_FLATTEN_H
#define SLUICE_PLANNER_NODES_NODE_FLATTEN_H

#include "planner/node.h"

typedef struct {
    const Expr *const
          *functions; /* CALLs of table functions over the input; results become the last value columns */
    size_t count;
} PlanFlatten;

static inline const PlanFlatten *plan_flatten(const PlanNode *node)
{
    return node_details(node, &node_flatten);
}

#endif
