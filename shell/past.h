/*
 * past.h - the file of the history: read at the start, and one entry added to it at a time.
 *
 * Shells that are open side by side write into the same file, so nobody writes it anew but who finds it too
 * long at its start: what others have added since would be lost. It is libedit's form, version 2.
 */
#ifndef SLUICE_SHELL_PAST_H
#define SLUICE_SHELL_PAST_H

#include <histedit.h>

#include "core/str.h"

enum { PAST_ENTRIES = 2000 };

/* Reads what is kept in `path`, the newest PAST_ENTRIES of it; nothing, if that cannot be read. */
void past_load(History *history, const char *path);
/* Adds an entry to the file, which is made for its owner alone. False: it cannot be written. */
bool past_add(const char *path, Str entry);

#endif
