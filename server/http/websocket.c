/*
 * websocket.c - the reply of an exchange as messages of a WebSocket (RFC 6455).
 *
 * Each piece that a handler wrote is a text message; the end of the reply closes with 1000, a handler may say
 * otherwise. What the client sends is of no interest but that it leaves: pings are answered, messages are
 * dropped. The socket is on the loop; the exchange changes its transport when it gets here.
 */
#include "server/http/websocket.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sys/epoll.h>

#include "core/logger.h"
#include "server/http/outbox.h"
#include "server/http/server.h"

enum {
    FINAL         = 0x80,
    CONTINUATION  = 0,
    TEXT          = 1,
    CLOSE         = 8,
    PING          = 9,
    PONG          = 10,
    MASKED        = 0x80,
    MOST_CONTROL  = 125, /* bytes of a control frame */
    HEAD_MOST     = 14,
    PIECE         = 16 * 1024,
    SEND_BLOCK    = 32 * 1024,
    SEND_ROUNDS   = 16,   /* then others have their turn */
    CLOSE_WAIT_MS = 5000, /* for the client's own close */
};

/* ---- the handshake ---- */

Str websocket_accept(Str key, Arena *arena)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char     digest[EVP_MAX_MD_SIZE];
    unsigned          size;
    Str               text = str_printf(arena, STR_FMT "%s", STR_ARG(key), guid);
    if (EVP_Digest(text.ptr, text.len, digest, &size, EVP_sha1(), NULL) != 1)
        return STR_NULL;
    return base64_encode(arena, str_n((const char *)digest, size));
}

/* ---- frames of the client ---- */

size_t websocket_read(WebSocketInput *input, Str bytes, WebSocketEvent *event)
{
    size_t at = 0;
    *event    = WEBSOCKET_NOTHING;
    while (at < bytes.len) {
        if (input->left > 0) { /* of a payload */
            unsigned char c = (unsigned char)bytes.ptr[at];
            if (input->opcode >= CLOSE) { /* control: small, and kept for the answer */
                input->payload[input->payload_len++] = (char)(c ^ input->mask[input->masked++ % 4]);
                at++, input->left--;
            } else { /* dropped */
                size_t n = bytes.len - at < input->left ? bytes.len - at : (size_t)input->left;
                at += n, input->left -= n;
            }
        } else {
            input->head[input->head_len++] = (unsigned char)bytes.ptr[at++];
            size_t extra                   = input->head_len < 2             ? 0
                                             : (input->head[1] & 127) == 126 ? 2
                                             : (input->head[1] & 127) == 127 ? 8
                                                                             : 0;
            if (input->head_len < 2 || input->head_len < 2 + extra + 4)
                continue;
            input->opcode = input->head[0] & 15;
            input->left   = input->head[1] & 127;
            for (size_t i = 0; extra > 0 && i < extra; i++)
                input->left = (i == 0 ? 0 : input->left << 8) | input->head[2 + i];
            memcpy(input->mask, input->head + 2 + extra, 4);
            bool masked = (input->head[1] & MASKED) != 0, reserved = (input->head[0] & 0x70) != 0;
            input->head_len = input->payload_len = input->masked = 0;
            if (!masked || reserved || (input->opcode >= CLOSE && input->left > MOST_CONTROL)) {
                *event = WEBSOCKET_BROKEN;
                return at;
            }
        }
        if (input->left == 0 && input->head_len == 0 && (input->opcode == PING || input->opcode == CLOSE)) {
            *event = input->opcode == PING ? WEBSOCKET_PING : WEBSOCKET_CLOSE;
            return at;
        }
    }
    return at;
}

/* ---- ours ---- */

typedef struct {
    LoopSource     base;
    HttpServer    *server;
    HttpConnection from;
    HttpExchange  *x; /* the transport's reference */
    Outbox         out;
    bool           in_message, said_close, heard_close;
    int64_t        closed_ms;
    WebSocketInput input;
} WebSocket;

static void add_frame(StrBuf *out, int first, Str payload)
{
    strbuf_addc(out, (char)first);
    if (payload.len < 126)
        strbuf_addc(out, (char)payload.len);
    else { /* PIECE fits into 16 bits */
        strbuf_addc(out, 126);
        strbuf_addc(out, (char)(payload.len >> 8));
        strbuf_addc(out, (char)payload.len);
    }
    strbuf_add(out, payload);
}

static void add_close(WebSocket *socket, int code, Str reason)
{
    char   payload[MOST_CONTROL];
    size_t len = reason.len < sizeof payload - 2 ? reason.len : sizeof payload - 2;
    while (len < reason.len && len > 0 && ((unsigned char)reason.ptr[len] & 0xc0) == 0x80)
        len--; /* a reason is UTF-8: it is cut between letters */
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (len > 0)
        memcpy(payload + 2, reason.ptr, len);
    add_frame(&socket->out.bytes, FINAL | CLOSE, str_n(payload, len + 2));
    socket->said_close = true;
    socket->closed_ms  = loop_now_ms();
}

