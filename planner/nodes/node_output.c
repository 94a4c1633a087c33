/*
 * node_output.c - see node_output.h.
 */
#include "planner/nodes/node_output.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableOutput" : "StreamOutput"; }

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    want_exprs(wants, plan_output(node)->values, node->schema->count);
}

const NodeClass node_output = {.name = "OUTPUT", .step_name = step_name, .want = want};
