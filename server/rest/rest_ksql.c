/*
 * rest_ksql.c - POST /ksql: statements in, entities out (rest.md 4).
 */
#include "core/statements.h"
#include "server/rest/rest.h"

static AstStatement *parse_failed(Arena *arena, Str text)
{
    AstStatement *statement;
    Error         ignored;
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    return parse_statement(arena, text, &options, &statement, &ignored) == OK ? statement : NULL;
}

static void answer_failure(HttpExchange *x, const Error *err, Str text, json_t *entities)
{
    int           status, code;
    AstStatement *statement = parse_failed(http_arena(x), text);
    const char   *message   = err->message;
    rest_code(err, statement, &status, &code);
    if (statement != NULL && statement_texts[statement->kind].place == AT_QUERY_ENDPOINTS) {
        code    = 40002;
        message = "The following statement types should be issued to the websocket endpoint '/query':\n\t* "
                  "PRINT\n\t* SELECT";
    }
    rest_statement_error(x, status, code, message, err->pos, text, entities);
}

static void execute(Rest *rest, HttpExchange *x, const json_t *request, Session *session)
{
    Error   err;
    size_t  failed;
    Str     failed_text, text = rest_field(request, "ksql");
    json_t *entities = json_array();
    if (str_trim(text).len == 0) {
        rest_error(x, 400, 40000, "\"ksql\" field must be populated");
        json_decref(entities);
        return;
    }
    error_clear(&err);
    Status status =
        engine_execute(rest->engine, session, text, http_arena(x), entities, &failed, &failed_text, &err);
    rest_token_header(x, &session->written); /* also after a failure: statements before it have inserted */
    if (status == OK) {
        rest_json(x, 200, entities);
        return;
    }
    answer_failure(x, &err, failed_text, entities);
    json_decref(entities);
}

void rest_ksql(Rest *rest, HttpExchange *x)
{
    Session session = {0};
    json_t *request = NULL;
    if (http_move(x, HTTP_LANE_WAITS)) /* for other statements, for topics, for ASSERT's timeout */
        return;
    if ((request = rest_request(x)) == NULL)
        return;
    if (rest_session(rest, x, request, "streamsProperties", &session) &&
        rest_read_token(x, request, &session.written) && rest_wait_for_command(rest, x, request))
        execute(rest, x, request, &session);
    session_clear(&session);
    json_decref(request);
}
