/*
 * http_transport.h - inside the HTTP server: what http.c (exchanges), http_pool.c (threads), http_watch.c
 * (clients that leave) and a transport (http_mhd.c: HTTP/1.1) share. HTTP/2 is another transport.
 *
 * A transport makes an exchange when a request begins, collects the body, submits it, and calls http_taken as
 * the client reads. It holds one reference until the request is over; the pool holds another while there is
 * something to run.
 */
#ifndef SLUICE_SERVER_HTTP_HTTP_TRANSPORT_H
#define SLUICE_SERVER_HTTP_HTTP_TRANSPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "server/http/http.h"

typedef struct {
    Str (*header)(const HttpExchange *x, const char *name);
    /* Something to send, or the end: called with x->lock held, by any thread. */
    void (*resume)(HttpExchange *x);
    int (*socket)(const HttpExchange *x); /* to be watched for a client that leaves; -1 */
} HttpTransport;

typedef struct {
    char *name, *value;
} HttpHeader;

enum { HTTP_MAX_HEADERS = 8 };

typedef enum { JOB_IDLE, JOB_QUEUED, JOB_RUNNING, JOB_AGAIN, JOB_DONE } JobState;

struct HttpExchange {
    HttpServer          *server;
    const HttpTransport *transport;
    void                *connection; /* of the transport; NULL once the request is over. Under lock */
    atomic_int           refs;
    uint64_t             id;
    HttpExchange        *next, *previous; /* all of a server, under its lock */

    Arena *arena;
    char  *method, *path;
    bool   http_1_0;
    StrBuf body;
    bool   too_large;

    pthread_mutex_t lock; /* of what follows */
    bool            submitted, suspended;
    bool            begun, whole, ended, gone;
    int             status;
    HttpHeader      headers[HTTP_MAX_HEADERS];
    size_t          header_count;
    size_t          written; /* in all, by the handler and its steps */
    StrBuf          out;
    size_t          out_at;
    int             spill; /* file, or -1 */
    off_t           spill_at, spill_end;

    JobState      job; /* under the pool's lock */
    HttpExchange *next_job;
    bool          handled;
    HttpStep      step; /* of the pool's thread */
    void (*close)(void *state);
    void *state;
};

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

typedef struct {
    int       epoll, stop;
    pthread_t thread;
    bool      running;
} HttpWatch;

enum { HTTP_MAX_LISTENERS = 8 };

struct HttpServer {
    HttpOptions     options;
    pthread_mutex_t lock; /* of the list of exchanges */
    HttpExchange   *exchanges;
    uint64_t        next_id;
    HttpPool        pool;
    HttpWatch       watch;
    void           *daemons[HTTP_MAX_LISTENERS];
    size_t          daemon_count;
    atomic_bool     stopping;
};

/* ---- http.c ---- */

/* With one reference, for the transport. */
HttpExchange *exchange_new(HttpServer *server, const HttpTransport *transport, void *connection,
                           const char *method, const char *path);
/* The request is over, for whatever reason: takes the transport's reference. */
void exchange_over(HttpExchange *x);
/* Up to max bytes of the reply. *done: nothing will follow. Called with the lock held. */
size_t exchange_take(HttpExchange *x, char *out, size_t max, bool *done);
/* The client left. */
void   exchange_lost(HttpExchange *x);
size_t exchange_pending(const HttpExchange *x); /* lock held */

/* ---- http_pool.c ---- */

Status pool_open(HttpPool *pool, int threads, Error *err);
/* Takes a reference until its job is done. False: the pool is closed. */
bool pool_submit(HttpPool *pool, HttpExchange *x);
void pool_wake(HttpPool *pool, HttpExchange *x);
void pool_close(HttpPool *pool); /* finishes what is queued; what comes later is refused */
void pool_clear(HttpPool *pool);
void pool_wait_begin(HttpPool *pool);
void pool_wait_end(HttpPool *pool);

/* ---- http_watch.c ---- */

Status watch_open(HttpServer *server, Error *err);
void   watch_add(HttpServer *server, HttpExchange *x);
void   watch_close(HttpServer *server);

/* ---- http_mhd.c ---- */

Status mhd_start(HttpServer *server, int listener, void **out, Error *err);
void   mhd_quiesce(void *daemon);
void   mhd_stop(void *daemon);

#endif
