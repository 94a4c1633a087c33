/*
 * command.c - options and signals of the subcommands that run a node.
 */
#include "main/commands.h"

#include <signal.h>

#include "main/help.h"
#include "server/node/headless.h"
#include "server/settings/settings.h"

int command_misused(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("sluice: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

int command_failed(const Error *err)
{
    /* A mistake in a file begins with its place, as editors look for it. */
    fprintf(stderr, "%s%s\n", err->pos.line > 0 ? "" : "sluice: ", err->message);
    return EXIT_FAILED;
}

/* ---- options ---- */

static int read_config(CommandOptions *options, const char *path)
{
    Arena *arena = arena_new(0);
    Str    text;
    Error  err;
    Status status = file_read(path, arena, &text, &err);
    if (status == OK && (status = properties_parse(options->file, text, &err)) != OK)
        error_prefix(&err, "%s: ", path);
    arena_free(arena);
    return status == OK ? EXIT_OK : command_failed(&err);
}

static int set_property(CommandOptions *options, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return command_misused("--property takes NAME=VALUE, not '%s'", text);
    properties_set(options->properties, str_n(text, (size_t)(equals - text)), str_c(equals + 1));
    return EXIT_OK;
}

static int take_bootstrap(CommandOptions *options, const char *value)
{
    properties_set(options->properties, STR_LIT("bootstrap.servers"), str_c(value));
    return EXIT_OK;
}

static int take_queries(CommandOptions *options, const char *value)
{
    options->queries_file = value;
    return EXIT_OK;
}

typedef struct {
    const char *name;
    int (*take)(CommandOptions *options, const char *value);
} Option;

static const Option known[] = {
    {"--config", read_config},
    {"--property", set_property},
    {"--bootstrap-servers", take_bootstrap},
    {"--queries-file", take_queries},
};

/* `--name value` or `--name=value`; moves *at behind it. */
static int parse_one(CommandOptions *options, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t len = strlen(known[i].name);
        if (strncmp(argument, known[i].name, len) != 0 || (argument[len] != '\0' && argument[len] != '='))
            continue;
        if (argument[len] == '=')
            return known[i].take(options, argument + len + 1);
        if (*at + 1 >= argc)
            return command_misused("%s needs a value", argument);
        return known[i].take(options, argv[++*at]);
    }
    return help_refuse_option(argv[0], argument);
}

/* The command line wins over the file. */
static int check(CommandOptions *options)
{
    Error err;
    Str   name, value;
    for (size_t i = 0; i < properties_count(options->file); i++) {
        properties_at(options->file, i, &name, &value);
        if (str_is_null(properties_get(options->properties, name)))
            properties_set(options->properties, name, value);
    }
    if (settings_check_all(options->properties, &err) != OK)
        return command_failed(&err);
    if (options->queries_file == NULL) {
        Str file = properties_get_c(options->properties, "ksql.queries.file");
        if (!str_is_null(file) && file.len > 0)
            options->queries_file = file.ptr; /* values end in a NUL */
    }
    return EXIT_OK;
}

int options_parse(CommandOptions *options, int argc, char **argv, bool bare_file)
{
    *options = (CommandOptions){.file = properties_new(NULL), .properties = properties_new(NULL)};
    for (int i = 1; i < argc; i++) {
        int status = EXIT_OK;
        if (strcmp(argv[i], "--until-idle") == 0 && bare_file)
            options->until_idle = true;
        else if (argv[i][0] == '-')
            status = parse_one(options, argc, argv, &i);
        else if (bare_file && options->queries_file == NULL)
            options->queries_file = argv[i];
        else
            status = command_misused("what is '%s'?", argv[i]);
        if (status != EXIT_OK)
            return status;
    }
    return check(options);
}

void options_clear(CommandOptions *options)
{
    properties_free(options->properties);
    properties_free(options->file);
}

bool options_say(const CommandOptions *options, const char *name)
{
    return !str_is_null(properties_get_c(options->properties, name));
}

/* ---- signals ---- */

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void stop_block(void)
{
    sigset_t set;
    stop_signals(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool hangup_asked(void)
{
    sigset_t        set;
    struct timespec now = {0};
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return sigtimedwait(&set, NULL, &now) > 0;
}

bool stop_wait(int timeout_ms)
{
    sigset_t        set;
    struct timespec timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    stop_signals(&set);
    return sigtimedwait(&set, NULL, &timeout) > 0;
}

bool stop_asked(void) { return stop_wait(0); }
