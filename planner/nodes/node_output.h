/*
 * node_output.h - OUTPUT hands rows to the client of a push query.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_OUTPUT_H
#define SLUICE_PLANNER_NODES_NODE_OUTPUT_H

#include "planner/node.h"

/* What a column of a push query's result still shows of a deleted row, when it is no key column. */
enum { OUTPUT_NOTHING = -1, OUTPUT_WINDOWSTART = -2, OUTPUT_WINDOWEND = -3 };

typedef struct {
    const Expr *const *values; /* one per column of the schema, over the input */
    const int *key_slots; /* for each column: which key column it is, or one of OUTPUT_*: what a tombstone
                             still shows */
    bool    has_limit;
    int64_t limit;
} PlanOutput;

static inline const PlanOutput *plan_output(const PlanNode *node) { return node_details(node, &node_output); }
/* What the plan hands to a client; NULL: nothing. */
static inline const PlanOutput *plan_output_of(const QueryPlan *plan)
{
    return plan->root->class == &node_output ? plan_output(plan->root) : NULL;
}

#endif
