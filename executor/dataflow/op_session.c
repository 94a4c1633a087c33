/*
 * op_session.c - GROUP BY in session windows (runtime.md 5.3).
 *
 * A record joins every session of its key that is no further away than the gap, and they become one. Each
 * session that goes is emitted as a tombstone first, even one that has the same bounds as the result, except
 * where the record stands at the time of a one-record session. Sessions older than the store's retention are
 * not seen, and not kept, though their rows are emitted. Under EMIT FINAL one that has closed is not seen.
 */
#include "executor/dataflow/aggregate_state.h"

typedef struct {
    StoreRows parts; /* to be merged, by (end, start) */
    int64_t   start, end;
    bool      expired; /* too old to be kept */
} Session;

/* Sessions that ended before it take no part. Under EMIT FINAL those are the closed ones, emitted or not yet:
 * when it emits is a matter of the wall clock, and must not decide what becomes of a late record. */
static int64_t oldest_end(const AggregateOp *self)
{
    const PlanAggregate *plan   = self->plan;
    int64_t              newest = store_time(self->store);
    if (plan->emit_final && !self->final_forgets)
        return aggregate_closed(self);
    return newest == INT64_MIN ? INT64_MIN : newest - plan->retention_ms + 1;
}

/* A distance of exactly the gap merges. One look is enough: live sessions of a key are more than a gap apart,
 * or they would be one, so the merged one reaches no others than the record does. */
static Status find_parts(AggregateOp *self, const Row *row, Str key, Arena *arena, Session *out, Error *err)
{
    int64_t gap = self->plan->gap_ms, oldest = oldest_end(self);
    TRY(store_find_windows(self->store, key, row->key, time_add(row->timestamp, -gap),
                           time_add(row->timestamp, gap), arena, &out->parts, err));
    size_t kept = 0;
    out->start = out->end = row->timestamp;
    for (size_t i = 0; i < out->parts.count; i++) {
        StoreRow *part = out->parts.rows[i];
        if (part->window_end < oldest)
            continue;
        out->parts.rows[kept++] = part;
        out->start              = part->window_start < out->start ? part->window_start : out->start;
        out->end                = part->window_end > out->end ? part->window_end : out->end;
    }
    out->parts.count = kept;
    out->expired     = out->end < oldest;
    return OK;
}

/* The first part's states move on to the session that takes the parts' place, the others' are merged into
 * them: so a record costs the same however much its session has collected. `stored` may be one of the parts
 * itself. */
static Status gather(AggregateOp *self, StoreRow *stored, const StoreRows *parts, const Row *row,
                     Arena *arena, Error *err)
{
    StoreRow *first = parts->rows[0];
    aggregate_begin(self, stored, arena);
    store_swap_states(self->store, stored, first);
    for (size_t i = 1; i < parts->count; i++)
        TRY(aggregate_merge(
            self, (parts->rows[i] == stored ? first : parts->rows[i])->values + self->value_count, row, err));
    return OK;
}

/* What was seen of a part is emitted as deleted, at the time it ended. With a cache the flush does so, if it
 * was emitted before; under EMIT FINAL nobody has seen an open session; one that HAVING hid never was. */
static void retire(AggregateOp *self, StoreRow *part, const Row *row, RecordBatch *out)
{
    if (self->lazy && !self->plan->emit_final)
        store_remember(self->store, part, self->old_is_read, row->origin);
    else if (!self->lazy && part->visible) {
        const Value *old = aggregate_columns(self, part->keys, part->values, out->arena);
        aggregate_emit(self, out, part, part->window_end, row->origin)->old = old;
    }
}

/* Tombstones come first: one may have the key of the result, and a reader of the topic as a table must end
 * with the session. Parts are removed after their states have moved on, but before the put: one of them may
 * be `stored` itself, which the put brings back. The record is added behind what the session had collected,
 * as COLLECT_LIST shows. */
static Status merge_session(AggregateOp *self, const Row *row, Str key, const Session *session,
                            RecordBatch *out, Error *err)
{
    StoreRow *stored;
    TRY(store_get(self->store, key, row->key, session->start, session->end, &stored, err));
    if (session->start == session->end) {
        aggregate_begin(self, stored, out->arena); /* the only part, if there is one */
    } else {
        for (size_t i = 0; i < session->parts.count; i++)
            retire(self, session->parts.rows[i], row, out);
        TRY(gather(self, stored, &session->parts, row, out->arena, err));
        for (size_t i = 0; i < session->parts.count; i++)
            store_remove(self->store, session->parts.rows[i]);
    }
    TRY(aggregate_add(self, row, err));
    TRY(aggregate_put(self, stored, row, session->end, out, err));
    if (session->expired)
        store_remove(self->store, stored);
    return OK;
}

static Status fold(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err)
{
    Session session;
    /* Lateness is the merged session's, not the record's: an old record that touches a live session is
     * welcome. */
    TRY(find_parts(self, row, key, out->arena, &session, err));
    if (session.end < aggregate_closed(self)) {
        op_drop_row(&self->base, row, SKIP_LATE);
        return OK;
    }
    /* Not before it is known to be taken: a dropped record reports no failing argument. */
    aggregate_arguments(self, row->columns, row, out->arena);
    return merge_session(self, row, key, &session, out, err);
}

static Status open_session(Operator *op, Error *err) { return aggregate_open(op, fold, err); }

const OperatorClass op_session = AGGREGATE_CLASS("SESSION", open_session);
