/*
 * paint.h - the line that libedit shows, drawn over once more: in colours, with a suggestion behind it.
 *
 * libedit knows no colours. But it keeps what is on the screen cell by cell, so the same letters may be drawn
 * into the same cells: whatever libedit draws next, it draws over them as if nothing had happened. Between
 * two keys we do that, and go back to where the cursor was. The suggestion stands where libedit believes
 * blanks; it is taken away before libedit hears of the next key.
 */
#ifndef SLUICE_SHELL_PAINT_H
#define SLUICE_SHELL_PAINT_H

#include "core/str.h"

typedef struct {
    Str      line;           /* of libedit */
    size_t   cursor;         /* in it */
    uint8_t *styles;         /* a Style for each byte of it */
    Str      ghost;          /* the suggestion; empty: none. Only with the cursor at the end of the line */
    size_t   prompt;         /* columns that the prompt takes */
    size_t   columns, lines; /* of the screen */
} Paint;

/* Adds what the terminal is to be sent; false: nothing, for the line is not shown as it is (control
 * characters) or not all of it (higher than the screen). *ghosted: a suggestion is on the screen. */
bool paint_line(const Paint *paint, StrBuf *out, bool *ghosted);
/* The same, to take the suggestion away: the cursor stands in front of it. */
extern const char paint_clear_ghost[];

/* Takes the line off the screen; the cursor stands where it began. */
void paint_rewind(const Paint *paint, StrBuf *out);

#endif
