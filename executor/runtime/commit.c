/*
 * commit.c - the order of a commit, which is what makes it exactly once.
 *
 *   1. operators hand over what they held back; changed rows become changelog records
 *   2. each task's positions become a record in its slot's partition
 *   3. under at_least_once: the plain writer's records are flushed
 *   4. the fence: offsets of the slots' group with the generation in which the slots were assigned
 *   5. the log transaction commits: from here on it has happened
 *   6. the state file commits, with the changelog positions and the sequence numbers
 *
 * So the state file is never ahead of the log. A crash between 5 and 6 leaves a smaller sequence number in
 * the file: the changelog's tail is replayed (restore.c). If 6 fails (disk full), the worker stands still and
 * tries again: to go on from the old snapshot would count twice. Only where the failure took restored rows
 * with it there is nothing to try again: then the worker rolls back, and its tasks are restored from the log.
 *
 * A task that only moved on (its records had no effect) needs no transaction: its positions are written once
 * a second.
 */
#include "executor/runtime/commit.h"

#include "executor/runtime/fetch.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/task.h"
#include "executor/runtime/writers.h"

enum {
    RECORD_US                  = 1000000, /* how long positions without effects go unrecorded */
    TXN_BYTES_MAX              = 64 << 20,
    FIRST_COMMIT_MS            = 100,
    CAUGHT_UP_MS_AT_LEAST_ONCE = 10,
    CAUGHT_UP_MS_EXACTLY_ONCE  = 50,
};

/* ---- when ---- */

/* Readers that have caught up hasten a commit that somebody may wait for. Tasks that were only opened are
 * written down a little later: their first records are on their way, and a commit into topics just made would
 * stop the worker until brokers lead them. */
static int64_t commit_after_us(const Worker *worker, bool caught_up)
{
    const Runtime *runtime  = worker->runtime;
    int64_t        interval = runtime_commit_interval_ms(runtime);
    if (worker->commits == 0 && interval > FIRST_COMMIT_MS)
        interval = FIRST_COMMIT_MS;
    int64_t at_end = !worker->moved                  ? FIRST_COMMIT_MS
                     : runtime->options.exactly_once ? CAUGHT_UP_MS_EXACTLY_ONCE
                                                     : CAUGHT_UP_MS_AT_LEAST_ONCE;
    return 1000 * (caught_up && at_end < interval ? at_end : interval);
}

bool worker_has_uncommitted(const Worker *worker) { return worker->dirty != NULL || worker->state_changed; }

bool worker_commit_due(const Worker *worker, bool caught_up)
{
    if (!worker_has_uncommitted(worker))
        return false;
    size_t cache = worker->runtime->options.cache_bytes > 0 ? worker->runtime->options.cache_bytes : 10 << 20;
    if (worker->txn_bytes > TXN_BYTES_MAX || state_file_dirty_bytes(worker->state) > cache)
        return true;
    return runtime_now_us(worker->runtime) - worker->commit_us >= commit_after_us(worker, caught_up);
}

int worker_commit_wait_ms(const Worker *worker)
{
    int64_t now = runtime_now_us(worker->runtime), due;
    if (worker_has_uncommitted(worker))
        due = worker->commit_us + commit_after_us(worker, true);
    else if (worker->unrecorded_us != 0)
        due = worker->unrecorded_us + RECORD_US;
    else
        return -1;
    return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

/* ---- the parts ---- */

static Status flush_tasks(Worker *worker, Error *err)
{
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty) {
        worker->blamed = task;
        if (!task_state_is_live(task->state))
            continue;
        Status status = pipeline_flush(task->pipeline, err);
        task->torn    = status == E_WAIT;
        TRY(status);
    }
    worker->blamed = NULL;
    return OK;
}

/* Tasks whose positions have waited long enough. */
static void include_unrecorded(Worker *worker, bool force)
{
    if (worker->unrecorded_us == 0 ||
        (!force && runtime_now_us(worker->runtime) - worker->unrecorded_us < RECORD_US))
        return;
    for (Task *task = worker->tasks; task != NULL; task = task->next) {
        if (task->unrecorded && task_state_is_live(task->state))
            task_mark_dirty(task, true);
        task->unrecorded = false;
    }
    worker->unrecorded_us = 0;
}

/* Encodes the record into `out`; task->blob has the operators' small state. */
static void encode_task(Task *task, uint64_t sequence, StrBuf *out)
{
    TaskRecord record = {
        .generation     = task->query->plan->generation,
        .sequence       = sequence,
        .source_columns = task->source_columns,
        .topics         = task->input_topics,
        .positions      = task->input_positions,
        .stores         = task->store_names,
        .versions       = task->store_versions,
        .changelogs     = task->changelogs,
        .input_count    = task->input_count,
        .store_count    = pipeline_store_count(task->pipeline),
        .saved          = strbuf_str(&task->blob),
    };
    strbuf_reset(out);
    task_record_encode(&record, out);
}

/* Is there anything in this commit that has to be? */
static bool choose_task(Worker *worker, Task *task, bool force)
{
    strbuf_reset(&task->blob);
    pipeline_save(task->pipeline, &task->blob);
    int64_t now     = runtime_now_us(worker->runtime);
    bool    changed = !str_equal(strbuf_str(&task->blob), strbuf_str(&task->saved));
    task->in_commit = force || task->effects || changed || now - task->record_us >= RECORD_US;
    return task->in_commit;
}

