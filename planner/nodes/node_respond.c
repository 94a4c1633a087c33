/*
 * node_respond.c - see node_respond.h.
 */
#include "planner/nodes/node_respond.h"

static const char *step_name(const PlanNode *node) { return "ForeignKeyRespond"; }

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    if (input == RESPOND_MESSAGES) {
        want_all(wants);
        return;
    }
    want_keys(wants);
    for (size_t i = respond_right_slot(node); i < node->schema->count; i++)
        want_shared(wants, i - respond_right_slot(node), of_node, i);
}

/* Who refers to a row: by foreign key and left primary key, the latter with version and partition. */
static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const Schema *messages = node->inputs[RESPOND_MESSAGES]->schema;
    out->kind              = SHAPE_PREFIX;
    out->keys              = messages->columns;
    out->key_count         = 1;
    out->values            = messages->columns + 1;
    out->value_count       = node->schema->key_count + SUBSCRIBE_ACTION;
}

const NodeClass node_respond = {.name          = "RESPOND",
                                .step_name     = step_name,
                                .want          = want,
                                .check_upgrade = refuse_any_upgrade,
                                .shape_store   = shape_store};
