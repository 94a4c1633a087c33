/*
 * protocol_http1.c - HTTP/1: a connection as a state machine on a loop's thread, an exchange a request.
 *
 * Of our own, over http1_head.h, because what a stranger may do before he is known is decided here: a library
 * that answers malformed requests with pages of its own, reads a body before it asks, and does not say what
 * stood in a field behind a NUL leaves no way to keep the promises of http.h. It is little, for there is no
 * option that nobody uses.
 *
 *     state    waits for                 then
 *     HEAD     a head                    BODY; ANSWER where it has no body; LAST where it is refused
 *     BODY     the rest of the request   ANSWER; LAST where it is refused, or the answer is over
 *     ANSWER   handler and client        HEAD; another protocol; LAST where one of both ends it
 *     LAST     the client to read        the end (linger.c)
 *
 * Until a head is admitted no more of a body is read than came with it.
 *
 * What is written waits in the exchange until the socket takes it. Nothing is read that has nowhere to go:
 * neither a next request while one is answered nor more of a body than its handler has room for. A connection
 * that idles holds no buffer.
 *
 * Wake-ups come through the loop: the transport's resume may be called by any thread, and only says that
 * there is something to look at.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/http/http1_head.h"
#include "server/http/http1_reply.h"
#include "server/http/outbox.h"
#include "server/http/server.h"
#include "server/http/websocket.h"

enum {
    RECEIVE_BLOCK  = TLS_RECORD,
    RECEIVE_ROUNDS = 16, /* then others have their turn */
    SEND_BLOCK     = 64 * 1024,
    SEND_ROUNDS    = 8,  /* the same */
    CHUNK_HEAD     = 10, /* "ffffffff\r\n" */
    MAX_BLANK      = 64  /* bytes of empty lines before a head (RFC 9112, 2.2) */
};

typedef enum { HEAD, BODY, ANSWER, LAST } State;

typedef struct {
    LoopSource     base;
    HttpServer    *server;
    Loop          *loop;
    HttpConnection socket; /* as it was handed to us */
    State          state;
    StrBuf         in; /* received, and of no use yet */
    size_t         in_at, scanned, blanks;
    Outbox         out;
    HttpExchange  *x;      /* of BODY and ANSWER; NULL in ANSWER and LAST: it has moved on */
    Fields         fields; /* of x, until its reply begins */
    Http1Head      head;
    Http1Chunks    chunks;
    int64_t        body_left;
    size_t         received; /* of the body */
    bool           replying; /* the reply's head is out */
    bool           in_chunks;
    bool           closes;     /* after this reply */
    bool           hung_up;    /* the client has ended its side; bytes before that may be unread */
    bool           peer_ended; /* and they are read: it says nothing any more */
    bool           overheard;  /* it has said something that nobody listens to yet */
    bool           served;     /* a request was answered: it may idle */
    int64_t        since_ms;   /* the state; of HEAD with a byte: that byte */
    uint32_t       wanted;     /* of the loop */
} Connection;

/* ---- the transport of its exchanges ---- */

static Str find_field(const HttpExchange *x, const char *name)
{
    const Connection *connection = x->connection;
    return fields_find(&connection->fields, str_c(name));
}

static void resume(HttpExchange *x)
{
    Connection *connection = x->connection;
    loop_wake(connection->loop, &connection->base);
}

static const HttpTransport transport = {find_field, resume};

static void enter(Connection *connection, State state)
{
    connection->state    = state;
    connection->since_ms = loop_now_ms();
}

/* ---- what we say ---- */

/* In nobody's name; it is the last that this connection says. */
static void refuse(Connection *connection, int status, const char *message)
{
    http1_print_refusal(status, message, &connection->out.bytes);
    enter(connection, LAST);
}

static void let_go(Connection *connection)
{
    HttpExchange *x = connection->x;
    if (x == NULL)
        return;
    if (x->streams)
        exchange_drop_body(x);
    exchange_over(x);
    connection->x = NULL;
    fields_clear(&connection->fields);
}

/* What was wrong was found in the middle of a request: an answer that has begun goes on, and is the last. */
static void refuse_rest(Connection *connection, int status, const char *message)
{
    HttpExchange *x = connection->x;
    pthread_mutex_lock(&x->lock);
    bool begun = x->begun, ended = x->ended;
    pthread_mutex_unlock(&x->lock);
    connection->closes = true;
    strbuf_clear(&connection->in);
    connection->in_at = 0;
    if (begun && !ended)
        exchange_lost(x); /* what it has read is not all */
    if (begun) {
        enter(connection, ANSWER);
        return;
    }
    let_go(connection);
    refuse(connection, status, message);
}

