/*
 * op_project.c - SELECT: new value columns behind the same key.
 *
 * A null row stays a null row, a tombstone a tombstone. A table that pull queries read is kept in the node's
 * own store; then the old row is what the store had, else it is projected from the input's old row.
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/projection.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_project.h"

typedef struct {
    Operator   base;
    Projection values;
    KeyCoder   keys;
    bool       old_is_read;
} ProjectOp;

static Status project_open(Operator *op, Error *err)
{
    ProjectOp *self   = (ProjectOp *)op;
    self->old_is_read = op_old_is_read(op);
    TRY(key_coder_open_inside(op, op->node->schema, STR_NULL, &self->keys, err));
    return projection_open(op, plan_project(op->node)->values, op->node->schema->value_count, &self->values,
                           err);
}

static Value *project_row(ProjectOp *self, const Value *columns, const Row *row, Arena *arena)
{
    const Schema *schema = self->base.node->schema;
    Value        *out    = arena_alloc(arena, schema->count * sizeof *out);
    for (size_t i = 0; i < schema->key_count; i++)
        out[i] = columns[i];
    projection_eval(&self->base, &self->values, columns, row, arena, out + schema->key_count);
    return out;
}

static Value *stored_row(const Schema *schema, const StoreRow *stored, Arena *arena)
{
    Value *out = arena_alloc(arena, schema->count * sizeof *out);
    for (size_t i = 0; i < schema->key_count; i++)
        out[i] = value_copy(arena, schema->columns[i].type, stored->keys[i]);
    for (size_t i = schema->key_count; i < schema->count; i++)
        out[i] = value_copy(arena, schema->columns[i].type, stored->values[i - schema->key_count]);
    return out;
}

/* The stored row before it changes. Where nobody reads it, it need not be read from memory either. */
static Status find_stored(ProjectOp *self, Row *row, Arena *arena, StoreRow **stored, Error *err)
{
    Operator *op = &self->base;
    if (!self->old_is_read && op->node->window.kind == WINDOWED_NO) {
        TRY(store_get_unread(op->stores[0], row->key_bytes, row->key, stored, err));
        row->old = (*stored)->exists ? (*stored)->values : NULL;
        return OK;
    }
    TRY(store_get(op->stores[0], row->key_bytes, row->key, row->window_start, row->window_end, stored, err));
    row->old = (*stored)->exists ? stored_row(op->node->schema, *stored, arena) : NULL;
    return OK;
}

static Status materialize(ProjectOp *self, Row *row, Arena *arena, Error *err)
{
    Operator *op = &self->base;
    StoreRow *stored;
    Str       key;
    TRY(key_coder_bytes(&self->keys, row, arena, &key, err));
    row->key_bytes = key;
    TRY(find_stored(self, row, arena, &stored, err));
    if (row->columns != NULL)
        store_put(op->stores[0], stored, row->columns + op->node->schema->key_count, row->timestamp, true);
    else if (stored->exists)
        store_remove(op->stores[0], stored);
    return OK;
}

static Status project_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    ProjectOp   *self = (ProjectOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        const Row *row = &in->rows[i];
        Row       *to  = &out->rows[out->count++];
        *to            = *row;
        if (!self->keys.reuse)
            to->key_bytes = STR_NULL;
        if (row->columns != NULL)
            to->columns = project_row(self, row->columns, row, in->arena);
        if (op->store_count > 0)
            TRY(materialize(self, to, in->arena, err));
        else if (row->old != NULL && self->old_is_read)
            to->old = project_row(self, row->old, NULL, in->arena);
    }
    return op_emit(op, out, err);
}

/* Of a materialised table. */
static Status project_find(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err)
{
    StoreRow *stored;
    *out = (TableFind){0};
    TRY(store_get(op->stores[0], key, row->key, row->window_start, row->window_end, &stored, err));
    if (!stored->exists)
        return OK;
    *out =
        (TableFind){.columns = stored_row(op->node->schema, stored, arena), .timestamp = stored->timestamp};
    return OK;
}

const OperatorClass op_project = {.name              = "PROJECT",
                                  .state_size        = sizeof(ProjectOp),
                                  .reads_wanted_only = true,
                                  .old_rows          = OLD_PASSED_ON,
                                  .open              = project_open,
                                  .push              = project_push,
                                  .find              = project_find};
