/*
 * highlight.h - what each byte of a text that is being typed is, for colouring it: a pure function.
 */
#ifndef SLUICE_SHELL_HIGHLIGHT_H
#define SLUICE_SHELL_HIGHLIGHT_H

#include "core/str.h"

typedef enum {
    STYLE_PLAIN,
    STYLE_KEYWORD, /* of the language, and the shell's commands that begin with a backslash */
    STYLE_TEXT,    /* a literal in quotes */
    STYLE_NUMBER,  /* and a ${variable} */
    STYLE_COMMENT,
    STYLE_ERROR, /* a parenthesis that closes nothing or is never closed, a quote that is not closed yet */
    STYLES
} Style;

/* Fills styles[0 .. text.len), a Style each. */
void highlight(Str text, uint8_t *styles);
/* How a style looks on a terminal: the number of an SGR sequence, of the terminal's own palette and readable
 * on light and dark; empty for plain. */
const char *style_code(Style style);

#endif
