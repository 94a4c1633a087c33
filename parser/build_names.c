/*
 * build_names.c - names and literals from tokens.
 *
 * Folding happens here and nowhere else: unquoted names become upper case, quoted ones keep what stands
 * between the quotes (sql.md 1.3).
 */
#include <errno.h>
#include <math.h>

#include "parser/parse_state.h"

/* Takes the quotes off; a doubled quote inside stands for one. */
static Str unquote(ParseState *state, Str text)
{
    char   quote   = text.ptr[0];
    Str    inside  = str_n(text.ptr + 1, text.len - 2);
    size_t doubled = 0;
    for (size_t i = 0; i < inside.len; i++)
        doubled += inside.ptr[i] == quote;
    if (doubled == 0)
        return inside;
    char  *copy = arena_alloc(state->arena, inside.len);
    size_t len  = 0;
    for (size_t i = 0; i < inside.len; i++) {
        copy[len++] = inside.ptr[i];
        if (inside.ptr[i] == quote)
            i++; /* its twin */
    }
    return str_n(copy, len);
}

Str build_contents(ParseState *state, const Token *token)
{
    return variables_in_string(state, token, unquote(state, token->text));
}

AstName build_name(ParseState *state, const Token *token)
{
    return (AstName){.text = str_upper(state->arena, token->text), .pos = token->pos};
}

AstName build_quoted_name(ParseState *state, const Token *token)
{
    return (AstName){.text = unquote(state, token->text), .quoted = true, .pos = token->pos};
}

AstName build_string_name(ParseState *state, const Token *token)
{
    return (AstName){.text = build_contents(state, token), .quoted = true, .pos = token->pos};
}

AstName build_resource(ParseState *state, const Token *token)
{
    return (AstName){.text = token->text, .pos = token->pos};
}

AstName build_source_name(ParseState *state, AstName name)
{
    for (size_t i = 0; i < name.text.len; i++) {
        char c    = name.text.ptr[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-';
        if (fits)
            continue;
        parse_note(state, name.pos,
                   "Illegal argument at Line: %u, Col: %u. Source names may only contain alphanumeric "
                   "values, '_' or '-'. "
                   "Got: '" STR_FMT "'",
                   name.pos.line, name.pos.col, STR_ARG(name.text));
        break;
    }
    return name;
}

void build_add_name(Vec *names, AstName name)
{
    AstName *copy = ARENA_NEW(names->arena, AstName);
    *copy         = name;
    vec_add(names, copy);
}

AstName *build_take_names(Vec *names)
{
    AstName *array = ARENA_ARRAY(names->arena, AstName, names->count);
    for (size_t i = 0; i < names->count; i++)
        array[i] = *(AstName *)names->items[i];
    return array;
}

/* Digits with a point, as the dialect holds them: no needless leading zeros, one digit before the point at
 * least. */
static Str decimal_text(ParseState *state, Str text)
{
    bool   negative = text.ptr[0] == '-';
    size_t from     = negative ? 1 : 0;
    while (from + 1 < text.len && text.ptr[from] == '0' && text.ptr[from + 1] != '.')
        from++;
    return str_printf(state->arena, "%s%s" STR_FMT, negative ? "-" : "", text.ptr[from] == '.' ? "0" : "",
                      STR_ARG(str_n(text.ptr + from, text.len - from)));
}

/* These two errors count columns from 2: clients know them so, and the error's own position is right. */
static unsigned literal_column(const Token *token) { return token->pos.col + 1; }

static void set_integer(ParseState *state, AstExpr *expr, const Token *token)
{
    errno         = 0;
    expr->integer = strtoll(str_to_c(state->arena, token->text), NULL, 10);
    if (errno == ERANGE)
        parse_note_prepare(state, token->pos, "line %u:%u: Invalid numeric literal: " STR_FMT,
                           token->pos.line, literal_column(token), STR_ARG(token->text));
}

static void set_double(ParseState *state, AstExpr *expr, const Token *token)
{
    expr->number = strtod(str_to_c(state->arena, token->text), NULL);
    if (isinf(expr->number))
        parse_note_prepare(state, token->pos, "line %u:%u: Number overflows DOUBLE: " STR_FMT,
                           token->pos.line, literal_column(token), STR_ARG(token->text));
}

AstExpr *build_number(ParseState *state, const Token *token)
{
    AstExprKind kind = token->id == TK_INTEGER_VALUE   ? AST_INTEGER
                       : token->id == TK_DECIMAL_VALUE ? AST_DECIMAL
                                                       : AST_DOUBLE;
    AstExpr    *expr = build_expr(state, kind, token->pos, 0);
    if (kind == AST_INTEGER)
        set_integer(state, expr, token);
    else if (kind == AST_DECIMAL)
        expr->text = decimal_text(state, token->text);
    else
        set_double(state, expr, token);
    return expr;
}

AstExpr *build_boolean(ParseState *state, const Token *token, bool value)
{
    AstExpr *expr = build_expr(state, AST_BOOLEAN, token->pos, 0);
    expr->integer = value;
    return expr;
}

AstExpr *build_string(ParseState *state, const Token *token)
{
    AstExpr *expr = build_expr(state, AST_STRING, token->pos, 0);
    expr->text    = build_contents(state, token);
    return expr;
}

int64_t build_integer(ParseState *state, const Token *token, const char *command)
{
    AstExpr scratch = {0};
    if (token->id == TK_INTEGER_VALUE)
        set_integer(state, &scratch, token);
    else
        parse_note_prepare(state, token->pos, "Value must be integer for command: %s", command);
    return scratch.integer;
}

AstSpan build_span(ParseState *state, const Token *number, AstUnit unit)
{
    int64_t amount = 0;
    errno          = 0;
    if (number->id == TK_INTEGER_VALUE)
        amount = strtoll(str_to_c(state->arena, number->text), NULL, 10);
    if (number->id != TK_INTEGER_VALUE || errno == ERANGE)
        parse_note_prepare(state, number->pos, "For input string: \"" STR_FMT "\"", STR_ARG(number->text));
    return (AstSpan){.amount = amount, .unit = unit, .pos = number->pos};
}

AstSpan *build_span_copy(ParseState *state, AstSpan span)
{
    AstSpan *copy = ARENA_NEW(state->arena, AstSpan);
    *copy         = span;
    return copy;
}
