/*
 * node_sink.c - see node_sink.h.
 */
#include "planner/nodes/node_sink.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableSink" : "StreamSink"; }

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanSink *sink = plan_sink(node);
    strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(sink->topic),
                format_name(sink->value_format.format));
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants) { want_all(wants); }

const NodeClass node_sink = {.name = "SINK", .step_name = step_name, .print = print, .want = want};
