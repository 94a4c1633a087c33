/*
 * op_join_stream_stream.c - two streams, matched where keys are equal and times near (runtime.md 4.2).
 *
 * A record first looks through what the other side has kept of its key, then is kept itself; so of two that
 * match, the later to come makes the row, and no match is made twice. Buffers forget by their own newest
 * time: what comes too late for its buffer still finds its matches, once.
 *
 * Keys are matched on their bytes. Windowed keys have the window behind them: start alone for time windows,
 * whose sizes may differ, both bounds for sessions.
 */
#include "executor/dataflow/stream_join.h"
#include "executor/dataflow/task.h"

/* ---- opening ---- */

static bool is_windowed(const StreamJoinOp *self) { return self->base.node->window.kind != WINDOWED_NO; }

static Status join_open(Operator *op, Error *err)
{
    StreamJoinOp   *self = (StreamJoinOp *)op;
    const PlanJoin *plan = plan_join(op->node);
    bool            swap = plan->type == PLAN_RIGHT; /* ksqlDB turns the join round, but not its window */
    self->plan           = plan;
    for (int side = 0; side < 2; side++) {
        int         pending = plan_join_pending_store(plan, side);
        StreamSide *one     = &self->sides[side];
        bool        left    = (side == JOIN_LEFT_SIDE) != swap;
        *one                = (StreamSide){
                           .input     = op->node->inputs[side],
                           .buffer    = op->stores[side],
                           .pending   = pending < 0 ? NULL : op->stores[pending],
                           .preserved = plan_join_preserves(plan, side),
                           .back      = left ? plan->before_ms : plan->after_ms,
                           .ahead     = left ? plan->after_ms : plan->before_ms,
                           .scratch   = ARENA_ARRAY(op->arena, Value, op->node->inputs[side]->schema->count + 2),
        };
        self->waits |= one->pending != NULL;
    }
    return OK;
}

/* ---- stored rows ---- */

/* What a buffer keeps of a row: the columns behind the key, and its window. */
static const Value *to_store(const StreamJoinOp *self, int side, const Row *row)
{
    const Schema *schema = self->sides[side].input->schema;
    Value        *out    = self->sides[side].scratch;
    size_t        count  = schema->count - schema->key_count;
    if (!is_windowed(self))
        return row->columns + schema->key_count;
    memcpy(out, row->columns + schema->key_count, count * sizeof *out);
    out[count]     = value_from_int(row->window_start);
    out[count + 1] = value_from_int(row->window_end);
    return out;
}

Row stream_join_stored(const StreamJoinOp *self, int side, const StoreRow *stored)
{
    const Schema *schema = self->sides[side].input->schema;
    const Value  *window = stored->values + schema->count - schema->key_count;
    Row           row    = {.key = stored->keys, .key_bytes = stored->key, .timestamp = stored->timestamp};
    if (is_windowed(self)) {
        row.window_start = window[0].as.i64;
        row.window_end   = window[1].as.i64;
        row.key_bytes.len -= self->base.node->window.kind == WINDOWED_SESSION ? 16 : 8;
    }
    return row;
}

/* ---- rows out ---- */

Status stream_join_emit(StreamJoinOp *self, StreamJoinOut *to, const Row *row, const JoinSide sides[2],
                        Error *err)
{
    const PlanNode *node  = self->base.node;
    Arena          *arena = (*to->out)->arena;
    if ((*to->out)->count == BATCH_ROWS) {
        TRY(op_emit(&self->base, *to->out, err));
        *to->out = batch_new(arena, node->schema, BATCH_ROWS);
    }
    const Value *key     = row->key;
    Value        no_key  = value_null();
    Value       *columns = join_row(node, key != NULL ? key : &no_key, &sides[0], &sides[1], arena);
    Row         *out     = batch_add(*to->out);
    *out                 = *row;
    out->columns         = columns;
    out->key             = key != NULL ? columns : NULL;
    out->origin          = to->cause != NULL ? to->cause->origin : NULL;
    if (is_windowed(self) && node->window.kind != WINDOWED_SESSION)
        out->window_end = time_add(row->window_start, node->window.size_ms); /* as the left side has it */
    return OK;
}

static Status emit_padded(StreamJoinOp *self, int side, const Row *row, StreamJoinOut *to, Error *err)
{
    JoinSide sides[2] = {{0}, {0}};
    sides[side]       = join_side_of_columns(self->sides[side].input, row->columns);
    return stream_join_emit(self, to, row, sides, err);
}

static Status emit_matches(StreamJoinOp *self, int side, const Row *row, const StoreRows *matches,
                           StreamJoinOut *to, Error *err)
{
    int      other = 1 - side;
    JoinSide sides[2];
    sides[side] = join_side_of_columns(self->sides[side].input, row->columns);
    for (size_t i = 0; i < matches->count; i++) {
        Row made     = *row;
        sides[other] = join_side_of_stored(self->sides[other].input, matches->rows[i]);
        if (matches->rows[i]->timestamp > made.timestamp)
            made.timestamp = matches->rows[i]->timestamp;
        TRY(stream_join_emit(self, to, &made, sides, err));
    }
    return OK;
}

/* ---- a record ---- */