/* ---- the reply ---- */

static void add_reply_head(Connection *connection, const HttpExchange *x)
{
    StrBuf *out = &connection->out.bytes;
    fields_clear(&connection->fields); /* nobody asks for them any more */
    http1_print_head(x, out);
    connection->in_chunks = !x->whole && x->version == HTTP_1_1;
    if (x->whole)
        strbuf_addf(out, "Content-Length: %zu\r\n", x->written);
    else if (connection->in_chunks)
        strbuf_adds(out, "Transfer-Encoding: chunked\r\n");
    bool early         = !x->body_ended && (!x->streams || x->ended); /* the rest will not be read */
    connection->closes = connection->closes || !connection->head.keeps_alive || early ||
                         (!x->whole && !connection->in_chunks) || atomic_load(&x->server->stopping);
    if (connection->closes)
        strbuf_adds(out, "Connection: close\r\n");
    else if (x->version == HTTP_1_0)
        strbuf_adds(out, "Connection: Keep-Alive\r\n");
    strbuf_adds(out, "\r\n");
    connection->replying = true;
}

/* Up to a block of it, in a chunk where it has chunks. *done: nothing follows. False: there is nothing. */
static bool add_reply_piece(Connection *connection, HttpExchange *x, bool *done, bool *cut)
{
    StrBuf *out = &connection->out.bytes;
    char    head[CHUNK_HEAD + 1];
    outbox_forget_sent(&connection->out);
    size_t at = out->len;
    pthread_mutex_lock(&x->lock);
    size_t before = exchange_pending(x);
    size_t room   = before < SEND_BLOCK ? before : SEND_BLOCK;
    strbuf_reserve(out, room + 2 * CHUNK_HEAD);
    size_t n = exchange_take(x, out->ptr + at + CHUNK_HEAD, room, false, done);
    *cut     = exchange_is_cut(x);
    pthread_mutex_unlock(&x->lock);
    exchange_taken(x, before);
    bool   silent = str_equal(x->method, STR_LIT("HEAD"));
    size_t prefix = 0;
    if (n > 0 && !silent) {
        if (connection->in_chunks)
            prefix = (size_t)snprintf(head, sizeof head, "%zx\r\n", n);
        memmove(out->ptr + at + prefix, out->ptr + at + CHUNK_HEAD, n);
        memcpy(out->ptr + at, head, prefix);
        out->len = at + prefix + n;
        strbuf_adds(out, connection->in_chunks ? "\r\n" : "");
    }
    if (*done && !*cut && connection->in_chunks && !silent)
        strbuf_adds(out, "0\r\n\r\n");
    return n > 0;
}

static Str unread(const Connection *connection)
{
    Str all = strbuf_str(&connection->in);
    return str_n(all.ptr + connection->in_at, all.len - connection->in_at);
}

/* ---- moving on to another protocol ---- */

/* The socket with all that belongs to it; what is left of the connection goes. */
static HttpConnection hand_over(Connection *connection)
{
    HttpConnection moved = connection->socket;
    loop_remove(connection->loop, &connection->base);
    connection->socket  = (HttpConnection){.fd = -1};
    connection->base.fd = -1;
    moved.already       = unread(connection);
    moved.due           = strbuf_str(&connection->out.bytes);
    return moved;
}

static void become_websocket(Connection *connection)
{
    HttpExchange *x = connection->x;
    http1_print_head(x, &connection->out.bytes);
    strbuf_adds(&connection->out.bytes, "Connection: Upgrade\r\n\r\n");
    connection->x        = NULL;
    HttpConnection moved = hand_over(connection);
    websocket_take(x, &moved);
}

