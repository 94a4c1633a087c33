/*
 * rest.h - the REST API (rest.md) over an Engine: what the endpoint files share.
 *
 * Endpoints are rows in routes.def; each is a function over an HttpExchange. Errors are JSON with ksqlDB's
 * codes.
 */
#ifndef SLUICE_SERVER_REST_REST_H
#define SLUICE_SERVER_REST_REST_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/engine/engine.h"
#include "server/http/http.h"
#include "executor/pull/pull.h"
#include "registry/registry_keeper.h"
#include "server/access/authentication.h"
#include "server/peers/directory.h"
#include "server/peers/heartbeat.h"
#include "server/peers/peer_client.h"
#include "server/rest/pull_forms.h"
#include "server/rest/pull_limits.h"

enum { REST_MAX_BODY = 16 * 1024 * 1024 /* of a request, or of a row of /inserts-stream */ };

#define KSQLDB_VERSION "0.29.0" /* the ksqlDB whose API this is; clients compare it with their own */

/* The last answer about Kafka's health. Thread: any, under lock. */
typedef struct {
    pthread_mutex_t lock;
    int64_t         looked_us; /* 0: never */
    bool            kafka;
} HealthCache;

/* What was asked, and what came of it. */
typedef struct {
    Str principal; /* STR_NULL: nobody knows */
    Str claimed;   /* the name that was not proved; STR_NULL: there is none */
    Str method, path;
    Str statement; /* without values that may be secret; STR_NULL: there is none */
    int status;    /* of HTTP; of a WebSocket that was closed: its code */
} AuditNote;

/* Where it is kept. Takes no time: whoever asks does not wait for it. Thread: any. */
typedef struct AuditSink AuditSink;
struct AuditSink {
    void (*note)(AuditSink *self, const AuditNote *note);
};

typedef struct StreamQuery StreamQuery; /* a push query at work: rest_push.c */

typedef struct {
    Engine           *engine;
    Runtime          *runtime;
    const Properties *properties;
    Authentication   *authentication; /* borrowed; NULL: nobody is asked who he is */
    RegistryKeeper   *registry;       /* the embedded one; NULL: another is configured, or none */
    AuditSink        *audit;          /* borrowed; NULL: nothing is noted */
    bool              authorizes;     /* sessions may do what was granted (GRANT), and no more */
    bool              headless;       /* a queries file runs: statements are refused */
    atomic_bool       ready;          /* the command log has been replayed */
    atomic_bool       terminated;     /* /ksql/terminate: nothing is served any more */
    pthread_mutex_t   lock;           /* of the list */
    StreamQuery      *queries;
    size_t            query_count; /* reserved ones included */
    Transients        transients;  /* for TERMINATE and SHOW QUERIES */
    PullHost          pull;
    PullLimits        limits;
    PullForms         forms;
    HealthCache       health;
    Directory        *directory; /* borrowed; NULL: there are no other nodes. Set before it is ready */
    Heartbeat        *heartbeat; /* borrowed; NULL: nobody listens. As above */
    PeerClient       *peers;
} Rest;

/* `config` is of functions; may be NULL. */
void rest_init(Rest *rest, Engine *engine, Runtime *runtime, const Properties *properties,
               const FnConfig *config);
void rest_clear(Rest *rest);
/* For HttpOptions. `context` is the Rest. */
bool rest_admit(void *context, HttpExchange *x);
void rest_handle(void *context, HttpExchange *x);
bool rest_streams_body(void *context, Str method, Str path);

typedef void          RestFunction(Rest *rest, HttpExchange *x);
typedef RestFunction *RestHandler;
/* May who asks use the endpoint, as far as the headers say? False: it was answered. */
typedef bool        RestPermit(Rest *rest, HttpExchange *x);
typedef RestPermit *RestGuard;
RestPermit rest_may_all, rest_may_beat, rest_may_report_lags, rest_may_ask_as_node, rest_may_terminate,
    rest_may_feed, rest_may_use_registry, rest_may_see_cluster;
#define ROUTE(method, path, handler, permit, flags) RestFunction handler;
#include "server/rest/routes.def"
#undef ROUTE

/* ---- who asks (rest.md 7) ---- */

