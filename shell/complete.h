/*
 * complete.h - what may stand where the cursor is: words of the language, names of the server, files.
 *
 * A pure function of the text and of the names that are known. It knows no grammar, but the words before the
 * cursor that decide (complete_words.h has a row for each): behind FROM stands a source, in WITH an option,
 * behind its `=` one of its values.
 */
#ifndef SLUICE_SHELL_COMPLETE_H
#define SLUICE_SHELL_COMPLETE_H

#include "shell/names.h"

typedef struct {
    size_t start; /* in the text before the cursor: what the candidates take the place of */
    Str   *items; /* sorted, each once, in the case of what was typed */
    size_t count;
    char   quote; /* the cursor is in quotes of this kind, which the candidates do not close; 0: in none */
} Completion;

/* `before` is what was typed up to the cursor, `after` what stands behind it: earlier and later lines of the
 * statement belong to them. Candidates live in `arena`. */
void complete(const NameList *names, Str before, Str after, Arena *arena, Completion *out);

/* Is it a word of the language, in any case? */
bool complete_is_keyword(Str word);

/* How many bytes all candidates have in common. */
size_t completion_common(const Completion *completion);

#endif
