/*
 * plan_records.c - the plan of PRINT: one SOURCE node that hands out a topic's records as they are.
 *
 * It is a push query's plan, so PRINT reads through the same feeds, with the same bounded queue, as a SELECT.
 */
#include "planner/nodes/node_source.h"
#include "planner/planner.h"

static const Schema *records_schema(Arena *arena)
{
    static const Column columns[RECORD_COLUMNS] = {
        [RECORD_TIME]      = {STR_LIT("ROWTIME"), &type_bigint, COLUMN_VALUE, STR_NULL},
        [RECORD_PARTITION] = {STR_LIT("ROWPARTITION"), &type_integer, COLUMN_VALUE, STR_NULL},
        [RECORD_KEY]       = {STR_LIT("KEY"), &type_bytes, COLUMN_VALUE, STR_NULL},
        [RECORD_VALUE]     = {STR_LIT("VALUE"), &type_bytes, COLUMN_VALUE, STR_NULL},
    };
    return schema_new(arena, columns, RECORD_COLUMNS);
}

const QueryPlan *plan_records(Arena *arena, Str id, Str statement, Str topic, int partitions)
{
    QueryPlan       *plan   = ARENA_NEW(arena, QueryPlan);
    PlanNode        *node   = ARENA_NEW(arena, PlanNode);
    PlanSource      *source = ARENA_NEW(arena, PlanSource);
    const PlanNode **nodes  = ARENA_ARRAY(arena, const PlanNode *, 1);
    node->class             = &node_source;
    node->step              = STR_LIT("Print");
    node->schema            = records_schema(arena);
    node->details           = source;
    *source                 = (PlanSource){
                        .topic = str_dup(arena, topic), .partitions = partitions, .timestamp_slot = -1, .records = true};
    nodes[0] = node;
    *plan    = (QueryPlan){.id           = str_dup(arena, id),
                           .statement    = str_dup(arena, statement),
                           .nodes        = nodes,
                           .node_count   = 1,
                           .root         = node,
                           .sources      = nodes,
                           .source_count = 1,
                           .partitions   = partitions,
                           .schema       = node->schema};
    return plan;
}
