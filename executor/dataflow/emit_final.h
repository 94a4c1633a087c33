/*
 * emit_final.h - EMIT FINAL: windows are emitted once, when they close (runtime.md 2.6).
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_EMIT_FINAL_H
#define SLUICE_EXECUTOR_DATAFLOW_EMIT_FINAL_H

#include "executor/dataflow/aggregate_state.h"

/* Reads what the query is told of it. */
void emit_final_open(AggregateOp *self);
/* Before records are folded in: the store shall not forget what has not been emitted. */
void emit_final_keep(AggregateOp *self);
/* To be called after each record, with the operator's time moved: appends the windows that it has closed, if
 * that was not done a moment ago. `at_once`: however short ago that was; then there may be no trigger (NULL).
 */
Status emit_final(AggregateOp *self, const Row *trigger, bool at_once, RecordBatch *out, Error *err);

#endif
