/*
 * outbox.h - what a connection has to say and its socket has not taken yet. A protocol adds bytes, the outbox
 * sends as much as there is room for, and tells whether the loop has to wait for more room.
 */
#ifndef SLUICE_SERVER_HTTP_OUTBOX_H
#define SLUICE_SERVER_HTTP_OUTBOX_H

#include "core/str.h"
#include "server/http/tls.h"

/* Zeroed is empty. Used by one thread at a time, the loop's. */
typedef struct {
    StrBuf bytes; /* new ones are added at its end; the first `sent` of them are with the socket */
    size_t sent;
    bool   blocked; /* the socket took less than there was when it was asked last */
} Outbox;

/* Bytes that the socket has not got. */
size_t outbox_due(const Outbox *outbox);

/* Sends until nothing is due (the bytes are forgotten, their memory kept) or the socket takes no more (then
 * `blocked`). False: the connection is broken. `tls` may be NULL. */
bool outbox_send(Outbox *outbox, TlsSession *tls, int fd);

/* Moves what is due to the front: who reads slowly may leave a rest each time. */
void outbox_forget_sent(Outbox *outbox);

void outbox_clear(Outbox *outbox); /* frees the memory */

#endif
