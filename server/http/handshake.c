/*
 * handshake.c - connections of https listeners, until it is known who is there and what they speak.
 *
 * Handshakes have a loop of their own: what they compute (a signature of ours, a chain of the client's) takes
 * a millisecond or so each, and neither who is accepted next nor who speaks HTTP/2 waits for that. ALPN says
 * what follows; where a client has offered nothing, the first bytes do, as without TLS. A handshake that goes
 * on for too long is given up like any guest's (guests.h), however many bytes have come.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "core/logger.h"
#include "server/http/server.h"

typedef struct {
    LoopSource  base;
    HttpServer *server;
    TlsSession *tls;
    Guest      *guest;
    bool        shaken;
    StrBuf      first; /* what has come of a client without ALPN */
} Handshake;

static void handshake_release(LoopSource *source)
{
    Handshake *handshake = (Handshake *)source;
    if (source->fd >= 0) /* it was not handed on */
        connection_close(
            handshake->server,
            &(HttpConnection){.fd = source->fd, .tls = handshake->tls, .guest = handshake->guest});
    strbuf_clear(&handshake->first);
    mem_free(handshake);
}

static void give_up(Handshake *handshake) { loop_remove(handshake->server->tls_loop, &handshake->base); }

static void hand_on(Handshake *handshake, bool http2)
{
    HttpConnection connection = {.fd        = handshake->base.fd,
                                 .tls       = handshake->tls,
                                 .principal = tls_principal(handshake->tls),
                                 .guest     = handshake->guest,
                                 .already   = strbuf_str(&handshake->first)};
    give_up(handshake);
    handshake->base.fd = -1;
    if (http2)
        http2_take(handshake->server, &connection);
    else
        http1_take(handshake->server, &connection);
}

/* The client has not said what it speaks, so its first bytes tell. */
static void listen_to(Handshake *handshake)
{
    char    block[TLS_RECORD];
    ssize_t n = tls_recv(handshake->tls, handshake->base.fd, block, sizeof block);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        strbuf_add(&handshake->first, str_n(block, (size_t)n));
    Str first = strbuf_str(&handshake->first);
    if (first.len >= HTTP_ENOUGH)
        hand_on(handshake, memcmp(first.ptr, "PRI", HTTP_ENOUGH) == 0);
    else if (n <= 0)
        give_up(handshake);
}

/* The reason is on its way, and the client, as far as it knew, may have gone on to its request. */
static void leave_failed(Handshake *handshake)
{
    give_up(handshake);
    HttpConnection connection = {.fd = handshake->base.fd, .tls = handshake->tls, .guest = handshake->guest};
    linger_take(handshake->server, handshake->server->tls_loop, &connection);
    handshake->base.fd = -1;
}

static void go_on(Handshake *handshake)
{
    Loop *loop = handshake->server->tls_loop;
    switch (tls_shake_hands(handshake->tls)) {
    case TLS_WANTS_READ:
        loop_want(loop, &handshake->base, EPOLLIN | EPOLLRDHUP);
        return;
    case TLS_WANTS_WRITE:
        loop_want(loop, &handshake->base, EPOLLOUT);
        return;
    case TLS_FAILED:
        leave_failed(handshake);
        return;
    case TLS_SHAKEN:
        handshake->shaken = true;
    }
    TlsProtocol protocol = tls_protocol(handshake->tls);
    if (protocol == TLS_NOTHING_AGREED)
        loop_want(loop, &handshake->base, EPOLLIN | EPOLLRDHUP);
    else
        hand_on(handshake, protocol == TLS_HTTP_2);
}

static void handshake_ready(LoopSource *source, uint32_t events)
{
    Handshake *handshake = (Handshake *)source;
    if (handshake->shaken)
        listen_to(handshake);
    else
        go_on(handshake);
}

void handshake_take(HttpServer *server, const HttpConnection *connection)
{
    Handshake  *handshake = mem_calloc(1, sizeof *handshake);
    TlsContext *context   = server_tls_context(server);
    Error       err;
    *handshake =
        (Handshake){.base   = {.fd = connection->fd, .ready = handshake_ready, .release = handshake_release},
                    .server = server,
                    .guest  = connection->guest,
                    .tls    = tls_new(context, connection->fd)};
    tls_context_close(context); /* a session keeps it */
    error_set(&err, E_LIMIT, NO_POS, "no memory for a session of TLS");
    if (handshake->tls == NULL ||
        loop_add(server->tls_loop, &handshake->base, EPOLLIN | EPOLLRDHUP, &err) != OK) {
        log_line(LOG_WARN, "http: %s", err.message);
        handshake_release(&handshake->base);
    }
}
