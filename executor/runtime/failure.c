/*
 * failure.c - what a worker does when something fails: who has to wait, and what is undone.
 *
 * runtime.md 6.4, 9.4. The world (broker, disk): everything goes back to the last commit and is tried again
 * after a while; the queries keep their state and list the error. Fenced: the positions are read again before
 * anything goes on. A task's own failure: it is parked in ERROR, the others replay; after its back-off it
 * runs alone until a commit succeeds (assignment.c), so that a second failure costs the others nothing.
 *
 * Invariant: nothing uncommitted outlives a failure, for a transaction holds the work of all tasks and cannot
 * give back that of one. (A push query's task has no part in it and ends alone.) The exception is a state
 * file that cannot follow a commit of the log: that commit stands, so the worker stands still until the file
 * has it, too.
 */
#include "executor/runtime/failure.h"

#include "executor/runtime/mailbox.h"
#include "executor/runtime/pause.h"
#include "executor/runtime/query.h"
#include "executor/runtime/repair.h"
#include "executor/runtime/rollback.h"
#include "executor/runtime/task.h"
#include "executor/runtime/writers.h"

enum {
    WAIT_FIRST_MS = 100,
    WAIT_MAX_MS   = 10000,
    HEALTHY_US    = 300 * 1000000,
};

/* Doubled before each sleep, ±20 %, from the beginning again after 5 healthy minutes. */
static void park(Worker *worker, Task *task, const Error *err)
{
    const QuerySettings *settings = &task->query->settings;
    Clock               *clock    = worker->runtime->clock;
    int64_t              now      = runtime_now_us(worker->runtime);
    int64_t              most = settings->retry_max_ms, wait = settings->retry_initial_ms;
    if (task_state_is_live(task->state) && now - task->running_since_us > HEALTHY_US)
        task->failures = 0;
    task->failures++;
    for (unsigned i = 0; i < task->failures && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    wait += wait * ((int64_t)(clock->random(clock) % 401) - 200) / 1000;
    task->retry_us = now + wait * 1000;
    log_line(LOG_ERROR, "query " STR_FMT " has stopped (tried again in %lld ms): %s", STR_ARG(task->key),
             (long long)wait, err->message);
    query_add_error(task->query, err);
    if (worker->quarantined == task)
        worker->quarantined = NULL;
    task_close_pipeline(task);
    task_move(task, EVENT_FAILED);
}

/* Doubled each time in a row, so that many who wait for the same do not ask all the time. */
static int64_t wait_back_off_ms(const Task *task)
{
    int64_t ms = WAIT_FIRST_MS;
    for (unsigned i = 1; i < task->waits && ms < WAIT_MAX_MS; i++)
        ms *= 2;
    return ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

/* It alone stands still. What it had to leave half done is undone, which costs the others a replay. */
static void must_wait(Worker *worker, Task *task, const Error *err)
{
    int64_t now = runtime_now_us(worker->runtime);
    if (task->torn)
        worker_rollback(worker);
    task->torn = false;
    if (!task_state_is_live(task->state))
        task_close_pipeline(task);
    if (worker->quarantined == task)
        worker->quarantined = NULL;
    task_move(task, EVENT_MUST_WAIT);
    task->waits++;
    task->retry_us = now + wait_back_off_ms(task) * 1000;
    query_set_waiting(task->query, err->message);
    if (notice_due(&task->waiting, str_c(err->message), now))
        log_line(LOG_WARN, "query " STR_FMT " waits: %s", STR_ARG(task->key), err->message);
}

/* A full disk waits for a person, as a damaged one does: it is to be seen, until a commit works. */
static void note_world(Task *task, bool in_file, const Error *err)
{
    query_add_error(task->query, err);
    if (task->view != NULL && (in_file || err->code == E_FULL || err->code == E_DAMAGED))
        atomic_store(&task->view->stalled, task->worker->stall_shown = true);
}

static void world_failed(Worker *worker, const Error *err)
{
    bool in_file = worker->file_behind && !state_file_is_lost(worker->state);
    worker_say_trouble(worker, err);
    for (Task *task = worker->deciding_list; task != NULL; task = task->next_deciding)
        note_world(task, in_file, err);
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty)
        if (!task->deciding)
            note_world(task, in_file, err);
    if (in_file) { /* the log has it: stand still until the file does, too */
        worker_pause(worker);
        return;
    }
    worker_rollback(worker);
    worker_pause(worker);
}

/* The positions of all owned slots are read again, and tasks that moved on elsewhere opened again. */
static void reload_slots(Worker *worker)
{
    for (int s = 0; worker->slots != NULL && s < atomic_load(&worker->runtime->slot_count); s++)
        if (worker->slots[s] == SLOT_OWNED) {
            worker->slots[s]        = SLOT_LOADING;
            worker->slot_handles[s] = -1;
        }
    worker->compare_tasks = true;
    mailbox_set_ready(worker->mailbox, false);
}

static void fenced(Worker *worker, const Error *err)
{
    log_line(LOG_WARN, "worker %d: %s", worker->index, err->message);
    worker_rollback(worker);
    writers_drop_transactional(worker);
    reload_slots(worker);
    worker_pause(worker);
}

void worker_failed(Worker *worker, Task *task, const Error *err)
{
    if (task != NULL && task->class->failed != NULL && err->code != E_STALE_STATE) {
        task->class->failed(task, err);
        return;
    }
    switch (err->code) {
    case E_WAIT:
        if (task != NULL)
            must_wait(worker, task, err);
        else
            world_failed(worker, err);
        return;
    case E_FENCED:
        fenced(worker, err);
        return;
    case E_STALE_STATE:
        worker_repair_state(worker, err);
        worker_pause(worker);
        return;
    case E_IO:
    case E_BUSY:
    case E_FULL:
        world_failed(worker, err);
        return;
    default:
        break;
    }
    if (task == NULL) {
        world_failed(worker, err);
        return;
    }
    worker_rollback(worker);
    park(worker, task, err);
}
