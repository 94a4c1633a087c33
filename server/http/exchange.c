/*
 * exchange.c - one request and its reply: see http.h for handlers, exchange.h for protocols.
 *
 * The reply waits in pieces, as they were written: a 32-bit length and the bytes, first in memory, then in a
 * file without a name. All that is in memory comes before all that is in the file.
 */
#include "server/http/exchange.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/http/server.h"
#include "server/http/websocket.h"

enum {
    MEMORY_MAX = 4 * 1024 * 1024, /* of one reply that is not read; more goes to a file */
    LENGTH     = 4                /* bytes before a piece */
};

/* ---- life ---- */

static void list_add(HttpServer *server, HttpExchange *x)
{
    pthread_mutex_lock(&server->lock);
    x->id   = ++server->next_id;
    x->next = server->exchanges;
    if (x->next != NULL)
        x->next->previous = x;
    server->exchanges = x;
    pthread_mutex_unlock(&server->lock);
}

static void list_remove(HttpServer *server, HttpExchange *x)
{
    pthread_mutex_lock(&server->lock);
    if (x->previous != NULL)
        x->previous->next = x->next;
    else
        server->exchanges = x->next;
    if (x->next != NULL)
        x->next->previous = x->previous;
    pthread_mutex_unlock(&server->lock);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX, and in a query `+`; what is no escape stays as it is. Into `out`, which is as long as `in`. */
static Str unescape(Str in, bool plus, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        int high = in.ptr[i] == '%' && i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
        int low  = high >= 0 ? hex_digit(in.ptr[i + 2]) : -1;
        if (low >= 0) {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        } else
            out[len++] = plus && in.ptr[i] == '+' ? ' ' : in.ptr[i];
    }
    return str_n(out, len);
}

static void keep_texts(HttpExchange *x, Str method, Str target, Str principal)
{
    const char *mark  = target.len > 0 ? memchr(target.ptr, '?', target.len) : NULL;
    size_t      path  = mark != NULL ? (size_t)(mark - target.ptr) : target.len;
    Str         query = mark != NULL ? str_n(mark + 1, target.len - path - 1) : STR_LIT("");
    char       *at    = mem_alloc(method.len + 2 * target.len + principal.len + 1);
    x->texts          = at;
    memcpy(x->texts, method.ptr, method.len);
    x->method = str_n(x->texts, method.len);
    x->path   = unescape(str_n(target.ptr, path), false, x->texts + method.len);
    if (query.len > 0)
        memcpy(x->texts + method.len + path, query.ptr, query.len);
    x->query = str_n(x->texts + method.len + path, query.len);
    at += method.len + target.len;
    if (path > 0)
        memcpy(at, target.ptr, path);
    x->sent_path = str_n(at, path);
    if (str_is_null(principal))
        return;
    at += target.len;
    memcpy(at, principal.ptr, principal.len);
    x->principal = str_n(at, principal.len);
}

HttpExchange *exchange_new(HttpServer *server, const HttpTransport *transport, void *connection,
                           HttpVersion version, Str method, Str target, const char *principal)
{
    HttpExchange *x = mem_calloc(1, sizeof *x);
    x->server       = server;
    x->transport    = transport;
    x->connection   = connection;
    x->version      = version;
    x->arena        = arena_new(0);
    x->spill        = -1;
    keep_texts(x, method, target, str_c(principal));
    x->streams = server->options.streams_body != NULL &&
                 server->options.streams_body(server->options.context, x->method, x->path);
    atomic_init(&x->refs, 1);
    pthread_mutex_init(&x->lock, NULL);
    list_add(server, x);
    return x;
}

HttpExchange *http_ref(HttpExchange *x)
{
    atomic_fetch_add(&x->refs, 1);
    return x;
}

void http_unref(HttpExchange *x)
{
    if (x == NULL || atomic_fetch_sub(&x->refs, 1) != 1)
        return;
    for (size_t i = 0; i < x->header_count; i++) {
        mem_free(x->headers[i].name);
        mem_free(x->headers[i].value);
    }
    if (x->spill >= 0)
        close(x->spill);
    strbuf_clear(&x->body);
    strbuf_clear(&x->out);
    strbuf_clear(&x->close_reason);
    arena_free(x->arena);
    pthread_mutex_destroy(&x->lock);
    mem_free(x->texts);
    mem_free(x->identity);
    mem_free(x);
}

