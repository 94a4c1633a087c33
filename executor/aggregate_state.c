/*
 * aggregate_state.c - see aggregate_state.h.
 *
 * What is emitted is copied out of the store: a later record of the same batch may replace the values it
 * points to. For rows of plain numbers, which is what most counting queries have, the copy is the values
 * themselves and stored rows change in place.
 */
#include "executor/aggregate_state.h"
#include "executor/task.h"

/* ---- opening ---- */

static bool is_fixed(const SqlType *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
    case T_DOUBLE:
    case T_TIME:
    case T_DATE:
    case T_TIMESTAMP:
        return true;
    default:
        return false;
    }
}

static bool all_fixed(const AggregateOp *self)
{
    const Schema *schema = self->base.node->schema;
    for (size_t i = 0; i < self->value_count; i++)
        if (!is_fixed(schema->columns[self->key_count + i].type))
            return false;
    for (size_t i = 0; i < self->call_count; i++)
        if (!is_fixed(self->plan->calls[i].call->state_type))
            return false;
    return true;
}

static Status open_calls(AggregateOp *self, Error *err)
{
    Operator *op     = &self->base;
    self->args       = ARENA_ARRAY(op->arena, Projection, self->call_count);
    self->arg_values = ARENA_ARRAY(op->arena, Value *, self->call_count);
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = &self->plan->calls[i];
        TRY(projection_open(op, call->args, call->arg_count, &self->args[i], err));
        self->arg_values[i] = ARENA_ARRAY(op->arena, Value, call->arg_count + 1);
    }
    return OK;
}

Status aggregate_open(Operator *op, Error *err)
{
    AggregateOp *self = (AggregateOp *)op;
    self->plan        = &op->node->u.aggregate;
    self->key_count   = op->node->schema->key_count;
    self->value_count = op->node->schema->value_count;
    self->call_count  = self->plan->call_count;
    self->lazy        = self->plan->emit_final || op->pipeline->spec.emit_late;
    self->fixed       = all_fixed(self);
    self->inner       = ARENA_ARRAY(op->arena, Value, self->plan->inner->count + 1);
    self->next        = ARENA_ARRAY(op->arena, Value, self->value_count + self->call_count + 1);
    aggregate_rollback(op);
    TRY(open_calls(self, err));
    TRY(key_coder_open(op, &op->node->key_format, op->node->schema, &self->keys, err));
    if (self->plan->having != NULL)
        TRY(op_compile(op, self->plan->having, &self->having, err));
    return projection_open(op, self->plan->values, self->value_count, &self->values, err);
}

/* ---- small state ---- */

void aggregate_rollback(Operator *op)
{
    AggregateOp *self = (AggregateOp *)op;
    self->time        = INT64_MIN;
    self->last_close  = -1;
    self->next_emit   = 0;
    self->swept       = 0;
    self->sequence    = 0;
}

void aggregate_save(const Operator *op, StrBuf *out)
{
    const AggregateOp *self = (const AggregateOp *)op;
    put_int64(out, self->time);
    put_int64(out, self->last_close);
    put_int64(out, self->sequence);
}

Status aggregate_load(Operator *op, Str saved, Error *err)
{
    AggregateOp *self = (AggregateOp *)op;
    aggregate_rollback(op);
    if (str_is_null(saved))
        return OK;
    if (!take_int64(&saved, &self->time) || !take_int64(&saved, &self->last_close) ||
        !take_int64(&saved, &self->sequence))
        return error_set(err, E_DATA, NO_POS, "The saved state of step " STR_FMT " is damaged",
                         STR_ARG(op->node->step));
    return OK;
}

/* ---- states ---- */

void aggregate_start(AggregateOp *self, const StoreRow *stored, Arena *arena)
{
    if (stored != NULL && stored->exists) {
        memcpy(self->next, stored->values, (self->value_count + self->call_count) * sizeof *self->next);
        return;
    }
    for (size_t i = 0; i < self->value_count; i++)
        self->next[i] = value_null();
    for (size_t i = 0; i < self->call_count; i++)
        self->next[self->value_count + i] =
            self->plan->calls[i].function->aggregate->init(self->plan->calls[i].call, arena);
}

void aggregate_arguments(AggregateOp *self, const Value *columns, const Row *row, Arena *arena)
{
    for (size_t i = 0; i < self->call_count; i++)
        projection_eval(&self->base, &self->args[i], columns, row, arena, self->arg_values[i]);
    self->sequence++;
}

static Status fatal(const PlanAggregateCall *call, Status status, Error *err)
{
    if (status != E_DATA && status != E_LIMIT)
        return status;
    if (err == NULL)
        return E_FATAL_DATA;
    err->code = E_FATAL_DATA;
    return error_prefix(err, "Error in aggregate function %s: ", call->function->name);
}

Status aggregate_add(AggregateOp *self, Arena *arena, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call  = &self->plan->calls[i];
        Value                   *state = &self->next[self->value_count + i];
        Status status = call->function->aggregate->accumulate(call->call, *state, self->arg_values[i],
                                                              self->sequence, arena, state, err);
        if (status != OK)
            return fatal(call, status, err);
    }
    return OK;
}

Status aggregate_undo(AggregateOp *self, Arena *arena, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call  = &self->plan->calls[i];
        Value                   *state = &self->next[self->value_count + i];
        Status                   status =
            call->function->aggregate->undo(call->call, *state, self->arg_values[i], arena, state, err);
        if (status != OK)
            return fatal(call, status, err);
    }
    return OK;
}

Status aggregate_merge(AggregateOp *self, const StoreRow *other, Arena *arena, Error *err)
{
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call   = &self->plan->calls[i];
        Value                   *state  = &self->next[self->value_count + i];
        Status                   status = call->function->aggregate->merge(
                              call->call, *state, other->values[self->value_count + i], arena, state, err);
        if (status != OK)
            return fatal(call, status, err);
    }
    return OK;
}

