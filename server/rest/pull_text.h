/*
 * pull_text.h - a statement's text taken apart: its literals, and what is the same whatever they are.
 *
 * Clients ask the same query for one key after the other, with the key written into the text. The pattern has
 * a mark in the place of each literal, so that two texts of one pattern differ in their literals alone, and
 * pattern and literals together are the text again. Nothing here knows SQL's grammar: what a literal means is
 * found out from the tree (pull_forms.c), by its place.
 */
#ifndef SLUICE_SERVER_REST_PULL_TEXT_H
#define SLUICE_SERVER_REST_PULL_TEXT_H

#include "core/str.h"

enum { PULL_TEXT_MOST = 4096, PULL_LITERALS = 16 };

typedef struct {
    Str  text;   /* between the quotes, or the digits; a slice of the statement's text */
    bool number; /* whole, without a sign */
    Pos  pos;    /* as the lexer counts */
} PullLiteral;

typedef struct {
    Str         pattern; /* in the arena */
    uint64_t    hash;    /* of it */
    PullLiteral literals[PULL_LITERALS];
    size_t      count;
} PullText;

/* False: a text that is not to be remembered: it is long, has too many literals, or one with a quote in it,
 * or the value of a variable may be put into it. */
bool pull_text_read(Str text, Arena *arena, PullText *out);

#endif
