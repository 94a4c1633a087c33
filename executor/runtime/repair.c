/*
 * repair.c - a worker's state file that is damaged, of another version, or not its own, is made again from
 * the log.
 *
 * A state file holds nothing that the log does not have: rows follow from the changelogs (of source tables:
 * from their topics), positions stand in the slots topic. So damage, wherever and whenever SQLite meets it,
 * is not an error of a query but work: the file is renamed (state_aside.c) and an empty one opened; a task
 * that finds no fact of its own in it restores everything (restore.c). Push queries have files of their own
 * in memory and go on.
 *
 * Damage is met by the worker itself, by the helper thread's checkpoints and by pull queries; these two have
 * the worker told (runtime_state_damaged).
 *
 * Where no new file can be made (no room, no rights), worker->state is NULL and all tasks are closed until
 * one can.
 */
#include "executor/runtime/repair.h"

#include "executor/runtime/identity.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/pause.h"
#include "executor/runtime/query.h"
#include "executor/runtime/rollback.h"
#include "executor/runtime/task.h"

/* The file is half a second behind, or a quarter of 64 MB: any tool sees the tables of a moment ago, and a
 * restart replays less than a second. Under a small budget it is closer. */
enum { LAG_US = 500000, LAG_BYTES = 64 << 20 };

static Status set_aside(Worker *worker, const Error *why, Error *err)
{
    Clock *clock = worker->runtime->clock;
    Str    kept;
    TRY(state_file_set_aside(worker->path, worker->aside, clock->now_ms(clock), worker->scratch, &kept, err));
    worker->aside = ASIDE_DAMAGED;
    log_line(LOG_WARN, "%s: %s; it is kept as " STR_FMT ", and its tables are made again from the changelogs",
             worker->path, why->message, STR_ARG(kept));
    return OK;
}

static Status open_file(Worker *worker, Error *err)
{
    const Runtime *runtime = worker->runtime;
    size_t         memory  = runtime->options.state_memory_bytes / (size_t)runtime->worker_count;
    StateLag       lag     = {LAG_US, memory / 4 < LAG_BYTES ? memory / 4 : LAG_BYTES};
    TRY(state_file_open_behind(worker->path, runtime->shares[worker->index], &lag, memory, &worker->state,
                               err));
    Status status = identity_check(worker, err);
    arena_reset(worker->scratch);
    if (status != OK) {
        state_file_close(worker->state);
        worker->state = NULL;
    }
    return status;
}

Status worker_open_state(Worker *worker, Error *err)
{
    Error  why;
    Status status = open_file(worker, &why);
    if (status == E_STALE_STATE) {
        status = set_aside(worker, &why, err);
        arena_reset(worker->scratch);
        TRY(status);
        status = open_file(worker, &why); /* an empty one is anybody's */
    }
    if (status != OK) {
        worker->state = NULL;
        *err          = why;
    }
    return status;
}

static void close_tasks(Worker *worker)
{
    for (Task *task = worker->tasks; task != NULL; task = task->next) {
        if (task->query == NULL || task->pipeline == NULL)
            continue;
        task_close_pipeline(task);
        task_move(task, EVENT_REOPENED);
        atomic_store(&task->view->readable, false);
    }
    mailbox_set_ready(worker->mailbox, false);
}

static void open_again(Worker *worker)
{
    Error err;
    if (worker_open_state(worker, &err) == OK)
        return;
    worker_say_trouble(worker, &err);
    worker_pause(worker);
}

void worker_repair_state(Worker *worker, const Error *why)
{
    Error err;
    worker_rollback(worker);
    close_tasks(worker);
    state_file_close(worker->state);
    worker->state = NULL;
    Status status = set_aside(worker, why, &err);
    arena_reset(worker->scratch);
    if (status == OK)
        open_again(worker);
    else
        worker_say_trouble(worker, &err); /* opening it says again what is wrong with it */
}

bool worker_has_state(Worker *worker)
{
    if (worker->state == NULL)
        open_again(worker);
    return worker->state != NULL;
}

/* What waits for room is in memory meanwhile, and the log has it; when too much waits, commits fail. A commit
 * that works clears what is shown, so it is shown again. */
static void show_full_disk(Worker *worker, const Error *err)
{
    bool news             = !worker->file_troubled;
    worker->file_troubled = worker->stall_shown = true;
    for (Task *task = worker->tasks; task != NULL; task = task->next) {
        if (task->query == NULL || task->pipeline == NULL || pipeline_store_count(task->pipeline) == 0)
            continue;
        if (news)
            query_add_error(task->query, err);
        atomic_store(&task->view->stalled, true);
    }
}

void worker_show_room(Worker *worker)
{
    if (!worker->stall_shown)
        return;
    worker->stall_shown = worker->file_troubled = false;
    for (Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->query != NULL)
            atomic_store(&task->view->stalled, false);
}

void worker_watch_state(Worker *worker)
{
    Error  err;
    Status status = state_file_trouble(worker->state, &err);
    if (status == E_STALE_STATE) {
        worker_repair_state(worker, &err);
        worker_pause(worker);
    } else if (status == E_FULL) {
        show_full_disk(worker, &err);
    } else if (worker->file_troubled && !worker->file_behind) {
        worker_show_room(worker);
    }
}

/* ---- told by others ---- */

static void repair(Worker *worker, void *argument)
{
    Error *why = argument;
    if (worker->state != NULL)
        worker_repair_state(worker, why);
    mem_free(why);
}

void runtime_state_damaged(Runtime *runtime, size_t file, const Error *why)
{
    Error *copy = mem_alloc(sizeof *copy);
    *copy       = *why;
    if (!worker_post(runtime->workers[file], repair, copy, false))
        mem_free(copy);
}
