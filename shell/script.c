/*
 * script.c - running text of several statements: what was typed, -e, -f, RUN SCRIPT and pipes are one thing.
 *
 * Text that comes in pieces (a pipe, a terminal) is run as far as it is complete; what is left over waits for
 * the next piece.
 */
#include "shell/session.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/width.h"
#include "shell/interrupt.h"

enum { PIECE = 64 * 1024, SCRIPT_DEPTH_MAX = 20 };

/* The first byte that is no UTF-8; the length, if there is none. */
static size_t find_malformed(Str text)
{
    for (size_t at = 0, next; at < text.len; at = next) {
        next = at;
        utf8_next(text, &next);
        if (!utf8_valid(str_n(text.ptr + at, next - at)))
            return at;
    }
    return text.len;
}

static int run_one(Shell *shell, const Split *split, const Place *place)
{
    if (!utf8_valid(split->text))
        return shell_fail_statement(shell, place, find_malformed(split->text),
                                    "This is no UTF-8 text: the file has another encoding, or is no text");
    Clock  *clock  = clock_system();
    int64_t start  = clock->monotonic_us(clock);
    int     status = split->command ? shell_run_command(shell, split->text)
                                    : shell_run_statement(shell, split->text, place);
    if (shell->display.timing && !split->command)
        out_printf(&shell->out, "Time: %.1f ms\n", (double)(clock->monotonic_us(clock) - start) / 1000);
    return status;
}

/* Results that are lost are a failure, but where nobody wants them (`| head`). At a prompt the next ones go
 * to the terminal again. */
static int check_output(Shell *shell, int status)
{
    Error ignored; /* the terminal is there */
    if (!shell->out.failed || shell->out.why == EPIPE)
        return status;
    shell_fail(shell, NULL, "cannot write the results: %s", strerror(shell->out.why));
    if (shell->interactive)
        (void)out_open(&shell->out, NULL, &ignored);
    return SHELL_FAILED;
}

/* In a script the first failure is the last statement, unless the user wants to go on. */
static bool must_stop(const Shell *shell, int status)
{
    if (shell->wants_exit || interrupt_leave() || shell->out.failed)
        return true;
    if (status == SHELL_OK)
        return false;
    return status == SHELL_INTERRUPTED || status == SHELL_UNREACHABLE || shell->stop_on_error ||
           shell->interactive;
}

/* Which statement of a file comes now, for people: its place and how it begins. */
static void tell_progress(Shell *shell, const Place *place, unsigned line, Str statement)
{
    StrBuf text   = {0};
    Arena *arena  = arena_new(SIZE_MAX);
    bool   paints = out_paints(&shell->out);
    if (place->file != NULL && shell->out.terminal && !shell->display.quiet) {
        const char *end = memchr(statement.ptr, '\n', statement.len);
        Str first = str_trim(end != NULL ? str_n(statement.ptr, (size_t)(end - statement.ptr)) : statement);
        size_t columns = out_columns(&shell->out), fits;
        strbuf_addf(&text, "%s:%u: " STR_FMT, place->file, place->lines_before + line,
                    STR_ARG(width_clean(arena, first)));
        fits     = width_prefix(strbuf_str(&text), columns > 2 ? columns - 2 : 0);
        bool cut = fits < text.len || end != NULL;
        out_printf(&shell->out, "%s%.*s%s%s\n", paints ? "\033[2m" : "", (int)fits, text.ptr, cut ? "…" : "",
                   paints ? "\033[0m" : "");
    }
    arena_free(arena);
    strbuf_clear(&text);
}

int shell_run_text(Shell *shell, Place *input, bool last, size_t *count)
{
    int      worst = SHELL_OK;
    unsigned line  = 1; /* of byte `told` */
    size_t   told  = 0;
    Split    split;
    while (split_next(input->text, input->start, last, shell_is_command, &split)) {
        Place place = *input;
        for (; told < split.start; told++)
            line += input->text.ptr[told] == '\n';
        tell_progress(shell, &place, line, split.text);
        place.start  = split.start;
        int status   = check_output(shell, run_one(shell, &split, &place));
        input->start = split.end;
        (*count)++;
        worst = status != SHELL_OK ? status : worst;
        if (must_stop(shell, status))
            break;
    }
    return worst;
}

/* Lets go of the lines that are done, but for the last: columns are counted from where it begins. */
static void drop_done(StrBuf *text, Place *input)
{
    size_t done = input->start;
    while (done > 0 && text->ptr[done - 1] != '\n')
        done--;
    for (size_t i = 0; i < done; i++)
        input->lines_before += text->ptr[i] == '\n';
    memmove(text->ptr, text->ptr + done, text->len - done);
    text->len -= done;
    input->start -= done;
}

/* Statements as they come, so that a pipe that stays open is no reason to wait. */
static int run_descriptor(Shell *shell, int fd, const char *name, size_t *count)
{
    StrBuf text  = {0};
    Place  input = {.file = name};
    int    worst = SHELL_OK;
    bool   last  = false;
    while (!last) {
        strbuf_reserve(&text, PIECE);
        ssize_t got = read(fd, text.ptr + text.len, PIECE);
        if (got < 0 && errno == EINTR && !interrupt_pending())
            continue;
        if (got < 0) {
            worst = interrupt_pending()
                        ? SHELL_INTERRUPTED
                        : shell_fail(shell, NULL, "cannot read %s: %s", name, strerror(errno));
            break;
        }
        last = got == 0;
        text.len += (size_t)got;
        input.text = strbuf_str(&text);
        int status = shell_run_text(shell, &input, last, count);
        drop_done(&text, &input);
        worst = status != SHELL_OK ? status : worst;
        if (must_stop(shell, status))
            break;
    }
    strbuf_clear(&text);
    return worst;
}

/* A file is read whole: then places in messages are right. */
static int run_regular(Shell *shell, int fd, const char *path, size_t *count)
{
    StrBuf  text  = {0};
    Place   input = {.file = path};
    ssize_t got;
    do {
        strbuf_reserve(&text, PIECE);
        got = read(fd, text.ptr + text.len, PIECE);
        text.len += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    input.text = strbuf_str(&text);
    int status = got < 0 ? shell_fail(shell, NULL, "cannot read %s: %s", path, strerror(errno))
                         : shell_run_text(shell, &input, true, count);
    strbuf_clear(&text);
    return status;
}

int shell_run_file(Shell *shell, const char *path)
{
    size_t count = 0;
    int    status;
    if (strcmp(path, "-") == 0 && shell->interactive)
        return shell_fail(shell, NULL, "Standard input is what you type; paste the statements here");
    if (strcmp(path, "-") == 0)
        return run_descriptor(shell, STDIN_FILENO, "(standard input)", &count);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return shell_fail(shell, NULL, "cannot read %s: %s", path, strerror(errno));
    if (shell->depth >= SCRIPT_DEPTH_MAX) {
        close(fd);
        return shell_fail(shell, NULL, "%s: scripts run scripts more than %d deep", path, SCRIPT_DEPTH_MAX);
    }
    bool interactive   = shell->interactive;
    shell->interactive = false; /* an error stops the script */
    shell->depth++;
    status = run_regular(shell, fd, path, &count);
    shell->depth--;
    shell->interactive = interactive;
    close(fd);
    if (shell->out.terminal && !shell->display.quiet)
        out_printf(&shell->out, "%s: %zu statement%s run%s\n", path, count, count == 1 ? "" : "s",
                   status == SHELL_OK ? "" : ", with errors");
    return status;
}
