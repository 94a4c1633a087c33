/*
 * shell.h - the interactive client: `sluice`, `sluice sql`.
 *
 * It speaks REST to whatever is behind a URL. An engine in the same process is no exception: main/ brings a
 * function that starts one on a directory and tells its URL.
 */
#ifndef SLUICE_SHELL_SHELL_H
#define SLUICE_SHELL_SHELL_H

#include "core/str.h"

typedef struct {
    void *context;
    /* Starts an engine on the state directory (NULL: the default) and writes its URL. */
    Status (*start)(void *context, const char *directory, StrBuf *url, Error *err);
    /* Writes one line about what happened in the engine since the last call, or nothing. Asked before a
     * prompt, and at the end. */
    void (*news)(void *context, StrBuf *out);
    void (*stop)(void *context);
    void (*help)(void); /* prints what `sluice sql --help` says */
} ShellEngine;

/* Returns the exit status: 0 all well, 1 a statement failed, 2 usage, 3 server not reached, 130 interrupted.
 * argv[0] is not looked at. */
int shell_main(int argc, char **argv, const ShellEngine *engine);

#endif
