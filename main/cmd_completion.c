/*
 * cmd_completion.c - `sluice completion bash|zsh`: what completes sluice in these shells, made from the rows
 * that --help prints.
 */
#include "main/commands.h"
#include "main/help.h"

/* ---- bash ---- */

static void bash_words(const char *words)
{
    if (strstr(words, "@file") != NULL)
        fputs(" _sluice_files;", stdout);
    if (strstr(words, "@dir") != NULL)
        fputs(" _sluice_dirs;", stdout);
    if (strstr(words, "@setting") != NULL)
        fputs(" _sluice_offer \"$_sluice_settings\"; compopt -o nospace 2>/dev/null;", stdout);
    if (strstr(words, "@command") != NULL)
        fputs(" _sluice_offer \"$_sluice_commands\";", stdout);
    fputs(" _sluice_offer \"", stdout);
    bool first = true;
    for (const char *at = words; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (*at != '@') {
            printf("%s%.*s", first ? "" : " ", (int)len, at);
            first = false;
        }
        at += len + (at[len] == ' ');
    }
    fputs("\"", stdout);
}

/* The cases `command:option)` of options that take an argument. */
static void bash_arguments(void)
{
    for (size_t i = 0; i < help_option_count; i++) {
        const CommandOption *option = &help_options[i];
        if (option->argument == NULL)
            continue;
        fputs("        ", stdout);
        if (option->name != NULL)
            printf("%s:--%s", option->command, option->name);
        if (option->letter != 0)
            printf("%s%s:-%c", option->name != NULL ? "|" : "", option->command, option->letter);
        fputs(")", stdout);
        bash_words(option->words != NULL ? option->words : "");
        fputs("; return ;;\n", stdout);
    }
}

static void bash_options(const Command *command)
{
    fputs("--help", stdout);
    for (size_t i = 0; i < help_option_count; i++) {
        const CommandOption *option = &help_options[i];
        if (strcmp(option->command, command->name) != 0 ||
            (option->name != NULL && strcmp(option->name, "help") == 0))
            continue;
        if (option->name != NULL)
            printf(" --%s", option->name);
        else
            printf(" -%c", option->letter);
    }
}

static void put_bash(void)
{
    fputs("# bash completion of sluice; made by `sluice completion bash`\n_sluice_commands=\"help", stdout);
    for (size_t i = 0; i < help_command_count; i++)
        printf(" %s", help_commands[i].name);
    fputs("\"\n_sluice_settings=\"", stdout);
    for (size_t i = 0; i < help_setting_count; i++)
        if (help_settings[i].name != NULL)
            printf("%s= ", help_settings[i].name);
    fputs("\"\n"
          "_sluice_offer() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
          "_sluice_files() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- \"$cur\")); }\n"
          "_sluice_dirs() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- \"$cur\")); }\n"
          "_sluice() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=sql\n"
          "    local IFS=$' \\t\\n'\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -gt 1 ] && [[ \" $_sluice_commands \" == *\" ${COMP_WORDS[1]} \"* ]]; "
          "then command=${COMP_WORDS[1]}; fi\n"
          "    case $command:$prev in\n",
          stdout);
    bash_arguments();
    fputs("    esac\n    case $command:$cur in\n", stdout);
    for (size_t i = 0; i < help_command_count; i++) {
        printf("        %s:-*) _sluice_offer \"", help_commands[i].name);
        bash_options(&help_commands[i]);
        fputs("\"; return ;;\n", stdout);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then _sluice_offer \"$_sluice_commands\"; fi\n    "
          "case $command in\n"
          "        help) _sluice_offer \"$_sluice_commands\" ;;\n",
          stdout);
    for (size_t i = 0; i < help_command_count; i++) {
        printf("        %s)", help_commands[i].name);
        bash_words(help_commands[i].words);
        fputs(" ;;\n", stdout);
    }
    fputs("    esac\n}\ncomplete -F _sluice sluice\n", stdout);
}

