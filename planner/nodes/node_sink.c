/*
 * node_sink.c - see node_sink.h.
 */
#include "planner/nodes/node_sink.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node) { return node->is_table ? "TableSink" : "StreamSink"; }

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanSink *sink = plan_sink(node);
    strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(sink->topic),
                format_name(sink->value_format.format));
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants) { want_all(wants); }

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanSink *sink = plan_sink(node);
    doc_put_text(json, "sink", sink->sink_name);
    doc_put_text(json, "topic", sink->topic);
    doc_put(json, "partitions", json_integer(sink->partitions));
    doc_put(json, "valueFormat", doc_json_format(&sink->value_format));
    doc_put(json, "timestampSlot", json_integer(sink->timestamp_slot));
    doc_put_text(json, "timestampFormat", sink->timestamp_format);
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanSink     *sink     = ARENA_NEW(r->arena, PlanSink);
    const Schema *schema   = node->schema;
    sink->sink_name        = doc_text(r, json, "sink");
    sink->topic            = doc_text(r, json, "topic");
    sink->partitions       = (int)doc_int(r, json, "partitions", 0, INT32_MAX);
    sink->value_format     = doc_format(r, json, "valueFormat");
    sink->timestamp_slot   = (int)doc_int(r, json, "timestampSlot", -1, (int64_t)schema->count - 1);
    sink->timestamp_format = doc_text_or_null(r, json, "timestampFormat");
    doc_same_schema(r, schema, node->inputs[0]->schema);
    if (doc_ok(r) && sink->value_format.format == NULL)
        doc_fail(r, "a sink writes in a format");
    return sink;
}

const NodeClass node_sink = {.name         = "SINK",
                             .leaves       = true,
                             .least_inputs = 1,
                             .most_inputs  = 1,
                             .write        = write_details,
                             .read         = read_details,
                             .step_name    = step_name,
                             .print        = print,
                             .want         = want};
