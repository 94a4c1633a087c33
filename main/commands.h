/*
 * commands.h - what the files of the subcommands share. A subcommand gets its arguments without the program's
 * name; argv[0] is its own.
 */
#ifndef SLUICE_MAIN_COMMANDS_H
#define SLUICE_MAIN_COMMANDS_H

#include "server/node/node.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define COMMAND(name, function, usage, words, summary, about, example) int function(int argc, char **argv);
#include "main/commands.def"
#undef COMMAND

/* Says "sluice: ..." on standard error; returns EXIT_USAGE or EXIT_FAILED. */
int command_misused(const char *format, ...) SL_PRINTF(1, 2);
int command_failed(const Error *err);

/* ---- options of `server` and `run` ---- */

typedef struct {
    Properties *properties; /* of the command line, then those of the file */
    Properties *file;
    const char *queries_file;
    bool        until_idle;
} CommandOptions;

/* EXIT_OK, or the exit status after saying what is wrong. `bare_file`: an argument without option is the
 * queries file. */
int  options_parse(CommandOptions *options, int argc, char **argv, bool bare_file);
void options_clear(CommandOptions *options);
/* Name as the settings know it, set on the command line or in the file? */
bool options_say(const CommandOptions *options, const char *name);

/* ---- until when ---- */

/* Blocks SIGTERM and SIGINT in this thread and in those it starts from now on. */
void stop_block(void);
/* Waits for one of them; true: it came, false: the time is over. */
bool stop_wait(int timeout_ms);
/* Did SIGHUP come since the last time? It is blocked by stop_block, too, and ends no wait. */
bool hangup_asked(void);
/* Did one come? NodeOptions.interrupted. */
bool stop_asked(void);

#endif
