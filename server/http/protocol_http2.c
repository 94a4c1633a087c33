/*
 * protocol_http2.c - HTTP/2 by nghttp2, on the loop's thread: a session a connection, an exchange a stream.
 *
 * Sessions belong to the loop's thread. Who has something for a stream (any thread, under the exchange's
 * lock) puts it into the connection's list of streams to look at and wakes the loop. A stream with nothing to
 * send is deferred: nghttp2 asks again when it is resumed.
 *
 * Each piece that a handler wrote is a DATA frame of its own (http.h). A client that does not read stops its
 * own stream by HTTP/2's windows, all of its streams by the socket, and nobody else: what is written waits in
 * the exchange. A body that a handler reads as it comes is acknowledged as it reads; others at once, up to
 * the limit of their size.
 */
#include <errno.h>
#include <limits.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/http/outbox.h"
#include "server/http/server.h"

enum {
    MOST_STREAMS    = 1000,            /* of a connection at a time */
    MOST_HEADERS    = 64 * 1024,       /* bytes of names and values of a request */
    MOST_HELD       = 2 * 1024 * 1024, /* of all that have not been answered */
    SEND_BLOCK      = 32 * 1024,
    RECEIVE_BLOCK   = TLS_RECORD,
    RECEIVE_ROUNDS  = 16,   /* then others have their turn */
    SEND_ROUNDS     = 16,   /* the same */
    MOST_RESETS     = 1000, /* streams begun and cancelled, beyond what a second forgives */
    RESETS_FORGIVEN = 100,
    BODY_WINDOW     = 1024 * 1024,
    REST_MOST       = 64 * 1024, /* of a body whose end nobody needs, and how long it may take */
    REST_MS         = 1000,
};

typedef struct Connection Connection;
typedef struct Stream     Stream;

struct Stream {
    Connection   *connection;
    Stream       *next, *previous;
    int32_t       id;
    HttpExchange *x;      /* once the headers are there */
    Fields        fields; /* complete when x is made; until its reply begins */
    const char   *fault;  /* why the fields are none; NULL: they are */
    bool          submitted, answered, ended /* by the client */, sent /* all of the reply */;
    bool          expects;  /* to be told that its body is wanted */
    int64_t       since_ms; /* its first headers, or their end */
    int64_t       sent_ms;  /* when all of the reply was */
    int64_t       length;   /* of the body, as its headers say; < 0: they do not */
    size_t        received; /* of the body */
    size_t        held;     /* of that, taken and not acknowledged: nobody has admitted it yet */
    /* Under the connection's lock. */
    Stream *next_due;
    bool    is_due;
};

struct Connection {
    LoopSource       base;
    HttpServer      *server;
    HttpConnection   socket; /* as it was handed to us */
    nghttp2_session *session;
    Stream          *streams;
    size_t           held;  /* bytes of their fields */
    StrBuf           early; /* what was read before the loop had it */
    Outbox           out;
    uint32_t         wanted;     /* of the loop */
    bool             ends_early; /* a reply is over before its request */
    int64_t          heard_ms;
    int              resets;
    pthread_mutex_t  lock; /* of what follows */
    Stream          *due;  /* streams that somebody has something for */
};

/* ---- the transport of its exchanges ---- */

static Str find_header(const Stream *stream, Str name) { return fields_find(&stream->fields, name); }

static Str stream_header(const HttpExchange *x, const char *name)
{
    return find_header(x->connection, str_c(name));
}

static void forget_fields(Stream *stream)
{
    stream->connection->held -= stream->fields.bytes.len;
    fields_clear(&stream->fields);
}

static void make_due(Stream *stream)
{
    Connection *connection = stream->connection;
    pthread_mutex_lock(&connection->lock);
    if (!stream->is_due) {
        stream->is_due   = true;
        stream->next_due = connection->due;
        connection->due  = stream;
    }
    pthread_mutex_unlock(&connection->lock);
    loop_wake(connection->server->loop, &connection->base);
}

