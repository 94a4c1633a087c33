/*
 * statements.h - what is told of each kind of statement: a row of statements.def.
 *
 * The table is the lowest thing that parser, server and shell have in common, so that a new statement is a
 * row and what it needs: who knows handlers (server/statements/) or printers (parser/) includes
 * statements.def with a STATEMENT of its own; everybody else reads the texts here.
 */
#ifndef SLUICE_CORE_STATEMENTS_H
#define SLUICE_CORE_STATEMENTS_H

#include "core/str.h"

/* Who takes a statement. */
typedef enum {
    BY_HANDLER,         /* the statement endpoint */
    AT_QUERY_ENDPOINTS, /* it answers with rows for as long as it runs */
    IN_TEST_SCRIPTS,    /* `sluice test` alone */
    NOT_BUILT,
} StatementPlace;

typedef struct {
    const char    *words; /* `A B|C`: begins with A, then B or C */
    StatementPlace place;
    const char    *syntax, *example;
} StatementText;

/* By kind: in the order of the rows, as AstStatementKind. */
extern const StatementText statement_texts[];
extern const size_t        statement_count;

enum { STATEMENT_WORDS_MAX = 64 };

/* True: a client may send it, so help and completion show it. */
bool statement_is_served(const StatementText *text);
/* The word at `position` (0: the first) of any of its spellings; `alternative` counts those. STR_NULL: no
 * more. Static text. */
Str statement_word(const StatementText *text, size_t position, size_t alternative);
/* Fills `out`, which has room for STATEMENT_WORDS_MAX, with the words that begin a statement for a client,
 * each once, in the order of the rows; returns how many. */
size_t statement_first_words(Str *out);
/* The same with the words that follow `first`; none when a statement may go on with anything. */
size_t statement_second_words(Str first, Str *out);

#endif
