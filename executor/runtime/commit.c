/*
 * commit.c - the order of a commit, which is what makes it exactly once.
 *
 *   1. operators hand over what they held back; changed rows become changelog records
 *   2. each task's positions become a record in its slot's partition
 *   3. under at_least_once: the plain writer's records are acknowledged
 *   4. changed rows are set aside (state_file_prepare)
 *   5. the transaction's records are acknowledged; the fence: offsets of the slots' group with the generation
 * in which the slots were assigned
 *   6. the log transaction commits: from here on it has happened
 *   7. the state file has them committed, with the changelog positions and the sequence numbers
 *
 * So the state file is never ahead of the log. A crash between 6 and 7 leaves a smaller sequence number in
 * the file: the changelog's tail is replayed (restore.c). If 7 fails (disk full), the worker stands still and
 * tries again: to go on from the old snapshot would count twice. Only where the failure took rows with it
 * there is nothing to try again: then the worker rolls back, and its tasks are restored from the log.
 *
 * Steps 5 and 6 are questions to brokers, and a worker that waited for the answers would process nothing for
 * most of its time at a thousand records a second. So they are asked by a thread (decision.c) and the worker
 * goes on with the records of the next commit: their rows are in the cache only (step 4 has made all of
 * before clean), their log records go to the other writer, positions and operators' states of this commit
 * were copied in step 2. Whoever does anything else than move records (tasks opened or closed, slots,
 * cleanup) settles the decision first. If it falls against the commit, both are rolled back, for the second
 * has seen what the first did.
 *
 * A task that only moved on (its records had no effect) needs no transaction: its positions are written once
 * a second.
 */
#include "executor/runtime/commit.h"

#include <assert.h>

#include "executor/runtime/decision.h"
#include "executor/runtime/fetch.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/stored.h"
#include "executor/runtime/task.h"
#include "executor/runtime/writers.h"

enum {
    RECORD_US          = 1000000, /* how long positions without effects go unrecorded */
    TXN_BYTES_MAX      = 64 << 20,
    OPENED_MS          = 100, /* what tasks note as they open */
    FIRST_COMMIT_MS    = 10,  /* after the first records of a task */
    AWAITED_MS         = 10,  /* at_least_once: between commits that somebody may wait for */
    AWAITED_MS_EXACTLY = 50,
};

/* ---- when ---- */

/* Does what was done come to light by the commit? Under at_least_once a sink's records have left already:
 * only tables, and what goes through repartition topics, are waited for. */
static bool is_awaited(const Worker *worker)
{
    return worker->sink == NULL || worker->in_txn || state_file_dirty_bytes(worker->state) > 0;
}

/* What a task does first is not kept for an interval: whoever has made a query looks whether it does what he
 * meant, and behind a repartition topic that is the first of the task which reads it. After that, readers
 * that have caught up hasten a commit that somebody may wait for; others when nothing comes any more. Tasks
 * that were only opened are written down a little later: their first records are on their way, and a commit
 * into topics just made would stop the worker until brokers lead them. */
static int64_t commit_due_us(const Worker *worker, bool caught_up)
{
    int64_t interval =
        worker->interval_ms < INT64_MAX ? worker->interval_ms : runtime_commit_interval_ms(worker->runtime);
    int64_t due   = worker->commit_us + interval * 1000;
    int64_t first = worker->newcomer_us + FIRST_COMMIT_MS * 1000;
    if (worker->newcomer && first < due)
        due = first;
    if (!caught_up)
        return due;
    int64_t at_end = !worker->moved ? OPENED_MS : worker->exactly_once ? AWAITED_MS_EXACTLY : AWAITED_MS;
    int64_t from   = worker->commit_us;
    if (worker->moved && !is_awaited(worker) && worker->quiet_us > from)
        from = worker->quiet_us;
    return from + at_end * 1000 < due ? from + at_end * 1000 : due;
}

bool worker_has_uncommitted(const Worker *worker) { return worker->dirty != NULL || worker->state_changed; }

/* More than should wait in memory, or in a transaction. */
static bool is_full(const Worker *worker)
{
    return worker->txn_bytes > TXN_BYTES_MAX ||
           state_file_dirty_bytes(worker->state) > commit_size_most(&worker->commit_size);
}

bool worker_commit_due(const Worker *worker, bool caught_up)
{
    if (!worker_has_uncommitted(worker))
        return false;
    return is_full(worker) || runtime_now_us(worker->runtime) >= commit_due_us(worker, caught_up);
}

int worker_commit_wait_ms(const Worker *worker)
{
    int64_t now = runtime_now_us(worker->runtime), due;
    if (worker_has_uncommitted(worker))
        due = commit_due_us(worker, true);
    else if (worker->unrecorded_us != 0)
        due = worker->unrecorded_us + RECORD_US;
    else
        return -1;
    return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

/* ---- the parts ---- */

static Status keep_state(Worker *worker, Error *err);

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
    stored_encode(task, task->sequence + 1, bytes);
    LogRecord record = {.timestamp = worker->runtime->clock->now_ms(worker->runtime->clock),
                        .key       = task->key,
                        .value     = strbuf_str(bytes)};
    TRY(writers_begin(worker, err));
    return log_append(worker->txn, worker->runtime->slots_topic, task->slot, &record, STR_NULL, err);
}

/* The slots whose tasks are part of it, for the fence; in worker->scratch. */
static size_t list_slots(Worker *worker, LogPosition **out)
{
    int    slots = atomic_load(&worker->runtime->slot_count);
    bool  *seen  = ARENA_ARRAY(worker->scratch, bool, (size_t)slots);
    size_t count = 0;
    *out         = ARENA_ARRAY(worker->scratch, LogPosition, (size_t)slots);
    for (const Task *task = worker->dirty; task != NULL; task = task->next_dirty) {
        if (!task->in_commit || seen[task->slot])
            continue;
        seen[task->slot] = true;
        (*out)[count++]  = (LogPosition){worker->runtime->slots_topic, task->slot, 0};
    }
    return count;
}

