/*
 * node_partial.c - see node_partial.h.
 *
 * It comes and goes when a query is replaced only as far as the topic's records stay what they are
 * (plan_partial.c sees to it): of its own it keeps nothing.
 */
#include "planner/nodes/node_partial.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node) { return "StreamPartialAggregate"; }

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanPartial *partial = plan_partial(node);
    strbuf_adds(out, " | Aggregates: ");
    aggregate_calls_print(partial->calls, partial->call_count, node->inputs[0]->schema, out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanPartial *partial = plan_partial(node);
    want_keys(wants);
    for (size_t i = 0; i < partial->call_count; i++)
        want_exprs(wants, partial->calls[i].args, partial->calls[i].arg_count);
}

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanPartial *partial = plan_partial(node);
    doc_put(json, "calls", doc_json_aggregate_calls(partial->calls, partial->call_count));
    doc_put(json, "advanceMs", json_integer(partial->advance_ms));
    doc_put(json, "graceMs", json_integer(partial->grace_ms));
}

static void check_columns(DocReader *r, const PlanNode *node, const PlanPartial *partial)
{
    const Schema *schema = node->schema, *from = node->inputs[0]->schema;
    doc_same_columns(r, schema, 0, from, 0, from->key_count);
    if (doc_ok(r) && (node->is_table || from->key_count == 0 || schema->key_count != from->key_count ||
                      schema->count != schema->key_count + partial->call_count))
        doc_fail(r, "the columns of partial results are not their keys and states");
    for (size_t i = 0; doc_ok(r) && i < partial->call_count; i++)
        if (!type_equal(schema->columns[schema->key_count + i].type, partial->calls[i].call->state_type))
            doc_fail(r, "the column of call %zu is not of its state's type", i);
    for (size_t i = 0; doc_ok(r) && i < partial->call_count; i++)
        if (!aggregate_adds_up(partial->calls[i].function))
            doc_fail(r, "%s has no partial results", partial->calls[i].function->name);
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanPartial *partial = ARENA_NEW(r->arena, PlanPartial);
    partial->calls       = doc_aggregate_calls(r, json, node->inputs[0]->schema, &partial->call_count);
    partial->advance_ms  = doc_int(r, json, "advanceMs", 0, INT64_MAX);
    partial->grace_ms    = doc_int(r, json, "graceMs", 0, INT64_MAX);
    check_columns(r, node, partial);
    return partial;
}

const NodeClass node_partial = {.name         = "PARTIAL",
                                .since        = 2,
                                .least_inputs = 1,
                                .most_inputs  = 1,
                                .write        = write_details,
                                .read         = read_details,
                                .passes       = true,
                                .step_name    = step_name,
                                .print        = print,
                                .want         = want};
