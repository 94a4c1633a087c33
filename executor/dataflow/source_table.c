/*
 * source_table.c - the store of a source table (runtime.md 3.2).
 *
 * The last record by offset wins, whatever the timestamps say. A null row deletes, and is passed on as a
 * tombstone even when the key was never there. Old rows are copied out of the store before it changes: they
 * have to outlive the change.
 *
 * With a cache above 0 a key is emitted once per commit, as it is then, with what was last emitted as its old
 * row. What is emitted is kept without ROWPARTITION and ROWOFFSET, so a query that reads those gets every
 * update.
 */
#include "executor/dataflow/source_table.h"
#include "executor/dataflow/task.h"

static bool is_stored(ColumnRole role)
{
    return role <= COLUMN_HEADERS || role == COLUMN_ROWPARTITION || role == COLUMN_ROWOFFSET;
}

static void fill_columns(const Schema *schema, const StoreRow *stored, const Value *values, int64_t timestamp,
                         Value *out)
{
    size_t at = 0;
    if (schema->key_count > 0)
        memcpy(out, stored->keys, schema->key_count * sizeof *out);
    for (size_t i = schema->key_count; i < schema->count; i++) {
        switch (schema->columns[i].role) {
        case COLUMN_ROWTIME:
            out[i] = value_from_int(timestamp);
            break;
        case COLUMN_WINDOWSTART:
            out[i] = value_from_int(stored->window_start);
            break;
        case COLUMN_WINDOWEND:
            out[i] = value_from_int(stored->window_end);
            break;
        default:
            out[i] = values[at++];
            break;
        }
    }
}

void source_stored_columns(const Schema *schema, const StoreRow *stored, Value *out)
{
    fill_columns(schema, stored, stored->values, stored->timestamp, out);
}

static Value *copy_old(const Schema *schema, const StoreRow *stored, Arena *arena)
{
    Value *old = arena_alloc(arena, schema->count * sizeof *old);
    source_stored_columns(schema, stored, old);
    for (size_t i = 0; i < schema->count; i++)
        old[i] = value_copy(arena, schema->columns[i].type, old[i]);
    return old;
}

static bool is_listened_to(const Operator *op)
{
    bool listened = false;
    for (size_t i = 0; i < op->outlet_count; i++)
        listened |= (op->outlets[i].to->class->deaf_ports >> op->outlets[i].port & 1) == 0;
    return listened;
}

/* ROWPARTITION and ROWOFFSET, which stand behind the values in the store. */
static bool keeps_states(const Operator *op)
{
    for (size_t i = op->node->schema->key_count; i < op->node->schema->count; i++)
        if (op->node->schema->columns[i].role == COLUMN_ROWPARTITION ||
            op->node->schema->columns[i].role == COLUMN_ROWOFFSET)
            return true;
    return false;
}

static bool emits_late(const Operator *op)
{
    return op->pipeline->spec.emit_late && is_listened_to(op) && !keeps_states(op);
}

/* What a batch is applied with. */
typedef struct {
    Operator *op;
    bool      late, listened, old_is_read;
    bool      unread; /* what is in a stored row before it is put is of no interest */
    Value    *scratch;
} Apply;

/* What a tombstone takes away may be looked for until the flush. */
static Status find_stored(const Apply *self, const Row *row, StoreRow **out, Error *err)
{
    Store *store = self->op->stores[0];
    if (self->unread && row->columns != NULL)
        return store_get_unread(store, row->key_bytes, row->key, out, err);
    return store_get(store, row->key_bytes, row->key, row->window_start, row->window_end, out, err);
}

static Status apply(const Apply *self, Row *row, Arena *arena, Error *err)
{
    Operator     *op     = self->op;
    const Schema *schema = op->node->schema;
    StoreRow     *stored;
    Str           key;
    TRY(op_key_bytes(op, row, arena, &key, err));
    row->key_bytes = key;
    TRY(find_stored(self, row, &stored, err));
    if (self->late && !op->pipeline->replaying)
        store_remember(op->stores[0], stored, self->old_is_read, row->origin);
    else if (stored->exists && !self->late && self->listened)
        row->old = self->old_is_read ? copy_old(schema, stored, arena) : stored->values;
    if (row->columns == NULL) {
        stored->timestamp = row->timestamp; /* of the tombstone, should it be emitted late */
        if (stored->exists)
            store_remove(op->stores[0], stored);
        return OK;
    }
    size_t count = 0;
    for (size_t i = schema->key_count; i < schema->count; i++)
        if (is_stored(schema->columns[i].role))
            self->scratch[count++] = row->columns[i];
    store_put(op->stores[0], stored, self->scratch, row->timestamp, true);
    return OK;
}

