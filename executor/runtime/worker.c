/*
 * worker.c - a worker's life: its mailbox, its writers, its loop.
 *
 * A pass: answer messages, load the positions of new slots, open and restore tasks (assignment.c),
 * move records (worker_reader.c), commit when due (commit.c); wait when there was nothing to do. Whatever
 * fails on the way goes to worker_failed, and the next pass finds things as worker_failure.c left them.
 */
#include <unistd.h>

#include "executor/runtime/worker.h"

enum {
    WAIT_MAX_MS    = 1000,
    PING_MS        = 1000,
    POOL_WAIT_MS   = 2,
    TXN_TIMEOUT_MS = 10000,
    FETCH_US       = 25000,    /* a broker answers a fetch of nothing after that */
    STATE_CACHE    = 10 << 20, /* bytes of rows; the rest of a state is in the file's pages */
};

/* ---- making ---- */

Status worker_new(Runtime *runtime, int index, Worker **out, Error *err)
{
    Worker       *worker  = mem_calloc(1, sizeof *worker);
    ReaderOptions options = {.client_id = "sluice-worker"};
    size_t        len     = strlen(runtime->options.state_dir) + 40;
    worker->runtime       = runtime;
    worker->index         = index;
    worker->path          = mem_alloc(len);
    worker->last          = &worker->first;
    worker->scratch       = arena_new(0);
    worker->flushed_sink  = true;
    worker->kept          = 1;
    worker->commit_us     = runtime_now_us(runtime);
    snprintf(worker->path, len, "%s/state/worker-%d.db", runtime->options.state_dir, index);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->answered, NULL);
    Status status = state_file_open(worker->path, &worker->state, err);
    if (status == E_DATA) { /* damaged, or of another version: restored from the changelogs */
        log_line(LOG_WARN, "%s: %s; it is made again from the changelogs", worker->path, err->message);
        static const char *const parts[] = {"", "-wal", "-shm"};
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            Str path = str_printf(worker->scratch, "%s%s", worker->path, parts[i]);
            unlink(str_to_c(worker->scratch, path));
        }
        status = state_file_open(worker->path, &worker->state, err);
    }
    if (status == OK) {
        state_file_set_cache(worker->state, STATE_CACHE);
        status = log_reader_open(runtime->options.log, &options, &worker->reader, err);
    }
    if (status != OK) {
        worker_free(worker);
        return status;
    }
    worker_forget_resume(worker);
    *out = worker;
    return OK;
}

void worker_free(Worker *worker)
{
    if (worker == NULL)
        return;
    for (PoolReader *pool = worker->pool, *next; pool != NULL; pool = next) {
        next = pool->next;
        log_reader_close(pool->reader);
        mem_free(pool);
    }
    if (worker->reader != NULL)
        log_reader_close(worker->reader);
    shared_decode_worker_ends(worker);
    state_file_close(worker->state);
    for (size_t i = 0; i < worker->query_count; i++)
        query_unref(worker->queries[i]);
    for (size_t i = 0; i < worker->drop_count; i++)
        mem_free((char *)worker->drops[i].ptr);
    for (size_t i = 0; i < worker->forgetting_count; i++)
        forgotten_release(worker->forgetting[i]);
    positions_clear(&worker->positions);
    log_fence_unref(worker->fence);
    pthread_cond_destroy(&worker->answered);
    pthread_mutex_destroy(&worker->lock);
    arena_free(worker->scratch);
    mem_free(worker->drops);
    mem_free(worker->forgetting);
    mem_free(worker->queries);
    mem_free(worker->slots);
    mem_free(worker->slot_handles);
    mem_free(worker->path);
    mem_free(worker);
}

/* ---- mailbox ---- */

