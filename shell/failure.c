/*
 * failure.c - telling what went wrong: one sentence, the place with a caret, the rest. On standard error.
 *
 * How it looks is core's (complaint.h). A server tells the place in the statement it was sent; what people
 * see is the place in their file, or in what they typed.
 */
#include "core/complaint.h"
#include "core/width.h"
#include "shell/session.h"

/* Lines from "Caused by" on are for those who asked. */
static Str without_causes(Str message)
{
    ptrdiff_t cause = str_find(message, STR_LIT("\nCaused by"), 0);
    return cause >= 0 ? str_n(message.ptr, (size_t)cause) : message;
}

/* `pos` is counted in the statement; line 0: the message may tell it. */
static void print_failure(Shell *shell, const Place *place, Str message, Pos pos, Str code)
{
    StrBuf    text      = {0};
    Complaint complaint = {.message = shell->verbose ? message : without_causes(message),
                           .pos     = pos,
                           .code    = code,
                           .columns = out_error_columns(&shell->out)};
    if (place != NULL) {
        complaint.file         = place->file;
        complaint.text         = place->text;
        complaint.start        = place->start;
        complaint.lines_before = place->lines_before;
        if (place->reworded)
            complaint.pos = (Pos){1, 1};
    }
    complaint_append(&text, &complaint);
    out_error(&shell->out, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
}

int shell_fail_reply(Shell *shell, const ClientReply *answer, Str body, const Place *place)
{
    Arena   *arena   = arena_new(SIZE_MAX);
    JsonText reply   = jtext_parse(body);
    Str      message = jtext_field(arena, reply, "message"), code = jtext_field(arena, reply, "error_code");
    JsonIter earlier = jtext_iter(jtext_get(reply, "entities"));
    JsonText entity;
    while (jtext_next(&earlier, NULL, &entity))
        shell_print_entity(shell, entity);
    if (message.len > 0)
        print_failure(shell, place, message, answer->mistake, code);
    if (answer->status == 401)
        out_error(&shell->out, "The server asks who you are, or does not know you: use -u and -p, or -t");
    else if (message.len == 0)
        out_error(&shell->out, "The server answered with HTTP status %ld: " STR_FMT, answer->status,
                  STR_ARG(str_n(body.ptr, body.len < 300 ? body.len : 300)));
    arena_free(arena);
    return SHELL_FAILED;
}

int shell_fail_transport(Shell *shell, Status status, const ClientReply *reply, const Error *err)
{
    if (status == E_CANCELLED)
        return SHELL_INTERRUPTED;
    out_error(&shell->out, "%s", err->message);
    if (!reply->reached && shell->interactive)
        out_error(&shell->out,
                  "`server URL` names another one; statements are tried again when you enter them.");
    return reply->reached ? SHELL_FAILED : SHELL_UNREACHABLE;
}

static void fail_at(Shell *shell, const Place *place, Pos pos, const char *format, va_list args)
{
    Error err;
    error_setv(&err, E_PLAN, NO_POS, format, args);
    print_failure(shell, place, str_c(err.message), pos, STR_NULL);
}

int shell_fail(Shell *shell, const Place *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(shell, place, NO_POS, format, args);
    va_end(args);
    return SHELL_FAILED;
}

int shell_fail_statement(Shell *shell, const Place *place, size_t at, const char *format, ...)
{
    Place   there = {0};
    va_list args;
    va_start(args, format);
    if (place != NULL) {
        there = *place;
        there.start += at;
    }
    fail_at(shell, &there, place != NULL ? (Pos){1, 1} : NO_POS, format, args);
    va_end(args);
    return SHELL_FAILED;
}

int shell_fail_message(Shell *shell, const Place *place, Str message)
{
    print_failure(shell, place, message, NO_POS, STR_NULL);
    return SHELL_FAILED;
}

/* Quotes records, so it is made harmless. */
void shell_tell_news(const Shell *shell)
{
    StrBuf news  = {0};
    Arena *arena = arena_new(SIZE_MAX);
    if (shell->engine != NULL)
        shell->engine->news(shell->engine->context, &news);
    Str text = width_clean(arena, strbuf_str(&news));
    if (text.len > 0)
        fprintf(stderr, STR_FMT "\n", STR_ARG(text));
    arena_free(arena);
    strbuf_clear(&news);
}
