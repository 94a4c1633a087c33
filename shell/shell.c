/*
 * shell.c - from the command line to the prompt: where the server is, what to run, how to leave.
 *
 * What is typed at a terminal is a session; -e, -f and anything else on standard input is a script: quiet,
 * stopped by its first error, with an exit status.
 */
#include "shell/shell.h"

#include <errno.h>
#include <locale.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "shell/interrupt.h"
#include "shell/session.h"

static int connect_shell(Shell *shell, const ShellOptions *options, const ShellEngine *engine)
{
    Error       err;
    StrBuf      url    = {0};
    const char *target = options->target != NULL ? options->target : getenv("SLUICE_URL");
    Status      status = OK;
    if (target != NULL && (target[0] == '\0' || shell_is_url(target)))
        strbuf_adds(&url, target);
    else if (engine == NULL)
        strbuf_adds(&url, "http://localhost:8088");
    else if ((status = engine->start(engine->context, target, &url, &err)) == OK)
        shell->engine = engine;
    if (status == OK)
        status = client_set_url(shell->client, strbuf_str(&url), &err);
    strbuf_clear(&url);
    if (status == OK)
        return SHELL_OK;
    fprintf(stderr, "sluice sql: %s\n", err.message);
    return status == E_CONFIG ? SHELL_USAGE : SHELL_UNREACHABLE;
}

/* A prompt without echo. False: Ctrl-C, or there is nothing to read. */
static bool ask_password(Shell *shell, char *buffer, int size)
{
    struct termios before, silent;
    if (shell->auth.user == NULL || shell->auth.password != NULL || !isatty(STDIN_FILENO) ||
        tcgetattr(STDIN_FILENO, &before) != 0)
        return true;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); /* before it is asked for: nobody types too early */
    fprintf(stderr, "Password for %s: ", shell->auth.user);
    while (!interrupt_wait_readable(STDIN_FILENO) && !interrupt_pending())
        ;
    bool read = !interrupt_pending() && fgets(buffer, size, stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    buffer[read ? strcspn(buffer, "\n") : 0] = '\0';
    shell->auth.password                     = buffer;
    return read;
}

/* ---- files of the user ---- */

/* $XDG_CONFIG_HOME/sluice/NAME, made as needed. False: there is no home. */
static bool user_file(StrBuf *path, const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config != NULL && config[0] == '/')
        strbuf_adds(path, config);
    else if (home != NULL && home[0] == '/')
        strbuf_addf(path, "%s/.config", home);
    else
        return false;
    strbuf_addf(path, "/sluice/%s", name);
    strbuf_addc(path, '\0');
    return true;
}

/* The folder of a path and the one above, when missing; failing to is seen when the file is written. */
static void make_folder(const char *path)
{
    char *copy = mem_strdup(path), *slash = strrchr(copy, '/');
    *slash = '\0';
    if (mkdir(copy, 0700) != 0 && (slash = strrchr(copy, '/')) != NULL && slash != copy) {
        *slash = '\0';
        mkdir(copy, 0700);
        *slash = '/';
        mkdir(copy, 0700);
    }
    mem_free(copy);
}

static void run_startup_file(Shell *shell)
{
    StrBuf path = {0};
    if (user_file(&path, "sqlrc") && access(path.ptr, R_OK) == 0) {
        bool quiet           = shell->display.quiet;
        shell->display.quiet = true;
        shell_run_file(shell, path.ptr);
        shell->display.quiet = quiet;
    }
    strbuf_clear(&path);
}

/* ---- running ---- */

static int run_session(Shell *shell)
{
    StrBuf history = {0};
    if (!shell->display.quiet) {
        out_printf(&shell->out, "Sluice %s. `help` lists commands, Ctrl-D leaves.\n", SLUICE_VERSION);
        shell_print_banner(shell);
        out_flush(&shell->out);
    }
    interrupt_clear();
    bool kept = user_file(&history, "history");
    if (kept)
        make_folder(history.ptr);
    shell->names = names_open(client_url(shell->client), &shell->auth);
    int status   = shell_interactive(shell, kept ? history.ptr : NULL);
    names_close(shell->names);
    shell->names = NULL;
    strbuf_clear(&history);
    return status;
}

