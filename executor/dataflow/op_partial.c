/*
 * op_partial.c - rows of a group that come within a commit become one, in front of a repartition topic
 * (planner/plan_partial.c says when).
 *
 * Groups are kept by their key's values and by the pane: the advance of the window that a row is in, for all
 * its rows are in the same windows. What goes out at a flush goes in the order of panes, so that no row of it
 * is later than it was. A row that might be too late when it came goes out by itself, behind all that came
 * before it: then the aggregation above decides about it as it would have, its stream time being what the
 * rows before have made it. So this operator keeps nothing beyond a flush, not even stream time.
 *
 * Where hardly any rows share a group the work is in vain: after a flush that has saved little, rows go out
 * one by one for a while. They do so always without a cache, for there every update is to be seen.
 */
#include "executor/dataflow/aggregate_state.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_partial.h"

enum {
    GROUPS_FIRST = 64,
    GROUPS_MOST  = 4096,       /* with BYTES_MOST: what a task may keep, of which there may be thousands */
    BYTES_MOST   = 512 * 1024, /* of keys and states */
    ROWS_TO_TELL = 1024,       /* fewer say nothing about what is saved */
    ROWS_PASSED  = 65536       /* one by one, before it is tried again */
};

typedef struct {
    uint64_t hash;
    int64_t  pane;
    int64_t  timestamp; /* the highest of its rows */
    Value   *columns;   /* keys, then states */
} Group;

typedef struct {
    Operator           base; /* first */
    const PlanPartial *plan;
    size_t             key_count;
    bool               lazy;
    CallArgs           args;
    Arena             *kept; /* what groups point to */
    Group             *groups;
    uint32_t          *places; /* a power of two of them, at least twice the groups; number + 1, or 0 */
    size_t             count, capacity;
    size_t             taken;  /* rows in the groups */
    size_t             passed; /* rows that still go out one by one */
    int64_t            time;   /* the highest timestamp since the last flush, unset INT64_MIN */
} PartialOp;

/* ---- opening ---- */

static Status partial_open(Operator *op, Error *err)
{
    PartialOp *self = (PartialOp *)op;
    self->plan      = plan_partial(op->node);
    self->key_count = op->node->schema->key_count;
    self->lazy      = op->pipeline->spec.emit_late;
    self->kept      = arena_new(0);
    self->time      = INT64_MIN;
    return call_args_open(op, self->plan->calls, self->plan->call_count, &self->args, err);
}

static void forget(PartialOp *self)
{
    if (self->count > 0)
        memset(self->places, 0, 2 * self->capacity * sizeof *self->places);
    arena_reset(self->kept);
    self->count = self->taken = 0;
    self->time                = INT64_MIN;
}

static void partial_rollback(Operator *op)
{
    PartialOp *self = (PartialOp *)op;
    forget(self);
    self->passed = 0;
}

static void partial_close(Operator *op)
{
    PartialOp *self = (PartialOp *)op;
    mem_free(self->groups);
    mem_free(self->places);
    arena_free(self->kept);
}

/* ---- groups ---- */

static uint64_t hash_of(const PartialOp *self, const Value *key, int64_t pane)
{
    const Column *columns = self->base.node->schema->columns;
    uint64_t      hash    = (uint64_t)pane * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < self->key_count; i++)
        hash = (hash ^ value_hash(columns[i].type, key[i])) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

static bool same_key(const PartialOp *self, const Value *a, const Value *b)
{
    const Column *columns = self->base.node->schema->columns;
    for (size_t i = 0; i < self->key_count; i++)
        if (value_is_null(a[i]) != value_is_null(b[i]) ||
            (!value_is_null(a[i]) && !value_equal(columns[i].type, a[i], b[i])))
            return false;
    return true;
}

static uint32_t *place_of(const PartialOp *self, uint64_t hash)
{
    return &self->places[hash & (2 * self->capacity - 1)];
}

static uint32_t *next_place(const PartialOp *self, uint32_t *place)
{
    return place + 1 == self->places + 2 * self->capacity ? self->places : place + 1;
}

static void grow(PartialOp *self)
{
    self->capacity = self->capacity == 0 ? GROUPS_FIRST : 2 * self->capacity;
    self->groups   = mem_realloc(self->groups, self->capacity * sizeof *self->groups);
    mem_free(self->places);
    self->places = mem_calloc(2 * self->capacity, sizeof *self->places);
    for (size_t i = 0; i < self->count; i++) {
        uint32_t *place = place_of(self, self->groups[i].hash);
        while (*place != 0)
            place = next_place(self, place);
        *place = (uint32_t)i + 1;
    }
}

/* Keys, then initial states. */
static Value *new_columns(PartialOp *self, const Value *key, Arena *arena)
{
    const Column *columns = self->base.node->schema->columns;
    Value        *out     = arena_alloc(arena, self->base.node->schema->count * sizeof *out);
    for (size_t i = 0; i < self->key_count; i++)
        out[i] = value_copy(arena, columns[i].type, key[i]);
    for (size_t i = 0; i < self->plan->call_count; i++)
        out[self->key_count + i] = self->plan->calls[i].function->aggregate->init(self->plan->calls[i].call);
    return out;
}

static Group *find_group(PartialOp *self, const Row *row, int64_t pane)
{
    if (self->count == self->capacity)
        grow(self);
    uint64_t  hash  = hash_of(self, row->key, pane);
    uint32_t *place = place_of(self, hash);
    for (; *place != 0; place = next_place(self, place)) {
        Group *group = &self->groups[*place - 1];
        if (group->hash == hash && group->pane == pane && same_key(self, group->columns, row->key))
            return group;
    }
    Group *group = &self->groups[self->count++];
    *place       = (uint32_t)self->count;
    *group       = (Group){hash, pane, row->timestamp, new_columns(self, row->key, self->kept)};
    return group;
}

