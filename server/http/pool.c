/*
 * pool.c - the threads that run handlers and steps.
 *
 * An exchange is in one queue at most once and on one thread at a time; waking one that runs makes it run
 * again. Its job ends when the handler left no stream behind, when a step says so, or when the client is
 * gone.
 *
 * Each lane has threads of its own, so that a lane that is full keeps nobody of another waiting. Those of the
 * short lane are there from the start, and others take the places of those that wait; those of the other
 * lanes are made when there is work for them. Threads are kept: there will be as much work again.
 */
#include "core/logger.h"
#include "server/http/server.h"

enum {
    MOST_WAITING       = 64, /* handlers that wait and have another thread in their place */
    MOST_IN_WAITS_LANE = 128,
};

/* ---- queues ---- */

static void *thread_main(void *context);

/* Lock held, or the pool is being opened. */
static int start_thread(HttpLaneQueue *lane)
{
    int failed = pthread_create(&lane->threads[lane->count], NULL, thread_main, lane);
    if (failed == 0)
        pthread_setname_np(lane->threads[lane->count++], "rest");
    return failed;
}

/* The short lane has its threads, and takes what a lane can find no first thread for. */
static HttpLaneQueue *lane_for(HttpPool *pool, const HttpExchange *x)
{
    HttpLaneQueue *lane = &pool->lanes[x->lane];
    if (x->lane == HTTP_LANE_SHORT)
        return lane;
    if (lane->queued >= lane->idle && lane->count < lane->size && !pool->stopping)
        start_thread(lane); /* fails: those that there are do it */
    return lane->count > 0 ? lane : &pool->lanes[HTTP_LANE_SHORT];
}

static void enqueue(HttpPool *pool, HttpExchange *x)
{
    HttpLaneQueue *lane = lane_for(pool, x);
    x->job              = JOB_QUEUED;
    x->next_job         = NULL;
    if (lane->last != NULL)
        lane->last->next_job = x;
    else
        lane->first = x;
    lane->last = x;
    lane->queued++;
    pthread_cond_signal(&lane->work);
}

static HttpExchange *dequeue(HttpLaneQueue *lane)
{
    HttpExchange *x = lane->first;
    if (x == NULL)
        return NULL;
    lane->first = x->next_job;
    if (lane->first == NULL)
        lane->last = NULL;
    lane->queued--;
    return x;
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

/* True when it has to be run again: at a later wake, or at once where it has moved to another lane. A handler
 * that has moved and left no stream behind is called once more there. */
static bool run(HttpExchange *x)
{
    HttpServer *server = x->server;
    HttpLane    lane   = x->lane;
    if (exchange_admission(x) == ADMISSION_OPEN && !admit(x))
        return false;
    if (!x->handled && exchange_admission(x) == ADMISSION_REFUSED) /* by its protocol, meanwhile */
        return false;
    if (!x->handled && !is_complete(x))
        return !http_gone(x);
    if (!x->handled && lane == HTTP_LANE_WORKS && http_gone(x))
        return false; /* it has stood in the queue, and nobody waits for it any more */
    if (!x->handled) {
        server->options.handle(server->options.context, x);
        x->handled = x->lane == lane || x->step != NULL;
    }
    if (x->lane != lane)
        return !x->handled || !http_gone(x);
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

/* Lock held on entry and on return. A pool that stops has no other lanes: all is finished where it is. */
static void work_on(HttpPool *pool, HttpExchange *x)
{
    bool more, moved;
    do {
        HttpLane lane = x->lane;
        x->job        = JOB_RUNNING;
        pthread_mutex_unlock(&pool->lock);
        more = run(x);
        if (!more)
            finish(x);
        pthread_mutex_lock(&pool->lock);
        moved = x->lane != lane;
    } while (more && (moved ? pool->stopping : x->job == JOB_AGAIN));
    if (more && moved) {
        enqueue(pool, x);
        return;
    }
    x->job = more ? JOB_IDLE : JOB_DONE;
    if (!more) {
        pthread_mutex_unlock(&pool->lock);
        http_unref(x);
        pthread_mutex_lock(&pool->lock);
    }
}

static void *thread_main(void *context)
{
    HttpLaneQueue *lane = context;
    HttpPool      *pool = lane->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        HttpExchange *x = dequeue(lane);
        if (x != NULL) {
            work_on(pool, x);
            continue;
        }
        if (pool->stopping)
            break;
        lane->idle++;
        pthread_cond_wait(&lane->work, &pool->lock);
        lane->idle--;
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- the pool ---- */

static void open_lane(HttpPool *pool, HttpLane lane, int size)
{
    pool->lanes[lane] =
        (HttpLaneQueue){.pool = pool, .size = size, .threads = mem_calloc((size_t)size, sizeof(pthread_t))};
    pthread_cond_init(&pool->lanes[lane].work, NULL);
}

Status pool_open(HttpPool *pool, int threads, int working, Error *err)
{
    HttpLaneQueue *brief = &pool->lanes[HTTP_LANE_SHORT];
    pthread_mutex_init(&pool->lock, NULL);
    pool->workers = threads;
    open_lane(pool, HTTP_LANE_SHORT, threads + MOST_WAITING);
    open_lane(pool, HTTP_LANE_WAITS, MOST_IN_WAITS_LANE);
    open_lane(pool, HTTP_LANE_WORKS, working);
    while (brief->count < threads) {
        int failed = start_thread(brief);
        if (failed != 0)
            return error_set(err, E_LIMIT, NO_POS, "cannot start a thread: %s", strerror(failed));
    }
    return OK;
}

/* Who waits in another lane keeps nobody of the short one. */
void pool_wait_begin(HttpPool *pool, const HttpExchange *x)
{
    HttpLaneQueue *brief  = &pool->lanes[HTTP_LANE_SHORT];
    int            failed = 0;
    if (x->lane != HTTP_LANE_SHORT)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    if (!pool->stopping && brief->count < brief->size && brief->count - pool->waiting < pool->workers)
        failed = start_thread(brief);
    pthread_mutex_unlock(&pool->lock);
    if (failed != 0)
        log_line(LOG_WARN, "a handler waits and there is no thread in its place: %s", strerror(failed));
}

void pool_wait_end(HttpPool *pool, const HttpExchange *x)
{
    if (x->lane != HTTP_LANE_SHORT)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->waiting--;
    pthread_mutex_unlock(&pool->lock);
}

void pool_close(HttpPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    for (int lane = 0; lane < HTTP_LANES; lane++)
        pthread_cond_broadcast(&pool->lanes[lane].work);
    pthread_mutex_unlock(&pool->lock);
    for (int lane = 0; lane < HTTP_LANES; lane++) {
        for (int i = 0; i < pool->lanes[lane].count; i++)
            pthread_join(pool->lanes[lane].threads[i], NULL);
        pool->lanes[lane].count = 0;
    }
}

void pool_clear(HttpPool *pool)
{
    for (int lane = 0; lane < HTTP_LANES; lane++) {
        mem_free(pool->lanes[lane].threads);
        pthread_cond_destroy(&pool->lanes[lane].work);
    }
    pthread_mutex_destroy(&pool->lock);
}