void source_table_fetch_ahead(const Operator *op, const SourceRows *rows, size_t from, size_t count)
{
    for (size_t i = from + 2 * STORE_AHEAD; i < from + count + 3 * STORE_AHEAD && i < rows->count; i++) {
        const Row *row = &rows->rows[i];
        if (row->key == NULL || str_is_null(row->key_bytes))
            continue;
        if (i >= from + 3 * STORE_AHEAD)
            store_fetch_place(op->stores[0], row->key_bytes, row->window_start);
        if (i < from + count + 2 * STORE_AHEAD)
            store_fetch_row(op->stores[0], row->key_bytes, row->window_start);
    }
}

Status source_table_apply(Operator *op, RecordBatch *batch, Error *err)
{
    size_t kept = 0;
    Apply  self = {.op          = op,
                   .late        = emits_late(op),
                   .listened    = is_listened_to(op),
                   .old_is_read = op_old_is_read(op),
                   .scratch = arena_alloc(batch->arena, (batch->schema->count + 1) * sizeof *self.scratch)};
    self.unread = !self.old_is_read && op->node->window.kind == WINDOWED_NO && !keeps_states(op);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].key == NULL) {
            op_drop_row(op, &batch->rows[i], SKIP_NULL_KEY);
            continue;
        }
        batch->rows[kept] = batch->rows[i];
        TRY(apply(&self, &batch->rows[kept++], batch->arena, err));
    }
    batch->count = self.late ? 0 : kept;
    return OK;
}

/* Has it changed since the last commit? Both sides absent: nothing was seen and nothing is there. */
static bool is_change(const StoreRow *stored)
{
    return stored->has_emitted && (stored->exists || stored->emitted != NULL);
}

static void add_change(const Schema *schema, const StoreRow *stored, bool old_is_read, RecordBatch *out)
{
    if (!is_change(stored))
        return;
    Row *row = batch_add(out);
    *row     = (Row){.key          = stored->keys,
                     .key_bytes    = stored->key,
                     .timestamp    = stored->timestamp,
                     .window_start = stored->window_start,
                     .window_end   = stored->window_end,
                     .origin       = stored->origin};
    if (stored->exists) {
        Value *columns = arena_alloc(out->arena, schema->count * sizeof *columns);
        fill_columns(schema, stored, stored->values, stored->timestamp, columns);
        row->columns = columns;
    }
    row->old = stored->emitted;
    if (stored->emitted != NULL && old_is_read) {
        Value *old = arena_alloc(out->arena, schema->count * sizeof *old);
        fill_columns(schema, stored, stored->emitted, stored->emitted_timestamp, old);
        row->old = old;
    }
}

Status source_table_flush(Operator *op, uint64_t *flushed, Error *err)
{
    Arena *arena       = op->pipeline->batch;
    bool   old_is_read = op_old_is_read(op);
    *flushed           = op->pipeline->flushes;
    if (op->store_count == 0 || !emits_late(op))
        return OK;
    StoreRows rows = store_dirty_rows(op->stores[0]);
    for (size_t done = 0; done < rows.count;) {
        size_t       end = rows.count - done < BATCH_ROWS ? rows.count : done + BATCH_ROWS;
        RecordBatch *out = batch_new(arena, op->node->schema, BATCH_ROWS);
        for (; done < end; done++)
            add_change(op->node->schema, rows.rows[done], old_is_read, out);
        TRY(op_emit(op, out, err));
        arena_reset(arena);
    }
    return OK;
}

/* A flush asks for each key once: no need to keep the row at hand. */
static Status look(Operator *op, Str key, const Row *row, Arena *arena, const StoreRow **out, Error *err)
{
    StoreRow *stored;
    if (pipeline_is_flushing(op->pipeline))
        return store_peek(op->stores[0], key, row->key, row->window_start, row->window_end, arena, out, err);
    TRY(store_get(op->stores[0], key, row->key, row->window_start, row->window_end, &stored, err));
    *out = stored;
    return OK;
}

Status source_table_find(Operator *op, uint64_t flushed, Str key, const Row *row, Arena *arena,
                         TableFind *out, Error *err)
{
    const Schema   *schema = op->node->schema;
    const StoreRow *stored;
    *out = (TableFind){0};
    TRY(look(op, key, row, arena, &stored, err));
    bool held_back = stored->has_emitted && flushed != op->pipeline->flushes;
    out->follows   = held_back && pipeline_is_flushing(op->pipeline) && is_change(stored);
    if (held_back ? stored->emitted == NULL : !stored->exists)
        return OK;
    Value *columns = arena_alloc(arena, (schema->count + 1) * sizeof *columns);
    out->timestamp = held_back ? stored->emitted_timestamp : stored->timestamp;
    out->columns   = columns;
    fill_columns(schema, stored, held_back ? stored->emitted : stored->values, out->timestamp, columns);
    return OK;
}
