/*
 * caret.h - the place of a mistake, shown: the line of the text and a mark under the column.
 *
 * One look for the shell, `sluice run` and `sluice test`.
 */
#ifndef SLUICE_CORE_CARET_H
#define SLUICE_CORE_CARET_H

#include "core/error.h"
#include "core/str.h"

/* Appends "  LINE\n  ^" for the place in `text` (lines and columns from 1, columns in characters). False, and
 * nothing, when the text has no such place or the line is too long to be shown. */
bool caret_append(StrBuf *out, Str text, Pos pos);

#endif
