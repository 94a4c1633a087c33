/*
 * node_project.c - see node_project.h.
 */
#include "planner/nodes/node_project.h"

#include "planner/document/doc.h"

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

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    doc_put(json, "values", doc_json_exprs(plan_project(node)->values, node->schema->value_count));
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanProject  *project = ARENA_NEW(r->arena, PlanProject);
    const Schema *schema = node->schema, *from = node->inputs[0]->schema;
    project->values = doc_columns(r, json, "values", from, schema, schema->key_count, schema->value_count);
    doc_same_columns(r, schema, 0, from, 0, schema->key_count);
    if (doc_ok(r) &&
        (schema->key_count != from->key_count || schema->count != schema->key_count + schema->value_count))
        doc_fail(r, "a projection has other keys than its input");
    return project;
}

/* It passes though it may keep a store: what is in it is of its input's rows alone, and a column more is NULL
 * in the rows that are there (docs/architecture.md, "Commit"). */
const NodeClass node_project = {.name         = "PROJECT",
                                .least_inputs = 1,
                                .most_inputs  = 1,
                                .write        = write_details,
                                .read         = read_details,
                                .passes       = true,
                                .step_name    = step_name,
                                .print        = print,
                                .want         = want};
