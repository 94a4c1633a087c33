/*
 * projection.c - see projection.h. A failing expression never costs the row: its column is NULL.
 */
#include "executor/dataflow/projection.h"

Status projection_open(Operator *op, const Expr *const *values, size_t count, Projection *out, Error *err)
{
    *out = (Projection){ARENA_ARRAY(op->arena, ProjectionStep, count), count,
                        ARENA_NEW(op->arena, LambdaBudget)};
    for (size_t i = 0; i < count; i++) {
        out->steps[i].slot = values[i]->kind == EXPR_COLUMN ? values[i]->slot : -1;
        if (out->steps[i].slot >= 0)
            continue;
        TRY(op_compile(op, values[i], &out->steps[i].program, err));
        program_share_lambdas(out->steps[i].program, out->lambdas);
    }
    return OK;
}

static Value eval_step(Operator *op, Program *program, const Value *columns, const Row *row, Arena *arena)
{
    Value value;
    Error why;
    if (program_eval(program, columns, arena, &value, &why) == OK)
        return value;
    if (row != NULL)
        op_report(op, row, &why);
    return value_null();
}

void projection_eval(Operator *op, const Projection *projection, const Value *columns, const Row *row,
                     Arena *arena, Value *out)
{
    op->current                = row;
    projection->lambdas->calls = 0;
    for (size_t i = 0; i < projection->count; i++) {
        const ProjectionStep *step = &projection->steps[i];
        out[i] = step->slot >= 0 ? columns[step->slot] : eval_step(op, step->program, columns, row, arena);
    }
}
