/*
 * runtime.c - the public face: the registry of queries, start and stop of the threads, what is told about
 * running queries.
 *
 * The registry (under runtime->lock) holds one reference to each query, every worker another; a query goes
 * when the last is dropped. Starting and stopping are messages, in order, to all workers: a replaced query's
 * tasks are closed before the new one's open.
 */
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/runtime/worker.h"

enum { WORKERS_MAX = 10, RETRY_INITIAL_MS = 15000, RETRY_MAX_MS = 900000, METADATA_MS = 30000 };

int64_t runtime_now_us(const Runtime *runtime) { return runtime->clock->monotonic_us(runtime->clock); }

bool runtime_sleep(Runtime *runtime, const atomic_bool *stop, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&runtime->lock);
    while (!atomic_load(stop) && pthread_cond_timedwait(&runtime->changed, &runtime->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&runtime->lock);
    return !atomic_load(stop);
}

int runtime_commit_interval_ms(const Runtime *runtime)
{
    if (runtime->options.commit_interval_ms >= 0)
        return runtime->options.commit_interval_ms;
    return runtime->options.exactly_once ? 100 : 2000;
}

/* ---- opening ---- */

static int cpus(void)
{
    cpu_set_t set;
    int       count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
}

static void copy_options(Runtime *runtime, const RuntimeOptions *options)
{
    RuntimeOptions *own = &runtime->options;
    *own                = *options;
    own->state_dir      = str_to_c(runtime->arena, str_c(options->state_dir));
    own->service_id     = str_dup(runtime->arena, options->service_id);
    own->node_id        = str_dup(runtime->arena, options->node_id);
    if (own->metadata_max_age_ms <= 0)
        own->metadata_max_age_ms = METADATA_MS;
    if (own->retry_backoff_initial_ms <= 0)
        own->retry_backoff_initial_ms = RETRY_INITIAL_MS;
    if (own->retry_backoff_max_ms <= 0)
        own->retry_backoff_max_ms = RETRY_MAX_MS;
    runtime->clock        = options->clock;
    runtime->worker_count = options->workers > 0 ? options->workers : cpus();
    runtime->slots_topic =
        str_printf(runtime->arena, "_confluent-ksql-" STR_FMT "_slots", STR_ARG(own->service_id));
    runtime->slots_group = runtime->slots_topic;
}

/* With fewer workers than last time the files beyond go: their slots are restored from the changelogs by
 * others. */
static void remove_extra_files(Runtime *runtime)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (int i = runtime->worker_count; i < 1000; i++) {
        bool any = false;
        for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
            Str path = str_printf(runtime->arena, "%s/state/worker-%d.db%s", runtime->options.state_dir, i,
                                  parts[p]);
            any |= unlink(str_to_c(runtime->arena, path)) == 0;
        }
        if (!any)
            return;
        log_line(LOG_INFO,
                 "there are fewer workers now: the state of worker %d is restored from the changelogs", i);
    }
}

static Status make_workers(Runtime *runtime, Error *err)
{
    char *dir = str_to_c(runtime->arena, str_printf(runtime->arena, "%s/state", runtime->options.state_dir));
    if (mkdir(dir, 0777) != 0 && access(dir, W_OK | X_OK) != 0)
        return error_set(err, E_IO, NO_POS, "cannot make the directory %s: %s", dir, strerror(errno));
    remove_extra_files(runtime);
    runtime->workers = ARENA_ARRAY(runtime->arena, Worker *, (size_t)runtime->worker_count);
    runtime->files   = ARENA_ARRAY(runtime->arena, const char *, (size_t)runtime->worker_count);
    for (int i = 0; i < runtime->worker_count; i++) {
        TRY(worker_new(runtime, i, &runtime->workers[i], err));
        runtime->files[i] = runtime->workers[i]->path;
    }
    return OK;
}

static Status start_thread(pthread_t *thread, bool *started, void *(*run)(void *), void *argument, Error *err)
{
    int failed = pthread_create(thread, NULL, run, argument);
    *started   = failed == 0;
    return failed == 0 ? OK : error_set(err, E_IO, NO_POS, "cannot start a thread: %s", strerror(failed));
}

static Status start_threads(Runtime *runtime, Error *err)
{
    for (int i = 0; i < runtime->worker_count; i++)
        TRY(start_thread(&runtime->workers[i]->thread, &runtime->workers[i]->started, worker_main,
                         runtime->workers[i], err));
    TRY(start_thread(&runtime->member_thread, &runtime->member_started, slots_main, runtime,
                     err)); /* it waits for workers */
    return start_thread(&runtime->helper_thread, &runtime->helper_started, helper_main, runtime, err);
}

