/*
 * op_filter.c - keep the rows for which a condition is true.
 *
 * SQL has three truth values and a filter keeps only one of them: NULL is dropped exactly like FALSE, and a
 * row whose condition fails too. Null rows have no columns to look at and are dropped. While every row
 * passes, nothing is copied: the batch itself goes on.
 *
 * Streams only. In a table, a row that stops matching must become a tombstone: see op_table_filter.c.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_filter.h"

typedef struct {
    Operator base;
    Program *condition;
} FilterOp;

static Status filter_open(Operator *op, Error *err)
{
    return op_compile(op, plan_filter(op->node)->condition, &((FilterOp *)op)->condition, err);
}

static bool passes(FilterOp *self, const Row *row, Arena *arena)
{
    Operator *op = &self->base;
    Truth     verdict;
    Error     why;
    if (row->columns == NULL)
        return false;
    op->current = row;
    if (program_test(self->condition, row->columns, arena, &verdict, &why) != OK) {
        op_skip_row(op, row, &why);
        return false;
    }
    return verdict == TRUTH_TRUE;
}

static Status filter_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    FilterOp *self = (FilterOp *)op;
    size_t    i    = 0;
    while (i < in->count && passes(self, &in->rows[i], in->arena))
        i++;
    if (i == in->count)
        return op_emit(op, in, err);
    RecordBatch *kept = batch_new(in->arena, in->schema, in->count);
    memcpy(kept->rows, in->rows, i * sizeof *kept->rows);
    kept->count = i;
    for (i++; i < in->count; i++)
        if (passes(self, &in->rows[i], in->arena))
            kept->rows[kept->count++] = in->rows[i];
    return op_emit(op, kept, err);
}

const OperatorClass op_filter = {.name              = "FILTER",
                                 .state_size        = sizeof(FilterOp),
                                 .reads_wanted_only = true,
                                 .open              = filter_open,
                                 .push              = filter_push};
