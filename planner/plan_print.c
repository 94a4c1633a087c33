/*
 * plan_print.c - a plan as text (EXPLAIN), and its hash: equal texts of everything that stored state depends
 * on.
 */
#include "planner/nodes/node_source.h"
#include "planner/query_build.h"

static void print_node(const PlanNode *node, Str query_id, int depth, StrBuf *out)
{
    for (int i = 0; i < depth; i++)
        strbuf_adds(out, "\t\t");
    strbuf_addf(out, " > [ %s ] | Schema: ", node->class->name);
    schema_print(node->schema, node->is_table, out);
    strbuf_addf(out, " | Logger: " STR_FMT "." STR_FMT, STR_ARG(query_id), STR_ARG(node->step));
    if (node->class->print != NULL)
        node->class->print(node, out);
    strbuf_addc(out, '\n');
    for (size_t i = 0; i < node->input_count; i++)
        print_node(node->inputs[i], query_id, depth + 1, out);
}

void plan_print(const QueryPlan *plan, StrBuf *out) { print_node(plan->root, plan->id, 0, out); }

/* ---- hash ---- */

/* An upgrade may add, remove and change steps that pass (sql.md 5.11, plan_upgrade.c), and go on from the
 * positions. */
static void print_state(const PlanNode *node, StrBuf *out)
{
    if (node->class->passes)
        return;
    strbuf_addf(out, "%s %s", node->class->name, format_name(node->key_format.format));
    if (node->class->reads_topic)
        strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(plan_source(node)->topic),
                    format_name(plan_source(node)->value_format.format));
    else if (node->class->print != NULL)
        node->class->print(node, out);
    strbuf_addc(out, '\n');
}

uint64_t plan_hash(const QueryPlan *plan)
{
    StrBuf text = {0};
    for (size_t i = 0; i < plan->node_count; i++)
        print_state(plan->nodes[i], &text);
    uint64_t hash = str_hash(strbuf_str(&text));
    strbuf_clear(&text);
    return hash;
}
