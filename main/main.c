/*
 * main.c - picks the subcommand. Without one, or with options or an address first, it is the shell.
 */
#include "main/commands.h"

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
} Command;

static const Command commands[] = {
#define COMMAND(name, function, usage, help) {name, function, usage, help},
#include "main/commands.def"
#undef COMMAND
};

static const Command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_usage(FILE *out)
{
    fputs("Sluice turns Kafka topics into live SQL.\n\nUsage:\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  sluice %s\n", commands[i].usage);
    fputs("\n`sluice COMMAND --help` and `sluice help COMMAND` tell more.\n", out);
}

static int print_help(const Command *command)
{
    static char name[] = "sluice", option[] = "--help";
    char       *arguments[] = {name, option, NULL};
    if (command->help == NULL)
        return command->run(2, arguments);
    printf("usage: sluice %s\n\n%s", command->usage, command->help);
    return EXIT_OK;
}

static bool is_any_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && is_any_of(argv[1], "--help", "-h", "help")) {
        const Command *about = argc > 2 ? find(argv[2]) : NULL;
        if (about != NULL)
            return print_help(about);
        if (argc > 2)
            fprintf(stderr, "sluice: there is no command '%s'\n", argv[2]);
        print_usage(argc > 2 ? stderr : stdout);
        return argc > 2 ? EXIT_USAGE : EXIT_OK;
    }
    bool           version = argc > 1 && is_any_of(argv[1], "--version", "-V", "version");
    const Command *command = argc > 1 ? find(version ? "version" : argv[1]) : NULL;
    if (command != NULL && argc == 3 && command->help != NULL && is_any_of(argv[2], "--help", "-h", "-?"))
        return print_help(command);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    const Command *shell = find("sql");
    if (shell != NULL && (argc == 1 || argv[1][0] == '-' || strstr(argv[1], "://") != NULL))
        return shell->run(argc, argv);
    if (argc > 1)
        fprintf(stderr, "sluice: there is no command '%s'\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
