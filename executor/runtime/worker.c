/*
 * worker.c - a worker's life: what it is made of, its loop, its end.
 *
 * A pass: answer messages, load the positions of new slots, open and restore tasks (assignment.c),
 * move records (fetcher.c), commit when due (commit.c); wait when there was nothing to do. Whatever
 * fails on the way goes to worker_failed, and the next pass finds things as failure.c left them.
 */
#include <unistd.h>

#include "executor/runtime/alignment.h"
#include "executor/runtime/assignment.h"
#include "executor/runtime/cleanup.h"
#include "executor/runtime/commit.h"
#include "executor/runtime/decision.h"
#include "executor/runtime/failure.h"
#include "executor/runtime/fetcher.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/pause.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/push_query.h"
#include "executor/runtime/query.h"
#include "executor/runtime/repair.h"
#include "executor/runtime/restore.h"
#include "executor/runtime/rollback.h"
#include "executor/runtime/shared_decode.h"
#include "executor/runtime/standby.h"
#include "executor/runtime/worker.h"
#include "executor/runtime/writers.h"

enum {
    WAIT_MAX_MS   = 1000,
    POOL_WAIT_MS  = 2,
    FOLLOW_MS     = 50, /* a standby's reader does not wake the worker: nobody waits for it */
    TROUBLED_MS   = 50,
    ALIGN_WAIT_MS = 5,     /* nobody wakes who waits for another task to have nothing left */
    FETCH_US      = 25000, /* a broker answers a fetch of nothing after that */
};

/* ---- making ---- */

static Status step(Task *task, bool *progress, Error *err)
{
    return task->state == TASK_REPLAYING ? task_replay_step(task, progress, err)
                                         : task_step(task, progress, err);
}

static void input_moved(TaskInput *input)
{
    Task *task = input->task;
    task_input_moved(input);
    if (task->class->stepped != NULL)
        task->class->stepped(task);
}

/* Not for clients and failed queries, which are not to disturb the others. */
static bool may_go_back(const TaskInput *input)
{
    return input->task->query != NULL && input->task->failures == 0;
}

static void wake(void *worker) { log_reader_wake(((Worker *)worker)->reader); }

static bool has_mail(void *worker) { return mailbox_has_mail(((const Worker *)worker)->mailbox); }

static Fetchers *make_fetchers(Worker *worker)
{
    const FetchClient client = {task_runnable, step, input_moved, may_go_back, has_mail, worker};
    return fetchers_new(worker->reader, worker->pool, worker->runtime->clock, worker->slices, &client);
}

Status worker_new(Runtime *runtime, int index, Worker **out, Error *err)
{
    Worker       *worker  = mem_calloc(1, sizeof *worker);
    ReaderOptions options = {.client_id = "sluice-worker"};
    size_t        len     = strlen(runtime->options.state_dir) + 40;
    worker->runtime       = runtime;
    worker->index         = index;
    worker->path          = mem_alloc(len);
    worker->scratch       = arena_new(0);
    worker->sink_flushed = worker->sink_sent = true;
    worker->decision                         = decision_new(wake, worker);
    worker->file_commits                     = 1;
    worker->mailbox                          = mailbox_new();
    worker->positions                        = positions_new();
    worker->slices =
        slice_cache_new(runtime->clock, runtime->options.functions_config, runtime->options.registry);
    worker->pool      = reader_pool_new(runtime->options.log, runtime->clock);
    worker->standbys  = standbys_new(runtime->options.log, runtime->clock);
    worker->commit_us = runtime_now_us(runtime);
    commit_size_init(&worker->commit_size,
                     runtime->options.cache_by_default ? 0 : runtime->options.cache_bytes,
                     runtime->options.state_memory_bytes / (size_t)runtime->worker_count);
    worker->interval_ms = INT64_MAX;
    snprintf(worker->path, len, "%s/state/worker-%d.db", runtime->options.state_dir, index);
    Status status = worker_open_state(worker, err);
    if (status == OK)
        status = log_reader_open(runtime->options.log, &options, &worker->reader, err);
    if (status != OK) {
        worker_free(worker);
        return status;
    }
    worker->fetchers = make_fetchers(worker);
    worker->cleanup  = cleanup_new(worker);
    *out             = worker;
    return OK;
}

