/*
 * node_flatten.c - see node_flatten.h.
 */
#include "planner/nodes/node_flatten.h"

static const char *step_name(const PlanNode *node) { return "StreamFlatMap"; }

static void print(const PlanNode *node, StrBuf *out)
{
    print_node_exprs("Functions", plan_flatten(node)->functions, plan_flatten(node)->count,
                     node->inputs[0]->schema, out);
}

/* The functions' columns stand between the values and the pseudo columns. */
static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanFlatten *flatten = plan_flatten(node);
    const Schema      *from    = wants->schema;
    size_t             values  = from->key_count + from->value_count;
    for (size_t i = 0; i < from->count; i++)
        want_shared(wants, i, of_node, i < values ? i : i + flatten->count);
    want_exprs(wants, flatten->functions, flatten->count);
}

const NodeClass node_flatten = {.name          = "FLATTEN",
                                .step_name     = step_name,
                                .print         = print,
                                .want          = want,
                                .check_upgrade = refuse_any_upgrade};
