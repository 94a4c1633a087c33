/*
 * plan_print.c - a plan as text (EXPLAIN).
 */
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
