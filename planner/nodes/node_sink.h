/*
 * node_sink.h - SINK writes the result to a topic; the root of a persistent query.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_SINK_H
#define SLUICE_PLANNER_NODES_NODE_SINK_H

#include "planner/node.h"

typedef struct {
    Str        sink_name; /* the source it writes */
    Str        topic;
    int        partitions;
    FormatSpec value_format;
    int        timestamp_slot; /* WITH (TIMESTAMP=...): the column that sets the written timestamp, or -1 */
    Str        timestamp_format;
} PlanSink;

static inline const PlanSink *plan_sink(const PlanNode *node) { return node_details(node, &node_sink); }
/* What the plan writes; NULL: nothing. */
static inline const PlanSink *plan_sink_of(const QueryPlan *plan)
{
    return plan->root->class == &node_sink ? plan_sink(plan->root) : NULL;
}

#endif
