/*
 * server.h - inside the HTTP room: the server that exchanges belong to, and the doors of the protocols.
 *
 * A connection is accepted by listener.c on the loop's thread, which looks at its first bytes and hands the
 * socket to the protocol that they begin: the client's preface to HTTP/2, anything else to HTTP/1. One of an
 * https listener goes through handshake.c before, on a loop of its own; HTTP/1 is spoken to it through
 * relay.c.
 */
#ifndef SLUICE_SERVER_HTTP_SERVER_H
#define SLUICE_SERVER_HTTP_SERVER_H

#include <sys/socket.h>

#include "server/http/h2c.h"
#include "server/http/loop.h"
#include "server/http/pool.h"
#include "server/http/tls.h"
#include "server/http/watch.h"

enum {
    HTTP_MAX_LISTENERS     = 8,
    HTTP_ENOUGH            = 3, /* first bytes, which tell the protocols apart */
    HTTP_REQUEST_TIMEOUT_S = 60 /* without a byte of a request that is not whole */
};

typedef struct Listener Listener;
typedef struct Http1    Http1;

struct HttpServer {
    HttpOptions     options;
    pthread_mutex_t lock; /* of the list of exchanges */
    HttpExchange   *exchanges;
    uint64_t        next_id;
    HttpPool        pool;
    HttpWatch       watch;
    Loop           *loop;
    TlsContext     *tls;      /* NULL: nobody has asked for TLS */
    Loop           *tls_loop; /* of handshakes and relays; NULL as long as there is no https listener */
    Http1          *http1;
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

/* ---- connections: each of these takes the socket over ---- */

/* One whose client is known. */
typedef struct {
    int         fd;
    TlsSession *tls;       /* of the socket; NULL: there is none. Goes with it */
    char       *principal; /* whom the client's certificate names, or NULL. Goes with it, on the heap */
    Str         already;   /* what was read of it; borrowed for the call */
    /* Gives it back to libmicrohttpd, which has counted it; NULL: it is closed. */
    void (*give_back)(void *handle);
    void *handle;
} HttpConnection;

/* Closes it, or gives it back. Thread: any. */
void connection_close(HttpServer *server, const HttpConnection *connection);

/* Our last word was said: what the client still sends is dropped for a moment, so that it can hear it.
 * `loop`: who watches. Thread: any. */
void linger_take(HttpServer *server, Loop *loop, int fd);

/* One of an https listener, accepted at since_ms. Thread: any. */
void handshake_take(HttpServer *server, int fd, int64_t since_ms);
/* Thread: the TLS loop's. */
void relay_take(HttpServer *server, const HttpConnection *connection);

Status http1_start(HttpServer *server, Http1 **out, Error *err);
void   http1_stop(Http1 *http1); /* ends all its connections, and takes no others. Accepts NULL */
void http1_free(Http1 *http1); /* it has stopped, and so has whoever takes connections to it. Accepts NULL */
/* Whatever TLS there is, is somebody else's. Thread: any. */
void http1_take(HttpServer *server, int fd, const struct sockaddr *address, socklen_t size,
                const char *principal);
/* Thread: any. */
void http2_take(HttpServer *server, const HttpConnection *connection);
/* The same for one that has come from HTTP/1 with a request: `x`, with its transport's reference, is its
 * first stream. Takes what is in h2c. */
void http2_take_upgraded(HttpServer *server, const HttpConnection *connection, HttpExchange *x, H2c *h2c);

#endif
