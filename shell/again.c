/*
 * again.c - the last statement once more: \\g runs it, \\e takes it to an editor first, \\watch repeats it
 * and shows what changed.
 */
#include "shell/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/value.h"
#include "shell/interrupt.h"

enum { WATCH_LEAST_MS = 100, WATCH_DEFAULT_MS = 2000 };

static int nothing(Shell *shell)
{
    out_error(&shell->out, "There is no statement yet");
    return SHELL_FAILED;
}

/* A copy: running it writes it down again. */
static int run_last(Shell *shell)
{
    Arena *arena  = arena_new(SIZE_MAX);
    Str    text   = str_dup(arena, strbuf_str(&shell->last));
    Place  place  = {.text = text};
    int    status = shell_run_statement(shell, text, &place);
    arena_free(arena);
    return status;
}

/* ---- \\g ---- */

int shell_run_again(Shell *shell, Str path)
{
    Error  err;
    Arena *arena;
    if (shell->last.len == 0)
        return nothing(shell);
    if (path.len == 0)
        return run_last(shell);
    Out before = shell->out;
    arena      = arena_new(0);
    out_flush(&shell->out);
    shell->out.file = stdout; /* out_open closes any other, and that one is needed again */
    int status      = SHELL_FAILED;
    if (out_open(&shell->out, str_to_c(arena, path), &err) != OK)
        out_error(&before, "%s", err.message);
    else
        status = run_last(shell);
    if (shell->out.file != stdout && fclose(shell->out.file) != 0) {
        out_error(&before, "cannot write " STR_FMT ": %s", STR_ARG(path), strerror(errno));
        status = SHELL_FAILED;
    }
    shell->out = before;
    arena_free(arena);
    return status;
}

/* ---- \\e ---- */

static const char *editor(void)
{
    static const char *const variables[] = {"SLUICE_EDITOR", "VISUAL", "EDITOR"};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return "vi";
}

