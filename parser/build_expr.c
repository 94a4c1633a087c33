/*
 * build_expr.c - nodes of expressions and types.
 *
 * Every node knows how deep its tree is, and the one that would be too deep ends the parse: so nobody who
 * walks a tree, this folder's printer and comparison included, can run out of stack. A chain `a + a + ...` is
 * as deep as it is long.
 */
#include "parser/parse_state.h"

Vec *vec_new(Arena *arena)
{
    Vec *vec   = ARENA_NEW(arena, Vec);
    vec->arena = arena;
    return vec;
}

void vec_add(Vec *vec, void *item)
{
    if (vec->count == vec->capacity) {
        size_t capacity = vec->capacity > 0 ? vec->capacity * 2 : 4;
        void **items    = ARENA_ARRAY(vec->arena, void *, capacity);
        if (vec->count > 0)
            memcpy(items, vec->items, vec->count * sizeof *items);
        vec->items    = items;
        vec->capacity = capacity;
    }
    vec->items[vec->count++] = item;
}

Vec *vec_of(Arena *arena, void *item)
{
    Vec *vec = vec_new(arena);
    vec_add(vec, item);
    return vec;
}

void vec_add_first(Vec *vec, void *item)
{
    vec_add(vec, item);
    memmove(vec->items + 1, vec->items, (vec->count - 1) * sizeof *vec->items);
    vec->items[0] = item;
}

AstExpr *build_expr(ParseState *state, AstExprKind kind, Pos pos, size_t count)
{
    AstExpr *expr = ARENA_NEW(state->arena, AstExpr);
    if (++state->expressions > AST_MAX_EXPRESSIONS)
        parse_too_many(state, pos);
    expr->kind  = kind;
    expr->pos   = pos;
    expr->depth = 1;
    expr->count = count;
    if (count > 0)
        expr->operands = ARENA_ARRAY(state->arena, const AstExpr *, count);
    return expr;
}

/* To be called when all operands are in place. */
static AstExpr *measure(ParseState *state, AstExpr *expr)
{
    for (size_t i = 0; i < expr->count; i++)
        if (expr->depth <= expr->operands[i]->depth)
            expr->depth = expr->operands[i]->depth + 1;
    if (expr->depth > AST_MAX_DEPTH)
        parse_too_deep(state);
    return expr;
}

static AstExpr *build_of(ParseState *state, AstExprKind kind, Pos pos, const Vec *operands)
{
    size_t   count = operands != NULL ? operands->count : 0;
    AstExpr *expr  = build_expr(state, kind, pos, count);
    if (count > 0)
        memcpy(expr->operands, operands->items, count * sizeof *expr->operands);
    return measure(state, expr);
}

AstExpr *build_binary(ParseState *state, AstOp op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr     = build_expr(state, AST_BINARY, left->pos, 2);
    expr->op          = op;
    expr->operands[0] = left;
    expr->operands[1] = right;
    return measure(state, expr);
}

AstExpr *build_unary(ParseState *state, AstExprKind kind, Pos pos, AstExpr *operand)
{
    AstExpr *expr     = build_expr(state, kind, pos, 1);
    expr->operands[0] = operand;
    return measure(state, expr);
}

AstExpr *build_negated(ParseState *state, bool negated, AstExpr *expr)
{
    return negated ? build_unary(state, AST_NOT, expr->pos, expr) : expr;
}

AstExpr *build_between(ParseState *state, AstExpr *value, AstExpr *low, AstExpr *high)
{
    AstExpr *expr     = build_expr(state, AST_BETWEEN, value->pos, 3);
    expr->operands[0] = value;
    expr->operands[1] = low;
    expr->operands[2] = high;
    return measure(state, expr);
}

AstExpr *build_in(ParseState *state, AstExpr *value, Vec *items)
{
    vec_add_first(items, value);
    return build_of(state, AST_IN, value->pos, items);
}

AstExpr *build_like(ParseState *state, AstExpr *value, AstExpr *pattern, const Token *escape)
{
    AstExpr *expr     = build_expr(state, AST_LIKE, value->pos, 2);
    expr->operands[0] = value;
    expr->operands[1] = pattern;
    if (escape != NULL)
        expr->text = build_contents(state, escape);
    return measure(state, expr);
}

AstExpr *build_concat(ParseState *state, AstExpr *left, AstExpr *right)
{
    AstExpr *expr     = build_expr(state, AST_CALL, left->pos, 2);
    expr->name        = (AstName){.text = STR_LIT("CONCAT"), .pos = left->pos};
    expr->pipes       = true;
    expr->operands[0] = left;
    expr->operands[1] = right;
    return measure(state, expr);
}

void build_use_qualifier(ParseState *state, AstName qualifier)
{
    build_add_name(&state->qualifiers, qualifier);
}

AstExpr *build_column(ParseState *state, const AstName *qualifier, AstName name)
{
    AstExpr *expr = build_expr(state, AST_COLUMN, qualifier != NULL ? qualifier->pos : name.pos, 0);
    expr->name    = name;
    if (qualifier != NULL) {
        expr->qualifier = *qualifier;
        build_use_qualifier(state, *qualifier);
    }
    return expr;
}

AstExpr *build_subscript(ParseState *state, AstExpr *base, AstExpr *index)
{
    AstExpr *expr     = build_expr(state, AST_SUBSCRIPT, base->pos, 2);
    expr->operands[0] = base;
    expr->operands[1] = index;
    return measure(state, expr);
}

AstExpr *build_field(ParseState *state, AstExpr *base, AstName name)
{
    AstExpr *expr = build_unary(state, AST_FIELD, base->pos, base);
    expr->name    = name;
    return expr;
}

