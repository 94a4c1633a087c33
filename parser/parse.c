/*
 * parse.c - drives the generated parser: feeds it tokens, one ahead of it.
 *
 * Three things are decided here, before the grammar sees a token, because they need the neighbours and
 * nothing else:
 * - a minus sign that cannot be an operator joins the number behind it (so -9223372036854775808 is a
 * literal);
 * - ARRAY, MAP, STRUCT and IF get the token that fits what follows, since each may as well be an identifier;
 * - statements of the test runner are refused where they are not welcome.
 */
#include "parser/parse_state.h"

enum { NOTHING = -1 }; /* no token before */

/* The first mistake counts: false for any other. */
static bool note(ParseState *state, Pos pos, const char *fmt, va_list args)
{
    if (state->status != OK)
        return false;
    state->status = error_setv(state->err, E_SYNTAX, pos, fmt, args);
    return true;
}

void parse_note(ParseState *state, Pos pos, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(state, pos, fmt, args);
    va_end(args);
}

void parse_note_prepare(ParseState *state, Pos pos, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (note(state, pos, fmt, args))
        error_prefix(state->err, "Failed to prepare statement: ");
    va_end(args);
}

static bool is_number(int id)
{
    return id == TK_INTEGER_VALUE || id == TK_DECIMAL_VALUE || id == TK_FLOATING_POINT_VALUE;
}

/* Can an operand end with this token? Then a minus behind it is an operator. */
static bool ends_operand(int id)
{
    switch (id) {
    case TK_STRING:
    case TK_RP:
    case TK_RBRACKET:
    case TK_END:
    case TK_NULL:
    case TK_TRUE:
    case TK_FALSE:
    case TK_VARIABLE:
    case TK_DIGIT_IDENTIFIER:
    case TK_QUOTED_IDENTIFIER:
    case TK_BACKQUOTED_IDENTIFIER:
    case TK_IDENTIFIER:
        return true;
    case TK_INTERVAL: /* PRINT x INTERVAL -1 */
        return false;
    default:
        break;
    }
    const char *word = lexer_token_name(id);
    return is_number(id) || (word != NULL && word[0] >= 'A' && word[0] <= 'Z' &&
                             lexer_classify(str_c(word), NULL) != WORD_RESERVED && id != NOTHING);
}

static void join_sign(ParseState *state, Lexer *lexer, Token *token, int before)
{
    if (token->id != TK_MINUS || !is_number(state->ahead.id) || ends_operand(before))
        return;
    Token number = state->ahead;
    state->ahead = lexer_next(lexer);
    token->id    = number.id;
    token->text  = str_printf(state->arena, "-" STR_FMT, STR_ARG(number.text));
}

/* The token of a word that the grammar takes in several ways, by what follows it. */
static int token_by_next(int id, int next)
{
    switch (id) {
    case TK_ARRAY:
        return next == TK_LBRACKET ? TK_ARRAY_OF : next == TK_LT ? TK_ARRAY_TYPE : id;
    case TK_MAP:
        return next == TK_LP ? TK_MAP_OF : next == TK_LT ? TK_MAP_TYPE : TK_IDENTIFIER;
    case TK_STRUCT:
        return next == TK_LP ? TK_STRUCT_OF : next == TK_LT ? TK_STRUCT_TYPE : TK_IDENTIFIER;
    case TK_IF:
        return next == TK_NOT || next == TK_EXISTS ? id : TK_IDENTIFIER;
    default:
        return id;
    }
}

/* True when the token begins or continues a statement that only the test runner and the shell know. */
static bool is_test_only(const Token *token, int before, bool second)
{
    if (!second)
        return token->id == TK_RUN;
    return before == TK_ASSERT && (token->id == TK_VALUES || token->id == TK_NULL || token->id == TK_STREAM ||
                                   token->id == TK_TABLE);
}

static void count_brackets(ParseState *state, int id)
{
    if (id == TK_LP || id == TK_LBRACKET)
        state->open_brackets++;
    else if ((id == TK_RP || id == TK_RBRACKET) && state->open_brackets > 0)
        state->open_brackets--;
}

