/*
 * repartition.c - see repartition.h.
 */
#include "executor/dataflow/repartition.h"

SerdeSpec repartition_serde(const PlanNode *exchange, Str topic, Arena *arena)
{
    const Schema *schema = exchange->schema;
    SerdeSpec     spec   = {.format  = {.format = format_exact()},
                            .side    = SIDE_VALUE,
                            .topic   = topic,
                            .columns = schema->columns + schema->key_count,
                            .count   = schema->count - schema->key_count};
    if (!exchange->is_table)
        return spec;
    SqlField *fields = ARENA_ARRAY(arena, SqlField, spec.count);
    for (size_t i = 0; i < spec.count; i++)
        fields[i] = (SqlField){spec.columns[i].name, spec.columns[i].type};
    const SqlType *row     = type_struct(arena, fields, spec.count);
    Column        *columns = ARENA_ARRAY(arena, Column, 2);
    columns[0]             = (Column){STR_LIT("NEW"), row, COLUMN_VALUE, STR_NULL};
    columns[1]             = (Column){STR_LIT("OLD"), row, COLUMN_VALUE, STR_NULL};
    spec.columns           = columns;
    spec.count             = 2;
    return spec;
}

bool repartition_keeps_key_bytes(const PlanNode *exchange)
{
    FormatSpec inside = format_inside(&exchange->key_format);
    return inside.format == NULL || format_facts(inside.format)->exact;
}

SerdeSpec repartition_edge_key_serde(const PlanNode *exchange, Str topic)
{
    return (SerdeSpec){.format  = format_inside(&exchange->key_format),
                       .side    = SIDE_KEY,
                       .topic   = topic,
                       .columns = exchange->schema->columns,
                       .count   = exchange->schema->key_count};
}

SerdeSpec repartition_key_serde(const PlanNode *exchange, Str topic)
{
    SerdeSpec spec = repartition_edge_key_serde(exchange, topic);
    if (!repartition_keeps_key_bytes(exchange))
        spec.format = (FormatSpec){.format = format_exact()};
    return spec;
}