static int run_tasks(Shell *shell, const ShellOptions *options)
{
    int worst = SHELL_OK;
    for (size_t i = 0; i < options->task_count && !shell->wants_exit; i++) {
        size_t      count  = 0;
        const char *text   = options->tasks[i].text;
        Place       typed  = {.text = str_c(text)};
        int         status = options->tasks[i].file ? shell_run_file(shell, text)
                                                    : shell_run_text(shell, &typed, true, &count);
        worst              = status != SHELL_OK ? status : worst;
        if (status == SHELL_INTERRUPTED || status == SHELL_UNREACHABLE ||
            (status != SHELL_OK && shell->stop_on_error))
            break;
    }
    return worst;
}

static int run(Shell *shell, const ShellOptions *options)
{
    if (!options->no_startup)
        run_startup_file(shell);
    if (shell->interactive)
        return run_session(shell);
    if (options->task_count > 0)
        return run_tasks(shell, options);
    return shell_run_file(shell, "-");
}

static void shell_clear(Shell *shell)
{
    out_clear(&shell->out);
    client_free(shell->client);
    pairs_clear(&shell->properties);
    pairs_clear(&shell->variables);
    strbuf_clear(&shell->last);
    typed_clear(&shell->typed);
    mem_free(shell->null_text);
    offset_vector_clear(&shell->written);
}

static void keep_typed(void *typed) { typed_keep(typed); }

static void set_locale(void)
{
    const char *locale = setlocale(LC_CTYPE, "");
    if (locale == NULL || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        setlocale(LC_CTYPE, "C.UTF-8"); /* the server speaks UTF-8 in any case */
}

int shell_main(int argc, char **argv, const ShellEngine *engine)
{
    ShellOptions options;
    char         password[256];
    Error        err;
    Shell shell = {.stop_on_error = true, .pager = true, .last_command = -1, .variables = {.nocase = true}};
    out_init(&shell.out, getenv("NO_COLOR") == NULL);
    int status = shell_options_parse(&options, &shell, argc, argv);
    if (status == SHELL_OK && options.help && engine != NULL)
        engine->help();
    if (status != SHELL_OK || options.help) {
        shell_options_clear(&options);
        shell_clear(&shell);
        return status;
    }
    set_locale();
    shell.interactive = options.task_count == 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    interrupt_install(isatty(STDIN_FILENO) != 0);
    shell.out.color = shell.out.color && !options.no_color;
    shell.client    = client_new(&shell.auth);
    client_while_waiting(shell.client, keep_typed, &shell.typed);
    if (options.output_path != NULL && out_open(&shell.out, options.output_path, &err) != OK) {
        fprintf(stderr, "sluice sql: %s\n", err.message);
        status = SHELL_USAGE;
    }
    if (status == SHELL_OK && !ask_password(&shell, password, sizeof password))
        status = SHELL_INTERRUPTED;
    if (status == SHELL_OK)
        status = connect_shell(&shell, &options, engine);
    if (status == SHELL_OK)
        status = run(&shell, &options);
    if (interrupt_pending() && status == SHELL_OK && !shell.interactive)
        status = SHELL_INTERRUPTED;
    out_flush(&shell.out);
    if (shell.out.failed && shell.out.why != EPIPE && status == SHELL_OK)
        status = shell_fail(&shell, NULL, "cannot write the results: %s", strerror(shell.out.why));
    shell_clear(&shell);
    shell_options_clear(&options);
    if (engine != NULL)
        engine->stop(engine->context);
    shell_tell_news(&shell);
    return status;
}
