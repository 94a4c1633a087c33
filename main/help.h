/*
 * help.h - what is told of the subcommands and their options: rows of commands.def and options.def, in the
 * forms that people and shells read.
 *
 * `words`, of an option the argument, of a command what stands behind the options: words parted by blanks,
 * among them perhaps @file, @dir, @setting (NAME=) or @command; NULL or empty: free text, or nothing.
 *
 * Thread: any; the tables are constant.
 */
#ifndef SLUICE_MAIN_HELP_H
#define SLUICE_MAIN_HELP_H

#include <stdio.h>

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *words, *summary, *about, *example;
} Command;

typedef struct {
    const char *command;  /* whose option it is */
    char        letter;   /* 0: none */
    const char *name;     /* NULL: none */
    const char *argument; /* NULL: it takes none */
    const char *words, *help;
} CommandOption;

typedef struct {
    const char *name, *default_value, *meaning; /* default_value may be NULL */
} HelpSetting;

/* Static tables, in the order of their rows. */
extern const Command       help_commands[];
extern const size_t        help_command_count;
extern const CommandOption help_options[];
extern const size_t        help_option_count;
extern const HelpSetting   help_settings[]; /* those that have an effect */
extern const size_t        help_setting_count;

/* NULL: there is none of that name. */
const Command *help_find(const char *name);

/* Say on standard error that there is no such command, or no such option of a command, and which was probably
 * meant. Return EXIT_USAGE. */
int help_refuse_command(const char *name);
int help_refuse_option(const char *command, const char *option);

/* The commands, a line each. */
void help_print_all(FILE *out);
/* Usage, what it does, options, an example. */
void help_print(const Command *command, FILE *out);

#endif
