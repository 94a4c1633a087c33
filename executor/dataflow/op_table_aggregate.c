/*
 * op_table_aggregate.c - GROUP BY over a table (runtime.md 3.6).
 *
 * A change takes the old row out of its group and puts the new one into its own; REKEY has split a change of
 * group into two rows. A group that has lost all its rows stays, at nothing; a group that never was and only
 * loses becomes a tombstone.
 */
#include "executor/dataflow/aggregate_state.h"

static Status fold(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err)
{
    StoreRow *stored;
    TRY(store_get(self->store, key, row->key, 0, 0, &stored, err));
    /* Nothing is undone from initial states: COUNT would stay one short for ever. With HAVING no row was ever
     * shown, and none has to go. */
    if (!stored->exists && row->columns == NULL) {
        if (self->having == NULL)
            aggregate_emit(self, out, stored, row->timestamp, row->origin);
        return OK;
    }
    int64_t timestamp = aggregate_time(stored, row);
    aggregate_begin(self, stored, out->arena);
    /* Both sides before one put: between them is a sum that was never true of the table. The old row's
     * arguments are evaluated with no row to report: one that fails was reported when it was added. */
    if (stored->exists && row->old != NULL) {
        aggregate_arguments(self, row->old, NULL, out->arena);
        TRY(aggregate_undo(self, row, err));
    }
    if (row->columns != NULL) {
        aggregate_arguments(self, row->columns, row, out->arena);
        TRY(aggregate_add(self, row, err));
    }
    return aggregate_put(self, stored, row, timestamp, out, err);
}

static Status open_table(Operator *op, Error *err) { return aggregate_open(op, fold, err); }

const OperatorClass op_table_aggregate = AGGREGATE_CLASS("TABLE_AGGREGATE", open_table);