/* No sequence and no memory: plan_partial.c puts no PARTIAL in front of functions that need either. */
static Status add_row(PartialOp *self, const Row *row, Value *states, Arena *arena, Error *err)
{
    AggregateContext context = {.scratch = arena, .config = self->base.programs.config};
    for (size_t i = 0; i < self->plan->call_count; i++) {
        const PlanAggregateCall *call = &self->plan->calls[i];
        TRY(call->function->aggregate->accumulate(call->call, &states[i], self->args.of_call[i], &context,
                                                  err));
    }
    return OK;
}

/* ---- out ---- */

static void put(RecordBatch *out, const Value *columns, int64_t timestamp, const Origin *origin)
{
    Row *row = batch_add(out);
    *row     = (Row){.columns = columns, .key = columns, .timestamp = timestamp, .origin = origin};
}

/* Two of one pane may change places: they are of different groups. */
static int by_pane(const void *a, const void *b)
{
    const Group *left = a, *right = b;
    return left->pane < right->pane ? -1 : left->pane > right->pane;
}

/* Everything that is kept; `arena` is for what does not outlive the call. */
static Status send_groups(PartialOp *self, Arena *arena, Error *err)
{
    if (self->count == 0)
        return OK;
    if (self->plan->advance_ms > 0)
        qsort(self->groups, self->count, sizeof *self->groups, by_pane);
    for (size_t done = 0; done < self->count;) {
        size_t       end = self->count - done < BATCH_ROWS ? self->count : done + BATCH_ROWS;
        RecordBatch *out = batch_new(arena, self->base.node->schema, end - done);
        for (; done < end; done++)
            put(out, self->groups[done].columns, self->groups[done].timestamp, NULL);
        TRY(op_emit(&self->base, out, err));
    }
    if (self->taken >= ROWS_TO_TELL && self->taken < 2 * self->count)
        self->passed = ROWS_PASSED;
    forget(self);
    return OK;
}

static Status partial_flush(Operator *op, Error *err)
{
    PartialOp *self = (PartialOp *)op;
    TRY(send_groups(self, op->pipeline->batch, err));
    arena_reset(op->pipeline->batch);
    return OK;
}

/* ---- rows ---- */

/* Kept in its group, such a row would go out in the order of panes, ahead of those that made it late, and
 * count. Late for the first of its windows is enough: the aggregation decides for each. */
static bool may_be_late(const PartialOp *self, int64_t pane)
{
    const PlanPartial *plan = self->plan;
    if (plan->advance_ms == 0 || self->time == INT64_MIN)
        return false;
    int64_t end = (pane + 1) * plan->advance_ms; /* of the window that ends first */
    return end <= self->time - plan->grace_ms;
}

static Status send_row(PartialOp *self, const Row *row, RecordBatch *out, Error *err)
{
    Value *columns = new_columns(self, row->key, out->arena);
    TRY(add_row(self, row, columns + self->key_count, out->arena, err));
    put(out, columns, row->timestamp, row->origin);
    return OK;
}

/* Rows that go out one by one are gathered in *out; they leave before groups that come after them. */
static Status take_row(PartialOp *self, const Row *row, RecordBatch **out, Error *err)
{
    int64_t advance = self->plan->advance_ms;
    int64_t pane    = advance > 0 ? row->timestamp / advance : 0;
    Arena  *arena   = (*out)->arena;
    call_args_eval(&self->base, &self->args, row->columns, row, arena);
    bool alone = !self->lazy || self->passed > 0;
    if (self->passed > 0)
        self->passed--;
    if (may_be_late(self, pane)) {
        TRY(op_emit(&self->base, *out, err));
        *out = batch_new(arena, self->base.node->schema, 1);
        TRY(send_groups(self, arena, err));
        alone = true;
    }
    if (alone && self->count == 0)
        return send_row(self, row, *out, err);
    Group *group = find_group(self, row, pane);
    if (row->timestamp > group->timestamp)
        group->timestamp = row->timestamp;
    if (row->timestamp > self->time)
        self->time = row->timestamp;
    self->taken++;
    TRY(add_row(self, row, group->columns + self->key_count, arena, err));
    if (self->count < GROUPS_MOST && arena_used(self->kept) < BYTES_MOST)
        return OK;
    TRY(op_emit(&self->base, *out, err));
    *out = batch_new(arena, self->base.node->schema, 1);
    return send_groups(self, arena, err);
}

static Status partial_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    PartialOp   *self = (PartialOp *)op;
    bool         many = !self->lazy || self->passed > 0;
    RecordBatch *out  = batch_new(in->arena, op->node->schema, many ? in->count : 1);
    for (size_t i = 0; i < in->count; i++) {
        const Row *row = &in->rows[i];
        if (row->columns == NULL || (self->plan->advance_ms > 0 && row->timestamp < 0))
            continue; /* nothing to add, or in no window */
        if (row->key == NULL)
            op_drop_row(op, row, SKIP_NULL_KEY);
        else
            TRY(take_row(self, row, &out, err));
    }
    return op_emit(op, out, err);
}

const OperatorClass op_partial = {.name       = "PARTIAL",
                                  .state_size = sizeof(PartialOp),
                                  .open       = partial_open,
                                  .push       = partial_push,
                                  .flush      = partial_flush,
                                  .rollback   = partial_rollback,
                                  .close      = partial_close};
