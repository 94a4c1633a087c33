/*
 * plan_finish.c - a draft becomes a plan: what nobody reads is pruned, and what follows from the nodes is
 * told.
 *
 * The draft's nodes were written by builders, who may change any of them until now. The plan shows them as
 * read-only, so this is the last moment.
 */
#include "planner/nodes/node_sink.h"
#include "planner/nodes/node_source.h"
#include "planner/plan_finish.h"
#include "planner/query_build.h"

/* The node whose rows are the result's, if it keeps them; a source only where it was made for that. */
static const PlanNode *find_materialized(const PlanNode *root)
{
    if (root->class->reads_topic)
        return plan_source(root)->materialize ? root : NULL;
    return root->class == &node_sink && root->is_table ? root->inputs[0] : NULL;
}

static void list_sources(QueryPlan *plan, Arena *arena)
{
    const PlanNode **sources = ARENA_ARRAY(arena, const PlanNode *, plan->node_count);
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i]->class->reads_topic)
            sources[plan->source_count++] = plan->nodes[i];
    plan->sources = sources;
}

void plan_derive(QueryPlan *plan, Arena *arena)
{
    plan->root         = plan->nodes[plan->node_count - 1];
    plan->source_count = 0;
    list_sources(plan, arena);
    plan->partitions      = plan_source(plan->sources[0])->partitions;
    plan->result_is_table = plan->root->is_table;
    plan->schema          = plan->root->schema;
    plan->window          = plan->root->window;
    plan->materialized    = find_materialized(plan->root);
}

QueryPlan *plan_finish(Builder *b, Str statement)
{
    QueryPlan       *plan  = ARENA_NEW(b->arena, QueryPlan);
    const PlanNode **nodes = ARENA_ARRAY(b->arena, const PlanNode *, b->node_count);
    plan_prune(b->nodes, b->node_count, b->arena);
    for (size_t i = 0; i < b->node_count; i++)
        nodes[i] = b->nodes[i];
    plan->id         = b->query_id;
    plan->statement  = str_dup(b->arena, statement);
    plan->nodes      = nodes;
    plan->node_count = b->node_count;
    plan_derive(plan, b->arena);
    return plan;
}
