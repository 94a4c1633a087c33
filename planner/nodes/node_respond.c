/*
 * node_respond.c - see node_respond.h.
 */
#include "planner/nodes/node_respond.h"

#include "planner/document/doc.h"

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

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json) {}

/* Everything follows from the schemas; that these fit is checked. */
static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    static const int nothing;
    const Schema    *messages = node->inputs[RESPOND_MESSAGES]->schema;
    const Schema    *table    = node->inputs[RESPOND_TABLE]->schema;
    size_t           keys     = node->schema->key_count;
    if (node->store_count != 1 || table->key_count != 1 || messages->key_count != 1 ||
        messages->count != 1 + keys + SUBSCRIBE_COLUMNS ||
        node->schema->count != respond_right_slot(node) + table->count)
        doc_fail(r, "answers, messages and the table do not fit");
    if (!doc_ok(r))
        return &nothing;
    doc_same_columns(r, messages, 0, table, 0, 1);
    doc_same_columns(r, messages, 1, node->schema, 0, keys + SUBSCRIBE_ACTION);
    doc_is_column(r, messages, 1 + keys + SUBSCRIBE_VERSION, T_BIGINT);
    doc_is_column(r, messages, 1 + keys + SUBSCRIBE_PARTITION, T_INTEGER);
    doc_is_column(r, messages, 1 + keys + SUBSCRIBE_ACTION, T_INTEGER);
    doc_is_column(r, node->schema, keys + SUBSCRIBE_ACTION, T_BOOLEAN);
    doc_same_columns(r, node->schema, respond_right_slot(node), table, 0, table->count);
    return &nothing;
}

const NodeClass node_respond = {.name          = "RESPOND",
                                .least_inputs  = 2,
                                .most_inputs   = 2,
                                .write         = write_details,
                                .read          = read_details,
                                .step_name     = step_name,
                                .want          = want,
                                .check_upgrade = refuse_any_upgrade,
                                .shape_store   = shape_store};
