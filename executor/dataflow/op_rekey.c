/*
 * op_rekey.c - PARTITION BY, GROUP BY and join keys: rows under a new key.
 *
 * A key expression that is NULL or fails: GROUP BY drops the row; otherwise that key column is NULL. A null
 * row has no columns, but keys made of nothing but the old key are still evaluated. Table rows: the old row
 * belongs to its own key, the new one to its; where these differ the change becomes two, the old one first.
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_rekey.h"

typedef struct {
    Operator  base;
    Program **keys;
    bool     *key_only; /* the expression reads key columns alone */
    KeyCoder  coder;
    bool      bare_key; /* one column that is the key's payload: NULL is a null key */
    Value    *null_row; /* input columns of a null row: scratch */
} RekeyOp;

static void find_key_only(RekeyOp *self, const Schema *from)
{
    const PlanRekey *rekey = plan_rekey(self->base.node);
    bool            *used  = ARENA_ARRAY(self->base.arena, bool, from->count + 1);
    for (size_t i = 0; i < rekey->key_count; i++) {
        memset(used, 0, from->count * sizeof *used);
        expr_mark_columns(rekey->keys[i], used, from->count);
        self->key_only[i] = true;
        for (size_t slot = from->key_count; slot < from->count; slot++)
            self->key_only[i] &= !used[slot];
    }
}

static Status rekey_open(Operator *op, Error *err)
{
    RekeyOp         *self  = (RekeyOp *)op;
    const PlanRekey *rekey = plan_rekey(op->node);
    const Schema    *from  = op->node->inputs[0]->schema;
    self->keys             = ARENA_ARRAY(op->arena, Program *, rekey->key_count);
    self->key_only         = ARENA_ARRAY(op->arena, bool, rekey->key_count + 1);
    self->null_row         = ARENA_ARRAY(op->arena, Value, from->count + 1);
    self->bare_key         = rekey->key_count == 1 && serde_is_unwrapped(&op->node->key_format, SIDE_KEY, 1);
    for (size_t i = 0; i < from->count; i++)
        self->null_row[i] = value_null();
    for (size_t i = 0; i < rekey->key_count; i++)
        TRY(op_compile(op, rekey->keys[i], &self->keys[i], err));
    find_key_only(self, from);
    TRY(key_coder_open_inside(op, op->node->schema, STR_NULL, &self->coder, err));
    self->coder.reuse = false; /* it is another key */
    return OK;
}

/* ---- keys ---- */

/* Into out[key_count]; false: the row is dropped for it. */
static bool eval_keys(RekeyOp *self, const Row *row, const Value *columns, bool reports, Value *out,
                      Arena *arena)
{
    const PlanRekey *rekey = plan_rekey(self->base.node);
    Operator        *op    = &self->base;
    Error            why;
    op->current = reports ? row : NULL;
    for (size_t i = 0; i < rekey->key_count; i++) {
        Status status = OK;
        out[i]        = value_null();
        if (columns != NULL || self->key_only[i])
            status =
                program_eval(self->keys[i], columns != NULL ? columns : self->null_row, arena, &out[i], &why);
        if (status != OK)
            out[i] = value_null();
        else if (value_is_null(out[i]) && rekey->drop_null && columns != NULL)
            status = error_set(&why, E_DATA, NO_POS,
                               "Group-by column with index %zu resolved to null. The source row will be "
                               "excluded from the table.",
                               i);
        if (status != OK && rekey->drop_null) {
            if (reports)
                op_skip_row(op, row, &why);
            return false;
        }
        if (status != OK && reports)
            op_report(op, row, &why);
    }
    return true;
}

static Value *rekeyed(RekeyOp *self, const Value *columns, Arena *arena)
{
    const Schema *schema = self->base.node->schema;
    const int    *slots  = plan_rekey(self->base.node)->value_slots;
    size_t        keys   = schema->key_count;
    Value        *out    = arena_alloc(arena, (schema->count + 1) * sizeof *out);
    for (size_t i = keys; columns != NULL && i < schema->count; i++)
        out[i] = columns[slots[i - keys]];
    return out;
}

/* ---- streams ---- */

static void rekey_row(RekeyOp *self, const Row *row, RecordBatch *out)
{
    const PlanRekey *rekey = plan_rekey(self->base.node);
    if (row->columns == NULL && rekey->drop_null)
        return; /* GROUP BY has no use for it */
    Value *values = rekeyed(self, row->columns, out->arena);
    if (row->columns == NULL && row->key != NULL)
        memcpy(self->null_row, row->key,
               self->base.node->inputs[0]->schema->key_count * sizeof *self->null_row);
    else if (row->columns == NULL)
        for (size_t i = 0; i < self->base.node->inputs[0]->schema->key_count; i++)
            self->null_row[i] = value_null();
    if (!eval_keys(self, row, row->columns, true, values, out->arena))
        return;
    Row *to          = &out->rows[out->count];
    *to              = *row;
    to->columns      = row->columns != NULL ? values : NULL;
    to->key          = rekey->key_count == 0 || (self->bare_key && value_is_null(values[0])) ? NULL : values;
    to->key_bytes    = STR_NULL;
    to->window_start = to->window_end = 0;
    if (to->key == NULL && rekey->drop_null_key)
        op_drop_row(&self->base, row, SKIP_NULL_KEY);
    else
        out->count++;
}

/* ---- tables ---- */

static Status side(RekeyOp *self, const Row *row, const Value *columns, bool is_new, RecordBatch *out,
                   Row *to, Error *err)
{
    *to = (Row){.timestamp = row->timestamp, .origin = row->origin};
    if (columns == NULL)
        return OK;
    Value *values = rekeyed(self, columns, out->arena);
    if (!eval_keys(self, row, columns, is_new, values, out->arena))
        return OK;
    Str bytes;
    to->key = values;
    if (is_new)
        to->columns = values;
    else
        to->old = values;
    TRY(key_coder_bytes(&self->coder, to, out->arena, &bytes, err));
    to->key_bytes = bytes;
    return OK;
}

static Status rekey_change(RekeyOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Row before, after;
    TRY(side(self, row, row->old, false, out, &before, err));
    TRY(side(self, row, row->columns, true, out, &after, err));
    if (before.key != NULL && after.key != NULL && str_equal(before.key_bytes, after.key_bytes)) {
        after.old  = before.old;
        before.key = NULL;
    }
    if (before.key != NULL)
        batch_share_row(out, &before);
    if (after.key != NULL)
        batch_share_row(out, &after);
    return OK;
}

static Status rekey_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RekeyOp     *self = (RekeyOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (op->node->is_table)
            TRY(rekey_change(self, &in->rows[i], out, err));
        else
            rekey_row(self, &in->rows[i], out);
    }
    return op_emit(op, out, err);
}

const OperatorClass op_rekey = {
    .name = "REKEY", .state_size = sizeof(RekeyOp), .open = rekey_open, .push = rekey_push};
