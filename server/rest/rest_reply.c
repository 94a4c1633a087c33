/*
 * rest_reply.c - what replies have in common: JSON, errors with ksqlDB's codes, masked statement texts.
 */
#include "server/rest/rest.h"

#include "serde/serde.h"

void rest_json(HttpExchange *x, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (text == NULL) { /* a text that is no UTF-8 got into an entity */
        http_respond(x, 500, "application/json",
                     STR_LIT("{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"The reply "
                             "cannot be encoded\"}"));
        return;
    }
    http_respond(x, status, "application/json", str_c(text));
    free(text); /* jansson's */
}

Str rest_error_line(Arena *arena, int code, const char *message)
{
    StrBuf buf = {0};
    strbuf_addf(&buf, "{\"@type\":\"generic_error\",\"error_code\":%d,\"message\":", code);
    json_write_string(utf8_repair(arena, str_c(message)), &buf); /* it may hold a path's bytes */
    strbuf_addc(&buf, '}');
    Str line = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return line;
}

/* A WebSocket has no status: it is closed with a code and the reason (rest.md 5.7). */
static void close_socket(HttpExchange *x, int status, int code, const char *message)
{
    int why = code == 50301 ? 1013 : status < 500 ? 1003 : 1011;
    http_close_websocket(x, why, utf8_repair(http_arena(x), str_c(message)));
}

void rest_error(HttpExchange *x, int status, int code, const char *format, ...)
{
    Error   err;
    va_list args;
    va_start(args, format);
    error_setv(&err, E_PLAN, NO_POS, format, args);
    va_end(args);
    if (http_is_websocket(x)) {
        close_socket(x, status, code, err.message);
        return;
    }
    http_respond(x, status, "application/json", rest_error_line(http_arena(x), code, err.message));
}

/* Beside the body, which is ksqlDB's: where in the text of the request the mistake is. */
static void tell_position(HttpExchange *x, Pos pos)
{
    char text[32];
    snprintf(text, sizeof text, "%u:%u", pos.line, pos.col);
    if (pos.line > 0)
        http_set_header(x, "Sluice-Error-Position", text);
}

void rest_refuse(HttpExchange *x, int status, int code, const Error *err)
{
    if (!http_is_websocket(x))
        tell_position(x, err->pos);
    rest_error(x, status, code, "%s", err->message);
}

void rest_code(const Error *err, const AstStatement *statement, int *status, int *code)
{
    static const struct {
        Status from;
        int    status, code;
    } codes[] = {
        {E_IO, 500, 50000},     {E_DAMAGED, 500, 50000},   {E_FULL, 500, 50000}, {E_BUSY, 503, 50302},
        {E_FENCED, 503, 50302}, {E_CANCELLED, 503, 50303}, {E_WAIT, 503, 50302}, {E_DENIED, 403, 40300},
    };
    bool asserts =
        statement != NULL && (statement->kind == STMT_ASSERT_TOPIC || statement->kind == STMT_ASSERT_SCHEMA);
    *status = 400;
    *code   = 40001;
    if (asserts && (err->code == E_NOT_FOUND || err->code == E_EXISTS || err->code == E_DATA)) {
        *status = 417;
        *code   = 41700;
    }
    bool connects = statement != NULL &&
                    (statement->kind == STMT_CREATE_CONNECTOR || statement->kind == STMT_DROP_CONNECTOR ||
                     statement->kind == STMT_DESCRIBE_CONNECTOR);
    if (connects && (err->code == E_NOT_FOUND || err->code == E_EXISTS)) {
        *status = err->code == E_NOT_FOUND ? 404 : 409;
        *code   = *status * 100;
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].from == err->code) {
            *status = codes[i].status;
            *code   = codes[i].code;
        }
}

void rest_statement_error(HttpExchange *x, int status, int code, const char *message, Pos pos, Str statement,
                          json_t *entities)
{
    if (http_is_websocket(x)) {
        close_socket(x, status, code, message);
        return;
    }
    if (code == 50302) /* it may pass by itself */
        http_set_header(x, "Retry-After", "1");
    Arena  *arena = http_arena(x);
    Str     text  = utf8_repair(arena, rest_masked(arena, statement));
    json_t *error = json_object();
    json_object_set_new(error, "@type", json_string("statement_error"));
    json_object_set_new(error, "error_code", json_integer(code));
    Str told = utf8_repair(arena, str_c(message));
    json_object_set_new(error, "message", json_stringn(told.ptr, told.len));
    json_object_set_new(error, "statementText", json_stringn(text.ptr, text.len));
    if (entities != NULL)
        json_object_set(error, "entities", entities);
    else
        json_object_set_new(error, "entities", json_array());
    tell_position(x, pos);
    rest_json(x, status, error);
}

void rest_begin_rows(HttpExchange *x, const char *type)
{
    if (!http_is_websocket(x)) /* it has begun */
        http_begin(x, 200, type);
}

/* A slip beside a password does not make it less of one. */
static bool may_hold_secrets(Arena *arena, Str text)
{
    Str upper = str_upper(arena, str_trim(text));
    return str_starts_with(upper, STR_LIT("INSERT")) || str_find(upper, STR_LIT("CONNECTOR"), 0) >= 0;
}

/* Of what is no statement: every text in quotes. */
static Str mask_texts(Arena *arena, Str text)
{
    StrBuf out  = {0};
    bool   open = false;
    for (size_t i = 0; i < text.len; i++) {
        bool quote = text.ptr[i] == '\'';
        if (quote && !open)
            strbuf_adds(&out, "'[string]'");
        else if (!quote && !open)
            strbuf_addc(&out, text.ptr[i]);
        open ^= quote; /* '' within a text closes and opens: twice masked is masked */
    }
    Str masked = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return masked;
}

Str rest_masked(Arena *arena, Str text)
{
    AstStatement *statement;
    Error         ignored;
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    if (parse_statement(arena, text, &options, &statement, &ignored) != OK)
        return may_hold_secrets(arena, text) ? mask_texts(arena, text) : text;
    if (statement->kind != STMT_INSERT_VALUES && statement->kind != STMT_CREATE_CONNECTOR)
        return text;
    StrBuf buf = {0};
    ast_print_masked(statement, &buf);
    Str masked = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return masked;
}
