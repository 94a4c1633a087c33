/*
 * pool.h - the threads that run handlers and steps, in lanes (http.h).
 *
 * A lane is a queue and its threads: whatever one of them is busy with, the others go on.
 */
#ifndef SLUICE_SERVER_HTTP_POOL_H
#define SLUICE_SERVER_HTTP_POOL_H

#include "server/http/exchange.h"

typedef struct HttpPool HttpPool;

typedef struct {
    HttpPool      *pool;
    pthread_cond_t work;
    HttpExchange  *first, *last;
    int            queued, idle; /* exchanges in the queue; threads that wait for one */
    pthread_t     *threads;      /* size of them, count are running */
    int            count, size;
} HttpLaneQueue;

struct HttpPool {
    pthread_mutex_t lock; /* of everything */
    HttpLaneQueue   lanes[HTTP_LANES];
    int             waiting; /* handlers of the short lane between http_wait_begin and http_wait_end */
    int             workers; /* threads of the short lane that are to be free for others */
    bool            stopping;
};

/* `working`: how many may be at work at a time in the lane of long work. */
Status pool_open(HttpPool *pool, int threads, int working, Error *err);
/* Takes a reference until its job is done. False: the pool is closed. */
bool pool_submit(HttpPool *pool, HttpExchange *x);
/* Runs it once more; nothing, before it was submitted. */
void pool_wake(HttpPool *pool, HttpExchange *x);
void pool_close(HttpPool *pool); /* finishes what is queued; what comes later is refused */
void pool_clear(HttpPool *pool);
/* Of the exchange that the calling thread runs. */
void pool_wait_begin(HttpPool *pool, const HttpExchange *x);
void pool_wait_end(HttpPool *pool, const HttpExchange *x);

#endif
