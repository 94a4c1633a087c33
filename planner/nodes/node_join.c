/*
 * node_join.c - see node_join.h.
 */
#include "planner/nodes/node_join.h"

static const char *step_name(const PlanNode *node)
{
    static const char *const names[] = {
        [PLAN_JOIN_STREAM_STREAM] = "StreamStreamJoin",
        [PLAN_JOIN_STREAM_TABLE]  = "StreamTableJoin",
        [PLAN_JOIN_TABLE_TABLE]   = "TableTableJoin",
        [PLAN_JOIN_FOREIGN_KEY]   = "ForeignKeyTableTableJoin",
    };
    return names[plan_join(node)->kind];
}

/* The key is made of both keys, so these are always read. */
static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanJoin *join  = plan_join(node);
    const int      *slots = input == 0 ? join->left_slots : join->right_slots;
    size_t          keys  = node->schema->key_count;
    for (size_t i = keys; i < node->schema->count; i++)
        if (slots[i - keys] >= 0)
            want_shared(wants, (size_t)slots[i - keys], of_node, i);
    want_keys(wants);
    if (input == 0)
        want_exprs(wants, &join->foreign_key, 1);
}

const NodeClass node_join = {
    .name = "JOIN", .step_name = step_name, .want = want, .check_upgrade = refuse_any_upgrade};
