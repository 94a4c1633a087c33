/*
 * keys.h - from what a terminal sends to what libedit takes: signals, UTF-8, and keys that are several bytes.
 *
 * libedit looks at one byte after the other. So an ESC before anything else would be a key's beginning to it
 * or vi's ESC, but never both, and of a key that it does not know it would write down the rest (`5D`). Here a
 * key is read whole: one that nobody has bound is dropped, and an ESC alone is ESC.
 */
#ifndef SLUICE_SHELL_KEYS_H
#define SLUICE_SHELL_KEYS_H

#include <histedit.h>
#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "shell/typed.h"

typedef struct {
    Typed *typed;
    bool   vi;
    char   pending[48]; /* of a key: what libedit has not taken yet */
    size_t at, len;
    /* The window has another size; or, `elsewhere`, others have written on the screen. */
    void (*redraw)(EditLine *edit, bool elsewhere);
    bool at_bottom; /* the cursor was moved behind the text, for it is dropped */
} Keys;

/* `typed` must live as long; `redraw` is called while a key is waited for. Reads ~/.editrc and binds the
 * shell's keys, to the functions that were added before under the names sluice-complete, -paste, -right, -end
 * and -undo. */
void keys_bind(Keys *keys, Typed *typed, void (*redraw)(EditLine *edit, bool elsewhere), EditLine *edit);
/* The next character: 1, or 0 at the end of input, or -1 (EINTR) when a signal wants what was typed dropped.
 */
int keys_read(Keys *keys, EditLine *edit, wchar_t *out);
/* Would keys_read return at once? */
bool keys_are_typed(const Keys *keys);
/* A new line begins. */
void keys_begin(Keys *keys);

#endif
