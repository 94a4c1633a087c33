/*
 * protocol_http1.c - HTTP/1 by libmicrohttpd: one thread with epoll, however many connections; listener.c
 * accepts them.
 *
 * A connection is suspended while its handler runs, while its stream has nothing to send, and while a handler
 * that reads the body has enough of it; whoever has something resumes it. Suspending and resuming happen
 * under the exchange's lock, so that no wake-up is lost between "there is nothing" and "wake me".
 *
 * The reply to a body that is read as it comes begins when all of it is there: libmicrohttpd has no way to
 * send while it receives.
 *
 * A client's certificate was looked at by whoever has the TLS; its subject waits in a list, by the number of
 * the socket, until libmicrohttpd's thread says that it has made a connection of it, and goes with that.
 */
#include <microhttpd.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/http/h2c.h"
#include "server/http/server.h"
#include "server/http/websocket.h"

enum {
    BLOCK    = 64 * 1024,
    PATIENCE = 1024 * 1024 * 1024,
};

/* Whom a socket's client has proved to be. */
typedef struct Known Known;
struct Known {
    Known *next;
    int    fd;
    char  *principal;
};

struct Http1 {
    pthread_mutex_t    door; /* of the daemon, for those who bring connections; not taken by its own thread */
    struct MHD_Daemon *daemon; /* NULL: it has stopped */
    pthread_mutex_t    lock;   /* of what follows */
    Known             *known;  /* of sockets that are no connections yet */
};

/* What libmicrohttpd keeps of a request for us. */
typedef struct {
    char         *target; /* as it was sent */
    HttpExchange *x;      /* once the headers are there */
    H2c          *h2c;    /* it goes on in HTTP/2 */
} Request;

static Str mhd_header(const HttpExchange *x, const char *name)
{
    return str_c(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name));
}

static void mhd_resume(HttpExchange *x)
{
    if (!x->suspended)
        return;
    x->suspended = false;
    MHD_resume_connection(x->connection);
}

static int mhd_socket(const HttpExchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

static const HttpTransport transport = {mhd_header, mhd_resume, mhd_socket};

/* ---- replies ---- */

static ssize_t read_stream(void *context, uint64_t at, char *out, size_t max)
{
    HttpExchange *x = context;
    bool          done;
    pthread_mutex_lock(&x->lock);
    size_t before = exchange_pending(x);
    size_t n      = exchange_take(x, out, max, false, &done);
    bool   cut    = exchange_is_cut(x);
    if (n == 0 && !done && !atomic_load(&x->server->stopping)) {
        x->suspended = true;
        MHD_suspend_connection(x->connection);
    }
    pthread_mutex_unlock(&x->lock);
    exchange_taken(x, before);
    if (n > 0)
        return (ssize_t)n;
    return !done ? 0 : cut ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
}

static void free_stream(void *context) { http_unref(context); }

static void give_socket_back(void *handle) { MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE); }

/* libmicrohttpd has sent the 101, and leaves the socket to us until it is given back. */
static void on_upgrade(void *context, struct MHD_Connection *connection, void *slot, const char *extra,
                       size_t extra_size, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
    Request      *request = slot;
    HttpExchange *x       = request->x;
    request->x            = NULL; /* on_completed comes when the socket is given back */
    websocket_take(x, socket, str_n(extra, extra_size), give_socket_back, handle);
}

/* The same, for HTTP/2: the request is the first one there. */
static void on_upgrade_http2(void *context, struct MHD_Connection *connection, void *slot, const char *extra,
                             size_t extra_size, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
    Request       *request = slot;
    HttpExchange  *x       = request->x;
    HttpConnection taken   = {
          .fd = socket, .already = str_n(extra, extra_size), .give_back = give_socket_back, .handle = handle};
    request->x = NULL;
    http2_take_upgraded(context, &taken, x, request->h2c);
}

