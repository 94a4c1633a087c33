/*
 * node_output.c - see node_output.h.
 */
#include "planner/nodes/node_output.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableOutput" : "StreamOutput"; }

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    want_exprs(wants, plan_output(node)->values, node->schema->count);
}

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanOutput *output = plan_output(node);
    doc_put(json, "values", doc_json_exprs(output->values, node->schema->count));
    doc_put_slots(json, "keySlots", output->key_slots, node->schema->count);
    doc_put(json, "limit", output->has_limit ? json_integer(output->limit) : json_null());
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanOutput   *output = ARENA_NEW(r->arena, PlanOutput);
    const Schema *schema = node->schema, *from = node->inputs[0]->schema;
    output->values = doc_columns(r, json, "values", from, schema, 0, schema->count);
    output->key_slots =
        doc_slots(r, json, "keySlots", schema->count, OUTPUT_WINDOWEND, (int)from->key_count - 1);
    output->has_limit = !doc_is_null(doc_field(r, json, "limit"));
    output->limit     = output->has_limit ? doc_int(r, json, "limit", 0, INT64_MAX) : 0;
    return output;
}

const NodeClass node_output = {.name         = "OUTPUT",
                               .leaves       = true,
                               .least_inputs = 1,
                               .most_inputs  = 1,
                               .write        = write_details,
                               .read         = read_details,
                               .step_name    = step_name,
                               .want         = want};