void worker_free(Worker *worker)
{
    if (worker == NULL)
        return;
    decision_free(worker->decision);
    fetchers_free(worker->fetchers);
    reader_pool_free(worker->pool);
    standbys_free(worker->standbys);
    if (worker->reader != NULL)
        log_reader_close(worker->reader);
    slice_cache_free(worker->slices);
    state_file_close(worker->state);
    for (size_t i = 0; i < worker->query_count; i++)
        query_unref(worker->queries[i]);
    cleanup_free(worker->cleanup);
    positions_free(worker->positions);
    mailbox_free(worker->mailbox);
    log_fence_unref(worker->fence);
    arena_free(worker->scratch);
    mem_free(worker->queries);
    mem_free(worker->slots);
    mem_free(worker->owned);
    mem_free(worker->slot_handles);
    mem_free(worker->slot_ends);
    mem_free(worker->slot_damage);
    mem_free(worker->path);
    mem_free(worker);
}

/* ---- the loop ---- */

/* Under at_least_once nobody has to wait for a commit to see what was written: it leaves when there is
 * nothing left to do. In the middle of a backlog it lingers, for full batches cost half. */
static void send_sinks(Worker *worker, bool caught_up)
{
    if (!caught_up || worker->sink == NULL || worker->sink_sent)
        return;
    log_send_now(worker->sink);
    worker->sink_sent = true;
}

/* A commit has succeeded. */
static void all_is_well(Worker *worker)
{
    worker->pause_ms = 0;
    if (worker->quarantined != NULL && worker->quarantined->state == TASK_RUNNING)
        worker->quarantined = NULL;
}

/* False: it has failed, and was rolled back. */
static bool settle(Worker *worker)
{
    Error err;
    if (!worker->deciding)
        return true;
    if (worker_commit_settle(worker, &err) != OK) {
        worker_failed(worker, worker->blamed, &err);
        return false;
    }
    all_is_well(worker);
    return true;
}

static void commit_if_due(Worker *worker, bool caught_up)
{
    Error err;
    if (worker->deciding) {
        if (worker_commit_can_settle(worker))
            (void)settle(worker);
        return; /* tasks and slots have their turn before the next begins, however much there is to do */
    }
    bool record_due = worker->unrecorded_us != 0 && worker_commit_wait_ms(worker) == 0;
    if (!worker->file_behind && !record_due && !worker_commit_due(worker, caught_up))
        return;
    if (worker_commit_begin(worker, false, &err) != OK)
        worker_failed(worker, worker->blamed, &err);
    else if (worker_commit_can_settle(worker) || worker->quarantined != NULL)
        (void)settle(worker);
    else if (!worker->deciding)
        all_is_well(worker);
}

/* Readers that have caught up hasten the commit, unless more is on its way: in the middle of a backlog a
 * fetch may take longer than what it brought, and a commit each time would cost more than the records. Only a
 * wait as long as a fetch's own tells then. Records that wait for what others write here need the commit. */
static bool has_caught_up(Worker *worker, bool busy)
{
    int64_t now = runtime_now_us(worker->runtime);
    if (busy)
        worker->quiet_us = 0;
    else if (worker->quiet_us == 0)
        worker->quiet_us = now;
    return !busy && worker_has_uncommitted(worker) &&
           (worker->awaits || now - worker->quiet_us >= FETCH_US || fetchers_caught_up(worker->fetchers));
}

/* The next commit is not begun while one is being decided, however due it is, and who decides wakes us: to
 * look at the clock meanwhile would take its core from those who ask the brokers. */
static int commit_wait_ms(const Worker *worker)
{
    if (worker->file_troubled)
        return TROUBLED_MS;
    return worker->deciding ? -1 : worker_commit_wait_ms(worker);
}

static void wait_for_work(Worker *worker, bool caught_up)
{
    int wait = commit_wait_ms(worker);
    reader_pool_tidy(worker->pool);
    standbys_tidy(worker->standbys);
    if (wait < 0 || wait > WAIT_MAX_MS)
        wait = WAIT_MAX_MS;
    if (!caught_up && worker_has_uncommitted(worker) && wait < FETCH_US / 1000)
        wait = FETCH_US / 1000;
    if (reader_pool_is_reading(worker->pool) && wait > POOL_WAIT_MS)
        wait = POOL_WAIT_MS;
    if (standbys_are_following(worker->standbys) && wait > FOLLOW_MS)
        wait = FOLLOW_MS;
    for (const Task *task = worker->tasks; wait > 50 && task != NULL; task = task->next)
        if (task->state == TASK_FAILED || task_state_is_waiting(task->state) ||
            (task->state == TASK_RUNNING && task->ordered))
            wait = 50;
    if (worker->awaits && wait > ALIGN_WAIT_MS)
        wait = ALIGN_WAIT_MS;
    log_reader_wait(worker->reader, wait);
}

