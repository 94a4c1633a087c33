/*
 * live.h - what happens between two keys at the prompt: the line is coloured, a suggestion is shown behind
 * it, and its state is kept for undo.
 */
#ifndef SLUICE_SHELL_LIVE_H
#define SLUICE_SHELL_LIVE_H

#include <histedit.h>

#include "shell/session.h"

typedef struct {
    StrBuf text;
    size_t cursor; /* in characters */
    bool   typed;  /* by one key more than the state before */
} LiveState;

/* Thread: the prompt's. */
typedef struct {
    Shell        *shell;
    EditLine     *edit;
    History      *history;
    const StrBuf *earlier; /* lines of the statement before this one */
    StrBuf        ghost;   /* the suggestion */
    bool          ghosted; /* it is on the screen */
    LiveState    *states;  /* of this line, oldest first; the last is the present one */
    size_t        count, capacity;
} Live;

void live_init(Live *live, Shell *shell, EditLine *edit, History *history, const StrBuf *earlier);
void live_clear(Live *live);
/* A new line begins. */
void live_begin(Live *live);
/* Before waiting for a key; `prompt` is how many columns the prompt takes. */
void live_show(Live *live, size_t prompt);
/* Before libedit hears of a key. */
void live_hide(Live *live);
/* Puts the suggestion into the line; false: there is none, or the cursor is not at the end. */
bool live_take(Live *live);
/* The line as it was before the last change; false: there is nothing to undo. */
bool live_undo(Live *live);

/* Takes the line off the screen as it was drawn for a window of so many columns and lines. */
void live_rewind(const Live *live, size_t prompt, int columns, int lines);

#endif
