/*
 * node_subscribe.c - see node_subscribe.h.
 */
#include "planner/nodes/node_subscribe.h"

static const char *step_name(const PlanNode *node) { return "ForeignKeySubscribe"; }

static void print(const PlanNode *node, StrBuf *out)
{
    print_node_exprs("Refers by", &plan_subscribe(node)->foreign_key, 1, node->inputs[0]->schema, out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    want_exprs(wants, &plan_subscribe(node)->foreign_key, 1);
    want_column(wants, (size_t)plan_subscribe(node)->version_slot);
}

const NodeClass node_subscribe = {.name          = "SUBSCRIBE",
                                  .step_name     = step_name,
                                  .print         = print,
                                  .want          = want,
                                  .check_upgrade = refuse_any_upgrade};