/* Finds out, where somebody has to prove it, and keeps it with the exchange. False: it was answered. */
/* `claimed` becomes the name that was not proved, in the arena, or STR_NULL. */
bool rest_authenticate(Rest *rest, HttpExchange *x, Str *claimed);
/* Has a node of this service sent it? Before the reply begins, as the next. */
bool rest_is_from_node(Rest *rest, HttpExchange *x);
/* The client's proof as a header says it, to be shown to another node; STR_NULL: none. */
Str rest_authorization(HttpExchange *x);
/* Who the exchange's session is, and what it may. Its texts live as long as the exchange. */
void rest_identify(const Rest *rest, const HttpExchange *x, Session *session);
/* May the exchange do what no statement says? One of these privileges on all sources; 0: only the role admin.
 * False: 403 was answered. */
bool rest_permits(Rest *rest, HttpExchange *x, unsigned privileges);

/* ---- the audit log ---- */

/* Notes what was asked, once its reply has begun. Of the handler, at its end. */
void rest_audit(Rest *rest, HttpExchange *x);
/* What was refused before its body was read. */
void rest_audit_refusal(Rest *rest, HttpExchange *x, Str claimed);
/* The same for a stream of inserts, whose reply begins later. */
void rest_audit_inserts(Rest *rest, HttpExchange *x, Str target);

/* ---- errors (rest.md 2) ---- */

void rest_error(HttpExchange *x, int status, int code, const char *format, ...) SL_PRINTF(4, 5);
/* A generic_error about the text of the request; its position is a header. */
void rest_refuse(HttpExchange *x, int status, int code, const Error *err);
/* HTTP status and error code of a failed statement. */
void rest_code(const Error *err, const AstStatement *statement, int *status, int *code);
/* statement_error; `pos`, a header, is the mistake's in the request's text, `entities` (borrowed, may be
 * NULL) what earlier statements answered. */
void rest_statement_error(HttpExchange *x, int status, int code, const char *message, Pos pos, Str statement,
                          json_t *entities);
/* {"@type":"generic_error",...} on one line, for streams. */
Str rest_error_line(Arena *arena, int code, const char *message);
/* The text with values masked, as replies and logs show it; the text itself when it does not parse. */
Str  rest_masked(Arena *arena, Str text);
void rest_json(HttpExchange *x, int status, json_t *json); /* takes it */

/* ---- requests ---- */

/* The body as an object; answers 400 and returns NULL when it is none. */
json_t *rest_request(HttpExchange *x);
json_t *rest_parse_request(HttpExchange *x, Str text);       /* the same for another text */
Str     rest_field(const json_t *request, const char *name); /* STR_NULL: not there or no text */
/* Overrides and variables of a request. False: an error was answered. session_clear either way. */
bool rest_session(Rest *rest, HttpExchange *x, const json_t *request, const char *properties,
                  Session *session);
/* Waits for commandSequenceNumber. False: 50301 was answered. */
bool rest_wait_for_command(Rest *rest, HttpExchange *x, const json_t *request);

/* Index of the type among `offers` that the Accept header prefers; `none` when there is no header; -1:
 * nothing acceptable. */
int rest_accept(Str accept, const char *const *offers, int count, int none);

/* ---- rows (rest.md 5) ---- */

typedef enum {
    ROWS_OBJECTS, /* 5.1, the separator before each element: the last may be any */
    ROWS_PUSHED,  /* 5.1, the separator behind each but the final message or error: who reads lines has it at
                     once */
    ROWS_LINES,   /* 5.2 */
    ROWS_ARRAY,   /* 5.2 as one array */
    ROWS_SOCKET,  /* 5.7: an element a message */
    ROWS_PROTO,   /* 5.5: as OBJECTS, rows are Protobuf */
    ROWS_PROTO_PUSHED,
} RowForm;

const char *row_form_type(RowForm form);   /* Content-Type */
RowForm     row_form_pushed(RowForm form); /* of a query that goes on */
/* http_begin of a stream of rows or lines. */
void rest_begin_rows(HttpExchange *x, const char *type);
/* Can rows of these columns have the form? E_UNSUPPORTED. Before the reply begins. */
Status rows_check(RowForm form, const Schema *schema, Error *err);
void   rows_header(HttpExchange *x, RowForm form, Str query_id, const Schema *schema);
/* What it writes, without the separator behind it. */
void rows_header_text(RowForm form, Str query_id, const Schema *schema, StrBuf *out);
void rows_row(HttpExchange *x, RowForm form, const Schema *schema, const Value *values, bool tombstone,
              StrBuf *scratch);