static void stream_resume(HttpExchange *x) { make_due(x->connection); }

static const HttpTransport transport = {stream_header, stream_resume};

/* ---- streams ---- */

static Stream *stream_new(Connection *connection, int32_t id)
{
    Stream *stream     = mem_calloc(1, sizeof *stream);
    stream->connection = connection;
    stream->id         = id;
    stream->since_ms   = loop_now_ms();
    stream->next       = connection->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    connection->streams = stream;
    return stream;
}

static void stream_free(Stream *stream)
{
    Connection *connection = stream->connection;
    if (stream->x != NULL) {
        if (stream->x->streams) { /* what nobody has read counts against the connection's window */
            exchange_drop_body(stream->x);
            nghttp2_session_consume_connection(connection->session, exchange_body_read(stream->x));
        }
        nghttp2_session_consume_connection(connection->session, stream->held);
        exchange_over(stream->x); /* nobody makes it due any more */
    }
    pthread_mutex_lock(&connection->lock);
    Stream **at = &connection->due;
    while (*at != NULL && *at != stream)
        at = &(*at)->next_due;
    if (*at != NULL)
        *at = stream->next_due;
    pthread_mutex_unlock(&connection->lock);
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    forget_fields(stream);
    mem_free(stream);
}

/* ---- replies ---- */

static void sent_all(Stream *stream)
{
    stream->sent                   = true;
    stream->sent_ms                = loop_now_ms();
    stream->connection->ends_early = stream->connection->ends_early || !stream->ended;
}

static ssize_t read_reply(nghttp2_session *session, int32_t id, uint8_t *out, size_t max, uint32_t *flags,
                          nghttp2_data_source *source, void *user)
{
    Stream       *stream = source->ptr;
    HttpExchange *x      = stream->x;
    bool          done;
    pthread_mutex_lock(&x->lock);
    size_t before = exchange_pending(x);
    size_t n      = exchange_take(x, (char *)out, max, true, &done);
    bool   cut    = exchange_is_cut(x);
    pthread_mutex_unlock(&x->lock);
    exchange_taken(x, before);
    if (n == 0 && !done)
        return NGHTTP2_ERR_DEFERRED;
    if (n == 0 && cut)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset: what was sent is not all */
    if (n == 0 || (done && !cut)) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        sent_all(stream);
    }
    return (ssize_t)n;
}

