/*
 * cmd_run.c - `sluice run FILE.sql`: a file's persistent queries until SIGTERM, or until their input is used
 * up.
 *
 * Without a service id the file's absolute path gives one, and its state lies beside it in FILE.sql.state:
 * running the same file again goes on where it was, and two files never meet. Streams are read from their
 * beginning unless the file or an option says otherwise.
 */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>

#include "main/commands.h"
#include "server/settings/settings.h"

enum { LOOK_MS = 20 };

static int name_service(CommandOptions *options)
{
    char path[PATH_MAX], text[PATH_MAX + 16];
    if (realpath(options->queries_file, path) == NULL)
        return command_misused("cannot read %s: %m", options->queries_file);
    if (!options_say(options, "ksql.service.id")) {
        snprintf(text, sizeof text, "run_%016" PRIx64 "_", str_hash(str_c(path)));
        properties_set(options->properties, STR_LIT("ksql.service.id"), str_c(text));
    }
    if (!options_say(options, "state.dir")) {
        snprintf(text, sizeof text, "%s.state", path);
        properties_set(options->properties, STR_LIT("state.dir"), str_c(text));
    }
    if (!options_say(options, "auto.offset.reset"))
        properties_set(options->properties, STR_LIT("auto.offset.reset"), STR_LIT("earliest"));
    return EXIT_OK;
}

/* The terminal is gone, and nobody has said (nohup) that this is to outlive it. */
static bool is_to_end(void)
{
    struct sigaction hangup;
    return stop_asked() ||
           (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN && hangup_asked());
}

static int run(const CommandOptions *options)
{
    Node       *node;
    Error       err;
    NodeOptions how = {
        .properties = options->properties, .queries_file = options->queries_file, .interrupted = is_to_end};
    stop_block();
    Status status = node_open(&how, &node, &err);
    if (status == E_CANCELLED)
        return EXIT_OK;
    if (status != OK)
        return command_failed(&err);
    while (!stop_wait(LOOK_MS) && !is_to_end())
        if (options->until_idle && node_is_idle(node))
            break;
    node_close(node);
    return EXIT_OK;
}

int cmd_run(int argc, char **argv)
{
    CommandOptions options;
    int            status = options_parse(&options, argc, argv, true);
    if (status == EXIT_OK && options.queries_file == NULL)
        status = command_misused("run needs a file: sluice run FILE.sql");
    if (status == EXIT_OK)
        status = name_service(&options);
    if (status == EXIT_OK) {
        settings_fill(options.properties);
        status = run(&options);
    }
    options_clear(&options);
    return status;
}
