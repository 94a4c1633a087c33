/*
 * ast_hash.c - a number that equal trees share (ast_equal.c). What is equal in two spellings, types and
 * numbers with a point, does not go in.
 */
#include "parser/parser.h"

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

static uint64_t hash_nocase(Str text)
{
    uint64_t hash = text.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        hash   = mix(hash, (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
    return hash;
}

static uint64_t hash_contents(const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_BOOLEAN:
    case AST_INTEGER:
        return (uint64_t)expr->integer;
    case AST_DECIMAL:
    case AST_STRING:
        return str_hash(expr->text);
    case AST_COLUMN:
    case AST_FIELD:
        return str_hash(expr->name.text);
    case AST_BINARY:
        return (uint64_t)expr->op;
    case AST_CALL:
        return hash_nocase(expr->name.text);
    default:
        return 0;
    }
}

uint64_t ast_expr_hash(const AstExpr *expr)
{
    if (expr == NULL)
        return 0;
    uint64_t hash = mix(mix((uint64_t)expr->kind, expr->count), hash_contents(expr));
    for (size_t i = 0; i < expr->count; i++)
        hash = mix(hash, ast_expr_hash(expr->operands[i]));
    return hash;
}
