/*
 * relay.c - HTTP/1 behind TLS: a pair of sockets, one of whose ends is libmicrohttpd's, and between the other
 * and the client somebody who encrypts and decrypts.
 *
 * libmicrohttpd could do TLS by itself, by another library (GnuTLS), with its own opinion of settings and
 * certificates; and who speaks HTTP/2 would have to be guessed from bytes of the handshake. This way there is
 * one TLS for both protocols, WebSockets and clients that leave are what they are without it, and no line of
 * protocol_http1.c knows. It costs two descriptors a connection, and each byte a copy.
 *
 * Back-pressure goes through: a side is read only when the other has taken all there was, so a relay holds
 * one block each way at most, and what a sleeping client is owed waits in its exchange. An idle relay holds
 * none.
 *
 * An end goes through, too. When the client has ended, libmicrohttpd sees that (which is how a push query's
 * does); when libmicrohttpd has closed, what it wrote is sent, then TLS's farewell, and a client that is
 * still sending is listened to for a moment: a socket that is closed over unread bytes takes back what it
 * sent.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/logger.h"
#include "server/http/server.h"

enum {
    ROUNDS         = 8, /* blocks at a time; then others have their turn */
    PAIR_BUFFER    = 64 * 1024,
    DESCRIPTORS    = 2, /* beside libmicrohttpd's end, which counts as its connection */
    UNSENT_WAIT_MS = HTTP_REQUEST_TIMEOUT_S * 1000
};

typedef struct Relay Relay;

typedef struct {
    LoopSource  base;
    Relay      *relay;
    TlsSession *tls; /* NULL: of the side that is libmicrohttpd's */
    StrBuf      due; /* what this side has not taken */
    size_t      due_at;
    bool        ended;  /* it says nothing any more */
    bool        broken; /* it takes nothing, either */
    bool        told;   /* that the other has ended */
} Side;

/* Thread: the TLS loop's. */
struct Relay {
    HttpServer *server;
    Side        client, house;
    int         sides;    /* that are not released */
    int         counted;  /* of the server's connections */
    int64_t     moved_ms; /* when a side last took something */
};

/* ---- bytes ---- */

