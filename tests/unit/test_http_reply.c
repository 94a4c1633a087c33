/*
 * test_http_reply.c - what a reply costs: while its client is behind no more than it has not read, in memory
 * and on the disk, and while he reads fast no more than a turn at a time of the thread that sends to all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/server.h"

enum {
    PIECE     = 32 * 1024,
    PIECES    = 1024, /* 32 MB in all: more than the kernel keeps */
    BLOCK     = 64 * 1024,
    SPILLED   = 400, /* pieces of a reply that waits for nobody, 12.5 MB: more than is kept in memory */
    MEMORY_MB = 2,
    TURN      = 2 * 1024 * 1024 /* more than is sent in two, and less than sockets take at once */
};

typedef struct {
    HttpServer *http;
    int         port;
    int         written;            /* pieces */
    size_t      most;               /* bytes of the reply's buffer at any time */
    off_t       spilled, left_over; /* of its file: when it was largest, when all was read */
} Fixture;

static void write_piece(Fixture *f, HttpExchange *x)
{
    static const char piece[PIECE];
    http_write(x, str_n(piece, sizeof piece));
    f->written++;
    pthread_mutex_lock(&x->lock);
    f->most = x->out.len > f->most ? x->out.len : f->most;
    pthread_mutex_unlock(&x->lock);
}

/* Writes as long as the client is near, as a scan does. */
static bool step(void *state, HttpExchange *x)
{
    Fixture *f = state;
    while (f->written < PIECES && http_pending(x) < HTTP_PENDING_HIGH)
        write_piece(f, x);
    http_flush(x);
    return f->written < PIECES;
}

static off_t size_of_spill(HttpExchange *x)
{
    struct stat file = {0};
    pthread_mutex_lock(&x->lock);
    if (x->spill >= 0)
        assert_int_equal(fstat(x->spill, &file), 0);
    pthread_mutex_unlock(&x->lock);
    return file.st_size;
}

/* Writes without looking, as who has been asked for all at once; then looks what is left when it was read. */
static bool spill_step(void *state, HttpExchange *x)
{
    Fixture *f = state;
    if (f->written == 0) {
        while (f->written < SPILLED)
            write_piece(f, x);
        f->spilled = size_of_spill(x);
        http_flush(x);
        return true;
    }
    if (http_unread(x) > 0) {
        usleep(1000);
        http_wake(x); /* looks again */
        return true;
    }
    f->left_over = size_of_spill(x);
    return false;
}

static void handle(void *context, HttpExchange *x)
{
    http_begin(x, 200, "text/plain");
    http_stream(x, str_equal(http_path(x), STR_LIT("/spill")) ? spill_step : step, NULL, context);
}

static int open_server(void **state)
{
    static Fixture f;
    f                   = (Fixture){.left_over = -1};
    HttpOptions options = {.context        = &f,
                           .handle         = handle,
                           .max_body       = 1024,
                           .threads        = 1,
                           .idle_timeout_s = 60,
                           .spill_dir      = "/tmp"};
    Error       err;
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

static int ask(const Fixture *f, Str request, bool slow)
{
    struct sockaddr_in at = {.sin_family      = AF_INET,
                             .sin_port        = htons((uint16_t)f->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = BLOCK;
    if (slow)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(fd, request.ptr, request.len, MSG_NOSIGNAL), request.len);
    return fd;
}

/* Slowly: so the server is always ahead. */
static void read_to_end(int fd, int pause_us)
{
    static char block[BLOCK];
    while (recv(fd, block, sizeof block, 0) > 0)
        if (pause_us > 0)
            usleep((useconds_t)pause_us);
}

static void who_reads_slowly_costs_what_he_has_not_read(void **state)
{
    Fixture *f  = *state;
    int      fd = ask(f, STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), true);
    read_to_end(fd, 500);
    close(fd);
    assert_int_equal(f->written, PIECES);
    assert_in_range(f->most, HTTP_PENDING_HIGH, MEMORY_MB * 1024 * 1024);
}

static void what_was_read_takes_no_disk(void **state)
{
    Fixture *f  = *state;
    int      fd = ask(f, STR_LIT("GET /spill HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), false);
    read_to_end(fd, 0);
    close(fd);
    assert_true(f->spilled > 0);
    assert_int_equal(f->left_over, 0);
}

/* ---- turns ---- */

/* Another source of the loop, which has a turn whenever it is to be had. */
typedef struct {
    LoopSource  base;
    HttpServer *http;
    size_t      pending; /* of all replies, at the last turn */
    size_t      most;    /* bytes that others have sent between two */
} Other;

static void have_turn(LoopSource *source)
{
    Other *other   = (Other *)source;
    size_t pending = 0;
    pthread_mutex_lock(&other->http->lock);
    for (HttpExchange *x = other->http->exchanges; x != NULL; x = x->next) {
        pthread_mutex_lock(&x->lock);
        pending += exchange_pending(x);
        pthread_mutex_unlock(&x->lock);
    }
    pthread_mutex_unlock(&other->http->lock);
    if (other->pending > pending && other->pending - pending > other->most)
        other->most = other->pending - pending;
    other->pending = pending;
    loop_wake(other->http->http1_loop, source);
}

static void leave(LoopSource *source) {}

static void who_reads_fast_leaves_others_their_turn(void **state)
{
    Fixture *f     = *state;
    Other    other = {.base = {.fd = eventfd(0, 0), .woken = have_turn, .release = leave}, .http = f->http};
    Error    err;
    assert_int_equal(loop_add(f->http->http1_loop, &other.base, 0, &err), OK);
    loop_wake(f->http->http1_loop, &other.base);
    int fd = ask(f, STR_LIT("GET /spill HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), false);
    read_to_end(fd, 0);
    close(fd);
    close_server(state); /* it does not look any more */
    close(other.base.fd);
    assert_in_range(other.most, 1, TURN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_reads_slowly_costs_what_he_has_not_read, open_server,
                                        close_server),
        cmocka_unit_test_setup_teardown(what_was_read_takes_no_disk, open_server, close_server),
        cmocka_unit_test_setup(who_reads_fast_leaves_others_their_turn, open_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
