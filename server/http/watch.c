/*
 * watch.c - notices that a client left while there was nothing to send to it.
 *
 * A transport that waits for rows does not look at the socket. So the sockets of streams are in an epoll set
 * of our own, for "the other side has hung up" alone. Events carry the exchange's number, never its address:
 * it may be gone by the time an event is looked at. A closed socket leaves the set by itself.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/logger.h"
#include "server/http/server.h"

static void hung_up(HttpServer *server, uint64_t id)
{
    HttpExchange *x;
    pthread_mutex_lock(&server->lock);
    for (x = server->exchanges; x != NULL && x->id != id; x = x->next)
        ;
    if (x != NULL)
        http_ref(x);
    pthread_mutex_unlock(&server->lock);
    if (x == NULL)
        return;
    exchange_lost(x);
    http_unref(x);
}

static void *thread_main(void *context)
{
    HttpServer        *server = context;
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(server->watch.epoll, events, ARRAY_LEN(events), -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == 0)
                return NULL;
            hung_up(server, events[i].data.u64);
        }
    }
}

Status watch_open(HttpServer *server, Error *err)
{
    HttpWatch *watch         = &server->watch;
    watch->epoll             = epoll_create1(EPOLL_CLOEXEC);
    watch->stop              = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    if (watch->epoll < 0 || watch->stop < 0 ||
        epoll_ctl(watch->epoll, EPOLL_CTL_ADD, watch->stop, &event) != 0)
        return error_set(err, E_LIMIT, NO_POS, "cannot watch sockets: %m");
    if (pthread_create(&watch->thread, NULL, thread_main, server) != 0)
        return error_set(err, E_LIMIT, NO_POS, "cannot start a thread: %m");
    pthread_setname_np(watch->thread, "rest-watch");
    watch->running = true;
    return OK;
}

void watch_add(HttpServer *server, HttpExchange *x)
{
    pthread_mutex_lock(&x->lock);
    int                fd    = x->connection != NULL ? x->transport->socket(x) : -1;
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLONESHOT, .data.u64 = x->id};
    /* EEXIST: the connection had a stream before (keep-alive). */
    if (fd >= 0 && epoll_ctl(server->watch.epoll, EPOLL_CTL_ADD, fd, &event) != 0 &&
        epoll_ctl(server->watch.epoll, EPOLL_CTL_MOD, fd, &event) != 0)
        log_line(LOG_WARN, "a client's socket cannot be watched: %m");
    pthread_mutex_unlock(&x->lock);
}

void watch_close(HttpServer *server)
{
    HttpWatch *watch = &server->watch;
    uint64_t   one   = 1;
    if (watch->running && write(watch->stop, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(watch->thread, NULL);
    if (watch->epoll >= 0)
        close(watch->epoll);
    if (watch->stop >= 0)
        close(watch->stop);
    *watch = (HttpWatch){.epoll = -1, .stop = -1};
}
