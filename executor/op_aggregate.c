/*
 * op_aggregate.c - GROUP BY over a stream, unwindowed or in time windows (runtime.md 3.5, 5.2).
 *
 * The input is keyed by the group. A record belongs to one window (TUMBLING) or to several (HOPPING), each of
 * which takes it or finds it late on its own; stream time is that of the records which came here, this one
 * included.
 */
#include "executor/aggregate_state.h"
#include "executor/emit_final.h"

static Status fold(AggregateOp *self, const Row *row, Str key, int64_t start, int64_t end, RecordBatch *out,
                   Error *err)
{
    StoreRow *stored;
    TRY(store_get(self->base.store, key, row->key, start, end, &stored, err));
    int64_t timestamp =
        stored->exists && stored->timestamp > row->timestamp ? stored->timestamp : row->timestamp;
    aggregate_start(self, stored, out->arena);
    TRY(aggregate_add(self, out->arena, err));
    return aggregate_put(self, stored, row, timestamp, out, err);
}

static Status fold_windows(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err)
{
    const PlanAggregate *plan  = self->plan;
    int64_t              size  = plan->window.size_ms;
    int64_t              from  = row->timestamp - size + plan->advance_ms;
    int64_t              start = from <= 0 ? 0 : from / plan->advance_ms * plan->advance_ms;
    bool                 late  = false;
    while (start <= row->timestamp) {
        int64_t end = start > INT64_MAX - size ? INT64_MAX : start + size;
        if (end > self->time - plan->grace_ms)
            TRY(fold(self, row, key, start, end, out, err));
        else
            late = true;
        if (start > INT64_MAX - plan->advance_ms)
            break;
        start += plan->advance_ms;
    }
    if (late)
        op_drop_row(&self->base, row, SKIP_LATE);
    return OK;
}

static Status take_row(AggregateOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Str key;
    if (row->columns == NULL)
        return OK; /* a null row has nothing to add */
    if (row->key == NULL) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    if (row->timestamp > self->time)
        self->time = row->timestamp;
    TRY(key_coder_bytes(&self->keys, row, out->arena, &key, err));
    aggregate_arguments(self, row->columns, row, out->arena);
    if (self->plan->window.kind == WINDOWED_NO)
        return fold(self, row, key, 0, 0, out, err);
    TRY(fold_windows(self, row, key, out, err));
    return self->plan->emit_final ? emit_final(self, row, out, err) : OK;
}

static Status aggregate_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RecordBatch *out = batch_new(in->arena, op->node->schema, ((AggregateOp *)op)->lazy ? 1 : in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(take_row((AggregateOp *)op, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

const OperatorClass op_aggregate = {
    .name              = "AGGREGATE",
    .state_size        = sizeof(AggregateOp),
    .reads_wanted_only = true,
    .open              = aggregate_open,
    .push              = aggregate_push,
    .flush             = aggregate_flush,
    .rollback          = aggregate_rollback,
    .save              = aggregate_save,
    .load              = aggregate_load,
};
