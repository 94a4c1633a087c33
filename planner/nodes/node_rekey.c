/*
 * node_rekey.c - see node_rekey.h.
 */
#include "planner/nodes/node_rekey.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node)
{
    if (!plan_rekey(node)->drop_null)
        return "StreamSelectKey";
    return node->is_table ? "TableGroupBy" : "StreamGroupBy";
}

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanRekey *rekey = plan_rekey(node);
    print_node_exprs("Keys", rekey->keys, rekey->key_count, node->inputs[0]->schema, out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanRekey *rekey = plan_rekey(node);
    want_exprs(wants, rekey->keys, rekey->key_count);
    for (size_t i = rekey->key_count; i < node->schema->count; i++)
        want_shared(wants, (size_t)rekey->value_slots[i - rekey->key_count], of_node, i);
}

static Str keys_text(const PlanNode *node, StrBuf *buf)
{
    const PlanRekey *rekey = plan_rekey(node);
    for (size_t i = 0; i < rekey->key_count; i++) {
        strbuf_adds(buf, i ? ", " : "");
        expr_print(rekey->keys[i], node->inputs[0]->schema, buf);
    }
    return strbuf_str(buf);
}

static Status check_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    StrBuf was = {0}, is = {0};
    Str    a = keys_text(old, &was), b = keys_text(next, &is);
    Status status = OK;
    if (!str_equal(a, b))
        status = refuse_upgrade(next, plan_rekey(next)->drop_null ? "groupByExpressions" : "keyExpression", a,
                                b, err);
    strbuf_clear(&was);
    strbuf_clear(&is);
    return status;
}

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanRekey *rekey = plan_rekey(node);
    doc_put(json, "keys", doc_json_exprs(rekey->keys, rekey->key_count));
    doc_put(json, "dropNull", json_boolean(rekey->drop_null));
    doc_put(json, "dropNullKey", json_boolean(rekey->drop_null_key));
    doc_put_slots(json, "valueSlots", rekey->value_slots, node->schema->count - rekey->key_count);
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanRekey    *rekey  = ARENA_NEW(r->arena, PlanRekey);
    const Schema *schema = node->schema, *from = node->inputs[0]->schema;
    size_t        keys   = schema->key_count;
    rekey->key_count     = keys;
    rekey->keys          = doc_columns(r, json, "keys", from, schema, 0, keys);
    rekey->drop_null     = doc_bool(r, json, "dropNull");
    rekey->drop_null_key = doc_bool(r, json, "dropNullKey");
    rekey->value_slots   = doc_slots(r, json, "valueSlots", schema->count - keys, 0, (int)from->count - 1);
    for (size_t i = keys; doc_ok(r) && i < schema->count; i++)
        doc_same_columns(r, schema, i, from, (size_t)rekey->value_slots[i - keys], 1);
    return rekey;
}

const NodeClass node_rekey = {.name          = "REKEY",
                              .least_inputs  = 1,
                              .most_inputs   = 1,
                              .write         = write_details,
                              .read          = read_details,
                              .step_name     = step_name,
                              .print         = print,
                              .want          = want,
                              .check_upgrade = check_upgrade};
