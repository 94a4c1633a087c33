/*
 * op_output.c - hands rows to the client of a push query.
 *
 * Of a table the client also sees deletions: a row without columns, of which the host shows the key
 * and the bounds of its window (PlanOutput.key_slots). Null rows of streams are not shown. Once the limit is
 * reached the query is told to stop.
 */
#include "executor/dataflow/projection.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_output.h"

typedef struct {
    Operator   base;
    Projection values;
    int64_t    sent;
} OutputOp;

static Status output_open(Operator *op, Error *err)
{
    return projection_open(op, plan_output(op->node)->values, op->node->schema->count,
                           &((OutputOp *)op)->values, err);
}

static Status send(OutputOp *self, const Row *row, Arena *arena, Error *err)
{
    Operator     *op   = &self->base;
    PipelineHost *host = op->pipeline->spec.host;
    Row           out  = *row;
    if (row->columns != NULL) {
        Value *values = arena_alloc(arena, op->node->schema->count * sizeof *values);
        projection_eval(op, &self->values, row->columns, row, arena, values);
        out.columns = values;
    }
    TRY(host->output(host, op->node, &out, err));
    op->pipeline->counters.records_out++;
    self->sent++;
    return OK;
}

static Status output_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    OutputOp         *self   = (OutputOp *)op;
    const PlanOutput *output = plan_output(op->node);
    for (size_t i = 0; i < in->count; i++) {
        if (in->rows[i].columns == NULL && !op->node->is_table)
            continue;
        if (!output->has_limit || self->sent < output->limit)
            TRY(send(self, &in->rows[i], in->arena, err));
        if (output->has_limit && self->sent >= output->limit)
            return error_set(err, E_CANCELLED, NO_POS, "The limit of %lld rows is reached",
                             (long long)output->limit);
    }
    return OK;
}

Value output_kept_value(const PlanNode *output, size_t column, const Row *row)
{
    int slot = plan_output(output)->key_slots[column];
    if (slot == OUTPUT_WINDOWSTART)
        return value_from_int(row->window_start);
    if (slot == OUTPUT_WINDOWEND)
        return value_from_int(row->window_end);
    return slot >= 0 && row->key != NULL ? row->key[slot] : value_null();
}

const OperatorClass op_output = {.name              = "OUTPUT",
                                 .state_size        = sizeof(OutputOp),
                                 .reads_wanted_only = true,
                                 .old_rows          = OLD_IGNORED,
                                 .open              = output_open,
                                 .push              = output_push};
