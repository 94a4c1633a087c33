/*
 * node_filter.h - WHERE: FILTER keeps the rows for which a condition is true.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_FILTER_H
#define SLUICE_PLANNER_NODES_NODE_FILTER_H

#include "planner/node.h"

typedef struct {
    const Expr *condition; /* over the input's schema */
} PlanFilter;

static inline const PlanFilter *plan_filter(const PlanNode *node) { return node_details(node, &node_filter); }

#endif