/* True: it is not ours any more. */
static bool become_http2(Connection *connection)
{
    HttpExchange *x = connection->x;
    H2c *h2c = connection->socket.tls == NULL ? h2c_asked(&connection->fields, connection->base.fd, x) : NULL;
    if (h2c == NULL)
        return false;
    strbuf_adds(&connection->out.bytes,
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    connection->x        = NULL;
    HttpConnection moved = hand_over(connection);
    http2_take_upgraded(connection->server, &moved, x, h2c);
    h2c_free(h2c);
    return true;
}

/* ---- requests ---- */

static void consume(Connection *connection, size_t n)
{
    connection->in_at += n;
    if (connection->in_at < connection->in.len)
        return;
    strbuf_clear(&connection->in); /* who idles holds nothing */
    connection->in_at = 0;
}

/* Passes on what has come of the body, as far as it has room. True: something has moved. */
static bool take_body(Connection *connection)
{
    HttpExchange *x     = connection->x;
    bool          moved = false, over = connection->head.chunked ? connection->chunks.state == CHUNK_OVER
                                                                 : connection->body_left == 0;
    while (!over && unread(connection).len > 0) {
        Str        bytes = unread(connection), data = bytes;
        size_t     n     = 0;
        Http1Fault fault = {0};
        if (connection->head.chunked)
            n = http1_chunks_read(&connection->chunks, bytes, &data, &fault);
        else {
            n    = (int64_t)bytes.len < connection->body_left ? bytes.len : (size_t)connection->body_left;
            data = str_n(bytes.ptr, n);
            connection->body_left -= (int64_t)n;
        }
        if (data.len > 0)
            exchange_receive(x, data);
        connection->received += data.len;
        consume(connection, n);
        moved = true;
        if (fault.status == 0 && x->too_large)
            fault = (Http1Fault){413, "The request is too large"};
        if (fault.status != 0) {
            refuse_rest(connection, fault.status, fault.message);
            return true;
        }
        over = connection->head.chunked ? connection->chunks.state == CHUNK_OVER : connection->body_left == 0;
    }
    if (over) {
        exchange_received(x);
        enter(connection, ANSWER);
    }
    return moved || over;
}

/* The head is there, and is one. */
static void begin(Connection *connection)
{
    const Http1Head *head    = &connection->head;
    HttpVersion      version = head->version_1_0 ? HTTP_1_0 : HTTP_1_1;
    connection->x            = exchange_new(connection->server, &transport, connection, version, head->method,
                                            head->target, connection->socket.principal);
    connection->chunks       = (Http1Chunks){0};
    connection->body_left    = head->length;
    connection->received     = 0;
    connection->replying = connection->closes = false;
    enter(connection, BODY);
}

/* What came with the head is all that is taken before somebody has looked at it. True: it is over, or not
 * ours any more. */
static bool submit(Connection *connection)
{
    HttpExchange *x = connection->x;
    (void)take_body(connection);
    if (connection->x == NULL) /* its body is none */
        return true;
    if (connection->state == ANSWER && become_http2(connection))
        return true;
    (void)exchange_submit_or_answer(x); /* the reply is looked at next, if there is one */
    return false;
}

/* ksqlDB's limit on what is read as a whole. */
static bool is_too_large(const Connection *connection)
{
    return !connection->x->streams && connection->body_left > (int64_t)connection->server->options.max_body;
}

static void skip_blank_lines(Connection *connection)
{
    for (Str in = unread(connection); in.len >= 2 && memcmp(in.ptr, "\r\n", 2) == 0;
         in     = unread(connection)) {
        connection->blanks += 2;
        consume(connection, 2);
    }
}

/* True: something has moved. */
static bool take_head(Connection *connection)
{
    Http1Fault fault = {0};
    skip_blank_lines(connection);
    Str in = unread(connection);
    if (in.len == 0 && connection->blanks <= MAX_BLANK)
        return false;
    size_t end = 0;
    if (connection->blanks > MAX_BLANK)
        fault = (Http1Fault){400, "The request begins with too many empty lines"};
    else
        end = http1_head_end(in, &connection->scanned, &fault);
    if (fault.status == 0 && end == 0)
        return false;
    connection->scanned = connection->blanks = 0;
    if (fault.status != 0 ||
        !http1_head_read(str_n(in.ptr, end), &connection->head, &connection->fields, &fault)) {
        fields_clear(&connection->fields);
        refuse(connection, fault.status, fault.message);
        return true;
    }
    begin(connection);
    consume(connection, end); /* the head's texts were copied */
    if (is_too_large(connection))
        refuse_rest(connection, 413, "The request is too large");
    else
        (void)submit(connection);
    return true;
}

/* ---- bytes ---- */

/* False: nobody takes it. An idle connection keeps no memory for what it may say. */
static bool send_due(Connection *connection)
{
    if (!outbox_send(&connection->out, connection->socket.tls, connection->base.fd))
        return false;
    if (!connection->out.blocked)
        outbox_clear(&connection->out);
    return true;
}

/* The reply is out as a whole, or as far as it will ever be. */
static void end_reply(Connection *connection, bool cut)
{
    bool more = connection->state == ANSWER && !connection->closes && !cut;
    let_go(connection);
    connection->overheard = false;
    connection->served    = true;
    connection->replying  = false;
    if (!more)
        strbuf_clear(&connection->in), connection->in_at = 0;
    enter(connection, more ? HEAD : LAST);
}

/* Who was admitted is no guest any more, and is told to send its body if it wants to be told. */
static void notice_admission(Connection *connection)
{
    if (connection->x == NULL || exchange_admission(connection->x) != ADMISSION_GIVEN)
        return;
    if (exchange_is_welcome(connection->x)) {
        guest_leave(connection->socket.guest);
        connection->socket.guest = NULL;
    }
    if (connection->state == BODY && connection->head.expects && connection->received == 0 &&
        !connection->replying) /* before anything of the reply */
        strbuf_adds(&connection->out.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
    connection->head.expects = false;
}

/* Of the exchange into `out`. True: something has moved. */
static bool take_reply(Connection *connection)
{
    HttpExchange *x     = connection->x;
    bool          moved = false, done = false, cut = false;
    pthread_mutex_lock(&x->lock);
    bool begun = x->begun, lost = x->gone && !x->begun, socket = x->websocket;
    if (begun && !socket && !connection->replying) {
        add_reply_head(connection, x);
        moved = true;
    }
    pthread_mutex_unlock(&x->lock);
    notice_admission(connection); /* which was there before the reply */
    if (lost) {                   /* the client has left, or the server stops */
        let_go(connection);
        enter(connection, LAST);
        return true;
    }
    if (begun && socket) {
        become_websocket(connection);
        return false;
    }
    if (!begun || outbox_due(&connection->out) >= SEND_BLOCK)
        return moved;
    moved = add_reply_piece(connection, x, &done, &cut) || moved;
    if (done)
        end_reply(connection, cut);
    return moved || done;
}

static bool has_room(const Connection *connection)
{
    HttpExchange *x = connection->x;
    if (x == NULL)
        return false;
    pthread_mutex_lock(&x->lock);
    bool room = x->admitted && !x->refused && !x->gone &&
                (!x->streams || x->drops_body || x->body.len < HTTP_BODY_HIGH);
    pthread_mutex_unlock(&x->lock);
    return room;
}

/* Is there anywhere for bytes of the client to go? The end that TLS has of its own is read like any byte, so
 * there a little is read ahead. */
static bool hears(const Connection *connection)
{
    bool ahead = connection->state == ANSWER && connection->socket.tls != NULL &&
                 unread(connection).len < RECEIVE_BLOCK;
    return !connection->peer_ended &&
           (connection->state == HEAD || ahead || (connection->state == BODY && has_room(connection)));
}

/* Everything that can move without the socket. */
static bool move(Connection *connection)
{
    bool moved = false;
    if (connection->state == HEAD)
        moved = take_head(connection);
    else if (connection->state == BODY && has_room(connection))
        moved = take_body(connection);
    if (connection->x != NULL && !connection->base.is_removed)
        moved = take_reply(connection) || moved;
    return moved;
}

static void drop(Connection *connection) { loop_remove(connection->loop, &connection->base); }

static void linger(Connection *connection)
{
    HttpConnection moved = hand_over(connection);
    linger_take(connection->server, connection->loop, &moved);
}

/* A client that has ended its side gets what it has asked for as a whole, and nothing that would go on. */
static void notice_end(Connection *connection)
{
    if (connection->x == NULL)
        return;
    bool half = connection->state == BODY && connection->peer_ended;
    bool vain = connection->state == ANSWER && connection->hung_up && atomic_load(&connection->x->goes_on);
    if (half || vain)
        exchange_lost(connection->x);
}

/* A client that waits for its answer says nothing: the loop goes on to watch it, at no cost, until it does.
 * `more`: there is something to send that waits for nothing but others' turn. */
static void want(Connection *connection, bool more)
{
    bool     quiet  = connection->state == ANSWER && !connection->peer_ended && !connection->overheard;
    uint32_t events = (hears(connection) || quiet ? EPOLLIN : 0) | (connection->hung_up ? 0 : EPOLLRDHUP) |
                      (connection->out.blocked || more ? EPOLLOUT : 0);
    if (events != connection->wanted)
        loop_want(connection->loop, &connection->base, events);
    connection->wanted = events;
}

/* After whatever has happened. */
static void go_on(Connection *connection)
{
    bool moved;
    int  rounds = 0;
    notice_end(connection);
    do {
        moved = move(connection);
        if (connection->base.is_removed)
            return;                                     /* it has become another's */
        moved = moved || connection->out.bytes.len > 0; /* what is sent makes room */
        if (!send_due(connection)) {
            drop(connection);
            return;
        }
    } while (moved && !connection->out.blocked && ++rounds < SEND_ROUNDS);
    bool idle = connection->state == HEAD && connection->peer_ended;
    if (idle || (connection->state == BODY && connection->peer_ended))
        drop(connection);
    else if (connection->state == LAST && connection->out.bytes.len == 0)
        linger(connection);
    else
        want(connection, moved);
}

/* What was consumed makes room. */
static void close_gap(Connection *connection)
{
    Str left = unread(connection);
    if (connection->in_at == 0)
        return;
    memmove(connection->in.ptr, left.ptr, left.len);
    connection->in.len = left.len;
    connection->in_at  = 0;
}

/* What the client has sent. False: the connection is broken. */
static bool receive(Connection *connection)
{
    char block[RECEIVE_BLOCK];
    for (int i = 0; i < RECEIVE_ROUNDS && hears(connection); i++) {
        ssize_t n = tls_recv(connection->socket.tls, connection->base.fd, block, sizeof block);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return true;
        if (n < 0)
            return false;
        if (n == 0) {
            connection->hung_up = connection->peer_ended = true;
            return true;
        }
        if (connection->state == HEAD && connection->in.len == 0)
            connection->since_ms = loop_now_ms();
        close_gap(connection);
        strbuf_add(&connection->in, str_n(block, (size_t)n));
        (void)move(connection);
        if (connection->base.is_removed)
            return true;
    }
    return true;
}

static void connection_ready(LoopSource *source, uint32_t events)
{
    Connection *connection = (Connection *)source;
    bool        alive      = (events & EPOLLERR) == 0;
    connection->hung_up    = connection->hung_up || (events & EPOLLRDHUP) != 0;
    connection->overheard  = (events & EPOLLIN) != 0 && !hears(connection);
    if (alive && hears(connection))
        alive = receive(connection);
    else if ((events & EPOLLHUP) != 0) /* neither does it read any more */
        alive = false;
    if (connection->base.is_removed)
        return;
    if (alive)
        go_on(connection);
    else
        drop(connection);
}

static void connection_woken(LoopSource *source) { go_on((Connection *)source); }

static void connection_tick(LoopSource *source, int64_t now_ms)
{
    Connection *connection = (Connection *)source;
    int64_t     waited_ms  = now_ms - connection->since_ms;
    bool        begun      = connection->in.len > 0 || connection->blanks > 0;
    if (connection->state == HEAD && !begun && connection->served &&
        waited_ms > 1000LL * connection->server->options.idle_timeout_s)
        drop(connection);
    else if (connection->state == LAST && waited_ms > 1000LL * HTTP_UNSENT_TIMEOUT_S)
        drop(connection);
    else if (connection->state == HEAD && begun &&
             waited_ms > 1000LL * connection->server->options.head_timeout_s) {
        refuse(connection, 408, "The request's head takes too long");
        go_on(connection);
    } else if (connection->state == BODY && !connection->x->streams && has_room(connection) &&
               waited_ms > server_body_patience_ms(connection->server, connection->received)) {
        refuse_rest(connection, 408, "The request's body takes too long");
        go_on(connection);
    }
}

/* ---- life ---- */

static void connection_release(LoopSource *source)
{
    Connection *connection = (Connection *)source;
    if (atomic_load(&connection->server->stopping)) /* handlers have ended their replies */
        while (connection->x != NULL && take_reply(connection) && send_due(connection) &&
               !connection->out.blocked)
            ;
    bool ours = connection->base.fd >= 0; /* it was not handed on */
    if (ours)
        (void)send_due(connection);
    let_go(connection);
    fields_clear(&connection->fields);
    strbuf_clear(&connection->in);
    outbox_clear(&connection->out);
    if (ours)
        connection_close(connection->server, &connection->socket);
    mem_free(connection);
}

void http1_take(HttpServer *server, const HttpConnection *from)
{
    Error       err;
    Connection *connection     = mem_calloc(1, sizeof *connection);
    uint32_t    events         = EPOLLIN | EPOLLRDHUP;
    *connection                = (Connection){.base     = {.fd      = from->fd,
                                                           .ready   = connection_ready,
                                                           .woken   = connection_woken,
                                                           .tick    = connection_tick,
                                                           .release = connection_release},
                                              .server   = server,
                                              .loop     = from->tls != NULL ? server->tls_loop : server->http1_loop,
                                              .socket   = *from,
                                              .wanted   = events | EPOLLOUT,
                                              .since_ms = loop_now_ms()};
    connection->socket.already = connection->socket.due = STR_NULL;
    strbuf_add(&connection->in, from->already);
    /* There is room to write: what has been read already is looked at when the loop has it. */
    if (loop_add(connection->loop, &connection->base, events | EPOLLOUT, &err) != OK) {
        log_line(LOG_WARN, "http: a connection cannot be served: %s", err.message);
        connection_release(&connection->base);
    }
}
