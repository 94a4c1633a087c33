/*
 * node_source.c - see node_source.h.
 *
 * What a table's store keeps is what the topic says: header columns belong to the values; ROWPARTITION and
 * ROWOFFSET are kept behind them. The other pseudo columns follow from the row.
 */
#include "planner/nodes/node_source.h"

#include "planner/document/doc.h"
#include "planner/source_rules.h"

static const char *step_name(const PlanNode *node)
{
    if (node->window.kind != WINDOWED_NO)
        return node->is_table ? "WindowedTableSource" : "WindowedStreamSource";
    return node->is_table ? "TableSource" : "StreamSource";
}

static void print_wanted(const PlanNode *node, StrBuf *out)
{
    const PlanSource *source = plan_source(node);
    if (source->wanted == NULL)
        return;
    strbuf_adds(out, " | Reads: ");
    size_t read = 0;
    for (size_t i = 0; i < node->schema->count; i++) {
        const Wanted *wanted = source->wanted[i];
        if (wanted->none)
            continue;
        strbuf_addf(out, "%s" STR_FMT "%s", read++ ? ", " : "", STR_ARG(node->schema->columns[i].name),
                    wanted->fields ? "->(...)" : "");
    }
}

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanSource *source = plan_source(node);
    strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(source->topic),
                format_name(source->value_format.format));
    print_wanted(node, out);
}

static Status check_formats(const PlanNode *old, const PlanNode *next, Error *err)
{
    const Schema     *was = plan_source(old)->declared, *is = plan_source(next)->declared;
    const FormatSpec *old_value = &plan_source(old)->value_format, *value = &plan_source(next)->value_format;
    if (!same_format(&old->key_format, &next->key_format, SIDE_KEY, was->key_count, is->key_count))
        return refuse_upgrade(next, "formats", str_c(format_name(old->key_format.format)),
                              str_c(format_name(next->key_format.format)), err);
    if (!same_format(old_value, value, SIDE_VALUE, was->value_count, is->value_count))
        return refuse_upgrade(next, "formats", str_c(format_name(old_value->format)),
                              str_c(format_name(value->format)), err);
    return OK;
}

static Str or_null(Str text) { return str_is_null(text) ? STR_LIT("null") : text; }

/* Positions count in the topic, and what was kept was read from it: it is read in the same way. */
static Status check_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    const PlanSource *was = plan_source(old), *is = plan_source(next);
    if (next->window.kind != WINDOWED_NO || old->window.kind != WINDOWED_NO)
        return refuse_any_upgrade(old, next->window.kind != WINDOWED_NO ? next : old, err);
    if (old->is_table != next->is_table)
        return refuse_upgrade(next, "type", str_c(step_name(old)), str_c(step_name(next)), err);
    if (!str_equal(was->topic, is->topic))
        return refuse_upgrade(next, "topicName", was->topic, is->topic, err);
    TRY(check_formats(old, next, err));
    if (!str_equal(or_null(was->timestamp_column), or_null(is->timestamp_column)) ||
        !str_equal(or_null(was->timestamp_format), or_null(is->timestamp_format)))
        return refuse_upgrade(next, "timestampColumn", or_null(was->timestamp_column),
                              or_null(is->timestamp_column), err);
    return OK;
}

static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const Schema *schema = node->schema;
    Column       *states = ARENA_ARRAY(arena, Column, 2);
    for (size_t i = schema->key_count; i < schema->count; i++) {
        ColumnRole role = schema->columns[i].role;
        if (role == COLUMN_HEADERS)
            out->value_count++;
        else if ((role == COLUMN_ROWPARTITION || role == COLUMN_ROWOFFSET) && out->state_count < 2)
            states[out->state_count++] = schema->columns[i];
    }
    out->states = states;
}

/* ---- document ---- */

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanSource *source = plan_source(node);
    doc_put_text(json, "source", source->source_name);
    doc_put_text(json, "topic", source->topic);
    doc_put(json, "partitions", json_integer(source->partitions));
    doc_put(json, "valueFormat", doc_json_format(&source->value_format));
    doc_put_text(json, "timestampColumn", source->timestamp_column);
    doc_put(json, "timestampSlot", json_integer(source->timestamp_slot));
    doc_put_text(json, "timestampFormat", source->timestamp_format);
    doc_put(json, "materialize", json_boolean(source->materialize));
    doc_put(json, "declared", doc_json_schema(source->declared));
    doc_put(json, "wanted", doc_json_wanted(source->wanted, node->schema));
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanSource *source       = ARENA_NEW(r->arena, PlanSource);
    source->source_name      = doc_text(r, json, "source");
    source->topic            = doc_text(r, json, "topic");
    source->partitions       = (int)doc_int(r, json, "partitions", 0, INT32_MAX);
    source->value_format     = doc_format(r, json, "valueFormat");
    source->timestamp_column = doc_text_or_null(r, json, "timestampColumn");
    source->timestamp_slot   = (int)doc_int(r, json, "timestampSlot", -1, (int64_t)node->schema->count - 1);
    source->timestamp_format = doc_text_or_null(r, json, "timestampFormat");
    source->materialize      = doc_bool(r, json, "materialize");
    source->declared         = doc_schema(r, json, "declared");
    source->wanted           = doc_wanted(r, json, "wanted", node->schema);
    doc_same_columns(r, node->schema, 0, source->declared, 0, source->declared->count);
    if (doc_ok(r) &&
        (source->value_format.format == NULL || node->schema->key_count != source->declared->key_count ||
         node->schema->value_count != source->declared->value_count ||
         (node->is_table && node->store_count == 0)))
        doc_fail(r, "the source's columns, format or store are not what its rows need");
    return source;
}

const NodeClass node_source = {.name          = "SOURCE",
                               .write         = write_details,
                               .read          = read_details,
                               .reads_topic   = true,
                               .step_name     = step_name,
                               .print         = print,
                               .check_upgrade = check_upgrade,
                               .shape_store   = shape_store};
