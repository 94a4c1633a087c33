/*
 * node_exchange.c - see node_exchange.h.
 *
 * Nothing reads columns here, but what is written must be there: the columns that are read above go through
 * the topic, the others as NULL.
 */
#include "planner/nodes/node_exchange.h"

#include "planner/document/doc.h"

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
    if (plan_exchange(node)->partition_slot >= 0)
        want_column(wants, (size_t)plan_exchange(node)->partition_slot);
    for (size_t i = wants->schema->key_count; i < wants->schema->count; i++)
        want_shared(wants, i, of_node, i);
}

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    doc_put_text(json, "topicSuffix", plan_exchange(node)->topic_suffix);
    if (plan_exchange(node)->partition_slot >= 0)
        doc_put(json, "partitionSlot", json_integer(plan_exchange(node)->partition_slot));
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    const Schema *schema     = node->schema;
    PlanExchange *exchange   = ARENA_NEW(r->arena, PlanExchange);
    exchange->topic_suffix   = doc_text(r, json, "topicSuffix");
    exchange->partition_slot = -1;
    if (doc_member(json, "partitionSlot") != NULL) {
        exchange->partition_slot =
            (int)doc_int(r, json, "partitionSlot", (int64_t)schema->key_count, (int64_t)schema->count - 1);
        doc_is_column(r, schema, (size_t)exchange->partition_slot, T_INTEGER);
    }
    doc_same_schema(r, node->schema, node->inputs[0]->schema);
    return exchange;
}

const NodeClass node_exchange = {.name         = "EXCHANGE",
                                 .least_inputs = 1,
                                 .most_inputs  = 1,
                                 .write        = write_details,
                                 .read         = read_details,
                                 .cuts         = true,
                                 .step_name    = step_name,
                                 .print        = print,
                                 .want         = want};
