/*
 * http.c - exchanges and the server around them: see http.h.
 */
#include "server/http/http_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"

enum { MEMORY_MAX = 4 * 1024 * 1024 }; /* of one reply that is not read; what follows goes to a file */

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

HttpExchange *exchange_new(HttpServer *server, const HttpTransport *transport, void *connection,
                           const char *method, const char *path)
{
    HttpExchange *x = mem_calloc(1, sizeof *x);
    x->server       = server;
    x->transport    = transport;
    x->connection   = connection;
    x->arena        = arena_new(0);
    x->method       = mem_strdup(method);
    x->path         = mem_strdup(path);
    x->spill        = -1;
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
    arena_free(x->arena);
    pthread_mutex_destroy(&x->lock);
    mem_free(x->method);
    mem_free(x->path);
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

/* ---- request ---- */

Str    http_method(const HttpExchange *x) { return str_c(x->method); }
Str    http_path(const HttpExchange *x) { return str_c(x->path); }
Str    http_body(const HttpExchange *x) { return strbuf_str(&x->body); }
bool   http_can_stream(const HttpExchange *x) { return !x->http_1_0; }
Arena *http_arena(HttpExchange *x) { return x->arena; }

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

void http_wait_begin(HttpExchange *x) { pool_wait_begin(&x->server->pool); }
void http_wait_end(HttpExchange *x) { pool_wait_end(&x->server->pool); }

/* ---- reply ---- */

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

void http_respond(HttpExchange *x, int status, const char *type, Str body)
{
    pthread_mutex_lock(&x->lock);
    begin(x, status, type);
    x->whole = true;
    x->ended = true;
    strbuf_add(&x->out, body);
    if (x->connection != NULL)
        x->transport->resume(x);
    pthread_mutex_unlock(&x->lock);
}

void http_begin(HttpExchange *x, int status, const char *type)
{
    pthread_mutex_lock(&x->lock);
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

void http_write(HttpExchange *x, Str bytes)
{
    pthread_mutex_lock(&x->lock);
    x->written += bytes.len;
    bool spilled = x->spill_at < x->spill_end; /* order: what follows spilled bytes is spilled, too */
    if (x->gone)
        ;
    else if (!spilled && x->out.len - x->out_at + bytes.len <= MEMORY_MAX)
        strbuf_add(&x->out, bytes);
    else if (!open_spill(x))
        strbuf_add(&x->out, bytes);
    else if (!write_spill(x, bytes)) {
        log_line(LOG_ERROR, "a reply is cut off: its client does not read, and the disk takes no more: %m");
        x->gone = true;
    }
    pthread_mutex_unlock(&x->lock);
}

void http_flush(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    if (x->connection != NULL)
        x->transport->resume(x);
    pthread_mutex_unlock(&x->lock);
}

void http_end(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->ended = true;
    if (x->connection != NULL)
        x->transport->resume(x);
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
    size_t pending = exchange_pending(x);
    pthread_mutex_unlock(&mutable->lock);
    return pending;
}

size_t http_written(const HttpExchange *x) { return x->written; }

size_t exchange_take(HttpExchange *x, char *out, size_t max, bool *done)
{
    size_t n = x->out.len - x->out_at;
    if (n > 0) {
        n = n < max ? n : max;
        memcpy(out, x->out.ptr + x->out_at, n);
        x->out_at += n;
        if (x->out_at == x->out.len) {
            strbuf_reset(&x->out);
            x->out_at = 0;
        }
    } else if (x->spill_at < x->spill_end) {
        ssize_t got = pread(x->spill, out, max, x->spill_at);
        if (got <= 0)
            x->gone = true; /* the file failed: cut off, as the client can see */
        else
            x->spill_at += got;
        n = got > 0 ? (size_t)got : 0;
    }
    *done = x->gone || (x->ended && exchange_pending(x) == 0);
    return n;
}

/* ---- streams ---- */

void http_stream(HttpExchange *x, HttpStep step, void (*close_state)(void *), void *state)
{
    x->step  = step;
    x->close = close_state;
    x->state = state;
    watch_add(x->server, x);
}

void http_wake(HttpExchange *x) { pool_wake(&x->server->pool, x); }

/* ---- server ---- */

Status http_open(const HttpOptions *options, HttpServer **out, Error *err)
{
    HttpServer *server = mem_calloc(1, sizeof *server);
    server->options    = *options;
    server->watch      = (HttpWatch){.epoll = -1, .stop = -1};
    pthread_mutex_init(&server->lock, NULL);
    Status status = pool_open(&server->pool, options->threads, err);
    if (status == OK)
        status = watch_open(server, err);
    if (status != OK) {
        http_close(server);
        return status;
    }
    *out = server;
    return OK;
}

static int bind_one(const struct addrinfo *at)
{
    int one = 1, fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 511) == 0)
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t               size = sizeof address;
    char                    port[NI_MAXSERV];
    int64_t                 number;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return 0;
    return int64_parse(str_c(port), &number) ? (int)number : 0;
}

