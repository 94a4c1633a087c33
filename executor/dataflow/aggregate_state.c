/*
 * aggregate_state.c - see aggregate_state.h.
 *
 * What is emitted is copied out of the store: a later record of the same batch may replace the values it
 * points to. For rows of numbers, which is what most counting queries have, the copy is the values
 * themselves.
 */
#include "executor/dataflow/emit_final.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_partial.h"

/* ---- opening ---- */

Status call_args_open(Operator *op, const PlanAggregateCall *calls, size_t call_count, CallArgs *out,
                      Error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < call_count; i++)
        count += calls[i].arg_count;
    const Expr **all = ARENA_ARRAY(op->arena, const Expr *, count + 1);
    out->values      = ARENA_ARRAY(op->arena, Value, count + 1);
    out->of_call     = ARENA_ARRAY(op->arena, Value *, call_count + 1);
    count            = 0;
    for (size_t i = 0; i < call_count; i++) {
        out->of_call[i] = &out->values[count];
        for (size_t arg = 0; arg < calls[i].arg_count; arg++)
            all[count++] = calls[i].args[arg];
    }
    return projection_open(op, all, count, &out->projection, err);
}

Status aggregate_open(Operator *op, AggregateFold fold, Error *err)
{
    AggregateOp  *self   = (AggregateOp *)op;
    const Schema *schema = op->node->schema;
    self->fold           = fold;
    self->plan           = plan_aggregate(op->node);
    self->store          = op->stores[0];
    self->key_count      = schema->key_count;
    self->value_count    = schema->value_count;
    self->call_count     = self->plan->call_count;
    self->old_is_read    = op_old_is_read(op);
    self->lazy           = self->plan->emit_final || op->pipeline->spec.emit_late;
    self->fixed          = columns_are_fixed(schema->columns, self->key_count + self->value_count);
    self->sites          = ARENA_ARRAY(op->arena, FnSite, self->call_count + 1);
    self->inner          = ARENA_ARRAY(op->arena, Value, self->plan->inner->count + 1);
    self->next           = ARENA_ARRAY(op->arena, Value, self->value_count + 1);
    emit_final_open(self);
    aggregate_rollback(op);
    self->merges = partial_of(op->node) != NULL;
    if (!self->merges)
        TRY(call_args_open(op, self->plan->calls, self->call_count, &self->args, err));
    TRY(key_coder_open_inside(op, schema, STR_NULL, &self->keys, err));
    self->fetches = self->keys.reuse && self->plan->window.kind != WINDOWED_SESSION;
    if (self->plan->having != NULL)
        TRY(op_compile(op, self->plan->having, &self->having, err));
    return projection_open(op, self->plan->values, self->value_count, &self->values, err);
}

/* ---- small state ---- */

/* Stream time goes back with the store: left ahead of it, the records that are read again would be late.
 * `swept` begins anew, as removals that were not committed are undone. */
void aggregate_rollback(Operator *op)
{
    AggregateOp *self = (AggregateOp *)op;
    self->time        = INT64_MIN;
    self->last_close  = -1;
    self->next_emit   = 0;
    self->swept       = 0;
    self->context     = (AggregateContext){.config = op->programs.config};
    store_keep_from(self->store, INT64_MAX);
}

void aggregate_close(Operator *op)
{
    AggregateOp *self = (AggregateOp *)op;
    for (size_t i = 0; self->sites != NULL && i < self->call_count; i++)
        if (self->sites[i].data != NULL)
            self->sites[i].release(self->sites[i].data);
}

/* After a restart without stream time, late records would be taken; without lastClose, windows emitted again;
 * and were the numbers of records to begin anew, LATEST_BY_OFFSET, whose states hold them, would take new
 * records for old ones in a merge. */
void aggregate_save(const Operator *op, StrBuf *out)
{
    const AggregateOp *self = (const AggregateOp *)op;
    put_int64(out, self->time);
    put_int64(out, self->last_close);
    put_int64(out, self->context.sequence);
}

