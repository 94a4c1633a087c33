/*
 * op_respond.c - who refers to which row of a foreign-key join's right table, and the answers to them
 * (node_respond.h, runtime.md 4.6).
 *
 * The times of answers: to a message the later of its own and the right row's; of a change of the right row
 * that change's. Who refers to one row is answered in the order of the left primary keys' bytes.
 *
 * A left row that was changed and still refers to a row that is not there is told so, too, though Kafka
 * Streams would be silent: that the right row is gone may have been an answer to the version before, which
 * the change has put out of date on its way. Whether there is a result to be taken back the join knows (FOUND
 * is NULL).
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_respond.h"

typedef struct {
    Operator  base;
    Operator *table;
    Store    *store;
    KeyCoder  left_keys;
    size_t    left_key_count;
} RespondOp;

static Status respond_open(Operator *op, Error *err)
{
    RespondOp *self      = (RespondOp *)op;
    self->store          = op->stores[0];
    self->left_key_count = op->node->schema->key_count;
    TRY(op_table(op, RESPOND_TABLE, &self->table, err));
    TRY(key_coder_open(op, &op->node->key_format, op->node->schema, STR_NULL, &self->left_keys, err));
    self->left_keys.reuse = false;
    return OK;
}

/* `who`: left primary key, version and partition. `right`: the right table's row; NULL: there is none, and
 * `found` is false, or NULL. */
static void answer(RespondOp *self, const Value *who, Value found, const Value *right, int64_t timestamp,
                   const Origin *origin, RecordBatch *out)
{
    const PlanNode *node  = self->base.node;
    size_t          first = respond_right_slot(node), keys = self->left_key_count;
    Value          *values = arena_alloc(out->arena, node->schema->count * sizeof *values);
    memcpy(values, who, (keys + SUBSCRIBE_ACTION) * sizeof *values);
    values[keys + SUBSCRIBE_ACTION] = found;
    for (size_t i = first; i < node->schema->count; i++)
        values[i] = right == NULL ? value_null() : right[i - first];
    *batch_add(out) = (Row){.columns = values, .key = values, .timestamp = timestamp, .origin = origin};
}

/* ---- messages ---- */

/* `was`: had the left row subscribed to this row already? */
static Status note(RespondOp *self, const Row *message, Str foreign_key, SubscribeAction action, bool *was,
                   Arena *arena, Error *err)
{
    const Value *who  = message->columns + 1;
    Row          left = {.key = who};
    StoreRow    *stored;
    Str          left_key;
    TRY(key_coder_bytes(&self->left_keys, &left, arena, &left_key, err));
    TRY(store_get(self->store, store_prefix_key(foreign_key, left_key, arena), message->key, 0, 0, &stored,
                  err));
    *was = stored->exists;
    if (action >= SUBSCRIBE_IF_FOUND)
        store_put(self->store, stored, who, message->timestamp, true);
    else if (stored->exists)
        store_remove(self->store, stored);
    return OK;
}

static Status take_message(RespondOp *self, const Row *message, RecordBatch *out, Error *err)
{
    const Value    *who    = message->columns + 1;
    SubscribeAction action = (SubscribeAction)who[self->left_key_count + SUBSCRIBE_ACTION].as.i64;
    TableFind       right;
    Str             foreign_key;
    bool            was;
    TRY(op_key_bytes(&self->base, message, out->arena, &foreign_key, err));
    TRY(note(self, message, foreign_key, action, &was, out->arena, err));
    if (action == SUBSCRIBE_LEAVE)
        return OK;
    TRY(op_find(self->table, foreign_key, message, out->arena, &right, err));
    if (action == SUBSCRIBE_IF_FOUND && right.columns == NULL && !was)
        return OK;
    int64_t time =
        right.columns != NULL && right.timestamp > message->timestamp ? right.timestamp : message->timestamp;
    if (action == SUBSCRIBE_LEAVE_AND_TELL)
        right.columns = NULL;
    Value found = right.columns == NULL && action == SUBSCRIBE_IF_FOUND
                      ? value_null()
                      : value_from_bool(right.columns != NULL);
    answer(self, who, found, right.columns, time, message->origin, out);
    return OK;
}

/* ---- the right table ---- */

static Status take_change(RespondOp *self, const Row *row, RecordBatch *out, Error *err)
{
    StoreRows who;
    Str       foreign_key;
    if (row->key == NULL) {
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
        return OK;
    }
    TRY(op_key_bytes(&self->base, row, out->arena, &foreign_key, err));
    TRY(store_find_prefix(self->store, foreign_key, out->arena, &who, err));
    for (size_t i = 0; i < who.count; i++)
        answer(self, who.rows[i]->values, value_from_bool(row->columns != NULL), row->columns, row->timestamp,
               row->origin, out);
    return OK;
}

static Status respond_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RespondOp   *self = (RespondOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (port == RESPOND_TABLE)
            TRY(take_change(self, &in->rows[i], out, err));
        else if (in->rows[i].columns != NULL && in->rows[i].key != NULL)
            TRY(take_message(self, &in->rows[i], out, err));
    }
    return op_emit(op, out, err);
}

const OperatorClass op_respond = {
    .name = "RESPOND", .state_size = sizeof(RespondOp), .open = respond_open, .push = respond_push};