/* nghttp2 copies it, and makes the name's letters small as HTTP/2 wants them. */
static nghttp2_nv header_of(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Has the exchange's lock. */
static size_t list_headers(const HttpExchange *x, Arena *arena, nghttp2_nv *out)
{
    size_t count = 0;
    out[count++] = header_of(":status", str_to_c(arena, str_printf(arena, "%d", x->status)));
    for (size_t i = 0; i < x->header_count; i++)
        out[count++] = header_of(x->headers[i].name, x->headers[i].value);
    if (x->whole)
        out[count++] = header_of("content-length", str_to_c(arena, str_printf(arena, "%zu", x->written)));
    return count;
}

static void answer(Stream *stream)
{
    HttpExchange         *x      = stream->x;
    Arena                *arena  = arena_new(0);
    nghttp2_data_provider source = {.source.ptr = stream, .read_callback = read_reply};
    nghttp2_nv            headers[HTTP_MAX_HEADERS + 2];
    pthread_mutex_lock(&x->lock);
    size_t count = list_headers(x, arena, headers);
    bool   empty = (x->whole && x->written == 0) || str_equal(x->method, STR_LIT("HEAD"));
    forget_fields(stream); /* nobody asks for them any more */
    pthread_mutex_unlock(&x->lock);
    stream->answered = true;
    if (empty)
        sent_all(stream);
    int failed = nghttp2_submit_response(stream->connection->session, stream->id, headers, count,
                                         empty ? NULL : &source);
    if (failed != 0)
        log_line(LOG_WARN, "http: an answer is refused by HTTP/2: %s", nghttp2_strerror(failed));
    arena_free(arena);
}

static void say_continue(Stream *stream)
{
    nghttp2_nv status = header_of(":status", "100");
    if (stream->expects && !stream->ended && stream->received == 0 && !stream->answered)
        (void)nghttp2_submit_headers(stream->connection->session, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                     &status, 1, NULL);
    stream->expects = false;
}

/* Somebody has looked at the headers: the client may go on, or hears why not. */
static void notice_admission(Stream *stream)
{
    Connection *connection = stream->connection;
    Admission   admission  = exchange_admission(stream->x);
    if (admission == ADMISSION_OPEN)
        return;
    if (admission == ADMISSION_GIVEN && exchange_is_welcome(stream->x)) {
        guest_leave(connection->socket.guest);
        connection->socket.guest = NULL;
    }
    if (stream->held > 0)
        nghttp2_session_consume(connection->session, stream->id, stream->held);
    stream->held = 0;
    if (admission == ADMISSION_GIVEN)
        say_continue(stream);
}

/* Somebody has something for it. */
static void look_at(Stream *stream)
{
    HttpExchange    *x       = stream->x;
    nghttp2_session *session = stream->connection->session;
    pthread_mutex_lock(&x->lock);
    bool begun = x->begun, lost = x->gone && !x->begun;
    pthread_mutex_unlock(&x->lock);
    notice_admission(stream); /* which was there before the reply */
    size_t read = x->streams ? exchange_body_read(x) : 0;
    if (read > 0)
        nghttp2_session_consume(session, stream->id, read);
    if (lost)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_REFUSED_STREAM);
    else if (begun && !stream->answered)
        answer(stream);
    else if (begun)
        (void)nghttp2_session_resume_data(session, stream->id); /* an error: it was not deferred */
}

/* ---- requests ---- */

static Stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    Stream *stream = stream_new(user, frame->hd.stream_id);
    return nghttp2_session_set_stream_user_data(session, stream->id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    Stream     *stream     = stream_of(session, frame->hd.stream_id);
    Connection *connection = user;
    if (stream == NULL || stream->x != NULL) /* trailers are nobody's */
        return 0;
    size_t before = stream->fields.bytes.len;
    if (before + name_len + value_len > MOST_HEADERS || connection->held > MOST_HELD)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;                /* resets the stream */
    fields_add(&stream->fields, str_n((const char *)name, name_len), /* nghttp2 lets no NUL pass */
               str_n((const char *)value, value_len));
    connection->held += stream->fields.bytes.len - before;
    return 0;
}