Status runtime_open(const RuntimeOptions *options, Runtime **out, Error *err)
{
    Runtime *runtime = mem_calloc(1, sizeof *runtime);
    runtime->arena   = arena_new(0);
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->changed, NULL);
    copy_options(runtime, options);
    atomic_init(&runtime->joining, !options->joins_later);
    Status status = make_workers(runtime, err);
    if (status == OK)
        status = start_threads(runtime, err);
    if (status != OK) {
        runtime_close(runtime);
        return status;
    }
    *out = runtime;
    return OK;
}

void runtime_join(Runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->joining, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
}

static void stop_worker(Worker *worker, void *argument) { worker->stopping = true; }

/* Its last act is to write down which tables there are, so it goes before the tasks do. */
static void stop_helper(Runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->helper_stopping, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    if (runtime->helper_started)
        pthread_join(runtime->helper_thread, NULL);
}

/* The member leaves first, with the workers still there to commit; then nobody sends them messages but us. */
void runtime_close(Runtime *runtime)
{
    if (runtime == NULL)
        return;
    stop_helper(runtime);
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->stopping, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    if (runtime->member_started)
        pthread_join(runtime->member_thread, NULL);
    for (int i = 0; runtime->workers != NULL && i < runtime->worker_count; i++) {
        Worker *worker = runtime->workers[i];
        if (worker == NULL || !worker->started)
            continue;
        worker_post(worker, stop_worker, NULL, false);
        pthread_join(worker->thread, NULL);
    }
    for (int i = 0; runtime->workers != NULL && i < runtime->worker_count; i++)
        worker_free(runtime->workers[i]);
    forgotten_delete_topics(runtime, true);
    for (Query *query = runtime->queries, *next; query != NULL; query = next) {
        next = query->next;
        query_unref(query);
    }
    pthread_cond_destroy(&runtime->changed);
    pthread_mutex_destroy(&runtime->lock);
    arena_free(runtime->arena);
    mem_free(runtime);
}

/* ---- queries: messages to the workers, who take over the reference ---- */

static void add_query(Worker *worker, void *argument)
{
    if (worker->query_count == worker->query_capacity) {
        worker->query_capacity = worker->query_capacity ? worker->query_capacity * 2 : 16;
        worker->queries = mem_realloc(worker->queries, worker->query_capacity * sizeof *worker->queries);
    }
    worker->queries[worker->query_count++] = argument;
    worker->tasks_stale                    = true;
    atomic_store(&worker->ready, false);
}

static void commit_all(Worker *worker)
{
    Error err;
    if (worker->fence != NULL && worker->txn != NULL && worker->dirty != NULL &&
        worker_commit(worker, true, &err) != OK)
        worker_failed(worker, worker->guilty, &err);
}

static void close_tasks(Worker *worker, const Query *query)
{
    commit_all(worker);
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (task->query == query)
            task_free(task);
    }
}

static bool drop_query(Worker *worker, Query *query)
{
    for (size_t i = 0; i < worker->query_count; i++) {
        if (worker->queries[i] != query)
            continue;
        memmove(&worker->queries[i], &worker->queries[i + 1],
                (worker->query_count - i - 1) * sizeof *worker->queries);
        worker->query_count--;
        return true;
    }
    return false;
}

static void remove_query(Worker *worker, void *argument)
{
    Query *query = argument;
    close_tasks(worker, query);
    if (drop_query(worker, query))
        query_unref(query);
    query_unref(query);
}

static void forget_query(Worker *worker, void *argument)
{
    Forgotten *forgotten = argument;
    close_tasks(worker, forgotten->query);
    if (drop_query(worker, forgotten->query))
        query_unref(forgotten->query);
    worker_forget(worker, forgotten);
}

/* ---- queries: the registry ---- */

static Query *find_query(Runtime *runtime, Str id)
{
    Query *query = runtime->queries;
    while (query != NULL && !str_equal(query->plan->id, id))
        query = query->next;
    return query;
}

/* A reference of the caller's, or NULL. */
static Query *get_query(Runtime *runtime, Str id)
{
    pthread_mutex_lock(&runtime->lock);
    Query *query = find_query(runtime, id);
    if (query != NULL)
        query_ref(query);
    pthread_mutex_unlock(&runtime->lock);
    return query;
}

size_t runtime_hold_queries(Runtime *runtime, Arena *arena, Query ***out)
{
    size_t count = 0;
    pthread_mutex_lock(&runtime->lock);
    for (const Query *query = runtime->queries; query != NULL; query = query->next)
        count++;
    *out  = ARENA_ARRAY(arena, Query *, count + 1);
    count = 0;
    for (Query *query = runtime->queries; query != NULL; query = query->next)
        (*out)[count++] = query_ref(query);
    pthread_mutex_unlock(&runtime->lock);
    return count;
}

