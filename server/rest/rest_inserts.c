/*
 * rest_inserts.c - POST /inserts-stream: rows in, an acknowledgement out for each once it is durable
 * (rest.md 5.6). Who sends a consistency token with the first line, an empty one say, gets one with each
 * acknowledgement: a query that brings it along sees all rows so far.
 *
 * The body is read as it comes and answered as it is written: a client keeps the request open and waits for
 * the acknowledgement of a row before it sends the next. What has come by the time the log has answered goes
 * out together. A client of HTTP/2 that does not read its acknowledgements is not read from; one of HTTP/1
 * gets them when its request ends, so that a request has no more of them than ACKS_HELD.
 */
#include "server/rest/rest.h"
#include "server/statements/insert_rows.h"

enum { ROWS_AT_ONCE = 1000, ACKS_HELD = 256 * 1024 * 1024 /* bytes */ };

typedef struct {
    Rest   *rest;
    Session session;
    Arena  *arena; /* of the target's name */
    Str     target;
    RowForm form;
    StrBuf  body;    /* what has come and is not a whole line */
    size_t  at;      /* of `body` that is done with */
    size_t  scanned; /* behind that: bytes in which no line ends */
    int64_t next;    /* number of the next row */
    bool    begun;
    bool    tells; /* acknowledgements say where the rows are */
    StrBuf  scratch;
} Inserts;

/* The rows of one write, and what became of each. */
typedef struct {
    Arena     *arena;
    LogRecord *records;
    char     **failures; /* NULL: it is among the records */
    size_t     count, record_count;
    Str        topic;
} Batch;

static void close_inserts(void *state)
{
    Inserts *inserts = state;
    if (inserts->begun)
        session_clear(&inserts->session);
    strbuf_clear(&inserts->body);
    strbuf_clear(&inserts->scratch);
    arena_free(inserts->arena);
    mem_free(inserts);
}

/* ---- acknowledgements ---- */

static void write_ack(Inserts *inserts, HttpExchange *x, const char *failure, Str token)
{
    StrBuf *out = &inserts->scratch;
    strbuf_reset(out);
    if (inserts->form == ROWS_ARRAY && inserts->next > 0)
        strbuf_addc(out, ',');
    if (failure == NULL) {
        strbuf_addf(out, "{\"status\":\"ok\",\"seq\":%lld", (long long)inserts->next);
        if (inserts->tells)
            strbuf_addf(out, ",\"consistencyToken\":\"" STR_FMT "\"", STR_ARG(token));
        strbuf_addc(out, '}');
    } else {
        Str error = rest_error_line(http_arena(x), 40000, failure);
        strbuf_addf(out, "{\"status\":\"error\",\"seq\":%lld,", (long long)inserts->next);
        strbuf_add(out, str_n(error.ptr + 1, error.len - 1)); /* the rest of the object */
    }
    strbuf_adds(out, inserts->form == ROWS_LINES ? "\n" : "");
    inserts->next++;
    http_write(x, strbuf_str(out));
}

static void end_stream(Inserts *inserts, HttpExchange *x)
{
    if (inserts->form == ROWS_ARRAY)
        http_write(x, STR_LIT("]"));
}

static const char invalid[] = "Invalid JSON in inserts stream";

/* What is no row ends the stream: nobody knows where the next one begins. */
static void refuse_line(Inserts *inserts, HttpExchange *x, const char *prefix, const char *why)
{
    char message[200];
    snprintf(message, sizeof message, "%s: %s", prefix, why);
    if (inserts->form == ROWS_ARRAY && inserts->next > 0)
        http_write(x, STR_LIT(","));
    http_write(x, rest_error_line(http_arena(x), 40000, message));
    http_write(x, inserts->form == ROWS_LINES ? STR_LIT("\n") : STR_LIT(""));
    end_stream(inserts, x);
}

/* ---- lines ---- */

/* The next line that is not blank; at the end of the body also one without an end. False: there is none yet.
 */
