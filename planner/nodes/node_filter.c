/*
 * node_filter.c - see node_filter.h.
 */
#include "planner/nodes/node_filter.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableFilter" : "StreamFilter"; }

static void print(const PlanNode *node, StrBuf *out)
{
    print_node_exprs("Condition", &plan_filter(node)->condition, 1, node->inputs[0]->schema, out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    for (size_t i = 0; i < wants->schema->count; i++)
        want_shared(wants, i, of_node, i);
    want_exprs(wants, &plan_filter(node)->condition, 1);
}

const NodeClass node_filter = {
    .name = "FILTER", .passes = true, .step_name = step_name, .print = print, .want = want};
