/*
 * rest_query.c - POST /query and /query-stream: one SELECT, answered as rows, or one PRINT (rest.md 5).
 *
 * Whatever fails before the header is an HTTP error; afterwards the status is 200 and the error is the last
 * element.
 */
#include "core/statements.h"
#include "planner/nodes/node_source.h"
#include "server/rest/rest.h"

/* How the two endpoints differ. */
typedef struct {
    const char *text_field, *properties_field;
    int         wrong_kind; /* error code of statements that are neither SELECT nor PRINT */
    const char *offers[4];
    RowForm     forms[4];
    int         none;  /* the offer without an Accept header */
    int         print; /* the one offer under which PRINT answers; < 0: any */
} Endpoint;

static const Endpoint query_endpoint = {
    "ksql",
    "streamsProperties",
    40000,
    {"application/vnd.ksql.v1+json", "application/json", "application/vnd.ksqlapi.delimited.v1",
     "application/vnd.ksql.v1+protobuf"},
    {ROWS_OBJECTS, ROWS_OBJECTS, ROWS_LINES, ROWS_PROTO},
    0,
    -1,
};
static const Endpoint stream_endpoint = {
    "sql",
    "properties",
    40001,
    {"application/vnd.ksqlapi.delimited.v1", "application/json", "application/vnd.ksql.v1+json",
     "application/vnd.ksql.v1+protobuf"},
    {ROWS_LINES, ROWS_ARRAY, ROWS_OBJECTS, ROWS_PROTO},
    0,
    0,
};

static const Endpoint socket_endpoint = {
    "ksql", "streamsProperties", 40000, {"*/*"}, {ROWS_SOCKET}, 0, -1,
};

static void refuse_kind(HttpExchange *x, const Endpoint *endpoint, Str text)
{
    if (endpoint->wrong_kind == 40000)
        rest_error(x, 400, 40000,
                   "Statement type not supported for this resource: only SELECT and PRINT are");
    else
        rest_statement_error(
            x, 400, 40001, "Statement is not a query: only SELECT and PRINT are supported for this resource",
            NO_POS, text, NULL);
}

/* In the arena of the plan, which points into its statement. */
static const AstStatement *parse_one(Rest *rest, HttpExchange *x, const Endpoint *endpoint,
                                     const Session *session, Str text, Arena *arena)
{
    AstScript script;
    Error     err;
    if (engine_parse(rest->engine, session, text, arena, &script, &err) != OK) {
        rest_statement_error(x, 400, 40001, err.message, err.pos, text, NULL);
        return NULL;
    }
    if (script.count != 1) {
        char message[80];
        snprintf(message, sizeof message, "Expected exactly one KSQL statement; found %zu instead",
                 script.count);
        rest_statement_error(x, 400, 40001, message, NO_POS, text, NULL);
        return NULL;
    }
    if (statement_texts[script.items[0]->kind].place == AT_QUERY_ENDPOINTS)
        return script.items[0];
    refuse_kind(x, endpoint, text);
    return NULL;
}

static int64_t now_us(const Rest *rest)
{
    Clock *clock = engine_clock(rest->engine);
    return clock->monotonic_us(clock);
}

/* False: the node does enough already, and the client was told. */
static bool may_begin(Rest *rest, HttpExchange *x, const TransientQuery *query, const PullOrigin *origin)
{
    Error  err;
    bool   scalable = str_starts_with(query->query_id, STR_LIT("SCALABLE_PUSH_QUERY_"));
    Status status   = OK;
    if (query->kind == QUERY_PULL_TABLE && origin->from_node)
        return true; /* it was counted where it came in */
    if (query->kind != QUERY_PUSH)
        status = pull_limits_begin(&rest->limits, now_us(rest), &err);
    else if (scalable)
        status = pull_limits_check_push(&rest->limits, now_us(rest), &err);
    if (status != OK)
        rest_error(x, 429, 42900, "%s", err.message);
    return status == OK;
}

/* Of a pull query on a stream, which has one. */
static Str source_topic(const QueryPlan *plan)
{
    return plan->source_count == 0 ? STR_NULL : plan_source(plan->sources[0])->topic;
}

static void stream_rows(Rest *rest, HttpExchange *x, const Session *session, const TransientQuery *query,
                        Str text, Arena *arena, RowForm form)
{
    FreshnessTarget target = {.topic = source_topic(query->push)};
    bool            pulls  = query->kind == QUERY_PULL_STREAM;
    if (!pulls || rest_await_writes(rest, x, session, &target, text)) {
        if (pulls)
            rest_token_header(x, &session->written);
        rest_push(rest, x, query, plan_ref_new(arena, query->push), form);
        return;
    }
    pull_limits_end(&rest->limits);
    arena_free(arena);
}

