/*
 * assignment.c - from the slots a worker was given to the tasks that run.
 *
 * A slot is owned once its partition of the slots topic has been read to the end: only then is it known where
 * its tasks left off. Tasks are matched to queries and owned slots whenever either has changed: what is not
 * wanted any more is closed, what is missing is made, and what another node carried on meanwhile is opened
 * again. Each pass takes every task one step further: opening, restoring, running, or parked and due.
 *
 * Invariant: no task opens before its slot's positions are known, for without them it would begin anew.
 */
#include "executor/runtime/assignment.h"

#include "executor/runtime/commit.h"
#include "executor/runtime/failure.h"
#include "executor/runtime/fetch.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/pause.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/restore.h"
#include "executor/runtime/standby.h"

/* ---- slots ---- */

static void slot_loaded(Worker *worker, int slot)
{
    worker->slots[slot]   = SLOT_OWNED;
    worker->slots_changed = true;
}

/* The others go on; the tasks of this one fail as they open, and say why. */
static void slot_damaged(Worker *worker, int slot, const Error *why)
{
    if (worker->slot_handles[slot] >= 0)
        log_reader_unassign(worker->reader, worker->slot_handles[slot]);
    worker->slot_handles[slot] = -1;
    if (worker->slot_damage == NULL)
        worker->slot_damage = mem_alloc(sizeof *worker->slot_damage);
    *worker->slot_damage  = *why;
    worker->slots[slot]   = SLOT_DAMAGED;
    worker->slots_changed = true;
    log_line(LOG_ERROR, "the positions of slot %d: %s", slot, why->message);
}

/* One by one, for the question for all of them was answered with the damage of one. */
static Status ask_each(Worker *worker, const int *slots, size_t count, int64_t *first, int64_t *end,
                       Error *err)
{
    for (size_t i = 0; i < count; i++) {
        first[i] = end[i] = 0;
        Status status     = log_offsets(worker->runtime->options.log, worker->runtime->slots_topic, slots[i],
                                        &first[i], &end[i], err);
        if (status == E_DAMAGED)
            slot_damaged(worker, slots[i], err);
        else if (status != OK)
            return status;
    }
    return OK;
}

/* Starts on those not begun yet. Most are empty: they are found by one question, for to read each to its end
 * costs the start 50 ms.
 *
 * The end is that of all that has arrived. What the former owner has committed is decided by now (slots.c),
 * but the marker that shows it may come later here than in the group's offsets: readers see an end before it,
 * and who took that for the last position would process records a second time. */
static Status begin_slots(Worker *worker, bool *busy, Error *err)
{
    int      slots = atomic_load(&worker->runtime->slot_count);
    Log     *log   = worker->runtime->options.log;
    Str      topic = worker->runtime->slots_topic;
    int     *fresh = ARENA_ARRAY(worker->scratch, int, (size_t)slots);
    int64_t *first = ARENA_ARRAY(worker->scratch, int64_t, (size_t)slots);
    int64_t *end   = ARENA_ARRAY(worker->scratch, int64_t, (size_t)slots);
    size_t   count = 0;
    for (int s = 0; s < slots; s++)
        if (worker->slots[s] == SLOT_LOADING && worker->slot_handles[s] < 0)
            fresh[count++] = s;
    if (count == 0)
        return OK;
    Status status = log_offsets_many(log, topic, fresh, count, first, end, err);
    if (status == OK)
        status = log_arrived_many(log, topic, fresh, count, end, err);
    if (status == E_DAMAGED)
        status = ask_each(worker, fresh, count, first, end, err);
    for (size_t i = 0; status == OK && i < count; i++) {
        int slot = fresh[i];
        if (worker->slots[slot] == SLOT_DAMAGED)
            continue;
        positions_drop_slot(worker->positions, slot);
        worker->slot_ends[slot] = end[i];
        if (first[i] == end[i])
            slot_loaded(worker, slot);
        else
            status =
                log_reader_assign(worker->reader, topic, slot, first[i], &worker->slot_handles[slot], err);
    }
    *busy = true;
    return status;
}

/* Reads a slot's partition; *done at its end. */
static Status load_slot(Worker *worker, int slot, bool *done, bool *busy, Error *err)
{
    int     *handle = &worker->slot_handles[slot];
    LogBatch batch;
    TRY(log_reader_take(worker->reader, *handle, POLL_RECORDS, &batch, err));
    for (size_t i = 0; i < batch.count; i++)
        positions_put(worker->positions, batch.records[i].key, slot, batch.records[i].value);
    *busy |= batch.count > 0;
    *done = batch.count == 0 && log_reader_at_end(worker->reader, *handle) &&
            log_reader_position(worker->reader, *handle) >= worker->slot_ends[slot];
    log_batch_release(worker->reader, &batch);
    if (*done) {
        log_reader_unassign(worker->reader, *handle);
        *handle = -1;
        slot_loaded(worker, slot);
    }
    return OK;
}