bool worker_post(Worker *worker, void (*run)(Worker *, void *), void *argument, bool wait)
{
    Message *message = mem_calloc(1, sizeof *message);
    *message         = (Message){.run = run, .argument = argument, .waited = wait};
    pthread_mutex_lock(&worker->lock);
    if (worker->ended) {
        pthread_mutex_unlock(&worker->lock);
        mem_free(message);
        return false;
    }
    *worker->last = message;
    worker->last  = &message->next;
    atomic_store(&worker->has_mail, true);
    atomic_fetch_add(&worker->posted, 1);
    pthread_mutex_unlock(&worker->lock);
    log_reader_wake(worker->reader);
    if (!wait)
        return true;
    pthread_mutex_lock(&worker->lock);
    while (!message->done)
        pthread_cond_wait(&worker->answered, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    mem_free(message);
    return true;
}

static Message *take_messages(Worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    Message *messages = worker->first;
    worker->first     = NULL;
    worker->last      = &worker->first;
    atomic_store(&worker->has_mail, false);
    worker->taken = atomic_load(&worker->posted);
    pthread_mutex_unlock(&worker->lock);
    return messages;
}

static void answer(Worker *worker)
{
    for (Message *message = take_messages(worker), *next; message != NULL; message = next) {
        next = message->next;
        message->run(worker, message->argument);
        if (!message->waited) {
            mem_free(message);
            continue;
        }
        pthread_mutex_lock(&worker->lock);
        message->done = true; /* its sender frees it */
        pthread_cond_broadcast(&worker->answered);
        pthread_mutex_unlock(&worker->lock);
    }
}

/* ---- writers ---- */

static Status open_writers(Worker *worker, Error *err)
{
    const RuntimeOptions *options = &worker->runtime->options;
    if (worker->txn == NULL) {
        /* Nothing interrupts the opening of a transactional writer, which has the patience of half a minute.
         */
        TRY(log_ping(options->log, PING_MS, err));
        Str           id     = str_printf(worker->scratch, "_confluent-ksql-" STR_FMT "worker-" STR_FMT "-%d",
                                          STR_ARG(options->service_id), STR_ARG(options->node_id), worker->index);
        WriterOptions writer = {.client_id              = "sluice-worker",
                                .transactional_id       = str_to_c(worker->scratch, id),
                                .transaction_timeout_ms = TXN_TIMEOUT_MS,
                                .linger_ms              = -1};
        Status        status = log_writer_open(options->log, &writer, &worker->txn, err);
        arena_reset(worker->scratch);
        TRY(status);
    }
    if (worker->sink == NULL && !options->exactly_once) {
        WriterOptions writer = {.client_id = "sluice-worker-sink", .linger_ms = -1};
        TRY(log_writer_open(options->log, &writer, &worker->sink, err));
    }
    return OK;
}

/* ---- the loop ---- */

static void commit_if_due(Worker *worker, bool dry)
{
    Error err;
    bool  lagging = worker->lag_us != 0 && worker_commit_wait_ms(worker) == 0;
    if (!worker->state_pending && !lagging && !worker_commit_due(worker, dry))
        return;
    if (worker_commit(worker, false, &err) != OK) {
        worker_failed(worker, worker->guilty, &err);
        return;
    }
    worker->pause_ms = 0;
    if (worker->alone != NULL && worker->alone->state == TASK_RUNNING)
        worker->alone = NULL;
}

static bool has_uncommitted(const Worker *worker) { return worker->dirty != NULL || worker->state_changed; }

/* Readers that run dry hasten the commit, unless more is on its way: in the middle of a backlog a fetch may
 * take longer than what it brought, and a commit each time would cost more than the records. Only a wait as
 * long as a fetch's own tells then. */
static bool is_dry(Worker *worker, bool busy)
{
    int64_t now = runtime_now_us(worker->runtime);
    if (busy)
        worker->dry_us = 0;
    else if (worker->dry_us == 0)
        worker->dry_us = now;
    return !busy && has_uncommitted(worker) && (now - worker->dry_us >= FETCH_US || feeds_are_level(worker));
}

static void wait_for_work(Worker *worker, bool dry)
{
    int  wait = worker_commit_wait_ms(worker);
    bool pool = false;
    pool_tidy(worker);
    if (wait < 0 || wait > WAIT_MAX_MS)
        wait = WAIT_MAX_MS;
    if (!dry && has_uncommitted(worker) && wait < FETCH_US / 1000)
        wait = FETCH_US / 1000;
    for (const PoolReader *one = worker->pool; one != NULL; one = one->next)
        pool |= one->assigned > 0;
    if (pool && wait > POOL_WAIT_MS)
        wait = POOL_WAIT_MS;
    for (const Task *task = worker->tasks; wait > 50 && task != NULL; task = task->next)
        if (task->state == TASK_PARKED || (task->state == TASK_RUNNING && task->ordered))
            wait = 50;
    log_reader_wait(worker->reader, wait);
}

static void pass(Worker *worker)
{
    bool  busy = false, loading = true, dry;
    Error err;
    if (runtime_now_us(worker->runtime) < worker->pause_us) {
        log_reader_wait(worker->reader, 20);
        usleep(5000); /* the wait returns at once where records are waiting */
        return;
    }
    if (open_writers(worker, &err) != OK) {
        worker_say_trouble(worker, &err);
        worker_pause(worker);
    } else if (worker->fence != NULL)
        loading = !worker->state_pending && worker_load_slots(worker, &busy);
    if (!worker->state_pending) {
        if (!loading && worker->fence != NULL && worker->txn != NULL &&
            worker_forget_queries(worker, &busy)) {
            worker_match_tasks(worker);
            worker_advance_tasks(worker, &busy);
        }
        feeds_pump(worker, &busy);
        busy |= push_tasks_flush(worker);
        busy |= worker->fence != NULL && worker_forget_slice(worker);
    }
    dry = is_dry(worker, busy);
    if (worker->fence != NULL && worker->txn != NULL && !loading)
        commit_if_due(worker, dry);
    if (!busy && worker->alone != NULL && worker->alone->state == TASK_RUNNING && !worker->alone->dirty) {
        worker->alone = NULL; /* there is nothing it could fail at now */
        busy          = true;
    }
    if (!busy && !atomic_load(&worker->has_mail))
        wait_for_work(worker, dry);
}

static void end(Worker *worker)
{
    Error err;
    if (worker->fence != NULL && worker->txn != NULL && worker_commit(worker, true, &err) != OK) {
        log_line(LOG_WARN, "worker %d: the last commit: %s", worker->index, err.message);
        worker_rollback(worker);
    }
    while (worker->tasks != NULL) {
        if (worker->tasks->push != NULL)
            push_worker_ended(worker->tasks);
        task_free(worker->tasks);
    }
    if (worker->txn != NULL)
        log_writer_close(worker->txn);
    if (worker->sink != NULL)
        log_writer_close(worker->sink);
    pthread_mutex_lock(&worker->lock);
    worker->ended = true;
    pthread_mutex_unlock(&worker->lock);
    answer(worker);
}

void *worker_main(void *argument)
{
    Worker *worker = argument;
    while (!worker->stopping) {
        answer(worker);
        if (!worker->stopping)
            pass(worker);
    }
    end(worker);
    return NULL;
}
