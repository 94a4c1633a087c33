/*
 * loop.h - a thread with epoll: one for listeners, connections that have not said what they speak, HTTP/2 and
 * WebSockets; one for HTTP/1; and one for TLS's handshakes and HTTP/1 behind TLS.
 *
 * A source is a socket with functions that the loop's thread calls. What another thread has for it, it leaves
 * under a lock of its own and calls loop_wake.
 */
#ifndef SLUICE_SERVER_HTTP_LOOP_H
#define SLUICE_SERVER_HTTP_LOOP_H

#include <pthread.h>

#include "core/error.h"

typedef struct LoopSource LoopSource;
struct LoopSource {
    int fd;
    void (*ready)(LoopSource *self, uint32_t events); /* EPOLL... */
    void (*woken)(LoopSource *self);                  /* after loop_wake; may be NULL */
    void (*tick)(LoopSource *self, int64_t now_ms);   /* about once a second; may be NULL */
    /* It was removed, or the loop ends: closes the socket, frees the source. No event of it is on its way. */
    void (*release)(LoopSource *self);
    /* Of the loop. */
    LoopSource *next, *previous, *next_woken;
    bool        is_woken, is_removed;
};

typedef struct Loop Loop;

/* `name`: of its thread, 15 bytes at most. */
Status loop_open(const char *name, Loop **out, Error *err);
/* Releases all sources that are left, and takes no others. Accepts NULL. */
void loop_stop(Loop *loop);
/* The same, and frees it. */
void loop_close(Loop *loop);
/* E_LIMIT: no memory for it in the kernel, or the loop has stopped; the source is the caller's. Thread: any;
 * from now on its functions may be called. */
Status  loop_add(Loop *loop, LoopSource *source, uint32_t events, Error *err);
void    loop_want(Loop *loop, LoopSource *source, uint32_t events); /* Thread: the loop's */
void    loop_remove(Loop *loop, LoopSource *source);                /* Thread: the loop's */
void    loop_wake(Loop *loop, LoopSource *source); /* Thread: any that knows the source to be there */
int64_t loop_now_ms(void);

#endif
