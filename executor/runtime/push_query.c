/*
 * push_query.c - transient queries: one task for all partitions on one worker, rows to a client through a
 * bounded queue.
 *
 * State is a file in memory, positions are in the inputs; nothing is written to the log and nothing survives.
 * The worker collects rows in blocks of its own and hands them over after each batch, so there is one lock
 * per batch. A full queue makes the task take no more records; its fetchers go on for the others
 * (worker_reader.c).
 *
 * Start positions, and the ends of a bounded query, are found on the caller's thread: what is inserted after
 * push_query_start is seen.
 */
#include <assert.h>

#include "executor/runtime/fetcher.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/push_query.h"
#include "executor/runtime/task.h"
#include "executor/runtime/worker_state.h"
#include "planner/nodes/node_source.h"

enum {
    PUSH_RECORDS       = 256, /* of a batch, at most: the queue is looked at in between */
    BLOCK_ROWS         = 256,
    QUEUE_ROWS_DEFAULT = 1000,
    QUEUE_BYTES        = 4 << 20,
    SLICE_BYTES        = 256 << 10
};

typedef struct Block Block;
struct Block {
    Block  *next;
    Arena  *arena;
    size_t  count, taken;
    size_t  bytes; /* of the rows, once it is published */
    PushRow rows[BLOCK_ROWS];
};

struct PushQuery {
    Runtime         *runtime;
    Worker          *worker;
    const QueryPlan *plan;
    void            *owner;
    void (*owner_free)(void *);
    PushOptions   options;
    QuerySettings settings;
    size_t        queue_rows;
    int64_t     **starts, **ends; /* per source and partition; ends NULL: not bounded */
    Arena        *arena;
    /* Thread: worker */
    Task   *task; /* NULL: over */
    Block  *filling, *filling_last;
    size_t  filling_rows;
    bool    unflushed, completed;
    int64_t flush_us;
    /* Thread: any */
    _Atomic size_t  queued, queued_bytes; /* rows; bytes of the blocks that hold them */
    _Atomic bool    over;                 /* it ended, or is being closed */
    pthread_mutex_t lock;                 /* of what follows */
    pthread_cond_t  changed;
    Block          *first, *last;
    PushEnd         end; /* PUSH_MORE: it goes on */
    Error           why;
};

/* ---- rows ---- */

static void free_blocks(Block *block)
{
    while (block != NULL) {
        Block *next = block->next;
        arena_free(block->arena);
        mem_free(block);
        block = next;
    }
}

static PushRow *add_row(PushQuery *push)
{
    if (push->filling_last == NULL || push->filling_last->count == BLOCK_ROWS) {
        Block *block = mem_calloc(1, sizeof *block);
        block->arena = arena_new(0);
        if (push->filling_last == NULL)
            push->filling = block;
        else
            push->filling_last->next = block;
        push->filling_last = block;
    }
    push->filling_rows++;
    return &push->filling_last->rows[push->filling_last->count++];
}

static Status push_output(PipelineHost *host, const PlanNode *node, const Row *row, Error *err)
{
    PushQuery    *push   = ((Task *)host)->push;
    const Schema *schema = node->schema;
    if (atomic_load_explicit(&push->over, memory_order_relaxed))
        return error_set(err, E_CANCELLED, NO_POS, "The query was closed");
    PushRow *out    = add_row(push);
    Arena   *arena  = push->filling_last->arena;
    Value   *values = ARENA_ARRAY(arena, Value, schema->count + 1);
    for (size_t i = 0; i < schema->count; i++) {
        Value value = row->columns != NULL ? row->columns[i] : output_kept_value(node, i, row);
        values[i]   = value_copy(arena, schema->columns[i].type, value);
    }
    *out = (PushRow){values, row->columns == NULL};
    return OK;
}