static Status write_record(Worker *worker, Task *task, StrBuf *bytes, Error *err)
{
    for (size_t i = 0; i < task->input_count; i++)
        task->input_positions[i] = task->inputs[i].position;
    encode_task(task, task->sequence + 1, bytes);
    LogRecord record = {.timestamp = worker->runtime->clock->now_ms(worker->runtime->clock),
                        .key       = task->key,
                        .value     = strbuf_str(bytes)};
    TRY(writers_begin(worker, err));
    return log_append(worker->txn, worker->runtime->slots_topic, task->slot, &record, STR_NULL, err);
}

static Status fence(Worker *worker, Error *err)
{
    int          slots     = atomic_load(&worker->runtime->slot_count);
    LogPosition *positions = ARENA_ARRAY(worker->scratch, LogPosition, (size_t)slots);
    bool        *seen      = ARENA_ARRAY(worker->scratch, bool, (size_t)slots);
    size_t       count     = 0;
    for (const Task *task = worker->dirty; task != NULL; task = task->next_dirty) {
        if (!task->in_commit || seen[task->slot])
            continue;
        seen[task->slot]   = true;
        positions[count++] = (LogPosition){worker->runtime->slots_topic, task->slot, 0};
    }
    return log_txn_fence(worker->txn, worker->fence, positions, count, err);
}

enum { FLUSH_TIMEOUT_MS = 30000 };

static Status commit_log(Worker *worker, Error *err)
{
    StrBuf bytes  = {0};
    Status status = OK;
    for (Task *task = worker->dirty; status == OK && task != NULL; task = task->next_dirty)
        if (task->in_commit)
            status = write_record(worker, task, &bytes, err);
    strbuf_clear(&bytes);
    TRY(status);
    if (worker->sink != NULL && !worker->sink_flushed)
        TRY(log_flush(worker->sink, FLUSH_TIMEOUT_MS, err));
    worker->sink_flushed = true;
    TRY(fence(worker, err));
    arena_reset(worker->scratch);
    TRY(log_txn_commit(worker->txn, err));
    worker->in_txn = false;
    return OK;
}

/* ---- after the decision ---- */

static void task_committed(Worker *worker, Task *task, StrBuf *bytes)
{
    task->sequence++;
    task->record_us = runtime_now_us(worker->runtime);
    for (size_t i = 0; i < task->input_count; i++)
        task->inputs[i].committed = task->input_positions[i];
    encode_task(task, task->sequence, bytes);
    positions_put(worker->positions, task->key, task->slot, strbuf_str(bytes));
    strbuf_reset(&task->saved);
    strbuf_add(&task->saved, strbuf_str(&task->blob));
}

static Status set_meta(Worker *worker, Task *task, StrBuf *bytes, Error *err)
{
    size_t stores = pipeline_store_count(task->pipeline);
    char   slot[32];
    for (size_t i = 0; i < stores; i++) {
        int64_t end = pipeline_store_is_source(task->pipeline, i)
                          ? -1
                          : log_writer_end(worker->txn, task->changelog_topics[i], task->partition);
        if (end >= 0)
            task->changelogs[i] = end;
    }
    encode_task(task, task->sequence, bytes);
    TRY(state_meta_set(worker->state, task->key, strbuf_str(bytes), err));
    snprintf(slot, sizeof slot, "slot/%d", task->slot);
    return state_meta_set(worker->state, str_c(slot), STR_LIT("1"), err);
}

static Status keep_state(Worker *worker, Error *err)
{
    TRY(state_file_commit(worker->state, err));
    worker->file_commits++;
    worker->file_behind = worker->state_changed = worker->moved = false;
    for (Task *task = worker->dirty, *next; task != NULL; task = next) {
        next             = task->next_dirty;
        task->next_dirty = NULL;
        task->dirty      = false;
        pipeline_committed(task->pipeline);
        if (!task->in_commit) {
            task->unrecorded = true;
            if (worker->unrecorded_us == 0)
                worker->unrecorded_us = runtime_now_us(worker->runtime);
        } else
            task->unrecorded = false;
        task->effects = task->in_commit = false;
        task_publish(task);
        if (task_state_is_live(task->state)) {
            task->restored = false;
            atomic_store(&task->view->readable, true);
        }
        atomic_store(&task->view->stalled, false);
        atomic_store(&task->view->dirty, false);
    }
    worker->dirty     = NULL;
    worker->txn_bytes = 0;
    worker->commit_us = runtime_now_us(worker->runtime);
    notice_clear(&worker->trouble);
    return OK;
}

/* What the log has decided is written down in the state file; a failure leaves file_behind, to be tried
 * again. */
static Status commit_state(Worker *worker, Error *err)
{
    StrBuf bytes  = {0};
    Status status = OK;
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty) {
        if (!task->in_commit)
            continue;
        task_committed(worker, task, &bytes);
        if (task->pipeline != NULL && pipeline_store_count(task->pipeline) > 0 && status == OK)
            status = set_meta(worker, task, &bytes, err);
    }
    strbuf_clear(&bytes);
    worker->file_behind = true;
    TRY(status);
    return keep_state(worker, err);
}

Status worker_commit(Worker *worker, bool force, Error *err)
{
    bool any = false;
    if (worker->file_behind)
        return keep_state(worker, err);
    include_unrecorded(worker, force);
    TRY(flush_tasks(worker, err));
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty)
        any |= choose_task(worker, task, force);
    if (any) {
        TRY(commit_log(worker, err));
        worker->commits++;
    }
    if (!worker_has_uncommitted(worker))
        return OK;
    return commit_state(worker, err);
}
