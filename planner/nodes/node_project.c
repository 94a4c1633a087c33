/*
 * node_project.c - see node_project.h.
 */
#include "planner/nodes/node_project.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableSelect" : "StreamSelect"; }

static void print(const PlanNode *node, StrBuf *out)
{
    print_node_exprs("Values", plan_project(node)->values, node->schema->value_count, node->inputs[0]->schema,
                     out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    want_exprs(wants, plan_project(node)->values, node->schema->value_count);
}

/* It passes though it may keep a store: what is in it is of its input's rows alone, and a column more is NULL
 * in the rows that are there (docs/architecture.md, "Commit"). */
const NodeClass node_project = {
    .name = "PROJECT", .passes = true, .step_name = step_name, .print = print, .want = want};