/* The bytes that have to be equal: *key for the row, *identity with its window. */
static Status identify(StreamJoinOp *self, const Row *row, Arena *arena, Str *key, Str *identity, Error *err)
{
    TRY(op_key_bytes(&self->base, row, arena, key, err));
    *identity = *key;
    if (!is_windowed(self))
        return OK;
    bool  session = self->base.node->window.kind == WINDOWED_SESSION;
    char *bytes   = arena_alloc(arena, key->len + 16);
    if (key->len > 0)
        memcpy(bytes, key->ptr, key->len);
    int64_put(row->window_start, bytes + key->len);
    if (session)
        int64_put(row->window_end, bytes + key->len + 8);
    *identity = str_n(bytes, key->len + (session ? 16 : 8));
    return OK;
}

static Status find_matches(StreamJoinOp *self, int side, const Row *row, Str identity, Arena *arena,
                           StoreRows *out, Error *err)
{
    const StreamSide *own  = &self->sides[side];
    int64_t           from = time_add(row->timestamp, -own->back);
    return store_buffer_find(self->sides[1 - side].buffer, identity, from > 0 ? from : 0,
                             time_add(row->timestamp, own->ahead), arena, out, err);
}

static Status without_match(StreamJoinOp *self, int side, const Row *row, Str identity, StreamJoinOut *to,
                            Error *err)
{
    const StreamSide *own = &self->sides[side];
    if (!own->preserved)
        return OK;
    if (own->pending == NULL || time_add(row->timestamp, own->ahead) < self->time)
        return emit_padded(self, side, row, to, err);
    stream_join_wait(self, side, identity, row, to_store(self, side, row));
    return OK;
}

static Status join_record(StreamJoinOp *self, int side, const Row *in, StreamJoinOut *to, Error *err)
{
    Arena    *arena = (*to->out)->arena;
    Row       row   = *in;
    Str       identity;
    StoreRows matches;
    if (row.timestamp > self->time)
        self->time = row.timestamp;
    if (row.columns == NULL)
        return OK; /* a null row matches nothing, but time went on */
    if (row.key == NULL) {
        if (self->sides[side].preserved)
            return emit_padded(self, side, &row, to, err);
        op_drop_row(&self->base, in, SKIP_NULL_KEY);
        return OK;
    }
    if (self->waits && row.timestamp == self->time) {
        self->closing = self->time;
        TRY(stream_join_close(self, false, to, err));
    }
    TRY(identify(self, &row, arena, &row.key_bytes, &identity, err));
    if (self->waits)
        TRY(stream_join_close_key(self, identity, to, err));
    TRY(find_matches(self, side, &row, identity, arena, &matches, err));
    if (matches.count > 0 && self->sides[1 - side].pending != NULL)
        TRY(stream_join_matched(self, 1 - side, identity, &matches, arena, err));
    if (matches.count > 0)
        TRY(emit_matches(self, side, &row, &matches, to, err));
    else
        TRY(without_match(self, side, &row, identity, to, err));
    store_buffer_add(self->sides[side].buffer, identity, row.key, row.timestamp, ++self->number,
                     to_store(self, side, &row), row.timestamp);
    return OK;
}

static Status join_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RecordBatch  *out = batch_new(in->arena, op->node->schema, in->count); /* mostly a few of both in turn */
    StreamJoinOut to  = {&out, NULL};
    for (size_t i = 0; i < in->count; i++) {
        to.cause = &in->rows[i];
        TRY(join_record((StreamJoinOp *)op, port, &in->rows[i], &to, err));
    }
    return op_emit(op, out, err);
}

/* ---- time and state ---- */

static Status join_tick(Operator *op, Error *err)
{
    RecordBatch  *out = batch_new(op->pipeline->batch, op->node->schema, BATCH_ROWS);
    StreamJoinOut to  = {&out, NULL};
    if (((StreamJoinOp *)op)->waits)
        TRY(stream_join_close((StreamJoinOp *)op, true, &to, err));
    return op_emit(op, out, err);
}

static void join_save(const Operator *op, StrBuf *out)
{
    const StreamJoinOp *self = (const StreamJoinOp *)op;
    put_int64(out, self->time);
    put_int64(out, self->closing);
    put_int64(out, self->number);
}

static Status join_load(Operator *op, Str saved, Error *err)
{
    StreamJoinOp *self = (StreamJoinOp *)op;
    self->time = self->closing = self->next_close = INT64_MIN; /* what waits may close at any time */
    self->number = self->next_emit = 0;
    if (str_is_null(saved))
        return OK;
    if (!take_int64(&saved, &self->time) || !take_int64(&saved, &self->closing) ||
        !take_int64(&saved, &self->number))
        return error_set(err, E_DATA, NO_POS, "The saved state of a join is damaged");
    return OK;
}

static int64_t join_stream_time(const Operator *op) { return ((const StreamJoinOp *)op)->time; }

const OperatorClass op_join_stream_stream = {
    .name        = "JOIN_STREAM_STREAM",
    .state_size  = sizeof(StreamJoinOp),
    .open        = join_open,
    .push        = join_push,
    .tick        = join_tick,
    .save        = join_save,
    .load        = join_load,
    .stream_time = join_stream_time,
};
