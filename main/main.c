/*
 * main.c - picks the subcommand. Without one, or with options or an address first, it is the shell.
 */
#include "main/commands.h"

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} Command;

static const Command commands[] = {
#define COMMAND(name, function, usage) {name, function, usage},
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
}

static bool is_any_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && is_any_of(argv[1], "--help", "-h", "help")) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (argc > 1 && is_any_of(argv[1], "--version", "-V", "version"))
        return cmd_version(argc - 1, argv + 1);
    const Command *command = argc > 1 ? find(argv[1]) : NULL;
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
