/*
 * help.c - the commands and the keys, and of each statement what its row tells: syntax, example.
 */
#include "core/statements.h"
#include "shell/session.h"

static const char commands_text[] =
    "Commands (no ; needed):\n"
    "  help [STATEMENT]           this list; the syntax of a statement\n"
    "  exit, quit, \\q             leave (also Ctrl-D)\n"
    "  clear                      clear the screen\n"
    "  history                    what was entered\n"
    "  output [FORM]              tabular, json, jsonl, csv, tsv, vertical, markdown\n"
    "  set cli WRAP on|off        wrap long values instead of cutting them\n"
    "  set cli COLUMN-WIDTH n     fixed column width; 0: by the data\n"
    "  server [URL]               show or change the server\n"
    "  request-pipelining [on|off]\n"
    "  run script 'FILE', \\i FILE run the statements of a file\n"
    "  spool 'FILE' | off         write a copy of the session\n"
    "  version                    of this shell\n"
    "  \\d [NAME] \\ds \\dt \\dT \\dq \\df  describe; streams, tables, topics, queries, functions\n"
    "  \\x [on|off|auto]           one column a line\n"
    "  \\timing  \\o [FILE]  \\pset null 'TEXT'  \\pset pager on|off\n"
    "  \\g [FILE]  \\e             the last statement again, into a file; in an editor ($VISUAL, $EDITOR)\n"
    "  \\watch [SECONDS [TIMES]]  again and again, with what changed; Ctrl-C ends it\n"
    "  \\set ON_ERROR_STOP off     go on after an error in a script;  \\set VERBOSE on: causes of errors\n"
    "Kept in the session: SET 'p'='v'; UNSET 'p'; DEFINE v='x'; UNDEFINE v; SHOW VARIABLES; SHOW "
    "PROPERTIES;\n"
    "Keys: Ctrl-C stops what runs or drops the line, Ctrl-R searches the history, Ctrl-L clears, Tab "
    "completes.\n"
    "Statements (help STATEMENT tells more):\n ";

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
        out_printf(out, "%s", commands_text);
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