/* Hands rows and, if it is over, the end to the client. */
static void publish(PushQuery *push, PushEnd end, const Error *why)
{
    if (push->filling == NULL && end == PUSH_MORE)
        return;
    pthread_mutex_lock(&push->lock);
    for (Block *block = push->filling; block != NULL; block = block->next) {
        block->bytes = arena_used(block->arena);
        atomic_fetch_add(&push->queued_bytes, block->bytes);
    }
    if (push->filling != NULL) {
        if (push->last == NULL)
            push->first = push->filling;
        else
            push->last->next = push->filling;
        push->last = push->filling_last;
        atomic_fetch_add(&push->queued, push->filling_rows);
    }
    if (end != PUSH_MORE && push->end == PUSH_MORE) {
        push->end = end;
        atomic_store(&push->over, true);
        if (why != NULL)
            push->why = *why;
    }
    pthread_cond_broadcast(&push->changed);
    pthread_mutex_unlock(&push->lock);
    push->filling = push->filling_last = NULL;
    push->filling_rows                 = 0;
    if (push->options.ready != NULL)
        push->options.ready(push->options.context);
}

/* ---- on the worker ---- */

static bool has_room(const PushQuery *push)
{
    return atomic_load_explicit(&push->queued, memory_order_relaxed) < push->queue_rows &&
           atomic_load_explicit(&push->queued_bytes, memory_order_relaxed) < QUEUE_BYTES;
}

static bool push_runnable(const Task *task)
{
    const PushQuery *push = task->push;
    return push->task != NULL && !push->completed &&
           !atomic_load_explicit(&push->over, memory_order_relaxed) && has_room(push);
}

/* Few enough that the queue's bounds hold. */
static size_t push_limit(const LogRecord *records, size_t count)
{
    size_t bytes = 0, most = count < PUSH_RECORDS ? count : PUSH_RECORDS;
    for (size_t i = 0; i < most; i++) {
        bytes += records[i].key.len + records[i].value.len;
        if (bytes >= SLICE_BYTES)
            return i + 1;
    }
    return most;
}

static bool reached_ends(const Task *task)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (task->inputs[i].position < task->inputs[i].end)
            return false;
    return true;
}

static void push_stepped(Task *task)
{
    PushQuery *push = task->push;
    publish(push, PUSH_MORE, NULL);
    push->unflushed              = true;
    push->completed              = push->ends != NULL && reached_ends(task);
    task->worker->pushes_pending = true;
}

static void finish(Task *task, PushEnd end, const Error *why)
{
    PushQuery *push = task->push;
    push->task      = NULL;
    publish(push, end, why);
    task_free(task);
}

static void push_failed(Task *task, const Error *err)
{
    if (err->code == E_CANCELLED)
        finish(task, PUSH_LIMIT, NULL);
    else
        finish(task, PUSH_FAILED, err);
}

static void push_worker_ended(Task *task)
{
    PushQuery *push = task->push;
    push->task      = NULL;
    publish(push, PUSH_CLOSED, NULL);
}

static Status flush(Task *task, Error *err)
{
    TRY(pipeline_flush(task->pipeline, err));
    if (task->memory != NULL)
        TRY(state_file_commit(task->memory, err));
    pipeline_committed(task->pipeline);
    return OK;
}

static bool is_dry(const Task *task)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (input_has_data(&task->inputs[i]))
            return false;
    return true;
}

/* Rows held back go out when the inputs are dry, or at the commit interval. */
static bool flush_one(Task *task)
{
    PushQuery *push = task->push;
    Error      err;
    int64_t    now = runtime_now_us(push->runtime);
    if (!push->unflushed)
        return false;
    if (!push->completed && !is_dry(task) &&
        now - push->flush_us < 1000 * settings_commit_interval_ms(&push->settings)) {
        task->worker->pushes_pending = true;
        return false;
    }
    push->unflushed = false;
    push->flush_us  = now;
    Status status   = flush(task, &err);
    if (status != OK)
        push_failed(task, &err);
    else if (push->completed)
        finish(task, PUSH_COMPLETE, NULL);
    else
        publish(push, PUSH_MORE, NULL);
    return true;
}

bool push_tasks_flush(Worker *worker)
{
    bool busy = false;
    if (!worker->pushes_pending)
        return false;
    worker->pushes_pending = false;
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (task->query == NULL)
            busy |= flush_one(task);
    }
    return busy;
}

/* ---- starting ---- */

static size_t source_index(const QueryPlan *plan, const PlanNode *node)
{
    size_t i = 0;
    while (plan->sources[i] != node)
        i++;
    return i;
}

