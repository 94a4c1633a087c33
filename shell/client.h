/*
 * client.h - HTTP to the server: one connection that is kept, replies whole or as they come, and Ctrl-C at
 * any time.
 *
 * Knows nothing of SQL. A status of 400 and more is no failure here: the caller looks at the reply.
 */
#ifndef SLUICE_SHELL_CLIENT_H
#define SLUICE_SHELL_CLIENT_H

#include <stdatomic.h>

#include "core/str.h"

typedef struct Client Client;

typedef struct {
    const char *user, *password; /* basic */
    const char *token;           /* bearer */
    const char *ca_file, *cert_file, *key_file,
        *key_password; /* PEM; NULL: the system's authorities, no certificate */
} ClientAuth;

/* `auth` and its texts must live as long. */
Client *client_new(const ClientAuth *auth);
void    client_free(Client *client);
/* For a thread that nobody waits for: Ctrl-C is not its business, and what fails is not tried again. Calls
 * time out after a few seconds, and end at once when *stop is set. */
void client_in_background(Client *client, const atomic_bool *stop);
/* For the thread that people wait for: `waits` is called at least every 50 ms while a call goes on. */
void client_while_waiting(Client *client, void (*waits)(void *context), void *context);
/* `host`, `host:port`, a URL or `unix:PATH`, a socket; E_CONFIG when it is none. */
Status      client_set_url(Client *client, Str url, Error *err);
const char *client_url(const Client *client);

typedef struct {
    long status;   /* of HTTP; 0: no answer */
    bool reached;  /* a connection was made: what failed then broke in the middle */
    bool starting; /* 503, to be tried again */
    Pos  mistake; /* in the text of the request, as Sluice's servers tell it beside the body; line 0: not told
                   */
} ClientReply;

/* The token of the last reply that says where its statements have inserted something; empty: it says nothing.
 */
Str client_token(const Client *client);

/* One exchange; the body of the answer goes to `body`. E_IO: no or half an answer. E_CANCELLED: Ctrl-C. */
Status client_call(Client *client, const char *method, const char *path, Str request, StrBuf *body,
                   ClientReply *reply, Error *err);

/* A reply that goes on. `data` gets bytes of an answer with status 200; false ends the exchange (which is
 * OK). `tick` is called at least every 50 ms; false ends it as well. */
typedef struct {
    void *context;
    bool (*data)(void *context, Str bytes);
    bool (*tick)(void *context);
} ClientStream;

/* The body of an answer that is not 200 goes to `body`. */
Status client_stream(Client *client, const char *path, Str request, const ClientStream *stream, StrBuf *body,
                     ClientReply *reply, Error *err);

#endif
