/*
 * test_http_patience.c - clients that take their time, over HTTP/1 and HTTP/2: what is bounded (a handshake
 * that nobody makes, a head, a body that is read as a whole, who is not admitted) and what is not (idling
 * between requests, a body that is read as it comes). With seconds instead of minutes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/http.h"

enum { SOON_MS = 5000, LONG_MS = 3500 /* more than any of the timeouts, and a tick */ };

typedef struct {
    HttpServer *http;
    int         port;
} Fixture;

/* ---- a server that lets in who says "yes" ---- */

static bool admit(void *context, HttpExchange *x)
{
    if (str_is_null(http_header(x, "Authorization"))) {
        http_respond(x, 401, "text/plain", STR_LIT("no"));
        return false;
    }
    http_welcome(x);
    return true;
}

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
    if (!str_equal(http_path(x), STR_LIT("/read"))) {
        http_respond(x, 200, "text/plain", http_body(x));
        return;
    }
    http_begin(x, 200, "text/plain");
    http_stream(x, step, NULL, NULL);
}

static bool streams_body(void *context, Str method, Str path) { return str_equal(path, STR_LIT("/read")); }

static int open_server(void **state)
{
    static Fixture f;
    HttpOptions    options = {.admit           = admit,
                              .handle          = handle,
                              .streams_body    = streams_body,
                              .max_body        = 1024 * 1024,
                              .threads         = 1,
                              .idle_timeout_s  = 60,
                              .guest_timeout_s = 1,
                              .head_timeout_s  = 1,
                              .body_timeout_s  = 1};
    Error          err;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(http_open(&options, &f.http, &err), OK);
    assert_int_equal(http_listen(f.http, STR_LIT("http://127.0.0.1:0"), &f.port, &err), OK);
    *state = &f;
    return 0;
}

static int close_server(void **state)
{
    http_close(((Fixture *)*state)->http);
    return 0;
}

/* ---- clients ---- */

static int connect_to(const Fixture *f)
{
    struct sockaddr_in at = {.sin_family      = AF_INET,
                             .sin_port        = htons((uint16_t)f->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, Str bytes)
{
    assert_int_equal(send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* What comes within the time, until the server closes: *closed tells. */
static void hear(int fd, int ms, StrBuf *out, bool *closed)
{
    char          block[4096];
    ssize_t       n       = 1;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (poll(&poll_fd, 1, ms) > 0 && (n = recv(fd, block, sizeof block, 0)) > 0)
        strbuf_add(out, str_n(block, (size_t)n));
    *closed = n <= 0;
}

static bool says(const StrBuf *heard, const char *text)
{
    return str_find(strbuf_str(heard), str_c(text), 0) >= 0;
}

#define YES "Authorization: yes\r\n"
#define HTTP2 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
/* HEADERS of POST / at x, with who asks where it is said: by what is in HPACK's table. */
#define POST2 "\0\0\6\1\4\0\0\0\1\x83\x84\x87\1\1x"
#define POST2_YES "\0\0\x0c\1\4\0\0\0\1\x83\x84\x87\1\1x\x0f\x08\3yes"

static const struct {
    const char *label;
    Str         sent;
    bool        closes; /* within the time */
    const char *says;   /* before that; NULL: nothing */
} clients[] = {
    {"nothing", STR_LIT(""), true, NULL},
    {"a first byte", STR_LIT("G"), true, NULL},
    {"half a head", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n"), true, NULL},
    {"half a body of a stranger", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"), true,
     " 401 "},
    {"half a body", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\n" YES "Content-Length: 9\r\n\r\n{"), true,
     " 408 "},
    {"half a chunk", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\n" YES "Transfer-Encoding: chunked\r\n\r\n9\r\n{"),
     true, " 408 "},
    {"a second head", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n" YES "\r\nGET / HTTP/1.1\r\nHost"), true,
     " 408 "},
    {"a stranger who stays", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), true, " 401 "},
    {"idling", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n" YES "\r\n"), false, " 200 "},
    {"a body that is read as it comes",
     STR_LIT("POST /read HTTP/1.1\r\nHost: x\r\n" YES "Content-Length: 9\r\n\r\nabc"), false, "abc"},
    {"nothing but a preface", STR_LIT(HTTP2), true, NULL},
    {"a stranger's half body, HTTP/2", STR_LIT(HTTP2 POST2), true, "no"},
    {"half a body, HTTP/2", STR_LIT(HTTP2 POST2_YES), false, "takes too long"},
};

static void who_takes_too_long_is_told_and_left(void **state)
{
    int fds[ARRAY_LEN(clients)];
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        fds[i] = connect_to(*state);
        say(fds[i], clients[i].sent);
    }
    usleep(LONG_MS * 1000);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        StrBuf heard = {0};
        bool   closed;
        hear(fds[i], clients[i].closes ? SOON_MS : 50, &heard, &closed);
        if (closed != clients[i].closes || (clients[i].says != NULL && !says(&heard, clients[i].says)))
            fail_msg("%s: %s, " STR_FMT, clients[i].label, closed ? "closed" : "open",
                     STR_ARG(strbuf_str(&heard)));
        strbuf_clear(&heard);
        close(fds[i]);
    }
}

/* A byte now and then does not help. */
static void dripping_is_no_progress(void **state)
{
    int    fd     = connect_to(*state);
    StrBuf heard  = {0};
    bool   closed = false;
    say(fd, STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n" YES "\r\nGET / HTTP/1.1\r\nHost: x\r\nA: "));
    for (int i = 0; i < LONG_MS / 100 && !closed; i++) {
        (void)send(fd, "a", 1, MSG_NOSIGNAL);
        hear(fd, 100, &heard, &closed);
    }
    assert_true(closed);
    if (!says(&heard, " 408 "))
        fail_msg(STR_FMT, STR_ARG(strbuf_str(&heard)));
    strbuf_clear(&heard);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_too_long_is_told_and_left),
        cmocka_unit_test(dripping_is_no_progress),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
