/*
 * command.c - the shell's own commands, by ksqlDB's names and psql's: a row of commands.def each. They need
 * no `;` and end with their line.
 */
#include "shell/session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/value.h"

typedef int (*CommandRun)(Shell *shell, Str rest, Arena *arena);

typedef struct {
    const char *words; /* as typed, words parted by one blank */
    CommandRun  run;
    const char *sql; /* instead of run: a statement, with what follows in place of the first % */
} Command;

static int misused(Shell *shell, const char *usage)
{
    out_error(&shell->out, "usage: %s", usage);
    return SHELL_FAILED;
}

/* Text without the quotes around it. */
static Str unquoted(Str text)
{
    text = str_trim(text);
    if (text.len >= 2 && text.ptr[0] == text.ptr[text.len - 1] && (text.ptr[0] == '\'' || text.ptr[0] == '"'))
        return str_n(text.ptr + 1, text.len - 2);
    return text;
}

static bool read_switch(Str text, bool now, bool *out)
{
    if (text.len == 0)
        *out = !now;
    else if (str_equal_nocase(text, STR_LIT("on")) || str_equal_nocase(text, STR_LIT("true")))
        *out = true;
    else if (str_equal_nocase(text, STR_LIT("off")) || str_equal_nocase(text, STR_LIT("false")))
        *out = false;
    else
        return false;
    return true;
}

static int run_help(Shell *shell, Str rest, Arena *arena)
{
    bool paged = shell->interactive && shell->pager && out_page_begin(&shell->out);
    shell_print_help(&shell->out, unquoted(rest));
    if (paged)
        out_page_end(&shell->out);
    return SHELL_OK;
}

static int run_exit(Shell *shell, Str rest, Arena *arena)
{
    shell->wants_exit = true;
    return SHELL_OK;
}

static int run_clear(Shell *shell, Str rest, Arena *arena)
{
    if (shell->out.terminal && shell->out.escapes)
        out_write(&shell->out, STR_LIT("\033[H\033[2J"));
    return SHELL_OK;
}

static int run_history(Shell *shell, Str rest, Arena *arena)
{
    shell_print_history(shell);
    return SHELL_OK;
}

static int run_output(Shell *shell, Str rest, Arena *arena)
{
    rest = unquoted(rest);
    if (rest.len == 0) {
        out_printf(&shell->out, "Current output format: %s\n",
                   form_name(display_form(&shell->display, &shell->out)));
        return SHELL_OK;
    }
    if (!form_parse(rest, &shell->display.form))
        return misused(shell, "output TABULAR | JSON | JSONL | CSV | TSV | VERTICAL | MARKDOWN");
    if (!shell->display.quiet && shell->out.terminal)
        out_printf(&shell->out, "Output format set to %s\n", form_name(shell->display.form));
    return SHELL_OK;
}

static int run_set_cli(Shell *shell, Str rest, Arena *arena)
{
    Str name  = split_word(arena, rest, 0);
    Str value = name.len < rest.len ? unquoted(str_n(rest.ptr + name.len, rest.len - name.len)) : STR_LIT("");
    int64_t number;
    if (str_equal(name, STR_LIT("WRAP")) && value.len > 0 && read_switch(value, false, &shell->display.wrap))
        return SHELL_OK;
    if (str_equal(name, STR_LIT("COLUMN-WIDTH")) && int64_parse(value, &number) && number >= 0 &&
        number <= 10000) {
        shell->display.column_width = (size_t)number;
        return SHELL_OK;
    }
    return misused(shell, "set cli WRAP ON|OFF, set cli COLUMN-WIDTH n");
}

static int run_server(Shell *shell, Str rest, Arena *arena)
{
    Error err;
    Str   url = unquoted(rest);
    if (url.len == 0) {
        out_printf(&shell->out, "%s\n", client_url(shell->client));
        return SHELL_OK;
    }
    if (client_set_url(shell->client, url, &err) != OK) {
        out_error(&shell->out, "%s", err.message);
        return SHELL_FAILED;
    }
    shell->last_command = -1;
    offset_vector_clear(&shell->written);
    names_refresh(shell->names, client_url(shell->client));
    return shell_print_banner(shell) ? SHELL_OK : SHELL_UNREACHABLE;
}

