/*
 * op_session.c - GROUP BY in session windows (runtime.md 5.3).
 *
 * A record joins every session of its key that is no further away than the gap, and they become one. Each
 * session that goes is emitted as a tombstone first, even one that has the same bounds as the result, except
 * where the record stands at the time of a one-record session. Sessions older than the store's retention are
 * not seen, and not kept, though their rows are emitted.
 */
#include "executor/aggregate_state.h"
#include "executor/emit_final.h"

typedef struct {
    StoreRows parts; /* to be merged, by (end, start) */
    int64_t   start, end;
    bool      expired; /* too old to be kept */
} Session;

static int64_t add_clamped(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static Status find_parts(AggregateOp *self, const Row *row, Str key, Arena *arena, Session *out, Error *err)
{
    int64_t gap = self->plan->gap_ms, newest = store_time(self->base.store);
    TRY(store_find_windows(self->base.store, key, row->key, row->timestamp - gap,
                           add_clamped(row->timestamp, gap), arena, &out->parts, err));
    size_t kept = 0;
    out->start = out->end = row->timestamp;
    for (size_t i = 0; i < out->parts.count; i++) {
        StoreRow *part = out->parts.rows[i];
        if (newest != INT64_MIN && part->window_end < newest - self->plan->retention_ms + 1)
            continue;
        out->parts.rows[kept++] = part;
        out->start              = part->window_start < out->start ? part->window_start : out->start;
        out->end                = part->window_end > out->end ? part->window_end : out->end;
    }
    out->parts.count = kept;
    out->expired     = newest != INT64_MIN && out->end < newest - self->plan->retention_ms + 1;
    return OK;
}

/* Takes a part away; what was seen of it is emitted as deleted, at the time it ended. */
static void retire(AggregateOp *self, StoreRow *part, const Row *row, RecordBatch *out)
{
    bool late = self->lazy && !self->plan->emit_final;
    if (late)
        store_remember(self->base.store, part, row->origin);
    else if (!self->lazy && part->visible) {
        Value *old = aggregate_stored_columns(self, part->keys, part->values, out->arena);
        aggregate_emit(self, out, part, part->window_end, row->origin, out->arena)->old = old;
    }
    store_remove(self->base.store, part);
}

/* Copies the merged states out of the parts' memory before the parts go. */
static void own_states(AggregateOp *self, Arena *arena)
{
    for (size_t i = 0; i < self->call_count; i++) {
        Value *state = &self->next[self->value_count + i];
        *state       = value_copy(arena, self->plan->calls[i].call->state_type, *state);
    }
}

static Status merge_session(AggregateOp *self, const Row *row, Str key, const Session *session,
                            RecordBatch *out, Error *err)
{
    bool      single = session->start == session->end;
    StoreRow *stored;
    aggregate_start(self, NULL, out->arena);
    for (size_t i = 0; i < session->parts.count; i++)
        TRY(aggregate_merge(self, session->parts.rows[i], out->arena, err));
    if (!self->fixed)
        own_states(self, out->arena);
    for (size_t i = 0; !single && i < session->parts.count; i++)
        retire(self, session->parts.rows[i], row, out);
    TRY(aggregate_add(self, out->arena, err));
    TRY(store_get(self->base.store, key, row->key, session->start, session->end, &stored, err));
    TRY(aggregate_put(self, stored, row, session->end, out, err));
    if (session->expired)
        store_remove(self->base.store, stored);
    return OK;
}

static Status take_row(AggregateOp *self, const Row *row, RecordBatch *out, Error *err)
{
    const PlanAggregate *plan = self->plan;
    Session              session;
    Str                  key;
    if (row->columns == NULL)
        return OK;
    if (row->key == NULL) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    if (row->timestamp > self->time)
        self->time = row->timestamp;
    TRY(key_coder_bytes(&self->keys, row, out->arena, &key, err));
    TRY(find_parts(self, row, key, out->arena, &session, err));
    if (session.end < self->time - plan->grace_ms - plan->gap_ms) {
        op_drop_row(&self->base, row, SKIP_LATE);
    } else {
        aggregate_arguments(self, row->columns, row, out->arena);
        TRY(merge_session(self, row, key, &session, out, err));
    }
    return plan->emit_final ? emit_final(self, row, out, err) : OK;
}

static Status session_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RecordBatch *out = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(take_row((AggregateOp *)op, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

const OperatorClass op_session = {
    .name              = "SESSION",
    .state_size        = sizeof(AggregateOp),
    .reads_wanted_only = true,
    .open              = aggregate_open,
    .push              = session_push,
    .flush             = aggregate_flush,
    .rollback          = aggregate_rollback,
    .save              = aggregate_save,
    .load              = aggregate_load,
};
