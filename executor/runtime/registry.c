/*
 * registry.c - which queries there are, and the messages that tell the workers.
 *
 * The registry (under runtime->lock) holds one reference to each query, every worker another; a query goes
 * when the last is dropped. Starting and stopping are messages, in order, to all workers: a replaced query's
 * tasks are closed before the new one's open.
 */
#include "executor/runtime/registry.h"

#include "executor/runtime/cleanup.h"
#include "executor/runtime/commit.h"
#include "executor/runtime/failure.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/task.h"

/* ---- queries: messages to the workers, who take over the reference ---- */

static void add_query(Worker *worker, void *argument)
{
    if (worker->query_count == worker->query_capacity) {
        worker->query_capacity = worker->query_capacity ? worker->query_capacity * 2 : 16;
        worker->queries = mem_realloc(worker->queries, worker->query_capacity * sizeof *worker->queries);
    }
    worker->queries[worker->query_count++] = argument;
    mailbox_set_ready(worker->mailbox, false);
}

static void commit_all(Worker *worker)
{
    Error err;
    if (worker->fence != NULL && worker->txn != NULL && worker->dirty != NULL &&
        worker_commit(worker, true, &err) != OK)
        worker_failed(worker, worker->blamed, &err);
}

static void close_tasks(Worker *worker, const RunningQuery *query)
{
    commit_all(worker);
    for (Task *task = worker->tasks, *next; task != NULL; task = next) {
        next = task->next;
        if (task->query == query)
            task_free(task);
    }
}

static bool drop_query(Worker *worker, RunningQuery *query)
{
    for (size_t i = 0; i < worker->query_count; i++) {
        if (worker->queries[i] != query)
            continue;
        memmove(&worker->queries[i], &worker->queries[i + 1],
                (worker->query_count - i - 1) * sizeof *worker->queries);
        worker->query_count--;
        if (i < worker->matched_queries)
            worker->matched_queries--;
        return true;
    }
    return false;
}

static void remove_query(Worker *worker, void *argument)
{
    RunningQuery *query = argument;
    close_tasks(worker, query);
    if (drop_query(worker, query))
        query_unref(query);
    query_unref(query);
}

static void clean_up_query(Worker *worker, void *argument)
{
    DroppedQuery *dropped = argument;
    RunningQuery *query   = dropped_query(dropped);
    close_tasks(worker, query);
    if (drop_query(worker, query))
        query_unref(query);
    cleanup_add(worker->cleanup, dropped);
}

/* ---- queries: the registry ---- */

/* Under runtime->lock, as all of these. */
static RunningQuery **bucket_of(const Runtime *runtime, Str id)
{
    return &runtime->by_id[str_hash(id) & (runtime->bucket_count - 1)];
}

static RunningQuery *find_query(Runtime *runtime, Str id)
{
    RunningQuery *query = runtime->bucket_count == 0 ? NULL : *bucket_of(runtime, id);
    while (query != NULL && !str_equal(query->plan->id, id))
        query = query->next_alike;
    return query;
}

static void put_in_bucket(Runtime *runtime, RunningQuery *query)
{
    RunningQuery **bucket = bucket_of(runtime, query->plan->id);
    query->next_alike     = *bucket;
    *bucket               = query;
}

static void link_query(Runtime *runtime, RunningQuery *query)
{
    query->next = runtime->queries;
    query->link = &runtime->queries;
    if (query->next != NULL)
        query->next->link = &query->next;
    runtime->queries = query;
    atomic_fetch_add(&runtime->query_changes, 1);
    if (++runtime->query_count <= runtime->bucket_count) {
        put_in_bucket(runtime, query);
        return;
    }
    runtime->bucket_count = runtime->bucket_count == 0 ? 64 : runtime->bucket_count * 2;
    mem_free(runtime->by_id);
    runtime->by_id = mem_calloc(runtime->bucket_count, sizeof *runtime->by_id);
    for (RunningQuery *one = runtime->queries; one != NULL; one = one->next)
        put_in_bucket(runtime, one);
}

RunningQuery *registry_hold(Runtime *runtime, Str id)
{
    pthread_mutex_lock(&runtime->lock);
    RunningQuery *query = find_query(runtime, id);
    if (query != NULL)
        query_ref(query);
    pthread_mutex_unlock(&runtime->lock);
    return query;
}

