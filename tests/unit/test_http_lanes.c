/*
 * test_http_lanes.c - what moves to another lane keeps nobody of the first waiting, however much there is of
 * it; it is bounded, in order, and ends with the server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/http.h"

enum { WORKING = 2, CLIENTS = 6, SOON_MS = 10000 };

/* Handlers of /work stand at a gate. */
typedef struct {
    HttpServer     *http;
    int             port;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    bool            open;
    int             inside, most, passed;
} Fixture;

static void stand_at_gate(Fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->inside++;
    if (f->most < f->inside)
        f->most = f->inside;
    pthread_cond_broadcast(&f->changed);
    while (!f->open)
        pthread_cond_wait(&f->changed, &f->lock);
    f->inside--;
    f->passed++;
    pthread_mutex_unlock(&f->lock);
}

static bool say_lane(void *state, HttpExchange *x)
{
    const char *names[] = {"short", "waits", "works"};
    http_write(x, str_c(names[http_lane(x)]));
    return false;
}

/* As a scan that has something to do before: moves in a step, and again at its first wake. */
static bool move_and_say(void *state, HttpExchange *x)
{
    return http_move(x, HTTP_LANE_WORKS) || say_lane(state, x);
}

static void handle(void *context, HttpExchange *x)
{
    Fixture *f    = context;
    Str      path = http_path(x);
    if (str_equal(path, STR_LIT("/work"))) {
        if (http_move(x, HTTP_LANE_WORKS))
            return;
        stand_at_gate(f);
        http_respond(x, 200, "text/plain", STR_LIT("done"));
    } else if (str_equal(path, STR_LIT("/wait"))) {
        if (!http_move(x, HTTP_LANE_WAITS))
            http_respond(x, 200, "text/plain", STR_LIT("waited"));
    } else if (str_equal(path, STR_LIT("/stream"))) { /* moved, and its steps are short again */
        if (http_move(x, HTTP_LANE_WAITS))
            return;
        http_begin(x, 200, "text/plain");
        http_stream(x, say_lane, NULL, NULL);
    } else if (str_equal(path, STR_LIT("/step"))) {
        http_begin(x, 200, "text/plain");
        http_stream(x, move_and_say, NULL, NULL);
    } else
        http_respond(x, 200, "text/plain", STR_LIT("info"));
}

static int open_server(void **state)
{
    static Fixture f;
    HttpOptions    options = {.context        = &f,
                              .handle         = handle,
                              .max_body       = 1024,
                              .threads        = 1,
                              .working        = WORKING,
                              .idle_timeout_s = 60};
    Error          err;
    f = (Fixture){0};
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(http_open(&options, &f.http, &err), OK);
    assert_int_equal(http_listen(f.http, STR_LIT("http://127.0.0.1:0"), &f.port, &err), OK);
    *state = &f;
    return 0;
}

static void open_gate(Fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->open = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static int close_server(void **state)
{
    Fixture *f = *state;
    open_gate(f);
    http_close(f->http);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    return 0;
}

static int ask(const Fixture *f, const char *path)
{
    struct sockaddr_in at = {.sin_family      = AF_INET,
                             .sin_port        = htons((uint16_t)f->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char               head[128];
    int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

/* The answer comes soon, and has that in it. */
static void assert_answer(int fd, const char *text)
{
    StrBuf        answer = {0};
    char          block[1024];
    ssize_t       n;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (poll(&poll_fd, 1, SOON_MS) > 0 && (n = recv(fd, block, sizeof block, 0)) > 0)
        strbuf_add(&answer, str_n(block, (size_t)n));
    close(fd);
    if (str_find(strbuf_str(&answer), str_c(text), 0) < 0)
        fail_msg("\"%s\" is not in \"" STR_FMT "\"", text, STR_ARG(strbuf_str(&answer)));
    strbuf_clear(&answer);
}

static void wait_inside(Fixture *f, int count)
{
    pthread_mutex_lock(&f->lock);
    while (f->inside < count)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

static void long_work_keeps_nobody_waiting(void **state)
{
    Fixture *f = *state;
    int      fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = ask(f, "/work");
    wait_inside(f, WORKING);
    assert_answer(ask(f, "/info"), "info");
    assert_answer(ask(f, "/wait"), "waited");
    assert_answer(ask(f, "/stream"), "short");
    assert_int_equal(f->passed, 0);
    open_gate(f);
    for (int i = 0; i < CLIENTS; i++)
        assert_answer(fds[i], "done");
    assert_int_equal(f->most, WORKING);
    assert_int_equal(f->passed, CLIENTS);
}

static void a_step_moves(void **state)
{
    Fixture *f = *state;
    assert_answer(ask(f, "/step"), "works");
    int work[WORKING];
    for (int i = 0; i < WORKING; i++)
        work[i] = ask(f, "/work");
    wait_inside(f, WORKING);
    int step = ask(f, "/step"); /* it begins, and stands in the queue */
    assert_answer(ask(f, "/info"), "info");
    open_gate(f);
    assert_answer(step, "works");
    for (int i = 0; i < WORKING; i++)
        assert_answer(work[i], "done");
}

/* A closed socket says no more than that nothing will be asked any more. */
static void who_has_left_has_no_work_done(void **state)
{
    Fixture *f = *state;
    int      inside[WORKING];
    for (int i = 0; i < WORKING; i++)
        inside[i] = ask(f, "/work");
    wait_inside(f, WORKING);
    for (int i = 0; i < CLIENTS; i++)
        close(ask(f, "/work"));
    for (int i = 0; i < 3; i++) /* the loop has heard them by then */
        assert_answer(ask(f, "/info"), "info");
    open_gate(f);
    for (int i = 0; i < WORKING; i++)
        assert_answer(inside[i], "done");
    assert_answer(ask(f, "/work"), "done"); /* behind all of them */
    assert_int_equal(f->passed, WORKING + 1);
}

/* close_server opens the gate only for those inside. */
static void a_server_ends_with_work_in_the_queue(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < CLIENTS; i++)
        (void)ask(f, "/work");
    wait_inside(f, WORKING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_work_keeps_nobody_waiting, open_server, close_server),
        cmocka_unit_test_setup_teardown(a_step_moves, open_server, close_server),
        cmocka_unit_test_setup_teardown(who_has_left_has_no_work_done, open_server, close_server),
        cmocka_unit_test_setup_teardown(a_server_ends_with_work_in_the_queue, open_server, close_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
