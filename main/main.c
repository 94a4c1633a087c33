/*
 * main.c - picks the subcommand. Without one, or with something first that is the shell's, it is the shell.
 */
#include <fcntl.h>
#include <unistd.h>

#include "main/commands.h"
#include "main/help.h"

static bool is_any_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

/* `sluice help [COMMAND]` */
static int tell(const char *name)
{
    const Command *about = name != NULL ? help_find(name) : NULL;
    if (name != NULL && about == NULL)
        return help_refuse_command(name);
    if (about != NULL)
        help_print(about, stdout);
    else
        help_print_all(stdout);
    return EXIT_OK;
}

/* Who starts us with a standard stream closed would have messages written into the next file that is opened.
 * What is written to one of these fails, and is told. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

/* Asked for help among other arguments; the shell reads its own. */
static bool asks_for_help(const Command *command, int argc, char **argv)
{
    bool asks = argc == 3 && is_any_of(argv[2], "--help", "-h", "-?");
    for (int i = 2; i < argc && strcmp(command->name, "sql") != 0; i++)
        asks |= strcmp(argv[i], "--help") == 0;
    return asks;
}

/* What the shell takes without being named: options, an address, a file or a directory that is there. */
static bool is_for_shell(const char *text)
{
    return text[0] == '-' || strchr(text, ':') != NULL || access(text, F_OK) == 0;
}

int main(int argc, char **argv)
{
    open_standard_streams();
    if (argc > 1 && is_any_of(argv[1], "--help", "-h", "help"))
        return tell(argc > 2 ? argv[2] : NULL);
    bool           version = argc > 1 && is_any_of(argv[1], "--version", "-V", "version");
    const Command *command = argc > 1 ? help_find(version ? "version" : argv[1]) : NULL;
    if (command != NULL && asks_for_help(command, argc, argv))
        return tell(command->name);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    if (argc == 1 || is_for_shell(argv[1]))
        return help_find("sql")->run(argc, argv);
    return help_refuse_command(argv[1]);
}
