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

int plan_join_pending_store(const PlanJoin *join, int side)
{
    if (!join->has_grace || !plan_join_preserves(join, side))
        return -1;
    return side == 0 || join->type == PLAN_RIGHT ? 2 : 3;
}

/* A buffer has whole rows of its side, and their window. */
static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const PlanJoin *join = plan_join(node);
    if (join->kind != PLAN_JOIN_STREAM_STREAM)
        return;
    int           side   = index < 2 ? (int)index : (int)index != plan_join_pending_store(join, 0);
    const Schema *schema = node->inputs[side]->schema;
    out->kind            = SHAPE_BUFFER;
    out->keys            = schema->columns;
    out->key_count       = schema->key_count;
    out->values          = schema->columns + schema->key_count;
    out->value_count     = schema->count - schema->key_count;
    if (node->window.kind == WINDOWED_NO)
        return;
    Column *window   = ARENA_ARRAY(arena, Column, 2);
    window[0]        = (Column){STR_LIT("START"), &type_bigint, COLUMN_VALUE, STR_NULL};
    window[1]        = (Column){STR_LIT("END"), &type_bigint, COLUMN_VALUE, STR_NULL};
    out->states      = window;
    out->state_count = 2;
}

const NodeClass node_join = {.name          = "JOIN",
                             .step_name     = step_name,
                             .want          = want,
                             .check_upgrade = refuse_any_upgrade,
                             .shape_store   = shape_store};
