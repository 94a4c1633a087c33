/*
 * op_join_stream_table.c - a stream looks up a table (runtime.md 4.3): INNER and LEFT.
 *
 * Only the stream's rows cause anything; they see the table as it is when they come. The table's rows are in
 * the store of an operator of this very pipeline, its SOURCE mostly: there is no copy. Windowed sides match
 * on the whole windowed key.
 */
#include "executor/dataflow/join_row.h"
#include "executor/dataflow/task.h"

enum { STREAM_PORT = 0, TABLE_PORT = 1 };

typedef struct {
    Operator  base;
    Operator *table;
} StreamTableOp;

static Status join_open(Operator *op, Error *err)
{
    return op_table(op, TABLE_PORT, &((StreamTableOp *)op)->table, err);
}

/* *key: the row's, serialized. *out: the table's row, if there is one. */
static Status look_up(StreamTableOp *self, const Row *row, Arena *arena, Str *key, TableFind *out, Error *err)
{
    *out = (TableFind){0};
    *key = STR_NULL;
    if (row->key == NULL)
        return OK;
    TRY(op_key_bytes(&self->base, row, arena, key, err));
    return op_find(self->table, *key, row, arena, out, err);
}

static Status join_one(StreamTableOp *self, const Row *row, RecordBatch *out, Error *err)
{
    const PlanNode *node  = self->base.node;
    bool            inner = plan_join(node)->type == PLAN_INNER;
    TableFind       found;
    Str             key;
    if (row->columns == NULL)
        return OK;
    if (row->key == NULL && inner) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    TRY(look_up(self, row, out->arena, &key, &found, err));
    if (found.columns == NULL && inner)
        return OK;
    JoinSide stream = join_side_of_columns(node->inputs[STREAM_PORT], row->columns);
    JoinSide table  = join_side_of_columns(node->inputs[TABLE_PORT], found.columns);
    Row     *to     = batch_add(out);
    *to             = *row;
    to->columns     = join_row(node, row->columns, &stream, &table, out->arena);
    to->key         = row->key != NULL ? to->columns : NULL;
    to->key_bytes   = key;
    return OK;
}

static Status join_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    if (port == TABLE_PORT)
        return OK;
    RecordBatch *out = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(join_one((StreamTableOp *)op, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

const OperatorClass op_join_stream_table = {
    .name              = "JOIN_STREAM_TABLE",
    .state_size        = sizeof(StreamTableOp),
    .reads_wanted_only = true,
    .old_rows          = OLD_IGNORED,
    .deaf_ports        = 1U << TABLE_PORT,
    .open              = join_open,
    .push              = join_push,
};
