/*
 * http1_reply.h - inside the HTTP room: the first lines of a reply of HTTP/1, and replies that are nothing
 * else.
 */
#ifndef SLUICE_SERVER_HTTP_HTTP1_REPLY_H
#define SLUICE_SERVER_HTTP_HTTP1_REPLY_H

#include "server/http/exchange.h"

/* Status, date and the headers that the handler has set, each with its end; what says how long the body is,
 * and the empty line, are the caller's. Has the exchange's lock, or nobody else writes. */
void http1_print_head(const HttpExchange *x, StrBuf *out);
/* A whole reply, after which the connection ends: an error in nobody's name. */
void http1_print_refusal(int status, const char *message, StrBuf *out);

#endif
