/*
 * node_exchange.c - see node_exchange.h.
 *
 * Nothing reads columns here, but what is written must be there: the columns that are read above go through
 * the topic, the others as NULL.
 */
#include "planner/nodes/node_exchange.h"

static const char *step_name(const PlanNode *node)
{
    return node->is_table ? "TableRepartition" : "StreamRepartition";
}

static void print(const PlanNode *node, StrBuf *out)
{
    strbuf_addf(out, " | Through: " STR_FMT, STR_ARG(plan_exchange(node)->topic_suffix));
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    for (size_t i = wants->schema->key_count; i < wants->schema->count; i++)
        want_shared(wants, i, of_node, i);
}

const NodeClass node_exchange = {
    .name = "EXCHANGE", .cuts = true, .step_name = step_name, .print = print, .want = want};
