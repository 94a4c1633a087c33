/*
 * options.c - the command line (options.def) and the client's configuration file; ksqlDB's names where it has
 * them.
 */
#include "shell/session.h"

#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>

#include "core/suggest.h"
#include "core/value.h"

/* Letters stand for themselves; what has none gets a number beyond them. */
enum {
#define SHELL_OPTION(id, letter, name, argument, words, help) OPTION_##id,
#include "shell/options.def"
#undef SHELL_OPTION
    OPTION_COUNT
};

typedef struct {
    char        letter;
    const char *name, *argument;
} OptionRow;

static const OptionRow rows[OPTION_COUNT] = {
#define SHELL_OPTION(id, letter, name, argument, words, help) {letter, name, argument},
#include "shell/options.def"
#undef SHELL_OPTION
};

enum { BEYOND_LETTERS = 256 };

/* getopt's two tables, from the rows. `letters` has room for a colon and two characters a row. */
static void make_getopt(struct option *longs, char *letters)
{
    size_t count = 0, len = 0;
    letters[len++] = ':'; /* we say ourselves what is wrong */
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (rows[i].letter != 0) {
            letters[len++] = rows[i].letter;
            if (rows[i].argument != NULL)
                letters[len++] = ':';
        }
        if (rows[i].name != NULL)
            longs[count++] =
                (struct option){rows[i].name, rows[i].argument != NULL ? required_argument : no_argument,
                                NULL, BEYOND_LETTERS + i};
    }
    letters[len] = '\0';
    longs[count] = (struct option){0};
}

/* The row of what getopt_long answered; OPTION_COUNT: it has complained. */
static int row_of(int answer)
{
    if (answer >= BEYOND_LETTERS)
        return answer - BEYOND_LETTERS;
    for (int i = 0; i < OPTION_COUNT; i++)
        if (rows[i].letter != 0 && rows[i].letter == answer)
            return i;
    return OPTION_COUNT;
}

static int bad(const char *format, const char *what)
{
    fputs("sluice sql: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
    return SHELL_USAGE;
}

static int refuse_option(const char *option)
{
    Error  err;
    size_t count = 0;
    Arena *arena = arena_new(0);
    Str    names[OPTION_COUNT];
    for (int i = 0; i < OPTION_COUNT; i++)
        if (rows[i].name != NULL)
            names[count++] = str_printf(arena, "--%s", rows[i].name);
    error_set(&err, E_CONFIG, NO_POS, "there is no option %s", option);
    error_suggest(&err, str_n(option, strcspn(option, "=")), names, count);
    error_append(&err, "\n`sluice sql --help` lists the options");
    arena_free(arena);
    return bad("%s", err.message);
}

static int add_task(ShellOptions *options, bool file, const char *text)
{
    options->tasks = mem_realloc(options->tasks, (options->task_count + 1) * sizeof *options->tasks);
    options->tasks[options->task_count++] = (ShellTask){file, text};
    return SHELL_OK;
}

static int read_count(const char *text, int64_t *out)
{
    return int64_parse(str_c(text), out) && *out > 0 ? SHELL_OK : bad("'%s' is no number above 0", text);
}

static int add_variable(Shell *shell, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return bad("-d takes NAME=VALUE, not '%s'", text);
    pairs_set(&shell->variables, str_n(text, (size_t)(equals - text)), str_c(equals + 1));
    return SHELL_OK;
}

static int take_option(ShellOptions *options, Shell *shell, int option, const char *value)
{
    switch (option) {
    case OPTION_EXECUTE:
    case OPTION_FILE:
        return add_task(options, option == OPTION_FILE, value);
    case OPTION_DEFINE:
        return add_variable(shell, value);
    case OPTION_USER:
        shell->auth.user = value;
        return SHELL_OK;
    case OPTION_PASSWORD:
        shell->auth.password = value;
        return SHELL_OK;
    case OPTION_TOKEN:
        shell->auth.token = value;
        return SHELL_OK;
    case OPTION_QUIET:
        shell->display.quiet = true;
        return SHELL_OK;
    case OPTION_TO_FILE:
        options->output_path = value;
        return SHELL_OK;
    case OPTION_NO_STARTUP:
        options->no_startup = true;
        return SHELL_OK;
    case OPTION_HELP:
        options->help = true;
        return SHELL_OK;
    case OPTION_OUTPUT:
        return form_parse(str_c(value), &shell->display.form) ? SHELL_OK
                                                              : bad("there is no output form '%s'", value);
    case OPTION_ROW_LIMIT:
        return read_count(value, &shell->row_limit);
    case OPTION_TIMEOUT:
        return read_count(value, &shell->timeout_ms);
    case OPTION_CONFIG:
        options->config_file = value;
        return SHELL_OK;
    case OPTION_CSV:
        shell->display.form = FORM_CSV;
        return SHELL_OK;
    case OPTION_NO_COLOR:
        options->no_color = true;
        return SHELL_OK;
    case OPTION_CONTINUE:
        shell->stop_on_error = false;
        return SHELL_OK;
    case OPTION_CACERT:
        shell->auth.ca_file = value;
        return SHELL_OK;
    case OPTION_CERT:
        shell->auth.cert_file = value;
        return SHELL_OK;
    case OPTION_KEY:
        shell->auth.key_file = value;
        return SHELL_OK;
    default:
        return SHELL_USAGE;
    }
}

/* ---- configuration file ---- */

/* Certificates are PEM files here; what says otherwise would have no effect. */
static int check_tls_property(Str name, Str value)
{
    bool type =
        str_equal(name, STR_LIT("ssl.truststore.type")) || str_equal(name, STR_LIT("ssl.keystore.type"));
    if (!str_starts_with(name, STR_LIT("ssl.")) || (type && str_equal_nocase(value, STR_LIT("PEM"))))
        return SHELL_OK;
    fprintf(stderr,
            "sluice sql: " STR_FMT "=" STR_FMT " has no effect here. The shell reads PEM files: "
            "ssl.truststore.location, ssl.keystore.location, ssl.key.location, ssl.key.password\n",
            STR_ARG(name), STR_ARG(str_ends_with(name, STR_LIT("password")) ? STR_LIT("...") : value));
    return SHELL_USAGE;
}

static int take_property(ShellOptions *options, Shell *shell, Str name, Str value)
{
    static const struct {
        const char *name;
        size_t      offset;
    } tls[] = {
        {"ssl.truststore.location", offsetof(ClientAuth, ca_file)},
        {"ssl.keystore.location", offsetof(ClientAuth, cert_file)},
        {"ssl.key.location", offsetof(ClientAuth, key_file)},
        {"ssl.key.password", offsetof(ClientAuth, key_password)},
    };
    for (size_t i = 0; i < ARRAY_LEN(tls); i++)
        if (str_equal(name, str_c(tls[i].name))) {
            const char **field = (const char **)((char *)&shell->auth + tls[i].offset);
            if (*field == NULL)
                *field = str_to_c(options->texts, value);
            return SHELL_OK;
        }
    int status = check_tls_property(name, value);
    if (status == SHELL_OK && !str_starts_with(name, STR_LIT("ssl.")))
        pairs_set(&shell->properties, name, value);
    return status;
}

static int read_config(ShellOptions *options, Shell *shell, const char *path)
{
    int     status   = SHELL_OK;
    char   *line     = NULL;
    size_t  capacity = 0;
    ssize_t len;
    FILE   *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "sluice sql: cannot read %s: %s\n", path, strerror(errno));
        return SHELL_USAGE;
    }
    options->texts = arena_new(0);
    while (status == SHELL_OK && (len = getline(&line, &capacity, file)) >= 0) {
        Str       text   = str_trim(str_n(line, (size_t)len));
        ptrdiff_t equals = str_find(text, STR_LIT("="), 0);
        if (text.len > 0 && text.ptr[0] != '#' && text.ptr[0] != '!' && equals > 0)
            status = take_property(options, shell, str_trim(str_n(text.ptr, (size_t)equals)),
                                   str_trim(str_n(text.ptr + equals + 1, text.len - (size_t)equals - 1)));
    }
    free(line);
    fclose(file);
    return status;
}

