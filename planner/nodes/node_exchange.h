/*
 * node_exchange.h - EXCHANGE sends rows through a topic, to the task that has their key's partition.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_EXCHANGE_H
#define SLUICE_PLANNER_NODES_NODE_EXCHANGE_H

#include "planner/node.h"

/* The only cut between sub-topologies. The rows are the input's, as they are. */
typedef struct {
    Str topic_suffix;   /* "Aggregate-GroupBy-repartition" (runtime.md 6.1) */
    int partition_slot; /* an INTEGER column that says where a row goes to; -1: by its key */
} PlanExchange;

static inline const PlanExchange *plan_exchange(const PlanNode *node)
{
    return node_details(node, &node_exchange);
}

#endif
