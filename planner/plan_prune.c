/*
 * plan_prune.c - what nobody reads is not decoded: from the root down, each node says which columns (and
 * fields of structs) of its inputs it needs, until the sources know what is wanted of them.
 *
 * A node is asked when all its consumers have been: they stand behind it in the plan, so one walk from the
 * end does. Tables are not pruned: their rows are kept in stores, and a later version of the query (OR
 * REPLACE) may read what this one does not.
 */
#include "planner/nodes/node_source.h"
#include "planner/query_build.h"

static void prune_source(PlanNode *node, Wants *wants, Arena *arena)
{
    PlanSource *source = ARENA_NEW(arena, PlanSource);
    if (node->is_table)
        return;
    *source = *plan_source(node);
    /* No node reads it, but the source does: it dates the row. */
    if (source->timestamp_slot >= 0)
        want_column(wants, (size_t)source->timestamp_slot);
    const Wanted **wanted = ARENA_ARRAY(arena, const Wanted *, node->schema->count);
    for (size_t i = 0; i < node->schema->count; i++)
        wanted[i] = wanted_of(arena, &wants->columns[i], node->schema->columns[i].type);
    source->wanted = wanted;
    node->details  = source;
}

void plan_prune(PlanNode *const *nodes, size_t count, Arena *arena)
{
    Wants *wants = ARENA_ARRAY(arena, Wants, count);
    for (size_t i = 0; i < count; i++)
        wants[i] = wants_new(arena, nodes[i]->schema);
    want_all(&wants[count - 1]);
    for (size_t i = count; i-- > 0;) {
        PlanNode *node = nodes[i];
        if (node->class->reads_topic)
            prune_source(node, &wants[i], arena);
        for (size_t input = 0; input < node->input_count; input++)
            node->class->want(node, input, &wants[i], &wants[node->inputs[input]->number]);
    }
}
