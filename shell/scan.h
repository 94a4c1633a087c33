/*
 * scan.h - the statement up to the cursor, cut into words: what completion decides by.
 *
 * No grammar: words, signs, which parenthesis is open and what stands before it, whether the cursor is inside
 * a quoted text. A `;` begins anew.
 */
#ifndef SLUICE_SHELL_SCAN_H
#define SLUICE_SHELL_SCAN_H

#include "core/str.h"

enum { SCAN_WORDS = 64, SCAN_BEGINNING = 6, SCAN_PARENS = 32 };

typedef enum {
    PAREN_OTHER,
    PAREN_WITH,   /* WITH ( */
    PAREN_TARGET, /* INSERT INTO name ( */
    PAREN_VALUES, /* VALUES ( */
    PAREN_SCHEMA, /* CREATE STREAM name ( */
    PAREN_CAST,   /* CAST ( */
} ParenKind;

/* Words are in upper case, without the one at the cursor; signs are words of one letter, a text in single
 * quotes keeps its first quote. */
typedef struct {
    Str       words[SCAN_WORDS]; /* the last ones */
    size_t    count;             /* of them */
    Str       beginning[SCAN_BEGINNING];
    size_t    total; /* words of the statement */
    Str       first; /* the first of them, as it was typed */
    ParenKind parens[SCAN_PARENS];
    size_t    depth;   /* open parentheses; deeper ones than SCAN_PARENS are of kind OTHER */
    size_t    angles;  /* open `<` in the innermost */
    char      quote;   /* the cursor is inside: ' or " or `; 0: not */
    Str       partial; /* the word at the cursor */
    size_t    start;   /* of it, in the text */
} Scan;

/* `text` ends at the cursor. Words live in `arena`. */
void scan_text(Scan *scan, Arena *arena, Str text);
/* The n-th word before the cursor, 0 the last; empty when there are fewer. */
Str scan_back(const Scan *scan, size_t n);
/* What the innermost open parenthesis stands behind. */
ParenKind scan_paren(const Scan *scan);
/* Do the words before the cursor end in these, parted by blanks? `*` is any word; `^` in front: there are no
 * others before them. */
bool scan_ends(const Scan *scan, const char *words);
bool scan_is_word_char(char c);

#endif