/* A row as rows_row writes it, no tombstone, behind what is in `out`; not of a form of Protobuf. */
void rows_row_text(RowForm form, const Schema *schema, const Value *values, StrBuf *out);
/* The form in which a node asks another for rows that its client wants in `form`. */
RowForm row_form_between_nodes(RowForm form);
/* A row as another node has written it in that form, without separators. */
void rows_ready(HttpExchange *x, RowForm form, Str row, StrBuf *scratch);
void rows_message(HttpExchange *x, RowForm form, const char *message);
void rows_error(HttpExchange *x, RowForm form, int code, const char *message);
void rows_token(HttpExchange *x, RowForm form, const OffsetVector *vector);
void rows_end(HttpExchange *x, RowForm form);

/* ---- pull queries ---- */

/* How a pull query came: from a client, or as a part of one that another node answers. */
typedef struct {
    Str      authorization; /* to be shown to other nodes; STR_NULL: none */
    bool     from_node;     /* proved: limits have been looked at there */
    bool     skip_forwarding;
    bool     has_part;
    PullPart part;
    int64_t
        standby_lag; /* as a part: copies of standbys may be read that are at most so far behind; -1: none */
} PullOrigin;

/* What the headers say; before the reply begins. */
PullOrigin pull_origin_of(Rest *rest, HttpExchange *x);
/* What `requestProperties` say; in `arena`. False: an error was answered. */
bool pull_origin_read(HttpExchange *x, const json_t *request, Arena *arena, PullOrigin *origin);

/* A SELECT from a table: answers it, or leaves a stream behind that does once other nodes have answered.
 * Takes the arena over, in which query and text are (or in the form's), the reference to `known`, the form
 * that it was made from (NULL: none), and the place that pull_limits_begin gave to one that is not from_node.
 */
void rest_pull(Rest *rest, HttpExchange *x, const Session *session, const TransientQuery *query, Str text,
               const PullOrigin *origin, Arena *arena, RowForm form, PullForm *known);
/* Answers a pull query by memory alone, on a thread that may not wait (HttpOptions.quick). False: nothing was
 * done. */
bool rest_quick(void *context, HttpExchange *x);
/* Which of the two endpoints the path is, and what it answers in: NULL, it is none of them; *form: what the
 * request wants, -1: nothing that there is. */
const char *rest_query_field(HttpExchange *x, const char **properties, int *form);

/* ---- read your writes: rest_consistency.c ---- */

/* Asks other nodes about what the check lacks of them (rest_passed.c). *news: some of it has come true, and
 * it is to be asked again at once. STUCK: err says why; else STALE. Waits for `left_ms` and a little. */
Freshness rest_ask_passed(Rest *rest, FreshnessCheck *check, int64_t left_ms, bool *news, Error *err);
/* What the client says that it has inserted or seen; false: an error was answered. */
bool rest_read_token(HttpExchange *x, const json_t *request, OffsetVector *out);
/* Is there a token in it, of whatever kind, even an empty one? */
bool rest_brings_token(const json_t *request);
/* Are rows to end with one? */
bool rest_wants_token(const Session *session);
/* Into the reply's headers; nothing when it is empty. Before the reply begins. */
void rest_token_header(HttpExchange *x, const OffsetVector *vector);
/* How long a query waits for that. */
int rest_wait_for_writes_ms(const Session *session);
/* Waits until what is to be read reflects what the session has inserted. False: it was answered that it does
 * not in time, or the client has left. `text`: of the statement. */
bool rest_await_writes(Rest *rest, HttpExchange *x, const Session *session, const FreshnessTarget *target,
                       Str text);

/* ---- push queries ---- */

/* Starts it and leaves a stream behind, or answers an error. Takes the plan over, and the place that
 * pull_limits_begin gave to one that is a pull query. */
void rest_push(Rest *rest, HttpExchange *x, const TransientQuery *query, PlanRef *plan, RowForm form);
/* Ends it; false: no such query here, or none of the asker's. */
bool rest_close(Rest *rest, Str id, const Session *asker);
/* Entries for SHOW QUERIES are appended. */
void rest_list_queries(Transients *self, json_t *queries, const Session *asker);

/* ---- PRINT ---- */

/* Leaves a stream of text lines behind, or answers an error. Takes the arena over, which holds statement and
 * text; `type` is the Content-Type. */
void rest_print(Rest *rest, HttpExchange *x, const Session *session, const AstStatement *statement, Str text,
                Arena *arena, const char *type);

#endif
