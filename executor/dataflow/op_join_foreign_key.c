/*
 * op_join_foreign_key.c - the last step of a foreign-key join (node_subscribe.h, runtime.md 4.6): answers
 * about right rows meet the left row as it is now.
 *
 * An answer to another version of the left row is out of date: it is dropped. So whoever puts it out of date
 * must see to it that the result ends right without it. Mostly a later answer is on its way. There is none
 * where an INNER join's row referred to nothing (a deleted one, too) and is changed: RESPOND need not know
 * of that row, or is silent. A result that there still is then was of a version further back, the
 * answer that takes it back is being overtaken, and the change takes it back itself. One change at a time
 * there is no such result, and nothing is said, as in Kafka Streams.
 *
 * So a change comes before all answers to it, also where the way to RESPOND and back is a direct call
 * (hears_first).
 *
 * What needs no right row comes from the left table itself: of LEFT, rows that refer to nothing, and
 * deletions.
 *
 * The result is kept, for it is in no other place: neither old rows for what is above nor a look into it
 * could be made of the left table alone.
 */
#include "executor/dataflow/join_row.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_subscribe.h"

enum { TABLE_PORT = 0, ANSWER_PORT = 1, GONE = -1 };

typedef struct {
    Operator        base;
    const PlanJoin *plan;
    Operator       *table;
    Program        *foreign_key;
    bool            same_keys; /* the answers' key bytes are the table's */
} ForeignJoinOp;

static Status join_open(Operator *op, Error *err)
{
    ForeignJoinOp  *self  = (ForeignJoinOp *)op;
    const PlanNode *table = op->node->inputs[TABLE_PORT], *answers = op->node->inputs[ANSWER_PORT];
    self->plan      = plan_join(op->node);
    self->same_keys = table->key_format.format == answers->key_format.format;
    TRY(op_table(op, TABLE_PORT, &self->table, err));
    return op_compile(op, self->plan->foreign_key, &self->foreign_key, err);
}

/* ---- results ---- */

static const Value *stored_result(const Schema *schema, const StoreRow *stored, Arena *arena)
{
    Value *out = arena_alloc(arena, schema->count * sizeof *out);
    for (size_t i = 0; i < schema->count; i++)
        out[i] = value_copy(arena, schema->columns[i].type,
                            i < schema->key_count ? stored->keys[i] : stored->values[i - schema->key_count]);
    return out;
}

/* columns NULL: there is no result any more. */
static Status emit_result(ForeignJoinOp *self, const Row *cause, Str key, const Value *columns,
                          RecordBatch *out, Error *err)
{
    Operator     *op     = &self->base;
    const Schema *schema = op->node->schema;
    StoreRow     *stored;
    TRY(store_get(op->stores[0], key, cause->key, 0, 0, &stored, err));
    Row *to       = batch_add(out);
    *to           = *cause;
    to->key_bytes = key;
    to->columns   = columns;
    to->old       = stored->exists ? stored_result(schema, stored, out->arena) : NULL;
    if (columns != NULL)
        store_put(op->stores[0], stored, columns + schema->key_count, cause->timestamp, true);
    else if (stored->exists)
        store_remove(op->stores[0], stored);
    return OK;
}

/* There is no result any more; nothing is said if there was none. */
static Status take_back(ForeignJoinOp *self, const Row *cause, Str key, RecordBatch *out, Error *err)
{
    StoreRow *stored;
    TRY(store_get(self->base.stores[0], key, cause->key, 0, 0, &stored, err));
    return stored->exists ? emit_result(self, cause, key, NULL, out, err) : OK;
}

static const Value *result(const ForeignJoinOp *self, const Value *left, const Value *right, Arena *arena)
{
    const PlanNode *node = self->base.node;
    JoinSide        l    = join_side_of_columns(node->inputs[TABLE_PORT], left);
    JoinSide        r    = join_side_of_columns(node->inputs[ANSWER_PORT], right);
    return join_row(node, left, &l, &r, arena);
}

/* ---- the left table ---- */

static bool refers(ForeignJoinOp *self, const Value *columns, Arena *arena)
{
    Value key;
    Error why; /* SUBSCRIBE has reported it */
    self->base.current = NULL;
    return program_eval(self->foreign_key, columns, arena, &key, &why) == OK && !value_is_null(key);
}

/* A deletion of what is not there overtakes nothing: its version is that of the deletion before, whose answer
 * is taken. */
static bool changes_nothing(const Row *row) { return row->columns == NULL && row->old == NULL; }

static Status take_inner_change(ForeignJoinOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Str key;
    if (changes_nothing(row) || (row->old != NULL && refers(self, row->old, out->arena)))
        return OK;
    TRY(op_key_bytes(&self->base, row, out->arena, &key, err));
    return take_back(self, row, key, out, err);
}

static Status take_left_change(ForeignJoinOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Str key;
    if (changes_nothing(row) || (row->columns != NULL && refers(self, row->columns, out->arena)))
        return OK;
    TRY(op_key_bytes(&self->base, row, out->arena, &key, err));
    return emit_result(self, row, key,
                       row->columns == NULL ? NULL : result(self, row->columns, NULL, out->arena), out, err);
}

/* ---- answers ---- */

static Status take_answer(ForeignJoinOp *self, const Row *in, RecordBatch *out, Error *err)
{
    const Value *about = in->columns + self->base.node->schema->key_count;
    Value        there = about[SUBSCRIBE_ACTION];
    bool         found = !value_is_null(there) && there.as.i64 != 0;
    Row          row   = *in;
    TableFind    left;
    Str          key;
    if (!self->same_keys)
        row.key_bytes = STR_NULL;
    TRY(op_key_bytes(&self->base, &row, out->arena, &key, err));
    TRY(op_find(self->table, key, &row, out->arena, &left, err));
    int64_t version = left.columns == NULL ? GONE : left.columns[self->plan->version_slot].as.i64;
    if (version != about[SUBSCRIBE_VERSION].as.i64)
        return OK;
    if (value_is_null(there))
        return take_back(self, &row, key, out, err);
    if (left.columns == NULL || (!found && self->plan->type == PLAN_INNER))
        return emit_result(self, &row, key, NULL, out, err);
    return emit_result(self, &row, key, result(self, left.columns, found ? in->columns : NULL, out->arena),
                       out, err);
}

static Status join_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    ForeignJoinOp *self = (ForeignJoinOp *)op;
    RecordBatch   *out  = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (port == TABLE_PORT && self->plan->type == PLAN_LEFT)
            TRY(take_left_change(self, &in->rows[i], out, err));
        else if (port == TABLE_PORT)
            TRY(take_inner_change(self, &in->rows[i], out, err));
        else if (in->rows[i].columns != NULL && in->rows[i].key != NULL)
            TRY(take_answer(self, &in->rows[i], out, err));
    }
    return op_emit(op, out, err);
}

static Status join_find(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err)
{
    StoreRow *stored;
    *out = (TableFind){0};
    TRY(store_get(op->stores[0], key, row->key, 0, 0, &stored, err));
    if (stored->exists)
        *out = (TableFind){.columns   = stored_result(op->node->schema, stored, arena),
                           .timestamp = stored->timestamp};
    return OK;
}

const OperatorClass op_join_foreign_key = {
    .name              = "JOIN_FOREIGN_KEY",
    .state_size        = sizeof(ForeignJoinOp),
    .reads_wanted_only = true,
    .hears_first       = true,
    .open              = join_open,
    .push              = join_push,
    .find              = join_find,
};
