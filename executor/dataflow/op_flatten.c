/*
 * op_flatten.c - table functions: one row becomes as many as the longest of their lists has elements
 * (runtime.md 3.9).
 *
 * Shorter lists are padded with NULL; a NULL list, an empty one and a failing function count as empty. The
 * new columns come behind the input's value columns, before its headers and pseudo columns.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_flatten.h"

typedef struct {
    Operator  base;
    Program **functions;
    Value    *lists; /* scratch */
} FlattenOp;

static Status flatten_open(Operator *op, Error *err)
{
    FlattenOp         *self    = (FlattenOp *)op;
    const PlanFlatten *flatten = plan_flatten(op->node);
    self->functions            = ARENA_ARRAY(op->arena, Program *, flatten->count);
    self->lists                = ARENA_ARRAY(op->arena, Value, flatten->count);
    for (size_t i = 0; i < flatten->count; i++)
        TRY(op_compile(op, flatten->functions[i], &self->functions[i], err));
    return OK;
}

static size_t eval_lists(FlattenOp *self, const Row *row, Arena *arena)
{
    size_t count = plan_flatten(self->base.node)->count, longest = 0;
    self->base.current = row;
    for (size_t i = 0; i < count; i++) {
        Error why;
        if (program_eval(self->functions[i], row->columns, arena, &self->lists[i], &why) != OK) {
            op_report(&self->base, row, &why);
            self->lists[i] = value_null();
        }
        if (value_is_null(self->lists[i]))
            self->lists[i] = value_array(NULL, 0);
        if (self->lists[i].len > longest)
            longest = self->lists[i].len;
    }
    return longest;
}

static Value *element_row(const FlattenOp *self, const Row *row, size_t element, Arena *arena)
{
    const Schema *from  = self->base.node->inputs[0]->schema;
    size_t        added = plan_flatten(self->base.node)->count, before = from->key_count + from->value_count;
    Value        *out = arena_alloc(arena, (from->count + added) * sizeof *out);
    memcpy(out, row->columns, before * sizeof *out);
    for (size_t i = 0; i < added; i++)
        out[before + i] = element < self->lists[i].len ? value_items(self->lists[i])[element] : value_null();
    memcpy(out + before + added, row->columns + before, (from->count - before) * sizeof *out);
    return out;
}

static Status flatten_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    FlattenOp   *self = (FlattenOp *)op;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, in->count);
    for (size_t i = 0; i < in->count; i++) {
        const Row *row   = &in->rows[i];
        size_t     count = row->columns == NULL ? 0 : eval_lists(self, row, in->arena);
        for (size_t element = 0; element < count; element++) {
            Row *to     = batch_add(out);
            *to         = *row;
            to->columns = element_row(self, row, element, in->arena);
        }
    }
    return op_emit(op, out, err);
}

const OperatorClass op_flatten = {.name              = "FLATTEN",
                                  .state_size        = sizeof(FlattenOp),
                                  .reads_wanted_only = true,
                                  .open              = flatten_open,
                                  .push              = flatten_push};