static enum MHD_Result switch_to_http2(HttpServer *server, struct MHD_Connection *connection)
{
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade_http2, server);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Upgrade", "h2c");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *make_response(HttpExchange *x)
{
    struct MHD_Response *response;
    if (x->websocket)
        response = MHD_create_response_for_upgrade(on_upgrade, x);
    else if (x->whole)
        response = MHD_create_response_from_buffer(
            x->written, x->written ? x->out.ptr + (x->out.len - x->written) : "",
            MHD_RESPMEM_MUST_COPY); /* behind the length of its one piece */
    else
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, http_ref(x), free_stream);
    if (response == NULL)
        return NULL;
    for (size_t i = 0; i < x->header_count; i++)
        MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
    return response;
}

static enum MHD_Result reply(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    struct MHD_Response *response = x->begun ? make_response(x) : NULL;
    pthread_mutex_unlock(&x->lock);
    if (response == NULL)
        return MHD_NO; /* the server stops before there was an answer */
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)x->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests ---- */

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *message)
{
    char                 text[160];
    int                  len      = snprintf(text, sizeof text,
                                             "{\"@type\":\"generic_error\",\"error_code\":40000,\"message\":\"%s\"}", message);
    struct MHD_Response *response = MHD_create_response_from_buffer((size_t)len, text, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result count_length(void *count, enum MHD_ValueKind kind, const char *name, const char *value)
{
    *(int *)count += str_equal_nocase(str_c(name), STR_LIT("Content-Length"));
    return MHD_YES;
}

/* More than one opinion on where the body ends: a proxy may have another than ours, and take the rest for a
 * request of its own (RFC 9112, 6.3). */
static bool has_two_lengths(struct MHD_Connection *connection)
{
    int lengths = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_length, &lengths);
    return lengths > 1;
}

/* Beyond all patience: what is only too large is read and dropped, so that the client hears why instead of a
 * broken pipe. */
static bool announces_too_much(struct MHD_Connection *connection)
{
    int64_t length;
    Str     text = str_c(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length"));
    return !str_is_null(text) && (!int64_parse(text, &length) || length > PATIENCE);
}

/* Until somebody resumes it, on_request is not called. Lock held. */
static void suspend(HttpExchange *x)
{
    x->suspended = true;
    MHD_suspend_connection(x->connection);
}

static HttpVersion version_of(const char *version)
{
    return str_equal(str_c(version), STR_LIT("HTTP/1.0")) ? HTTP_1_0 : HTTP_1_1;
}

/* ---- who is there ---- */

/* -> on the heap, or NULL. */
static char *forget_principal(Http1 *http1, int fd)
{
    char *principal = NULL;
    pthread_mutex_lock(&http1->lock);
    Known **at = &http1->known;
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    Known *known = *at;
    if (known != NULL) {
        principal = known->principal;
        *at       = known->next;
    }
    pthread_mutex_unlock(&http1->lock);
    mem_free(known);
    return principal;
}

/* One that an earlier socket of this number has left behind is not believed. */
static void know_principal(Http1 *http1, int fd, const char *principal)
{
    mem_free(forget_principal(http1, fd));
    if (principal == NULL)
        return;
    Known *known = mem_alloc(sizeof *known);
    pthread_mutex_lock(&http1->lock);
    *known       = (Known){http1->known, fd, mem_strdup(principal)};
    http1->known = known;
    pthread_mutex_unlock(&http1->lock);
}

static const char *principal_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode what)
{
    HttpServer                     *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = forget_principal(server->http1, info->connect_fd);
        return;
    }
    mem_free(*slot);
    *slot = NULL;
    atomic_fetch_sub(&server->connections, 1);
}

/* ---- requests as libmicrohttpd tells of them ---- */

/* The headers are there. */
static enum MHD_Result begin(HttpServer *server, struct MHD_Connection *connection, Request *request,
                             const char *method, const char *version)
{
    Str           target = str_c(request->target);
    HttpExchange *x = exchange_new(server, &transport, connection, version_of(version), str_c(method), target,
                                   principal_of(connection));
    request->x      = x;
    if (has_two_lengths(connection))
        return refuse(connection, 400, "The request says twice how long it is");
    if (announces_too_much(connection))
        return refuse(connection, 413, "The request is too large");
    if (x->streams)
        exchange_submit(x);
    return MHD_YES;
}

