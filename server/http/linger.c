/*
 * linger.c - connections on which our last word was said.
 *
 * A socket that is closed over bytes that nobody has read takes back what it sent and the other side has not
 * read: a client would see a broken connection where an answer, or TLS's reason, had been on its way. So what
 * it still sends is read and dropped, until it has ended as well, or has been silent for a moment: a client
 * that sends a large body reads when it is through with it.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "server/http/server.h"

enum { BLOCK = 4096, ROUNDS = 16 /* then others have their turn */, SILENT_MS = 2000, LINGER_MS = 30000 };

typedef struct {
    LoopSource  base;
    HttpServer *server;
    Loop       *loop;
    Guest      *guest;
    int64_t     since_ms, heard_ms;
} Linger;

static void linger_ready(LoopSource *source, uint32_t events)
{
    Linger *linger = (Linger *)source;
    char    block[BLOCK];
    ssize_t n = 1;
    for (int i = 0; i < ROUNDS && n > 0; i++)
        n = recv(source->fd, block, sizeof block, MSG_DONTWAIT);
    linger->heard_ms = loop_now_ms();
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        loop_remove(linger->loop, source);
}

static void linger_tick(LoopSource *source, int64_t now_ms)
{
    Linger *linger = (Linger *)source;
    if (now_ms - linger->since_ms > LINGER_MS || now_ms - linger->heard_ms > SILENT_MS)
        loop_remove(linger->loop, source);
}

static void linger_release(LoopSource *source)
{
    Linger *linger = (Linger *)source;
    connection_close(linger->server, &(HttpConnection){.fd = source->fd, .guest = linger->guest});
    mem_free(linger);
}

void linger_take(HttpServer *server, Loop *loop, const HttpConnection *connection)
{
    Linger *linger = mem_calloc(1, sizeof *linger);
    int64_t now    = loop_now_ms();
    *linger        = (Linger){
               .base = {.fd = connection->fd, .ready = linger_ready, .tick = linger_tick, .release = linger_release},
               .server   = server,
               .loop     = loop,
               .guest    = connection->guest,
               .since_ms = now,
               .heard_ms = now};
    tls_free(connection->tls);
    mem_free(connection->principal);
    (void)shutdown(connection->fd, SHUT_WR);
    if (loop_add(loop, &linger->base, EPOLLIN | EPOLLRDHUP, NULL) != OK)
        linger_release(&linger->base);
}
