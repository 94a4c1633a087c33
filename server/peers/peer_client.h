/*
 * peer_client.h - requests to other nodes, many at a time, that nobody waits for.
 *
 * One thread drives all of them (libcurl's multi interface). A call's owner is told that something has come,
 * and takes it when it likes: what it does not take is not read from the network beyond a bound, so that a
 * slow reader slows down the node that sends, and nothing else. Connections are kept.
 *
 * Thread: any, but new and free; a call belongs to one thread at a time.
 */
#ifndef SLUICE_SERVER_PEERS_PEER_CLIENT_H
#define SLUICE_SERVER_PEERS_PEER_CLIENT_H

#include "server/settings/properties.h"

typedef struct PeerClient PeerClient;
typedef struct PeerCall   PeerCall;

/* Its thread begins with the first call. `properties` say how it shows itself to https:// addresses
 * (peer_tls.h); may be NULL. */
PeerClient *peer_client_new(const Properties *properties);
/* Cancels what is under way. All calls must have been ended. Accepts NULL. */
void peer_client_free(PeerClient *client);

/* All texts are copied. */
typedef struct {
    const char        *url;      /* NULL: a pause, which is ANSWERED when it is over */
    int                pause_ms; /* how long it is; of what follows it needs the functions alone */
    const char *const *headers;  /* "Name: value" */
    size_t             header_count;
    Str                body;       /* of the POST */
    int                connect_ms; /* to reach the node */
    int                answer_ms;  /* until its answer begins */
    int                silent_s;   /* it has not said anything for so long since: it is given up */
    /* Something came, or it is over. Called from the client's thread, must not block. May be NULL. */
    void (*changed)(void *context);
    /* `changed` will not be called any more: here the context is let go, once, perhaps after peer_call_end.
     * May be NULL. */
    void (*released)(void *context);
    void *context;
} PeerRequest;

/* Never fails: what stands in the way is what the call ends with. */
PeerCall *peer_call_start(PeerClient *client, const PeerRequest *request);

typedef enum { PEER_UNDER_WAY, PEER_ANSWERED, PEER_FAILED } PeerState;
/* Appends what has come of the answer's body. ANSWERED: that was all of it. FAILED: the node could not be
 * reached, or the answer broke off; err (may be NULL) says why. *status: of the answer, 0 as long as it is
 * not known. */
PeerState peer_call_take(PeerCall *call, StrBuf *out, int *status, Error *err);
/* Cancels it if it is under way. Accepts NULL. */
void peer_call_end(PeerCall *call);
/* A request whose answer nobody wants; peer_call_end is not called. False: there are so many of these under
 * way that it was not sent. */
bool peer_client_tell(PeerClient *client, const PeerRequest *request);

#endif
