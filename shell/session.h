/*
 * session.h - what the shell remembers between statements, and what its files share.
 *
 * Thread: one.
 */
#ifndef SLUICE_SHELL_SESSION_H
#define SLUICE_SHELL_SESSION_H

#include "core/offset_vector.h"
#include "shell/client.h"
#include "shell/display.h"
#include "shell/jtext.h"
#include "shell/names.h"
#include "shell/shell.h"
#include "shell/split.h"
#include "shell/typed.h"

/* Names and values in the order in which they came: properties (SET) and variables (DEFINE). */
typedef struct {
    char *name, *value;
} Pair;
typedef struct {
    Pair  *items;
    size_t count, capacity;
    bool   nocase;
} Pairs;
const char *pairs_get(const Pairs *pairs, Str name); /* NULL: not there */
void        pairs_set(Pairs *pairs, Str name, Str value);
bool        pairs_remove(Pairs *pairs, Str name);
Pairs       pairs_copy(const Pairs *pairs); /* the caller clears it */
void        pairs_clear(Pairs *pairs);

typedef struct {
    Client            *client;
    ClientAuth         auth;
    Out                out;
    Display            display;
    Pairs              properties, variables;
    bool               interactive;
    bool               stop_on_error, verbose, pipelining;
    bool               wants_exit;
    int64_t            row_limit, timeout_ms; /* of streamed queries; 0: none */
    OffsetVector       written;               /* what it has inserted: queries are to see it */
    int64_t            last_command;          /* commandSequenceNumber to wait for; -1: none */
    const char        *source;                /* name of the file being run; NULL: typed */
    int                depth;                 /* of scripts in scripts */
    int                status;                /* worst exit status so far */
    void              *history;               /* of input.c; NULL when not interactive */
    Names             *names;                 /* for completion; NULL when not interactive */
    Typed              typed;                 /* keys, when interactive */
    StrBuf             last;                  /* the last statement, for \g, \e and \watch */
    bool               pager;                 /* listings longer than the screen go through it */
    char              *null_text;             /* of \pset null; NULL: it was not said */
    const ShellEngine *engine;                /* that was started in this process; NULL: none */
    int64_t            asked_us;              /* when the statement that is answered was sent */
} Shell;

/* Where a statement stands, for messages. */
typedef struct {
    Str         text;         /* of the whole input */
    size_t      start;        /* of the statement in it */
    const char *file;         /* NULL: typed */
    unsigned    lines_before; /* of the file, in front of `text`: it comes in pieces */
    bool        reworded;     /* the server got another text: its places are not this one's */
} Place;

/* Exit statuses. */
enum { SHELL_OK = 0, SHELL_FAILED = 1, SHELL_USAGE = 2, SHELL_UNREACHABLE = 3, SHELL_INTERRUPTED = 130 };

/* ---- script.c: running text ---- */

/* Runs all statements of the input's text from byte input->start on, which moves behind what was run. `last`:
 * no more text comes. Answers an exit status; stops at the first failure if stop_on_error and not
 * interactive. */
int shell_run_text(Shell *shell, Place *input, bool last, size_t *count);
int shell_run_file(Shell *shell, const char *path); /* "-": standard input */

/* ---- statement.c: one statement ---- */

int shell_run_statement(Shell *shell, Str statement, const Place *place);
/* The JSON object of a request: {"ksql": text, "streamsProperties": ..., "sessionVariables": ...}. */
void shell_request(const Shell *shell, Str statement, StrBuf *out);

/* ---- query.c: SELECT and PRINT ---- */

int shell_run_query(Shell *shell, Str statement, const Place *place, bool print);

/* ---- setting.c: SET, UNSET, DEFINE, UNDEFINE, SHOW VARIABLES ---- */

/* True when it was one of them. */
bool shell_run_setting(Shell *shell, Str statement, const Place *place, int *status);
/* The first ${name} in the statement that is not defined; empty when all are. */
Str shell_undefined_variable(const Shell *shell, Str statement);

/* ---- command.c: the shell's own commands ---- */

bool shell_is_command(Str line);
int  shell_run_command(Shell *shell, Str line);
/* Prints what the server says about itself; false when it cannot be reached. */
bool shell_print_banner(Shell *shell);

/* ---- again.c: the last statement once more ---- */

int shell_run_again(Shell *shell, Str path); /* \g [FILE] */
int shell_run_edit(Shell *shell);            /* \e */
int shell_run_watch(Shell *shell, Str rest); /* \watch [SECONDS [TIMES]] */

/* ---- failure.c: telling what went wrong ---- */

/* An answer of status 400 and more, or an error element of a stream. */
int shell_fail_reply(Shell *shell, const ClientReply *answer, Str body, const Place *place);
int shell_fail_transport(Shell *shell, Status status, const ClientReply *reply, const Error *err);
/* With a file's name and the statement's place in it, but no mark: it is about no word of the statement. */
int shell_fail(Shell *shell, const Place *place, const char *format, ...) SL_PRINTF(3, 4);
/* About what begins at byte `at` of the statement. */
int shell_fail_statement(Shell *shell, const Place *place, size_t at, const char *format, ...)
    SL_PRINTF(4, 5);
/* The message of a command that failed; it may tell a place. */
int shell_fail_message(Shell *shell, const Place *place, Str message);

/* What the engine of this process wants people to know, on standard error. */
void shell_tell_news(const Shell *shell);

/* ---- entity.c: what the server answers to statements ---- */

struct Grid; /* grid.h */
/* Closes a listing and tells, where people read, how many rows it has and how long it took. */
void shell_end_listing(Shell *shell, struct Grid *grid);

void shell_print_entity(Shell *shell, JsonText entity);

/* ---- input.c, help.c, options.c ---- */

int  shell_interactive(Shell *shell, const char *history_path);
void shell_print_history(Shell *shell);
void shell_print_help(Out *out, Str topic);
/* Appends the command or statement that was probably meant. */
void shell_suggest_command(Error *err, Str name);

typedef struct {
    bool        file; /* -f rather than -e */
    const char *text;
} ShellTask;

typedef struct {
    ShellTask  *tasks;
    size_t      task_count;
    const char *target; /* URL or DIR; NULL: neither given */
    const char *output_path, *config_file;
    bool        no_color, no_startup, help;
    Arena      *texts; /* of config_file, which the session goes on to read; NULL: none */
} ShellOptions;

/* `http://...`, `host:port`, `unix:PATH`: a server; everything else is a directory or a file. */
bool shell_is_url(const char *target);
/* SHELL_OK, or after saying what is wrong SHELL_USAGE, or SHELL_FAILED: a script is not there. Sets the
 * session's parts right away. */
int  shell_options_parse(ShellOptions *options, Shell *shell, int argc, char **argv);
void shell_options_clear(ShellOptions *options);

#endif
