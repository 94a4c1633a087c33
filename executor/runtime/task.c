/*
 * task.c - a task: one pipeline, its inputs, and which record comes next (runtime.md 2.2).
 *
 * With one input the whole of what was fetched goes through at once. With several the input whose head has
 * the lowest timestamp is next, and the batch is its run up to the lowest head of the others; that can be
 * told only when each of the others has a head or is known to be at its end. Where two inputs read the same
 * partition (a self-join) a record meets itself: then it is one record at a time, ties by offset.
 *
 * The host copies what the pipeline makes to the worker's writers: sinks through the plain writer under
 * at_least_once, all else in the transaction.
 */
#include <assert.h>

#include "executor/runtime/task.h"

#include "executor/runtime/alignment.h"
#include "executor/runtime/fetcher.h"
#include "executor/runtime/query.h"
#include "executor/runtime/shared_decode.h"
#include "executor/runtime/writers.h"
#include "planner/node.h"

/* ---- host ---- */

static size_t record_bytes(const LogRecord *record)
{
    size_t bytes = record->key.len + record->value.len + 64;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].key.len + record->headers[i].value.len;
    return bytes;
}

/* A broker refuses a record without a key in a compacted topic, and with it the transaction that it is part
 * of; so it is asked for beforehand, once. Not known (the broker does not answer): as if it was allowed. */
static bool sink_wants_keys(Task *task, Str topic)
{
    Error why;
    Str   policy;
    if (task->sink_keys == SINK_KEYS_UNKNOWN &&
        log_topic_config(task->worker->runtime->options.log, topic, "cleanup.policy", task->worker->scratch,
                         &policy, &why) == OK)
        task->sink_keys =
            str_find(policy, STR_LIT("compact"), 0) >= 0 ? SINK_KEYS_NEEDED : SINK_KEYS_OPTIONAL;
    return task->sink_keys == SINK_KEYS_NEEDED;
}

static Status host_append(PipelineHost *host, const PlanNode *node, Str topic, int partition,
                          const LogRecord *record, Str hash_key, Error *err)
{
    Task   *task   = (Task *)host;
    Worker *worker = task->worker;
    if (str_is_null(record->key) && !node->class->cuts && sink_wants_keys(task, topic))
        return error_set(err, E_DATA, NO_POS,
                         "The topic " STR_FMT " is compacted and cannot take a record without a key",
                         STR_ARG(topic));
    task_mark_dirty(task, true);
    worker->txn_bytes += record_bytes(record);
    if (!node->class->cuts && task->query->settings.guarantee == GUARANTEE_AT_LEAST_ONCE) {
        TRY(writers_open_sink(worker, err));
        worker->sink_flushed = worker->sink_sent = false;
        return log_append(worker->sink, topic, partition, record, hash_key, err);
    }
    TRY(writers_begin(worker, err));
    return log_append(worker->txn, topic, partition, record, hash_key, err);
}

static Status host_changelog(PipelineHost *host, const Pipeline *pipeline, size_t store, Str key, Str value,
                             Error *err)
{
    Task           *task        = (Task *)host;
    Worker         *worker      = task->worker;
    const PlanNode *node        = pipeline_store_node(pipeline, store);
    int64_t         stream_time = pipeline_counters(task->pipeline)->stream_time;
    LogRecord       record      = {
                   .timestamp = worker->runtime->clock->now_ms(worker->runtime->clock), .key = key, .value = value};
    /* A broker's retention goes by it: what is of old is written now, what is of tomorrow expires after that.
     */
    if (node->stores[pipeline_store_number(pipeline, store)].retention_ms >= 0 &&
        stream_time > record.timestamp)
        record.timestamp = stream_time;
    task_mark_dirty(task, true);
    worker->txn_bytes += record_bytes(&record);
    TRY(writers_begin(worker, err));
    return log_append(worker->txn, task->changelog_topics[store], task->partition, &record, STR_NULL, err);
}

static Status host_output(PipelineHost *host, const PlanNode *node, const Row *row, Error *err)
{
    return error_set(err, E_UNSUPPORTED, NO_POS, "A persistent query has no client to send rows to");
}

static void host_skip(PipelineHost *host, const SkipInfo *info)
{
    const RuntimeOptions *options = &((Task *)host)->worker->runtime->options;
    if (options->skipped != NULL)
        options->skipped(options->context, info);
}

