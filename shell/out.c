/*
 * out.c - where results go; see out.h.
 */
#include "shell/out.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/width.h"
#include "shell/interrupt.h"
#include "shell/terminal.h"

void out_init(Out *out, bool color)
{
    bool terminal = isatty(STDOUT_FILENO) != 0, errors = isatty(STDERR_FILENO) != 0;
    bool escapes = (terminal || errors) && terminal_takes_escapes();
    *out         = (Out){.file     = stdout,
                         .terminal = terminal,
                         .escapes  = escapes,
                         .color    = color && escapes,
                         .errors   = errors};
}

/* The first failure is the one to tell. */
static void note_failure(Out *out)
{
    out->why    = out->failed ? out->why : errno;
    out->failed = true;
}

static void close_file(Out *out)
{
    if (out->file != stdout && fclose(out->file) != 0)
        note_failure(out);
}

void out_clear(Out *out)
{
    out_flush(out);
    close_file(out);
    if (out->spool != NULL)
        fclose(out->spool);
    *out = (Out){0};
}

Status out_open(Out *out, const char *path, Error *err)
{
    FILE *file = path != NULL ? fopen(path, "we") : stdout;
    if (file == NULL)
        return error_set(err, E_IO, NO_POS, "cannot write %s: %s", path, strerror(errno));
    close_file(out);
    out->failed   = false;
    out->file     = file;
    out->terminal = path == NULL && isatty(STDOUT_FILENO) != 0;
    return OK;
}

Status out_spool(Out *out, const char *path, Error *err)
{
    FILE *file = path != NULL ? fopen(path, "we") : NULL;
    if (path != NULL && file == NULL)
        return error_set(err, E_IO, NO_POS, "cannot write %s: %s", path, strerror(errno));
    if (out->spool != NULL)
        fclose(out->spool);
    out->spool = file;
    return OK;
}

/* A copy of the session has no colour codes: ESC [ ... m. */
static void write_plain(FILE *file, Str text)
{
    for (size_t at = 0; at < text.len;) {
        const char *escape = memchr(text.ptr + at, '\033', text.len - at);
        size_t      to = escape != NULL ? (size_t)(escape - text.ptr) : text.len, end = to + 2;
        fwrite(text.ptr + at, 1, to - at, file);
        while (end < text.len && (text.ptr[end] == ';' || (text.ptr[end] >= '0' && text.ptr[end] <= '9')))
            end++;
        if (to < text.len && (end >= text.len || text.ptr[end] != 'm' || text.ptr[to + 1] != '[')) {
            fputc('\033', file); /* another one, of a record */
            end = to;
        }
        at = to < text.len ? end + 1 : to;
    }
}

bool out_paints(const Out *out) { return out->color && out->terminal; }

void out_write(Out *out, Str text)
{
    if (text.len == 0)
        return;
    if (fwrite(text.ptr, 1, text.len, out->file) != text.len)
        note_failure(out);
    if (out->spool != NULL)
        write_plain(out->spool, text);
}

static void format(StrBuf *text, const char *pattern, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, pattern, again);
    va_end(again);
    if (len < 0)
        return;
    strbuf_reserve(text, (size_t)len + 1);
    vsnprintf(text->ptr, (size_t)len + 1, pattern, args);
    text->len = (size_t)len;
}

void out_printf(Out *out, const char *pattern, ...)
{
    StrBuf  text = {0};
    va_list args;
    va_start(args, pattern);
    format(&text, pattern, args);
    va_end(args);
    out_write(out, strbuf_str(&text));
    strbuf_clear(&text);
}

void out_flush(Out *out)
{
    if (fflush(out->file) != 0)
        note_failure(out);
    if (out->spool != NULL)
        fflush(out->spool);
}

void out_error(Out *out, const char *pattern, ...)
{
    StrBuf  text = {0};
    va_list args;
    out_flush(out); /* what came before stands before */
    va_start(args, pattern);
    format(&text, pattern, args);
    va_end(args);
    if (out->color && out->errors)
        fprintf(stderr, "\033[31m" STR_FMT "\033[0m\n", STR_ARG(strbuf_str(&text)));
    else
        fprintf(stderr, STR_FMT "\n", STR_ARG(strbuf_str(&text)));
    if (out->spool != NULL)
        fprintf(out->spool, STR_FMT "\n", STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
}

/* ---- pages ---- */

bool out_page_begin(Out *out)
{
    if (!out->terminal || out->screen != NULL)
        return false;
    FILE *kept = open_memstream(&out->page, &out->page_len);
    if (kept == NULL)
        return false;
    out->screen = out->file;
    out->file   = kept;
    return true;
}

/* Behind the colour that begins here, ESC [ ... m; or `at`. */
static size_t skip_colour(Str text, size_t at)
{
    const char *end =
        at < text.len && text.ptr[at] == '\033' ? memchr(text.ptr + at, 'm', text.len - at) : NULL;
    return end != NULL ? (size_t)(end - text.ptr) + 1 : at;
}

/* Of the screen: a long line of a statement's text takes several. */
static size_t count_lines(Str text, size_t columns)
{
    size_t lines = 0, width = 0;
    for (size_t at = 0, behind; at < text.len;) {
        if ((behind = skip_colour(text, at)) > at) {
            at = behind;
            continue;
        }
        uint32_t c = utf8_next(text, &at);
        if (c != '\n') {
            width += (size_t)width_of(c);
            continue;
        }
        lines += width > columns ? (width + columns - 1) / columns : 1;
        width = 0;
    }
    return lines;
}

/* False: there is no pager. */
static bool show_in_pager(Str text)
{
    const char *pager = getenv("PAGER");
    interrupt_lend_terminal();
    FILE *pipe = popen(pager != NULL && pager[0] != '\0' ? pager : "less -S -R", "we");
    if (pipe == NULL) {
        interrupt_take_terminal();
        return false;
    }
    fwrite(text.ptr, 1, text.len, pipe); /* a pager that is left early takes no more: nobody wants the rest */
    int status = pclose(pipe);
    interrupt_take_terminal();
    interrupt_clear(); /* Ctrl-C in it was meant for it */
    return status != -1 && !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

void out_page_end(Out *out)
{
    fclose(out->file);
    out->file   = out->screen;
    out->screen = NULL;
    Str text    = str_n(out->page, out->page_len);
    if (count_lines(text, out_columns(out)) < out_lines(out) || !show_in_pager(text))
        if (fwrite(text.ptr, 1, text.len, out->file) != text.len)
            note_failure(out);
    free(out->page); /* open_memstream's */
    out->page = NULL;
    out_flush(out);
}

static struct winsize window(const Out *out)
{
    struct winsize size = {0};
    if (!out->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return (struct winsize){0};
    return size;
}

/* A terminal that does not know its size is taken for 80 by 24. */
size_t out_columns(const Out *out)
{
    size_t columns = window(out).ws_col;
    return !out->terminal ? 0 : columns > 0 ? columns : 80;
}

/* Messages for people go to standard error, which may be another terminal, or none. */
size_t out_error_columns(const Out *out)
{
    struct winsize size = {0};
    if (!out->errors || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

size_t out_lines(const Out *out)
{
    size_t lines = window(out).ws_row;
    return !out->terminal ? 0 : lines > 0 ? lines : 24;
}