/* ---- results ---- */

/* The row that SELECT and HAVING see: keys, results, window bounds, time. */
static Status fill_inner(AggregateOp *self, const StoreRow *stored, int64_t timestamp, const Value *states,
                         Arena *arena, Error *err)
{
    const Schema *inner = self->plan->inner;
    memcpy(self->inner, stored->keys, self->key_count * sizeof *self->inner);
    for (size_t i = 0; i < self->call_count; i++) {
        const PlanAggregateCall *call = &self->plan->calls[i];
        Value                   *to   = &self->inner[self->key_count + i];
        *to                           = states[i];
        if (call->function->aggregate->result == NULL)
            continue;
        Status status = call->function->aggregate->result(call->call, states[i], arena, to, err);
        if (status != OK)
            return fatal(call, status, err);
    }
    for (size_t i = self->key_count + self->call_count; i < inner->count; i++) {
        ColumnRole role = inner->columns[i].role;
        self->inner[i]  = value_from_int(role == COLUMN_WINDOWSTART ? stored->window_start
                                         : role == COLUMN_WINDOWEND ? stored->window_end
                                                                    : timestamp);
    }
    return OK;
}

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

/* Value columns from states, into values[value_count]. */
static Status project(AggregateOp *self, const StoreRow *stored, int64_t timestamp, const Value *states,
                      const Row *report, Arena *arena, Value *values, bool *visible, Error *err)
{
    TRY(fill_inner(self, stored, timestamp, states, arena, err));
    projection_eval(&self->base, &self->values, self->inner, report, arena, values);
    *visible = having(self, report, arena);
    return OK;
}

Value *aggregate_stored_columns(const AggregateOp *self, const Value *keys, const Value *values, Arena *arena)
{
    const Column *columns = self->base.node->schema->columns;
    size_t        count   = self->key_count + self->value_count;
    Value        *out     = arena_alloc(arena, count * sizeof *out);
    memcpy(out, keys, self->key_count * sizeof *out);
    memcpy(out + self->key_count, values, self->value_count * sizeof *out);
    for (size_t i = 0; i < count; i++)
        if (!is_fixed(columns[i].type))
            out[i] = value_copy(arena, columns[i].type, out[i]);
    return out;
}

static void store_next(AggregateOp *self, StoreRow *stored, int64_t timestamp, bool visible)
{
    if (self->fixed && stored->exists) {
        memcpy(stored->values, self->next, (self->value_count + self->call_count) * sizeof *self->next);
        stored->visible = visible;
        store_touch(self->base.store, stored, timestamp);
    } else {
        store_put(self->base.store, stored, self->next, timestamp, visible);
    }
}

Row *aggregate_emit(AggregateOp *self, RecordBatch *out, const StoreRow *stored, int64_t timestamp,
                    const Origin *origin, Arena *arena)
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

Status aggregate_put(AggregateOp *self, StoreRow *stored, const Row *input, int64_t timestamp,
                     RecordBatch *out, Error *err)
{
    Arena *arena       = out->arena;
    bool   was_visible = stored->exists && stored->visible;
    bool   visible     = stored->exists ? stored->visible : self->having == NULL;
    if (self->lazy) {
        if (self->base.pipeline->spec.emit_late && !self->plan->emit_final)
            store_remember(self->base.store, stored, input->origin);
        store_next(self, stored, timestamp, visible);
        return OK;
    }
    const Value *old =
        was_visible ? aggregate_stored_columns(self, stored->keys, stored->values, arena) : NULL;
    TRY(project(self, stored, timestamp, self->next + self->value_count, input, arena, self->next, &visible,
                err));
    const Value *now = visible ? aggregate_stored_columns(self, stored->keys, self->next, arena) : NULL;
    store_next(self, stored, timestamp, visible);
    if (now == NULL && old == NULL)
        return OK;
    Row *row     = aggregate_emit(self, out, stored, timestamp, input->origin, arena);
    row->columns = now;
    row->old     = old;
    return OK;
}

Status aggregate_project(AggregateOp *self, StoreRow *stored, const Row *report, Arena *arena, Value **out,
                         bool *visible, Error *err)
{
    aggregate_start(self, stored, arena);
    TRY(project(self, stored, stored->timestamp, self->next + self->value_count, report, arena, self->next,
                visible, err));
    *out = aggregate_stored_columns(self, stored->keys, self->next, arena);
    store_next(self, stored, stored->timestamp, *visible);
    return OK;
}

/* ---- emitting late ---- */

static Status flush_row(AggregateOp *self, StoreRow *stored, bool emits, RecordBatch *out, Error *err)
{
    bool   session = self->plan->window.kind == WINDOWED_SESSION, visible = false;
    Value *now = NULL;
    if (stored->exists)
        TRY(aggregate_project(self, stored, NULL, out->arena, &now, &visible, err));
    const Value *old = stored->has_emitted ? stored->emitted : NULL;
    if (!emits || (!visible && old == NULL))
        return OK;
    Row *row     = aggregate_emit(self, out, stored, session ? stored->window_end : stored->timestamp,
                                  stored->origin, out->arena);
    row->columns = visible ? now : NULL;
    row->old     = old == NULL ? NULL : aggregate_stored_columns(self, stored->keys, old, out->arena);
    return OK;
}

Status aggregate_flush(Operator *op, Error *err)
{
    AggregateOp *self  = (AggregateOp *)op;
    Arena       *arena = op->pipeline->batch;
    StoreRows    rows  = self->lazy ? store_dirty_rows(op->store) : (StoreRows){NULL, 0};
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
