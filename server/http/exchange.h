/*
 * exchange.h - inside the HTTP room: an exchange as the protocols and the pool see it.
 *
 * A protocol (protocol_http1.c, protocol_http2.c) makes an exchange when the headers of a request are there,
 * hands it what comes of the body, and takes the reply's bytes as its client reads. It holds one reference
 * until the request is over (exchange_over); the pool holds another while there is something to run. The
 * protocol's functions are its half of the contract, HttpTransport.
 */
#ifndef SLUICE_SERVER_HTTP_EXCHANGE_H
#define SLUICE_SERVER_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "server/http/fields.h"
#include "server/http/http.h"

typedef struct {
    Str (*header)(const HttpExchange *x, const char *name); /* lock held */
    /* Something to send, or the end, or room for more of the body: called with x->lock held, by any thread,
     * while x->connection is not NULL. */
    void (*resume)(HttpExchange *x);
} HttpTransport;

typedef struct {
    char *name, *value;
} HttpHeader;

enum { HTTP_MAX_HEADERS = 8 };

typedef enum { HTTP_1_0, HTTP_1_1, HTTP_2 } HttpVersion;
typedef enum { JOB_NEW, JOB_IDLE, JOB_QUEUED, JOB_RUNNING, JOB_AGAIN, JOB_DONE } JobState;

struct HttpExchange {
    HttpServer          *server;
    const HttpTransport *transport;
    void                *connection; /* of the transport; NULL once the request is over. Under lock */
    atomic_int           refs;
    uint64_t             id;
    HttpExchange        *next, *previous; /* all of a server, under its lock */

    Arena      *arena;
    char       *texts; /* holds the next five: a step may reset the arena */
    Str         method, path, query, sent_path;
    Str         principal, roles; /* the connection has proved the first; STR_NULL: not */
    char       *identity;         /* holds both when the request proved them */
    HttpVersion version;
    bool        streams; /* the handler reads the body as it comes */
    atomic_bool goes_on; /* the reply is a stream, or much work: a client that leaves ends it */

    pthread_mutex_t lock; /* of what follows */
    StrBuf          body;
    bool            body_ended, too_large;
    bool            drops_body; /* whoever read it has finished */
    size_t          body_read;  /* bytes the handler has taken, and the transport has not been told */
    bool            submitted;
    bool            at_hand; /* it is being answered on the protocol's thread: it need not be told */
    bool            admitted, refused; /* by HttpOptions.admit; neither: it was not asked yet */
    bool            welcome;           /* its connection is no guest's any more */
    bool            begun, whole, ended, gone;
    bool            cut; /* the spill file failed: the client has to see that it did not get all */
    int             status;
    bool            websocket;  /* the reply is messages */
    int             close_code; /* of the WebSocket; 0: as it ends */
    StrBuf          close_reason;
    HttpHeader      headers[HTTP_MAX_HEADERS];
    size_t          header_count;
    size_t          written; /* in all, by the handler and its steps */
    StrBuf          out;     /* pieces: a 32-bit length and the bytes */
    size_t          out_at;
    int             spill; /* file of such pieces, behind those in `out`; or -1 */
    off_t           spill_at, spill_end;
    size_t          piece_left; /* of the piece that is being taken */

    JobState      job; /* under the pool's lock */
    HttpExchange *next_job;
    HttpLane      lane; /* where it runs next: of the pool's thread, then under the pool's lock */
    bool          handled;
    HttpStep      step; /* of the pool's thread */
    void (*close)(void *state);
    void *state;
};

/* With one reference, for the transport. `target`: path and query as they were sent. `principal`: as the
 * connection has proved it; NULL: not. */
HttpExchange *exchange_new(HttpServer *server, const HttpTransport *transport, void *connection,
                           HttpVersion version, Str method, Str target, const char *principal);
/* The request is over, for whatever reason: takes the transport's reference. */
void exchange_over(HttpExchange *x);
/* Has it admitted, and once its body is there or is to be read as it comes, handled; if the server stops,
 * gives the client up. Until it is admitted no more of the body may be read than what came with the headers.
 */
void exchange_submit(HttpExchange *x);

/* The same, but first of all tried here and now, on the protocol's thread, if the request is there as a
 * whole. True: it is answered (or refused), and nobody resumes it: the protocol looks at once. */
bool exchange_submit_or_answer(HttpExchange *x);

typedef enum { ADMISSION_OPEN, ADMISSION_GIVEN, ADMISSION_REFUSED } Admission;
Admission exchange_admission(HttpExchange *x);
bool      exchange_is_welcome(HttpExchange *x); /* http_welcome was called */

/* More of the body. Beyond max_body it is dropped (x->too_large) unless the handler reads it; then the
 * transport waits when HTTP_BODY_HIGH is held. */
void exchange_receive(HttpExchange *x, Str bytes);
void exchange_received(HttpExchange *x);  /* that was all */
void exchange_drop_body(HttpExchange *x); /* nobody reads it any more */
/* What the handler has read since the last time. */
size_t exchange_body_read(HttpExchange *x);

/* Answers in the handler's place, with a generic_error; not where an answer has begun. */
void exchange_refuse(HttpExchange *x, int status, const char *message);
/* What it says: an error of the protocol, as JSON. */
void exchange_print_refusal(int status, const char *message, StrBuf *out);

enum { HTTP_BODY_HIGH = 256 * 1024 }; /* a body that is read as it comes waits beyond */

/* Up to max bytes of the reply, with `one_piece` of one http_write at most. *done: nothing will follow.
 * Called with the lock held. */
size_t exchange_take(HttpExchange *x, char *out, size_t max, bool one_piece, bool *done);
/* After exchange_take, without the lock: `before` was pending. Wakes a stream that waited for room. */
void exchange_taken(HttpExchange *x, size_t before);
/* The client left. */
void   exchange_lost(HttpExchange *x);
size_t exchange_pending(const HttpExchange *x); /* lock held */
/* The reply ends before it is complete. Lock held. */
bool exchange_is_cut(const HttpExchange *x);

#endif
