/*
 * loop.c - see loop.h.
 *
 * A source that is removed is released after the events of this round: one of them may be its own, or that of
 * a source whose function removed it.
 */
#include "server/http/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/logger.h"
#include "core/value.h"

enum { TICK_MS = 1000, EVENTS = 64 };

struct Loop {
    int             epoll, wake;
    pthread_t       thread;
    bool            running;
    atomic_bool     stopping;
    pthread_mutex_t lock; /* of the lists */
    LoopSource     *sources;
    LoopSource     *woken, *last_woken; /* in the order in which they were woken */
    size_t          woken_count;
    bool            closed;  /* no source is taken any more */
    LoopSource     *removed; /* of the loop's thread */
};

int64_t loop_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void ring(Loop *loop)
{
    uint64_t one = 1;
    if (write(loop->wake, &one, sizeof one) < 0 && errno != EAGAIN) /* full: it rings already */
        log_line(LOG_WARN, "http: the event loop cannot be woken: %m");
}

/* ---- sources ---- */

Status loop_add(Loop *loop, LoopSource *source, uint32_t events, Error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    pthread_mutex_lock(&loop->lock);
    if (loop->closed) {
        pthread_mutex_unlock(&loop->lock);
        return error_set(err, E_LIMIT, NO_POS, "the server stops");
    }
    source->previous = NULL;
    source->next     = loop->sources;
    if (source->next != NULL)
        source->next->previous = source;
    loop->sources = source;
    int failed    = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event);
    int reason    = errno;
    if (failed != 0 && (loop->sources = source->next) != NULL)
        source->next->previous = NULL;
    pthread_mutex_unlock(&loop->lock);
    return failed == 0 ? OK : error_set(err, E_LIMIT, NO_POS, "cannot watch a socket: %s", strerror(reason));
}

void loop_want(Loop *loop, LoopSource *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) != 0)
        log_line(LOG_WARN, "http: a socket cannot be watched: %m");
}

/* Lock held. */
static void unlink_woken(Loop *loop, LoopSource *source)
{
    LoopSource *before = NULL, *at = loop->woken;
    if (!source->is_woken)
        return;
    for (; at != source; at = at->next_woken)
        before = at;
    *(before != NULL ? &before->next_woken : &loop->woken) = source->next_woken;
    if (loop->last_woken == source)
        loop->last_woken = before;
    loop->woken_count--;
    source->is_woken = false;
}

void loop_remove(Loop *loop, LoopSource *source)
{
    if (source->is_removed)
        return;
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL); /* a socket that was handed on is watched
                                                                      by others */
    pthread_mutex_lock(&loop->lock);
    source->is_removed = true; /* others ask before they wake it */
    if (source->previous != NULL)
        source->previous->next = source->next;
    else
        loop->sources = source->next;
    if (source->next != NULL)
        source->next->previous = source->previous;
    unlink_woken(loop, source);
    pthread_mutex_unlock(&loop->lock);
    source->next  = loop->removed;
    loop->removed = source;
}

void loop_wake(Loop *loop, LoopSource *source)
{
    pthread_mutex_lock(&loop->lock);
    bool first = !source->is_woken && !source->is_removed;
    if (first) {
        source->is_woken                                                      = true;
        source->next_woken                                                    = NULL;
        *(loop->woken != NULL ? &loop->last_woken->next_woken : &loop->woken) = source;
        loop->last_woken                                                      = source;
        loop->woken_count++;
    }
    pthread_mutex_unlock(&loop->lock);
    if (first)
        ring(loop);
}

/* ---- the thread ---- */

static LoopSource *take_woken(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    LoopSource *source = loop->woken;
    if (source != NULL)
        unlink_woken(loop, source);
    pthread_mutex_unlock(&loop->lock);
    return source;
}

/* Those that are there now: who is woken meanwhile, maybe by what is done here, has rung the bell and comes
 * behind the sockets. Handlers that write without a pause would keep everybody else out. */
static void call_woken(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    size_t most = loop->woken_count;
    pthread_mutex_unlock(&loop->lock);
    for (LoopSource *source; most > 0 && (source = take_woken(loop)) != NULL; most--)
        if (source->woken != NULL)
            source->woken(source);
}

/* Only this thread removes: `next` stays. What is added meanwhile stands before. */
static void call_ticks(Loop *loop, int64_t now)
{
    pthread_mutex_lock(&loop->lock);
    LoopSource *source = loop->sources;
    pthread_mutex_unlock(&loop->lock);
    while (source != NULL) {
        LoopSource *next = source->next;
        if (source->tick != NULL)
            source->tick(source, now);
        source = next;
    }
}

static void release_removed(Loop *loop)
{
    while (loop->removed != NULL) {
        LoopSource *source = loop->removed;
        loop->removed      = source->next;
        source->release(source);
    }
}

static void hear_ring(Loop *loop)
{
    uint64_t count;
    if (read(loop->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        log_line(LOG_WARN, "http: the event loop's bell: %m");
}

static void *thread_main(void *context)
{
    Loop              *loop = context;
    struct epoll_event events[EVENTS];
    int64_t            ticked = loop_now_ms();
    while (!atomic_load(&loop->stopping)) {
        int count = epoll_wait(loop->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < count; i++) {
            LoopSource *source = events[i].data.ptr;
            if (source == NULL)
                hear_ring(loop);
            else if (!source->is_removed)
                source->ready(source, events[i].events);
        }
        call_woken(loop);
        int64_t now = loop_now_ms();
        if (now - ticked >= TICK_MS) {
            call_ticks(loop, now);
            ticked = now;
        }
        release_removed(loop);
    }
    pthread_mutex_lock(&loop->lock);
    loop->closed = true; /* a source that came later would never be released */
    pthread_mutex_unlock(&loop->lock);
    while (loop->sources != NULL)
        loop_remove(loop, loop->sources);
    release_removed(loop);
    return NULL;
}

/* ---- life ---- */

Status loop_open(const char *name, Loop **out, Error *err)
{
    Loop              *loop  = mem_calloc(1, sizeof *loop);
    struct epoll_event event = {.events = EPOLLIN};
    loop->epoll              = epoll_create1(EPOLL_CLOEXEC);
    loop->wake               = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&loop->lock, NULL);
    bool watched =
        loop->epoll >= 0 && loop->wake >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) == 0;
    loop->running = watched && pthread_create(&loop->thread, NULL, thread_main, loop) == 0;
    if (!loop->running) {
        error_set(err, E_LIMIT, NO_POS, "cannot start the HTTP server's event loop: %m");
        loop_close(loop);
        return E_LIMIT;
    }
    pthread_setname_np(loop->thread, name);
    *out = loop;
    return OK;
}

void loop_stop(Loop *loop)
{
    if (loop == NULL || !loop->running)
        return;
    atomic_store(&loop->stopping, true);
    ring(loop);
    pthread_join(loop->thread, NULL);
    loop->running = false;
}

void loop_close(Loop *loop)
{
    if (loop == NULL)
        return;
    loop_stop(loop);
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop);
}