size_t registry_hold_all(Runtime *runtime, Arena *arena, RunningQuery ***out)
{
    size_t count = 0;
    pthread_mutex_lock(&runtime->lock);
    for (const RunningQuery *query = runtime->queries; query != NULL; query = query->next)
        count++;
    *out  = ARENA_ARRAY(arena, RunningQuery *, count + 1);
    count = 0;
    for (RunningQuery *query = runtime->queries; query != NULL; query = query->next)
        (*out)[count++] = query_ref(query);
    pthread_mutex_unlock(&runtime->lock);
    return count;
}

static Status no_query(Str id, Error *err)
{
    return error_set(err, E_NOT_FOUND, NO_POS, "No query with id " STR_FMT " is running", STR_ARG(id));
}

/* Takes it out; its reference is the caller's. */
static RunningQuery *unlink_query(Runtime *runtime, Str id)
{
    RunningQuery *query = find_query(runtime, id);
    if (query == NULL)
        return NULL;
    RunningQuery **alike = bucket_of(runtime, id);
    while (*alike != query)
        alike = &(*alike)->next_alike;
    *alike       = query->next_alike;
    *query->link = query->next;
    if (query->next != NULL)
        query->next->link = query->link;
    runtime->query_count--;
    atomic_fetch_add(&runtime->query_changes, 1);
    return query;
}

static void tell_workers(Runtime *runtime, void (*what)(Worker *, void *), RunningQuery *query)
{
    for (int i = 0; i < runtime->worker_count; i++)
        if (!worker_post(runtime->workers[i], what, query_ref(query), false))
            query_unref(query);
}

Status runtime_start_query(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                           void (*owner_free)(void *), Error *err)
{
    RunningQuery *query;
    TRY(query_new(runtime, plan, options, owner, owner_free, &query, err));
    Status status = query_make_topics(query, err);
    if (status == E_IO || status == E_BUSY || status == E_WAIT) {
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
    RunningQuery *old = unlink_query(runtime, plan->id);
    link_query(runtime, query);
    if (old != NULL)
        tell_workers(runtime, remove_query, old);
    tell_workers(runtime, add_query, query);
    pthread_mutex_unlock(&runtime->lock);
    query_unref(old);
    return OK;
}

void registry_replace_grown(Runtime *runtime, RunningQuery *query, RunningQuery *next)
{
    pthread_mutex_lock(&runtime->lock);
    bool found = find_query(runtime, query->plan->id) == query;
    if (found) {
        (void)unlink_query(runtime, query->plan->id);
        link_query(runtime, next);
        atomic_store(&next->paused, atomic_load(&query->paused));
        tell_workers(runtime, remove_query, query);
        tell_workers(runtime, add_query, next);
    }
    pthread_mutex_unlock(&runtime->lock);
    query_unref(found ? query : next);
}

static void stop_outgrown(Worker *worker, void *argument)
{
    RunningQuery *query = argument;
    Error         why;
    commit_all(worker);
    for (Task *task = worker->tasks; query_check_grown(query, &why) != OK && task != NULL; task = task->next)
        if (task->query == query && task->state != TASK_FAILED)
            worker_failed(worker, task, &why);
    query_unref(query);
}

void registry_stop_outgrown(Runtime *runtime, RunningQuery *query)
{
    tell_workers(runtime, stop_outgrown, query);
}

Status runtime_stop_query(Runtime *runtime, Str id, bool forget, Error *err)
{
    pthread_mutex_lock(&runtime->lock);
    RunningQuery *query = unlink_query(runtime, id);
    if (query != NULL && !forget) {
        tell_workers(runtime, remove_query, query);
    } else if (query != NULL) {
        DroppedQuery *dropped = dropped_query_new(query, runtime->worker_count);
        for (int i = 0; i < runtime->worker_count; i++)
            if (!worker_post(runtime->workers[i], clean_up_query, dropped, false))
                dropped_query_release(dropped);
    }
    pthread_mutex_unlock(&runtime->lock);
    if (query == NULL)
        return no_query(id, err);
    query_unref(query);
    return OK;
}

static void look_again(Worker *worker, void *argument) {}

void runtime_settle(Runtime *runtime)
{
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], look_again, NULL, true);
}

Status runtime_pause_query(Runtime *runtime, Str id, bool paused, Error *err)
{
    pthread_mutex_lock(&runtime->lock); /* not while another takes its place */
    RunningQuery *query = find_query(runtime, id);
    if (query != NULL)
        atomic_store(&query->paused, paused);
    pthread_mutex_unlock(&runtime->lock);
    if (query == NULL)
        return no_query(id, err);
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], look_again, NULL, false);
    return OK;
}