void exchange_lost(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->gone = true;
    if (x->connection != NULL)
        x->transport->resume(x);
    pthread_mutex_unlock(&x->lock);
    http_wake(x);
}

void exchange_over(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->connection = NULL;
    x->gone       = true;
    pthread_mutex_unlock(&x->lock);
    list_remove(x->server, x);
    http_wake(x);
    http_unref(x);
}

void exchange_submit(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->submitted = true;
    pthread_mutex_unlock(&x->lock);
    if (!pool_submit(&x->server->pool, x))
        exchange_lost(x);
}

static void set_at_hand(HttpExchange *x, bool at_hand, bool answered)
{
    pthread_mutex_lock(&x->lock);
    x->at_hand   = at_hand;
    x->submitted = x->submitted || answered;
    x->admitted  = x->admitted || answered;
    x->handled   = x->handled || answered;
    pthread_mutex_unlock(&x->lock);
}

bool exchange_submit_or_answer(HttpExchange *x)
{
    const HttpOptions *options = &x->server->options;
    if (options->quick != NULL && x->body_ended && !x->streams && !x->too_large) {
        set_at_hand(x, true, false);
        bool answered = options->quick(options->context, x);
        set_at_hand(x, false, answered);
        if (answered)
            return true;
    }
    exchange_submit(x);
    return false;
}

Admission exchange_admission(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    Admission admission = x->admitted ? ADMISSION_GIVEN : x->refused ? ADMISSION_REFUSED : ADMISSION_OPEN;
    pthread_mutex_unlock(&x->lock);
    return admission;
}

bool exchange_is_welcome(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool welcome = x->welcome;
    pthread_mutex_unlock(&x->lock);
    return welcome;
}

void http_welcome(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->welcome = true;
    pthread_mutex_unlock(&x->lock);
}

/* ---- the request ---- */

Str    http_method(const HttpExchange *x) { return x->method; }
Str    http_path(const HttpExchange *x) { return x->path; }
Str    http_sent_path(const HttpExchange *x) { return x->sent_path; }
Str    http_principal(const HttpExchange *x) { return x->principal; }
Str    http_roles(const HttpExchange *x) { return x->roles; }
Str    http_body(const HttpExchange *x) { return strbuf_str(&x->body); }
bool   http_can_stream(const HttpExchange *x) { return x->version != HTTP_1_0; }
bool   http_is_2(const HttpExchange *x) { return x->version == HTTP_2; }
Arena *http_arena(HttpExchange *x) { return x->arena; }

void http_set_principal(HttpExchange *x, Str name, Str roles)
{
    mem_free(x->identity);
    x->identity = mem_alloc(name.len + roles.len + 1);
    if (name.len > 0)
        memcpy(x->identity, name.ptr, name.len);
    if (roles.len > 0)
        memcpy(x->identity + name.len, roles.ptr, roles.len);
    x->principal = str_n(x->identity, name.len);
    x->roles     = str_n(x->identity + name.len, roles.len);
}

Str http_header(const HttpExchange *x, const char *name)
{
    HttpExchange *mutable = (HttpExchange *)x;
    Str value             = STR_NULL;
    pthread_mutex_lock(&mutable->lock);
    if (x->connection != NULL && !x->begun)
        value = x->transport->header(x, name);
    if (!str_is_null(value))
        value = str_dup(mutable->arena, value);
    pthread_mutex_unlock(&mutable->lock);
    return value;
}

Str http_parameter(HttpExchange *x, const char *name)
{
    Str query = x->query, wanted = str_c(name);
    for (size_t at = 0; at < query.len;) {
        const char *amp   = memchr(query.ptr + at, '&', query.len - at);
        size_t      end   = amp != NULL ? (size_t)(amp - query.ptr) : query.len;
        const char *equal = memchr(query.ptr + at, '=', end - at);
        size_t      split = equal != NULL ? (size_t)(equal - query.ptr) : end;
        if (str_equal(str_n(query.ptr + at, split - at), wanted)) {
            Str value = split < end ? str_n(query.ptr + split + 1, end - split - 1) : STR_LIT("");
            return unescape(value, true, arena_alloc(x->arena, value.len + 1));
        }
        at = end + 1;
    }
    return STR_NULL;
}