Status aggregate_load(Operator *op, Str saved, Error *err)
{
    AggregateOp *self = (AggregateOp *)op;
    aggregate_rollback(op);
    if (str_is_null(saved))
        return OK;
    if (!take_int64(&saved, &self->time) || !take_int64(&saved, &self->last_close) ||
        !take_int64(&saved, &self->context.sequence))
        return error_set(err, E_DATA, NO_POS, "The saved state of step " STR_FMT " is damaged",
                         STR_ARG(op->node->step));
    return OK;
}

int64_t aggregate_stream_time(const Operator *op) { return ((const AggregateOp *)op)->time; }

/* ---- taking rows ---- */

/* Time moves first: lateness is decided by stream time with this very record in it (runtime.md 2.4). Windows
 * are closed after the fold: how far back final_forgets looks depends on the newest start in the store, which
 * the record may have moved. */
static Status take_row(AggregateOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Str key;
    if (row->columns == NULL && row->old == NULL)
        return OK; /* nothing to add, nothing to take out */
    if (row->key == NULL) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    if (row->timestamp > self->time)
        self->time = row->timestamp;
    TRY(key_coder_bytes(&self->keys, row, out->arena, &key, err));
    TRY(self->fold(self, row, key, out, err));
    return self->plan->emit_final ? emit_final(self, row, false, out, err) : OK;
}

/* Of many groups each would be waited for. Which window a row goes to is guessed: the last of those that it
 * is in. */
static void fetch_ahead(const AggregateOp *self, const RecordBatch *in, size_t i)
{
    const PlanAggregate *plan = self->plan;
    for (size_t step = 1; step <= 3 && i + step * STORE_AHEAD < in->count; step++) {
        const Row *row = &in->rows[i + step * STORE_AHEAD];
        if (str_is_null(row->key_bytes))
            continue;
        int64_t start =
            plan->window.kind == WINDOWED_NO ? 0 : row->timestamp / plan->advance_ms * plan->advance_ms;
        if (step == 1)
            store_fetch_newest(self->store, row->key_bytes);
        else if (step == 2)
            store_fetch_row(self->store, row->key_bytes, start);
        else
            store_fetch_place(self->store, row->key_bytes, start);
    }
}

Status aggregate_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    AggregateOp *self = (AggregateOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, self->lazy ? 1 : in->count);
    bool         far  = self->fetches && store_is_far(self->store);
    /* Before the first put: that may move the store's time past windows which nobody has emitted yet. */
    if (self->plan->emit_final)
        emit_final_keep(self);
    for (size_t i = 0; i < in->count; i++) {
        if (far)
            fetch_ahead(self, in, i);
        TRY(take_row(self, &in->rows[i], out, err));
    }
    return op_emit(op, out, err);
}

/* ---- states ---- */

void aggregate_begin(AggregateOp *self, StoreRow *stored, Arena *arena)
{
    self->memory          = store_edit_states(self->store, stored);
    self->states          = stored->values + self->value_count;
    self->context.scratch = arena;
    for (size_t i = 0; !stored->exists && i < self->call_count; i++)
        self->states[i] = self->plan->calls[i].function->aggregate->init(self->plan->calls[i].call);
}

/* The number says who came first when sessions merge: that is a matter of arrival, and they merge by time. */
void aggregate_arguments(AggregateOp *self, const Value *columns, const Row *row, Arena *arena)
{
    call_args_eval(&self->base, &self->args, columns, row, arena);
    self->context.sequence++;
}

/* What becomes of a call that has failed: of its row alone, or of the query. A state that may be half changed
 * must not be committed, and skipping the row is no way out, for the calls before this one have it: so the
 * query stops and rolls back. */
static Status failed(AggregateOp *self, const PlanAggregateCall *call, Status status, const Row *row,
                     const Error *why, Error *err)
{
    if ((status == E_DATA || status == E_LIMIT) && call->call->survives) {
        op_report(&self->base, row, why);
        return OK;
    }
    if (err != NULL)
        *err = *why;
    if (status != E_DATA && status != E_LIMIT)
        return status;
    if (err == NULL)
        return E_FATAL_DATA;
    err->code = E_FATAL_DATA;
    return error_prefix(err, "Error in aggregate function %s: ", call->function->name);
}

/* The call and the context for a change of its state. */
static inline const PlanAggregateCall *enter_call(AggregateOp *self, size_t i)
{
    self->context.memory = self->memory == NULL ? NULL : &self->memory[i];
    self->context.site   = &self->sites[i];
    return &self->plan->calls[i];
}

