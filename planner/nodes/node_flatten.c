/*
 * node_flatten.c - see node_flatten.h.
 */
#include "planner/nodes/node_flatten.h"

#include "planner/document/doc.h"

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

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanFlatten *flatten = plan_flatten(node);
    doc_put(json, "functions", doc_json_exprs(flatten->functions, flatten->count));
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanFlatten  *flatten = ARENA_NEW(r->arena, PlanFlatten);
    const Schema *schema = node->schema, *from = node->inputs[0]->schema;
    size_t        before = from->key_count + from->value_count;
    r->table_calls       = true;
    flatten->functions   = doc_exprs(r, json, "functions", from, &flatten->count);
    doc_same_columns(r, schema, 0, from, 0, before);
    doc_same_columns(r, schema, before + flatten->count, from, before, from->count - before);
    for (size_t i = 0; doc_ok(r) && i < flatten->count; i++)
        if (flatten->functions[i]->kind != EXPR_CALL || before + i >= schema->count ||
            !doc_type_fits(flatten->functions[i]->type, schema->columns[before + i].type))
            doc_fail(r, "element %zu of \"functions\" does not give its column", i);
    if (doc_ok(r) && schema->count != from->count + flatten->count)
        doc_fail(r, "there are columns that no table function gives");
    return flatten;
}

const NodeClass node_flatten = {.name          = "FLATTEN",
                                .least_inputs  = 1,
                                .most_inputs   = 1,
                                .write         = write_details,
                                .read          = read_details,
                                .step_name     = step_name,
                                .print         = print,
                                .want          = want,
                                .check_upgrade = refuse_any_upgrade};
