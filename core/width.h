/*
 * width.h - how wide text is on a terminal, and how to make strangers' text harmless there.
 */
#ifndef SLUICE_CORE_WIDTH_H
#define SLUICE_CORE_WIDTH_H

#include "core/str.h"

/* Columns of a code point: 0 for combining ones, 2 for East Asian wide ones. */
int width_of(uint32_t code_point);
/* Columns of a text that width_clean has made. */
size_t width_text(Str text);
/* A copy without control characters (`\n`, `\t`, `\u001b` instead) and with malformed bytes as U+FFFD: a
 * record cannot move the cursor. Returns the text itself when it is clean. */
Str width_clean(Arena *arena, Str text);
/* Bytes at the beginning of `text` that take at most `width` columns; combining marks stay with their letter.
 */
size_t width_prefix(Str text, size_t width);

#endif
