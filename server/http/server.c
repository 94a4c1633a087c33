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
    GUESTS_PART      = 4,     /* of them all: no more than one in so many is a guest of the same listener */
    LEAST_GUESTS     = 16
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

static void set_default(int *option, int value)
{
    if (*option == 0)
        *option = value;
}

Status http_open(const HttpOptions *options, HttpServer **out, Error *err)
{
    HttpServer *server = mem_calloc(1, sizeof *server);
    server->options    = *options;
    set_default(&server->options.guest_timeout_s, HTTP_GUEST_TIMEOUT_S);
    set_default(&server->options.head_timeout_s, HTTP_HEAD_TIMEOUT_S);
    set_default(&server->options.body_timeout_s, HTTP_BODY_TIMEOUT_S);
    set_default(&server->options.working, HTTP_WORKING);
    server->most_connections = connection_limit();
    int guests               = server->most_connections / GUESTS_PART;
    pthread_mutex_init(&server->lock, NULL);
    for (int i = 0; i < HTTP_MAX_LISTENERS; i++)
        guests_init(&server->guests[i], guests > LEAST_GUESTS ? guests : LEAST_GUESTS);
    Status status = pool_open(&server->pool, options->threads, server->options.working, err);
    if (status == OK)
        status = loop_open("rest-http1", &server->http1_loop, err);
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
    TlsContext *fresh, *old;
    TRY(tls_context_open(tls, &fresh, err));
    pthread_mutex_lock(&server->lock);
    old         = server->tls;
    server->tls = fresh;
    pthread_mutex_unlock(&server->lock);
    tls_context_close(old); /* sessions keep it as long as they need it */
    return server->tls_loop != NULL ? OK : loop_open("rest-tls", &server->tls_loop, err);
}

TlsContext *server_tls_context(HttpServer *server)
{
    pthread_mutex_lock(&server->lock);
    TlsContext *context = tls_context_ref(server->tls);
    pthread_mutex_unlock(&server->lock);
    return context;
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
    guest_leave(connection->guest); /* before another socket gets the number */
    close(connection->fd);
    atomic_fetch_sub(&server->connections, 1);
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
    wake_all(server); /* streams see that they are to end */
    pool_close(&server->pool);
    loop_stop(server->loop); /* nothing is accepted any more, and HTTP/2 has ended */
    loop_stop(server->http1_loop);
    loop_stop(server->tls_loop);
    loop_close(server->tls_loop);
    loop_close(server->http1_loop);
    loop_close(server->loop); /* nobody is left who could hand a connection on */
    tls_context_close(server->tls);
    pool_clear(&server->pool);
    for (int i = 0; i < HTTP_MAX_LISTENERS; i++)
        guests_clear(&server->guests[i]);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
