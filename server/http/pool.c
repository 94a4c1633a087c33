/*
 * pool.c - the threads that run handlers and steps.
 *
 * An exchange is in the queue at most once and on one thread at a time; waking one that runs makes it run
 * again. Its job ends when the handler left no stream behind, when a step says so, or when the client is
 * gone.
 */
#include "core/logger.h"
#include "server/http/server.h"

enum { MOST_WAITING = 64 }; /* handlers that wait and have another thread in their place */

static void enqueue(HttpPool *pool, HttpExchange *x)
{
    x->job      = JOB_QUEUED;
    x->next_job = NULL;
    if (pool->last != NULL)
        pool->last->next_job = x;
    else
        pool->first = x;
    pool->last = x;
    pthread_cond_signal(&pool->work);
}

bool pool_submit(HttpPool *pool, HttpExchange *x)
{
    pthread_mutex_lock(&pool->lock);
    bool taken = !pool->stopping;
    if (taken)
        enqueue(pool, http_ref(x));
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

void pool_wake(HttpPool *pool, HttpExchange *x)
{
    pthread_mutex_lock(&pool->lock);
    if (x->job == JOB_RUNNING)
        x->job = JOB_AGAIN;
    else if (x->job == JOB_IDLE)
        enqueue(pool, x);
    pthread_mutex_unlock(&pool->lock);
}

/* False: it was answered. */
static bool admit(HttpExchange *x)
{
    const HttpOptions *options  = &x->server->options;
    bool               admitted = options->admit == NULL || options->admit(options->context, x);
    pthread_mutex_lock(&x->lock);
    x->admitted = admitted;
    x->welcome  = x->welcome || options->admit == NULL;
    x->refused  = x->refused || !admitted;
    if (!admitted && !x->streams)
        strbuf_clear(&x->body);
    if (x->connection != NULL)
        x->transport->resume(x); /* more of the body may come, or none */
    pthread_mutex_unlock(&x->lock);
    return admitted;
}

/* All of the body is there, or the handler reads it as it comes. */
static bool is_complete(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool complete = x->streams || x->body_ended;
    pthread_mutex_unlock(&x->lock);
    return complete;
}

/* True when it has to be run again at a later wake. */
static bool run(HttpExchange *x)
{
    HttpServer *server = x->server;
    if (exchange_admission(x) == ADMISSION_OPEN && !admit(x))
        return false;
    if (!x->handled && exchange_admission(x) == ADMISSION_REFUSED) /* by its protocol, meanwhile */
        return false;
    if (!x->handled && !is_complete(x))
        return !http_gone(x);
    if (!x->handled) {
        server->options.handle(server->options.context, x);
        x->handled = true;
    }
    if (x->step == NULL)
        return false;
    if (!http_gone(x) && x->step(x->state, x))
        return !http_gone(x);
    return false;
}

static void finish(HttpExchange *x)
{
    if (x->close != NULL)
        x->close(x->state);
    http_end(x);
    if (x->streams)
        exchange_drop_body(x);
}

/* Lock held on entry and on return. */
static void work_on(HttpPool *pool, HttpExchange *x)
{
    bool more = true;
    do {
        x->job = JOB_RUNNING;
        pthread_mutex_unlock(&pool->lock);
        more = run(x);
        if (!more)
            finish(x);
        pthread_mutex_lock(&pool->lock);
    } while (more && x->job == JOB_AGAIN);
    x->job = more ? JOB_IDLE : JOB_DONE;
    if (!more) {
        pthread_mutex_unlock(&pool->lock);
        http_unref(x);
        pthread_mutex_lock(&pool->lock);
    }
}

static void *thread_main(void *context)
{
    HttpPool *pool = context;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping || pool->first != NULL) {
        HttpExchange *x = pool->first;
        if (x == NULL) {
            pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        pool->first = x->next_job;
        if (pool->first == NULL)
            pool->last = NULL;
        work_on(pool, x);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Lock held, or the pool is being opened. */
static int start_thread(HttpPool *pool)
{
    int failed = pthread_create(&pool->threads[pool->count], NULL, thread_main, pool);
    if (failed == 0)
        pthread_setname_np(pool->threads[pool->count++], "rest");
    return failed;
}

Status pool_open(HttpPool *pool, int threads, Error *err)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->workers = threads;
    pool->size    = threads + MOST_WAITING;
    pool->threads = mem_calloc((size_t)pool->size, sizeof *pool->threads);
    while (pool->count < threads) {
        int failed = start_thread(pool);
        if (failed != 0)
            return error_set(err, E_LIMIT, NO_POS, "cannot start a thread: %s", strerror(failed));
    }
    return OK;
}

/* Threads made for handlers that wait are kept: there will be as many again. */
void pool_wait_begin(HttpPool *pool)
{
    int failed = 0;
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    if (!pool->stopping && pool->count < pool->size && pool->count - pool->waiting < pool->workers)
        failed = start_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    if (failed != 0)
        log_line(LOG_WARN, "a handler waits and there is no thread in its place: %s", strerror(failed));
}

void pool_wait_end(HttpPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->waiting--;
    pthread_mutex_unlock(&pool->lock);
}

void pool_close(HttpPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i], NULL);
    pool->count = 0;
}

void pool_clear(HttpPool *pool)
{
    mem_free(pool->threads);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}
