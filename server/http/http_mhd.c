/*
 * http_mhd.c - HTTP/1.1 by libmicrohttpd: one thread with epoll per listening address, however many
 * connections.
 *
 * A connection is suspended while its handler runs and while its stream has nothing to send; whoever has
 * something resumes it. Suspending and resuming happen under the exchange's lock, so that no wake-up is lost
 * between "there is nothing" and "wake me".
 */
#include <microhttpd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/http/http_transport.h"

enum {
    BLOCK             = 64 * 1024,
    PATIENCE          = 1024 * 1024 * 1024,
    REQUEST_TIMEOUT_S = 60,    /* without a byte of a request that has not arrived whole */
    OWN_DESCRIPTORS   = 256,   /* left for files and brokers */
    MOST_CONNECTIONS  = 65536, /* each takes some KB */
};

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
    bool          done, low;
    pthread_mutex_lock(&x->lock);
    size_t before = exchange_pending(x);
    size_t n      = exchange_take(x, out, max, &done);
    low           = before > HTTP_PENDING_HIGH / 2 && exchange_pending(x) <= HTTP_PENDING_HIGH / 2;
    bool cut      = x->gone && !x->ended;
    if (n == 0 && !done && !atomic_load(&x->server->stopping)) {
        x->suspended = true;
        MHD_suspend_connection(x->connection);
    }
    pthread_mutex_unlock(&x->lock);
    if (low)
        http_wake(x); /* there is room again */
    if (n > 0)
        return (ssize_t)n;
    return !done ? 0 : cut ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
}

static void free_stream(void *context) { http_unref(context); }

static struct MHD_Response *make_response(HttpExchange *x)
{
    struct MHD_Response *response;
    if (x->whole)
        response =
            MHD_create_response_from_buffer(x->out.len, x->out.len ? x->out.ptr : "", MHD_RESPMEM_MUST_COPY);
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

static enum MHD_Result refuse_size(struct MHD_Connection *connection)
{
    return refuse(connection, 413, "The request is too large");
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

static void submit(HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->submitted = true;
    x->suspended = true;
    MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)x->server->options.idle_timeout_s);
    MHD_suspend_connection(x->connection);
    pthread_mutex_unlock(&x->lock);
    if (!pool_submit(&x->server->pool, x))
        exchange_lost(x); /* the server stops */
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **slot)
{
    HttpServer   *server = context;
    HttpExchange *x      = *slot;
    if (x == NULL) {
        x = *slot   = exchange_new(server, &transport, connection, method, url);
        x->http_1_0 = str_equal(str_c(version), STR_LIT("HTTP/1.0"));
        if (has_two_lengths(connection))
            return refuse(connection, 400, "The request says twice how long it is");
        return announces_too_much(connection) ? refuse_size(connection) : MHD_YES;
    }
    if (*size > 0) {
        x->too_large = x->too_large || x->body.len + *size > server->options.max_body;
        if (!x->too_large)
            strbuf_add(&x->body, str_n(data, *size));
        *size = 0;
        return MHD_YES;
    }
    if (x->too_large)
        return refuse_size(connection);
    if (x->submitted)
        return reply(x);
    if (atomic_load(&server->stopping))
        return MHD_NO;
    submit(x);
    return MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode how)
{
    if (*slot != NULL)
        exchange_over(*slot);
    *slot = NULL;
}

static void on_log(void *context, const char *format, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    log_line(LOG_DEBUG, "http: %s", text);
}

/* What is beyond waits to be accepted, so it must be more than anybody's idle connections. */
static unsigned connection_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > MOST_CONNECTIONS + OWN_DESCRIPTORS)
        return MOST_CONNECTIONS;
    return (unsigned)(limit.rlim_cur > 2 * OWN_DESCRIPTORS ? limit.rlim_cur - OWN_DESCRIPTORS
                                                           : limit.rlim_cur / 2);
}

Status mhd_start(HttpServer *server, int listener, void **out, Error *err)
{
    *out = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
                            NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
                            MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                            NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)REQUEST_TIMEOUT_S,
                            MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * BLOCK), MHD_OPTION_END);
    return *out != NULL ? OK : error_set(err, E_IO, NO_POS, "cannot start the HTTP server: %m");
}

void mhd_quiesce(void *daemon)
{
    int listener = MHD_quiesce_daemon(daemon);
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
}

void mhd_stop(void *daemon) { MHD_stop_daemon(daemon); }