static int run_pipelining(Shell *shell, Str rest, Arena *arena)
{
    Str value = unquoted(rest);
    if (value.len > 0 && !read_switch(value, false, &shell->pipelining))
        return misused(shell, "request-pipelining [ON|OFF]");
    if (value.len == 0 || shell->out.terminal)
        out_printf(&shell->out, "Request pipelining is %s.\n", shell->pipelining ? "ON" : "OFF");
    return SHELL_OK;
}

/* The name of a file as a user writes it: perhaps in quotes, `~/` for the home. */
static Str path_of(Str rest, Arena *arena)
{
    const char *home = getenv("HOME");
    Str         path = unquoted(rest);
    if (home == NULL || !str_starts_with(path, STR_LIT("~/")))
        return path;
    return str_printf(arena, "%s" STR_FMT, home, STR_ARG(str_n(path.ptr + 1, path.len - 1)));
}

/* As psql has it; here it would be a file of that name. */
static bool is_program(Shell *shell, Str path)
{
    if (path.len == 0 || path.ptr[0] != '|')
        return false;
    out_error(
        &shell->out,
        "Results go to files; for a program, write them into one, or run `sluice sql -e ... | program`");
    return true;
}

static int run_include(Shell *shell, Str rest, Arena *arena)
{
    Str path = path_of(rest, arena);
    if (path.len == 0)
        return misused(shell, "run script 'FILE', \\i FILE");
    return shell_run_file(shell, str_to_c(arena, path));
}

/* What a script SETs and DEFINEs ends with it, as in ksqlDB; \i is for what is to stay. */
static int run_script(Shell *shell, Str rest, Arena *arena)
{
    Pairs properties = shell->properties, variables = shell->variables;
    shell->properties = pairs_copy(&properties);
    shell->variables  = pairs_copy(&variables);
    int status        = run_include(shell, rest, arena);
    pairs_clear(&shell->properties);
    pairs_clear(&shell->variables);
    shell->properties = properties;
    shell->variables  = variables;
    return status;
}

static int run_spool(Shell *shell, Str rest, Arena *arena)
{
    Error err;
    Str   path = path_of(rest, arena);
    bool  off  = str_equal_nocase(path, STR_LIT("off"));
    if (path.len == 0)
        return misused(shell, "spool 'FILE' | spool off");
    if (is_program(shell, path))
        return SHELL_FAILED;
    if (out_spool(&shell->out, off ? NULL : str_to_c(arena, path), &err) != OK) {
        out_error(&shell->out, "%s", err.message);
        return SHELL_FAILED;
    }
    if (off)
        out_printf(&shell->out, "Spooling is off.\n");
    else
        out_printf(&shell->out, "Session will be spooled to " STR_FMT "\nEnter SPOOL OFF to disable.\n",
                   STR_ARG(path));
    return SHELL_OK;
}

static int run_version(Shell *shell, Str rest, Arena *arena)
{
    out_printf(&shell->out, "Version: %s\n", SLUICE_VERSION);
    return SHELL_OK;
}

static int run_expanded(Shell *shell, Str rest, Arena *arena)
{
    bool on = shell->display.expanded == EXPANDED_ON;
    rest    = unquoted(rest);
    if (str_equal_nocase(rest, STR_LIT("auto")))
        shell->display.expanded = EXPANDED_AUTO;
    else if (read_switch(rest, on, &on))
        shell->display.expanded = on ? EXPANDED_ON : EXPANDED_OFF;
    else
        return misused(shell, "\\x [on|off|auto]");
    if (!shell->display.quiet && shell->out.terminal)
        out_printf(&shell->out, "One column a line: %s.\n",
                   shell->display.expanded == EXPANDED_AUTO ? "auto"
                   : on                                     ? "on"
                                                            : "off");
    return SHELL_OK;
}