void task_init_host(Task *task)
{
    task->host = (PipelineHost){
        .append = host_append, .output = host_output, .changelog = host_changelog, .skip = host_skip};
}

/* ---- life ---- */

static void want_sink(const Task *task)
{
    task->worker->wants_sink |= task->query->settings.guarantee == GUARANTEE_AT_LEAST_ONCE;
}

Task *task_new_of(const TaskClass *class, Worker *worker, RunningQuery *query, QuerySub *sub, int partition)
{
    Task *task      = mem_calloc(1, sizeof *task);
    char *key       = mem_alloc(query->plan->id.len + 32);
    int   len       = snprintf(key, query->plan->id.len + 32, STR_FMT "/%d/%d", STR_ARG(query->plan->id),
                               sub->sub.number, partition);
    task->class     = class;
    task->worker    = worker;
    task->query     = query_ref(query);
    task->sub       = sub;
    task->partition = partition;
    task->slot      = query_slot(sub, partition, atomic_load(&worker->runtime->slot_count));
    task->key       = str_n(key, (size_t)len);
    task->view      = &sub->views[partition];
    worker->feeds |= !class->stands_by && sub->feeds;
    if (!class->stands_by)
        want_sink(task);
    task_init_host(task);
    task->state = TASK_OPENING; /* by CREATED; whose it is comes after what it is */
    view_enter(task->view, worker->index, TASK_OPENING, class->stands_by);
    return task;
}

/* What is seen as not dirty is committed as far as its positions go: so these go back first. */
static void withdraw_positions(const Task *task)
{
    for (size_t i = 0; task->dirty && task->view != NULL && i < task->input_count; i++)
        atomic_store(&task->view->positions[task->inputs[i].index], task->inputs[i].committed);
}

static void forget_dirty(Task *task)
{
    withdraw_positions(task);
    Task **link = &task->worker->dirty;
    while (*link != NULL && *link != task)
        link = &(*link)->next_dirty;
    if (*link == task)
        *link = task->next_dirty;
    task->dirty = task->effects = false;
    assert(!task->deciding); /* who closes tasks settles the commit first */
    if (task->view != NULL)
        atomic_store(&task->view->dirty, false);
}

void task_close_pipeline(Task *task)
{
    if (task->restoring != NULL)
        reader_pool_end(task->worker->pool, task->restoring);
    task->restoring = NULL;
    if (task->class->close != NULL)
        task->class->close(task);
    forget_dirty(task);
    for (size_t i = 0; i < task->input_count; i++)
        fetcher_detach(task->worker->fetchers, &task->inputs[i]);
    pipeline_close(task->pipeline);
    task->pipeline = NULL;
    for (size_t i = 0; task->changelog_topics != NULL && !str_is_null(task->changelog_topics[i]); i++)
        mem_free((char *)task->changelog_topics[i].ptr);
    mem_free(task->changelog_topics);
    mem_free(task->store_names);
    mem_free(task->store_versions);
    mem_free(task->inputs);
    mem_free(task->input_topics);
    mem_free(task->input_positions);
    mem_free(task->changelogs);
    mem_free(task->held_from);
    mem_free(task->cut_below);
    task->changelog_topics = NULL;
    task->store_names      = NULL;
    task->store_versions   = NULL;
    task->inputs           = NULL;
    task->input_topics     = NULL;
    task->input_positions = task->changelogs = task->held_from = task->cut_below = NULL;
    task->input_count                                                            = 0;
}

void task_enlist(Task *task)
{
    Worker *worker = task->worker;
    task->next     = worker->tasks;
    task->link     = &worker->tasks;
    if (task->next != NULL)
        task->next->link = &task->next;
    worker->tasks = task;
}

void task_free(Task *task)
{
    if (task->link != NULL)
        *task->link = task->next;
    if (task->link != NULL && task->next != NULL)
        task->next->link = task->link;
    if (task->worker->quarantined == task)
        task->worker->quarantined = NULL;
    if (task->worker->blamed == task)
        task->worker->blamed = NULL;
    task_close_pipeline(task);
    state_file_close(task->memory);
    if (task->query != NULL) {
        view_leave(task->view, task->worker->index);
        query_unref(task->query);
    }
    strbuf_clear(&task->saved);
    strbuf_clear(&task->blob);
    mem_free((char *)task->key.ptr);
    mem_free(task);
}

