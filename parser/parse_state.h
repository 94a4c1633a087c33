/*
 * parse_state.h - what the driver, the grammar's actions and the error texts share. Private to the parser.
 *
 * Two kinds of mistake are kept apart. A syntax error ends the parse at once. A mistake found while building
 * nodes (a number out of range, a wrong qualifier) is noted, the first one, and the parse goes on, because a
 * syntax error further on wins. A builder therefore always returns a node.
 */
#ifndef SLUICE_PARSER_PARSE_STATE_H
#define SLUICE_PARSER_PARSE_STATE_H

#include "core/privilege.h"
#include "parser/lexer.h"
#include "parser/parser.h"
#include "parser/sql.h"

/* A growing list of pointers in the arena. */
typedef struct {
    Arena *arena;
    void **items;
    size_t count, capacity;
} Vec;

Vec *vec_new(Arena *arena);
Vec *vec_of(Arena *arena, void *item);
void vec_add(Vec *vec, void *item);
void vec_add_first(Vec *vec, void *item);

/* A piece of the source that a variable replaces: statement texts show the replacement. */
typedef struct {
    size_t at, len;
    Str    text;
} Edit;

typedef struct {
    Arena              *arena;
    Str                 source;
    const ParseOptions *options;
    Error              *err;
    Status              status;        /* OK, or err holds a mistake */
    size_t              substituted;   /* bytes that variables have put in */
    bool                stop;          /* a syntax error: feed no more tokens */
    Vec                 statements;    /* AstStatement */
    Vec                 source_names;  /* AstName: names and aliases in FROM, of the current statement */
    Vec                 qualifiers;    /* AstName: qualifiers used in the current statement */
    Vec                 edits;         /* Edit: of the current statement, in order of the text */
    Token               ahead;         /* the token after the one the grammar is given */
    Token               last;          /* the token before it */
    size_t              expressions;   /* of the current statement */
    unsigned            open_brackets; /* not yet closed, in the current statement */
    Token               select;        /* SELECT of the current statement */
    bool                at_start;      /* the token given is the first of a statement */
    AstExpr            *expression;    /* when one expression or type is parsed */
    AstType            *type;
} ParseState;

/* Notes a mistake found while building nodes, with the text as it is. */
void parse_note(ParseState *state, Pos pos, const char *fmt, ...) SL_PRINTF(3, 4);
/* The same for "Failed to prepare statement: ...". */
void parse_note_prepare(ParseState *state, Pos pos, const char *fmt, ...) SL_PRINTF(3, 4);

/* syntax_error.c */
void parse_syntax_error(ParseState *state, void *parser, const Token *token);
void parse_refuse_token(ParseState  *state,
                        const Token *token); /* the default text, without asking the grammar */
void parse_too_deep(ParseState *state);
void parse_too_many(ParseState *state, Pos pos); /* expressions; `pos`: of the first that is too many */
/* dialect_hint.c: appends to the error at `token` what stands here for what other databases have; false: it
 * is nothing of theirs. */
bool parse_hint_dialect(ParseState *state, void *parser, const Token *token);

/* The generated parser. */
void            *SqlParseAlloc(void *(*allocate)(size_t));
void             SqlParseFree(void *parser, void (*release)(void *));
void             SqlParse(void *parser, int id, Token token, ParseState *state);
bool             sql_parser_accepts(void *parser, int token); /* would the token fit next? */
extern const int sql_token_max;

/* variables.c */
bool     variables_active(const ParseState *state);
Str      variables_in_string(ParseState *state, const Token *token,
                             Str contents); /* contents of a STRING, substituted */
AstName  build_variable_name(ParseState *state, const Token *token);
AstExpr *build_variable_literal(ParseState *state, const Token *token);
Str      variables_edited(const ParseState *state, size_t from,
                          size_t to); /* that slice of the source, substituted */

/* build_names.c: names and literals */
Str      build_contents(ParseState *state, const Token *token); /* of a STRING */
AstName  build_name(ParseState *state, const Token *token);
AstName  build_quoted_name(ParseState *state, const Token *token);
AstName  build_string_name(ParseState *state, const Token *token);
AstName  build_resource(ParseState *state, const Token *token);
AstName  build_source_name(ParseState *state, AstName name);
void     build_add_name(Vec *names, AstName name);
AstName *build_take_names(Vec *names);
AstExpr *build_number(ParseState *state, const Token *token);
AstExpr *build_boolean(ParseState *state, const Token *token, bool value);
AstExpr *build_string(ParseState *state, const Token *token);
int64_t  build_integer(ParseState *state, const Token *token, const char *command);
AstSpan  build_span(ParseState *state, const Token *number, AstUnit unit);
AstSpan *build_span_copy(ParseState *state, AstSpan span);

