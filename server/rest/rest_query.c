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

/* A SELECT under way to its plan. */
typedef struct {
    Rest             *rest;
    HttpExchange     *x;
    Session          *session;
    Str               text;
    const PullOrigin *origin;
    RowForm           form;
    Arena            *arena; /* owned, until somebody takes it over */
    PullText          pieces;
    bool              memorable; /* there are pieces */
    Str               scope;
} Asking;

/* Once it is planned. `known`: with a reference, or NULL. */
static void run_query(Asking *asking, const TransientQuery *query, PullForm *known)
{
    Rest         *rest   = asking->rest;
    HttpExchange *x      = asking->x;
    bool          pulls  = query->kind == QUERY_PULL_TABLE;
    const Schema *schema = pulls ? query->pull->result : query->push->schema;
    int           status, code;
    Error         err;
    if (rows_check(asking->form, schema, &err) != OK) {
        rest_code(&err, NULL, &status, &code);
        rest_statement_error(x, status, code, err.message, err.pos, asking->text, NULL);
    } else if (may_begin(rest, x, query, asking->origin)) {
        if (pulls)
            rest_pull(rest, x, asking->session, query, asking->text, asking->origin, asking->arena,
                      asking->form, known);
        else
            stream_rows(rest, x, asking->session, query, asking->text, asking->arena, asking->form);
        return;
    }
    pull_form_unref(known);
    arena_free(asking->arena);
}

/* The plan may be good for more than this request: then the form has the arena, and what follows another. A
 * plan during which something was changed is not: nobody knows from which side of it each part is. */
static PullForm *remember(Asking *asking, const AstStatement *statement, const TransientQuery *query)
{
    Engine   *engine = asking->rest->engine;
    PullForm *known  = NULL;
    if (!asking->memorable || query->kind != QUERY_PULL_TABLE)
        return NULL;
    PlanRef         *writer = engine_query_plan(engine, query->pull->table->query_id);
    const PullMaking making = {.text       = &asking->pieces,
                               .scope      = asking->scope,
                               .generation = asking->session->generation,
                               .arena      = asking->arena,
                               .statement  = statement,
                               .query      = query,
                               .writer     = writer,
                               .plain      = !rest_wants_token(asking->session)};
    if (engine_generation(engine) == asking->session->generation)
        known = pull_forms_remember(&asking->rest->forms, &making);
    plan_unref(writer);
    if (known != NULL)
        asking->arena = arena_new(0);
    return known;
}

/* Takes the arena over. */
static void plan_and_run(Asking *asking, const AstStatement *statement)
{
    Rest          *rest = asking->rest;
    HttpExchange  *x    = asking->x;
    TransientQuery query;
    Error          err;
    int            status, code;
    error_clear(&err);
    http_wait_begin(x); /* for statements under way */
    Status planned = engine_plan_query(rest->engine, asking->session, statement, asking->arena, &query, &err);
    http_wait_end(x);
    if (planned == OK) {
        run_query(asking, &query, remember(asking, statement, &query));
        return;
    }
    rest_code(&err, NULL, &status, &code);
    rest_statement_error(x, status, code, err.message, err.pos, asking->text, NULL);
    arena_free(asking->arena);
}

/* Asked before, with these literals or others: neither parsed nor planned again. NULL: not. */
static PullForm *find_known(Asking *asking)
{
    Arena *arena      = http_arena(asking->x);
    asking->memorable = pull_text_read(asking->text, arena, &asking->pieces);
    if (!asking->memorable)
        return NULL;
    asking->scope = pull_forms_scope(asking->session, arena);
    return pull_forms_find(&asking->rest->forms, &asking->pieces, asking->scope, asking->session->generation);
}

/* Takes the arena over. */
static void run_known(Asking *asking, PullForm *known)
{
    TransientQuery query;
    Clock         *clock = engine_clock(asking->rest->engine);
    pull_form_bind(known, &asking->pieces, asking->arena, &query);
    query.query_id = str_printf(asking->arena, "query_%lld", (long long)clock->now_ms(clock));
    run_query(asking, &query, known);
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
    Asking              asking    = {.rest    = rest,
                                     .x       = x,
                                     .session = session,
                                     .text    = str_dup(arena, rest_field(request, endpoint->text_field)),
                                     .origin  = origin,
                                     .form    = endpoint->forms[chosen],
                                     .arena   = arena};
    PullForm           *known     = find_known(&asking);
    const AstStatement *statement = NULL;
    if (known == NULL)
        statement = parse_one(rest, x, endpoint, session, asking.text, arena);
    if ((known == NULL && statement == NULL) || !pull_origin_read(x, request, arena, origin)) {
        pull_form_unref(known);
        arena_free(arena);
    } else if (known != NULL && pull_form_works(known) && http_move(x, HTTP_LANE_WORKS)) {
        pull_form_unref(known); /* it begins again there */
        arena_free(arena);
    } else if (known != NULL) {
        run_known(&asking, known);
    } else if (statement->kind == STMT_QUERY && ast_work(statement) != WORK_LITTLE &&
               http_move(x, HTTP_LANE_WORKS)) {
        arena_free(arena);
    } else if (statement->kind == STMT_QUERY) {
        plan_and_run(&asking, statement);
    } else if (endpoint == &query_endpoint && http_is_2(x)) { /* ksqlDB's, too: it goes to /query-stream */
        rest_error(x, 405, 40500, "PRINT is not served by /query over HTTP/2: send it to /query-stream");
        arena_free(arena);
    } else if ((endpoint->print >= 0 && chosen != endpoint->print) || endpoint->forms[chosen] == ROWS_PROTO) {
        http_respond(x, 406, NULL, STR_NULL);
        arena_free(arena);
    } else
        rest_print(rest, x, session, statement, asking.text, arena, row_form_type(asking.form));
}

const char *rest_query_field(HttpExchange *x, const char **properties, int *form)
{
    bool            stream   = str_equal(http_path(x), STR_LIT("/query-stream"));
    const Endpoint *endpoint = stream ? &stream_endpoint : &query_endpoint;
    if (!stream && !str_equal(http_path(x), STR_LIT("/query")))
        return NULL;
    int chosen =
        rest_accept(http_header(x, "Accept"), endpoint->offers, ARRAY_LEN(endpoint->offers), endpoint->none);
    *form       = chosen < 0 ? -1 : (int)endpoint->forms[chosen];
    *properties = endpoint->properties_field;
    return endpoint->text_field;
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
    if (http_move(x,
                  HTTP_LANE_WORKS)) /* as long as nobody knows what it asks; once it has begun it is late */
        return;
    if (!http_begin_websocket(x))
        rest_error(x, 400, 40000,
                   "/ws/query is a WebSocket: Upgrade, Sec-WebSocket-Key and version 13 are wanted");
    else
        answer(rest, x, &socket_endpoint, str_is_null(request) ? STR_LIT("") : request, origin);
}