/* True while some are still being loaded. */
bool worker_load_slots(Worker *worker, bool *busy)
{
    Error err;
    bool  loading = false;
    if (worker->slots == NULL)
        return false;
    Status status = begin_slots(worker, busy, &err);
    arena_reset(worker->scratch);
    if (status != OK) {
        worker_say_trouble(worker, &err);
        worker_pause(worker);
        return true;
    }
    for (int s = 0; s < atomic_load(&worker->runtime->slot_count); s++) {
        bool done = false;
        if (worker->slots[s] != SLOT_LOADING)
            continue;
        status = load_slot(worker, s, &done, busy, &err);
        if (status == E_DAMAGED) {
            slot_damaged(worker, s, &err);
            continue;
        }
        if (status != OK) {
            worker_say_trouble(worker, &err);
            worker_pause(worker);
            return true;
        }
        loading |= !done;
        *busy |= done;
    }
    return loading;
}

/* ---- which tasks there should be ---- */

/* Has a commit been made for it elsewhere? Then what it has is of the past. */
static bool is_outdated(const Worker *worker, const Task *task)
{
    TaskRecord record;
    Str        bytes = positions_get(worker->positions, task->key);
    uint64_t   there = 0;
    if (!str_is_null(bytes) && task_record_decode(bytes, worker->scratch, &record, NULL) == OK)
        there = record.sequence;
    arena_reset(worker->scratch);
    return there != task->sequence;
}

/* A standby whose slot has come here takes over if it is open; else it goes, and its own task is made. */
static bool is_wanted(const Worker *worker, const Task *task)
{
    SlotState slot  = worker->slots[task->slot];
    bool      owned = slot != SLOT_NONE && slot != SLOT_STANDBY;
    if (!task->class->stands_by)
        return owned;
    return owned ? task->state == TASK_FOLLOWING && slot != SLOT_DAMAGED
                 : standby_is_wanted(worker, task->query, task->sub, task->slot);
}

static void close_unwanted(Worker *worker)
{
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (task->query == NULL)
            continue;
        if (!is_wanted(worker, task)) { /* a dropped query's have gone with the message */
            task_free(task);
        } else if (worker->compare_tasks && !task->class->stands_by && task->pipeline != NULL &&
                   is_outdated(worker, task)) {
            task_close_pipeline(task);
            task_move(task, EVENT_REOPENED);
        }
    }
    worker->compare_tasks = false;
}

static int compare_tasks(const void *a, const void *b)
{
    const Task *x = *(Task *const *)a, *y = *(Task *const *)b;
    if (x->sub != y->sub)
        return (uintptr_t)x->sub < (uintptr_t)y->sub ? -1 : 1;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

/* The tasks of persistent queries, sorted for has_task; in worker->scratch. */
static Task **sort_tasks(const Worker *worker, size_t *count)
{
    size_t n = 0;
    for (const Task *task = worker->tasks; task != NULL; task = task->next)
        n += task->query != NULL;
    Task **sorted = ARENA_ARRAY(worker->scratch, Task *, n + 1);
    *count        = 0;
    for (Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->query != NULL)
            sorted[(*count)++] = task;
    qsort(sorted, *count, sizeof *sorted, compare_tasks);
    return sorted;
}

static bool has_task(Task *const *sorted, size_t count, QuerySub *sub, int partition)
{
    Task        wanted = {.sub = sub, .partition = partition};
    const Task *key    = &wanted;
    return count > 0 && bsearch(&key, sorted, count, sizeof *sorted, compare_tasks) != NULL;
}

/* `sorted`: the tasks that may be there already. */
static void open_wanted(Worker *worker, RunningQuery *query, Task *const *sorted, size_t count)
{
    int slots = atomic_load(&worker->runtime->slot_count);
    for (size_t i = 0; i < query->sub_count; i++) {
        QuerySub *sub = &query->subs[i];
        for (int p = 0; p < sub->tasks; p++) {
            int       slot  = query_slot(sub, p, slots);
            SlotState state = worker->slots[slot];
            bool      owned = state == SLOT_OWNED || state == SLOT_DAMAGED;
            if ((owned || standby_is_wanted(worker, query, sub, slot)) && !has_task(sorted, count, sub, p))
                task_enlist(owned ? task_new(worker, query, sub, p) : standby_new(worker, query, sub, p));
        }
    }
}

/* When slots have changed all is looked at. A query that is new has no tasks, whatever there is of others:
 * the thousandth costs what the first did. */
void worker_match_tasks(Worker *worker)
{
    Task **sorted = NULL;
    size_t count  = 0;
    if (worker->slots == NULL)
        return;
    if (worker->slots_changed) {
        worker->slots_changed = false;
        close_unwanted(worker);
        sorted                  = sort_tasks(worker, &count);
        worker->matched_queries = 0;
    }
    while (worker->matched_queries < worker->query_count)
        open_wanted(worker, worker->queries[worker->matched_queries++], sorted, count);
    arena_reset(worker->scratch);
}

/* ---- opening, restoring, retrying ---- */

/* Where nothing of others is touched, it alone is tried again. What a live task has done is part of the
 * worker's transaction, so its failure is the worker's. */
static void task_failed(Worker *worker, Task *task, Error *err)
{
    if (err->code == E_BUSY)
        err->code = E_WAIT; /* somebody else has it for a moment */
    if (err->code != E_IO || (task_state_is_live(task->state) && task->dirty)) {
        worker_failed(worker, task, err);
        return;
    }
    worker_say_trouble(worker, err);
    task_close_pipeline(task);
    if (task->state != TASK_OPENING)
        task_move(task, EVENT_REOPENED);
    worker_pause(worker);
}

static void retry(Worker *worker, Task *task, bool *busy)
{
    Error err;
    if (worker->quarantined != NULL || runtime_now_us(worker->runtime) < task->retry_us)
        return;
    if (worker->dirty != NULL && worker_commit(worker, true, &err) != OK) {
        worker_failed(worker, worker->blamed, &err);
        return;
    }
    worker->quarantined = task;
    task_move(task, EVENT_RETRIED);
    *busy = true;
}

/* What stands in the way is said when it is opened as any other. */
static void take_over(Task *task)
{
    Error ignored;
    task->class->close(task);
    task_become_own(task);
    if (task_take_over(task, &ignored) == OK)
        return;
    task_close_pipeline(task);
    task_move(task, EVENT_REOPENED);
}

/* It disturbs nobody, so it needs no quarantine. */
static void retry_standby(Worker *worker, Task *task)
{
    if (runtime_now_us(worker->runtime) >= task->retry_us)
        task_move(task, EVENT_RETRIED);
}

/* Asked of each task in each pass, and a node may hold thousands of push queries: what costs more than a look
 * at the task itself comes last. */
static Status attach_detached(Task *task, Error *err)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (task->inputs[i].fetcher == NULL)
            return task_runnable(task) ? task_attach_inputs(task, err) : OK;
    return OK;
}

