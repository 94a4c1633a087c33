/*
 * query.c - SELECT and PRINT: a reply that may never end, shown as it comes.
 *
 * POST /query answers one JSON array whose elements stand on lines of their own (rest.md 5.1): header, rows,
 * a final message or an error. A reply that ends without any of the closing signs was cut, and that is said.
 * PRINT answers plain lines, of which one that is an error object is the last. Ctrl-C, a row limit and a
 * time-out close the connection, which ends the query on the server too.
 */
#include <inttypes.h>

#include "core/clock.h"
#include "shell/grid.h"
#include "shell/interrupt.h"
#include "shell/session.h"
#include "core/width.h"

typedef enum { ENDED_BY_SERVER, ENDED_LIMIT, ENDED_TIMEOUT, ENDED_ERROR, ENDED_BROKEN } EndReason;

typedef struct {
    Shell       *shell;
    const Place *place;
    bool         print;
    Arena       *arena; /* of one element */
    StrBuf       line;
    Grid        *grid;
    size_t       columns, rows;
    GridCell    *cells;
    bool         may_be_endless, endless, header, closed;
    EndReason    ended;
    int64_t      start_us;
    int64_t      told_us; /* when the progress line was written last */
    bool         telling; /* it is on the screen */
    char         final[64];
    int          status;
} Query;

static int64_t now_us(void)
{
    Clock *clock = clock_system();
    return clock->monotonic_us(clock);
}

/* ---- progress ---- */

enum { PROGRESS_AFTER_US = 500000, PROGRESS_EVERY_US = 250000 };

static void hide_progress(Query *query)
{
    if (!query->telling)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    query->telling = false;
}

/* A line that is written over and over, while somebody waits for rows that are not shown yet: those of a pull
 * query are held back until their columns are measured. */
static void show_progress(Query *query)
{
    const Shell *shell = query->shell;
    int64_t      now   = now_us();
    bool         shown = query->rows > 0 && (query->grid == NULL || grid_has_begun(query->grid));
    if (!shell->interactive || !shell->out.escapes || !shell->out.terminal || !shell->out.errors ||
        shell->display.quiet || query->endless || query->print || shown)
        return;
    if (now - query->start_us < PROGRESS_AFTER_US || now - query->told_us < PROGRESS_EVERY_US)
        return;
    out_flush(&query->shell->out);
    fprintf(stderr, "\r%zu rows so far, %.1f s, Ctrl-C ends it\033[K", query->rows,
            (double)(now - query->start_us) / 1e6);
    fflush(stderr);
    query->told_us = now;
    query->telling = true;
}

/* ---- elements ---- */

/* One column of a schema text: `NAME` TYPE [KEY], up to the comma that is in no bracket. */
static bool next_column(Str schema, size_t *at, Str *name, Str *type)
{
    while (*at < schema.len && (schema.ptr[*at] == ' ' || schema.ptr[*at] == ','))
        (*at)++;
    if (*at >= schema.len || schema.ptr[*at] != '`')
        return false;
    size_t begin = *at + 1, end = begin;
    while (end < schema.len &&
           (schema.ptr[end] != '`' || (end + 1 < schema.len && schema.ptr[end + 1] == '`')))
        end += schema.ptr[end] == '`' ? 2 : 1;
    *name     = str_n(schema.ptr + begin, (end < schema.len ? end : schema.len) - begin);
    size_t to = end + 1 < schema.len ? end + 1 : schema.len, from = to;
    for (int depth = 0; to < schema.len && (depth > 0 || schema.ptr[to] != ','); to++)
        depth += strchr("<(", schema.ptr[to]) != NULL ? 1 : strchr(">)", schema.ptr[to]) != NULL ? -1 : 0;
    *type = str_trim(str_n(schema.ptr + from, to - from));
    *at   = to;
    return true;
}

static bool is_number_type(Str type)
{
    return str_starts_with(type, STR_LIT("INTEGER")) || str_starts_with(type, STR_LIT("BIGINT")) ||
           str_starts_with(type, STR_LIT("DOUBLE")) || str_starts_with(type, STR_LIT("DECIMAL"));
}

/* Half of one still reads like one, and is a wrong one: an hour without its minutes. Only what is longer than
 * a line by nature (texts, bytes, nested values) may be cut. */
static bool is_scalar_type(Str type)
{
    return is_number_type(type) || str_starts_with(type, STR_LIT("BOOLEAN")) ||
           str_starts_with(type, STR_LIT("DATE")) || str_starts_with(type, STR_LIT("TIME"));
}

static bool is_header_type(Str type)
{
    return str_ends_with(type, STR_LIT(" HEADERS")) || str_find(type, STR_LIT(" HEADER('"), 0) >= 0;
}

/* In the order of the rows: the schema names header columns before the values, rows have them last. */
static size_t add_columns(Str schema, bool headers, GridColumn *columns, size_t count)
{
    size_t at = 0;
    Str    name, type;
    while (next_column(schema, &at, &name, &type))
        if (is_header_type(type) == headers)
            columns[count++] =
                (GridColumn){.heading = name, .right = is_number_type(type), .whole = is_scalar_type(type)};
    return count;
}