static void feed(ParseState *state, void *parser, Lexer *lexer)
{
    int    before = NOTHING;
    size_t index  = 0; /* of the token in its statement */
    state->ahead  = lexer_next(lexer);
    while (!state->stop) {
        Token token = state->ahead;
        if (token.id == 0)
            break;
        state->ahead = lexer_next(lexer);
        if (index == 1 && (before == TK_DEFINE || before == TK_UNDEFINE) &&
            lexer_classify(token.text, NULL) != WORD_PLAIN)
            token.id = TK_IDENTIFIER; /* any word may name a variable */
        join_sign(state, lexer, &token, before);
        token.id        = token_by_next(token.id, state->ahead.id);
        state->at_start = index == 0;
        if (index < 2 && !state->options->test_statements && is_test_only(&token, before, index == 1)) {
            parse_refuse_token(state, &token);
            return;
        }
        /* Asked first, because a token that does not fit may still cause reductions: then what would fit is
         * half forgotten. */
        if (!sql_parser_accepts(parser, token.id)) {
            parse_syntax_error(state, parser, &token);
            return;
        }
        SqlParse(parser, token.id, token, state);
        count_brackets(state, token.id);
        before      = token.id;
        state->last = token;
        index++;
        if (token.id == TK_SEMI) {
            index                = 0;
            state->expressions   = 0;
            state->open_brackets = 0;
        }
    }
    Token end = state->ahead;
    if (!state->stop && state->options->optional_semicolon && before != NOTHING && before != TK_SEMI) {
        state->at_start = false;
        Token semicolon = {.id = TK_SEMI, .pos = end.pos, .at = end.at, .text = STR_LIT("")};
        SqlParse(parser, TK_SEMI, semicolon, state);
    }
    state->at_start = false;
    if (state->stop)
        return;
    if (sql_parser_accepts(parser, 0))
        SqlParse(parser, 0, end, state);
    else
        parse_syntax_error(state, parser, &end);
}

/* Parses `source` as what `start` says: 0 for a script, or one of the two start tokens. */
static Status run(ParseState *state, int start)
{
    static const ParseOptions no_options = {0};
    if (state->options == NULL)
        state->options = &no_options;
    state->statements.arena = state->source_names.arena = state->qualifiers.arena = state->edits.arena =
        state->arena;
    Lexer lexer;
    lexer_init(&lexer, state->source);
    if (state->options->origin.line != 0)
        lexer.pos = state->options->origin;
    void *parser = SqlParseAlloc(mem_alloc);
    if (start != 0) {
        Token token = {.id = start, .pos = lexer.pos};
        SqlParse(parser, start, token, state);
    }
    feed(state, parser, &lexer);
    SqlParseFree(parser, mem_free);
    return state->status;
}

Status parse_script(Arena *arena, Str text, const ParseOptions *options, AstScript *out, Error *err)
{
    Error      scratch;
    ParseState state = {
        .arena = arena, .source = text, .options = options, .err = err != NULL ? err : &scratch};
    TRY(run(&state, 0));
    out->items = (AstStatement **)state.statements.items;
    out->count = state.statements.count;
    return OK;
}

Status parse_statement(Arena *arena, Str text, const ParseOptions *options, AstStatement **out, Error *err)
{
    AstScript script;
    TRY(parse_script(arena, text, options, &script, err));
    if (script.count != 1)
        return error_set(err, E_SYNTAX, NO_POS, "Expected exactly one KSQL statement; found %zu instead",
                         script.count);
    *out = script.items[0];
    return OK;
}

Status parse_expression(Arena *arena, Str text, AstExpr **out, Error *err)
{
    Error      scratch;
    ParseState state = {.arena = arena, .source = text, .err = err != NULL ? err : &scratch};
    TRY(run(&state, TK_START_EXPRESSION));
    *out = state.expression;
    return OK;
}

Status parse_type(Arena *arena, Str text, AstType **out, Error *err)
{
    Error      scratch;
    ParseState state = {.arena = arena, .source = text, .err = err != NULL ? err : &scratch};
    TRY(run(&state, TK_START_TYPE));
    *out = state.type;
    return OK;
}

/* Looks at tokens only: a statement ends at a semicolon that is in no literal, name or comment. */
Status parse_split(Arena *arena, Str text, Str **statements, Pos **positions, size_t *count, Str *rest,
                   Error *err)
{
    size_t capacity = 8, found = 0;
    Str   *texts  = ARENA_ARRAY(arena, Str, capacity);
    Pos   *starts = ARENA_ARRAY(arena, Pos, capacity);
    Lexer  lexer;
    Token  first = {0};
    lexer_init(&lexer, text);
    for (Token token = lexer_next(&lexer); token.id != 0; token = lexer_next(&lexer)) {
        if (first.id == 0)
            first = token;
        if (token.id == TK_UNRECOGNIZED && (token.text.ptr[0] == '\'' || token.text.ptr[0] == '"' ||
                                            token.text.ptr[0] == '`' || token.text.ptr[0] == '/'))
            break; /* opened and never closed: the rest is unfinished */
        if (token.id != TK_SEMI)
            continue;
        if (found + 1 == capacity) { /* one more for the rest */
            Str *more_texts  = ARENA_ARRAY(arena, Str, capacity * 2);
            Pos *more_starts = ARENA_ARRAY(arena, Pos, capacity * 2);
            memcpy(more_texts, texts, found * sizeof *texts);
            memcpy(more_starts, starts, found * sizeof *starts);
            texts  = more_texts;
            starts = more_starts;
            capacity *= 2;
        }
        texts[found]    = str_n(text.ptr + first.at, token.at + token.text.len - first.at);
        starts[found++] = first.pos;
        first.id        = 0;
    }
    *statements = texts;
    *positions  = starts;
    *count      = found;
    *rest       = first.id == 0 ? STR_LIT("") : str_n(text.ptr + first.at, text.len - first.at);
    if (first.id != 0)
        starts[found] = first.pos;
    return OK;
}