static bool advance_task(Worker *worker, Task *task, bool *busy)
{
    Error     err;
    bool      done;
    Status    status = OK;
    TaskState before = task->state;
    switch (task->state) {
    case TASK_OPENING:
        if (worker->quarantined != NULL && worker->quarantined != task)
            return true;
        status = task->class->stands_by ? standby_open(task, &err) : task_open(task, &err);
        break;
    case TASK_RESTORING:
        status = task_restore_slice(task, &err);
        break;
    case TASK_FOLLOWING:
        if (worker->slots[task->slot] == SLOT_OWNED)
            take_over(task);
        else
            status = standby_step(task, busy, &err);
        break;
    case TASK_WAITING:
    case TASK_WAITING_TO_OPEN:
        if (runtime_now_us(worker->runtime) >= task->retry_us)
            task_move(task, EVENT_WAIT_OVER);
        break;
    case TASK_FAILED:
        if (task->class->stands_by)
            retry_standby(worker, task);
        else
            retry(worker, task, busy);
        break;
    case TASK_REPLAYING: /* who has no record left to replay is not asked for a step */
        status = attach_detached(task, &err);
        if (status == OK)
            status = task_replay_look(task, &done, &err);
        break;
    case TASK_RUNNING:
        status = attach_detached(task, &err);
        break;
    case TASK_ABSENT:
    case TASK_STATE_COUNT:
        break;
    }
    *busy |= before != task->state;
    if (status == OK)
        return true;
    if (task->class->failed != NULL)
        worker_failed(worker, task, &err);
    else
        task_failed(worker, task, &err);
    return false;
}

/* What a take-over or a start has cost; a standby makes it little. */
static void say_restored(Worker *worker)
{
    log_line(LOG_INFO, "worker %d: %zu tasks have caught up with %zu records of their changelogs",
             worker->index, worker->restored_tasks, worker->restored_records);
    worker->restored_tasks = worker->restored_records = 0;
}

void worker_advance_tasks(Worker *worker, bool *busy)
{
    bool ready =
        worker->fence != NULL && !worker->slots_changed && worker->matched_queries == worker->query_count;
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (!advance_task(worker, task, busy)) {
            *busy = true;
            return; /* the list may have changed */
        }
        ready &= task->class->stands_by ||
                 (!task_state_is_starting(task->state) && task->state != TASK_WAITING_TO_OPEN);
        if (mailbox_has_mail(worker->mailbox))
            return;
    }
    mailbox_set_ready(worker->mailbox, ready);
    if (ready && worker->restored_tasks > 0)
        say_restored(worker);
}
