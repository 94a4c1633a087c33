/*
 * http.h - what a handler sees of HTTP: a request and a writer for the reply. Nothing here knows which
 * protocol version or library carries it (exchange.h does).
 *
 * An exchange is one request and its response. Its handler runs on a thread of a small pool once the request
 * is there, so it may wait for the log or for a disk, but it must not wait for a client. A response that goes
 * on for long is a stream: the handler leaves a step function behind, which is called on the pool whenever
 * somebody wakes the exchange (rows came, the client read, the client wrote, the client left) and never twice
 * at a time. No thread belongs to a stream.
 *
 * What is asked runs in one of three lanes, each with threads of its own: so who asks something short never
 * stands behind what takes long, however many ask for that. Everything begins in the short lane; a handler or
 * step that sees what it would have to do moves first (http_move). Where HttpOptions.streams_body says so,
 * the handler runs as soon as the request's headers are there, and reads the body as it comes.
 *
 * What is written and not yet read by the client is kept in memory, then in a file without a name: writing
 * never blocks. A stream that can wait asks http_pending first. What one http_write gets goes out in one
 * piece where the protocol has pieces (a DATA frame of HTTP/2): some clients take a piece for a line.
 */
#ifndef SLUICE_SERVER_HTTP_HTTP_H
#define SLUICE_SERVER_HTTP_HTTP_H

#include "core/str.h"

typedef struct HttpServer   HttpServer;
typedef struct HttpExchange HttpExchange;

typedef struct {
    void *context;
    /* Is the request one that may be answered, as far as its headers say? Called before more of the body is
     * read than came with them, which is not to be looked at. False: it was answered. NULL: all are. Thread:
     * of the pool. */
    bool (*admit)(void *context, HttpExchange *x);
    void (*handle)(void *context, HttpExchange *x); /* Thread: of the pool */
    /* A request that is there as a whole, before admit and handle: answers it at once, as they would, without
     * waiting for anything, http_end included; false: nothing was done, and they do. NULL: they always do.
     * Thread: that of the protocol, where others wait to be read. */
    bool (*quick)(void *context, HttpExchange *x);
    bool (*streams_body)(void *context, Str method, Str path); /* NULL: no path does. Thread: any */
    size_t max_body;                                           /* bytes at a time; beyond: 413 */
    int    threads;                                            /* of the short lane */
    int    working;         /* of the lane of long work, at most; 0: the default */
    int    idle_timeout_s;  /* connections without a request */
    int    guest_timeout_s; /* from accept until the client is welcome; 0: the default, as the next two */
    int    head_timeout_s;  /* from the first byte of a head to its last */
    int    body_timeout_s;  /* for a body that is read as a whole, and a second more for every 8 KB of it */
    const char *spill_dir;  /* where replies go that nobody reads; NULL: all in memory */
} HttpOptions;

Status http_open(const HttpOptions *options, HttpServer **out, Error *err);

/* Whom https listeners ask for a certificate: nobody; everybody, and who has none is served all the same; or
 * else is not served. One that is shown has to be good. */
typedef enum {
    HTTP_CERTIFICATE_NONE,
    HTTP_CERTIFICATE_REQUESTED,
    HTTP_CERTIFICATE_REQUIRED
} HttpClientCertificate;

/* What https listeners show and ask for, in the words of ksqlDB's ssl.* settings. NULL: not said. */
typedef struct {
    const char *keystore, *keystore_type, *keystore_password; /* certificate, chain and key: PEM or PKCS12 */
    const char *key, *key_password;                           /* PEM: where the key has a file of its own */
    const char *truststore, *truststore_type, *truststore_password; /* who signs clients' certificates */
    const char *revoked; /* which of them are not to be believed: lists of their authorities, PEM */
    HttpClientCertificate client_certificate;
    const char           *protocols, *cipher_suites; /* comma lists */
} HttpTls;

/* Before an https:// address is listened on; and once more whenever files have changed: connections that are
 * made later see that, others stay as they are. E_CONFIG names the setting that cannot be carried out; what
 * was there before goes on to count. Thread: one at a time. */
Status http_use_tls(HttpServer *server, const HttpTls *tls, Error *err);
/* Listens on `http://host:port` or `https://host:port`; port 0 picks one, and *port tells which. Or on
 * `unix:path`, a socket that nobody but this user can open; *port is 0. E_CONFIG for an address that is none,
 * E_IO when it is taken. */
Status http_listen(HttpServer *server, Str url, int *port, Error *err);
/* Ends all streams, waits for running handlers. Accepts NULL. */
void http_close(HttpServer *server);

/* ---- the request ---- */

