/*
 * statement.c - one statement: to the query endpoint, to the statement endpoint, or kept here (SET, DEFINE).
 */
#include "shell/session.h"

#include <inttypes.h>

#include "core/clock.h"
#include "core/suggest.h"
#include "core/value.h"
#include "shell/interrupt.h"

static void add_pairs(StrBuf *out, const char *field, const Pairs *pairs)
{
    strbuf_addf(out, ",\"%s\":{", field);
    for (size_t i = 0; i < pairs->count; i++) {
        strbuf_adds(out, i > 0 ? "," : "");
        jtext_add_string(out, str_c(pairs->items[i].name));
        strbuf_addc(out, ':');
        jtext_add_string(out, str_c(pairs->items[i].value));
    }
    strbuf_addc(out, '}');
}

static void add_token(StrBuf *out, const OffsetVector *written)
{
    StrBuf text = {0};
    if (offset_vector_is_empty(written))
        return;
    offset_vector_print(written, &text);
    strbuf_adds(out, ",\"requestProperties\":{\"request.ksql.query.pull.consistency.token\":");
    jtext_add_string(out, strbuf_str(&text));
    strbuf_addc(out, '}');
    strbuf_clear(&text);
}

void shell_request(const Shell *shell, Str statement, StrBuf *out)
{
    StrBuf text = {0};
    strbuf_add(&text, statement);
    strbuf_addc(&text, ';');
    strbuf_adds(out, "{\"ksql\":");
    jtext_add_string(out, strbuf_str(&text));
    add_pairs(out, "streamsProperties", &shell->properties);
    add_pairs(out, "sessionVariables", &shell->variables);
    if (!shell->pipelining && shell->last_command >= 0)
        strbuf_addf(out, ",\"commandSequenceNumber\":%" PRId64, shell->last_command);
    add_token(out, &shell->written);
    strbuf_addc(out, '}');
    strbuf_clear(&text);
}

/* ---- commands that are still being executed ---- */

static bool is_pending(Str status)
{
    return str_equal(status, STR_LIT("QUEUED")) || str_equal(status, STR_LIT("PARSING")) ||
           str_equal(status, STR_LIT("EXECUTING"));
}

static void add_escaped_path(StrBuf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c     = (unsigned char)text.ptr[i];
        bool          plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("/-_.~", c) != NULL);
        if (plain)
            strbuf_addc(out, (char)c);
        else
            strbuf_addf(out, "%%%02X", c);
    }
}

/* Asks until the command has come to its end; `body` then holds the status object. */
static int await_command(Shell *shell, Str command_id, StrBuf *body)
{
    StrBuf path   = {0};
    Arena *arena  = arena_new(0);
    int    result = SHELL_OK;
    strbuf_adds(&path, "/status/");
    add_escaped_path(&path, command_id);
    strbuf_addc(&path, '\0');
    for (;;) {
        Error       err;
        ClientReply reply  = {0};
        Status      status = client_call(shell->client, "GET", path.ptr, STR_NULL, body, &reply, &err);
        if (status != OK)
            result = shell_fail_transport(shell, status, &reply, &err);
        else if (reply.status != 200)
            result = shell_fail_reply(shell, &reply, strbuf_str(body), NULL);
        if (result != SHELL_OK || !is_pending(jtext_field(arena, jtext_parse(strbuf_str(body)), "status")))
            break;
        typed_pause(&shell->typed, 100);
    }
    strbuf_clear(&path);
    arena_free(arena);
    return result;
}

static int check_command(Shell *shell, JsonText entity, const Place *place, Arena *arena,
                         StrBuf *final_status)
{
    JsonText status = jtext_get(entity, "commandStatus");
    int64_t  number;
    if (int64_parse(jtext_field(arena, entity, "commandSequenceNumber"), &number))
        shell->last_command = number;
    if (is_pending(jtext_field(arena, status, "status"))) {
        int result = await_command(shell, jtext_field(arena, entity, "commandId"), final_status);
        if (result != SHELL_OK)
            return result;
        status = jtext_parse(strbuf_str(final_status));
    }
    if (!str_equal(jtext_field(arena, status, "status"), STR_LIT("ERROR")))
        return SHELL_OK;
    return shell_fail_message(shell, place, jtext_field(arena, status, "message"));
}