static bool is_for_later(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* Up to `bytes.len`; -> how many it took. */
static size_t send_to(Side *to, Str bytes)
{
    size_t at = 0;
    while (at < bytes.len && !to->broken) {
        ssize_t n = tls_send(to->tls, to->base.fd, bytes.ptr + at, bytes.len - at);
        if (n < 0 && is_for_later())
            break;
        to->broken = n < 0;
        at += n < 0 ? 0 : (size_t)n;
    }
    if (at > 0)
        to->relay->moved_ms = loop_now_ms();
    return at;
}

/* True: nothing is due to it any more. */
static bool send_due(Side *to)
{
    if (to->due.len == 0)
        return !to->broken;
    to->due_at += send_to(to, str_n(to->due.ptr + to->due_at, to->due.len - to->due_at));
    if (to->due_at < to->due.len)
        return false;
    strbuf_clear(&to->due); /* an idle connection keeps no memory */
    to->due_at = 0;
    return true;
}

/* False: no more for now. */
static bool move_block(Side *from, Side *to)
{
    char block[TLS_RECORD];
    if (!send_due(to) || from->ended || from->broken)
        return false;
    ssize_t n = tls_recv(from->tls, from->base.fd, block, sizeof block);
    if (n <= 0) {
        from->ended  = n == 0;
        from->broken = n < 0 && !is_for_later();
        return false;
    }
    size_t sent = send_to(to, str_n(block, (size_t)n));
    strbuf_add(&to->due, str_n(block + sent, (size_t)n - sent));
    return to->due.len == 0;
}

static void move(Side *from, Side *to)
{
    for (int i = 0; i < ROUNDS && move_block(from, to); i++)
        ;
}

/* ---- ends ---- */

static void drop(Relay *relay)
{
    loop_remove(relay->server->tls_loop, &relay->client.base);
    loop_remove(relay->server->tls_loop, &relay->house.base);
}

/* What libmicrohttpd has written until it closed: at most PAIR_BUFFER or so. */
static void take_rest_of_house(Relay *relay)
{
    char    block[TLS_RECORD];
    ssize_t n;
    while ((n = recv(relay->house.base.fd, block, sizeof block, MSG_DONTWAIT)) > 0)
        strbuf_add(&relay->client.due, str_n(block, (size_t)n));
}

/* libmicrohttpd has closed its end. The kernel goes on to say so as long as the socket is watched, whether
 * the client takes anything or not, so the rest is taken at once and the socket watched no longer. */
static void house_left(Relay *relay)
{
    if (relay->house.base.is_removed)
        return;
    if (!relay->house.ended)
        take_rest_of_house(relay);
    relay->house.ended = true;
    strbuf_clear(&relay->house.due);
    relay->house.due_at = 0;
    loop_remove(relay->server->tls_loop, &relay->house.base);
}

/* The client has said its last, and libmicrohttpd has it all. */
static void pass_end_on(Relay *relay)
{
    if (!relay->client.ended || relay->house.told || relay->house.ended || relay->house.due.len > 0)
        return;
    relay->house.told = true;
    (void)shutdown(relay->house.base.fd, SHUT_WR);
}

/* libmicrohttpd has, and the client has it all. */
static bool say_farewell(Relay *relay)
{
    Side *client = &relay->client;
    if (!relay->house.ended || client->due.len > 0)
        return false;
    drop(relay);
    tls_free(client->tls);
    client->tls = NULL;
    linger_take(relay->server, relay->server->tls_loop, client->base.fd);
    client->base.fd = -1;
    relay->counted--;
    return true;
}

/* ---- events ---- */

/* A side is asked what it says while the other has room, and whether it has room while something is due to
 * it. An end that was heard is not asked for again: epoll would not stop to tell. */
static void want(Relay *relay, Side *side, const Side *other)
{
    bool     hears  = !side->ended && other->due.len == 0;
    uint32_t events = (hears ? EPOLLIN | EPOLLRDHUP : 0) | (side->due.len > 0 ? EPOLLOUT : 0);
    if (!side->base.is_removed)
        loop_want(relay->server->tls_loop, &side->base, events);
}

static void go_on(Relay *relay)
{
    Side *client = &relay->client, *house = &relay->house;
    if (!house->ended)
        move(client, house);
    move(house, client);
    if (house->broken)
        house_left(relay);
    if (client->broken) {
        drop(relay);
        return;
    }
    pass_end_on(relay);
    if (say_farewell(relay))
        return;
    want(relay, client, house);
    want(relay, house, client);
}

static void client_ready(LoopSource *source, uint32_t events)
{
    Relay *relay = ((Side *)source)->relay;
    if (events & (EPOLLERR | EPOLLHUP)) /* it takes nothing any more */
        drop(relay);
    else
        go_on(relay);
}

static void house_ready(LoopSource *source, uint32_t events)
{
    Relay *relay = ((Side *)source)->relay;
    if (events & (EPOLLERR | EPOLLHUP))
        house_left(relay);
    go_on(relay);
}

static void client_tick(LoopSource *source, int64_t now_ms)
{
    Relay *relay = ((Side *)source)->relay;
    if (relay->house.ended && now_ms - relay->moved_ms > UNSENT_WAIT_MS)
        drop(relay);
}

/* ---- life ---- */

static void side_release(LoopSource *source)
{
    Side  *side  = (Side *)source;
    Relay *relay = side->relay;
    if (relay->sides == 2 && atomic_load(&relay->server->stopping)) { /* libmicrohttpd has stopped before */
        take_rest_of_house(relay);
        (void)send_due(&relay->client);
    }
    tls_free(side->tls);
    strbuf_clear(&side->due);
    if (side->base.fd >= 0)
        close(side->base.fd);
    if (--relay->sides > 0)
        return;
    atomic_fetch_sub(&relay->server->connections, relay->counted);
    mem_free(relay);
}

static Relay *relay_new(HttpServer *server, const HttpConnection *from, int house)
{
    Relay *relay = mem_calloc(1, sizeof *relay);
    *relay       = (Relay){
              .server = server,
              .client =
                  {.base  = {.fd = from->fd, .ready = client_ready, .tick = client_tick, .release = side_release},
                   .relay = relay,
                   .tls   = from->tls},
              .house    = {.base = {.fd = house, .ready = house_ready, .release = side_release}, .relay = relay},
              .sides    = 2,
              .moved_ms = loop_now_ms()};
    strbuf_add(&relay->house.due, from->already);
    return relay;
}

/* Room to write at once: what is due goes when the loop has them. */
static bool watch_both(Relay *relay)
{
    Error err;
    Loop *loop = relay->server->tls_loop;
    if (loop_add(loop, &relay->house.base, EPOLLIN | EPOLLOUT | EPOLLRDHUP, &err) != OK) {
        side_release(&relay->house.base);
        side_release(&relay->client.base);
    } else if (loop_add(loop, &relay->client.base, EPOLLIN | EPOLLRDHUP, &err) != OK) {
        loop_remove(loop, &relay->house.base);
        side_release(&relay->client.base);
    } else
        return true;
    log_line(LOG_WARN, "http: %s", err.message);
    return false;
}

void relay_take(HttpServer *server, const HttpConnection *from)
{
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX};
    int                pair[2], size = PAIR_BUFFER;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        log_line(LOG_WARN, "http: a connection cannot be served: %m");
        connection_close(server, from);
        return;
    }
    for (int i = 0; i < 2; i++)
        (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    atomic_fetch_add(&server->connections, DESCRIPTORS);
    if (watch_both(relay_new(server, from, pair[0])))
        http1_take(server, pair[1], (const struct sockaddr *)&nowhere, sizeof nowhere, from->principal);
    else {
        close(pair[1]);
        atomic_fetch_sub(&server->connections, 1);
    }
    mem_free(from->principal);
}