/* build_expr.c: expressions and types */
AstExpr *build_expr(ParseState *state, AstExprKind kind, Pos pos, size_t count);
AstExpr *build_binary(ParseState *state, AstOp op, AstExpr *left, AstExpr *right);
AstExpr *build_unary(ParseState *state, AstExprKind kind, Pos pos, AstExpr *operand);
AstExpr *build_negated(ParseState *state, bool negated, AstExpr *expr);
AstExpr *build_between(ParseState *state, AstExpr *value, AstExpr *low, AstExpr *high);
AstExpr *build_in(ParseState *state, AstExpr *value, Vec *items);
AstExpr *build_like(ParseState *state, AstExpr *value, AstExpr *pattern, const Token *escape);
AstExpr *build_concat(ParseState *state, AstExpr *left, AstExpr *right);
AstExpr *build_column(ParseState *state, const AstName *qualifier, AstName name);
AstExpr *build_subscript(ParseState *state, AstExpr *base, AstExpr *index);
AstExpr *build_field(ParseState *state, AstExpr *base, AstName name);
AstExpr *build_cast(ParseState *state, Pos pos, AstExpr *operand, AstType *type);
AstExpr *build_case(ParseState *state, Pos pos, AstExpr *operand, Vec *whens, AstExpr *otherwise);
AstExpr *build_list(ParseState *state, AstExprKind kind, Pos pos, Vec *items);
AstExpr *build_struct(ParseState *state, Pos pos, Vec *members);
void     build_add_member(ParseState *state, Vec *members, AstName name, AstExpr *value);
AstExpr *build_call(ParseState *state, AstName name, Vec *arguments);
AstExpr *build_unit(ParseState *state, AstUnit unit);
AstExpr *build_lambda(ParseState *state, Pos pos, Vec *parameters, const Token *arrow, AstExpr *body);
AstExpr *build_lambda_of_one(ParseState *state, AstName parameter, AstExpr *body);
void     build_use_qualifier(ParseState *state, AstName qualifier);

AstType *build_type_named(ParseState *state, AstName name);
AstType *build_type_array(ParseState *state, Pos pos, AstType *element);
AstType *build_type_map(ParseState *state, Pos pos, AstType *key, AstType *element);
AstType *build_type_struct(ParseState *state, Pos pos, Vec *fields);
AstType *build_type_decimal(ParseState *state, Pos pos, const Token *precision, const Token *scale);
void     build_add_field(ParseState *state, Vec *fields, AstName name, AstType *type);

/* build_statement.c: queries and statements */
AstQuery      *build_query(ParseState *state, const Token *select, AstQuery *relation, Vec *items);
void           build_set_keys(AstQuery *query, Vec *group_by, Vec *partition_by);
void           build_set_limit(ParseState *state, AstQuery *query, const Token *limit);
AstSelectItem *build_item(ParseState *state, AstSelectKind kind, Pos pos, AstExpr *expr);
AstSource      build_source(ParseState *state, AstName name, AstName alias);
AstQuery      *build_relation(ParseState *state, AstSource from);
AstJoin *build_within(ParseState *state, const AstSpan *before, const AstSpan *after, const AstSpan *grace);
void build_add_join(ParseState *state, AstQuery *query, AstJoinKind kind, AstSource source, AstJoin *within,
                    Pos pos, AstExpr *on);
Vec *build_keys(ParseState *state, Pos pos, const char *clause, Vec *keys);

AstStatement *build_statement(ParseState *state, AstStatementKind kind, const Token *first);
AstStatement *build_query_statement(ParseState *state, AstQuery *query);
AstStatement *build_named(ParseState *state, AstStatementKind kind, const Token *first, AstName name);
/* `kind`: the word before the name, ROLE or USER; NULL: there is none. */
AstStatement *build_grant(ParseState *state, AstStatementKind what, const Token *first, unsigned privileges,
                          AstName object, const AstName *kind, AstName grantee);
AstStatement *build_show(ParseState *state, const Token *first, AstShowKind show, bool extended);
AstStatement *build_setting(ParseState *state, AstStatementKind kind, const Token *first, const Token *key,
                            const Token *value);
AstStatement *build_explain(ParseState *state, const Token *first, AstStatement *explained);
/* EXPLAIN (FORMAT form): `option` must be that word. */
AstStatement *build_explain_as(ParseState *state, AstStatement *statement, AstName option, AstName form);
AstStatement *build_connector(ParseState *state, const Token *first, bool if_not_exists, AstName name,
                              Vec *properties);
AstElement   *build_element(ParseState *state, AstElementKind kind, AstName name, AstType *type,
                            const Token *header_key);
AstProperty  *build_property(ParseState *state, AstName name, AstExpr *value);
void          build_set_elements(ParseState *state, AstStatement *statement, Vec *elements);
void          build_set_properties(ParseState *state, AstStatement *statement, Vec *properties);
void          build_set_source(ParseState *state, AstStatement *statement, Vec *elements, Vec *properties);
void          build_set_query(ParseState *state, AstStatement *statement, const Token *as, Vec *properties,
                              AstQuery *query);
void          build_set_values(ParseState *state, AstStatement *statement, Vec *columns, Vec *values);
/* What stands behind RETURNS. */
typedef struct {
    AstName  language;
    unsigned promises;
    Str      text; /* without the `$$` around it */
} FunctionBody;
FunctionBody build_function_body(AstName language, unsigned promises, const Token *text);
void build_set_function(ParseState *state, AstStatement *statement, AstFunctionKind kind, AstName name,
                        Vec *parameters, AstType *result, const FunctionBody *body);
void build_set_print(ParseState *state, AstStatement *statement, const Token *interval, const Token *limit);
void build_set_schema(ParseState *state, AstStatement *statement, AstName subject, AstExpr *id);
void build_set_timeout(AstStatement *statement, const AstSpan *timeout);
void build_script_add(ParseState *state, AstStatement *statement, const Token *semicolon);

#endif
