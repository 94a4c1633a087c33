/*
 * op_aggregate.c - GROUP BY over a stream, unwindowed or in time windows (runtime.md 3.5, 5.2).
 *
 * The input is keyed by the group. A record belongs to one window (TUMBLING) or to several (HOPPING), each of
 * which takes it or finds it late on its own; stream time is that of the records which came here, this one
 * included.
 */
#include "executor/dataflow/aggregate_state.h"

static Status fold_window(AggregateOp *self, const Row *row, Str key, int64_t start, int64_t end,
                          RecordBatch *out, Error *err)
{
    StoreRow *stored;
    TRY(store_get(self->store, key, row->key, start, end, &stored, err));
    int64_t timestamp = aggregate_time(stored, row);
    aggregate_begin(self, stored, out->arena);
    if (self->merges)
        TRY(aggregate_merge(self, row->columns + self->key_count, row, err));
    else
        TRY(aggregate_add(self, row, err));
    return aggregate_put(self, stored, row, timestamp, out, err);
}

/* In ascending order of starts, which consumers can see. A record that is late for its earlier windows still
 * counts in the later ones. No window starts before 0: a negative timestamp is in none (runtime.md 2.3). */
static Status fold_windows(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err)
{
    const PlanAggregate *plan  = self->plan;
    int64_t              size  = plan->window.size_ms;
    int64_t              from  = row->timestamp - size + plan->advance_ms;
    int64_t              start = from <= 0 ? 0 : from / plan->advance_ms * plan->advance_ms;
    bool                 late  = false;
    while (start <= row->timestamp) {
        int64_t end = start > INT64_MAX - size ? INT64_MAX : start + size;
        if (end > aggregate_closed(self))
            TRY(fold_window(self, row, key, start, end, out, err));
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

static Status fold(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err)
{
    /* Once, not per window: so an argument that fails is reported once. */
    if (!self->merges)
        aggregate_arguments(self, row->columns, row, out->arena);
    if (self->plan->window.kind == WINDOWED_NO)
        return fold_window(self, row, key, 0, 0, out, err);
    return fold_windows(self, row, key, out, err);
}

static Status open_stream(Operator *op, Error *err) { return aggregate_open(op, fold, err); }

const OperatorClass op_aggregate = AGGREGATE_CLASS("AGGREGATE", open_stream);
