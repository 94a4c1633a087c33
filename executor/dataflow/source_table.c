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

static bool emits_late(const Operator *op)
{
    if (!op->pipeline->spec.emit_late || !is_listened_to(op))
        return false;
    for (size_t i = op->node->schema->key_count; i < op->node->schema->count; i++)
        if (op->node->schema->columns[i].role == COLUMN_ROWPARTITION ||
            op->node->schema->columns[i].role == COLUMN_ROWOFFSET)
            return false;
    return true;
}

static Status apply(Operator *op, Row *row, bool late, Value *scratch, Arena *arena, Error *err)
{
    const Schema *schema = op->node->schema;
    StoreRow     *stored;
    Str           key;
    TRY(op_key_bytes(op, row, arena, &key, err));
    row->key_bytes = key;
    TRY(store_get(op->stores[0], key, row->key, row->window_start, row->window_end, &stored, err));
    if (late && !op->pipeline->replaying)
        store_remember(op->stores[0], stored, row->origin);
    else if (stored->exists && !late && is_listened_to(op))
        row->old = copy_old(schema, stored, arena);
    if (row->columns == NULL) {
        stored->timestamp = row->timestamp; /* of the tombstone, should it be emitted late */
        if (stored->exists)
            store_remove(op->stores[0], stored);
        return OK;
    }
    size_t count = 0;
    for (size_t i = schema->key_count; i < schema->count; i++)
        if (is_stored(schema->columns[i].role))
            scratch[count++] = row->columns[i];
    store_put(op->stores[0], stored, scratch, row->timestamp, true);
    return OK;
}

Status source_table_apply(Operator *op, RecordBatch *batch, Error *err)
{
    Value *scratch = arena_alloc(batch->arena, (batch->schema->count + 1) * sizeof *scratch);
    bool   late    = emits_late(op);
    size_t kept    = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].key == NULL) {
            op_drop_row(op, &batch->rows[i], SKIP_NULL_KEY);
            continue;
        }
        batch->rows[kept] = batch->rows[i];
        TRY(apply(op, &batch->rows[kept++], late, scratch, batch->arena, err));
    }
    batch->count = late ? 0 : kept;
    return OK;
}

/* A change since the last commit; both sides absent: nothing was seen and nothing is there. */
static void add_change(const Schema *schema, const StoreRow *stored, RecordBatch *out)
{
    if (!stored->has_emitted || (!stored->exists && stored->emitted == NULL))
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
    if (stored->emitted != NULL) {
        Value *old = arena_alloc(out->arena, schema->count * sizeof *old);
        fill_columns(schema, stored, stored->emitted, stored->emitted_timestamp, old);
        row->old = old;
    }
}

Status source_table_flush(Operator *op, uint64_t *flushed, Error *err)
{
    Arena *arena = op->pipeline->batch;
    *flushed     = op->pipeline->flushes;
    if (op->store_count == 0 || !emits_late(op))
        return OK;
    StoreRows rows = store_dirty_rows(op->stores[0]);
    for (size_t done = 0; done < rows.count;) {
        size_t       end = rows.count - done < BATCH_ROWS ? rows.count : done + BATCH_ROWS;
        RecordBatch *out = batch_new(arena, op->node->schema, BATCH_ROWS);
        for (; done < end; done++)
            add_change(op->node->schema, rows.rows[done], out);
        TRY(op_emit(op, out, err));
        arena_reset(arena);
    }
    return OK;
}

Status source_table_find(Operator *op, uint64_t flushed, Str key, const Row *row, Arena *arena,
                         TableFind *out, Error *err)
{
    const Schema *schema = op->node->schema;
    StoreRow     *stored;
    *out = (TableFind){0};
    TRY(store_get(op->stores[0], key, row->key, row->window_start, row->window_end, &stored, err));
    bool held_back = stored->has_emitted && flushed != op->pipeline->flushes;
    if (held_back ? stored->emitted == NULL : !stored->exists)
        return OK;
    Value *columns = arena_alloc(arena, (schema->count + 1) * sizeof *columns);
    out->timestamp = held_back ? stored->emitted_timestamp : stored->timestamp;
    out->columns   = columns;
    fill_columns(schema, stored, held_back ? stored->emitted : stored->values, out->timestamp, columns);
    return OK;
}
