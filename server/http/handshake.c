/*
 * handshake.c - connections of https listeners, until it is known who is there and what they speak.
 *
 * Handshakes have a loop of their own: what they compute (a signature of ours, a chain of the client's) takes
 * a millisecond or so each, and neither who is accepted next nor who speaks HTTP/2 waits for that. ALPN says
 * what follows; where a client has offered nothing, the first bytes do, as without TLS. A handshake that is
 * not over a minute after its connection was accepted is given up, however many bytes have come.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "core/logger.h"
#include "server/http/server.h"

typedef struct {
    LoopSource  base;
    HttpServer *server;
    TlsSession *tls;
    int64_t     since_ms;
    bool        shaken;
    StrBuf      first; /* what has come of a client without ALPN */
} Handshake;

static void handshake_release(LoopSource *source)
{
    Handshake *handshake = (Handshake *)source;
    if (source->fd >= 0) /* it was not handed on */
        connection_close(handshake->server, &(HttpConnection){.fd = source->fd, .tls = handshake->tls});
    strbuf_clear(&handshake->first);
    mem_free(handshake);
}

static void give_up(Handshake *handshake) { loop_remove(handshake->server->tls_loop, &handshake->base); }

static void hand_on(Handshake *handshake, bool http2)
{
    HttpConnection connection = {.fd        = handshake->base.fd,
                                 .tls       = handshake->tls,
                                 .principal = tls_principal(handshake->tls),
                                 .already   = strbuf_str(&handshake->first)};
    give_up(handshake);
    handshake->base.fd = -1;
    if (http2)
        http2_take(handshake->server, &connection);
    else
        relay_take(handshake->server, &connection);
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
    tls_free(handshake->tls);
    linger_take(handshake->server, handshake->server->tls_loop, handshake->base.fd);
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

static void handshake_tick(LoopSource *source, int64_t now_ms)
{
    Handshake *handshake = (Handshake *)source;
    if (now_ms - handshake->since_ms > HTTP_REQUEST_TIMEOUT_S * 1000)
        give_up(handshake);
}

void handshake_take(HttpServer *server, int fd, int64_t since_ms)
{
    Handshake *handshake = mem_calloc(1, sizeof *handshake);
    Error      err;
    *handshake = (Handshake){
        .base   = {.fd = fd, .ready = handshake_ready, .tick = handshake_tick, .release = handshake_release},
        .server = server,
        .tls    = tls_new(server->tls, fd),
        .since_ms = since_ms};
    error_set(&err, E_LIMIT, NO_POS, "no memory for a session of TLS");
    if (handshake->tls == NULL ||
        loop_add(server->tls_loop, &handshake->base, EPOLLIN | EPOLLRDHUP, &err) != OK) {
        log_line(LOG_WARN, "http: %s", err.message);
        handshake_release(&handshake->base);
    }
}
