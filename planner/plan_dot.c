/*
 * plan_dot.c - a plan for Graphviz: a box per step, an arrow per stream or table, a frame per sub-topology's
 * topic.
 */
#include "planner/node.h"
#include "planner/plan_document.h"

/* Inside a quoted label. */
static void add_escaped(StrBuf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            strbuf_addc(out, '\\');
        strbuf_addc(out, text.ptr[i] == '\n' ? ' ' : text.ptr[i]);
    }
}

/* " | Name: value | ..." line by line. */
static void add_lines(StrBuf *out, Str details)
{
    for (size_t at = 0; at < details.len;) {
        ptrdiff_t next = str_find(details, STR_LIT(" | "), at);
        size_t    end  = next < 0 ? details.len : (size_t)next;
        if (end > at) {
            strbuf_adds(out, "\\l");
            add_escaped(out, str_n(details.ptr + at, end - at));
        }
        at = next < 0 ? details.len : end + 3;
    }
}

static void print_node(const PlanNode *node, StrBuf *out)
{
    StrBuf details = {0};
    if (node->class->print != NULL)
        node->class->print(node, &details);
    strbuf_addf(out, "  n%d [%slabel=\"%s: ", node->number, node->class->cuts ? "style=dashed, " : "",
                node->class->name);
    add_escaped(out, node->step);
    add_lines(out, strbuf_str(&details));
    for (size_t i = 0; i < node->store_count; i++) {
        strbuf_adds(out, "\\lStore: ");
        add_escaped(out, node->stores[i].name);
    }
    strbuf_adds(out, "\\l\"];\n");
    strbuf_clear(&details);
}

static void print_edges(const PlanNode *node, StrBuf *out)
{
    for (size_t i = 0; i < node->input_count; i++) {
        StrBuf          schema = {0};
        const PlanNode *from   = node->inputs[i];
        schema_print(from->schema, from->is_table, &schema);
        strbuf_addf(out, "  n%d -> n%d [label=\"%s ", from->number, node->number,
                    from->is_table ? "table" : "stream");
        add_escaped(out, strbuf_str(&schema));
        strbuf_adds(out, "\"];\n");
        strbuf_clear(&schema);
    }
}

void plan_print_dot(const QueryPlan *plan, StrBuf *out)
{
    strbuf_adds(out, "digraph \"");
    add_escaped(out, plan->id);
    strbuf_adds(out, "\" {\n  node [shape=box];\n");
    for (size_t i = 0; i < plan->node_count; i++)
        print_node(plan->nodes[i], out);
    for (size_t i = 0; i < plan->node_count; i++)
        print_edges(plan->nodes[i], out);
    strbuf_adds(out, "}\n");
}
