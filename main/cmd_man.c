/*
 * cmd_man.c - `sluice man`: manual pages, made from the rows that --help prints.
 */
#include "main/commands.h"
#include "main/help.h"

/* The shell's own commands. */
static const struct {
    const char *words, *arguments, *help;
} shell_commands[] = {
#define SHELL_COMMAND(words, function, sql, arguments, help) {words, arguments, help},
#include "shell/commands.def"
#undef SHELL_COMMAND
};

/* Text as it is: nothing in it is a request, and a hyphen is the one that is typed. */
static void put_text(const char *text)
{
    fputs(*text == '.' || *text == '\'' ? "\\&" : "", stdout);
    for (; *text != '\0'; text++)
        switch (*text) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '`': /* marks code in the rows */
        case '\n':
            fputs(*text == '`' ? "" : " ", stdout);
            break;
        default:
            putchar(*text);
        }
}

static void put_line(const char *text)
{
    put_text(text);
    putchar('\n');
}

static void put_head(const char *page, const char *summary)
{
    fputs(".TH \"", stdout);
    for (const char *c = page; *c != '\0'; c++)
        putchar(*c >= 'a' && *c <= 'z' ? *c - 0x20 : *c);
    printf("\" 1 \"\" \"sluice " SLUICE_VERSION "\"\n.ad l\n.SH NAME\n");
    put_text(page);
    fputs(" \\- ", stdout);
    put_line(summary);
}

/* `-e, --execute TEXT` */
static void put_option_names(const CommandOption *option)
{
    if (option->letter != 0)
        printf("\\fB\\-%c\\fR", option->letter);
    fputs(option->letter != 0 && option->name != NULL ? ", " : "", stdout);
    if (option->name != NULL) {
        fputs("\\fB\\-\\-", stdout);
        put_text(option->name);
        fputs("\\fR", stdout);
    }
    if (option->argument != NULL)
        printf(" \\fI%s\\fR", option->argument);
    putchar('\n');
}

static void put_options(const Command *command)
{
    bool any = false;
    for (size_t i = 0; i < help_option_count; i++) {
        if (strcmp(help_options[i].command, command->name) != 0)
            continue;
        fputs(any ? "" : ".SH OPTIONS\n", stdout);
        any = true;
        fputs(".TP\n", stdout);
        put_option_names(&help_options[i]);
        put_line(help_options[i].help);
    }
}

static void put_shell_commands(void)
{
    fputs(".SH COMMANDS\nStatements end with a semicolon; the shell's own commands end with their line.\n",
          stdout);
    bool begun = false;
    for (size_t i = 0; i < ARRAY_LEN(shell_commands); i++) {
        fputs(begun ? ", " : ".TP\n", stdout);
        fputs("\\fB", stdout);
        put_text(shell_commands[i].words);
        fputs("\\fR", stdout);
        begun = shell_commands[i].help == NULL; /* another name of the next */
        if (begun)
            continue;
        if (shell_commands[i].arguments != NULL) {
            putchar(' ');
            put_text(shell_commands[i].arguments);
        }
        putchar('\n');
        put_line(shell_commands[i].help);
    }
}

static void put_settings(void)
{
    fputs(".SH SETTINGS\nWith \\fB\\-\\-property\\fR, or a line each in the file of \\fB\\-\\-config\\fR.\n",
          stdout);
    for (size_t i = 0; i < help_setting_count; i++) {
        const HelpSetting *setting = &help_settings[i];
        if (setting->name == NULL)
            continue;
        fputs(".TP\n\\fB", stdout);
        put_text(setting->name);
        fputs("\\fR", stdout);
        if (setting->default_value != NULL && setting->default_value[0] != '\0') {
            fputs(" (", stdout);
            put_text(setting->default_value);
            putchar(')');
        }
        putchar('\n');
        put_line(setting->meaning);
    }
}

static void put_command_page(const Command *command)
{
    char page[64];
    snprintf(page, sizeof page, "sluice-%s", command->name);
    put_head(page, command->summary);
    fputs(".SH SYNOPSIS\n\\fBsluice\\fR ", stdout);
    put_line(command->usage);
    fputs(".SH DESCRIPTION\n", stdout);
    put_line(command->about);
    put_options(command);
    if (strcmp(command->name, "sql") == 0)
        put_shell_commands();
    if (strcmp(command->name, "server") == 0)
        put_settings();
    fputs(".SH EXAMPLE\n.nf\n", stdout);
    put_line(command->example);
    fputs(".fi\n.SH SEE ALSO\n\\fBsluice\\fR(1)\n", stdout);
}

static void put_program_page(void)
{
    put_head("sluice", "live SQL over Kafka topics, in ksqlDB's dialect");
    fputs(".SH SYNOPSIS\n\\fBsluice\\fR \\fICOMMAND\\fR [options]\n.SH DESCRIPTION\n"
          "Streams and tables over topics of Kafka, or of a log of its own in one file; queries that go on; "
          "a REST API that clients of ksqlDB speak. "
          "Without a command, or with a URL, it is the shell.\n.SH COMMANDS\n",
          stdout);
    for (size_t i = 0; i < help_command_count; i++) {
        printf(".TP\n\\fBsluice\\-%s\\fR(1)\n", help_commands[i].name);
        put_line(help_commands[i].summary);
    }
    fputs(".SH EXIT STATUS\n0: all well; 1: failed; 2: wrong usage; of the shell also 3: the server was not "
          "reached, 130: interrupted.\n"
          ".SH ENVIRONMENT\n.TP\nSLUICE_URL, SLUICE_PASSWORD\nServer and password of the shell\n"
          ".TP\nNO_COLOR\nNo colours, when set\n"
          ".TP\nSLUICE_EDITOR, VISUAL, EDITOR; PAGER\nWhat the shell edits and pages with\n"
          ".SH FILES\n.TP\n$XDG_CONFIG_HOME/sluice/sqlrc, history (~/.config)\nStart\\-up file and history "
          "of the shell\n"
          ".TP\n~/.editrc\nKeys of the shell, see \\fBeditrc\\fR(5)\n",
          stdout);
}

int cmd_man(int argc, char **argv)
{
    const Command *command = argc == 2 ? help_find(argv[1]) : NULL;
    if (argc > 2 || (argc == 2 && command == NULL))
        return command_misused("usage: sluice man [COMMAND]; `sluice help` lists the commands");
    if (command != NULL)
        put_command_page(command);
    else
        put_program_page();
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