static Status no_query(Str id, Error *err)
{
    return error_set(err, E_NOT_FOUND, NO_POS, "No query with id " STR_FMT " is running", STR_ARG(id));
}

/* Under runtime->lock: takes it out; its reference is the caller's. */
static Query *unlink_query(Runtime *runtime, Str id)
{
    Query **link = &runtime->queries;
    while (*link != NULL && !str_equal((*link)->plan->id, id))
        link = &(*link)->next;
    Query *query = *link;
    if (query != NULL)
        *link = query->next;
    return query;
}

static void tell_workers(Runtime *runtime, void (*what)(Worker *, void *), Query *query)
{
    for (int i = 0; i < runtime->worker_count; i++)
        if (!worker_post(runtime->workers[i], what, query_ref(query), false))
            query_unref(query);
}

Status runtime_start_query(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                           void (*owner_free)(void *), Error *err)
{
    Query *query;
    TRY(query_new(runtime, plan, options, owner, owner_free, &query, err));
    Status status = query_make_topics(query, err);
    if (status == E_IO || status == E_BUSY) {
        log_line(LOG_WARN, "query " STR_FMT ": %s; it starts when its topics can be made", STR_ARG(plan->id),
                 err->message);
        status = OK;
    }
    if (status != OK) {
        query->owner_free = NULL; /* stays the caller's */
        query_unref(query);
        return status;
    }
    pthread_mutex_lock(&runtime->lock);
    Query *old       = unlink_query(runtime, plan->id);
    query->next      = runtime->queries;
    runtime->queries = query;
    if (old != NULL)
        tell_workers(runtime, remove_query, old);
    tell_workers(runtime, add_query, query);
    pthread_mutex_unlock(&runtime->lock);
    query_unref(old);
    return OK;
}

void runtime_put_grown(Runtime *runtime, Query *query, Query *next)
{
    pthread_mutex_lock(&runtime->lock);
    Query **link = &runtime->queries;
    while (*link != NULL && *link != query)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found) {
        next->next = query->next;
        *link      = next;
        atomic_store(&next->paused, atomic_load(&query->paused));
        tell_workers(runtime, remove_query, query);
        tell_workers(runtime, add_query, next);
    }
    pthread_mutex_unlock(&runtime->lock);
    query_unref(found ? query : next);
}

static void stop_outgrown(Worker *worker, void *argument)
{
    Query *query = argument;
    Error  why;
    commit_all(worker);
    for (Task *task = worker->tasks; query_check_grown(query, &why) != OK && task != NULL; task = task->next)
        if (task->query == query && task->state != TASK_PARKED)
            worker_failed(worker, task, &why);
    query_unref(query);
}

void runtime_stop_outgrown(Runtime *runtime, Query *query) { tell_workers(runtime, stop_outgrown, query); }

Status runtime_stop_query(Runtime *runtime, Str id, bool forget, Error *err)
{
    pthread_mutex_lock(&runtime->lock);
    Query *query = unlink_query(runtime, id);
    if (query != NULL && !forget) {
        tell_workers(runtime, remove_query, query);
    } else if (query != NULL) {
        Forgotten *forgotten = forgotten_new(query, runtime->worker_count);
        for (int i = 0; i < runtime->worker_count; i++)
            if (!worker_post(runtime->workers[i], forget_query, forgotten, false))
                forgotten_release(forgotten);
    }
    pthread_mutex_unlock(&runtime->lock);
    if (query == NULL)
        return no_query(id, err);
    query_unref(query);
    return OK;
}

static void look_again(Worker *worker, void *argument) {}

Status runtime_pause_query(Runtime *runtime, Str id, bool paused, Error *err)
{
    pthread_mutex_lock(&runtime->lock); /* not while another takes its place */
    Query *query = find_query(runtime, id);
    if (query != NULL)
        atomic_store(&query->paused, paused);
    pthread_mutex_unlock(&runtime->lock);
    if (query == NULL)
        return no_query(id, err);
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], look_again, NULL, false);
    return OK;
}

/* ---- what is told ---- */

static void add_state(const Query *query, const TaskView *view, QueryStatus *out, bool *starting)
{
    int state = view_state(view);
    out->records_in += atomic_load(&view->records_in);
    out->records_out += atomic_load(&view->records_out);
    out->skipped_bad += atomic_load(&view->skipped_bad);
    out->skipped_late += atomic_load(&view->skipped_late);
    if (state == TASK_PARKED)
        out->state = RUN_ERROR;
    *starting |= state == TASK_OPENING || state == TASK_RESTORING;
}

