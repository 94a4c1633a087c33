/*
 * node_source.c - see node_source.h.
 *
 * What a table's store keeps is what the topic says: header columns belong to the values; ROWPARTITION and
 * ROWOFFSET are kept behind them. The other pseudo columns follow from the row.
 */
#include "planner/nodes/node_source.h"

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

static Status check_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    const PlanSource *was = plan_source(old), *is = plan_source(next);
    if (next->window.kind != WINDOWED_NO)
        return refuse_any_upgrade(old, next, err);
    if (!str_equal(was->topic, is->topic))
        return refuse_upgrade(next, "topicName", was->topic, is->topic, err);
    if (old->key_format.format != next->key_format.format ||
        was->value_format.format != is->value_format.format)
        return refuse_upgrade(next, "formats", str_c(format_name(was->value_format.format)),
                              str_c(format_name(is->value_format.format)), err);
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

const NodeClass node_source = {.name          = "SOURCE",
                               .reads_topic   = true,
                               .step_name     = step_name,
                               .print         = print,
                               .check_upgrade = check_upgrade,
                               .shape_store   = shape_store};
