/*
 * op_table_filter.c - WHERE on a table (runtime.md 3.4).
 *
 * Old and new row are tested each on its own; one that does not match counts as absent. So a row that leaves
 * becomes a tombstone, once, and a row that was never in says nothing.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_filter.h"

typedef struct {
    Operator base;
    Program *condition;
} TableFilterOp;

static Status filter_open(Operator *op, Error *err)
{
    return op_compile(op, plan_filter(op->node)->condition, &((TableFilterOp *)op)->condition, err);
}

/* The old row's failures were reported when it was new. */
static bool matches(TableFilterOp *self, const Row *row, const Value *columns, bool is_new, Arena *arena)
{
    Truth verdict;
    Error why;
    if (columns == NULL)
        return false;
    self->base.current = is_new ? row : NULL;
    if (program_test(self->condition, columns, arena, &verdict, &why) == OK)
        return verdict == TRUTH_TRUE;
    if (is_new)
        op_report(&self->base, row, &why);
    return false;
}

static Status filter_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    TableFilterOp *self = (TableFilterOp *)op;
    RecordBatch   *kept = batch_new(in->arena, in->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        const Row *row  = &in->rows[i];
        bool       now  = matches(self, row, row->columns, true, in->arena);
        bool       then = matches(self, row, row->old, false, in->arena);
        if (!now && !then)
            continue;
        Row *out = &kept->rows[kept->count++];
        *out     = *row;
        if (!now)
            out->columns = NULL;
        if (!then)
            out->old = NULL;
    }
    return op_emit(op, kept, err);
}

const OperatorClass op_table_filter = {
    .name = "TABLE_FILTER", .state_size = sizeof(TableFilterOp), .open = filter_open, .push = filter_push};
