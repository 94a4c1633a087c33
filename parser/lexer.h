/*
 * lexer.h - text to tokens (sql.md 1.1 to 1.4).
 *
 * The lexer never fails: a character that starts no token, an open quote among them, becomes a token
 * TK_UNRECOGNIZED, which no rule of the grammar takes, so that every mistake in a text is reported by the
 * parser, in the order of the text.
 */
#ifndef SLUICE_PARSER_LEXER_H
#define SLUICE_PARSER_LEXER_H

#include "core/str.h"

typedef struct {
    int id;   /* TK_... of the generated parser/sql.h; 0 at the end of the text */
    Str text; /* as written, quotes included; a slice of the source, unless the parser joined a sign to a
                 number */
    Pos    pos;
    size_t at; /* offset in the source */
} Token;

typedef struct {
    Str    source;
    size_t at;
    Pos    pos;      /* of source.ptr[at]; columns count code points */
    bool directives; /* give `--@...` lines as TK_DIRECTIVE (the test runner); otherwise they are comments */
} Lexer;

typedef enum { WORD_PLAIN, WORD_FREE, WORD_AMBIGUOUS, WORD_RESERVED } WordClass;

void  lexer_init(Lexer *lexer, Str source);
Token lexer_next(Lexer *lexer);
/* Class and token of a word in any case; *token (may be NULL) is TK_IDENTIFIER for WORD_PLAIN. */
WordClass lexer_classify(Str word, int *token);
/* True when `name`, written bare, is one token that serves as an identifier. */
bool lexer_is_identifier(Str name);
/* The text of a keyword token ("SELECT") or of a symbol ("','" with its quotes); a token class: its name. */
const char *lexer_token_name(int token);

#endif
