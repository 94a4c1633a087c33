/*
 * worker.c - a worker's loop and mailbox, and what it does when something fails.
 *
 * A pass: answer messages, load the positions of new slots, open and restore tasks, move records, commit when
 * due; wait when there was nothing to do.
 *
 * Failure (runtime.md 6.4, 9.4). The world (broker, disk): everything goes back to the last commit and is
 * tried again after a while; the queries keep their state and list the error. Fenced: the positions are read
 * again before anything goes on. A task's own failure: it is parked in ERROR, the others replay; after its
 * back-off it runs alone until a commit succeeds, so that a second failure costs the others nothing.
 */
#include <assert.h>
#include <unistd.h>

#include "executor/worker.h"

enum {
    PAUSE_FIRST_MS = 100,
    PAUSE_MAX_MS   = 5000,
    WAIT_MAX_MS    = 1000,
    PING_MS        = 1000,
    POOL_WAIT_MS   = 2,
    HEALTHY_US     = 300 * 1000000,
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

/* ---- failure ---- */

static void pause_worker(Worker *worker)
{
    worker->pause_ms = worker->pause_ms == 0                 ? PAUSE_FIRST_MS
                       : worker->pause_ms * 2 < PAUSE_MAX_MS ? worker->pause_ms * 2
                                                             : PAUSE_MAX_MS;
    worker->pause_us = runtime_now_us(worker->runtime) + (int64_t)worker->pause_ms * 1000;
}

/* Doubled before each sleep, ±20 %, from the beginning again after 5 healthy minutes. */
static void park(Worker *worker, Task *task, const Error *err)
{
    const RuntimeOptions *options = &worker->runtime->options;
    Clock                *clock   = worker->runtime->clock;
    int64_t               now     = runtime_now_us(worker->runtime);
    int64_t               most = options->retry_backoff_max_ms, wait = options->retry_backoff_initial_ms;
    if (task->state == TASK_RUNNING && now - task->running_since_us > HEALTHY_US)
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
    if (worker->alone == task)
        worker->alone = NULL;
    task_close_pipeline(task);
    task_set_state(task, TASK_PARKED);
}

static void world_failed(Worker *worker, const Error *err)
{
    log_line(LOG_WARN, "worker %d: %s", worker->index, err->message);
    for (Task *task = worker->dirty; task != NULL; task = task->next_dirty)
        query_add_error(task->query, err);
    if (worker->state_pending && !state_file_is_lost(worker->state)) {
        /* the log has it: stand still, visibly, until the file does, too */
        for (Task *task = worker->dirty; task != NULL; task = task->next_dirty)
            atomic_store(&task->view->state, TASK_PARKED);
        pause_worker(worker);
        return;
    }
    worker_rollback(worker);
    pause_worker(worker);
}

static void reload_slots(Worker *worker)
{
    for (int s = 0; worker->slots != NULL && s < atomic_load(&worker->runtime->slot_count); s++)
        if (worker->slots[s] == SLOT_OWNED) {
            worker->slots[s]        = SLOT_LOADING;
            worker->slot_handles[s] = -1;
        }
    worker->compare_tasks = true;
    atomic_store(&worker->ready, false);
}

static void fenced(Worker *worker, const Error *err)
{
    log_line(LOG_WARN, "worker %d: %s", worker->index, err->message);
    worker_rollback(worker);
    if (worker->txn != NULL)
        log_writer_close(worker->txn);
    worker->txn = NULL;
    reload_slots(worker);
    pause_worker(worker);
}

void worker_failed(Worker *worker, Task *task, const Error *err)
{
    if (task != NULL && task->push != NULL) {
        push_task_failed(task, err);
        return;
    }
    switch (err->code) {
    case E_FENCED:
        fenced(worker, err);
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

/* ---- slots ---- */

static void slot_loaded(Worker *worker, int slot)
{
    worker->slots[slot] = SLOT_OWNED;
    worker->tasks_stale = true;
}

/* Starts on those not begun yet. Most are empty: they are found by one question, for to read each to its end
 * costs the start 50 ms. */
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
    for (size_t i = 0; status == OK && i < count; i++) {
        int slot = fresh[i];
        positions_drop_slot(&worker->positions, slot);
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
        positions_put(&worker->positions, batch.records[i].key, slot, batch.records[i].value);
    *busy |= batch.count > 0;
    *done = batch.count == 0 && log_reader_at_end(worker->reader, *handle);
    log_batch_release(worker->reader, &batch);
    if (*done) {
        log_reader_unassign(worker->reader, *handle);
        *handle = -1;
        slot_loaded(worker, slot);
    }
    return OK;
}

/* True while some are still being loaded. */
static bool load_slots(Worker *worker, bool *busy)
{
    Error err;
    bool  loading = false;
    if (worker->slots == NULL)
        return false;
    Status status = begin_slots(worker, busy, &err);
    arena_reset(worker->scratch);
    if (status != OK) {
        log_line(LOG_WARN, "reading the positions of the slots: %s", err.message);
        pause_worker(worker);
        return true;
    }
    for (int s = 0; s < atomic_load(&worker->runtime->slot_count); s++) {
        bool done = false;
        if (worker->slots[s] != SLOT_LOADING)
            continue;
        if (load_slot(worker, s, &done, busy, &err) != OK) {
            log_line(LOG_WARN, "reading the positions of slot %d: %s", s, err.message);
            pause_worker(worker);
            return true;
        }
        loading |= !done;
        *busy |= done;
    }
    return loading;
}

/* ---- which tasks there should be ---- */

static Task *find_task(const Worker *worker, const QuerySub *sub, int partition)
{
    for (Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->sub == sub && task->partition == partition)
            return task;
    return NULL;
}

static bool has_query(const Worker *worker, const Query *query)
{
    for (size_t i = 0; i < worker->query_count; i++)
        if (worker->queries[i] == query)
            return true;
    return false;
}

/* Has a commit been made for it elsewhere? Then what it has is of the past. */
static bool is_outdated(const Worker *worker, const Task *task)
{
    TaskRecord record;
    Str        bytes = positions_get(&worker->positions, task->key);
    uint64_t   there = 0;
    if (!str_is_null(bytes) && task_record_decode(bytes, worker->scratch, &record, NULL) == OK)
        there = record.sequence;
    arena_reset(worker->scratch);
    return there != task->sequence;
}

static void close_unwanted(Worker *worker)
{
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (task->push != NULL)
            continue;
        if (worker->slots[task->slot] == SLOT_NONE || !has_query(worker, task->query)) {
            task_free(task);
        } else if (worker->compare_tasks && task->pipeline != NULL && is_outdated(worker, task)) {
            task_close_pipeline(task);
            task_set_state(task, TASK_OPENING);
        }
    }
    worker->compare_tasks = false;
}

static void open_wanted(Worker *worker, Query *query)
{
    int slots = atomic_load(&worker->runtime->slot_count);
    for (size_t i = 0; i < query->sub_count; i++) {
        QuerySub *sub = &query->subs[i];
        for (int p = 0; p < sub->tasks; p++) {
            if (worker->slots[slot_of(sub, p, slots)] != SLOT_OWNED || find_task(worker, sub, p) != NULL)
                continue;
            Task *task    = task_new(worker, query, sub, p);
            task->next    = worker->tasks;
            worker->tasks = task;
        }
    }
}

static void match_tasks(Worker *worker)
{
    if (!worker->tasks_stale || worker->slots == NULL)
        return;
    worker->tasks_stale = false;
    close_unwanted(worker);
    for (size_t i = 0; i < worker->query_count; i++)
        open_wanted(worker, worker->queries[i]);
}

/* ---- opening, restoring, retrying ---- */

static void task_failed(Worker *worker, Task *task, const Error *err)
{
    if (err->code == E_IO || err->code == E_BUSY) { /* tried again soon; nothing of others is touched */
        log_line(LOG_WARN, "query " STR_FMT ": %s", STR_ARG(task->key), err->message);
        task_close_pipeline(task);
        task_set_state(task, TASK_OPENING);
        pause_worker(worker);
        return;
    }
    worker_failed(worker, task, err);
}

static void retry(Worker *worker, Task *task, bool *busy)
{
    Error err;
    if (worker->alone != NULL || runtime_now_us(worker->runtime) < task->retry_us)
        return;
    if (worker->dirty != NULL && worker_commit(worker, true, &err) != OK) {
        worker_failed(worker, worker->guilty, &err);
        return;
    }
    worker->alone = task;
    task_set_state(task, TASK_OPENING);
    *busy = true;
}

static Status attach_detached(Task *task, Error *err)
{
    if (!task_runnable(task))
        return OK;
    for (size_t i = 0; i < task->input_count; i++)
        if (task->inputs[i].feed == NULL)
            TRY(feed_attach(task->worker, &task->inputs[i], err));
    return OK;
}

static bool advance_task(Worker *worker, Task *task, bool *busy)
{
    Error     err;
    Status    status = OK;
    TaskState before = task->state;
    switch (task->state) {
    case TASK_OPENING:
        if (worker->alone != NULL && worker->alone != task)
            return true;
        status = task_open(task, &err);
        break;
    case TASK_RESTORING:
        status = task->replaying ? attach_detached(task, &err) : task_restore_slice(task, &err);
        break;
    case TASK_PARKED:
        retry(worker, task, busy);
        break;
    case TASK_RUNNING:
        status = attach_detached(task, &err);
        break;
    case TASK_ABSENT:
        break;
    }
    *busy |= before != task->state;
    if (status == OK)
        return true;
    if (task->push != NULL)
        worker_failed(worker, task, &err);
    else
        task_failed(worker, task, &err);
    return false;
}

static void advance_tasks(Worker *worker, bool *busy)
{
    bool ready = worker->fence != NULL && !worker->tasks_stale;
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (!advance_task(worker, task, busy)) {
            *busy = true;
            return; /* the list may have changed */
        }
        ready &= task->state != TASK_OPENING && task->state != TASK_RESTORING;
        if (atomic_load_explicit(&worker->has_mail, memory_order_relaxed))
            return;
    }
    atomic_store(&worker->ready, ready);
    atomic_store(&worker->settled, worker->taken);
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
        log_line(LOG_WARN, "worker %d: %s", worker->index, err.message);
        pause_worker(worker);
    } else if (worker->fence != NULL)
        loading = !worker->state_pending && load_slots(worker, &busy);
    if (!worker->state_pending) {
        if (!loading && worker->fence != NULL && worker->txn != NULL &&
            worker_forget_queries(worker, &busy)) {
            match_tasks(worker);
            advance_tasks(worker, &busy);
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