static int run_timing(Shell *shell, Str rest, Arena *arena)
{
    if (!read_switch(unquoted(rest), shell->display.timing, &shell->display.timing))
        return misused(shell, "\\timing [on|off]");
    out_printf(&shell->out, "Timing is %s.\n", shell->display.timing ? "on" : "off");
    return SHELL_OK;
}

static int run_out(Shell *shell, Str rest, Arena *arena)
{
    Error err;
    Str   path = path_of(rest, arena);
    if (is_program(shell, path))
        return SHELL_FAILED;
    if (out_open(&shell->out, path.len > 0 ? str_to_c(arena, path) : NULL, &err) == OK)
        return SHELL_OK;
    out_error(&shell->out, "%s", err.message);
    return SHELL_FAILED;
}

/* \set ON_ERROR_STOP off, \set VERBOSE on, \set name value (as DEFINE). */
static int run_set(Shell *shell, Str rest, Arena *arena)
{
    Str name  = split_word(arena, rest, 0);
    Str value = name.len < rest.len ? unquoted(str_n(rest.ptr + name.len, rest.len - name.len)) : STR_LIT("");
    if (name.len == 0) {
        for (size_t i = 0; i < shell->variables.count; i++)
            out_printf(&shell->out, "%s = '%s'\n", shell->variables.items[i].name,
                       shell->variables.items[i].value);
        return SHELL_OK;
    }
    bool *known = str_equal(name, STR_LIT("ON_ERROR_STOP")) ? &shell->stop_on_error
                  : str_equal(name, STR_LIT("VERBOSE"))     ? &shell->verbose
                                                            : NULL;
    if (known == NULL)
        pairs_set(&shell->variables, str_n(rest.ptr, name.len), value);
    else if (!read_switch(value.len > 0 ? value : STR_LIT("on"), false, known))
        return misused(shell, "\\set NAME on|off");
    return SHELL_OK;
}

static int run_pset(Shell *shell, Str rest, Arena *arena)
{
    Str name  = split_word(arena, rest, 0);
    Str value = name.len < rest.len ? unquoted(str_n(rest.ptr + name.len, rest.len - name.len)) : STR_LIT("");
    if (str_equal(name, STR_LIT("NULL"))) {
        mem_free(shell->null_text);
        shell->display.null_text = shell->null_text = str_to_heap(value);
        return SHELL_OK;
    }
    if (str_equal(name, STR_LIT("FORMAT")))
        return run_output(shell, value, arena);
    if (str_equal(name, STR_LIT("COLOR")) && read_switch(value, shell->out.color, &shell->out.color))
        return SHELL_OK;
    if (str_equal(name, STR_LIT("PAGER")) && read_switch(value, shell->pager, &shell->pager))
        return SHELL_OK;
    return misused(shell, "\\pset null 'TEXT', \\pset format FORM, \\pset pager on|off, \\pset color on|off");
}

static int run_again(Shell *shell, Str rest, Arena *arena)
{
    Str path = path_of(rest, arena);
    return is_program(shell, path) ? SHELL_FAILED : shell_run_again(shell, path);
}

static int run_edit(Shell *shell, Str rest, Arena *arena) { return shell_run_edit(shell); }

static int run_watch(Shell *shell, Str rest, Arena *arena) { return shell_run_watch(shell, rest); }

static const Command commands[] = {
#define SHELL_COMMAND(words, function, sql, arguments, help) {words, function, sql},
#include "shell/commands.def"
#undef SHELL_COMMAND
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Does the line begin with these words? *rest is where they end. Backslash commands look at case (\dt, \dT).
 */
static bool begins_with_words(Str line, const char *words, size_t *rest)
{
    size_t at = 0;
    for (const char *w = words; *w != '\0'; w++) {
        if (*w == ' ') {
            if (at >= line.len || !is_blank(line.ptr[at]))
                return false;
            while (at < line.len && is_blank(line.ptr[at]))
                at++;
            continue;
        }
        bool same =
            at < line.len && (line.ptr[at] == *w || (words[0] != '\\' && line.ptr[at] >= 'A' &&
                                                     line.ptr[at] <= 'Z' && (line.ptr[at] | 0x20) == *w));
        if (!same)
            return false;
        at++;
    }
    *rest = at;
    return at == line.len || is_blank(line.ptr[at]) || line.ptr[at] == ';';
}

static const Command *find_command(Str line, size_t *rest)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (begins_with_words(line, commands[i].words, rest))
            return &commands[i];
    return NULL;
}

