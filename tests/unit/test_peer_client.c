/*
 * test_peer_client.c - requests to other nodes: each comes to an end, whatever the other side does.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/peers/peer_client.h"

enum { PATIENCE_MS = 10000 };

static void nap(void)
{
    const struct timespec pause = {0, 5000000L};
    nanosleep(&pause, NULL);
}

static void released(void *context) { ++*(_Atomic int *)context; }

/* *at: whose connections are taken, and never answered. */
static int listen_somewhere(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          length  = sizeof address;
    int                fd      = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    return fd;
}

static PeerState end_of(PeerCall *call, StrBuf *out, int *status, Error *err)
{
    PeerState state = PEER_UNDER_WAY;
    for (int ms = 0; ms < PATIENCE_MS && state == PEER_UNDER_WAY; ms += 5) {
        state = peer_call_take(call, out, status, err);
        nap();
    }
    return state;
}

static void answer(int listener, const char *text)
{
    char request[4096];
    int  fd = accept(listener, NULL, NULL);
    assert_true(recv(fd, request, sizeof request, 0) > 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    close(fd);
}

static void wait_released(_Atomic int *count, int wanted)
{
    for (int ms = 0; ms < PATIENCE_MS && *count < wanted; ms += 5)
        nap();
    assert_int_equal(*count, wanted);
}

static void a_pause_needs_nobody(void **state)
{
    PeerClient *client  = peer_client_new(NULL);
    _Atomic int count   = 0;
    PeerRequest request = {.pause_ms = 20, .released = released, .context = &count};
    StrBuf      nothing = {0};
    int         status;
    PeerCall   *call = peer_call_start(client, &request);
    assert_int_equal(end_of(call, &nothing, &status, NULL), PEER_ANSWERED);
    peer_call_end(call);
    wait_released(&count, 1);
    request.pause_ms = 100000;
    peer_call_end(peer_call_start(client, &request)); /* cancelled at once */
    wait_released(&count, 2);
    peer_client_free(client);
}

static void an_answer_comes_whole_or_breaks_off(void **state)
{
    char        url[64];
    int         listener = listen_somewhere(url, sizeof url), status = 0;
    PeerClient *client  = peer_client_new(NULL);
    PeerRequest request = {
        .url = url, .body = STR_LIT("?"), .connect_ms = 1000, .answer_ms = 5000, .silent_s = 5};
    StrBuf    out = {0};
    Error     err;
    PeerCall *call = peer_call_start(client, &request);
    answer(listener, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nrows\n");
    assert_int_equal(end_of(call, &out, &status, &err), PEER_ANSWERED);
    assert_int_equal(status, 200);
    assert_true(str_equal(strbuf_str(&out), STR_LIT("rows\n")));
    peer_call_end(call);
    call = peer_call_start(client, &request);
    answer(listener, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nrows\n\r\n");
    assert_int_equal(end_of(call, &out, &status, &err), PEER_FAILED);
    peer_call_end(call);
    strbuf_clear(&out);
    peer_client_free(client);
    close(listener);
}

static void who_does_not_answer_is_given_up(void **state)
{
    char        url[64];
    int         listener = listen_somewhere(url, sizeof url), status = 0;
    PeerClient *client  = peer_client_new(NULL);
    _Atomic int count   = 0;
    PeerRequest request = {.url        = url,
                           .connect_ms = 1000,
                           .answer_ms  = 100,
                           .silent_s   = 5,
                           .released   = released,
                           .context    = &count};
    StrBuf      out     = {0};
    Error       err;
    PeerCall   *call = peer_call_start(client, &request);
    assert_int_equal(end_of(call, &out, &status, &err), PEER_FAILED);
    assert_string_equal(err.message, "no answer within 100 ms");
    wait_released(&count, 1);
    peer_call_end(call);
    request.answer_ms = 100000;
    assert_true(peer_client_tell(client, &request)); /* still under way when the client goes */
    peer_call_end(peer_call_start(client, &request));
    wait_released(&count, 2);
    close(listener);
    peer_client_free(client);
    assert_int_equal(count, 3);
    strbuf_clear(&out);
}

static void where_nobody_listens_is_told(void **state)
{
    char        url[64];
    int         status = 0;
    PeerClient *client = peer_client_new(NULL);
    close(listen_somewhere(url, sizeof url));
    PeerRequest request = {.url = url, .connect_ms = 1000, .answer_ms = 5000, .silent_s = 5};
    StrBuf      out     = {0};
    Error       err;
    PeerCall   *call = peer_call_start(client, &request);
    assert_int_equal(end_of(call, &out, &status, &err), PEER_FAILED);
    assert_true(strstr(err.message, "onnect") != NULL);
    peer_call_end(call);
    peer_client_free(client);
}

/* Sends up to `most` bytes, until the other side has not taken any for a while; returns how many. */
static size_t send_until_held(int fd, const char *piece, size_t size, size_t most)
{
    size_t sent = 0;
    for (int idle = 0; sent < most && idle < 20;) {
        size_t  left = most - sent;
        ssize_t n    = send(fd, piece, left < size ? left : size, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        if (n <= 0)
            nap();
    }
    return sent;
}

/* What nobody takes is not read: memory is bounded, and nothing is lost. */
static void who_does_not_take_holds_the_sender_up(void **state)
{
    enum { PIECE = 65536, PIECES = 512 };
    static char piece[PIECE];
    char        url[64], head[128];
    int         listener = listen_somewhere(url, sizeof url), status = 0;
    PeerClient *client  = peer_client_new(NULL);
    PeerRequest request = {.url = url, .connect_ms = 1000, .answer_ms = 5000, .silent_s = 5};
    StrBuf      out     = {0};
    Error       err;
    memset(piece, 'x', sizeof piece);
    PeerCall *call = peer_call_start(client, &request);
    int       fd   = accept(listener, NULL, NULL);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PIECE * PIECES);
    assert_int_equal(send(fd, head, strlen(head), 0), (ssize_t)strlen(head));
    size_t sent = send_until_held(fd, piece, PIECE, (size_t)PIECE * PIECES);
    assert_true(sent < (size_t)PIECE * PIECES);
    peer_call_take(call, &out, &status, &err);
    assert_true(out.len > 0 && out.len < 2 * 1024 * 1024);
    while (sent < (size_t)PIECE * PIECES) {
        sent += send_until_held(fd, piece, PIECE, (size_t)PIECE * PIECES - sent);
        peer_call_take(call, &out, &status, &err);
    }
    assert_int_equal(end_of(call, &out, &status, &err), PEER_ANSWERED);
    assert_int_equal(out.len, (size_t)PIECE * PIECES);
    peer_call_end(call);
    close(fd);
    close(listener);
    peer_client_free(client);
    strbuf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_needs_nobody),
        cmocka_unit_test(an_answer_comes_whole_or_breaks_off),
        cmocka_unit_test(who_does_not_answer_is_given_up),
        cmocka_unit_test(where_nobody_listens_is_told),
        cmocka_unit_test(who_does_not_take_holds_the_sender_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
