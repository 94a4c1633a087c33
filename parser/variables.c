/*
 * variables.c - substitution of ${name} (sql.md 1.6).
 *
 * The dialect replaces variables in the text and parses again. Here the tokens are replaced while they are
 * parsed, so that positions stay those of the text the user wrote; the replacements are kept as edits, from
 * which the displayed text of a statement is made. A variable stands for one name or one literal, never for
 * several tokens: what it may hold is checked.
 */
#include "parser/parse_state.h"

bool variables_active(const ParseState *state)
{
    const ParseOptions *options = state->options;
    return (options->variable_count > 0 || options->find_variable != NULL) && !options->keep_variables;
}

/* `reference` is ${name}; ptr NULL: there is no such variable. */
static Str lookup(const ParseState *state, Str reference)
{
    const ParseOptions *options = state->options;
    Str                 name    = str_n(reference.ptr + 2, reference.len - 3);
    for (size_t i = 0; i < options->variable_count; i++)
        if (str_equal_nocase(options->variables[i].name, name))
            return options->variables[i].value;
    return options->find_variable != NULL ? options->find_variable(options->variable_context, name)
                                          : STR_NULL;
}

/* Before a value is put in: a few bytes of text can ask for more of it than there is memory. */
static bool has_room(ParseState *state, Str reference, Str value, Pos pos)
{
    if (value.len <= SUBSTITUTED_MAX - state->substituted) {
        state->substituted += value.len;
        return true;
    }
    if (state->status == OK)
        state->status = error_set(state->err, E_LIMIT, pos,
                                  "Variable " STR_FMT " has %zu bytes, and what variables put into one text "
                                  "may not be more than %d bytes",
                                  STR_ARG(reference), value.len, SUBSTITUTED_MAX);
    state->stop = true;
    return false;
}

static void add_edit(ParseState *state, size_t at, size_t len, Str text)
{
    Edit *edit   = ARENA_NEW(state->arena, Edit);
    *edit        = (Edit){at, len, text};
    size_t place = state->edits.count;
    vec_add(&state->edits, edit);
    /* Actions run when a rule is complete, so a later token may have come first. */
    for (; place > 0 && ((Edit *)state->edits.items[place - 1])->at > at; place--) {
        state->edits.items[place]     = state->edits.items[place - 1];
        state->edits.items[place - 1] = edit;
    }
}

static Str double_quotes(ParseState *state, Str text)
{
    size_t quotes = 0;
    for (size_t i = 0; i < text.len; i++)
        quotes += text.ptr[i] == '\'';
    if (quotes == 0)
        return text;
    char  *copy = arena_alloc(state->arena, text.len + quotes);
    size_t len  = 0;
    for (size_t i = 0; i < text.len; i++) {
        copy[len++] = text.ptr[i];
        if (text.ptr[i] == '\'')
            copy[len++] = '\'';
    }
    return str_n(copy, len);
}

/* Length of the reference at `at` in a text, 0 when there is none. */
static size_t reference_length(Str text, size_t at)
{
    Lexer lexer;
    lexer_init(&lexer, str_n(text.ptr + at, text.len - at));
    Token token = lexer_next(&lexer);
    return token.id == TK_VARIABLE ? token.text.len : 0;
}

/* Replaces references in a text: $${x} stands for ${x}, an unknown name stays. Quotes in values are doubled
 * when `escape`. */
static Str substitute(ParseState *state, Str text, bool escape, Pos pos)
{
    StrBuf out = {0};
    for (size_t at = 0; at < text.len;) {
        bool   escaped = text.ptr[at] == '$' && at + 1 < text.len && text.ptr[at + 1] == '$';
        size_t length  = text.ptr[at] == '$' ? reference_length(text, at + escaped) : 0;
        if (length == 0) {
            strbuf_addc(&out, text.ptr[at++]);
            continue;
        }
        Str reference = str_n(text.ptr + at + escaped, length);
        Str value     = escaped ? STR_NULL : lookup(state, reference);
        if (escape && !has_room(state, reference, value, pos)) /* without it, the same once more */
            break;
        strbuf_add(&out, str_is_null(value) ? reference : escape ? double_quotes(state, value) : value);
        at += length + escaped;
    }
    Str result = str_dup(state->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return result;
}

Str variables_in_string(ParseState *state, const Token *token, Str contents)
{
    /* Without any variable, too: $${x} is the text ${x}. */
    if (state->options->keep_variables || memchr(contents.ptr, '$', contents.len) == NULL)
        return contents;
    add_edit(state, token->at, token->text.len, substitute(state, token->text, true, token->pos));
    return state->stop ? contents : substitute(state, contents, false, token->pos);
}

static bool is_identifier(Str text)
{
    if (text.len == 0 || text.ptr[0] == '@')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '@'))
            return false;
    }
    return true;
}

