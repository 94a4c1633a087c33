/*
 * server.h - inside the HTTP room: the server that exchanges belong to, and the doors of the protocols.
 *
 * A connection is accepted by listener.c on the loop's thread, which looks at its first bytes and hands the
 * socket to the protocol that they begin: the client's preface to HTTP/2, anything else to HTTP/1.
 */
#ifndef SLUICE_SERVER_HTTP_SERVER_H
#define SLUICE_SERVER_HTTP_SERVER_H

#include <sys/socket.h>

#include "server/http/loop.h"
#include "server/http/pool.h"
#include "server/http/watch.h"

enum {
    HTTP_MAX_LISTENERS     = 8,
    HTTP_REQUEST_TIMEOUT_S = 60 /* without a byte of a request that is not whole */
};

typedef struct Listener Listener;

struct HttpServer {
    HttpOptions     options;
    pthread_mutex_t lock; /* of the list of exchanges */
    HttpExchange   *exchanges;
    uint64_t        next_id;
    HttpPool        pool;
    HttpWatch       watch;
    Loop           *loop;
    void           *http1; /* protocol_http1.c */
    atomic_int      connections;
    int             most_connections;
    int             listener_count;
    atomic_bool     stopping;
};

/* ---- listener.c ---- */

/* Binds and accepts from now on, until the loop ends. */
Status listener_open(HttpServer *server, Str url, int *port, Error *err);

/* ---- unix_socket.c ---- */

/* A listening socket at `path`, which nobody but this user can open: the directory around it, made if it is
 * missing, must be the user's own. What a process that is gone left there is removed. */
Status unix_socket_open(const char *path, int *fd, Error *err);

/* ---- protocols: each takes the socket over ---- */

Status http1_start(HttpServer *server, void **out, Error *err);
void   http1_stop(void *http1);
/* Thread: any. */
void http1_take(HttpServer *server, int fd, const struct sockaddr *address, socklen_t size);
/* Thread: the loop's. */
void http2_take(HttpServer *server, int fd);

#endif