/* ---- zsh ---- */

/* Inside '...', in the [explanation] of an option: quotes, brackets and colons mean something. */
static void zsh_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text) != NULL)
            printf("\\%c", *text);
        else if (*text != '`')
            putchar(*text);
}

/* What completes an argument. */
static void zsh_action(const char *words)
{
    if (words == NULL || words[0] == '\0')
        fputs(" ", stdout); /* free text */
    else if (strstr(words, "@file") != NULL)
        fputs("_files", stdout);
    else if (strstr(words, "@dir") != NULL)
        fputs("_directories", stdout);
    else if (strstr(words, "@setting") != NULL)
        fputs("_sluice_settings", stdout);
    else if (strstr(words, "@command") != NULL)
        fputs("_sluice_commands", stdout);
    else
        printf("(%s)", words);
}

static void zsh_option(const CommandOption *option)
{
    bool both = option->letter != 0 && option->name != NULL;
    fputs("                ", stdout);
    if (both)
        printf("'(-%c --%s)*'{-%c,--%s}'[", option->letter, option->name, option->letter, option->name);
    else if (option->name != NULL)
        printf("'*--%s[", option->name);
    else
        printf("'*-%c[", option->letter);
    zsh_text(option->help);
    fputs("]", stdout);
    if (option->argument != NULL) {
        fputs(":", stdout);
        zsh_text(option->argument);
        fputs(":", stdout);
        zsh_action(option->words);
    }
    fputs("' \\\n", stdout);
}

/* The words before @file are for the first place behind the command. */
static void zsh_command(const Command *command)
{
    const char *special = strchr(command->words, '@');
    bool        mixed   = special != NULL && special != command->words;
    printf("        %s)\n            _arguments -s \\\n", command->name);
    for (size_t i = 0; i < help_option_count; i++)
        if (strcmp(help_options[i].command, command->name) == 0)
            zsh_option(&help_options[i]);
    if (mixed)
        printf("                '1:word:(%.*s)' \\\n", (int)(special - command->words - 1), command->words);
    fputs("                '*:argument:", stdout);
    zsh_action(mixed ? special : command->words);
    fputs("' ;;\n", stdout);
}

static void put_zsh(void)
{
    fputs("#compdef sluice\n# zsh completion of sluice; made by `sluice completion zsh`\n"
          "_sluice_commands() {\n    local -a commands=(\n        'help:what a command does'\n",
          stdout);
    for (size_t i = 0; i < help_command_count; i++) {
        printf("        '%s:", help_commands[i].name);
        zsh_text(help_commands[i].summary);
        fputs("'\n", stdout);
    }
    fputs("    )\n    _describe command commands\n}\n_sluice_settings() {\n    local -a settings=(\n",
          stdout);
    for (size_t i = 0; i < help_setting_count; i++)
        if (help_settings[i].name != NULL)
            printf("        '%s='\n", help_settings[i].name);
    fputs("    )\n    compadd -S '' -- $settings\n}\n_sluice() {\n"
          "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n        _sluice_commands\n        "
          "_directories\n        return\n    fi\n"
          "    local command=sql\n"
          "    case $words[2] in\n        help",
          stdout);
    for (size_t i = 0; i < help_command_count; i++)
        printf("|%s", help_commands[i].name);
    fputs(") command=$words[2]; shift words; (( CURRENT-- )) ;;\n    esac\n    case $command in\n"
          "        help) _sluice_commands ;;\n",
          stdout);
    for (size_t i = 0; i < help_command_count; i++)
        zsh_command(&help_commands[i]);
    fputs("    esac\n}\nif [ \"$funcstack[1]\" = _sluice ]; then _sluice \"$@\"; else compdef _sluice "
          "sluice; fi\n",
          stdout);
}

int cmd_completion(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bash") == 0)
        put_bash();
    else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
        put_zsh();
    else
        return command_misused("usage: sluice completion bash|zsh");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