/* Of the variable that is the token, or the token itself. */
static Str value_of(ParseState *state, const Token *token)
{
    Str value = lookup(state, token->text);
    if (str_is_null(value) || !has_room(state, token->text, value, token->pos))
        return token->text;
    return str_dup(state->arena, value);
}

AstName build_variable_name(ParseState *state, const Token *token)
{
    if (!variables_active(state))
        return (AstName){.text = token->text, .quoted = true, .pos = token->pos};
    Str  text = value_of(state, token), name = text;
    bool quoted =
        text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '`') && text.ptr[text.len - 1] == text.ptr[0];
    if (quoted)
        name = str_n(text.ptr + 1, text.len - 2);
    if (!is_identifier(name))
        parse_note(state, token->pos,
                   "Illegal argument at Line: %u, Col: %u. Identifier names cannot start with '@' and may "
                   "only contain "
                   "alphanumeric values and '_'. Got: '" STR_FMT "'",
                   token->pos.line, token->pos.col, STR_ARG(text));
    add_edit(state, token->at, token->text.len, text);
    return (AstName){
        .text = quoted ? name : str_upper(state->arena, name), .quoted = quoted, .pos = token->pos};
}

/* The value as one literal token: a number with or without a sign, TRUE, FALSE, or a string whose inner
 * quotes need not be doubled. id is 0 when it is none of them. */
static Token literal_token(ParseState *state, Str value, Pos pos)
{
    Token token = {.text = value, .pos = pos};
    if (value.len >= 2 && value.ptr[0] == '\'' && value.ptr[value.len - 1] == '\'') {
        Str inside = double_quotes(state, str_n(value.ptr + 1, value.len - 2));
        token.text = str_printf(state->arena, "'" STR_FMT "'", STR_ARG(inside));
        token.id   = TK_STRING;
        return token;
    }
    bool  negative = value.len > 0 && value.ptr[0] == '-';
    Lexer lexer;
    lexer_init(&lexer, str_n(value.ptr + negative, value.len - negative));
    Token inner = lexer_next(&lexer);
    bool  number =
        inner.id == TK_INTEGER_VALUE || inner.id == TK_DECIMAL_VALUE || inner.id == TK_FLOATING_POINT_VALUE;
    bool boolean = !negative && (inner.id == TK_TRUE || inner.id == TK_FALSE);
    if ((number || boolean) && inner.text.len == value.len - negative)
        token.id = inner.id;
    return token;
}

AstExpr *build_variable_literal(ParseState *state, const Token *token)
{
    if (!variables_active(state)) {
        parse_note_prepare(state, token->pos, "not yet implemented");
        return build_expr(state, AST_NULL, token->pos, 0);
    }
    Str   text    = value_of(state, token);
    Token literal = literal_token(state, text, token->pos);
    add_edit(state, token->at, token->text.len, literal.text);
    if (literal.id == TK_TRUE || literal.id == TK_FALSE)
        return build_boolean(state, token, literal.id == TK_TRUE);
    if (literal.id == TK_STRING) {
        AstExpr *expr = build_expr(state, AST_STRING, token->pos, 0);
        expr->text    = str_n(text.ptr + 1,
                              text.len - 2); /* as it is, whatever it looks like: nothing is substituted twice */
        return expr;
    }
    if (literal.id != 0)
        return build_number(state, &literal);
    parse_note(state, token->pos, "Illegal argument at Line: %u, Col: %u. Got: '" STR_FMT "'",
               token->pos.line, token->pos.col, STR_ARG(text));
    return build_expr(state, AST_NULL, token->pos, 0);
}

Str variables_edited(const ParseState *state, size_t from, size_t to)
{
    StrBuf out = {0};
    size_t at  = from;
    for (size_t i = 0; i < state->edits.count; i++) {
        const Edit *edit = state->edits.items[i];
        if (edit->at < from || edit->at >= to)
            continue;
        strbuf_add(&out, str_n(state->source.ptr + at, edit->at - at));
        strbuf_add(&out, edit->text);
        at = edit->at + edit->len;
    }
    if (at == from) /* the usual case: nothing was replaced */
        return str_n(state->source.ptr + from, to - from);
    strbuf_add(&out, str_n(state->source.ptr + at, to - at));
    Str result = str_dup(state->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return result;
}
