/*
 * tls.h - inside the HTTP room: what https listeners show and ask for, and the bytes of a connection behind
 * it.
 *
 * OpenSSL, for it is in the process already (librdkafka, libcurl); nothing of it is called, and no memory of
 * it is taken, before an https listener is opened.
 *
 * A session is driven by whoever watches its socket, one thread at a time, and never blocks. Whoever reads
 * asks for TLS_RECORD bytes at least: then all of a record is taken, and nothing ever waits inside the
 * library, where epoll does not see it.
 */
#ifndef SLUICE_SERVER_HTTP_TLS_H
#define SLUICE_SERVER_HTTP_TLS_H

#include <sys/types.h>

#include "server/http/http.h"

enum { TLS_RECORD = 16 * 1024 };

typedef struct ssl_ctx_st TlsContext; /* OpenSSL's SSL_CTX; threads share it */
typedef struct ssl_st     TlsSession; /* OpenSSL's SSL */

/* ---- tls_context.c ---- */

/* E_CONFIG names the setting that cannot be carried out. */
Status      tls_context_open(const HttpTls *options, TlsContext **out, Error *err);
TlsContext *tls_context_ref(TlsContext *context);   /* to be closed once more */
void        tls_context_close(TlsContext *context); /* sessions may outlive it. Accepts NULL */

/* ---- tls.c: a session ---- */

/* On a connected socket that does not block, and stays the caller's. NULL: no memory. */
TlsSession *tls_new(TlsContext *context, int fd);
/* Ends it; what the socket takes at once of the farewell is sent. Accepts NULL. */
void tls_free(TlsSession *tls);

typedef enum { TLS_SHAKEN, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FAILED } TlsStep;
/* Goes on with the handshake. TLS_FAILED: the client was told why where it could be. */
TlsStep tls_shake_hands(TlsSession *tls);

typedef enum { TLS_NOTHING_AGREED, TLS_HTTP_1, TLS_HTTP_2 } TlsProtocol;
TlsProtocol tls_protocol(const TlsSession *tls); /* by ALPN */
/* The subject of the certificate that the client has proved to be its own ("CN=ann,O=x"; RFC 2253), on the
 * heap; NULL: it has shown none. */
char *tls_principal(const TlsSession *tls);

/* As recv and send with MSG_DONTWAIT | MSG_NOSIGNAL; without a session they are that. EAGAIN: neither bytes
 * nor room. recv answers 0 for the end that the client has declared, and for one that it has not. */
ssize_t tls_recv(TlsSession *tls, int fd, void *out, size_t max);
ssize_t tls_send(TlsSession *tls, int fd, const void *bytes, size_t len);

#endif