static void take_header(Query *query, JsonText header)
{
    Str schema   = jtext_field(query->arena, header, "schema"),
        id       = jtext_field(query->arena, header, "queryId"), name, type;
    size_t count = 0, at = 0;
    while (next_column(schema, &at, &name, &type))
        count++;
    GridColumn *columns = ARENA_ARRAY(query->arena, GridColumn, count + 1);
    add_columns(schema, true, columns, add_columns(schema, false, columns, 0));
    query->header  = true;
    query->columns = count;
    query->cells   = mem_calloc(count + 1, sizeof *query->cells);
    query->endless = query->may_be_endless && !str_starts_with(id, STR_LIT("query_"));
    if (query->endless)
        hide_progress(query);
    if (query->endless && query->shell->out.terminal && !query->shell->display.quiet)
        out_printf(&query->shell->out, "Press CTRL-C to interrupt\n");
    if (display_form(&query->shell->display, &query->shell->out) != FORM_JSON)
        query->grid =
            grid_open(&query->shell->out, &query->shell->display, columns, count, query->endless, true);
}

static void take_row(Query *query, JsonText row)
{
    JsonIter iter      = jtext_iter(jtext_get(row, "columns"));
    bool     tombstone = jtext_is_true(jtext_get(row, "tombstone"));
    Form     form      = display_form(&query->shell->display, &query->shell->out);
    JsonText value;
    query->rows++;
    if (query->grid == NULL)
        return;
    if (grid_shows_next(query->grid))
        hide_progress(query);
    for (size_t i = 0; i < query->columns; i++) {
        if (!jtext_next(&iter, NULL, &value))
            value = (JsonText){JTEXT_NULL, STR_LIT("null")};
        query->cells[i] = (GridCell){jtext_text(query->arena, value), value.raw};
        if (tombstone && value.kind == JTEXT_NULL && form != FORM_JSONL)
            query->cells[i].text = STR_LIT("<TOMBSTONE>");
    }
    grid_add(query->grid, query->cells);
}

static bool row_limit_reached(const Query *query)
{
    return query->shell->row_limit > 0 && query->rows >= (size_t)query->shell->row_limit;
}

static void finish_grid(Query *query)
{
    hide_progress(query);
    if (query->grid != NULL)
        grid_close(query->grid);
    query->grid = NULL;
}

static void take_error(Query *query, JsonText error)
{
    const ClientReply begun = {.status = 200, .reached = true};
    finish_grid(query);
    query->ended  = ENDED_ERROR;
    query->status = shell_fail_reply(query->shell, &begun, error.raw, query->place);
}

/* False: that is enough. */
static bool take_element(Query *query, JsonText element)
{
    JsonText header = jtext_get(element, "header"), row = jtext_get(element, "row"),
             error = jtext_get(element, "errorMessage");
    Str final      = jtext_field(query->arena, element, "finalMessage");
    if (query->shell->display.form == FORM_JSON &&
        (header.kind == JTEXT_OBJECT || row.kind == JTEXT_OBJECT)) {
        out_write(&query->shell->out, element.raw);
        out_write(&query->shell->out, STR_LIT("\n"));
    }
    if (header.kind == JTEXT_OBJECT && !query->header)
        take_header(query, header);
    else if (row.kind == JTEXT_OBJECT && query->header)
        take_row(query, row);
    else if (error.kind == JTEXT_OBJECT)
        take_error(query, error);
    else if (jtext_get(element, "error_code").kind == JTEXT_NUMBER)
        take_error(query, element);
    else if (final.len > 0)
        snprintf(query->final, sizeof query->final, STR_FMT, STR_ARG(final));
    if (row_limit_reached(query))
        query->ended = ENDED_LIMIT;
    return query->ended == ENDED_BY_SERVER;
}

/* ---- lines ---- */

static bool take_printed(Query *query, Str line)
{
    if (str_starts_with(line,
                        STR_LIT("{\"@type\":"))) { /* records begin with their time, and are one line each */
        take_error(query, jtext_parse(line));
        return false;
    }
    if (query->shell->out.terminal)
        line = width_clean(query->arena, line);
    out_write(&query->shell->out, line);
    out_write(&query->shell->out, STR_LIT("\n"));
    if (str_starts_with(line, STR_LIT("rowtime:")))
        query->rows++;
    if (row_limit_reached(query))
        query->ended = ENDED_LIMIT;
    return query->ended == ENDED_BY_SERVER;
}

static bool take_line(Query *query, Str line)
{
    bool more = true;
    line      = str_trim(line);
    if (query->print)
        return line.len == 0 || take_printed(query, line);
    for (size_t at = 0; at < line.len && more;) {
        if (strchr("[], \t", line.ptr[at]) != NULL) {
            query->closed |= line.ptr[at++] == ']';
            continue;
        }
        JsonText element = jtext_read(line, &at);
        if (element.kind == JTEXT_NONE)
            break; /* cut in the middle: closed stays false */
        more = take_element(query, element);
        arena_reset(query->arena);
    }
    return more;
}

