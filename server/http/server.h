/*
 * server.h - inside the HTTP room: the server that exchanges belong to, and the doors of the protocols.
 *
 * A connection is accepted by listener.c on the loop's thread, which looks at its first bytes and hands the
 * socket to the protocol that they begin: the client's preface to HTTP/2, anything else to HTTP/1. One of an
 * https listener goes through handshake.c before, on a loop of its own, where HTTP/1 stays.
 */
#ifndef SLUICE_SERVER_HTTP_SERVER_H
#define SLUICE_SERVER_HTTP_SERVER_H

#include <sys/socket.h>

#include "server/http/guests.h"
#include "server/http/h2c.h"
#include "server/http/loop.h"
#include "server/http/pool.h"
#include "server/http/tls.h"

enum {
    HTTP_MAX_LISTENERS    = 8,
    HTTP_ENOUGH           = 3,  /* first bytes, which tell the protocols apart */
    HTTP_GUEST_TIMEOUT_S  = 60, /* the defaults of HttpOptions */
    HTTP_HEAD_TIMEOUT_S   = 30,
    HTTP_BODY_TIMEOUT_S   = 60,
    HTTP_WORKING          = 50,
    HTTP_BODY_RATE        = 8 * 1024, /* bytes a second, beyond that */
    HTTP_UNSENT_TIMEOUT_S = 60        /* for a client to take the last that we say */
};

typedef struct Listener Listener;

struct HttpServer {
    HttpOptions     options;
    pthread_mutex_t lock; /* of the list of exchanges */
    HttpExchange   *exchanges;
    uint64_t        next_id;
    HttpPool        pool;
    Loop           *loop;       /* accepts; HTTP/2, WebSockets */
    Loop           *http1_loop; /* HTTP/1 in plain */
    TlsContext     *tls;        /* NULL: nobody has asked for TLS. Under lock: it may be replaced */
    Loop           *tls_loop;   /* handshakes, HTTP/1 by TLS; NULL as long as there is no https listener */
    atomic_int      connections;
    int             most_connections;
    GuestBook       guests[HTTP_MAX_LISTENERS]; /* a listener each */
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

/* One that is handed on, with all that belongs to it. */
typedef struct {
    int         fd;
    TlsSession *tls;       /* of the socket; NULL: there is none. Goes with it */
    char       *principal; /* whom the client's certificate names, or NULL. Goes with it, on the heap */
    Guest      *guest;     /* NULL: the client was admitted. Goes with it */
    Str         already;   /* what was read of it; borrowed for the call */
    Str         due;       /* what is to be sent first; borrowed as well */
} HttpConnection;

/* Closes it. Thread: any. */
void connection_close(HttpServer *server, const HttpConnection *connection);

/* Our last word was said: what the client still sends is dropped for a moment, so that it can hear it. Ends
 * TLS, if there is any. `loop`: who watches. Thread: any. */
void linger_take(HttpServer *server, Loop *loop, const HttpConnection *connection);

/* What listeners shake hands with now: tls_context_close gives it back. Thread: any. */
TlsContext *server_tls_context(HttpServer *server);
/* One of an https listener. Thread: any. */
void handshake_take(HttpServer *server, const HttpConnection *connection);

/* ---- the protocols ---- */

/* Thread: any. */
void http1_take(HttpServer *server, const HttpConnection *connection);
void http2_take(HttpServer *server, const HttpConnection *connection);
/* The same for one that has come from HTTP/1 with a request: `x`, with its transport's reference, is its
 * first stream. Takes what is in h2c. */
void http2_take_upgraded(HttpServer *server, const HttpConnection *connection, HttpExchange *x, H2c *h2c);

/* How long a client may take for a body of which so much has come. */
static inline int64_t server_body_patience_ms(const HttpServer *server, size_t received)
{
    return 1000 * (server->options.body_timeout_s + (int64_t)(received / HTTP_BODY_RATE));
}

#endif