static Status open_pipeline(Task *task, Error *err)
{
    PushQuery            *push    = task->push;
    const RuntimeOptions *options = &push->runtime->options;
    TRY(state_file_open(NULL, &task->memory, err));
    PipelineSpec spec = {.plan                          = push->plan,
                         .sub_topology                  = ALL_DIRECT,
                         .partition                     = 0,
                         .state                         = task->memory,
                         .host                          = &task->host,
                         .clock                         = push->runtime->clock,
                         .functions_config              = options->functions_config,
                         .registry                      = options->registry,
                         .service_id                    = options->service_id,
                         .emit_late                     = push->settings.cache_bytes > 0,
                         .emit_final_interval_ms        = 1000,
                         .throw_on_invalid_timestamp    = push->settings.throw_on_invalid_timestamp,
                         .fail_on_deserialization_error = push->settings.fail_on_deserialization_error};
    TRY(pipeline_open(&spec, &task->pipeline, err));
    if (pipeline_store_count(task->pipeline) == 0)
        return OK;
    task->ordered = true;
    return pipeline_load(task->pipeline, STR_NULL, err);
}

static void make_inputs(Task *task)
{
    PushQuery *push  = task->push;
    size_t     nodes = pipeline_input_count(task->pipeline), count = 0;
    for (size_t i = 0; i < nodes; i++)
        count += (size_t)plan_source(pipeline_input_node(task->pipeline, i))->partitions;
    task->inputs = mem_calloc(count + 1, sizeof *task->inputs);
    for (size_t i = 0; i < nodes; i++) {
        const PlanNode *node  = pipeline_input_node(task->pipeline, i);
        size_t          where = source_index(push->plan, node);
        for (int p = 0; p < plan_source(node)->partitions; p++) {
            task->inputs[task->input_count++] =
                (TaskInput){.task         = task,
                            .pipeline     = task->pipeline,
                            .index        = i,
                            .topic        = plan_source(node)->topic,
                            .partition    = p,
                            .position     = push->starts[where][p],
                            .replay_until = -1,
                            .end          = push->ends == NULL ? INT64_MAX : push->ends[where][p],
                            .own_fetcher  = push->ends != NULL};
        }
    }
    task->ordered = (task->ordered || nodes > 1) && task->input_count > 1;
}

static const TaskClass push_task = {.runnable     = push_runnable,
                                    .limit        = push_limit,
                                    .stepped      = push_stepped,
                                    .failed       = push_failed,
                                    .worker_ended = push_worker_ended};

typedef struct {
    PushQuery *push;
    Status     status;
    Error     *err;
} PushStart;

static void start_on_worker(Worker *worker, void *argument)
{
    PushStart *start = argument;
    Task      *task  = mem_calloc(1, sizeof *task);
    task->class      = &push_task;
    task->worker     = worker;
    task->push       = start->push;
    task_init_host(task);
    task->host.output    = push_output;
    task->host.changelog = NULL;
    start->status        = open_pipeline(task, start->err);
    if (start->status == OK) {
        make_inputs(task);
        task_enlist(task);
        task_move(task, EVENT_STARTED);
        start->push->task = task;
        start->status     = task_attach_inputs(task, start->err);
    }
    if (start->status != OK) {
        start->push->task = NULL;
        task_free(task);
        return;
    }
    if (start->push->ends != NULL)
        push_stepped(task); /* it may be complete already */
}

static Status find_offsets(PushQuery *push, Error *err)
{
    const QueryPlan *plan = push->plan;
    push->starts          = ARENA_ARRAY(push->arena, int64_t *, plan->source_count + 1);
    push->ends = push->options.bounded ? ARENA_ARRAY(push->arena, int64_t *, plan->source_count + 1) : NULL;
    for (size_t i = 0; i < plan->source_count; i++) {
        const PlanNode *node       = plan->sources[i];
        size_t          partitions = (size_t)plan_source(node)->partitions;
        bool earliest = push->options.from_earliest || push->settings.offset_reset == OFFSET_RESET_EARLIEST ||
                        push->options.bounded || node->is_table;
        push->starts[i] = ARENA_ARRAY(push->arena, int64_t, partitions + 1);
        if (push->ends != NULL)
            push->ends[i] = ARENA_ARRAY(push->arena, int64_t, partitions + 1);
        for (size_t p = 0; p < partitions; p++) {
            int64_t first, end;
            TRY(log_offsets(push->runtime->options.log, plan_source(node)->topic, (int)p, &first, &end, err));
            push->starts[i][p] = earliest ? first : end;
            if (push->ends != NULL)
                push->ends[i][p] = end;
        }
    }
    return OK;
}