/* Takes from the exchange what there is. */
static void gather(WebSocket *socket)
{
    HttpExchange *x = socket->x;
    char          piece[PIECE];
    while (!socket->said_close && socket->out.bytes.len < SEND_BLOCK) {
        bool done;
        pthread_mutex_lock(&x->lock);
        size_t before = exchange_pending(x);
        size_t n      = exchange_take(x, piece, sizeof piece, true, &done);
        bool   whole = x->piece_left == 0, cut = exchange_is_cut(x);
        int    code   = x->close_code;
        Str    reason = strbuf_str(&x->close_reason);
        pthread_mutex_unlock(&x->lock);
        exchange_taken(x, before);
        if (n > 0) {
            int first = (socket->in_message ? CONTINUATION : TEXT) | (whole ? FINAL : 0);
            add_frame(&socket->out.bytes, first, str_n(piece, n));
            socket->in_message = !whole;
        }
        if (done && n == 0)
            add_close(socket,
                      cut         ? 1001
                      : code != 0 ? code
                                  : 1000,
                      code != 0 ? reason
                      : cut     ? STR_LIT("cut off")
                                : STR_LIT("done"));
        if (n == 0)
            return;
    }
}

static void drop(WebSocket *socket) { loop_remove(socket->server->loop, &socket->base); }

/* So many blocks at most. *more: there may be others. False: the client is gone. */
static bool send_some(WebSocket *socket, int rounds, bool *more)
{
    socket->out.blocked = *more = false;
    for (int i = 0; i < rounds && !socket->out.blocked; i++) {
        if (socket->out.bytes.len == 0)
            gather(socket);
        if (socket->out.bytes.len == 0)
            return true;
        if (!outbox_send(&socket->out, socket->from.tls, socket->base.fd))
            return false;
    }
    *more = true;
    return true;
}

static void go_on(WebSocket *socket)
{
    bool more, alive = send_some(socket, SEND_ROUNDS, &more);
    bool over = socket->said_close && socket->heard_close && socket->out.bytes.len == 0;
    if (!alive || over)
        drop(socket);
    else
        loop_want(socket->server->loop, &socket->base, EPOLLIN | EPOLLRDHUP | (more ? EPOLLOUT : 0));
}

/* False: the connection is over. */
static bool hear(WebSocket *socket, Str bytes)
{
    while (bytes.len > 0) {
        WebSocketEvent event;
        size_t         n = websocket_read(&socket->input, bytes, &event);
        bytes            = str_n(bytes.ptr + n, bytes.len - n);
        Str payload      = str_n(socket->input.payload, socket->input.payload_len);
        if (event == WEBSOCKET_BROKEN)
            return false;
        if (event == WEBSOCKET_PING && !socket->said_close && socket->out.bytes.len < SEND_BLOCK)
            add_frame(&socket->out.bytes, FINAL | PONG, payload); /* between messages' frames it may stand */
        if (event == WEBSOCKET_CLOSE) {
            socket->heard_close = true;
            exchange_lost(socket->x);
            if (!socket->said_close)
                add_close(socket, 1000, STR_LIT(""));
        }
    }
    return true;
}

static void socket_ready(LoopSource *source, uint32_t events)
{
    WebSocket *socket = (WebSocket *)source;
    char       block[TLS_RECORD];
    ssize_t    n = tls_recv(socket->from.tls, source->fd, block, sizeof block);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) ||
        (n > 0 && !hear(socket, str_n(block, (size_t)n))))
        drop(socket);
    else
        go_on(socket);
}

static void socket_woken(LoopSource *source) { go_on((WebSocket *)source); }

static void socket_tick(LoopSource *source, int64_t now_ms)
{
    WebSocket *socket = (WebSocket *)source;
    if (socket->said_close && now_ms - socket->closed_ms > CLOSE_WAIT_MS)
        drop(socket);
}

static void socket_release(LoopSource *source)
{
    WebSocket *socket = (WebSocket *)source;
    bool       more;
    if (atomic_load(&socket->server->stopping))
        (void)send_some(socket, INT_MAX, &more);
    exchange_over(socket->x);
    connection_close(socket->server, &socket->from);
    outbox_clear(&socket->out);
    mem_free(socket);
}

/* ---- its exchange's transport ---- */

static Str  no_header(const HttpExchange *x, const char *name) { return STR_NULL; }
static void resume(HttpExchange *x)
{
    WebSocket *socket = x->connection;
    loop_wake(socket->server->loop, &socket->base);
}

static const HttpTransport transport = {no_header, resume};

void websocket_take(HttpExchange *x, const HttpConnection *from)
{
    WebSocket *socket = mem_calloc(1, sizeof *socket);
    Error      err;
    *socket = (WebSocket){.base   = {.fd      = from->fd,
                                     .ready   = socket_ready,
                                     .woken   = socket_woken,
                                     .tick    = socket_tick,
                                     .release = socket_release},
                          .server = x->server,
                          .from   = *from,
                          .x      = x};
    strbuf_add(&socket->out.bytes, from->due);
    bool right = hear(socket, from->already);
    pthread_mutex_lock(&x->lock); /* nobody resumes it before the loop has it, or when it has not */
    bool watched =
        right && loop_add(x->server->loop, &socket->base, EPOLLIN | EPOLLOUT | EPOLLRDHUP, &err) == OK;
    x->transport  = &transport;
    x->connection = watched ? socket : NULL;
    pthread_mutex_unlock(&x->lock);
    if (!watched) { /* else the loop may have dropped it by now */
        /* What any client can bring about, by a first frame that is none, is no warning. */
        log_line(right ? LOG_WARN : LOG_DEBUG, "http: a WebSocket cannot be served: %s",
                 right ? err.message : "its first frame is none");
        socket_release(&socket->base);
    }
}