Status aggregate_add(AggregateOp *self, const Row *row, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = enter_call(self, i);
        Error                    why;
        Status                   status = call->function->aggregate->accumulate(call->call, &self->states[i],
                                                                                self->args.of_call[i], &self->context, &why);
        if (status != OK)
            TRY(failed(self, call, status, row, &why, err));
    }
    return OK;
}

Status aggregate_undo(AggregateOp *self, const Row *row, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = enter_call(self, i);
        Error                    why;
        Status status = call->function->aggregate->undo(call->call, &self->states[i], self->args.of_call[i],
                                                        &self->context, &why);
        if (status != OK)
            TRY(failed(self, call, status, row, &why, err));
    }
    return OK;
}

Status aggregate_merge(AggregateOp *self, const Value *states, const Row *row, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = enter_call(self, i);
        Error                    why;
        Status                   status =
            call->function->aggregate->merge(call->call, &self->states[i], states[i], &self->context, &why);
        if (status != OK)
            TRY(failed(self, call, status, row, &why, err));
    }
    return OK;
}

/* ---- results ---- */

/* The row that SELECT and HAVING see: keys, results, window bounds, time. */
static Status fill_inner(AggregateOp *self, const StoreRow *stored, int64_t timestamp, const Row *report,
                         Arena *arena, Error *err)
{
    const Schema    *inner   = self->plan->inner;
    const Value     *states  = stored->values + self->value_count;
    AggregateContext context = {.scratch = arena, .config = self->context.config};
    memcpy(self->inner, stored->keys, self->key_count * sizeof *self->inner);
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = &self->plan->calls[i];
        Value                   *to   = &self->inner[self->key_count + i];
        *to                           = states[i];
        if (call->function->aggregate->result == NULL)
            continue;
        Error why;
        context.site  = &self->sites[i];
        Status status = call->function->aggregate->result(call->call, states[i], &context, to, &why);
        if (status == OK)
            continue;
        *to = value_null();
        TRY(failed(self, call, status, report, &why, err));
    }
    for (size_t i = self->key_count + self->call_count; i < inner->count; i++) {
        ColumnRole role = inner->columns[i].role;
        self->inner[i]  = value_from_int(role == COLUMN_WINDOWSTART ? stored->window_start
                                         : role == COLUMN_WINDOWEND ? stored->window_end
                                                                    : timestamp);
    }
    return OK;
}

/* One that fails, or is NULL, is false (sql.md 3.3); a flush has no record to report it with. */
static bool having(AggregateOp *self, const Row *row, Arena *arena)
{
    Truth verdict;
    Error why;
    if (self->having == NULL)
        return true;
    self->base.current = row;
    if (program_test(self->having, self->inner, arena, &verdict, &why) == OK)
        return verdict == TRUTH_TRUE;
    if (row != NULL)
        op_report(&self->base, row, &why);
    return false;
}

/* Value columns are stored although the states imply them: pull queries read the file and run no aggregate. A
 * row that HAVING refuses is stored all the same, not visible: its states go on counting, for the next record
 * may let it in. */
Status aggregate_project(AggregateOp *self, StoreRow *stored, int64_t timestamp, const Row *report,
                         Arena *arena, const Value **columns, Error *err)
{
    TRY(fill_inner(self, stored, timestamp, report, arena, err));
    projection_eval(&self->base, &self->values, self->inner, report, arena, self->next);
    bool visible = having(self, report, arena);
    *columns     = visible ? aggregate_columns(self, stored->keys, self->next, arena) : NULL;
    store_put_values(self->store, stored, self->next, timestamp, visible);
    return OK;
}

const Value *aggregate_columns(const AggregateOp *self, const Value *keys, const Value *values, Arena *arena)
{
    const Column *columns = self->base.node->schema->columns;
    size_t        count   = self->key_count + self->value_count;
    Value        *out     = arena_alloc(arena, count * sizeof *out);
    memcpy(out, keys, self->key_count * sizeof *out);
    memcpy(out + self->key_count, values, self->value_count * sizeof *out);
    for (size_t i = 0; !self->fixed && i < count; i++)
        out[i] = value_copy(arena, columns[i].type, out[i]);
    return out;
}

