/*
 * parser.h - from text to statements, and back.
 *
 * All trees are allocated in the arena that is passed in; texts in them may point into the source text, which
 * must live as long. Errors are E_SYNTAX with the 1-based position of the offending token and the whole text
 * of sql.md 6.1 and 6.2, prefix and position included: nobody needs to add either.
 */
#ifndef SLUICE_PARSER_PARSER_H
#define SLUICE_PARSER_PARSER_H

#include "parser/ast.h"

typedef struct {
    AstStatement **items;
    size_t         count;
} AstScript;

enum {
    VARIABLE_MAX    = 1024 * 1024,      /* bytes of a variable's value; who keeps variables sees to it */
    SUBSTITUTED_MAX = 16 * 1024 * 1024, /* that variables may put into one text: then it is E_LIMIT */
};

typedef struct {
    Str name; /* compared without regard to case */
    Str value;
} Variable;

typedef struct {
    const Variable
          *variables; /* for ${name}; may be NULL: then ${name} in an identifier or literal is an error */
    size_t variable_count;
    /* The same from elsewhere, if not NULL: the value of a variable, ptr NULL: there is none. What it returns
     * need not outlive the call of the parser. */
    Str (*find_variable)(const void *context, Str name);
    const void *variable_context;
    bool        test_statements;    /* accept ASSERT VALUES/STREAM/..., RUN SCRIPT (sql.md 4.9) */
    bool        optional_semicolon; /* the last statement may end without `;` (/query-stream) */
    bool        keep_variables;     /* no substitution pass: ${name} stays as it is (DEFINE, shell) */
    Pos         origin;             /* where the text starts in what the user wrote; line 0: at 1:1 */
} ParseOptions;

/* Parses a whole text: 0..n statements. */
Status parse_script(Arena *arena, Str text, const ParseOptions *options, AstScript *out, Error *err);
/* Exactly one statement. */
Status parse_statement(Arena *arena, Str text, const ParseOptions *options, AstStatement **out, Error *err);
/* Only cuts the text into statements (text from first token to `;`, position of the first token): what comes
 * before a syntax error can be run before the error is found (sql.md 1.5). The unfinished rest, if any, is
 * *rest; both arrays have room for one more, and the position of the rest is there already. */
Status parse_split(Arena *arena, Str text, Str **statements, Pos **positions, size_t *count, Str *rest,
                   Error *err);
/* One expression, one type (tests, ASSERT, schemas from outside). */
Status parse_expression(Arena *arena, Str text, AstExpr **out, Error *err);
Status parse_type(Arena *arena, Str text, AstType **out, Error *err);

/* Canonical text (sql.md 6.5) as messages show it: names are not quoted. */
void ast_print_expr(const AstExpr *expr, StrBuf *out);
/* Canonical text as statements hold it: names are quoted where they must be. Whatever is printed parses back
 * to the same tree. */
void ast_print_expr_sql(const AstExpr *expr, StrBuf *out);
void ast_print_type(const AstType *type, StrBuf *out);
void ast_print_query(const AstQuery *query, StrBuf *out);
void ast_print_statement(const AstStatement *statement, StrBuf *out);
/* The same with INSERT values and connector properties masked (sql.md 1.5), for logs and replies. */
void ast_print_masked(const AstStatement *statement, StrBuf *out);
/* An identifier, back-quoted where it must be. */
void ast_print_name(Str name, StrBuf *out);
/* Structural equality, positions aside: what GROUP BY matching uses (sql.md 5.6). */
bool ast_expr_equal(const AstExpr *a, const AstExpr *b);
/* The same number for equal trees. */
uint64_t ast_expr_hash(const AstExpr *expr);
bool     ast_statement_equal(const AstStatement *a, const AstStatement *b);

/* What the expressions of a SELECT or an INSERT INTO ... VALUES may take to evaluate: little; milliseconds
 * each; nobody can tell, for there are lambdas in them, or very many calls. */
typedef enum { WORK_LITTLE, WORK_SOME, WORK_LONG } AstWork;
AstWork ast_work(const AstStatement *statement);

/* True when the name is a reserved word of the dialect and must be quoted. */
bool parser_is_reserved(Str name);

#endif