static bool next_line(Inserts *inserts, bool ended, Str *line)
{
    for (;;) {
        Str         rest = str_n(inserts->body.ptr + inserts->at, inserts->body.len - inserts->at);
        size_t      from = inserts->scanned;
        const char *end  = rest.len > from ? memchr(rest.ptr + from, '\n', rest.len - from) : NULL;
        inserts->scanned = end == NULL ? rest.len : 0; /* a long line comes in many pieces */
        if (rest.len == 0 || (end == NULL && !ended))
            return false;
        *line = str_trim(end != NULL ? str_n(rest.ptr, (size_t)(end - rest.ptr)) : rest);
        inserts->at += end != NULL ? (size_t)(end - rest.ptr) + 1 : rest.len;
        if (line->len > 0)
            return true;
    }
}

static void forget_done(Inserts *inserts)
{
    if (inserts->at == 0)
        return;
    memmove(inserts->body.ptr, inserts->body.ptr + inserts->at, inserts->body.len - inserts->at);
    inserts->body.len -= inserts->at;
    inserts->at = 0;
}

/* ---- the first line ---- */

static void refuse_target(HttpExchange *x, bool switched_off, const Error *err)
{
    if (err->code == E_DENIED)
        rest_error(x, 403, 40300, "%s", err->message);
    else
        rest_error(x, 400, switched_off ? 40000 : 40001, "%s", err->message);
}

/* False: it was answered with an error. */
static bool answer_target(Inserts *inserts, HttpExchange *x, Str line)
{
    static const char *const offers[] = {"application/vnd.ksqlapi.delimited.v1", "application/json"};
    static const RowForm     forms[]  = {ROWS_LINES, ROWS_ARRAY};
    Error                    err;
    bool                     switched_off;
    json_t                  *request = rest_parse_request(x, line);
    int                      chosen  = rest_accept(http_header(x, "Accept"), offers, ARRAY_LEN(offers), 0);
    if (request == NULL)
        return false;
    Str target     = rest_field(request, "target");
    inserts->begun = true; /* the session has to be cleared */
    if (!rest_session(inserts->rest, x, request, "properties", &inserts->session) ||
        !rest_read_token(x, request, &inserts->session.written)) {
        json_decref(request);
        return false;
    }
    inserts->tells  = rest_brings_token(request);
    inserts->target = str_is_null(target) ? STR_NULL : insert_fold_name(target, inserts->arena);
    json_decref(request);
    if (str_is_null(inserts->target))
        rest_error(x, 400, 40000, "Invalid JSON in request: Missing required creator property 'target'");
    else if (chosen < 0)
        http_respond(x, 406, NULL, STR_NULL);
    else if (insert_check_target(inserts->rest->engine, &inserts->session, inserts->target, http_arena(x),
                                 &switched_off, &err) != OK)
        refuse_target(x, switched_off, &err);
    else {
        inserts->form = forms[chosen];
        http_begin(x, 200, row_form_type(inserts->form));
        http_write(x, inserts->form == ROWS_ARRAY ? STR_LIT("[") : STR_LIT(""));
        http_flush(x); /* the target is accepted: clients wait for that */
        return true;
    }
    return false;
}

static bool begin(Inserts *inserts, HttpExchange *x, Str line)
{
    bool begun = answer_target(inserts, x, line);
    rest_audit_inserts(inserts->rest, x, inserts->target);
    return begun;
}

/* ---- rows ---- */

/* E_SYNTAX: the line is no object. */
static Status add_row(Inserts *inserts, Str line, Batch *batch, Error *err)
{
    json_error_t error;
    json_t      *row = json_loadb(line.ptr, line.len, JSON_ALLOW_NUL, &error);
    if (!json_is_object(row)) {
        error_set(err, E_SYNTAX, NO_POS, "%s", row != NULL ? "not an object" : error.text);
        json_decref(row);
        return E_SYNTAX;
    }
    Status status = insert_read_row(inserts->rest->engine, &inserts->session, inserts->target, row,
                                    batch->arena, &batch->records[batch->record_count], &batch->topic, err);
    json_decref(row);
    if (status == OK)
        batch->record_count++;
    batch->failures[batch->count++] = status == OK ? NULL : str_to_c(batch->arena, str_c(err->message));
    return OK;
}