Str http_method(const HttpExchange *x);
Str http_path(const HttpExchange *x); /* unescaped, without the query */
/* As it came: a part of it may hold an escaped slash. */
Str http_sent_path(const HttpExchange *x);
/* A field of the query (`?a=b&c`), unescaped, in the exchange's arena; STR_NULL: not there. */
Str http_parameter(HttpExchange *x, const char *name);
Str http_header(const HttpExchange *x,
                const char         *name); /* STR_NULL: not sent. Only before the reply has begun */
/* Who asks, as the request has proved or the connection, which knows the subject of the client's certificate
 * ("CN=ann,O=x"; RFC 2253). STR_NULL: nobody knows. */
Str http_principal(const HttpExchange *x);
/* The roles that came with the name: "a,b"; STR_NULL: the connection proved it, which knows of none. */
Str http_roles(const HttpExchange *x);
/* By the handler that has asked the request itself, before anything else; it counts more than the
 * connection's. Copies. */
void http_set_principal(HttpExchange *x, Str name, Str roles);
/* Of HttpOptions.admit: whoever asks may keep the connection as long as the idle timeout says. Without it a
 * connection has a minute in all. */
void   http_welcome(HttpExchange *x);
Str    http_body(const HttpExchange *x);       /* the whole of it; not of a handler that reads */
bool   http_can_stream(const HttpExchange *x); /* HTTP/1.0 cannot */
bool   http_is_2(const HttpExchange *x);
Arena *http_arena(HttpExchange *x); /* lives as long as the exchange; of the handler and its steps */

/* Appends what has come of the body since the last time; the client may send as much again. False: that was
 * all. For paths of HttpOptions.streams_body; of the handler and its steps. */
bool http_read(HttpExchange *x, StrBuf *out);

typedef enum {
    HTTP_LANE_SHORT, /* answers at once, or says that it waits */
    HTTP_LANE_WAITS, /* may have to wait for others before it knows what it waits for */
    HTTP_LANE_WORKS, /* computes, or reads much */
    HTTP_LANES
} HttpLane;

HttpLane http_lane(const HttpExchange *x);
/* True: the caller, a handler that has answered nothing yet or a step, has to return now (a step: true) and
 * is called once more in that lane. False: it is there already. http_stream leads back to the short lane. */
bool http_move(HttpExchange *x, HttpLane lane);

/* Around what may wait long (for another node, for a topic to come): meanwhile another thread, made for it
 * where there is none, runs what else is asked. Of the handler. */
void http_wait_begin(HttpExchange *x);
void http_wait_end(HttpExchange *x);

/* ---- the reply ---- */

/* Before http_respond or http_begin. */
void http_set_header(HttpExchange *x, const char *name, const char *value);
/* All at once. type may be NULL. */
void http_respond(HttpExchange *x, int status, const char *type, Str body);
/* Piece by piece: status and headers go out with the first flush. */
void   http_begin(HttpExchange *x, int status, const char *type);
void   http_write(HttpExchange *x, Str bytes); /* into the buffer */
void   http_flush(HttpExchange *x);            /* what was written may go */
void   http_end(HttpExchange *x);
bool   http_gone(const HttpExchange *x);    /* the client left, or the server stops: no need to go on */
size_t http_pending(const HttpExchange *x); /* bytes that the client could take and has not */
size_t http_unread(const HttpExchange *x);  /* the same, whether it could or not */
/* Of the reply; 0: it has not begun. Of a WebSocket that a handler closed: the code of that. */
int    http_status(const HttpExchange *x);
size_t http_written(const HttpExchange *x); /* bytes of the body so far; of the handler and its steps */

enum {
    HTTP_PENDING_HIGH = 256 * 1024
}; /* a stream that can wait stops writing here; it is woken when less is left */

/* Instead of http_begin: the reply becomes messages of a WebSocket, one for each http_write. False: the
 * request does not ask for one. */
bool http_begin_websocket(HttpExchange *x);
bool http_is_websocket(const HttpExchange *x);
/* Ends it with a code of RFC 6455 and a reason. */
void http_close_websocket(HttpExchange *x, int code, Str reason);

/* Goes on until `step` answers false or the client is gone; then `close` is called, once. Called by the
 * handler, after http_begin; one that reads the body may begin the reply in a step. */
typedef bool (*HttpStep)(void *state, HttpExchange *x);
void http_stream(HttpExchange *x, HttpStep step, void (*close)(void *state), void *state);
/* Has the step called soon. Thread: any; the caller holds a reference. */
void          http_wake(HttpExchange *x);
HttpExchange *http_ref(HttpExchange *x);
void          http_unref(HttpExchange *x);

#endif