Row *aggregate_emit(AggregateOp *self, RecordBatch *out, const StoreRow *stored, int64_t timestamp,
                    const Origin *origin)
{
    Row *row = batch_add(out);
    *row     = (Row){.key          = stored->keys,
                     .key_bytes    = stored->key,
                     .timestamp    = timestamp,
                     .window_start = stored->window_start,
                     .window_end   = stored->window_end,
                     .origin       = origin};
    return row;
}

/* Without a projection the row is as visible as before; a new one is, unless HAVING has yet to be asked. */
static void put_unseen(AggregateOp *self, StoreRow *stored, const Row *input, int64_t timestamp)
{
    bool visible = stored->exists ? stored->visible : self->having == NULL;
    if (!self->plan->emit_final)
        store_remember(self->store, stored, self->old_is_read, input->origin);
    store_put_values(self->store, stored, NULL, timestamp, visible);
}

Status aggregate_put(AggregateOp *self, StoreRow *stored, const Row *input, int64_t timestamp,
                     RecordBatch *out, Error *err)
{
    const Value *old = NULL, *now;
    if (self->lazy) {
        put_unseen(self, stored, input, timestamp);
        return OK;
    }
    /* Before the projection, which overwrites it. */
    if (stored->exists && stored->visible)
        old = self->old_is_read ? aggregate_columns(self, stored->keys, stored->values, out->arena)
                                : stored->values;
    TRY(aggregate_project(self, stored, timestamp, input, out->arena, &now, err));
    /* Staying outside of HAVING is silent; leaving it is a tombstone, or the sink would show the last row
     * that passed for ever (runtime.md 3.4). */
    if (now == NULL && old == NULL)
        return OK;
    Row *row     = aggregate_emit(self, out, stored, timestamp, input->origin);
    row->columns = now;
    row->old     = old;
    return OK;
}

/* Windows whose close fell into the pause of the throttle, with no record after it. */
Status aggregate_tick(Operator *op, Error *err)
{
    AggregateOp *self = (AggregateOp *)op;
    if (!self->plan->emit_final || self->time == INT64_MIN)
        return OK;
    RecordBatch *out = batch_new(op->pipeline->batch, op->node->schema, 1);
    TRY(emit_final(self, NULL, true, out, err));
    return op_emit(op, out, err);
}

/* ---- emitting late ---- */

/* A row that no longer exists is a session that was merged away: a tombstone. If it came and went since the
 * last commit nobody has heard of it, nor will. */
static Status flush_row(AggregateOp *self, StoreRow *stored, bool emits, RecordBatch *out, Error *err)
{
    bool         session = self->plan->window.kind == WINDOWED_SESSION;
    const Value *now     = NULL;
    if (stored->exists)
        TRY(aggregate_project(self, stored, stored->timestamp, NULL, out->arena, &now, err));
    const Value *old = stored->has_emitted ? stored->emitted : NULL;
    if (!emits || (now == NULL && old == NULL))
        return OK;
    Row *row =
        aggregate_emit(self, out, stored, session ? stored->window_end : stored->timestamp, stored->origin);
    row->columns = now;
    row->old =
        old == NULL || !self->old_is_read ? old : aggregate_columns(self, stored->keys, old, out->arena);
    return OK;
}

/* Under EMIT FINAL rows are projected here but not emitted: pull queries see windows that are still open
 * (runtime.md 2.6), so what is committed must not have columns older than its states. */
Status aggregate_flush(Operator *op, Error *err)
{
    AggregateOp *self  = (AggregateOp *)op;
    Arena       *arena = op->pipeline->batch;
    StoreRows    rows  = self->lazy ? store_dirty_rows(self->store) : (StoreRows){NULL, 0};
    bool         emits = op->pipeline->spec.emit_late && !self->plan->emit_final;
    for (size_t done = 0; done < rows.count;) {
        size_t       end = rows.count - done < BATCH_ROWS ? rows.count : done + BATCH_ROWS;
        RecordBatch *out = batch_new(arena, op->node->schema, BATCH_ROWS);
        for (; done < end; done++)
            TRY(flush_row(self, rows.rows[done], emits, out, err));
        TRY(op_emit(op, out, err));
        arena_reset(arena);
    }
    return OK;
}