static void write_batch(Inserts *inserts, HttpExchange *x, Batch *batch)
{
    QueryHost  *host   = engine_host(inserts->rest->engine);
    Status      status = OK;
    Error       err;
    const char *failure = NULL;
    if (batch->record_count > 0)
        status = host->insert(host, batch->topic, batch->records, batch->record_count,
                              &inserts->session.written, &err);
    if (status != OK)
        failure = err.message;
    StrBuf token = {0};
    offset_vector_print(&inserts->session.written, &token);
    for (size_t i = 0; i < batch->count; i++)
        write_ack(inserts, x, batch->failures[i] != NULL ? batch->failures[i] : failure, strbuf_str(&token));
    strbuf_clear(&token);
    if (batch->count > 0)
        http_flush(x);
}

/* Rows of whole lines, up to a batch. *broken: a line was none, and the client was told. */
static size_t insert_some(Inserts *inserts, HttpExchange *x, bool ended, bool *broken)
{
    Arena *arena = http_arena(x);
    Error  err;
    Str    line;
    arena_reset(arena);
    Batch batch = {.arena    = arena,
                   .records  = ARENA_ARRAY(arena, LogRecord, ROWS_AT_ONCE),
                   .failures = ARENA_ARRAY(arena, char *, ROWS_AT_ONCE)};
    *broken     = false;
    http_wait_begin(x); /* for a schema registry, for the log */
    while (!*broken && batch.count < ROWS_AT_ONCE && next_line(inserts, ended, &line))
        *broken = add_row(inserts, line, &batch, &err) != OK;
    write_batch(inserts, x, &batch);
    http_wait_end(x);
    if (*broken)
        refuse_line(inserts, x, invalid, err.message);
    return batch.count;
}

static bool step(void *state, HttpExchange *x)
{
    Inserts *inserts = state;
    Str      line;
    bool     broken = false;
    if (http_pending(x) >= HTTP_PENDING_HIGH)
        return true; /* woken when the client has read */
    bool ended = !http_read(x, &inserts->body);
    if (inserts->body.len > REST_MAX_BODY) {
        if (inserts->begun)
            refuse_line(inserts, x, invalid, "a row is too large");
        else
            rest_error(x, 413, 41300, "The request is too large");
        return false;
    }
    if (!inserts->begun && !next_line(inserts, ended, &line)) {
        if (ended)
            rest_error(x, 400, 40000, "Invalid JSON in request: it is empty");
        return !ended;
    }
    if (!inserts->begun && !begin(inserts, x, line))
        return false;
    /* Many a client of HTTP/1 reads when it has sent all, so that acknowledgements pile up. */
    if (!http_is_2(x) && !ended && http_unread(x) > ACKS_HELD) {
        refuse_line(inserts, x, "Too many rows in one request, whose acknowledgements nobody reads",
                    "read them while you send, or send several requests");
        return false;
    }
    while (insert_some(inserts, x, ended, &broken) > 0 && !broken && !http_gone(x))
        ;
    forget_done(inserts);
    if (ended && !broken)
        end_stream(inserts, x);
    return !ended && !broken;
}

void rest_inserts_stream(Rest *rest, HttpExchange *x)
{
    Inserts *inserts = mem_calloc(1, sizeof *inserts);
    inserts->rest    = rest;
    inserts->arena   = arena_new(0);
    if (!http_can_stream(x)) {
        rest_error(x, 400, 40000, "This endpoint is only available over HTTP/1.1 and HTTP/2");
        close_inserts(inserts);
        return;
    }
    http_stream(x, step, close_inserts, inserts);
}
