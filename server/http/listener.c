/*
 * listener.c - from an address to connections that speak a protocol.
 *
 * A new connection waits on the loop until its first bytes are there, which are looked at and left in the
 * socket: the preface of HTTP/2 begins with "PRI", as no request of HTTP/1 does, and a handshake of TLS with
 * a byte that is no letter. One that says nothing costs its descriptor, for as long as guests may stay
 * (guests.h).
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/notice.h"
#include "core/value.h"
#include "server/http/server.h"

enum { ACCEPT_AT_ONCE = 64, TLS_HANDSHAKE = 0x16 /* what a record of TLS begins with */ };

struct Listener {
    LoopSource  base;
    HttpServer *server;
    GuestBook  *guests;
    bool        tls;
    bool        paused; /* too many connections, or no descriptor: until the next tick */
    Notice      trouble;
};

/* ---- a connection that has not said anything ---- */

typedef struct {
    LoopSource  base;
    HttpServer *server;
    Guest      *guest;
    bool        tls; /* the listener's word; the client's is still to come */
} Newcomer;

static void newcomer_release(LoopSource *source)
{
    Newcomer *newcomer = (Newcomer *)source;
    if (newcomer->base.fd >= 0) /* it went before it was handed on */
        connection_close(newcomer->server,
                         &(HttpConnection){.fd = newcomer->base.fd, .guest = newcomer->guest});
    mem_free(newcomer);
}

/* To somebody who speaks plain HTTP/1 to an https listener: a hint instead of a broken pipe. */
static void answer_in_plain(int fd)
{
    static const char body[] = "{\"@type\":\"generic_error\",\"error_code\":40000,\"message\":\"This "
                               "listener speaks TLS: use https://\"}";
    char              answer[512];
    int               len = snprintf(answer, sizeof answer,
                                     "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: "
                                                   "close\r\nContent-Length: %zu\r\n\r\n%s",
                                     sizeof body - 1, body);
    (void)send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Hands the socket on. */
static void welcome(const Newcomer *newcomer, int fd, const char first[HTTP_ENOUGH])
{
    HttpServer    *server     = newcomer->server;
    HttpConnection connection = {.fd = fd, .guest = newcomer->guest};
    if (newcomer->tls && first[0] == TLS_HANDSHAKE)
        handshake_take(server, &connection);
    else if (newcomer->tls) {
        answer_in_plain(fd);
        linger_take(server, server->loop, &connection);
    } else if (memcmp(first, "PRI", HTTP_ENOUGH) == 0)
        http2_take(server, &connection);
    else
        http1_take(server, &connection);
}

static void newcomer_ready(LoopSource *source, uint32_t events)
{
    Newcomer   *newcomer           = (Newcomer *)source;
    HttpServer *server             = newcomer->server;
    char        first[HTTP_ENOUGH] = "";
    int         fd = source->fd, one = 1;
    ssize_t     got = recv(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    loop_remove(server->loop, source);
    if (got <= 0 || (got < HTTP_ENOUGH && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0))
        return; /* it left; with fewer bytes than asked for, nothing more will come */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
    source->fd = -1; /* handed on */
    welcome(newcomer, fd, first);
}

static void newcomer_new(const Listener *listener, int fd)
{
    HttpServer *server   = listener->server;
    Newcomer   *newcomer = mem_calloc(1, sizeof *newcomer);
    Error       err;
    int         one = 1, enough = HTTP_ENOUGH;
    *newcomer = (Newcomer){.base   = {.fd = fd, .ready = newcomer_ready, .release = newcomer_release},
                           .server = server,
                           .guest  = guest_new(listener->guests, fd, loop_now_ms()),
                           .tls    = listener->tls};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough); /* "P" and "PR" say nothing yet */
    atomic_fetch_add(&server->connections, 1);
    if (loop_add(server->loop, &newcomer->base, EPOLLIN | EPOLLRDHUP, &err) != OK) {
        log_line(LOG_WARN, "http: %s", err.message);
        newcomer_release(&newcomer->base);
    }
}

/* ---- accepting ---- */

static void pause_accepting(Listener *listener, const char *why)
{
    if (notice_due(&listener->trouble, str_c(why), loop_now_ms() * 1000))
        log_line(LOG_WARN, "http: connections wait to be accepted: %s", why);
    loop_want(listener->server->loop, &listener->base, 0);
    listener->paused = true;
}

static void listener_ready(LoopSource *source, uint32_t events)
{
    Listener   *listener = (Listener *)source;
    HttpServer *server   = listener->server;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (atomic_load(&server->connections) >= server->most_connections) {
            pause_accepting(listener, "there are as many as the limit of descriptors allows");
            return;
        }
        int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            newcomer_new(listener, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(listener, strerror(errno));
            return;
        } else if (errno != ECONNABORTED && errno != EINTR)
            return; /* EAGAIN: that was all */
    }
}

