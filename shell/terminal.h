/*
 * terminal.h - what a terminal understands. A file of its own, for the system's header claims names like
 * `lines`.
 */
#ifndef SLUICE_SHELL_TERMINAL_H
#define SLUICE_SHELL_TERMINAL_H

#include <stdbool.h>

/* Can the cursor be moved on the terminal that $TERM names? Then it also knows colours and how to clear a
 * line. False for `dumb`, for one that nobody has described, and when $TERM is not set: escapes would be
 * shown there. */
bool terminal_takes_escapes(void);

#endif
