/*
 * cmd_server.c - `sluice server`: REST until SIGTERM.
 */
#include <sys/resource.h>

#include "core/logger.h"
#include "main/commands.h"
#include "server/settings/settings.h"

enum { LOOK_MS = 1000 };

/* Each client's connection is a descriptor, and the usual soft limit of 1024 is there for programs that use
 * select(). */
static void take_all_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_line(LOG_WARN, "the limit of open files cannot be raised: %m");
}

static int serve(const CommandOptions *options)
{
    Node       *node;
    Error       err;
    NodeOptions how = {.properties   = options->properties,
                       .serve        = true,
                       .queries_file = options->queries_file,
                       .interrupted  = stop_asked};
    stop_block();
    take_all_descriptors();
    Status status = node_open(&how, &node, &err);
    if (status == E_CANCELLED)
        return EXIT_OK;
    if (status != OK)
        return command_failed(&err);
    while (!stop_wait(LOOK_MS))
        node_look_at_certificates(node, hangup_asked());
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