static void listener_tick(LoopSource *source, int64_t now_ms)
{
    Listener *listener = (Listener *)source;
    if (listener->paused)
        loop_want(listener->server->loop, source, EPOLLIN);
    listener->paused = false;
    guests_tick(listener->guests, now_ms, 1000LL * listener->server->options.guest_timeout_s);
}

static void listener_release(LoopSource *source)
{
    close(source->fd);
    mem_free(source);
}

/* ---- binding ---- */

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

/* "http://host:port" or "https://host:port" taken apart; [v6] in brackets. */
static Status split_url(Str url, bool *tls, char *host, size_t host_size, char *port, size_t port_size,
                        Error *err)
{
    *tls       = str_starts_with(url, STR_LIT("https://"));
    Str scheme = *tls ? STR_LIT("https://") : STR_LIT("http://");
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

/* -1 with err. */
static int bind_url(Str url, bool *tls, Error *err)
{
    char             host[256], service[16];
    struct addrinfo *found,
        hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (split_url(url, tls, host, sizeof host, service, sizeof service, err) != OK)
        return -1;
    int failed = getaddrinfo(host[0] ? host : NULL, service, &hints, &found);
    if (failed != 0) {
        error_set(err, E_CONFIG, NO_POS, "Invalid value " STR_FMT " for configuration listeners: %s",
                  STR_ARG(url), gai_strerror(failed));
        return -1;
    }
    int fd = bind_one(found);
    freeaddrinfo(found);
    if (fd < 0)
        error_set(err, E_IO, NO_POS, "cannot listen on " STR_FMT ": %m", STR_ARG(url));
    return fd;
}

static int bind_unix(Str path, Error *err)
{
    int    fd   = -1;
    char  *name = str_to_heap(path);
    Status open = unix_socket_open(name, &fd, err);
    mem_free(name);
    return open == OK ? fd : -1;
}

Status listener_open(HttpServer *server, Str url, int *port, Error *err)
{
    Str  scheme = STR_LIT("unix:");
    bool tls    = false;
    int  fd = str_starts_with(url, scheme) ? bind_unix(str_n(url.ptr + scheme.len, url.len - scheme.len), err)
                                           : bind_url(url, &tls, err);
    if (fd < 0)
        return err->code;
    if (tls && server->tls == NULL) {
        close(fd);
        return error_set(err, E_CONFIG, NO_POS, "listeners: no certificate is there for " STR_FMT,
                         STR_ARG(url));
    }
    Listener *listener = mem_calloc(1, sizeof *listener);
    listener->server   = server;
    listener->guests   = &server->guests[server->listener_count];
    listener->tls      = tls;
    listener->base =
        (LoopSource){.fd = fd, .ready = listener_ready, .tick = listener_tick, .release = listener_release};
    *port         = port_of(fd);
    Status status = loop_add(server->loop, &listener->base, EPOLLIN, err);
    if (status != OK)
        listener_release(&listener->base);
    return status;
}
