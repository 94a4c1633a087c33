/*
 * aggregate_state.h - what all GROUP BY operators share: states of aggregate calls, how a stored row is
 * folded into, projected and emitted.
 *
 * A stored row is [value columns as projected ..., one state per call ...]; it is `visible` when HAVING says
 * so. Operators emit every update (old = the row as last projected), or are lazy: with a cache above 0 they
 * emit each dirty row once at flush, under EMIT FINAL when its window closes. Lazy rows are projected then,
 * not per record.
 */
#ifndef SLUICE_EXECUTOR_AGGREGATE_STATE_H
#define SLUICE_EXECUTOR_AGGREGATE_STATE_H

#include "executor/key_coder.h"
#include "executor/projection.h"

typedef struct {
    Operator             base; /* first */
    const PlanAggregate *plan;
    size_t               key_count, value_count, call_count;
    Projection          *args; /* per call */
    Value              **arg_values;
    Projection           values;
    Program             *having; /* NULL: every row is visible */
    KeyCoder             keys;
    bool                 fixed; /* values and states are numbers: rows change in place */
    bool                 lazy;
    int64_t              time;                  /* stream time of this operator, unset INT64_MIN */
    int64_t              last_close, next_emit; /* EMIT FINAL */
    int64_t              swept;                 /* EMIT FINAL, sessions: those that ended before are gone */
    int64_t              sequence; /* of the records folded in, for the functions that keep first or last */
    Value *inner, *next; /* scratch: the row that results are projected from; the stored row to be */
} AggregateOp;

Status aggregate_open(Operator *op, Error *err);
void   aggregate_rollback(Operator *op);
void   aggregate_save(const Operator *op, StrBuf *out);
Status aggregate_load(Operator *op, Str saved, Error *err);
Status aggregate_flush(Operator *op, Error *err);

/* The scratch row `next` as stored, or with initial states. */
void aggregate_start(AggregateOp *self, const StoreRow *stored, Arena *arena);
/* Evaluates the arguments of all calls over `columns` (of the input); they are used by add and undo until the
 * next call. */
void aggregate_arguments(AggregateOp *self, const Value *columns, const Row *row, Arena *arena);
/* These change the states in `next`. E_FATAL_DATA when a function fails. */
Status aggregate_add(AggregateOp *self, Arena *arena, Error *err);
Status aggregate_undo(AggregateOp *self, Arena *arena, Error *err);
Status aggregate_merge(AggregateOp *self, const StoreRow *other, Arena *arena, Error *err);
/* Stores `next` and, unless lazy, appends the change to `out` with the input row's origin. */
Status aggregate_put(AggregateOp *self, StoreRow *stored, const Row *input, int64_t timestamp, RecordBatch *out,
                     Error *err);
/* Projects a stored row into a row of the node's schema (deep copy in `arena`), brings its stored values up
 * to date and tells whether it is visible. */
Status aggregate_project(AggregateOp *self, StoreRow *stored, const Row *report, Arena *arena, Value **out,
                         bool *visible, Error *err);
/* The stored value columns as a row of the node's schema (deep copy). */
Value *aggregate_stored_columns(const AggregateOp *self, const Value *keys, const Value *values,
                                Arena *arena);
/* Appends a row for a stored row; columns and old as in Row. */
Row *aggregate_emit(AggregateOp *self, RecordBatch *out, const StoreRow *stored, int64_t timestamp,
                    const Origin *origin, Arena *arena);

#endif
