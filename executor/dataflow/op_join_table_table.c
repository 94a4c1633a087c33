/*
 * op_join_table_table.c - two tables with equal primary keys (runtime.md 4.4).
 *
 * A change of one side meets the other side's row as that side has handed it on so far (op_find). Nothing is
 * kept here: both rows are in their sources' stores, and what the join's own row of a key is follows from
 * them. That look at what was *handed on* is what makes old rows exact with a cache, too: of two changes in
 * one commit, the first still meets the other's old row, the second the first's new one, so that an aggregate
 * above takes out just what it was given.
 *
 * Where nobody reads old rows (the result goes to a topic and to a store of its own, as of most joins), a key
 * whose both sides changed is emitted once, by the side that is handed on last.
 *
 * Each change makes one change at most, equal rows included. A missing row is no reason to be silent: what
 * ksqlDB says about keys that never were (a tombstone) is said here, too.
 */
#include "executor/dataflow/join_row.h"
#include "executor/dataflow/task.h"

typedef struct {
    Operator  base;
    Operator *sides[2];
    bool      old_is_read;
} TableJoinOp;

static Status join_open(Operator *op, Error *err)
{
    TableJoinOp *self = (TableJoinOp *)op;
    self->old_is_read = op_old_is_read(op);
    for (int side = 0; side < 2; side++)
        TRY(op_table(op, side, &self->sides[side], err));
    return OK;
}

/* Is there a row of the join when these sides are there? */
static bool has_row(const PlanJoin *plan, const Value *left, const Value *right)
{
    switch (plan->type) {
    case PLAN_INNER:
        return left != NULL && right != NULL;
    case PLAN_LEFT:
        return left != NULL;
    case PLAN_RIGHT:
        return right != NULL;
    case PLAN_FULL:
        break;
    }
    return left != NULL || right != NULL;
}

/* NULL: there is no row. */
static const Value *combine(const TableJoinOp *self, const Value *key, const Value *left, const Value *right,
                            Arena *arena)
{
    const PlanNode *node = self->base.node;
    if (!has_row(plan_join(node), left, right))
        return NULL;
    JoinSide l = join_side_of_columns(node->inputs[0], left),
             r = join_side_of_columns(node->inputs[1], right);
    return join_row(node, key, &l, &r, arena);
}

/* Where nobody reads old rows: that there was one. */
static const Value *old_row(const TableJoinOp *self, const Value *key, const Value *const *then, Arena *arena)
{
    if (self->old_is_read)
        return combine(self, key, then[0], then[1], arena);
    return !has_row(plan_join(self->base.node), then[0], then[1]) ? NULL
           : then[0] != NULL                                      ? then[0]
                                                                  : then[1];
}

/* In a flush both sides may have changed. The second to be handed on meets the newest row of the first and
 * says all there is to say, unless that row is gone: then the second may be silent. */
static bool is_said_later(const TableJoinOp *self, const Row *row, const TableFind *found)
{
    return !self->old_is_read && found->follows && row->columns != NULL;
}

/* What a change of `side` cannot change: nothing is said. */
static bool is_silent(const PlanJoin *plan, int side, const Row *row, const Value *other)
{
    if (other != NULL)
        return false;
    return !plan_join_preserves(plan, side) || (row->columns == NULL && row->old == NULL);
}

static Status join_change(TableJoinOp *self, int side, const Row *row, RecordBatch *out, Error *err)
{
    Operator *op = &self->base;
    TableFind found;
    Str       key;
    if (row->key == NULL) {
        op_drop_row(op, row, SKIP_NULL_KEY);
        return OK;
    }
    TRY(op_key_bytes(op, row, out->arena, &key, err));
    TRY(op_find(self->sides[1 - side], key, row, out->arena, &found, err));
    if (is_silent(plan_join(op->node), side, row, found.columns) || is_said_later(self, row, &found))
        return OK;
    const Value *now[2], *then[2];
    now[side]     = row->columns;
    then[side]    = row->old;
    now[1 - side] = then[1 - side] = found.columns;
    Row *to                        = batch_add(out);
    *to                            = *row;
    to->key_bytes                  = key;
    to->columns                    = combine(self, row->key, now[0], now[1], out->arena);
    to->old                        = old_row(self, row->key, then, out->arena);
    if (found.columns != NULL && found.timestamp > to->timestamp)
        to->timestamp = found.timestamp;
    return OK;
}

static Status join_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    RecordBatch *out = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++)
        TRY(join_change((TableJoinOp *)op, port, &in->rows[i], out, err));
    return op_emit(op, out, err);
}

static Status join_find(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err)
{
    TableJoinOp *self = (TableJoinOp *)op;
    TableFind    left, right;
    TRY(op_find(self->sides[0], key, row, arena, &left, err));
    TRY(op_find(self->sides[1], key, row, arena, &right, err));
    out->follows   = false; /* it may have nothing to say of the change */
    out->columns   = combine(self, row->key, left.columns, right.columns, arena);
    out->timestamp = right.columns == NULL || (left.columns != NULL && left.timestamp > right.timestamp)
                         ? left.timestamp
                         : right.timestamp;
    return OK;
}

const OperatorClass op_join_table_table = {
    .name              = "JOIN_TABLE_TABLE",
    .state_size        = sizeof(TableJoinOp),
    .reads_wanted_only = true,
    .old_rows          = OLD_PASSED_ON,
    .open              = join_open,
    .push              = join_push,
    .find              = join_find,
};