/* The file's name goes to the editor as an argument of its own, whatever is in it. */
static bool run_editor(const char *path)
{
    int status;
    interrupt_lend_terminal();
    pid_t child = fork();
    if (child == 0) {
        char *command = mem_calloc(1, strlen(editor()) + sizeof " \"$1\"");
        memcpy(command, editor(), strlen(editor()));
        memcpy(command + strlen(editor()), " \"$1\"", sizeof " \"$1\"");
        interrupt_restore();
        execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            break;
    interrupt_take_terminal();
    interrupt_clear();
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_all(int fd, Str text)
{
    while (text.len > 0) {
        ssize_t wrote = write(fd, text.ptr, text.len);
        if (wrote < 0 && errno != EINTR)
            return false;
        text = wrote > 0 ? str_n(text.ptr + wrote, text.len - (size_t)wrote) : text;
    }
    return true;
}

static bool read_all(const char *path, StrBuf *out)
{
    FILE  *file = fopen(path, "re");
    size_t got  = 1;
    while (file != NULL && got > 0) {
        strbuf_reserve(out, 4096);
        got = fread(out->ptr + out->len, 1, 4096, file);
        out->len += got;
    }
    bool good = file != NULL && ferror(file) == 0;
    if (file != NULL)
        fclose(file);
    return good;
}

int shell_run_edit(Shell *shell)
{
    char        path[] = "/tmp/sluice-edit-XXXXXX.sql";
    int         fd = mkstemps(path, 4), status = SHELL_FAILED;
    StrBuf      text      = {0};
    Str         statement = strbuf_str(&shell->last);
    size_t      count     = 0;
    const char *semicolon = statement.len > 0 && statement.ptr[statement.len - 1] != ';' ? ";\n" : "\n";
    if (fd < 0)
        return shell_fail(shell, NULL, "cannot write a file in /tmp: %s", strerror(errno));
    bool written = write_all(fd, statement) && write_all(fd, str_c(semicolon));
    written      = close(fd) == 0 && written;
    if (!written)
        shell_fail(shell, NULL, "cannot write %s: %s", path, strerror(errno));
    else if (!run_editor(path))
        shell_fail(shell, NULL,
                   "the editor (%s) failed; nothing is run. \\e takes $SLUICE_EDITOR, $VISUAL or $EDITOR",
                   editor());
    else if (!read_all(path, &text))
        shell_fail(shell, NULL, "cannot read %s: %s", path, strerror(errno));
    else {
        out_write(&shell->out, strbuf_str(&text));
        Place edited = {.text = strbuf_str(&text)};
        status       = shell_run_text(shell, &edited, true, &count);
    }
    unlink(path);
    strbuf_clear(&text);
    return status;
}

/* ---- \\watch ---- */

/* Lines of a text that are not among those of `before` at the same place are painted; elsewhere they are
 * marked. */
static void show_changes(Out *out, Str before, Str now)
{
    while (now.len > 0) {
        const char *end  = memchr(now.ptr, '\n', now.len);
        size_t      len  = end != NULL ? (size_t)(end - now.ptr) : now.len;
        const char *old  = memchr(before.ptr != NULL ? before.ptr : "", '\n', before.len);
        size_t      was  = old != NULL ? (size_t)(old - before.ptr) : before.len;
        Str         line = str_n(now.ptr, len), then = str_n(before.ptr, was);
        bool        same = str_is_null(before) || str_equal(line, then);
        if (same)
            out_printf(out, STR_FMT "\n", STR_ARG(line));
        else
            out_printf(out, out_paints(out) ? "\033[7m" STR_FMT "\033[0m\n" : STR_FMT " *\n", STR_ARG(line));
        size_t behind = len + (end != NULL), behind_old = was + (old != NULL);
        now    = str_n(now.ptr + behind, now.len - behind);
        before = str_is_null(before) ? before : str_n(before.ptr + behind_old, before.len - behind_old);
    }
}

/* What the statement prints, as text. */
static int capture(Shell *shell, char **text, size_t *len)
{
    FILE *file = open_memstream(text, len), *before = shell->out.file;
    if (file == NULL)
        return shell_fail(shell, NULL, "%s", strerror(errno));
    bool quiet           = shell->display.quiet;
    shell->out.file      = file;
    shell->display.quiet = true; /* times would change each time */
    int status           = run_last(shell);
    shell->display.quiet = quiet;
    shell->out.file      = before;
    fclose(file);
    return status;
}

static void print_watch_head(Shell *shell, int64_t every_ms)
{
    char      stamp[32] = "";
    Clock    *clock     = clock_system();
    time_t    seconds   = (time_t)(clock->now_ms(clock) / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S UTC", &parts);
    if (shell->out.terminal && shell->out.escapes)
        out_printf(&shell->out, "\033[H\033[2J");
    out_printf(&shell->out, "Every %.1f s: " STR_FMT "    %s\n\n", (double)every_ms / 1000,
               STR_ARG(strbuf_str(&shell->last)), stamp);
}

/* SECONDS and TIMES, both optional. */
static bool read_watch(Str rest, int64_t *every_ms, int64_t *times)
{
    Arena *arena = arena_new(0);
    Str    first = split_word(arena, rest, 0), second = split_word(arena, rest, 1);
    char  *end    = NULL;
    double number = first.len > 0 ? strtod(str_to_c(arena, first), &end) : WATCH_DEFAULT_MS / 1000.0;
    bool   good   = (end == NULL || *end == '\0') && number >= WATCH_LEAST_MS / 1000.0 && number <= 86400;
    *every_ms     = good ? (int64_t)(number * 1000) : 0;
    *times        = INT64_MAX;
    if (second.len > 0)
        good = good && int64_parse(second, times) && *times > 0;
    arena_free(arena);
    return good;
}

/* Rows of one run are compared with those of the next: it must come to an end. */
static bool is_endless(Str statement)
{
    Arena *arena   = arena_new(0);
    Str    first   = split_word(arena, statement, 0);
    bool   endless = str_equal(first, STR_LIT("SELECT")) ? split_has_word(statement, "EMIT")
                                                         : str_equal(first, STR_LIT("PRINT"));
    arena_free(arena);
    return endless;
}

int shell_run_watch(Shell *shell, Str rest)
{
    int64_t every_ms, times;
    char   *before = NULL, *now = NULL;
    size_t  before_len = 0, now_len = 0;
    int     status = SHELL_OK;
    if (!read_watch(rest, &every_ms, &times)) {
        out_error(&shell->out, "usage: \\watch [SECONDS [TIMES]], 0.1 seconds at least");
        return SHELL_FAILED;
    }
    if (shell->last.len == 0)
        return nothing(shell);
    if (is_endless(strbuf_str(&shell->last)))
        return shell_fail(shell, NULL,
                          "\\watch repeats statements that end; this one shows changes by itself");
    for (int64_t i = 0; i < times && status == SHELL_OK; i++) {
        if (i > 0 && !typed_pause(&shell->typed, every_ms))
            break;
        status = capture(shell, &now, &now_len);
        if (status == SHELL_OK) {
            print_watch_head(shell, every_ms);
            show_changes(&shell->out, before != NULL ? str_n(before, before_len) : STR_NULL,
                         str_n(now, now_len));
            out_flush(&shell->out);
        }
        free(before); /* open_memstream's */
        before     = now;
        before_len = now_len;
        now        = NULL;
    }
    free(before);
    bool stopped = interrupt_pending() && !interrupt_leave();
    if (stopped)
        interrupt_clear();
    return stopped ? SHELL_OK : status; /* Ctrl-C is how one leaves */
}
