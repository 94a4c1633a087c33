/*
 * syntax_error.c - the texts of syntax errors (sql.md 6.2).
 *
 * The dialect's own texts come from the error recovery of another kind of parser; what is promised here is
 * the position, the first line and the cases that help: an unknown first word, a reserved word as a name, an
 * open bracket, a missing semicolon, and a short list of what would have fitted.
 */
#include "core/statements.h"
#include "core/suggest.h"
#include "parser/parse_state.h"

enum { EXPECTED_MAX = 3 }; /* a longer list helps nobody */

/* A syntax error replaces what was noted while building nodes: the text is parsed as a whole before it is
 * looked at. */
static void fail(ParseState *state, const Token *token, const char *fmt, ...) SL_PRINTF(3, 4);
static void fail(ParseState *state, const Token *token, const char *fmt, ...)
{
    if (state->stop)
        return;
    state->stop = true;
    va_list args;
    va_start(args, fmt);
    state->status = error_setv(state->err, E_SYNTAX, token->pos, fmt, args);
    va_end(args);
    error_prefix(state->err, "line %u:%u: Syntax Error\n", token->pos.line, token->pos.col);
}

void parse_too_deep(ParseState *state)
{
    if (state->stop)
        return;
    state->stop   = true;
    state->status = error_set(
        state->err, E_SYNTAX, NO_POS,
        "Error processing statement: Statement is too large to parse. This may be caused by having too "
        "many nested expressions in the statement.");
}

void parse_too_many(ParseState *state, Pos pos)
{
    if (state->stop)
        return;
    state->stop = true;
    state->status =
        error_set(state->err, E_SYNTAX, pos,
                  "Error processing statement: Statement is too large to parse. It has more than %d "
                  "expressions, columns and literals included.",
                  AST_MAX_EXPRESSIONS);
}

static void refuse(ParseState *state, const Token *token)
{
    fail(state, token, "Syntax error at or near '" STR_FMT "' at line %u:%u", STR_ARG(token->text),
         token->pos.line, token->pos.col);
}

static void refuse_first(ParseState *state, const Token *token)
{
    Str nearest = STR_NULL;
    Str word    = str_upper(state->arena, token->text);
    Str words[STATEMENT_WORDS_MAX];
    nearest = str_closest(word, words, statement_first_words(words));
    fail(state, token, "Unknown statement '" STR_FMT "'\nDid you mean '" STR_FMT "'?", STR_ARG(token->text),
         STR_ARG(nearest));
}

/* A token that the driver or a builder does not let in, though the grammar would. */
void parse_refuse_token(ParseState *state, const Token *token)
{
    if (state->at_start)
        refuse_first(state, token);
    else
        refuse(state, token);
}

/* How a token is named in a list of what fits. */
static void add_expected(StrBuf *out, int token)
{
    const char *name = lexer_token_name(token);
    bool is_class    = token == 0 || strstr(name, "_VALUE") != NULL || strstr(name, "IDENTIFIER") != NULL ||
                    token == TK_STRING || token == TK_VARIABLE;
    strbuf_addf(out, is_class ? "%s" : "'%s'", name);
}

/* Lists what fits next; false when that is nothing or more than a few. */
static bool list_expected(void *parser, StrBuf *out)
{
    int    expected[EXPECTED_MAX];
    size_t count = 0;
    if (sql_parser_accepts(parser, TK_IDENTIFIER))
        return false;
    for (int token = 0; token <= sql_token_max; token++) {
        if (lexer_token_name(token) == NULL || !sql_parser_accepts(parser, token))
            continue;
        if (count == EXPECTED_MAX)
            return false;
        expected[count++] = token;
    }
    if (count == 0)
        return false;
    strbuf_adds(out, count > 1 ? "Expecting {" : "Expecting ");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        add_expected(out, expected[i]);
    }
    if (count > 1)
        strbuf_addc(out, '}');
    return true;
}

/* Where an expression fits, a word that was meant as the word it is: a list that ends in a comma, a query in
 * a condition, and what other databases have. To quote it would only lead further astray. */
static bool is_meant_as_word(const ParseState *state, const Token *token)
{
    bool ends_list = token->id == TK_FROM && state->last.id == TK_COMMA;
    return ends_list || token->id == TK_SELECT || token->id == TK_DISTINCT;
}

