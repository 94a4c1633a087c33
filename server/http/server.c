/*
 * server.c - the HTTP server: opened, and closed in an order in which nothing waits for what has gone.
 */
#include "server/http/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"

enum {
    OWN_DESCRIPTORS  = 256,   /* left for files and brokers */
    MOST_CONNECTIONS = 65536, /* each takes some KB */
};

/* What is beyond waits to be accepted, so it must be more than anybody's idle connections. */
static int connection_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > MOST_CONNECTIONS + OWN_DESCRIPTORS)
        return MOST_CONNECTIONS;
    return (int)(limit.rlim_cur > 2 * OWN_DESCRIPTORS ? limit.rlim_cur - OWN_DESCRIPTORS
                                                      : limit.rlim_cur / 2);
}

Status http_open(const HttpOptions *options, HttpServer **out, Error *err)
{
    HttpServer *server       = mem_calloc(1, sizeof *server);
    server->options          = *options;
    server->most_connections = connection_limit();
    server->watch            = (HttpWatch){.epoll = -1, .stop = -1};
    pthread_mutex_init(&server->lock, NULL);
    Status status = pool_open(&server->pool, options->threads, err);
    if (status == OK)
        status = watch_open(server, err);
    if (status == OK)
        status = http1_start(server, &server->http1, err);
    if (status == OK)
        status = loop_open("rest-loop", &server->loop, err);
    if (status != OK) {
        http_close(server);
        return status;
    }
    *out = server;
    return OK;
}

Status http_use_tls(HttpServer *server, const HttpTls *tls, Error *err)
{
    TRY(tls_context_open(tls, &server->tls, err));
    return loop_open("rest-tls", &server->tls_loop, err);
}

Status http_listen(HttpServer *server, Str url, int *port, Error *err)
{
    if (server->listener_count == HTTP_MAX_LISTENERS)
        return error_set(err, E_CONFIG, NO_POS, "listeners: more than %d addresses", HTTP_MAX_LISTENERS);
    TRY(listener_open(server, url, port, err));
    server->listener_count++;
    return OK;
}

void connection_close(HttpServer *server, const HttpConnection *connection)
{
    tls_free(connection->tls);
    mem_free(connection->principal);
    if (connection->give_back != NULL) {
        connection->give_back(connection->handle);
        return;
    }
    close(connection->fd);
    atomic_fetch_sub(&server->connections, 1);
}

/* A protocol must not keep a suspended request when it stops. */
static void end_all(HttpServer *server)
{
    pthread_mutex_lock(&server->lock);
    for (HttpExchange *x = server->exchanges; x != NULL; x = x->next) {
        pthread_mutex_lock(&x->lock);
        x->gone = true;
        if (x->connection != NULL)
            x->transport->resume(x);
        pthread_mutex_unlock(&x->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static void wake_all(HttpServer *server)
{
    pthread_mutex_lock(&server->lock);
    for (HttpExchange *x = server->exchanges; x != NULL; x = x->next)
        http_wake(x);
    pthread_mutex_unlock(&server->lock);
}

void http_close(HttpServer *server)
{
    if (server == NULL)
        return;
    atomic_store(&server->stopping, true);
    watch_close(server);
    wake_all(server); /* streams see that they are to end */
    pool_close(&server->pool);
    loop_stop(server->loop); /* nothing is accepted any more, and HTTP/2 has ended */
    end_all(server);
    http1_stop(server->http1);
    loop_stop(server->tls_loop); /* behind HTTP/1, whose last words it encrypts */
    loop_close(server->tls_loop);
    http1_free(server->http1); /* nobody is left who could hand a connection to it */
    loop_close(server->loop);  /* nor to this */
    tls_context_close(server->tls);
    pool_clear(&server->pool);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
