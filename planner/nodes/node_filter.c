/*
 * node_filter.c - see node_filter.h.
 */
#include "planner/nodes/node_filter.h"

#include "planner/document/doc.h"

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

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    doc_put(json, "condition", doc_json_expr(plan_filter(node)->condition));
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanFilter *filter = ARENA_NEW(r->arena, PlanFilter);
    filter->condition  = doc_expr(r, json, "condition", node->inputs[0]->schema, &type_boolean);
    doc_same_schema(r, node->schema, node->inputs[0]->schema);
    return filter;
}

const NodeClass node_filter = {.name         = "FILTER",
                               .least_inputs = 1,
                               .most_inputs  = 1,
                               .write        = write_details,
                               .read         = read_details,
                               .passes       = true,
                               .step_name    = step_name,
                               .print        = print,
                               .want         = want};
