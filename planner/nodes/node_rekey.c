/*
 * node_rekey.c - see node_rekey.h.
 */
#include "planner/nodes/node_rekey.h"

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

const NodeClass node_rekey = {
    .name = "REKEY", .step_name = step_name, .print = print, .want = want, .check_upgrade = check_upgrade};
