/*
 * repartition.h - rows of a repartition topic: both ends agree here.
 *
 * The value is in the engine's exact format, which keeps every value: a stream's row is its value columns, a
 * table's change is two structs, the new row and the old one. The key is in the edge's key format where that
 * one is exact, too; else (DELIMITED, where empty text is NULL) in the engine's. The partition goes by the
 * edge's bytes in any case: what is joined must meet what has these bytes in somebody's topic.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_REPARTITION_H
#define SLUICE_EXECUTOR_DATAFLOW_REPARTITION_H

#include "executor/dataflow/operator.h"

/* The serde of the values of that EXCHANGE's topic. In `arena`. */
SerdeSpec repartition_serde(const PlanNode *exchange, Str topic, Arena *arena);

/* The serde of the keys of that EXCHANGE's topic. */
SerdeSpec repartition_key_serde(const PlanNode *exchange, Str topic);
/* What the edge's own key format would make of them; so they were written by earlier versions. */
SerdeSpec repartition_edge_key_serde(const PlanNode *exchange, Str topic);
/* Are the topic's key bytes those that the edge's key format has? */
bool repartition_keeps_key_bytes(const PlanNode *exchange);

#endif