static int take_entities(Shell *shell, Str body, const Place *place)
{
    Arena   *arena        = arena_new(SIZE_MAX);
    StrBuf   final_status = {0};
    JsonText all          = jtext_parse(body), entity;
    JsonIter iter         = jtext_iter(all);
    int      result       = SHELL_OK;
    if (all.kind != JTEXT_ARRAY)
        result = shell_fail(shell, NULL, "The server's answer is no list of results");
    while (result == SHELL_OK && jtext_next(&iter, NULL, &entity)) {
        if (jtext_get(entity, "commandStatus").kind == JTEXT_OBJECT)
            result = check_command(shell, entity, place, arena, &final_status);
        if (result == SHELL_OK)
            shell_print_entity(shell, entity);
    }
    out_flush(&shell->out);
    strbuf_clear(&final_status);
    arena_free(arena);
    return result;
}

/* A token that cannot be read is another server's idea of one: then nothing is waited for. */
static void note_inserts(Shell *shell)
{
    Error        ignored;
    OffsetVector written = {0};
    if (offset_vector_parse(&written, client_token(shell->client), &ignored) == OK)
        offset_vector_merge(&shell->written, &written);
    offset_vector_clear(&written);
}

static int send_statement(Shell *shell, Str statement, const Place *place)
{
    StrBuf      request = {0}, body = {0};
    Error       err;
    ClientReply reply = {0};
    int         result;
    shell_request(shell, statement, &request);
    Status status = client_call(shell->client, "POST", "/ksql", strbuf_str(&request), &body, &reply, &err);
    if (status == E_CANCELLED)
        interrupt_clear();
    note_inserts(shell);
    if (status != OK)
        result = shell_fail_transport(shell, status, &reply, &err);
    else if (reply.status != 200)
        result = shell_fail_reply(shell, &reply, strbuf_str(&body), place);
    else {
        bool paged = shell->interactive && shell->pager && out_page_begin(&shell->out);
        result     = take_entities(shell, strbuf_str(&body), place);
        if (paged)
            out_page_end(&shell->out);
    }
    strbuf_clear(&request);
    strbuf_clear(&body);
    return result;
}

/* What changes what there is changes what completion knows. */
static void note_change(Shell *shell, Str first)
{
    static const char *const words[] = {"CREATE", "DROP", "ALTER", "TERMINATE", "INSERT", "ASSERT"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_equal(first, str_c(words[i])))
            names_refresh(shell->names, client_url(shell->client));
}

/* `name` is ${...} in the statement. */
static int refuse_variable(Shell *shell, const Place *place, Str statement, Str name)
{
    Error  err;
    Arena *arena = arena_new(0);
    Str   *known = ARENA_ARRAY(arena, Str, shell->variables.count + 1);
    for (size_t i = 0; i < shell->variables.count; i++)
        known[i] = str_c(shell->variables.items[i].name);
    error_set(&err, E_NOT_FOUND, NO_POS, "The variable " STR_FMT " is not defined (DEFINE name = 'value';)",
              STR_ARG(name));
    error_suggest(&err, str_n(name.ptr + 2, name.len - 3), known, shell->variables.count);
    arena_free(arena);
    return shell_fail_statement(shell, place, (size_t)(name.ptr - statement.ptr), "%s", err.message);
}

int shell_run_statement(Shell *shell, Str statement, const Place *place)
{
    int    result;
    Clock *clock    = clock_system();
    Arena *arena    = arena_new(0);
    shell->asked_us = clock->monotonic_us(clock);
    Str  first = split_word(arena, statement, 0), missing = shell_undefined_variable(shell, statement);
    bool select = str_equal(first, STR_LIT("SELECT")), print = str_equal(first, STR_LIT("PRINT"));
    if (statement.ptr != shell->last.ptr) {
        strbuf_reset(&shell->last);
        strbuf_add(&shell->last, statement);
    }
    if (missing.len > 0)
        result = refuse_variable(shell, place, statement, missing);
    else if (!shell_run_setting(shell, statement, place, &result))
        result = select || print ? shell_run_query(shell, statement, place, print)
                                 : send_statement(shell, statement, place);
    note_change(shell, first);
    arena_free(arena);
    return result;
}
