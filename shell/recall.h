/*
 * recall.h - entries of the history by what is typed in their place: `!!`, `!5`, `!SELECT`, `^old^new`, as in
 * ksqlDB's shell.
 */
#ifndef SLUICE_SHELL_RECALL_H
#define SLUICE_SHELL_RECALL_H

#include <histedit.h>

#include "core/str.h"

/* Is the line, which begins a statement, one of them? */
bool recall_is_meant(Str line);
/* The entry that is meant, into `out`. E_NOT_FOUND: there is none such. */
Status recall(History *history, Str line, StrBuf *out, Error *err);

#endif
