/*
 * repartition.h - rows of a repartition topic: both ends agree here.
 *
 * The key is in the edge's key format, since what is joined or grouped by must have the bytes that everybody
 * else has. The value is in the INTERNAL format, which keeps every value exactly: a stream's row is its value
 * columns, a table's change is two structs, the new row and the old one.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_REPARTITION_H
#define SLUICE_EXECUTOR_DATAFLOW_REPARTITION_H

#include "executor/dataflow/operator.h"

/* The serde of the values of that EXCHANGE's topic. In `arena`. */
SerdeSpec repartition_serde(const PlanNode *exchange, Str topic, Arena *arena);

#endif