bool shell_is_command(Str line)
{
    size_t rest;
    return (line.len > 0 && line.ptr[0] == '\\') || find_command(line, &rest) != NULL;
}

static int run_as_sql(Shell *shell, const char *sql, Str rest)
{
    StrBuf      text    = {0};
    const char *percent = strchr(sql, '%');
    strbuf_add(&text, percent != NULL ? str_n(sql, (size_t)(percent - sql)) : str_c(sql));
    if (percent != NULL)
        strbuf_add(&text, rest);
    if (percent != NULL && rest.len == 0) { /* \d alone: what is there */
        strbuf_reset(&text);
        strbuf_adds(&text, "SHOW STREAMS");
        int first = run_as_sql(shell, "SHOW TABLES", STR_LIT(""));
        if (first != SHELL_OK) {
            strbuf_clear(&text);
            return first;
        }
    }
    Place place  = {.text = strbuf_str(&text)};
    int   result = shell_run_statement(shell, strbuf_str(&text), &place);
    strbuf_clear(&text);
    return result;
}

/* A line with a backslash that is none of ours. */
static void refuse_command(Shell *shell, Str line)
{
    Error  err;
    size_t len = 0;
    while (len < line.len && !is_blank(line.ptr[len]))
        len++;
    error_set(&err, E_NOT_FOUND, NO_POS, "There is no command " STR_FMT " (\\? lists them)", (int)len,
              line.ptr);
    shell_suggest_command(&err, str_n(line.ptr, len));
    out_error(&shell->out, "%s", err.message);
}

int shell_run_command(Shell *shell, Str line)
{
    size_t         at;
    Arena         *arena   = arena_new(SIZE_MAX);
    const Command *command = find_command(line, &at);
    int            result  = SHELL_FAILED;
    if (command == NULL)
        refuse_command(shell, line);
    else {
        Str rest = str_trim(str_n(line.ptr + at, line.len - at));
        result =
            command->run != NULL ? command->run(shell, rest, arena) : run_as_sql(shell, command->sql, rest);
    }
    out_flush(&shell->out);
    arena_free(arena);
    return result;
}

/* ---- banner ---- */

bool shell_print_banner(Shell *shell)
{
    StrBuf      body = {0};
    Error       err;
    ClientReply reply  = {0};
    Arena      *arena  = arena_new(0);
    Status      status = client_call(shell->client, "GET", "/info", STR_NULL, &body, &reply, &err);
    bool        good   = status == OK && reply.status == 200;
    if (good) {
        JsonText info = jtext_get(jtext_parse(strbuf_str(&body)), "KsqlServerInfo");
        Str      own  = jtext_field(arena, info, "sluiceVersion");
        if (own.len > 0)
            out_printf(&shell->out, "Server Sluice " STR_FMT " (as ksqlDB " STR_FMT ")", STR_ARG(own),
                       STR_ARG(jtext_field(arena, info, "version")));
        else
            out_printf(&shell->out, "Server ksqlDB " STR_FMT, STR_ARG(jtext_field(arena, info, "version")));
        out_printf(&shell->out, " at %s, " STR_FMT "\n", client_url(shell->client),
                   STR_ARG(jtext_field(arena, info, "serverStatus")));
        if (own.len > 0 && !str_equal(own, STR_LIT(SLUICE_VERSION)))
            out_printf(&shell->out, "Note: this shell is version %s\n", SLUICE_VERSION);
    } else if (status != OK)
        shell_fail_transport(shell, status, &reply, &err);
    else
        shell_fail_reply(shell, &reply, strbuf_str(&body), NULL);
    strbuf_clear(&body);
    arena_free(arena);
    return good;
}