/* A reserved word where a name would fit: certain if nothing but a name fits, likely if the text goes on well
 * without it. */
static bool is_misused_word(const ParseState *state, void *parser, const Token *token)
{
    if (lexer_classify(token->text, NULL) != WORD_RESERVED || !sql_parser_accepts(parser, TK_IDENTIFIER))
        return false;
    if (!sql_parser_accepts(parser, TK_INTEGER_VALUE))
        return true;
    return !is_meant_as_word(state, token) && sql_parser_accepts(parser, state->ahead.id);
}

/* The keyword that the unexpected word was probably meant to be: one that would have fitted. */
static bool hint_keyword(const ParseState *state, void *parser, const Token *token)
{
    Str    fitting[128];
    size_t count = 0;
    for (int id = 0; id <= sql_token_max && count < ARRAY_LEN(fitting); id++) {
        const char *name = lexer_token_name(id);
        if (name != NULL && lexer_classify(str_c(name), NULL) != WORD_PLAIN && sql_parser_accepts(parser, id))
            fitting[count++] = str_c(name);
    }
    Str nearest = str_nearest(str_upper(state->arena, token->text), fitting, count);
    if (str_is_null(nearest))
        return false;
    error_append(state->err, "\nDid you mean '" STR_FMT "'?", STR_ARG(nearest));
    return true;
}

/* A mistyped clause is taken for an alias, and what follows it does not fit: `FROM s WERE a = 1`. */
static void hint_clause(const ParseState *state)
{
    static const Str clauses[] = {{"FROM", 4},   {"WHERE", 5}, {"GROUP", 5}, {"PARTITION", 9}, {"HAVING", 6},
                                  {"WINDOW", 6}, {"LIMIT", 5}, {"EMIT", 4},  {"INNER", 5},     {"LEFT", 4},
                                  {"RIGHT", 5},  {"FULL", 4},  {"JOIN", 4},  {"WITHIN", 6}};
    const Token     *word      = &state->last;
    Str              nearest = str_nearest(str_upper(state->arena, word->text), clauses, ARRAY_LEN(clauses));
    if (!str_is_null(nearest))
        error_append(state->err, "\nDid you mean '" STR_FMT "' for '" STR_FMT "' at line %u:%u?",
                     STR_ARG(nearest), STR_ARG(word->text), word->pos.line, word->pos.col);
}

static void hint_word(const ParseState *state, void *parser, const Token *token)
{
    bool hinted = token->id == TK_IDENTIFIER && hint_keyword(state, parser, token);
    if (!hinted && state->last.id == TK_IDENTIFIER)
        hint_clause(state);
}

/* `SELECT 1;`: other databases take it. */
static bool hint_source(const ParseState *state, void *parser, const Token *token)
{
    if ((token->id != 0 && token->id != TK_SEMI) || !sql_parser_accepts(parser, TK_FROM))
        return false;
    error_append(state->err, "\nA query reads a stream or a table: SELECT ... FROM name");
    return true;
}

void parse_syntax_error(ParseState *state, void *parser, const Token *token)
{
    bool at_end = token->id == 0;
    if (state->at_start) {
        refuse_first(state, token);
    } else if ((at_end || token->id == TK_SEMI) && state->open_brackets > 0) {
        fail(state, token, "Syntax error at or near \";\"\n'}', ']', or ')' is missing");
    } else if (at_end && sql_parser_accepts(parser, TK_SEMI)) {
        fail(state, token, "missing ';' at '<EOF>'");
    } else if (is_misused_word(state, parser, token)) {
        fail(state, token,
             "\"" STR_FMT "\" is a reserved keyword and it can't be used as an identifier. You can use it as "
             "an identifier by "
             "escaping it as '" STR_FMT "'",
             STR_ARG(token->text), STR_ARG(token->text));
    } else {
        StrBuf expected = {0};
        if (list_expected(parser, &expected))
            fail(state, token, STR_FMT, STR_ARG(strbuf_str(&expected)));
        else
            refuse(state, token);
        strbuf_clear(&expected);
        if (!parse_hint_dialect(state, parser, token) && !hint_source(state, parser, token))
            hint_word(state, parser, token);
    }
}