void task_move(Task *task, TaskEvent event)
{
    int state = task_state_next(task->state, event);
    assert(state >= 0); /* task_state.def: the event cannot happen in this state */
    task->state = (TaskState)state;
    if (task->view == NULL)
        return;
    atomic_store(&task->view->idle_us, 0);
    atomic_store(&task->view->state, state);
}

void task_mark_dirty(Task *task, bool effects)
{
    task->effects |= effects;
    if (task->view != NULL)
        atomic_store(&task->view->dirty, true);
    if (task->dirty)
        return;
    task->dirty = true;
    if (task->query != NULL) {
        int64_t interval = settings_commit_interval_ms(&task->query->settings);
        if (interval < task->worker->interval_ms)
            task->worker->interval_ms = interval;
        task->worker->exactly_once |= task->query->settings.guarantee != GUARANTEE_AT_LEAST_ONCE;
    }
    task->next_dirty    = task->worker->dirty;
    task->worker->dirty = task;
}

static void publish_figures(const Task *task)
{
    uint64_t figures[FIGURE_COUNT];
    for (size_t i = 0; i < pipeline_operator_count(task->pipeline); i++) {
        pipeline_figures(task->pipeline, i, figures);
        for (int k = 0; k < FIGURE_COUNT; k++)
            atomic_store_explicit(&task->view->figures[i * FIGURE_COUNT + (size_t)k], figures[k],
                                  memory_order_relaxed);
    }
}

void task_publish(Task *task)
{
    TaskView *view = task->view;
    if (view == NULL || task->pipeline == NULL)
        return;
    const PipelineCounters *counters = pipeline_counters(task->pipeline);
    atomic_store(&view->records_in, counters->records_in);
    atomic_store(&view->records_out, counters->records_out);
    atomic_store(&view->skipped_bad, counters->skipped_bad);
    atomic_store(&view->skipped_late, counters->skipped_late);
    publish_figures(task);
    for (size_t i = 0; i < task->input_count; i++) {
        atomic_store(&view->positions[task->inputs[i].index], task->inputs[i].position);
        atomic_store(&view->committed[task->inputs[i].index], task->inputs[i].committed);
    }
    for (size_t i = 0; task->changelogs != NULL && i < pipeline_store_count(task->pipeline); i++)
        atomic_store(&view->changelogs[i], task->changelogs[i]);
}

static bool persistent_runnable(const Task *task)
{
    const Worker *worker = task->worker;
    if (worker->fence == NULL || worker->slots[task->slot] != SLOT_OWNED || worker->pausing)
        return false;
    if (task->state == TASK_REPLAYING)
        return true;
    return task->state == TASK_RUNNING && !atomic_load_explicit(&task->query->paused, memory_order_relaxed) &&
           (worker->quarantined == NULL || worker->quarantined == task);
}

static const TaskClass persistent_task = {.runnable = persistent_runnable};

void task_become_own(Task *task)
{
    task->class = &persistent_task;
    want_sink(task);
    view_enter(task->view, task->worker->index, task->state, false);
}

Task *task_new(Worker *worker, RunningQuery *query, QuerySub *sub, int partition)
{
    return task_new_of(&persistent_task, worker, query, sub, partition);
}

void task_input_moved(TaskInput *input)
{
    if (input->task->view != NULL)
        atomic_store(&input->task->view->positions[input->index], input->position);
}

Status task_attach_inputs(Task *task, Error *err)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (task->inputs[i].fetcher == NULL)
            TRY(fetcher_attach(task->worker->fetchers, &task->inputs[i], err));
    return OK;
}

bool task_runnable(const Task *task) { return task->class->runnable(task); }

/* ---- choosing ---- */

/* The time of a record of the batch; INT64_MIN when it will be skipped, which has not to wait for others. */
static int64_t time_at(const TaskInput *input, size_t at)
{
    const SourceRows *rows;
    size_t            index;
    Error             why;
    if (input->decode == NULL)
        return input->fetcher->batch.records[at].timestamp;
    if (shared_decode_rows(input, at, &rows, &index, &why) != OK)
        return INT64_MIN; /* pushing it will fail, too, and say why */
    return pipeline_row_time(input->pipeline, input->index, rows, index);
}

static int64_t head_time(TaskInput *input)
{
    if (!input->head_known)
        input->head = time_at(input, input->at);
    input->head_known = true;
    return input->head;
}

