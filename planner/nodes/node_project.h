/*
 * node_project.h - SELECT: PROJECT makes new value columns, the key stays.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_PROJECT_H
#define SLUICE_PLANNER_NODES_NODE_PROJECT_H

#include "planner/node.h"

/* A table that pull queries read keeps its rows in the node's store. */
typedef struct {
    const Expr *const *values; /* one per value column of the schema, over the input's schema */
} PlanProject;

static inline const PlanProject *plan_project(const PlanNode *node)
{
    return node_details(node, &node_project);
}

#endif