bool shell_is_url(const char *target)
{
    if (strstr(target, "://") != NULL || strncmp(target, "unix:", 5) == 0)
        return true;
    const char *colon = strrchr(target, ':');
    return colon != NULL && strchr(target, '/') == NULL && colon[1] >= '0' && colon[1] <= '9';
}

/* A file of statements is run, on an engine in this process. A name like one's that is not there is a slip:
 * taken for a directory it would be made, and an empty catalog would be the answer. */
static int take_target(ShellOptions *options, const char *target)
{
    struct stat info;
    if (stat(target, &info) != 0) {
        if (errno == ENOENT && str_ends_with(str_c(target), STR_LIT(".sql")) && !shell_is_url(target)) {
            fprintf(stderr, "sluice sql: cannot read %s: %s\n", target, strerror(errno));
            return SHELL_FAILED;
        }
    } else if (options->task_count == 0 && S_ISREG(info.st_mode))
        return add_task(options, true, target);
    options->target = target;
    return SHELL_OK;
}

int shell_options_parse(ShellOptions *options, Shell *shell, int argc, char **argv)
{
    *options             = (ShellOptions){0};
    int           status = SHELL_OK, option;
    struct option longs[OPTION_COUNT + 1];
    char          letters[2 * OPTION_COUNT + 2];
    make_getopt(longs, letters);
    opterr = optind = 0; /* from the start, for tests */
    while (status == SHELL_OK && (option = getopt_long(argc, argv, letters, longs, NULL)) != -1)
        status = option == '?'   ? refuse_option(argv[optind - 1])
                 : option == ':' ? bad("%s needs a value", argv[optind - 1])
                                 : take_option(options, shell, row_of(option), optarg);
    if (status == SHELL_OK && optind < argc)
        status = take_target(options, argv[optind++]);
    if (status == SHELL_OK && optind < argc)
        status = bad("what is '%s'?", argv[optind]);
    if (status == SHELL_OK && options->config_file != NULL)
        status = read_config(options, shell, options->config_file);
    if (shell->auth.user != NULL && shell->auth.password == NULL)
        shell->auth.password = getenv("SLUICE_PASSWORD");
    return status;
}

void shell_options_clear(ShellOptions *options)
{
    mem_free(options->tasks);
    arena_free(options->texts);
}
