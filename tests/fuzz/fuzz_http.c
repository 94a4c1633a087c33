/*
 * fuzz_http.c - strangers' bytes on a connection: requests of HTTP/1, frames of HTTP/2, and frames of a
 * WebSocket, as a listener would hand them on. The server behind answers everything; what matters is that it
 * lives.
 *
 * One server serves all inputs: what one leaves behind is the next one's trouble, as in life.
 */
#include <poll.h>
#include <unistd.h>

#include "server/http/server.h"
#include "server/http/websocket.h"

enum { PATIENCE_MS = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool step(void *state, HttpExchange *x)
{
    StrBuf body = {0};
    bool   more = http_read(x, &body);
    http_write(x, strbuf_str(&body));
    http_flush(x);
    strbuf_clear(&body);
    return more;
}

static void handle(void *context, HttpExchange *x)
{
    if (str_equal(http_path(x), STR_LIT("/read"))) {
        http_begin(x, 200, "text/plain");
        http_stream(x, step, NULL, NULL);
    } else if (http_begin_websocket(x)) {
        http_write(x, STR_LIT("hello"));
        http_end(x);
    } else
        http_respond(x, 200, "text/plain", http_parameter(x, "q"));
}

static bool streams_body(void *context, Str method, Str path) { return str_equal(path, STR_LIT("/read")); }

/* Nobody else's body is read. */
static bool admit(void *context, HttpExchange *x)
{
    if (!str_equal(http_path(x), STR_LIT("/no")))
        return true;
    http_respond(x, 401, "text/plain", STR_LIT("no"));
    return false;
}

static HttpServer *open_server(void)
{
    HttpOptions options = {.admit          = admit,
                           .handle         = handle,
                           .streams_body   = streams_body,
                           .max_body       = 4096,
                           .threads        = 1,
                           .idle_timeout_s = 60};
    HttpServer *server  = NULL;
    Error       err;
    return http_open(&options, &server, &err) == OK ? server : NULL;
}

/* All at once, and then byte by byte: the same events. */
static void read_frames(Str bytes)
{
    WebSocketInput whole = {0}, parts = {0};
    WebSocketEvent event, last        = WEBSOCKET_NOTHING;
    size_t         events = 0, events_of_parts = 0;
    for (Str rest = bytes; rest.len > 0 && last != WEBSOCKET_BROKEN;) {
        size_t n = websocket_read(&whole, rest, &last);
        events += last != WEBSOCKET_NOTHING;
        rest = str_n(rest.ptr + n, rest.len - n);
    }
    last = WEBSOCKET_NOTHING;
    for (size_t i = 0; i < bytes.len && last != WEBSOCKET_BROKEN; i++) {
        if (websocket_read(&parts, str_n(bytes.ptr + i, 1), &event) != 1)
            abort();
        events_of_parts += event != WEBSOCKET_NOTHING;
        last = event;
    }
    if (events != events_of_parts)
        abort();
}

/* Until the server closes, or has nothing more to say. */
static void drain(int fd)
{
    char          block[4096];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (poll(&poll_fd, 1, PATIENCE_MS) > 0 && recv(fd, block, sizeof block, 0) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static HttpServer *server;
    int                fds[2];
    if (server == NULL && (server = open_server()) == NULL)
        abort();
    read_frames(str_n((const char *)data, size));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    atomic_fetch_add(&server->connections, 1);
    bool http2 = size >= 3 && memcmp(data, "PRI", 3) == 0;
    if (http2)
        http2_take(server, &(HttpConnection){.fd = fds[0]});
    else
        http1_take(server, &(HttpConnection){.fd = fds[0]});
    if (size > 0 && send(fds[1], data, size, MSG_NOSIGNAL) >= 0)
        (void)shutdown(fds[1], SHUT_WR);
    drain(fds[1]);
    close(fds[1]);
    return 0;
}
