/*
 * terminal.c - see terminal.h.
 */
#include "shell/terminal.h"

#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

bool terminal_takes_escapes(void)
{
    int found;
    if (getenv("TERM") == NULL || setupterm(NULL, STDOUT_FILENO, &found) != OK)
        return false;
    const char *move = tigetstr("cup");
    return move != NULL && move != (const char *)-1; /* -1: it is no such capability */
}