/* Control characters and the like, which without this would cost the stream, and tell nobody why. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *user)
{
    Stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream != NULL && stream->x == NULL)
        stream->fault = "A header field holds a character that may not be there";
    return 0;
}

static void begin_request(Stream *stream)
{
    Str         path   = find_header(stream, STR_LIT(":path"));
    Str         expect = find_header(stream, STR_LIT("expect"));
    const char *fault  = stream->fault != NULL ? stream->fault : fields_fault(&stream->fields);
    stream->x          = exchange_new(stream->connection->server, &transport, stream, HTTP_2,
                                      find_header(stream, STR_LIT(":method")), str_is_null(path) ? STR_LIT("") : path,
                                      stream->connection->socket.principal);
    stream->expects    = str_equal_nocase(expect, STR_LIT("100-continue"));
    stream->since_ms   = loop_now_ms();
    if (!int64_parse(find_header(stream, STR_LIT("content-length")), &stream->length))
        stream->length = -1;
    if (fault != NULL)
        exchange_refuse(stream->x, 400, fault);
    else if (!str_is_null(expect) && !stream->expects)
        exchange_refuse(stream->x, 417, "Expect: only 100-continue is built");
    else if (!stream->x->streams && stream->length > (int64_t)stream->connection->server->options.max_body)
        exchange_refuse(stream->x, 413, "The request is too large");
}

static void end_request(Stream *stream)
{
    stream->ended = true;
    exchange_received(stream->x);
}

/* Once for all that has come together: a request whose body came with it is looked at once. */
static void submit_fresh(Connection *connection)
{
    for (Stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (stream->x != NULL && !stream->submitted) {
            stream->submitted = true;
            if (exchange_admission(stream->x) == ADMISSION_OPEN && /* else it is refused */
                exchange_submit_or_answer(stream->x))
                look_at(stream);
        }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    Connection *connection = user;
    Stream     *stream     = stream_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_RST_STREAM && ++connection->resets > MOST_RESETS)
        nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
    if (stream == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (stream->x == NULL)
        begin_request(stream);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        end_request(stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                   void *user)
{
    Stream *stream = stream_of(session, id);
    if (stream == NULL || stream->x == NULL)
        return nghttp2_session_consume(session, id, len);
    exchange_receive(stream->x, str_n((const char *)bytes, len));
    stream->received += len;
    if (stream->x->too_large)
        exchange_refuse(stream->x, 413, "The request is too large");
    bool   held  = !stream->x->streams && exchange_admission(stream->x) == ADMISSION_OPEN;
    size_t taken = stream->x->streams ? exchange_body_read(stream->x) : held ? 0 : len;
    stream->held += held ? len : 0;
    return taken > 0 ? nghttp2_session_consume(session, id, taken) : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    Stream *stream = stream_of(session, id);
    if (stream != NULL)
        stream_free(stream);
    return 0;
}

/* ---- a connection ---- */

static void drop(Connection *connection) { loop_remove(connection->server->loop, &connection->base); }

/* Fills `out` with frames. False: the session is broken. */
static bool gather(Connection *connection)
{
    const uint8_t *bytes;
    ssize_t        n;
    while (connection->out.bytes.len < SEND_BLOCK) {
        if ((n = nghttp2_session_mem_send(connection->session, &bytes)) <= 0)
            return n == 0;
        strbuf_add(&connection->out.bytes, str_n((const char *)bytes, (size_t)n));
    }
    return true;
}

/* Is the rest of its body on the way, most likely? */
static bool may_end_itself(const Stream *stream)
{
    return stream->received <= REST_MOST && stream->length <= REST_MOST &&
           loop_now_ms() - stream->sent_ms < REST_MS;
}

/* A reply that is over before its request is: the client is told that the rest is not wanted. But where the
 * rest is little it is let come for a moment, for a client that is told so in the middle of sending may
 * forget the reply (curl 7.88 does, whatever RFC 9113, 8.1 says of it). */
static void end_early(Connection *connection)
{
    bool later = false;
    if (!connection->ends_early)
        return;
    for (Stream *stream = connection->streams; stream != NULL; stream = stream->next) {
        if (!stream->sent || stream->ended)
            continue;
        if (may_end_itself(stream)) {
            later = true;
            continue;
        }
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
        stream->ended = true;
    }
    connection->ends_early = later;
}

/* Sends what there is until the socket takes no more, so many blocks at most. False: the client is gone. */
static bool send_some(Connection *connection, int rounds)
{
    connection->out.blocked = false;
    for (int i = 0; i < rounds && !connection->out.blocked; i++) {
        if (connection->out.bytes.len == 0 && (!gather(connection) || connection->out.bytes.len == 0))
            return connection->out.bytes.len == 0 && nghttp2_session_want_write(connection->session) == 0;
        if (!outbox_send(&connection->out, connection->socket.tls, connection->base.fd))
            return false;
    }
    return true;
}

static bool send_all(Connection *connection) { return send_some(connection, INT_MAX); }

/* After whatever has happened. */
static void go_on(Connection *connection)
{
    bool alive = send_some(connection, SEND_ROUNDS);
    end_early(connection); /* behind what was sent */
    alive           = alive && send_some(connection, SEND_ROUNDS);
    bool     more   = nghttp2_session_want_write(connection->session) || connection->out.bytes.len > 0;
    uint32_t events = EPOLLIN | EPOLLRDHUP | (more ? EPOLLOUT : 0);
    if (!alive || !(more || nghttp2_session_want_read(connection->session)))
        drop(connection);
    else if (events != connection->wanted)
        loop_want(connection->server->loop, &connection->base, events);
    connection->wanted = events;
}

/* False: it is no HTTP/2. */
static bool hear(Connection *connection, const uint8_t *bytes, size_t len)
{
    connection->heard_ms = loop_now_ms();
    ssize_t taken        = nghttp2_session_mem_recv(connection->session, bytes, len);
    submit_fresh(connection);
    if (taken >= 0)
        return true;
    log_line(LOG_DEBUG, "http: HTTP/2: %s", nghttp2_strerror((int)taken));
    (void)send_all(connection); /* its GOAWAY says why */
    return false;
}

/* False: the connection is over. */
static bool receive(Connection *connection)
{
    uint8_t block[RECEIVE_BLOCK];
    for (int i = 0; i < RECEIVE_ROUNDS; i++) {
        ssize_t n = tls_recv(connection->socket.tls, connection->base.fd, block, sizeof block);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return true;
        if (n <= 0 || !hear(connection, block, (size_t)n))
            return false;
    }
    return true;
}

static void connection_ready(LoopSource *source, uint32_t events)
{
    Connection *connection = (Connection *)source;
    StrBuf      early      = connection->early;
    bool        alive      = true;
    if (early.len > 0) {
        connection->early = (StrBuf){0};
        alive             = hear(connection, (const uint8_t *)early.ptr, early.len);
        strbuf_clear(&early);
    }
    if (alive && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        alive = receive(connection);
    if (!alive)
        drop(connection);
    else
        go_on(connection);
}

static Stream *take_due(Connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    Stream *stream = connection->due;
    if (stream != NULL) {
        connection->due = stream->next_due;
        stream->is_due  = false;
    }
    pthread_mutex_unlock(&connection->lock);
    return stream;
}

static void connection_woken(LoopSource *source)
{
    Connection *connection = (Connection *)source;
    for (Stream *stream; (stream = take_due(connection)) != NULL;)
        look_at(stream);
    go_on(connection);
}

/* Headers that do not end, or a body that is to be read as a whole and takes its time. */
static bool is_late(Stream *stream, int64_t now_ms)
{
    const HttpServer *server    = stream->connection->server;
    int64_t           waited_ms = now_ms - stream->since_ms;
    if (stream->x == NULL)
        return waited_ms > 1000LL * server->options.head_timeout_s;
    return !stream->ended && !stream->answered && !stream->x->streams &&
           exchange_admission(stream->x) == ADMISSION_GIVEN &&
           waited_ms > server_body_patience_ms(server, stream->received);
}

static void connection_tick(LoopSource *source, int64_t now_ms)
{
    Connection *connection = (Connection *)source;
    int64_t     silent_s   = (now_ms - connection->heard_ms) / 1000;
    bool        over = connection->streams == NULL && silent_s > connection->server->options.idle_timeout_s;
    bool        late = false;
    connection->resets -= connection->resets < RESETS_FORGIVEN ? connection->resets : RESETS_FORGIVEN;
    for (Stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (is_late(stream, now_ms)) {
            late = true;
            over = over || stream->x == NULL; /* whose headers it is that lack, there is no telling */
            if (stream->x != NULL)
                exchange_refuse(stream->x, 408, "The request's body takes too long");
        }
    if (over)
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    if (over || late || connection->ends_early)
        go_on(connection);
}

/* ---- life ---- */

/* The server stops: handlers have ended their replies, which the loop may not have looked at yet. */
static void say_goodbye(Connection *connection)
{
    for (Stream *stream; (stream = take_due(connection)) != NULL;)
        look_at(stream);
    nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    (void)send_all(connection);
}

static void connection_release(LoopSource *source)
{
    Connection *connection = (Connection *)source;
    if (connection->session != NULL && atomic_load(&connection->server->stopping))
        say_goodbye(connection);
    while (connection->streams != NULL)
        stream_free(connection->streams);
    nghttp2_session_del(connection->session);
    connection_close(connection->server, &connection->socket);
    strbuf_clear(&connection->early);
    outbox_clear(&connection->out);
    pthread_mutex_destroy(&connection->lock);
    mem_free(connection);
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return callbacks;
}

static nghttp2_session *make_session(Connection *connection)
{
    nghttp2_session           *session    = NULL;
    nghttp2_session_callbacks *callbacks  = make_callbacks();
    nghttp2_option            *option     = NULL;
    nghttp2_settings_entry     settings[] = {
            {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MOST_STREAMS},
            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, MOST_HEADERS},
    };
    if (callbacks != NULL && nghttp2_option_new(&option) == 0) {
        nghttp2_option_set_no_auto_window_update(option, 1); /* on_data and look_at say what was taken */
        if (nghttp2_session_server_new2(&session, callbacks, connection, option) != 0)
            session = NULL;
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (session != NULL) {
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, BODY_WINDOW);
    }
    return session;
}

static Connection *connection_new(HttpServer *server, const HttpConnection *from)
{
    Connection *connection = mem_calloc(1, sizeof *connection);
    *connection            = (Connection){.base     = {.fd      = from->fd,
                                                       .ready   = connection_ready,
                                                       .woken   = connection_woken,
                                                       .tick    = connection_tick,
                                                       .release = connection_release},
                                          .server   = server,
                                          .socket   = *from,
                                          .heard_ms = loop_now_ms()};
    strbuf_add(&connection->early, from->already);
    strbuf_add(&connection->out.bytes, from->due);
    pthread_mutex_init(&connection->lock, NULL);
    connection->session = make_session(connection);
    return connection;
}

/* What was read already may make a stream, whose exchange wakes the connection: so it waits until the loop
 * has it, which looks at once, for there is room to write. */
static void watch(Connection *connection)
{
    bool added = connection->session != NULL && loop_add(connection->server->loop, &connection->base,
                                                         EPOLLIN | EPOLLOUT | EPOLLRDHUP, NULL) == OK;
    if (added)
        return; /* by now it may be gone again */
    log_line(LOG_WARN, "http: a connection of HTTP/2 cannot be served");
    connection_release(&connection->base);
}

void http2_take(HttpServer *server, const HttpConnection *from) { watch(connection_new(server, from)); }

/* The request is a stream of which all has come. False: the client's settings are none. */
static bool add_first_stream(Connection *connection, HttpExchange *x, H2c *h2c)
{
    Stream *stream = stream_new(connection, 1);
    bool    head   = str_equal(x->method, STR_LIT("HEAD"));
    pthread_mutex_lock(&x->lock);
    x->transport  = &transport;
    x->connection = stream;
    x->version    = HTTP_2;
    stream->x     = x;
    stream->ended = stream->submitted = true;
    stream->fields                    = h2c->fields;
    h2c->fields                       = (Fields){0};
    connection->held += stream->fields.bytes.len;
    pthread_mutex_unlock(&x->lock);
    nghttp2_session *session = connection->session;
    return session != NULL &&
           nghttp2_session_upgrade2(session, (const uint8_t *)h2c->settings.ptr, h2c->settings.len, head,
                                    NULL) == 0 &&
           nghttp2_session_set_stream_user_data(session, stream->id, stream) ==
               0; /* a server's is not kept */
}

void http2_take_upgraded(HttpServer *server, const HttpConnection *from, HttpExchange *x, H2c *h2c)
{
    Connection *connection = connection_new(server, from);
    http_ref(x); /* the loop may be through with it before we are */
    if (!x->body_ended)
        exchange_received(x);
    if (add_first_stream(connection, x, h2c)) {
        watch(connection);
        exchange_submit(x);
    } else
        connection_release(&connection->base);
    http_unref(x);
}
