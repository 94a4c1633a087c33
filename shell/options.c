/*
 * options.c - the command line and the client's configuration file; ksqlDB's names where it has them.
 */
#include "shell/session.h"

#include <errno.h>
#include <getopt.h>

#include "core/value.h"

enum {
    OPT_OUTPUT = 256,
    OPT_ROW_LIMIT,
    OPT_TIMEOUT,
    OPT_CONFIG,
    OPT_CSV,
    OPT_NO_COLOR,
    OPT_CONTINUE,
    OPT_CACERT,
    OPT_CERT,
    OPT_KEY
};

static const struct option longs[] = {
    {"execute", required_argument, NULL, 'e'},
    {"file", required_argument, NULL, 'f'},
    {"define", required_argument, NULL, 'd'},
    {"user", required_argument, NULL, 'u'},
    {"password", required_argument, NULL, 'p'},
    {"token", required_argument, NULL, 't'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"no-startup-file", no_argument, NULL, 'X'},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"query-row-limit", required_argument, NULL, OPT_ROW_LIMIT},
    {"query-timeout", required_argument, NULL, OPT_TIMEOUT},
    {"config-file", required_argument, NULL, OPT_CONFIG},
    {"csv", no_argument, NULL, OPT_CSV},
    {"no-color", no_argument, NULL, OPT_NO_COLOR},
    {"continue-on-error", no_argument, NULL, OPT_CONTINUE},
    {"cacert", required_argument, NULL, OPT_CACERT},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {NULL, 0, NULL, 0},
};

void shell_options_help(void)
{
    fputs(
        "usage: sluice sql [options] [URL | DIR]\n\n"
        "With a URL: the shell of that server. With a directory, or nothing: of an engine in this process, "
        "whose state is in\n"
        "the directory (./sluice-data). SLUICE_URL stands for the URL, SLUICE_PASSWORD for the password.\n\n"
        "  -e, --execute TEXT      run statements, then leave; repeatable, mixed with -f in order\n"
        "  -f, --file FILE         run a file (-: standard input)\n"
        "      --continue-on-error go on after a statement that failed\n"
        "  -d, --define NAME=VALUE session variable\n"
        "  -u, --user NAME  -p, --password TEXT  -t, --token TEXT\n"
        "      --cacert FILE  --cert FILE  --key FILE   TLS, PEM files\n"
        "      --output FORM       tabular, json, jsonl, csv, tsv, vertical, markdown;  --csv\n"
        "  -o FILE                 results to a file\n"
        "      --query-row-limit N  --query-timeout MS   end streamed queries\n"
        "      --config-file FILE  properties: ssl.*, and ksql.streams.* to be set at the start\n"
        "  -q, --quiet             no banner, no messages   -X  no start-up file   --no-color\n\n"
        "Example: sluice sql -e 'SHOW TABLES;' http://127.0.0.1:8088\n",
        stdout);
}

static int bad(const char *format, const char *what)
{
    fputs("sluice sql: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
    return SHELL_USAGE;
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
    case 'e':
    case 'f':
        return add_task(options, option == 'f', value);
    case 'd':
        return add_variable(shell, value);
    case 'u':
        shell->auth.user = value;
        return SHELL_OK;
    case 'p':
        shell->auth.password = value;
        return SHELL_OK;
    case 't':
        shell->auth.token = value;
        return SHELL_OK;
    case 'q':
        shell->display.quiet = true;
        return SHELL_OK;
    case 'o':
        options->output_path = value;
        return SHELL_OK;
    case 'X':
        options->no_startup = true;
        return SHELL_OK;
    case 'h':
        options->help = true;
        return SHELL_OK;
    case OPT_OUTPUT:
        return form_parse(str_c(value), &shell->display.form) ? SHELL_OK
                                                              : bad("there is no output form '%s'", value);
    case OPT_ROW_LIMIT:
        return read_count(value, &shell->row_limit);
    case OPT_TIMEOUT:
        return read_count(value, &shell->timeout_ms);
    case OPT_CONFIG:
        options->config_file = value;
        return SHELL_OK;
    case OPT_CSV:
        shell->display.form = FORM_CSV;
        return SHELL_OK;
    case OPT_NO_COLOR:
        options->no_color = true;
        return SHELL_OK;
    case OPT_CONTINUE:
        shell->stop_on_error = false;
        return SHELL_OK;
    case OPT_CACERT:
        shell->auth.ca_file = value;
        return SHELL_OK;
    case OPT_CERT:
        shell->auth.cert_file = value;
        return SHELL_OK;
    case OPT_KEY:
        shell->auth.key_file = value;
        return SHELL_OK;
    default:
        return SHELL_USAGE; /* getopt has said why */
    }
}

/* ---- configuration file ---- */

static void take_property(Shell *shell, Str name, Str value)
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
                *field = str_to_heap(value); /* as long as the process */
            return;
        }
    if (!str_starts_with(name, STR_LIT("ssl.")))
        pairs_set(&shell->properties, name, value);
}

static int read_config(Shell *shell, const char *path)
{
    char   *line     = NULL;
    size_t  capacity = 0;
    ssize_t len;
    FILE   *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "sluice sql: cannot read %s: %s\n", path, strerror(errno));
        return SHELL_USAGE;
    }
    while ((len = getline(&line, &capacity, file)) >= 0) {
        Str       text   = str_trim(str_n(line, (size_t)len));
        ptrdiff_t equals = str_find(text, STR_LIT("="), 0);
        if (text.len > 0 && text.ptr[0] != '#' && text.ptr[0] != '!' && equals > 0)
            take_property(shell, str_trim(str_n(text.ptr, (size_t)equals)),
                          str_trim(str_n(text.ptr + equals + 1, text.len - (size_t)equals - 1)));
    }
    free(line);
    fclose(file);
    return SHELL_OK;
}

int shell_options_parse(ShellOptions *options, Shell *shell, int argc, char **argv)
{
    *options   = (ShellOptions){0};
    int status = SHELL_OK, option;
    optind     = 0; /* from the start, for tests */
    while (status == SHELL_OK && (option = getopt_long(argc, argv, "e:f:d:u:p:t:o:qXh", longs, NULL)) != -1)
        status = take_option(options, shell, option, optarg);
    if (status == SHELL_OK && optind < argc)
        options->target = argv[optind++];
    if (status == SHELL_OK && optind < argc)
        status = bad("what is '%s'?", argv[optind]);
    if (status == SHELL_OK && options->config_file != NULL)
        status = read_config(shell, options->config_file);
    if (shell->auth.user != NULL && shell->auth.password == NULL)
        shell->auth.password = getenv("SLUICE_PASSWORD");
    return status;
}

void shell_options_clear(ShellOptions *options) { mem_free(options->tasks); }