void http_wait_begin(HttpExchange *x) { pool_wait_begin(&x->server->pool, x); }
void http_wait_end(HttpExchange *x) { pool_wait_end(&x->server->pool, x); }

HttpLane http_lane(const HttpExchange *x) { return x->lane; }

bool http_move(HttpExchange *x, HttpLane lane)
{
    bool moves = x->lane != lane;
    x->lane    = lane;
    if (moves && lane == HTTP_LANE_WORKS) { /* it may stand in the queue for long: not for who has left */
        atomic_store(&x->goes_on, true);
        http_flush(x); /* or has left already */
    }
    return moves;
}

/* ---- its body ---- */

void exchange_receive(HttpExchange *x, Str bytes)
{
    pthread_mutex_lock(&x->lock);
    x->too_large = x->too_large || (!x->streams && x->body.len + bytes.len > x->server->options.max_body);
    if (!x->too_large && !x->gone && !x->drops_body && !x->refused)
        strbuf_add(&x->body, bytes);
    else if (x->streams)
        x->body_read += bytes.len;
    pthread_mutex_unlock(&x->lock);
    if (x->streams)
        http_wake(x);
}

void exchange_received(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->body_ended = true;
    pthread_mutex_unlock(&x->lock);
    http_wake(x);
}

void exchange_drop_body(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->drops_body = true;
    x->body_read += x->body.len;
    strbuf_clear(&x->body);
    if (x->connection != NULL)
        x->transport->resume(x);
    pthread_mutex_unlock(&x->lock);
}

size_t exchange_body_read(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    size_t read  = x->body_read;
    x->body_read = 0;
    pthread_mutex_unlock(&x->lock);
    return read;
}

bool http_read(HttpExchange *x, StrBuf *out)
{
    pthread_mutex_lock(&x->lock);
    bool more = !x->body_ended;
    strbuf_add(out, strbuf_str(&x->body));
    x->body_read += x->body.len;
    bool room = x->body.len > 0 && x->connection != NULL;
    strbuf_reset(&x->body);
    if (room)
        x->transport->resume(x);
    pthread_mutex_unlock(&x->lock);
    return more;
}

/* ---- the reply ---- */

void http_set_header(HttpExchange *x, const char *name, const char *value)
{
    if (x->header_count == HTTP_MAX_HEADERS) {
        log_line(LOG_WARN, "reply header %s is left out: there are too many", name);
        return;
    }
    x->headers[x->header_count++] = (HttpHeader){mem_strdup(name), mem_strdup(value)};
}

static void begin(HttpExchange *x, int status, const char *type)
{
    if (type != NULL)
        http_set_header(x, "Content-Type", type);
    x->status = status;
    x->begun  = true;
}

/* A reader who is always a little behind never empties it: what he has taken makes room once it is the larger
 * part, so that a byte is moved once on average. */
static void forget_taken(HttpExchange *x)
{
    size_t left = x->out.len - x->out_at;
    if (x->out_at <= left)
        return;
    memmove(x->out.ptr, x->out.ptr + x->out_at, left);
    x->out.len = left;
    x->out_at  = 0;
}

static void add_piece(HttpExchange *x, Str bytes)
{
    uint32_t len = (uint32_t)bytes.len;
    forget_taken(x);
    strbuf_add(&x->out, str_n((const char *)&len, LENGTH));
    strbuf_add(&x->out, bytes);
}

static void resume(HttpExchange *x)
{
    if (x->connection != NULL && !x->at_hand)
        x->transport->resume(x);
}

void http_respond(HttpExchange *x, int status, const char *type, Str body)
{
    pthread_mutex_lock(&x->lock);
    if (x->begun) { /* the protocol was faster: one answer is enough */
        pthread_mutex_unlock(&x->lock);
        return;
    }
    begin(x, status, type);
    x->whole = true;
    x->ended = true;
    x->written += body.len;
    if (body.len > 0)
        add_piece(x, body);
    resume(x);
    pthread_mutex_unlock(&x->lock);
}