/* "http://host:port" taken apart; [v6] in brackets. */
static Status split_url(Str url, char *host, size_t host_size, char *port, size_t port_size, Error *err)
{
    Str scheme = STR_LIT("http://");
    if (str_starts_with(url, STR_LIT("https://")))
        return error_set(err, E_UNSUPPORTED, NO_POS, "listeners: Sluice does not speak TLS yet: " STR_FMT,
                         STR_ARG(url));
    if (!str_starts_with(url, scheme))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT
                         " for configuration listeners: not of the form http://host:port",
                         STR_ARG(url));
    Str    rest = str_n(url.ptr + scheme.len, url.len - scheme.len);
    size_t end  = rest.len;
    while (end > 0 && rest.ptr[end - 1] == '/')
        end--;
    size_t colon = end;
    while (colon > 0 && rest.ptr[colon - 1] >= '0' && rest.ptr[colon - 1] <= '9')
        colon--;
    if (colon == 0 || rest.ptr[colon - 1] != ':' || colon == end)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration listeners: it names no port",
                         STR_ARG(url));
    if (end - colon > 5 || strtol(rest.ptr + colon, NULL, 10) > UINT16_MAX)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration listeners: a port is 65535 at most",
                         STR_ARG(url));
    Str name = str_n(rest.ptr, colon - 1);
    if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
        name = str_n(name.ptr + 1, name.len - 2);
    snprintf(host, host_size, STR_FMT, STR_ARG(name));
    snprintf(port, port_size, STR_FMT, (int)(end - colon), rest.ptr + colon);
    return OK;
}

Status http_listen(HttpServer *server, Str url, int *port, Error *err)
{
    char             host[256], service[16];
    struct addrinfo *found,
        hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    TRY(split_url(url, host, sizeof host, service, sizeof service, err));
    if (server->daemon_count == HTTP_MAX_LISTENERS)
        return error_set(err, E_CONFIG, NO_POS, "listeners: more than %d addresses", HTTP_MAX_LISTENERS);
    int failed = getaddrinfo(host[0] ? host : NULL, service, &hints, &found);
    if (failed != 0)
        return error_set(err, E_CONFIG, NO_POS, "Invalid value " STR_FMT " for configuration listeners: %s",
                         STR_ARG(url), gai_strerror(failed));
    int fd = bind_one(found);
    freeaddrinfo(found);
    if (fd < 0)
        return error_set(err, E_IO, NO_POS, "cannot listen on " STR_FMT ": %m", STR_ARG(url));
    *port         = port_of(fd);
    Status status = mhd_start(server, fd, &server->daemons[server->daemon_count], err);
    if (status != OK) {
        close(fd);
        return status;
    }
    server->daemon_count++;
    return OK;
}

/* The transport must not keep a suspended connection when it stops. */
static void end_all(HttpServer *server)
{
    pthread_mutex_lock(&server->lock);
    for (HttpExchange *x = server->exchanges; x != NULL; x = x->next) {
        pthread_mutex_lock(&x->lock);
        x->gone = true;
        if (x->connection != NULL)
            x->transport->resume(x);
        pthread_mutex_unlock(&x->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static void wake_all(HttpServer *server)
{
    pthread_mutex_lock(&server->lock);
    for (HttpExchange *x = server->exchanges; x != NULL; x = x->next)
        http_wake(x);
    pthread_mutex_unlock(&server->lock);
}

void http_close(HttpServer *server)
{
    if (server == NULL)
        return;
    atomic_store(&server->stopping, true);
    for (size_t i = 0; i < server->daemon_count; i++)
        mhd_quiesce(server->daemons[i]);
    watch_close(server);
    wake_all(server); /* streams see that they are to end */
    pool_close(&server->pool);
    end_all(server);
    for (size_t i = 0; i < server->daemon_count; i++)
        mhd_stop(server->daemons[i]);
    pool_clear(&server->pool);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
