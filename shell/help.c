/*
 * help.c - the commands and the keys, and of each statement what its row tells: syntax, example.
 */
#include "core/statements.h"
#include "core/suggest.h"
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
    "Statements (help STATEMENT tells more):\n";

enum { HELP_COLUMN = 34, WRAP_LEAST = 20 /* columns; in fewer, breaks make nothing better */ };

/* The row that tells what row `at` does: rows without help are other names of the next one. */
static size_t telling_row(size_t at)
{
    while (commands[at].help == NULL)
        at++;
    return at;
}

/* Goes on from column `at`; words that do not fit the line begin the next one, at `indent`. Where there is no
 * terminal, or hardly one, lines are as they are. */
static void print_wrapped(Out *out, size_t at, size_t indent, Str text)
{
    size_t columns = out_columns(out);
    bool   wraps   = columns >= indent + WRAP_LEAST;
    while (text.len > 0) {
        const char *blank = memchr(text.ptr, ' ', text.len);
        size_t      len   = blank != NULL ? (size_t)(blank - text.ptr) : text.len;
        if (wraps && at > indent && at + len > columns) {
            out_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        }
        size_t taken = len + (blank != NULL);
        bool   last  = blank == NULL || (wraps && at + taken >= columns); /* no blank at the end of a line */
        out_write(out, str_n(text.ptr, last ? len : taken));
        at += taken;
        text = str_n(text.ptr + taken, text.len - taken);
    }
    out_printf(out, "\n");
}

/* Line by line; what goes on is indented. */
static void print_lines(Out *out, Str text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t      len = end != NULL ? (size_t)(end - text.ptr) : text.len, margin = 0;
        while (margin < len && text.ptr[margin] == ' ')
            margin++;
        out_write(out, str_n(text.ptr, margin));
        print_wrapped(out, margin, margin + 4, str_n(text.ptr + margin, len - margin));
        size_t taken = len + (end != NULL);
        text         = str_n(text.ptr + taken, text.len - taken);
    }
}

/* Rows from `first` to the one that tells what they do. */
static void print_command(Out *out, size_t first)
{
    StrBuf names = {0};
    size_t last  = telling_row(first);
    for (size_t i = first; i <= last; i++)
        strbuf_addf(&names, "%s%s", i > first ? ", " : "", commands[i].words);
    if (commands[last].arguments != NULL)
        strbuf_addf(&names, " %s", commands[last].arguments);
    bool fits = names.len + 2 < HELP_COLUMN;
    out_printf(out, "  " STR_FMT "%s%*s", STR_ARG(strbuf_str(&names)), fits ? "" : "\n",
               (int)(fits ? HELP_COLUMN - 2 - names.len : HELP_COLUMN), "");
    print_wrapped(out, HELP_COLUMN, HELP_COLUMN, str_c(commands[last].help));
    strbuf_clear(&names);
}

static void print_commands(Out *out)
{
    out_printf(out, "Commands (no ; needed):\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i = telling_row(i) + 1)
        print_command(out, i);
}

/* `help spool`, `help \\watch` */
static bool print_command_named(Out *out, Str name)
{
    for (size_t first = 0; first < ARRAY_LEN(commands); first = telling_row(first) + 1)
        for (size_t i = first; i <= telling_row(first); i++)
            if (str_equal_nocase(str_c(commands[i].words), name) ||
                (commands[i].words[0] == '\\' && str_equal(str_c(commands[i].words + 1), name))) {
                print_command(out, first);
                return true;
            }
    return false;
}

void shell_suggest_command(Error *err, Str name)
{
    Str    names[ARRAY_LEN(commands) + STATEMENT_WORDS_MAX];
    Arena *arena = arena_new(0);
    size_t count = name.len > 0 && name.ptr[0] == '\\' ? 0 : statement_first_words(names);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[count++] = str_c(commands[i].words);
    bool word = name.len > 0 && name.ptr[0] != '\\';
    for (size_t i = 0; word && i < count; i++) /* \\dt is not \\dT, but `Selct` is SELECT */
        names[i] = str_upper(arena, names[i]);
    error_suggest(err, word ? str_upper(arena, name) : name, names, count);
    arena_free(arena);
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
        StrBuf all   = {0};
        print_commands(out);
        print_lines(out, str_c(more_text));
        for (size_t i = 0; i < count; i++)
            strbuf_addf(&all, STR_FMT "%s", STR_ARG(words[i]), i + 1 < count ? ", " : "");
        out_printf(out, "  ");
        print_wrapped(out, 2, 2, strbuf_str(&all));
        strbuf_clear(&all);
        return;
    }
    for (size_t i = 0; i < statement_count; i++) {
        const StatementText *text = &statement_texts[i];
        if (!statement_is_served(text) || !is_about(text, topic))
            continue;
        out_printf(out, found ? "\n" : "");
        print_lines(out, str_c(text->syntax));
        out_printf(out, "Example: ");
        print_wrapped(out, strlen("Example: "), 4, str_c(text->example));
        found = true;
    }
    if (found || print_command_named(out, topic))
        return;
    Error err;
    error_set(&err, E_NOT_FOUND, NO_POS, "There is no help on " STR_FMT "; `help` lists what there is",
              STR_ARG(topic));
    shell_suggest_command(&err, topic);
    out_printf(out, "%s\n", err.message);
}