/* More of the body; *size becomes what is left for another time. */
static void take_body(HttpExchange *x, const char *data, size_t *size)
{
    pthread_mutex_lock(&x->lock);
    bool full = x->streams && x->body.len >= HTTP_BODY_HIGH && !x->gone;
    if (full)
        suspend(x); /* until the handler has read */
    pthread_mutex_unlock(&x->lock);
    if (full)
        return;
    exchange_receive(x, str_n(data, *size));
    *size = 0;
}

/* All of it is there: runs the handler, or waits for one that reads. False: the reply is there already. */
static bool take_end(HttpExchange *x)
{
    if (!x->body_ended)
        exchange_received(x);
    pthread_mutex_lock(&x->lock);
    bool fresh = !x->submitted, waits = fresh || (!x->begun && !x->gone);
    MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)x->server->options.idle_timeout_s);
    if (waits)
        suspend(x);
    pthread_mutex_unlock(&x->lock);
    if (fresh)
        exchange_submit(x);
    return waits;
}

static bool has_reply(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool has = x->body_ended && (x->begun || x->gone);
    pthread_mutex_unlock(&x->lock);
    return has;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **slot)
{
    HttpServer *server  = context;
    Request    *request = *slot;
    if (request->x == NULL)
        return begin(server, connection, request, method, version);
    if (*size > 0) {
        take_body(request->x, data, size);
        return MHD_YES;
    }
    if (request->x->too_large)
        return refuse(connection, 413, "The request is too large");
    if (has_reply(request->x))
        return reply(request->x);
    if (atomic_load(&server->stopping))
        return MHD_NO;
    if ((request->h2c = h2c_asked(connection, request->x)) != NULL)
        return switch_to_http2(server, connection);
    return take_end(request->x) ? MHD_YES : reply(request->x);
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    Request *request = mem_calloc(1, sizeof *request);
    request->target  = mem_strdup(target);
    return request;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode how)
{
    Request *request = *slot;
    if (request == NULL)
        return;
    if (request->x != NULL)
        exchange_over(request->x);
    h2c_free(request->h2c);
    mem_free(request->target);
    mem_free(request);
    *slot = NULL;
}

static void on_log(void *context, const char *format, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    log_line(LOG_DEBUG, "http: %s", text);
}

static struct MHD_Daemon *start_daemon(HttpServer *server)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG | MHD_USE_ITC | MHD_ALLOW_UPGRADE,
        0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_REQUEST_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->most_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * BLOCK), MHD_OPTION_END);
}

Status http1_start(HttpServer *server, Http1 **out, Error *err)
{
    Http1 *http1 = mem_calloc(1, sizeof *http1);
    pthread_mutex_init(&http1->door, NULL);
    pthread_mutex_init(&http1->lock, NULL);
    http1->daemon = start_daemon(server);
    if (http1->daemon == NULL) {
        error_set(err, E_IO, NO_POS, "cannot start the HTTP server: %m");
        http1_free(http1);
        return E_IO;
    }
    *out = http1;
    return OK;
}

/* It closes the socket when it does not want it. */
void http1_take(HttpServer *server, int fd, const struct sockaddr *address, socklen_t size,
                const char *principal)
{
    Http1 *http1 = server->http1;
    bool   taken = false;
    pthread_mutex_lock(&http1->door);
    if (http1->daemon != NULL) {
        know_principal(http1, fd, principal);
        taken = MHD_add_connection(http1->daemon, fd, address, size) == MHD_YES;
    } else
        close(fd);
    pthread_mutex_unlock(&http1->door);
    if (!taken)
        atomic_fetch_sub(&server->connections, 1);
}

void http1_stop(Http1 *http1)
{
    if (http1 == NULL)
        return;
    pthread_mutex_lock(&http1->door);
    struct MHD_Daemon *daemon = http1->daemon;
    http1->daemon             = NULL;
    pthread_mutex_unlock(&http1->door);
    if (daemon != NULL)
        MHD_stop_daemon(daemon);
}

void http1_free(Http1 *http1)
{
    if (http1 == NULL)
        return;
    while (http1->known != NULL)
        mem_free(forget_principal(http1, http1->known->fd));
    pthread_mutex_destroy(&http1->lock);
    pthread_mutex_destroy(&http1->door);
    mem_free(http1);
}
