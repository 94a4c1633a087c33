/*
 * op_subscribe.c - changes of a foreign-key join's left table as messages (node_subscribe.h, runtime.md 4.6).
 *
 * What is said to whom follows from the foreign keys of the old and the new row. Where there is none to speak
 * to (a row with a NULL foreign key, of LEFT also a deleted row), the join does by itself what is to be done.
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_subscribe.h"

typedef struct {
    Operator             base;
    const PlanSubscribe *plan;
    Program             *foreign_key;
    KeyCoder             keys;
} SubscribeOp;

/* A foreign key; bytes ptr NULL: none. */
typedef struct {
    Value value;
    Str   bytes;
} ForeignKey;

static Status subscribe_open(Operator *op, Error *err)
{
    SubscribeOp *self = (SubscribeOp *)op;
    self->plan        = plan_subscribe(op->node);
    TRY(op_compile(op, self->plan->foreign_key, &self->foreign_key, err));
    TRY(key_coder_open(op, &op->node->key_format, op->node->schema, STR_NULL, &self->keys, err));
    self->keys.reuse = false; /* it is another key */
    return OK;
}

/* Errors of old rows were reported when these were new. */
static Status read_key(SubscribeOp *self, const Row *row, bool is_new, Arena *arena, ForeignKey *out,
                       Error *err)
{
    const Value *columns = is_new ? row->columns : row->old;
    Error        why;
    *out = (ForeignKey){value_null(), STR_NULL};
    if (columns == NULL)
        return OK;
    self->base.current = is_new ? row : NULL;
    if (program_eval(self->foreign_key, columns, arena, &out->value, &why) != OK) {
        out->value = value_null();
        if (is_new)
            op_report(&self->base, row, &why);
    }
    if (value_is_null(out->value))
        return OK;
    Row key = {.key = &out->value};
    return key_coder_bytes(&self->keys, &key, arena, &out->bytes, err);
}

static void say(SubscribeOp *self, const Row *row, const ForeignKey *to, SubscribeAction action,
                RecordBatch *out)
{
    const Schema *schema = self->base.node->schema;
    size_t        keys   = self->base.node->inputs[0]->schema->key_count;
    Value        *values = arena_alloc(out->arena, schema->count * sizeof *values), *more = values + 1 + keys;
    Row          *message = batch_add(out);
    values[0]             = to->value;
    memcpy(values + 1, row->key, keys * sizeof *values);
    more[SUBSCRIBE_VERSION] =
        row->columns == NULL ? value_from_int(-1) : row->columns[self->plan->version_slot];
    more[SUBSCRIBE_PARTITION] = value_from_int(row->origin != NULL ? row->origin->partition : 0);
    more[SUBSCRIBE_ACTION]    = value_from_int(action);
    *message                  = (Row){.columns   = values,
                                      .key       = values,
                                      .key_bytes = to->bytes,
                                      .timestamp = row->timestamp,
                                      .origin    = row->origin};
}

static void say_inner(SubscribeOp *self, const Row *row, const ForeignKey *was, const ForeignKey *is,
                      RecordBatch *out)
{
    bool had = !str_is_null(was->bytes), has = !str_is_null(is->bytes);
    if (had && !has)
        say(self, row, was, SUBSCRIBE_LEAVE_AND_TELL, out);
    else if (had && !str_equal(was->bytes, is->bytes))
        say(self, row, was, SUBSCRIBE_LEAVE, out);
    /* With another key there may be a result that is none any more. */
    if (has)
        say(self, row, is, had && !str_equal(was->bytes, is->bytes) ? SUBSCRIBE_ALWAYS : SUBSCRIBE_IF_FOUND,
            out);
}

static void say_left(SubscribeOp *self, const Row *row, const ForeignKey *was, const ForeignKey *is,
                     RecordBatch *out)
{
    bool had = !str_is_null(was->bytes), has = !str_is_null(is->bytes);
    if (had && !(has && str_equal(was->bytes, is->bytes)))
        say(self, row, was, SUBSCRIBE_LEAVE, out);
    if (has)
        say(self, row, is, SUBSCRIBE_ALWAYS, out);
}

static Status subscribe_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    SubscribeOp *self = (SubscribeOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, 2 * in->count);
    for (size_t i = 0; i < in->count; i++) {
        const Row *row = &in->rows[i];
        ForeignKey was, is;
        TRY(read_key(self, row, false, in->arena, &was, err));
        TRY(read_key(self, row, true, in->arena, &is, err));
        if (self->plan->type == PLAN_LEFT)
            say_left(self, row, &was, &is, out);
        else
            say_inner(self, row, &was, &is, out);
    }
    return op_emit(op, out, err);
}

const OperatorClass op_subscribe = {.name              = "SUBSCRIBE",
                                    .state_size        = sizeof(SubscribeOp),
                                    .reads_wanted_only = true,
                                    .open              = subscribe_open,
                                    .push              = subscribe_push};