static bool same_partition(const TaskInput *a, const TaskInput *b)
{
    return a->partition == b->partition && str_equal(a->topic, b->topic);
}

/* Does a's head come before b's? Inputs are in the order of the plan. */
static bool comes_first(TaskInput *a, TaskInput *b)
{
    int64_t ta = head_time(a), tb = head_time(b);
    if (ta == tb && same_partition(a, b) && input_head(a)->offset != input_head(b)->offset)
        return input_head(a)->offset < input_head(b)->offset;
    return ta < tb || (ta == tb && a < b);
}

/* NULL: nothing there, or one has to be waited for. */
static TaskInput *choose(Task *task)
{
    TaskInput *best = NULL;
    for (size_t i = 0; i < task->input_count; i++) {
        TaskInput *input = &task->inputs[i];
        if (!input_has_data(input)) {
            if (alignment_must_wait(task, input) || !fetcher_at_end(input))
                return NULL;
            continue;
        }
        if (best == NULL || comes_first(input, best))
            best = input;
    }
    return best;
}

static TaskInput *any_with_data(Task *task)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (input_has_data(&task->inputs[i]))
            return &task->inputs[i];
    return NULL;
}

/* How many records from the chosen input's head on may go at once. */
static size_t run_length(Task *task, TaskInput *input, size_t most)
{
    bool    ties = true, met = false, others = false;
    int64_t limit = INT64_MAX;
    for (size_t i = 0; task->ordered && i < task->input_count; i++) {
        TaskInput *other = &task->inputs[i];
        if (other == input)
            continue;
        met |= same_partition(other, input);
        if (!input_has_data(other))
            continue;
        int64_t time = head_time(other);
        if (time < limit) {
            limit = time;
            ties  = input < other;
        } else if (time == limit)
            ties &= input < other;
        others = true;
    }
    if (met)
        return 1;
    if (!others)
        return most;
    size_t count = 1;
    for (; count < most; count++) {
        int64_t time = time_at(input, input->at + count);
        if (time > limit || (time == limit && !ties))
            break;
    }
    return count;
}

/* ---- a step ---- */

static void note_time(Task *task)
{
    if (task->query != NULL)
        atomic_store_explicit(&task->query->last_message_ms,
                              task->worker->runtime->clock->now_ms(task->worker->runtime->clock),
                              memory_order_relaxed);
}

/* A step goes to the end of the slice that is decoded: see shared_decode.c. */
static size_t step_limit(const TaskInput *input)
{
    size_t most = input_available(input, INT64_MAX);
    if (input->decode != NULL && most > BATCH_ROWS - input->at % BATCH_ROWS)
        most = BATCH_ROWS - input->at % BATCH_ROWS;
    const TaskClass *class = input->task->class;
    return class->limit == NULL ? most : class->limit(input_head(input), most);
}

static Status push(TaskInput *input, size_t count, Error *err)
{
    Pipeline         *pipeline = input->pipeline;
    const SourceRows *rows;
    size_t            index;
    Status            status;
    if (input->decode == NULL) {
        status = pipeline_push(pipeline, input->index, input->partition, input_head(input), count, err);
    } else {
        TRY(shared_decode_rows(input, input->at, &rows, &index, err)); /* nothing has happened yet */
        status = pipeline_push_rows(pipeline, input->index, rows, index, count, err);
    }
    input->task->torn = status == E_WAIT;
    return status;
}

static void note_newcomer(Worker *worker)
{
    if (!worker->newcomer)
        worker->newcomer_us = runtime_now_us(worker->runtime);
    worker->newcomer = true;
}

Status task_step(Task *task, bool *progress, Error *err)
{
    TaskInput *input = task->ordered ? choose(task) : any_with_data(task);
    if (input == NULL)
        return OK;
    size_t most = step_limit(input);
    assert(most > 0);
    size_t count = run_length(task, input, most);
    if (task->query != NULL) {
        task_mark_dirty(task, task->has_source_store);
        if (task->newness == TASK_NEW) {
            task->newness = TASK_BEGINS;
            note_newcomer(task->worker);
        }
        task->worker->moved = true;
    }
    TRY(push(input, count, err));
    task->waits = 0;
    input_advance(input, count);
    task_input_moved(input);
    note_time(task);
    *progress = true;
    if (task->class->stepped != NULL)
        task->class->stepped(task);
    return OK;
}
