/*
 * help.c - see help.h: the tables, and what --help prints of them.
 */
#include "main/help.h"

#include "core/suggest.h"
#include "main/commands.h"

enum { TEXT_COLUMN = 30, LINE_WIDTH = 110 };

const Command help_commands[] = {
#define COMMAND(name, function, usage, words, summary, about, example)                                       \
    {name, function, usage, words, summary, about, example},
#include "main/commands.def"
#undef COMMAND
};
const size_t help_command_count = ARRAY_LEN(help_commands);

const CommandOption help_options[] = {
#define OPTION(command, letter, name, argument, words, help) {command, letter, name, argument, words, help},
#include "main/options.def"
#undef OPTION
};
const size_t help_option_count = ARRAY_LEN(help_options);

/* A setting that nothing reads is left out: it is taken for the sake of files made for ksqlDB. */
const HelpSetting help_settings[] = {
#define SETTING(name, scope, kind, default_value, limits, who, reader, meaning)                              \
    {reader[0] != '\0' ? name : NULL, default_value, meaning},
#include "server/settings/settings.def"
#undef SETTING
#define QUERY_SETTING(field, name, kind, default_value, limits, who, reader, meaning)                        \
    {name, default_value, meaning},
#include "planner/query_settings.def"
#undef QUERY_SETTING
};
const size_t help_setting_count = ARRAY_LEN(help_settings);

const Command *help_find(const char *name)
{
    for (size_t i = 0; i < help_command_count; i++)
        if (strcmp(help_commands[i].name, name) == 0)
            return &help_commands[i];
    return NULL;
}

int help_refuse_command(const char *name)
{
    Error err;
    Str  *names = mem_calloc(help_command_count, sizeof *names);
    for (size_t i = 0; i < help_command_count; i++)
        names[i] = str_c(help_commands[i].name);
    error_set(&err, E_CONFIG, NO_POS, "there is no command '%s'", name);
    error_suggest(&err, str_c(name), names, help_command_count);
    fprintf(stderr, "sluice: %s\n\n", err.message);
    help_print_all(stderr);
    mem_free(names);
    return EXIT_USAGE;
}

int help_refuse_option(const char *command, const char *option)
{
    Error  err;
    size_t count = 0;
    Arena *arena = arena_new(0);
    Str   *names = ARENA_ARRAY(arena, Str, help_option_count + 1);
    for (size_t i = 0; i < help_option_count; i++)
        if (strcmp(help_options[i].command, command) == 0 && help_options[i].name != NULL)
            names[count++] = str_printf(arena, "--%s", help_options[i].name);
    error_set(&err, E_CONFIG, NO_POS, "%s has no option %s", command, option);
    error_suggest(&err, str_n(option, strcspn(option, "=")), names, count);
    fprintf(stderr, "sluice: %s\n`sluice help %s` lists the options\n", err.message, command);
    arena_free(arena);
    return EXIT_USAGE;
}

void help_print_all(FILE *out)
{
    fputs("Sluice turns Kafka topics into live SQL.\n\nUsage:\n", out);
    for (size_t i = 0; i < help_command_count; i++)
        fprintf(out, "  sluice %-12s %s\n", help_commands[i].name, help_commands[i].summary);
    fputs("\nWithout a command, or with a URL, a directory or a file, it is the shell. `sluice COMMAND "
          "--help` and `sluice help "
          "COMMAND` "
          "tell more.\n",
          out);
}

/* Lines broken at blanks, from the second one on behind `indent` blanks; the first goes on at `column`. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (column + len > LINE_WIDTH && column > indent) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%.*s", (int)len, text);
        column += len;
        text += len;
        if (*text == ' ' && text[1] != '\0' && column < LINE_WIDTH) {
            fputc(' ', out);
            column++;
        }
        text += *text == ' ';
    }
    fputc('\n', out);
}

static void print_option(const CommandOption *option, FILE *out)
{
    char letter[8] = "    ", names[80];
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c%s", option->letter, option->name != NULL ? ", " : "");
    snprintf(names, sizeof names, "  %s%s%s%s%s", letter, option->name != NULL ? "--" : "",
             option->name != NULL ? option->name : "", option->argument != NULL ? " " : "",
             option->argument != NULL ? option->argument : "");
    size_t len = strlen(names);
    fprintf(out, "%s%s%*s", names, len < TEXT_COLUMN ? "" : "\n",
            (int)(len < TEXT_COLUMN ? TEXT_COLUMN - len : TEXT_COLUMN), "");
    print_wrapped(out, option->help, TEXT_COLUMN, TEXT_COLUMN);
}

void help_print(const Command *command, FILE *out)
{
    bool any = false;
    fprintf(out, "usage: sluice %s\n\n", command->usage);
    print_wrapped(out, command->about, 0, 0);
    for (size_t i = 0; i < help_option_count; i++)
        if (strcmp(help_options[i].command, command->name) == 0) {
            fputs(any ? "" : "\n", out);
            any = true;
            print_option(&help_options[i], out);
        }
    fprintf(out, "\nExample: %s\n", command->example);
}
