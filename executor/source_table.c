/*
 * source_table.c - the store of a source table (runtime.md 3.2).
 *
 * The last record by offset wins, whatever the timestamps say. A null row deletes, and is passed on as a tombstone even when the key was never
 * there. Old rows are copied out of the store before it changes: they have to outlive the change.
 */
#include "executor/source_table.h"
#include "executor/task.h"

static bool is_stored(ColumnRole role) { return role <= COLUMN_HEADERS || role == COLUMN_ROWPARTITION || role == COLUMN_ROWOFFSET; }

void source_stored_columns(const Schema *schema, const StoreRow *stored, Value *out)
{
    size_t at = 0;
    if (schema->key_count > 0)
        memcpy(out, stored->keys, schema->key_count * sizeof *out);
    for (size_t i = schema->key_count; i < schema->count; i++) {
        switch (schema->columns[i].role) {
        case COLUMN_ROWTIME: out[i] = value_from_int(stored->timestamp); break;
        case COLUMN_WINDOWSTART: out[i] = value_from_int(stored->window_start); break;
        case COLUMN_WINDOWEND: out[i] = value_from_int(stored->window_end); break;
        default: out[i] = stored->values[at++]; break;
        }
    }
}

static Value *copy_old(const Schema *schema, const StoreRow *stored, Arena *arena)
{
    Value *old = arena_alloc(arena, schema->count * sizeof *old);
    source_stored_columns(schema, stored, old);
    for (size_t i = 0; i < schema->count; i++)
        old[i] = value_copy(arena, schema->columns[i].type, old[i]);
    return old;
}

static Status apply(Operator *op, Row *row, Value *scratch, Arena *arena, Error *err)
{
    const Schema *schema = op->node->schema;
    StoreRow     *stored;
    Str           key;
    TRY(op_key_bytes(op, row, arena, &key, err));
    TRY(store_get(op->store, key, row->key, row->window_start, row->window_end, &stored, err));
    if (stored->exists && op->next != NULL)
        row->old = copy_old(schema, stored, arena);
    if (row->columns == NULL) {
        if (stored->exists)
            store_remove(op->store, stored);
        return OK;
    }
    size_t count = 0;
    for (size_t i = schema->key_count; i < schema->count; i++)
        if (is_stored(schema->columns[i].role))
            scratch[count++] = row->columns[i];
    store_put(op->store, stored, scratch, row->timestamp, true);
    return OK;
}

Status source_table_apply(Operator *op, RecordBatch *batch, Error *err)
{
    Value *scratch = arena_alloc(batch->arena, (batch->schema->count + 1) * sizeof *scratch);
    size_t kept    = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].key == NULL) {
            op_drop_row(op, &batch->rows[i], SKIP_NULL_KEY);
            continue;
        }
        batch->rows[kept] = batch->rows[i];
        TRY(apply(op, &batch->rows[kept++], scratch, batch->arena, err));
    }
    batch->count = kept;
    return OK;
}
