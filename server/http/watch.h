/*
 * watch.h - notices that a client left while there was nothing to send to it.
 */
#ifndef SLUICE_SERVER_HTTP_WATCH_H
#define SLUICE_SERVER_HTTP_WATCH_H

#include "server/http/exchange.h"

typedef struct {
    int       epoll, stop;
    pthread_t thread;
    bool      running;
} HttpWatch;

Status watch_open(HttpServer *server, Error *err);
void   watch_add(HttpServer *server, HttpExchange *x);
void   watch_close(HttpServer *server);

#endif
