/*
 * rest_print.c - PRINT on /query and /query-stream: lines of text from a push query over a topic's records.
 *
 * It streams as a push query does (rest_push.c): the worker's `ready` wakes the exchange, its step writes
 * what is there, and a client that does not read fills the reply's buffer, then the queue, and then has its
 * own task detached. It is no query to ksqlDB: SHOW QUERIES does not list it, and it ends with its client or
 * its limit.
 */
#include "server/statements/print.h"
#include "server/rest/rest.h"

enum { RECORDS_AT_ONCE = 256, QUEUE_RECORDS = 256 /* payloads may be big */ };

typedef struct {
    HttpExchange  *x; /* a reference */
    PushQuery     *push;
    RecordPrinter *printer;
    StrBuf         lines;
} PrintStream;

static void on_ready(void *context) { http_wake(((PrintStream *)context)->x); }

static void close_print(void *state)
{
    PrintStream *print = state;
    push_query_close(print->push); /* on_ready is not called any more; accepts NULL */
    record_printer_close(print->printer);
    strbuf_clear(&print->lines);
    http_unref(print->x);
    mem_free(print);
}

/* False: it is over, and said so. */
static bool go_on(HttpExchange *x, PushEnd end, const Error *err)
{
    if (end == PUSH_FAILED) {
        http_write(x, rest_error_line(http_arena(x), 50000, err->message));
        http_write(x, STR_LIT("\n"));
    }
    return end == PUSH_MORE;
}

/* A record is a line whatever is in it (print.h), and a piece of its own. */
static void write_lines(HttpExchange *x, Str lines)
{
    while (lines.len > 0) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t      len = end != NULL ? (size_t)(end - lines.ptr) + 1 : lines.len;
        http_write(x, str_n(lines.ptr, len));
        lines = str_n(lines.ptr + len, lines.len - len);
    }
}

static bool step(void *state, HttpExchange *x)
{
    PrintStream *print = state;
    PushRow     *rows;
    size_t       count;
    Error        err;
    while (http_pending(x) < HTTP_PENDING_HIGH) {
        arena_reset(http_arena(x));
        error_clear(&err);
        PushEnd end = push_query_take(print->push, http_arena(x), RECORDS_AT_ONCE, &rows, &count, &err);
        if (count == 0)
            return go_on(x, end, &err);
        strbuf_reset(&print->lines);
        http_wait_begin(x); /* for the schemas that records name */
        bool more = record_printer_add(print->printer, rows, count, &print->lines);
        http_wait_end(x);
        write_lines(x, strbuf_str(&print->lines));
        http_flush(x);
        if (!more)
            return false;
    }
    return true; /* woken when the client has read */
}

static Status start(Rest *rest, PrintStream *print, const PrintPlan *plan, PlanRef *owner, Error *err)
{
    PushOptions options = {.from_earliest = plan->from_earliest,
                           .queue_rows    = QUEUE_RECORDS,
                           .ready         = on_ready,
                           .context       = print};
    TRY(record_printer_open(engine_registry(rest->engine), plan->interval, plan->limit, &print->printer,
                            err));
    Status status =
        push_query_start(rest->runtime, plan->plan, &options, plan_ref(owner), plan_unref, &print->push, err);
    if (status != OK)
        plan_unref(owner); /* it was not taken */
    return status;
}

static void answer_failure(HttpExchange *x, const Error *err, Str text)
{
    int status, code;
    rest_code(err, NULL, &status, &code);
    if (err->code == E_NOT_FOUND)
        rest_refuse(x, 400, 40000, err);
    else
        rest_statement_error(x, status, code, err->message, err->pos, text, NULL);
}

/* LIMIT 0 is reached before a record is asked for. */
static void answer_nothing(HttpExchange *x, const char *type)
{
    rest_begin_rows(x, type);
    http_end(x);
}

void rest_print(Rest *rest, HttpExchange *x, const Session *session, const AstStatement *statement, Str text,
                Arena *arena, const char *type)
{
    PrintPlan plan;
    Error     err;
    Status    status = engine_check_statement(rest->engine, session, statement, &err);
    if (status == OK)
        status = print_plan(rest->engine, session, statement, arena, &plan, &err);
    if (status != OK || plan.limit == 0) {
        if (status != OK)
            answer_failure(x, &err, text);
        else
            answer_nothing(x, type);
        arena_free(arena);
        return;
    }
    PlanRef     *owner = plan_ref_new(arena, plan.plan);
    PrintStream *print = mem_calloc(1, sizeof *print);
    print->x           = http_ref(x);
    if (start(rest, print, &plan, owner, &err) != OK) {
        answer_failure(x, &err, text);
        close_print(print);
    } else {
        rest_begin_rows(x, type);
        http_stream(x, step, close_print, print);
        http_flush(x); /* status and headers tell that it is subscribed */
    }
    plan_unref(owner);
}