/* Takes the arena over. */
static void plan_and_run(Rest *rest, HttpExchange *x, Session *session, const AstStatement *statement,
                         Str text, const PullOrigin *origin, Arena *arena, RowForm form)
{
    TransientQuery query;
    Error          err;
    int            status, code;
    error_clear(&err);
    http_wait_begin(x); /* for statements under way */
    Status planned = engine_plan_query(rest->engine, session, statement, arena, &query, &err);
    http_wait_end(x);
    if (planned == OK)
        planned =
            rows_check(form, query.kind == QUERY_PULL_TABLE ? query.pull->result : query.push->schema, &err);
    if (planned != OK) {
        rest_code(&err, NULL, &status, &code);
        rest_statement_error(x, status, code, err.message, err.pos, text, NULL);
        arena_free(arena);
    } else if (!may_begin(rest, x, &query, origin)) {
        arena_free(arena);
    } else if (query.kind == QUERY_PULL_TABLE) {
        rest_pull(rest, x, session, &query, text, origin, arena, form);
    } else
        stream_rows(rest, x, session, &query, text, arena, form);
}

static void run(Rest *rest, HttpExchange *x, const Endpoint *endpoint, const json_t *request,
                Session *session, PullOrigin *origin)
{
    bool socket = endpoint == &socket_endpoint;
    int  chosen = socket ? 0
                         : rest_accept(http_header(x, "Accept"), endpoint->offers, ARRAY_LEN(endpoint->offers),
                                       endpoint->none);
    if (chosen < 0) {
        http_respond(x, 406, NULL, STR_NULL);
        return;
    }
    Arena              *arena     = arena_new(0);
    Str                 text      = str_dup(arena, rest_field(request, endpoint->text_field));
    const AstStatement *statement = parse_one(rest, x, endpoint, session, text, arena);
    RowForm             form      = endpoint->forms[chosen];
    if (statement == NULL || !pull_origin_read(x, request, arena, origin)) {
        arena_free(arena);
    } else if (statement->kind == STMT_QUERY) {
        plan_and_run(rest, x, session, statement, text, origin, arena, form);
    } else if (endpoint == &query_endpoint && http_is_2(x)) { /* ksqlDB's, too: it goes to /query-stream */
        rest_error(x, 405, 40500, "PRINT is not served by /query over HTTP/2: send it to /query-stream");
        arena_free(arena);
    } else if ((endpoint->print >= 0 && chosen != endpoint->print) || endpoint->forms[chosen] == ROWS_PROTO) {
        http_respond(x, 406, NULL, STR_NULL);
        arena_free(arena);
    } else
        rest_print(rest, x, session, statement, text, arena, row_form_type(form));
}

static bool has_text(HttpExchange *x, const Endpoint *endpoint, const json_t *request)
{
    Str text = rest_field(request, endpoint->text_field);
    if (endpoint != &stream_endpoint && str_trim(text).len == 0)
        rest_error(x, 400, 40000, "\"ksql\" field must be populated");
    else if (str_is_null(text))
        rest_error(x, 400, 40000, "Invalid JSON in request: Missing required creator property 'sql'");
    else
        return true;
    return false;
}

static void answer(Rest *rest, HttpExchange *x, const Endpoint *endpoint, Str body, PullOrigin origin)
{
    Session session = {0};
    json_t *request = rest_parse_request(x, body);
    if (request == NULL)
        return;
    if (has_text(x, endpoint, request) &&
        rest_session(rest, x, request, endpoint->properties_field, &session) &&
        rest_read_token(x, request, &session.written) && rest_wait_for_command(rest, x, request))
        run(rest, x, endpoint, request, &session, &origin);
    session_clear(&session);
    json_decref(request);
}

void rest_query(Rest *rest, HttpExchange *x)
{
    answer(rest, x, &query_endpoint, http_body(x), pull_origin_of(rest, x));
}

void rest_query_stream(Rest *rest, HttpExchange *x)
{
    if (!http_can_stream(x))
        rest_error(x, 400, 40000, "This endpoint is only available over HTTP/1.1 and HTTP/2");
    else
        answer(rest, x, &stream_endpoint, http_body(x), pull_origin_of(rest, x));
}

/* The request is in the query: a GET that becomes a WebSocket has no body. */
void rest_query_socket(Rest *rest, HttpExchange *x)
{
    Str        request = http_parameter(x, "request");
    PullOrigin origin  = pull_origin_of(rest, x);
    if (!http_begin_websocket(x))
        rest_error(x, 400, 40000,
                   "/ws/query is a WebSocket: Upgrade, Sec-WebSocket-Key and version 13 are wanted");
    else
        answer(rest, x, &socket_endpoint, str_is_null(request) ? STR_LIT("") : request, origin);
}