void exchange_print_refusal(int status, const char *message, StrBuf *out)
{
    strbuf_addf(out, "{\"@type\":\"generic_error\",\"error_code\":%d,\"message\":\"%s\"}", status * 100,
                message);
}

void exchange_refuse(HttpExchange *x, int status, const char *message)
{
    StrBuf text = {0};
    exchange_print_refusal(status, message, &text);
    pthread_mutex_lock(&x->lock);
    bool begun = x->begun;
    x->refused = true;
    pthread_mutex_unlock(&x->lock);
    if (!begun)
        http_respond(x, status, "application/json", strbuf_str(&text));
    strbuf_clear(&text);
}

void http_begin(HttpExchange *x, int status, const char *type)
{
    pthread_mutex_lock(&x->lock);
    if (!x->begun) /* the protocol may have refused it meanwhile */
        begin(x, status, type);
    pthread_mutex_unlock(&x->lock);
}

static bool open_spill(HttpExchange *x)
{
    if (x->spill < 0 && x->server->options.spill_dir != NULL)
        x->spill = open(x->server->options.spill_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return x->spill >= 0;
}

static bool write_spill(HttpExchange *x, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = pwrite(x->spill, bytes.ptr, bytes.len, x->spill_end);
        if (n <= 0)
            return false;
        x->spill_end += n;
        bytes = str_n(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return true;
}

static bool spill_piece(HttpExchange *x, Str bytes)
{
    uint32_t len = (uint32_t)bytes.len;
    return write_spill(x, str_n((const char *)&len, LENGTH)) && write_spill(x, bytes);
}

void http_write(HttpExchange *x, Str bytes)
{
    if (bytes.len == 0)
        return;
    pthread_mutex_lock(&x->lock);
    x->written += bytes.len;
    bool spilled = x->spill_at < x->spill_end; /* order: what follows spilled bytes is spilled, too */
    if (x->gone || x->ended)
        ;
    else if ((!spilled && x->out.len - x->out_at + bytes.len <= MEMORY_MAX) || !open_spill(x))
        add_piece(x, bytes);
    else if (!spill_piece(x, bytes)) {
        log_line(LOG_ERROR, "a reply is cut off: its client does not read, and the disk takes no more: %m");
        x->gone = x->cut = true;
    }
    pthread_mutex_unlock(&x->lock);
}

void http_flush(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    resume(x);
    pthread_mutex_unlock(&x->lock);
}

void http_end(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->ended = true;
    resume(x);
    pthread_mutex_unlock(&x->lock);
}

bool http_gone(const HttpExchange *x)
{
    HttpExchange *mutable = (HttpExchange *)x;
    pthread_mutex_lock(&mutable->lock);
    bool gone = x->gone || atomic_load(&x->server->stopping);
    pthread_mutex_unlock(&mutable->lock);
    return gone;
}

size_t exchange_pending(const HttpExchange *x)
{
    return x->out.len - x->out_at + (size_t)(x->spill_end - x->spill_at);
}

size_t http_pending(const HttpExchange *x)
{
    HttpExchange *mutable = (HttpExchange *)x;
    pthread_mutex_lock(&mutable->lock);
    /* Many a client of HTTP/1 reads when it has sent all: who waits for it would wait for ever. */
    bool   can_read = x->version == HTTP_2 || x->body_ended;
    size_t pending  = can_read ? exchange_pending(x) : 0;
    pthread_mutex_unlock(&mutable->lock);
    return pending;
}

size_t http_unread(const HttpExchange *x)
{
    HttpExchange *mutable = (HttpExchange *)x;
    pthread_mutex_lock(&mutable->lock);
    size_t unread = exchange_pending(x);
    pthread_mutex_unlock(&mutable->lock);
    return unread;
}

size_t http_written(const HttpExchange *x) { return x->written; }

/* ---- WebSockets ---- */

bool http_begin_websocket(HttpExchange *x)
{
    Str upgrade = http_header(x, "Upgrade"), key = http_header(x, "Sec-WebSocket-Key"),
        version = http_header(x, "Sec-WebSocket-Version");
    Str accept  = str_is_null(key) ? STR_NULL : websocket_accept(key, x->arena);
    if (x->version != HTTP_1_1 || !str_equal_nocase(upgrade, STR_LIT("websocket")) || str_is_null(accept) ||
        !str_equal(version, STR_LIT("13")))
        return false;
    pthread_mutex_lock(&x->lock);
    http_set_header(x, "Upgrade", "websocket");
    http_set_header(x, "Sec-WebSocket-Accept", str_to_c(x->arena, accept));
    begin(x, 101, NULL);
    x->websocket = true;
    pthread_mutex_unlock(&x->lock);
    return true;
}

bool http_is_websocket(const HttpExchange *x) { return x->websocket; }

void http_close_websocket(HttpExchange *x, int code, Str reason)
{
    pthread_mutex_lock(&x->lock);
    x->close_code = code;
    strbuf_add(&x->close_reason, reason);
    x->ended = true;
    resume(x);
    pthread_mutex_unlock(&x->lock);
}

int http_status(const HttpExchange *x)
{
    HttpExchange *mutable = (HttpExchange *)x;
    pthread_mutex_lock(&mutable->lock);
    int status = !x->begun ? 0 : x->close_code != 0 ? x->close_code : x->status;
    pthread_mutex_unlock(&mutable->lock);
    return status;
}

/* ---- taking it ---- */

/* From memory, else from the file; false: there is not as much. */
static bool take_bytes(HttpExchange *x, char *out, size_t len)
{
    if (x->out_at < x->out.len) {
        memcpy(out, x->out.ptr + x->out_at, len);
        x->out_at += len;
        if (x->out_at == x->out.len) {
            strbuf_reset(&x->out);
            x->out_at = 0;
        }
        return true;
    }
    for (size_t got = 0; got < len;) {
        ssize_t n = pread(x->spill, out + got, len - got, x->spill_at);
        if (n <= 0)
            return false;
        x->spill_at += n;
        got += (size_t)n;
    }
    if (x->spill_at == x->spill_end && ftruncate(x->spill, 0) == 0)
        x->spill_at = x->spill_end = 0; /* the disk gets its space back, and what follows is in memory */
    return true;
}

static size_t take_piece(HttpExchange *x, char *out, size_t max)
{
    uint32_t len;
    if (x->piece_left == 0) {
        if (exchange_pending(x) == 0 || !take_bytes(x, (char *)&len, LENGTH))
            return 0;
        x->piece_left = len;
    }
    size_t n = x->piece_left < max ? x->piece_left : max;
    if (!take_bytes(x, out, n))
        return 0;
    x->piece_left -= n;
    return n;
}

size_t exchange_take(HttpExchange *x, char *out, size_t max, bool one_piece, bool *done)
{
    size_t taken = 0, n;
    do {
        n = take_piece(x, out + taken, max - taken);
        taken += n;
    } while (n > 0 && taken < max && !one_piece);
    if (n == 0 && exchange_pending(x) > 0)
        x->gone = x->cut = true; /* the file failed */
    *done = x->gone || (x->ended && exchange_pending(x) == 0);
    return taken;
}

bool exchange_is_cut(const HttpExchange *x) { return x->cut || (x->gone && !x->ended); }

void exchange_taken(HttpExchange *x, size_t before)
{
    pthread_mutex_lock(&x->lock);
    bool low = before > HTTP_PENDING_HIGH / 2 && exchange_pending(x) <= HTTP_PENDING_HIGH / 2;
    pthread_mutex_unlock(&x->lock);
    if (low)
        http_wake(x); /* there is room again */
}

/* ---- streams ---- */

void http_stream(HttpExchange *x, HttpStep step, void (*close_state)(void *), void *state)
{
    x->step  = step;
    x->close = close_state;
    x->state = state;
    x->lane  = HTTP_LANE_SHORT;
    atomic_store(&x->goes_on, true);
    http_flush(x); /* its client may have left already */
}

void http_wake(HttpExchange *x) { pool_wake(&x->server->pool, x); }
