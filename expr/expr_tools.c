/*
 * expr_tools.c - looking at expressions and making new ones: which columns are read, the same over other
 * slots, equality.
 *
 * Trees are read-only, so a copy shares every part that does not change.
 */
#include "expr/expr.h"

void expr_mark_columns(const Expr *expr, bool *used, size_t count)
{
    if (expr->kind == EXPR_COLUMN && (size_t)expr->slot < count)
        used[expr->slot] = true;
    for (size_t i = 0; i < expr->count; i++)
        expr_mark_columns(expr->args[i], used, count);
}

enum { PATH_MAX_DEPTH = 32 }; /* deeper paths are cut: the visitor then reads a little more than it must */

typedef void (*PathVisitor)(void *context, int slot, const int *path, size_t depth);

/* A chain of `->` down to a column is one path. */
static bool visit_chain(const Expr *expr, PathVisitor visit, void *context)
{
    int         path[PATH_MAX_DEPTH];
    size_t      depth = 0, skip;
    const Expr *base  = expr;
    for (; base->kind == EXPR_FIELD; base = base->args[0])
        depth++;
    if (base->kind != EXPR_COLUMN)
        return false;
    skip = depth > PATH_MAX_DEPTH ? depth - PATH_MAX_DEPTH : 0;
    depth -= skip;
    for (; skip > 0; skip--)
        expr = expr->args[0];
    for (size_t i = depth; i > 0; i--, expr = expr->args[0])
        path[i - 1] = expr->slot;
    visit(context, base->slot, path, depth);
    return true;
}

void expr_visit_paths(const Expr *expr, PathVisitor visit, void *context)
{
    if ((expr->kind == EXPR_COLUMN || expr->kind == EXPR_FIELD) && visit_chain(expr, visit, context))
        return;
    for (size_t i = 0; i < expr->count; i++)
        expr_visit_paths(expr->args[i], visit, context);
}

const Expr *expr_remap(const Expr *expr, const int *slots, size_t count, Arena *arena)
{
    if (expr->kind == EXPR_COLUMN) {
        Expr *copy = ARENA_NEW(arena, Expr);
        *copy      = *expr;
        if ((size_t)expr->slot < count)
            copy->slot = slots[expr->slot];
        return copy;
    }
    const Expr **args = NULL;
    for (size_t i = 0; i < expr->count; i++) {
        const Expr *arg = expr_remap(expr->args[i], slots, count, arena);
        if (arg != expr->args[i] && args == NULL) {
            args = ARENA_ARRAY(arena, const Expr *, expr->count);
            memcpy(args, expr->args, expr->count * sizeof *args);
        }
        if (args != NULL)
            args[i] = arg;
    }
    if (args == NULL)
        return expr;
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy      = *expr;
    copy->args = args;
    return copy;
}

static bool same_function(const FnResolved *a, const FnResolved *b)
{
    return a == b || (a != NULL && b != NULL && a->kind == b->kind && a->scalar == b->scalar &&
                      a->table == b->table && a->aggregate == b->aggregate);
}

bool expr_equal(const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->count != b->count || a->op != b->op || a->negated != b->negated ||
        a->has_else != b->has_else || a->slot != b->slot || a->param_count != b->param_count ||
        !type_equal(a->type, b->type))
        return false;
    if (a->kind == EXPR_CONST && !value_equal(a->type, a->value, b->value))
        return false;
    if (!str_equal(a->escape, b->escape) || str_is_null(a->escape) != str_is_null(b->escape) ||
        !same_function(a->function, b->function))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

/* Parameters from number `bound` on belong to lambdas inside the expression. */
static bool is_constant(const Expr *expr, int bound)
{
    if (expr->kind == EXPR_COLUMN || (expr->kind == EXPR_PARAM && expr->slot < bound))
        return false;
    if (expr->kind == EXPR_CALL &&
        (expr->function->kind != FN_SCALAR || (expr->function->scalar->flags & FN_NOT_PURE) != 0))
        return false;
    if (expr->kind == EXPR_LAMBDA && expr->slot < bound)
        bound = expr->slot;
    for (size_t i = 0; i < expr->count; i++)
        if (!is_constant(expr->args[i], bound))
            return false;
    return true;
}

bool expr_is_constant(const Expr *expr) { return is_constant(expr, INT32_MAX); }

const Expr *expr_column(Arena *arena, int slot, const SqlType *type)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_COLUMN;
    expr->slot = slot;
    expr->type = type;
    return expr;
}

const Expr *expr_constant(Arena *arena, const SqlType *type, Value value)
{
    Expr *expr  = ARENA_NEW(arena, Expr);
    expr->kind  = EXPR_CONST;
    expr->type  = type;
    expr->value = value;
    return expr;
}

const Expr *expr_cast(Arena *arena, const Expr *value, const SqlType *type)
{
    if (type_equal(value->type, type))
        return value;
    Expr        *expr = ARENA_NEW(arena, Expr);
    const Expr **args = ARENA_ARRAY(arena, const Expr *, 1);
    args[0]           = value;
    expr->kind        = EXPR_CAST;
    expr->type        = type;
    expr->args        = args;
    expr->count       = 1;
    return expr;
}