static bool on_data(void *context, Str bytes)
{
    Query *query = context;
    while (bytes.len > 0) {
        const char *newline = memchr(bytes.ptr, '\n', bytes.len);
        size_t      len     = newline != NULL ? (size_t)(newline - bytes.ptr) : bytes.len;
        strbuf_add(&query->line, str_n(bytes.ptr, len));
        if (newline == NULL)
            return true;
        bool more = take_line(query, strbuf_str(&query->line));
        strbuf_reset(&query->line);
        if (!more)
            return false;
        bytes = str_n(bytes.ptr + len + 1, bytes.len - len - 1);
    }
    return true;
}

static bool on_tick(void *context)
{
    Query *query = context;
    show_progress(query);
    if (query->grid != NULL)
        grid_tick(query->grid);
    else
        out_flush(&query->shell->out);
    if (query->shell->out.failed)
        query->ended = ENDED_ERROR; /* `| head` has enough */
    else if (query->shell->timeout_ms > 0 && now_us() - query->start_us > query->shell->timeout_ms * 1000)
        query->ended = ENDED_TIMEOUT;
    return query->ended == ENDED_BY_SERVER;
}

/* ---- the end ---- */

static void print_count(const Query *query, bool interrupted)
{
    static const char *const reasons[] = {"", ", row limit", ", time-out", ", error", ", the server is gone"};
    double                   seconds   = (double)(now_us() - query->start_us) / 1e6;
    const char              *plural    = query->rows == 1 ? "" : "s";
    Out                     *out       = &query->shell->out;
    if (query->endless || query->print)
        out_printf(out, "%zu row%s, %.1f s, %.0f rows/s%s\n", query->rows, plural, seconds,
                   (double)query->rows / (seconds > 0.001 ? seconds : 0.001),
                   interrupted ? ", interrupted" : reasons[query->ended]);
    else
        out_printf(out, "%zu row%s, %.0f ms\n", query->rows, plural, seconds * 1000);
}

static void print_end(Query *query, bool interrupted)
{
    Out *out = &query->shell->out;
    if (!out->terminal || query->shell->display.quiet)
        return;
    if (query->final[0] != '\0')
        out_printf(out, "%s\n", query->final);
    else if (query->ended == ENDED_LIMIT)
        out_printf(out, "Limit Reached\n");
    if (query->print)
        out_printf(out, "Topic printing ceased\n");
    else if (query->endless)
        out_printf(out, "Query terminated\n");
    print_count(query, interrupted);
}

static int conclude(Query *query, Status status, const ClientReply *reply, Str body, const Error *err)
{
    bool interrupted = status == E_CANCELLED;
    int  result      = SHELL_OK;
    if (query->line.len > 0)
        take_line(query, strbuf_str(&query->line)); /* the last one has no newline */
    finish_grid(query);
    if (status == OK && reply->status != 200)
        return shell_fail_reply(query->shell, reply, body, query->place);
    if (query->ended == ENDED_ERROR)
        result = query->status;
    else if (status != OK && !interrupted) {
        query->ended = ENDED_BROKEN;
        result       = shell_fail_transport(query->shell, status, reply, err);
    } else if (!interrupted && !query->print && !query->closed && query->ended == ENDED_BY_SERVER) {
        query->ended = ENDED_BROKEN;
        result       = shell_fail(query->shell, query->place, "The server's reply broke off after %zu row(s)",
                                  query->rows);
    }
    if (query->header || (query->print && reply->status == 200))
        print_end(query, interrupted);
    return interrupted ? SHELL_INTERRUPTED : result;
}

int shell_run_query(Shell *shell, Str statement, const Place *place, bool print)
{
    StrBuf      request = {0}, body = {0};
    Error       err;
    ClientReply reply = {0};
    Query       query = {
              .shell = shell, .place = place, .print = print, .arena = arena_new(SIZE_MAX), .start_us = now_us()};
    ClientStream stream = {&query, on_data, on_tick};
    /* A pull query of a stream has an id like a push query's. What a variable holds is not known here. */
    query.may_be_endless = split_has_word(statement, "EMIT") || str_find(statement, STR_LIT("${"), 0) >= 0;
    shell_request(shell, statement, &request);
    if (print && shell->out.terminal && !shell->display.quiet)
        out_printf(&shell->out, "Press CTRL-C to interrupt\n");
    Status status =
        client_stream(shell->client, "/query", strbuf_str(&request), &stream, &body, &reply, &err);
    if (status == E_CANCELLED)
        interrupt_clear();
    int result = conclude(&query, status, &reply, strbuf_str(&body), &err);
    out_flush(&shell->out);
    mem_free(query.cells);
    strbuf_clear(&query.line);
    strbuf_clear(&request);
    strbuf_clear(&body);
    arena_free(query.arena);
    return result;
}
