/*
 * failure.c - telling what went wrong: one sentence, the place with a caret, the rest. On standard error.
 *
 * A server's message may begin with `line 1:8:`, or end with `At line 1, column 8.`, counted in the statement
 * it was sent; both are turned into one form, `line 1:8:` or the place in the user's file, in front of the
 * message.
 */
#include "core/caret.h"
#include "shell/session.h"
#include "core/width.h"

/* The number at *at; false when there is none. */
static bool read_number(Str text, size_t *at, unsigned *out)
{
    size_t begin = *at;
    *out         = 0;
    for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9' && *at - begin < 8; (*at)++)
        *out = *out * 10 + (unsigned)(text.ptr[*at] - '0');
    return *at > begin;
}

/* `line L:C: ` at the beginning of a message: a syntax error. It is cut off: the place is told in one way for
 * all. */
static Pos take_first_place(Str *message)
{
    Pos    pos = NO_POS;
    size_t at  = 5;
    if (!str_starts_with(*message, STR_LIT("line ")) || !read_number(*message, &at, &pos.line) ||
        at >= message->len || message->ptr[at++] != ':' || !read_number(*message, &at, &pos.col) ||
        at + 2 > message->len || message->ptr[at] != ':')
        return NO_POS;
    *message = str_trim(str_n(message->ptr + at + 1, message->len - at - 1));
    return pos;
}

/* `At line L, column C.` as a line of its own: Sluice's, behind a text of ksqlDB's that tells no place. What
 * stands behind it is a hint, and stays. */
static Pos take_last_place(Arena *arena, Str *message)
{
    Pos       pos   = NO_POS;
    ptrdiff_t found = str_find(*message, STR_LIT("\nAt line "), 0);
    size_t    at    = found < 0 ? 0 : (size_t)found + 9;
    Str       between;
    if (found < 0 || !read_number(*message, &at, &pos.line))
        return NO_POS;
    between = str_n(message->ptr + at, message->len - at);
    if (!str_starts_with(between, STR_LIT(", column ")))
        return NO_POS;
    at += 9;
    if (!read_number(*message, &at, &pos.col) || at >= message->len || message->ptr[at] != '.')
        return NO_POS;
    *message = str_printf(arena, STR_FMT STR_FMT, STR_ARG(str_n(message->ptr, (size_t)found)),
                          STR_ARG(str_n(message->ptr + at + 1, message->len - at - 1)));
    return pos;
}

/* The line of the statement with a mark under the place. ksqlDB counts columns from 1 where it names a token.
 */
static void print_caret(Shell *shell, const Place *place, Pos pos)
{
    StrBuf text = {0};
    if (caret_append(&text, str_n(place->text.ptr + place->start, place->text.len - place->start), pos))
        out_error(&shell->out, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
}

/* file:line:col: of a position in the statement. */
static void add_place(StrBuf *out, const Place *place, Pos pos)
{
    unsigned line, col;
    if (place == NULL || place->file == NULL) {
        if (pos.line > 0)
            strbuf_addf(out, "line %u:%u: ", pos.line, pos.col);
        return;
    }
    split_position(place->text, place->start, &line, &col);
    if (pos.line > 0) {
        col  = pos.line == 1 ? col + (pos.col > 0 ? pos.col - 1 : 0) : pos.col;
        line = line + pos.line - 1;
    }
    strbuf_addf(out, "%s:%u:%u: ", place->file, line, col);
}

/* Lines from "Caused by" on are for those who asked. */
static Str without_causes(Str message)
{
    ptrdiff_t cause = str_find(message, STR_LIT("\nCaused by"), 0);
    return cause >= 0 ? str_n(message.ptr, (size_t)cause) : message;
}

static void print_failure(Shell *shell, const Place *place, Str message, Str code)
{
    StrBuf text  = {0};
    Arena *arena = arena_new(SIZE_MAX);
    message      = str_trim(shell->verbose ? message : without_causes(message));
    Pos pos      = take_first_place(&message);
    if (pos.line == 0)
        pos = take_last_place(arena, &message);
    const char *end = memchr(message.ptr, '\n', message.len);
    size_t      len = end != NULL ? (size_t)(end - message.ptr) : message.len;
    add_place(&text, place, pos);
    strbuf_add(&text, str_n(message.ptr, len));
    if (code.len > 0)
        strbuf_addf(&text, " (" STR_FMT ")", STR_ARG(code));
    out_error(&shell->out, STR_FMT, STR_ARG(strbuf_str(&text)));
    if (place != NULL && pos.line > 0)
        print_caret(shell, place, pos);
    if (len < message.len)
        out_error(&shell->out, STR_FMT, (int)(message.len - len - 1), message.ptr + len + 1);
    strbuf_clear(&text);
    arena_free(arena);
}

int shell_fail_reply(Shell *shell, long status, Str body, const Place *place)
{
    Arena   *arena   = arena_new(SIZE_MAX);
    JsonText reply   = jtext_parse(body);
    Str      message = jtext_field(arena, reply, "message"), code = jtext_field(arena, reply, "error_code");
    JsonIter earlier = jtext_iter(jtext_get(reply, "entities"));
    JsonText entity;
    while (jtext_next(&earlier, NULL, &entity))
        shell_print_entity(shell, entity);
    if (message.len > 0)
        print_failure(shell, place, message, code);
    if (status == 401)
        out_error(&shell->out, "The server asks who you are, or does not know you: use -u and -p, or -t");
    else if (message.len == 0)
        out_error(&shell->out, "The server answered with HTTP status %ld: " STR_FMT, status,
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

int shell_fail(Shell *shell, const Place *place, const char *format, ...)
{
    Error   err;
    StrBuf  text = {0};
    va_list args;
    va_start(args, format);
    error_setv(&err, E_PLAN, NO_POS, format, args);
    va_end(args);
    add_place(&text, place, NO_POS);
    out_error(&shell->out, STR_FMT "%s", STR_ARG(strbuf_str(&text)), err.message);
    strbuf_clear(&text);
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