enum { FLUSH_TIMEOUT_MS = 30000 };

/* A sink's records are acknowledged here and not by the decision: its writer goes on with the next commit's.
 */
static Status write_records(Worker *worker, Error *err)
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
    return OK;
}

/* From here on what is done belongs to the next commit. */
static void hand_over(Worker *worker, bool in_log)
{
    for (Task *task = worker->dirty, *next; task != NULL; task = next) {
        next                  = task->next_dirty;
        task->next_dirty      = NULL;
        task->dirty           = false;
        task->effects         = false;
        task->newness         = task->newness == TASK_BEGINS ? TASK_KNOWN : task->newness;
        task->deciding        = true;
        task->next_deciding   = worker->deciding_list;
        worker->deciding_list = task;
        if (task->pipeline != NULL)
            pipeline_committed(task->pipeline);
    }
    worker->dirty         = NULL;
    worker->interval_ms   = INT64_MAX;
    worker->exactly_once  = false;
    worker->deciding      = true;
    worker->deciding_txn  = in_log ? worker->txn : NULL;
    worker->in_txn        = in_log ? false : worker->in_txn;
    worker->state_changed = worker->moved = worker->newcomer = false;
    worker->txn_bytes                                        = 0;
    worker->commit_us                                        = runtime_now_us(worker->runtime);
}

Status worker_commit_begin(Worker *worker, bool force, Error *err)
{
    bool         any = false;
    LogPosition *slots;
    size_t       bytes = state_file_dirty_bytes(worker->state);
    int64_t      start = runtime_now_us(worker->runtime);
    assert(!worker->deciding);
    if (worker->file_behind)
        TRY(keep_state(worker, err));
    include_unrecorded(worker, force);
    TRY(flush_tasks(worker, err));
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty)
        any |= choose_task(worker, task, force);
    if (!any && !worker_has_uncommitted(worker))
        return OK;
    if (any)
        TRY(write_records(worker, err));
    worker->prepared = state_file_can_prepare(worker->state);
    if (worker->prepared)
        state_file_prepare(worker->state);
    commit_size_note(&worker->commit_size, bytes, runtime_now_us(worker->runtime) - start);
    size_t count = list_slots(worker, &slots);
    hand_over(worker, any);
    if (any)
        decision_begin(worker->decision, worker->deciding_txn, worker->fence, slots, count);
    arena_reset(worker->scratch);
    return OK;
}

/* ---- after the decision ---- */

static void task_committed(Worker *worker, Task *task, StrBuf *bytes)
{
    task->sequence++;
    task->record_us = runtime_now_us(worker->runtime);
    for (size_t i = 0; i < task->input_count; i++)
        task->inputs[i].committed = task->input_positions[i];
    stored_encode(task, task->sequence, bytes);
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
                          : writers_end(worker, task->changelog_topics[i], task->partition);
        if (end >= 0)
            task->changelogs[i] = end;
    }
    stored_encode_fact(task, task->sequence, bytes);
    TRY(state_meta_set(worker->state, task->key, strbuf_str(bytes), err));
    snprintf(slot, sizeof slot, "slot/%d", task->slot);
    return state_meta_set(worker->state, str_c(slot), STR_LIT("1"), err);
}

static void task_kept(Worker *worker, Task *task)
{
    task->deciding = false;
    if (!task->in_commit && worker->unrecorded_us == 0)
        worker->unrecorded_us = runtime_now_us(worker->runtime);
    task->unrecorded = !task->in_commit;
    task->in_commit  = false;
    task_publish(task);
    if (task_state_is_live(task->state)) {
        task->restored = false;
        atomic_store(&task->view->readable, true);
    }
    atomic_store(&task->view->stalled, false);
    atomic_store(&task->view->dirty, task->dirty); /* it may be part of the next commit already */
}

static Status keep_state(Worker *worker, Error *err)
{
    TRY(state_file_commit(worker->state, err));
    worker->file_commits++;
    worker->file_behind = false;
    for (Task *task = worker->deciding_list, *next; task != NULL; task = next) {
        next                = task->next_deciding;
        task->next_deciding = NULL;
        task_kept(worker, task);
    }
    worker->deciding_list = NULL;
    notice_clear(&worker->trouble);
    return OK;
}

/* What the log has decided is written down in the state file; a failure leaves file_behind, to be tried
 * again. */
static Status commit_state(Worker *worker, Error *err)
{
    StrBuf bytes  = {0};
    Status status = OK;
    for (Task *task = worker->deciding_list; task != NULL; task = task->next_deciding) {
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

/* Not taken further where it has fallen against the commit: then deciding_txn is for the rollback to abort.
 */
Status worker_commit_settle(Worker *worker, Error *err)
{
    if (!worker->deciding)
        return OK;
    worker->deciding = false;
    worker->blamed   = NULL;
    if (worker->deciding_txn != NULL)
        TRY(decision_outcome(worker->decision, err));
    worker->deciding_txn = NULL;
    return commit_state(worker, err);
}

bool worker_commit_can_settle(const Worker *worker)
{
    return worker->deciding && (!worker->prepared || worker->deciding_txn == NULL ||
                                decision_has_fallen(worker->decision) || is_full(worker));
}

Status worker_commit(Worker *worker, bool force, Error *err)
{
    TRY(worker_commit_settle(worker, err));
    TRY(worker_commit_begin(worker, force, err));
    return worker_commit_settle(worker, err);
}
