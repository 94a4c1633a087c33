/*
 * op_table_aggregate.c - GROUP BY over a table (runtime.md 3.6).
 *
 * A change takes the old row out of its group and puts the new one into its own; REKEY has split a change of
 * group into two rows. A group that has lost all its rows stays, at nothing; a group that never was and only
 * loses becomes a tombstone.
 */
#include "executor/aggregate_state.h"

static Status take_row(AggregateOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Arena    *arena = out->arena;
    StoreRow *stored;
    Str       key;
    if (row->key == NULL || (row->columns == NULL && row->old == NULL))
        return OK;
    TRY(key_coder_bytes(&self->keys, row, arena, &key, err));
    TRY(store_get(self->base.store, key, row->key, 0, 0, &stored, err));
    if (!stored->exists && row->columns == NULL) {
        if (self->having == NULL)
            aggregate_emit(self, out, stored, row->timestamp, row->origin, arena);
        return OK;
    }
    int64_t timestamp =
        stored->exists && stored->timestamp > row->timestamp ? stored->timestamp : row->timestamp;
    aggregate_start(self, stored, arena);
    if (stored->exists && row->old != NULL) {
        aggregate_arguments(self, row->old, NULL, arena);
        TRY(aggregate_undo(self, arena, err));
    }
    if (row->columns != NULL) {
        aggregate_arguments(self, row->columns, row, arena);
        TRY(aggregate_add(self, arena, err));
    }
    return aggregate_put(self, stored, row, timestamp, out, err);
}

static Status aggregate_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RecordBatch *out = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(take_row((AggregateOp *)op, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

const OperatorClass op_table_aggregate = {
    .name       = "TABLE_AGGREGATE",
    .state_size = sizeof(AggregateOp),
    .open       = aggregate_open,
    .push       = aggregate_push,
    .flush      = aggregate_flush,
    .rollback   = aggregate_rollback,
    .save       = aggregate_save,
    .load       = aggregate_load,
};
