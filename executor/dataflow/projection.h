/*
 * projection.h - a list of expressions over one row: select lists, arguments, results.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_PROJECTION_H
#define SLUICE_EXECUTOR_DATAFLOW_PROJECTION_H

#include "executor/dataflow/operator.h"

/* A bare column is copied; anything else is a program. */
typedef struct {
    int      slot; /* >= 0: of the column */
    Program *program;
} ProjectionStep;

typedef struct {
    ProjectionStep *steps;
    size_t          count;
    LambdaBudget   *lambdas; /* of all its programs together, for a row */
} Projection;

Status projection_open(Operator *op, const Expr *const *values, size_t count, Projection *out, Error *err);
/* An expression that fails gives NULL (runtime.md 1.12); it is reported with `row` unless that is NULL. */
void projection_eval(Operator *op, const Projection *projection, const Value *columns, const Row *row,
                     Arena *arena, Value *out);

#endif
