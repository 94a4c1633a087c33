/*
 * op_join_stream_table.c - a stream looks up a table (runtime.md 4.3): INNER and LEFT.
 *
 * Only the stream's rows cause anything; they see the table as it is when they come. The table's rows are in
 * the store of its SOURCE, which is an operator of this very pipeline: there is no copy. Windowed sides match
 * on the whole windowed key.
 */
#include "executor/dataflow/source_table.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_join.h"

enum { STREAM_PORT = 0, TABLE_PORT = 1 };

typedef struct {
    Operator base;
    Store   *table;
    Value   *absent; /* a right row of NULLs */
    Value   *right;  /* scratch: the right row found */
} StreamTableOp;

static Status join_open(Operator *op, Error *err)
{
    StreamTableOp  *self   = (StreamTableOp *)op;
    const PlanNode *table  = op->node->inputs[TABLE_PORT];
    Operator       *source = table->class->reads_topic ? pipeline_operator(op->pipeline, table) : NULL;
    if (source == NULL || source->store_count == 0)
        return error_set(
            err, E_UNSUPPORTED, NO_POS,
            "Sluice joins a stream with a table only where the table is read from its topic as it is");
    self->table  = source->stores[0];
    self->absent = ARENA_ARRAY(op->arena, Value, table->schema->count);
    self->right  = ARENA_ARRAY(op->arena, Value, table->schema->count);
    for (size_t i = 0; i < table->schema->count; i++)
        self->absent[i] = value_null();
    return OK;
}

/* *key: the row's, serialized. *out: the table's row, NULL when there is none. */
static Status look_up(StreamTableOp *self, const Row *row, Arena *arena, Str *key, const Value **out,
                      Error *err)
{
    Operator *op = &self->base;
    StoreRow *stored;
    *out = NULL;
    *key = STR_NULL;
    if (row->key == NULL)
        return OK;
    TRY(op_key_bytes(op, row, arena, key, err));
    TRY(store_get(self->table, *key, row->key, row->window_start, row->window_end, &stored, err));
    if (!stored->exists)
        return OK;
    source_stored_columns(op->node->inputs[TABLE_PORT]->schema, stored, self->right);
    *out = self->right;
    return OK;
}

/* Columns that come from the table are copied: the store may change before the row is written. */
static Value *joined(const StreamTableOp *self, const Row *row, const Value *right, Arena *arena)
{
    const PlanNode *node   = self->base.node;
    const PlanJoin *join   = plan_join(node);
    const Schema   *schema = node->schema;
    Value          *out    = arena_alloc(arena, schema->count * sizeof *out);
    for (size_t i = 0; i < schema->key_count; i++)
        out[i] = row->columns[i];
    for (size_t i = schema->key_count; i < schema->count; i++) {
        int left_slot  = join->left_slots[i - schema->key_count],
            right_slot = join->right_slots[i - schema->key_count];
        if (left_slot >= 0)
            out[i] = row->columns[left_slot];
        else
            out[i] = right_slot >= 0 ? value_copy(arena, schema->columns[i].type, right[right_slot])
                                     : value_null();
    }
    return out;
}

static Status join_row(StreamTableOp *self, const Row *row, RecordBatch *out, Error *err)
{
    bool         inner = plan_join(self->base.node)->type == PLAN_INNER;
    const Value *right;
    Str          key;
    if (row->columns == NULL)
        return OK;
    if (row->key == NULL && inner) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    TRY(look_up(self, row, out->arena, &key, &right, err));
    if (right == NULL && inner)
        return OK;
    Row *to       = batch_add(out);
    *to           = *row;
    to->columns   = joined(self, row, right != NULL ? right : self->absent, out->arena);
    to->key       = row->key != NULL ? to->columns : NULL;
    to->key_bytes = key;
    return OK;
}

static Status join_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    if (port == TABLE_PORT)
        return OK;
    RecordBatch *out = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(join_row((StreamTableOp *)op, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

const OperatorClass op_join_stream_table = {
    .name              = "JOIN_STREAM_TABLE",
    .state_size        = sizeof(StreamTableOp),
    .reads_wanted_only = true,
    .open              = join_open,
    .push              = join_push,
};