static bool clean_up(Worker *worker, bool *busy)
{
    Error err;
    if (cleanup_positions(worker->cleanup, busy, &err) == OK)
        return true;
    worker_failed(worker, worker->blamed, &err);
    return false;
}

static void remove_tables(Worker *worker, bool *busy)
{
    Error err;
    if (worker->fence != NULL && cleanup_slice(worker->cleanup, busy, &err) != OK)
        worker_failed(worker, NULL, &err);
}

static void move_records(Worker *worker, bool *busy)
{
    Error err;
    Task *failed = NULL;
    if (fetchers_run(worker->fetchers, busy, &failed, &err) == OK)
        return;
    worker_failed(worker, failed, &err);
    *busy = true;
}

/* Nothing can be committed, on a full disk say, but push queries read only: their clients get what is there.
 */
static void serve_clients(Worker *worker)
{
    bool busy = false;
    move_records(worker, &busy);
    if (push_tasks_flush(worker) || busy)
        return;
    log_reader_wait(worker->reader, 20);
    usleep(5000); /* the wait returns at once where records are waiting */
}

/* Tasks come and go, slots too: only while no commit is being decided. True: slots are being loaded. */
static bool arrange(Worker *worker, bool *busy)
{
    bool  loading = true;
    Error err;
    if (!worker_has_state(worker))
        return true;
    worker_watch_state(worker);
    if (worker->state == NULL)
        return true;
    if (writers_open(worker, &err) != OK) {
        worker_say_trouble(worker, &err);
        worker_pause(worker);
    } else if (worker->fence != NULL)
        loading = !worker->file_behind && worker_load_slots(worker, busy);
    if (worker->file_behind)
        return loading;
    if (!loading && worker->fence != NULL && worker->txn != NULL && clean_up(worker, busy)) {
        worker_match_tasks(worker);
        standby_read_slots(worker, busy);
        worker_advance_tasks(worker, busy);
    }
    remove_tables(worker, busy);
    return loading;
}

static void pass(Worker *worker)
{
    bool busy = false, loading = false;
    worker->pausing = runtime_now_us(worker->runtime) < worker->pause_us;
    if (worker->pausing) {
        serve_clients(worker);
        return;
    }
    if (!worker->deciding)
        loading = arrange(worker, &busy);
    if (worker->state == NULL)
        return;
    if (!worker->file_behind) {
        worker->awaits = false;
        move_records(worker, &busy);
        busy |= push_tasks_flush(worker);
    }
    bool caught_up = has_caught_up(worker, busy);
    send_sinks(worker, caught_up);
    if (worker->fence != NULL && worker->txn != NULL && !loading)
        commit_if_due(worker, caught_up);
    alignment_note(worker); /* before it sleeps: others may wait for what a commit has just ended */
    if (!busy && worker->quarantined != NULL && worker->quarantined->state == TASK_RUNNING &&
        !worker->quarantined->dirty && !worker->deciding) {
        worker->quarantined = NULL; /* there is nothing it could fail at now */
        busy                = true;
    }
    if (!busy && !worker_has_uncommitted(worker) && !worker->deciding && !worker->file_behind &&
        !worker->file_troubled)
        worker_show_room(worker);
    if (!busy && !mailbox_has_mail(worker->mailbox) && !worker_commit_can_settle(worker))
        wait_for_work(worker, caught_up);
}

static void end(Worker *worker)
{
    Error err;
    bool  can_commit = worker->deciding || (worker->fence != NULL && worker->txn != NULL);
    if (can_commit && worker_commit(worker, true, &err) != OK) {
        log_line(LOG_WARN, "worker %d: the last commit: %s", worker->index, err.message);
        worker_rollback(worker);
    }
    while (worker->tasks != NULL) {
        const Task *task = worker->tasks;
        if (task->class->worker_ended != NULL)
            task->class->worker_ended(worker->tasks);
        task_free(worker->tasks);
    }
    writers_close(worker);
    mailbox_end(worker);
}

void *worker_main(void *argument)
{
    Worker *worker = argument;
    while (!worker->stopping) {
        if (mailbox_has_mail(worker->mailbox))
            (void)settle(worker); /* whatever it is about */
        mailbox_answer(worker);
        if (!worker->stopping)
            pass(worker);
    }
    end(worker);
    return NULL;
}
