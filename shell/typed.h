/*
 * typed.h - the bytes of the keyboard, also those that come while a statement runs and nobody asks for them.
 *
 * A terminal keeps 4096 bytes that are not read; then it takes no more, and with the rest Ctrl-C stands
 * outside, too: what runs could not be ended any more. So whoever waits calls typed_keep now and then.
 *
 * Thread: the shell's.
 */
#ifndef SLUICE_SHELL_TYPED_H
#define SLUICE_SHELL_TYPED_H

#include <sys/types.h>

#include "core/str.h"

typedef struct {
    bool   keeps; /* a statement runs: what is typed is for the prompt after it */
    bool   lost;  /* it was more than is kept */
    StrBuf ahead;
    size_t at; /* what is in front was read */
} Typed;

void typed_clear(Typed *typed);
/* Takes what was typed meanwhile out of the terminal; after a Ctrl-C all of it is dropped, as the terminal
 * does with its own part. Does nothing unless `keeps`. */
void typed_keep(Typed *typed);
/* Pauses so long, keeping what is typed; false: Ctrl-C came. */
bool typed_pause(Typed *typed, int64_t ms);
/* Is there something to read, now or within `ms`? */
bool typed_comes_within(const Typed *typed, int ms);
/* Waits for the next byte; false: a signal came first. */
bool typed_wait(const Typed *typed);
/* The next byte: 1; or as read(2). */
ssize_t typed_read(Typed *typed, char *byte);

#endif
