/*
 * cmd_server.c - `sluice server`: REST until SIGTERM.
 */
#include "main/commands.h"
#include "server/settings.h"

enum { LOOK_MS = 60000 };

static bool interrupted(void)
{
    return stop_wait(0);
}

static int serve(const CommandOptions *options)
{
    Node       *node;
    Error       err;
    NodeOptions how = {
        .properties = options->properties, .serve = true, .queries_file = options->queries_file, .interrupted = interrupted};
    stop_block();
    Status status = node_open(&how, &node, &err);
    if (status == E_CANCELLED)
        return EXIT_OK;
    if (status != OK)
        return command_failed(&err);
    while (!stop_wait(LOOK_MS))
        ;
    node_close(node);
    return EXIT_OK;
}

int cmd_server(int argc, char **argv)
{
    CommandOptions options;
    int            status = options_parse(&options, argc, argv, false);
    if (status == EXIT_OK) {
        settings_fill(options.properties);
        status = serve(&options);
    }
    options_clear(&options);
    return status;
}