static void push_free(PushQuery *push)
{
    free_blocks(push->first);
    free_blocks(push->filling);
    pthread_mutex_destroy(&push->lock);
    pthread_cond_destroy(&push->changed);
    arena_free(push->arena);
    mem_free(push);
}

Status push_query_start(Runtime *runtime, const QueryPlan *plan, const PushOptions *options, void *owner,
                        void (*owner_free)(void *), PushQuery **out, Error *err)
{
    PushQuery *push = mem_calloc(1, sizeof *push);
    push->runtime   = runtime;
    push->worker =
        runtime->workers[atomic_fetch_add(&runtime->next_push, 1) % (unsigned)runtime->worker_count];
    push->plan    = plan;
    push->options = *options;
    if (options->settings != NULL)
        push->settings = *options->settings;
    else
        runtime_settings(&runtime->options, &push->settings);
    push->queue_rows = options->queue_rows > 0 ? options->queue_rows : QUEUE_ROWS_DEFAULT;
    push->arena      = arena_new(0);
    push->end        = PUSH_MORE;
    pthread_mutex_init(&push->lock, NULL);
    pthread_cond_init(&push->changed, NULL);
    PushStart start = {push, find_offsets(push, err), err};
    if (start.status == OK && !worker_post(push->worker, start_on_worker, &start, true))
        start.status = error_set(err, E_CANCELLED, NO_POS, "The server is stopping");
    if (start.status != OK) {
        push_free(push);
        return start.status;
    }
    push->owner      = owner;
    push->owner_free = owner_free;
    *out             = push;
    return OK;
}

/* ---- the client's side ---- */

static void wake_worker(Worker *worker, void *argument) {}

static void take_rows(PushQuery *push, Arena *arena, PushRow *out, size_t count)
{
    const Schema *schema = push->plan->root->schema;
    for (size_t n = 0; n < count; n++) {
        Block         *block  = push->first;
        const PushRow *row    = &block->rows[block->taken++];
        Value         *values = ARENA_ARRAY(arena, Value, schema->count + 1);
        for (size_t i = 0; i < schema->count; i++)
            values[i] = value_copy(arena, schema->columns[i].type, row->values[i]);
        out[n] = (PushRow){values, row->tombstone};
        if (block->taken < block->count)
            continue;
        push->first = block->next;
        if (push->first == NULL)
            push->last = NULL;
        atomic_fetch_sub(&push->queued_bytes, block->bytes);
        block->next = NULL;
        free_blocks(block);
    }
}

PushEnd push_query_take(PushQuery *push, Arena *arena, size_t max, PushRow **rows, size_t *count, Error *err)
{
    pthread_mutex_lock(&push->lock);
    bool    had_room = has_room(push);
    size_t  queued = atomic_load(&push->queued), taken = queued < max ? queued : max;
    PushEnd end = taken < queued ? PUSH_MORE : push->end;
    *rows       = ARENA_ARRAY(arena, PushRow, taken + 1);
    take_rows(push, arena, *rows, taken);
    atomic_fetch_sub(&push->queued, taken);
    if (end == PUSH_FAILED && err != NULL)
        *err = push->why;
    bool resumes = !had_room && has_room(push);
    pthread_mutex_unlock(&push->lock);
    *count = taken;
    if (resumes)
        worker_post(push->worker, wake_worker, NULL, false); /* the task may go on */
    return end;
}

void push_query_wait(PushQuery *push, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)timeout_ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&push->lock);
    while (atomic_load(&push->queued) == 0 && push->end == PUSH_MORE &&
           pthread_cond_timedwait(&push->changed, &push->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&push->lock);
}

static void close_on_worker(Worker *worker, void *argument)
{
    PushQuery *push = argument;
    if (push->task != NULL)
        task_free(push->task);
    push->task = NULL;
}

void push_query_close(PushQuery *push)
{
    if (push == NULL)
        return;
    atomic_store(&push->over, true);
    worker_post(push->worker, close_on_worker, push, true);
    if (push->owner_free != NULL)
        push->owner_free(push->owner);
    push_free(push);
}
