/*
 * split.h - where statements end in text that is still being typed.
 *
 * A statement ends at `;` outside quotes, backticks and comments. Words that are the shell's own commands,
 * and lines that begin with a backslash, need no `;`: they end with their line. Everything else is the
 * server's.
 */
#ifndef SLUICE_SHELL_SPLIT_H
#define SLUICE_SHELL_SPLIT_H

#include "core/str.h"

typedef enum {
    OPEN_NOTHING,   /* only blanks and comments so far */
    OPEN_STATEMENT, /* the `;` is missing */
    OPEN_QUOTE,
    OPEN_NAME, /* " or ` */
    OPEN_COMMENT,
    OPEN_PAREN,
} SplitOpen;

typedef struct {
    Str       text;    /* from the first word to before the `;` or the end of the line */
    size_t    start;   /* where it begins in the whole text */
    size_t    end;     /* where to go on */
    bool      command; /* one of the shell's own */
    bool      ended;   /* by `;` (or by its line) rather than by the end of the text */
    SplitOpen open;    /* when none was found: what is missing */
} Split;

/* True for a line (from its first word on) that is a command of the shell. */
typedef bool (*SplitIsCommand)(Str line);

/* The next statement at or after `from`. False: there is none that is complete; out->open says why. `last`:
 * no more text will come, so what is left counts as a statement and its line as ended. */
bool split_next(Str text, size_t from, bool last, SplitIsCommand is_command, Split *out);
/* Where a text in quotes ('...') or a comment that begins at `at` ends; `at` when none does. */
size_t split_skip_text(Str text, size_t at);
/* Line and column of a byte. */
void split_position(Str text, size_t at, unsigned *line, unsigned *col);
/* The n-th word (0 first) of a statement in upper case, without comments; empty when there are fewer. */
Str split_word(Arena *arena, Str statement, size_t n);

/* Does the word stand in the statement, outside of texts and comments? In any case. */
bool split_has_word(Str statement, const char *word);

#endif
