/*
 * h2c.h - inside the HTTP room: a request of HTTP/1.1 that asks to go on in HTTP/2 (`Upgrade: h2c`; RFC 7540,
 * 3.2).
 */
#ifndef SLUICE_SERVER_HTTP_H2C_H
#define SLUICE_SERVER_HTTP_H2C_H

#include "server/http/exchange.h"

/* What HTTP/2 has to know of a request. */
typedef struct {
    Fields fields;
    StrBuf settings; /* the payload of the client's first SETTINGS */
} H2c;

/* All of `x`'s request is there, and it was not submitted. NULL: it does not ask, or not in a way that is
 * granted: the answer is HTTP/1.1. Takes the fields where it is not NULL. `fd`: the client's, in plain. */
H2c *h2c_asked(Fields *fields, int fd, HttpExchange *x);
void h2c_free(H2c *h2c); /* accepts NULL */

#endif
