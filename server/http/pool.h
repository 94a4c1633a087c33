/*
 * pool.h - the threads that run handlers and steps.
 */
#ifndef SLUICE_SERVER_HTTP_POOL_H
#define SLUICE_SERVER_HTTP_POOL_H

#include "server/http/exchange.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t  work;
    HttpExchange   *first, *last;
    pthread_t      *threads; /* size of them, count are running */
    int             count, size;
    int             waiting; /* handlers between http_wait_begin and http_wait_end */
    int             workers; /* threads that are to be free for others */
    bool            stopping;
} HttpPool;

Status pool_open(HttpPool *pool, int threads, Error *err);
/* Takes a reference until its job is done. False: the pool is closed. */
bool pool_submit(HttpPool *pool, HttpExchange *x);
/* Runs it once more; nothing, before it was submitted. */
void pool_wake(HttpPool *pool, HttpExchange *x);
void pool_close(HttpPool *pool); /* finishes what is queued; what comes later is refused */
void pool_clear(HttpPool *pool);
void pool_wait_begin(HttpPool *pool);
void pool_wait_end(HttpPool *pool);

#endif
