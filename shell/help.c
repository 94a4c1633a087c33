/*
 * help.c - the commands and the keys, and of each statement what its row tells: syntax, example.
 */
#include "core/statements.h"
#include "shell/session.h"

static const struct {
    const char *words, *arguments, *help;
} commands[] = {
#define SHELL_COMMAND(words, function, sql, arguments, help) {words, arguments, help},
#include "shell/commands.def"
#undef SHELL_COMMAND
};

static const char more_text[] =
    "Kept in the session: SET 'p'='v'; UNSET 'p'; DEFINE v='x'; UNDEFINE v; SHOW VARIABLES; SHOW "
    "PROPERTIES;\n"
    "Keys: Ctrl-C stops what runs or drops the line, Ctrl-R searches the history, Ctrl-L clears, Tab "
    "completes.\n"
    "Statements (help STATEMENT tells more):\n ";

enum { HELP_COLUMN = 34 };

/* Rows without help are other names of the next one. */
static void print_commands(Out *out)
{
    StrBuf names = {0};
    out_printf(out, "Commands (no ; needed):\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", commands[i].words);
        if (commands[i].help == NULL)
            continue;
        if (commands[i].arguments != NULL)
            strbuf_addf(&names, " %s", commands[i].arguments);
        bool fits = names.len + 2 < HELP_COLUMN;
        out_printf(out, "  " STR_FMT "%s%*s%s\n", STR_ARG(strbuf_str(&names)), fits ? "" : "\n",
                   (int)(fits ? HELP_COLUMN - 2 - names.len : HELP_COLUMN), "", commands[i].help);
        strbuf_reset(&names);
    }
    strbuf_clear(&names);
}

static Str without_semicolon(Str text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == ';')
        text = str_trim(str_n(text.ptr, text.len - 1));
    return text;
}

/* `create`, `CREATE TABLE` and `cre` are about CREATE STREAM|TABLE: each word begins one of the row's. */
static bool is_about(const StatementText *text, Str topic)
{
    for (size_t position = 0; topic.len > 0; position++) {
        size_t len = 0;
        while (len < topic.len && topic.ptr[len] != ' ')
            len++;
        bool found = false;
        Str  typed = str_n(topic.ptr, len), word;
        for (size_t i = 0; !found && !str_is_null(word = statement_word(text, position, i)); i++)
            found = len <= word.len && str_equal_nocase(typed, str_n(word.ptr, len));
        if (!found)
            return false;
        topic = str_trim(str_n(topic.ptr + len, topic.len - len));
    }
    return true;
}

void shell_print_help(Out *out, Str topic)
{
    bool found = false;
    topic      = without_semicolon(topic);
    if (topic.len == 0) {
        Str    words[STATEMENT_WORDS_MAX];
        size_t count = statement_first_words(words);
        print_commands(out);
        out_printf(out, "%s", more_text);
        for (size_t i = 0; i < count; i++)
            out_printf(out, " " STR_FMT "%s", STR_ARG(words[i]), i + 1 < count ? "," : "\n");
        return;
    }
    for (size_t i = 0; i < statement_count; i++) {
        const StatementText *text = &statement_texts[i];
        if (!statement_is_served(text) || !is_about(text, topic))
            continue;
        out_printf(out, "%s%s\nExample: %s\n", found ? "\n" : "", text->syntax, text->example);
        found = true;
    }
    if (!found)
        out_printf(out, "There is no help on " STR_FMT "; `help` lists what there is\n", STR_ARG(topic));
}