static void add_positions(Runtime *runtime, const QuerySub *sub, int partition, Arena *arena,
                          QueryStatus *out)
{
    const TaskView *view = &sub->views[partition];
    for (size_t i = 0; i < sub->sub.input_count; i++) {
        QueryPosition *position = &out->positions[out->position_count];
        if (partition >= sub->input_partitions[i] || view_state(view) == TASK_ABSENT)
            continue;
        *position = (QueryPosition){str_dup(arena, sub->topics[i]), partition, -1, -1,
                                    atomic_load(&view->positions[i])};
        if (log_offsets(runtime->options.log, position->topic, partition, &position->start, &position->end,
                        NULL) != OK)
            position->start = position->end = -1;
        out->position_count++;
    }
}

static void add_errors(Query *query, Arena *arena, QueryStatus *out)
{
    pthread_mutex_lock(&query->lock);
    size_t count     = query->error_count < QUERY_ERRORS ? query->error_count : QUERY_ERRORS;
    out->errors      = ARENA_ARRAY(arena, QueryError, count + 1);
    out->error_count = count;
    for (size_t i = 0; i < count; i++) {
        const QueryError *from = &query->errors[(query->error_count - count + i) % QUERY_ERRORS];
        out->errors[i]         = (QueryError){from->time_ms, str_dup(arena, from->message), from->type};
    }
    pthread_mutex_unlock(&query->lock);
}

Status runtime_query_status(Runtime *runtime, Str id, Arena *arena, QueryStatus *out, Error *err)
{
    Query *query    = get_query(runtime, id);
    size_t most     = 0;
    bool   starting = false;
    if (query == NULL)
        return no_query(id, err);
    for (size_t s = 0; s < query->sub_count; s++)
        most += query->subs[s].sub.input_count * (size_t)query->subs[s].tasks;
    *out = (QueryStatus){.state = RUN_RUNNING, .last_message_ms = atomic_load(&query->last_message_ms)};
    out->positions = ARENA_ARRAY(arena, QueryPosition, most + 1);
    for (size_t s = 0; s < query->sub_count; s++) {
        for (int p = 0; p < query->subs[s].tasks; p++) {
            add_state(query, &query->subs[s].views[p], out, &starting);
            add_positions(runtime, &query->subs[s], p, arena, out);
        }
    }
    add_errors(query, arena, out);
    if (out->state != RUN_ERROR && atomic_load(&query->paused))
        out->state = RUN_PAUSED;
    else if (out->state != RUN_ERROR && (starting || !atomic_load(&runtime->assigned)))
        out->state = RUN_STARTING;
    query_unref(query);
    return OK;
}

uint64_t runtime_records_decoded(const Runtime *runtime)
{
    uint64_t sum = 0;
    for (int i = 0; i < runtime->worker_count; i++)
        sum += atomic_load(&runtime->workers[i]->decoded);
    return sum;
}

bool runtime_is_ready(Runtime *runtime)
{
    if (!atomic_load(&runtime->assigned))
        return false;
    for (int i = 0; i < runtime->worker_count; i++)
        if (atomic_load(&runtime->workers[i]->settled) != atomic_load(&runtime->workers[i]->posted) ||
            !atomic_load(&runtime->workers[i]->ready))
            return false;
    return true;
}

/* ---- tables ---- */

const char *const *runtime_state_files(Runtime *runtime, size_t *count)
{
    *count = (size_t)runtime->worker_count;
    return runtime->files;
}

bool runtime_owned_partitions(Runtime *runtime, Str query_id, Arena *arena, int **out, size_t *count)
{
    Query *query = get_query(runtime, query_id);
    *count       = 0;
    *out         = NULL;
    if (query == NULL)
        return false;
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        *out = ARENA_ARRAY(arena, int, (size_t)sub->tasks + 1);
        for (int p = 0; p < sub->tasks; p++)
            if (view_state(&sub->views[p]) == TASK_RUNNING && atomic_load(&sub->views[p].readable))
                (*out)[(*count)++] = p;
    }
    query_unref(query);
    return true;
}

static bool is_on_its_way(const TaskView *view)
{
    TaskState state = view_state(view);
    return state == TASK_OPENING || state == TASK_RESTORING ||
           (state == TASK_RUNNING && !atomic_load(&view->readable));
}

int runtime_table_partitions(Runtime *runtime, Str query_id, bool *settled)
{
    *settled     = runtime_is_ready(runtime);
    Query *query = get_query(runtime, query_id);
    int    count = 0;
    for (size_t s = 0; query != NULL && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        count = sub->sub.partitions;
        for (int p = 0; p < count; p++)
            *settled &= !is_on_its_way(&sub->views[p]);
    }
    query_unref(query);
    return count;
}
