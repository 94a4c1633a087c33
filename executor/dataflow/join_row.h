/*
 * join_row.h - the rows that joins make of their two sides.
 *
 * A side is a row of an input's schema in two parts, keys and the rest: as an operator gets it they stand one
 * behind the other, as a store keeps it they do not. Nothing is copied but the Values themselves.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_JOIN_ROW_H
#define SLUICE_EXECUTOR_DATAFLOW_JOIN_ROW_H

#include "executor/dataflow/operator.h"
#include "planner/nodes/node_join.h"

enum { JOIN_LEFT_SIDE = 0, JOIN_RIGHT_SIDE = 1 };

typedef struct {
    const Value *keys, *values; /* keys NULL: the side is missing, its columns are NULL */
    size_t       key_count;
} JoinSide;

/* Of a row with columns; NULL: missing. */
static inline JoinSide join_side_of_columns(const PlanNode *input, const Value *columns)
{
    size_t keys = input->schema->key_count;
    return (JoinSide){columns, columns == NULL ? NULL : columns + keys, keys};
}

static inline JoinSide join_side_of_stored(const PlanNode *input, const StoreRow *stored)
{
    return (JoinSide){stored->keys, stored->values, input->schema->key_count};
}

/* A row of the join's schema under that key (the join's key columns), in `arena`. */
Value *join_row(const PlanNode *join, const Value *key, const JoinSide *left, const JoinSide *right,
                Arena *arena);

#endif