AstExpr *build_cast(ParseState *state, Pos pos, AstExpr *operand, AstType *type)
{
    AstExpr *expr = build_unary(state, AST_CAST, pos, operand);
    expr->type    = type;
    return expr;
}

AstExpr *build_case(ParseState *state, Pos pos, AstExpr *operand, Vec *whens, AstExpr *otherwise)
{
    if (operand != NULL)
        vec_add_first(whens, operand);
    if (otherwise != NULL)
        vec_add(whens, otherwise);
    AstExpr *expr  = build_of(state, operand != NULL ? AST_SIMPLE_CASE : AST_CASE, pos, whens);
    expr->has_else = otherwise != NULL;
    return expr;
}

AstExpr *build_list(ParseState *state, AstExprKind kind, Pos pos, Vec *items)
{
    return build_of(state, kind, pos, items);
}

typedef struct {
    AstName  name;
    AstExpr *value;
} Member;

void build_add_member(ParseState *state, Vec *members, AstName name, AstExpr *value)
{
    Member *member = ARENA_NEW(state->arena, Member);
    *member        = (Member){name, value};
    vec_add(members, member);
}

AstExpr *build_struct(ParseState *state, Pos pos, Vec *members)
{
    size_t   count   = members != NULL ? members->count : 0;
    AstExpr *expr    = build_expr(state, AST_STRUCT_OF, pos, count);
    expr->name_count = count;
    if (count > 0)
        expr->names = ARENA_ARRAY(state->arena, AstName, count);
    for (size_t i = 0; i < count; i++) {
        const Member *member = members->items[i];
        expr->names[i]       = member->name;
        expr->operands[i]    = member->value;
    }
    return measure(state, expr);
}

AstExpr *build_call(ParseState *state, AstName name, Vec *arguments)
{
    AstExpr *expr = build_of(state, AST_CALL, name.pos, arguments);
    expr->name    = name;
    return expr;
}

AstExpr *build_unit(ParseState *state, AstUnit unit)
{
    AstExpr *expr = build_expr(state, AST_UNIT, NO_POS, 0);
    expr->unit    = unit;
    return expr;
}

/* The head was parsed as expressions, because nothing tells a lambda before its arrow. */
AstExpr *build_lambda(ParseState *state, Pos pos, Vec *parameters, const Token *arrow, AstExpr *body)
{
    AstExpr *expr    = build_unary(state, AST_LAMBDA, pos, body);
    expr->name_count = parameters->count;
    expr->names      = ARENA_ARRAY(state->arena, AstName, parameters->count);
    for (size_t i = 0; i < parameters->count; i++) {
        const AstExpr *parameter = parameters->items[i];
        if (parameter->kind != AST_COLUMN || !str_is_null(parameter->qualifier.text)) {
            parse_refuse_token(state, arrow);
            break;
        }
        expr->names[i] = parameter->name;
    }
    if (parameters->count == 0)
        parse_refuse_token(state, arrow);
    return expr;
}

AstExpr *build_lambda_of_one(ParseState *state, AstName parameter, AstExpr *body)
{
    AstExpr *expr    = build_unary(state, AST_LAMBDA, parameter.pos, body);
    expr->name_count = 1;
    expr->names      = ARENA_NEW(state->arena, AstName);
    *expr->names     = parameter;
    return expr;
}

/* ---- types ---- */

static AstType *type_new(ParseState *state, AstTypeKind kind, Pos pos)
{
    AstType *type = ARENA_NEW(state->arena, AstType);
    type->kind    = kind;
    type->pos     = pos;
    type->depth   = 1;
    return type;
}

static void type_contain(ParseState *state, AstType *type, const AstType *part)
{
    if (type->depth <= part->depth)
        type->depth = part->depth + 1;
    if (type->depth > AST_MAX_DEPTH)
        parse_too_deep(state);
}

AstType *build_type_named(ParseState *state, AstName name)
{
    AstType *type = type_new(state, AST_TYPE_NAMED, name.pos);
    type->name    = name.text;
    return type;
}

AstType *build_type_array(ParseState *state, Pos pos, AstType *element)
{
    AstType *type = type_new(state, AST_TYPE_ARRAY, pos);
    type->element = element;
    type_contain(state, type, element);
    return type;
}

AstType *build_type_map(ParseState *state, Pos pos, AstType *key, AstType *element)
{
    AstType *type = type_new(state, AST_TYPE_MAP, pos);
    type->key     = key;
    type->element = element;
    type_contain(state, type, key);
    type_contain(state, type, element);
    return type;
}

void build_add_field(ParseState *state, Vec *fields, AstName name, AstType *type)
{
    AstField *field = ARENA_NEW(state->arena, AstField);
    *field          = (AstField){name, type};
    vec_add(fields, field);
}

AstType *build_type_struct(ParseState *state, Pos pos, Vec *fields)
{
    AstType *type     = type_new(state, AST_TYPE_STRUCT, pos);
    type->field_count = fields->count;
    if (fields->count > 0)
        type->fields = ARENA_ARRAY(state->arena, AstField, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        type->fields[i] = *(const AstField *)fields->items[i];
        type_contain(state, type, type->fields[i].type);
    }
    return type;
}

AstType *build_type_decimal(ParseState *state, Pos pos, const Token *precision, const Token *scale)
{
    AstType *type   = type_new(state, AST_TYPE_DECIMAL, pos);
    type->precision = build_integer(state, precision, "DECIMAL(PRECISION)");
    type->scale     = build_integer(state, scale, "DECIMAL(SCALE)");
    return type;
}
