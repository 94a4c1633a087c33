/*
 * ast_rewrite.c - copies an expression, replacing what a stage wants replaced.
 *
 * Lambda parameters hide columns of the same name (functions.md 2.8): within a lambda's body they are left
 * alone.
 */
#include "planner/analysis.h"

/* The parameters in force, innermost first. */
typedef struct Params Params;
struct Params {
    const AstExpr *lambda;
    const Params  *outer;
};

static bool is_param(const Params *params, const AstExpr *column)
{
    if (column->kind != AST_COLUMN || !str_is_null(column->qualifier.text))
        return false;
    for (; params != NULL; params = params->outer)
        for (size_t i = 0; i < params->lambda->name_count; i++)
            if (str_equal(params->lambda->names[i].text, column->name.text))
                return true;
    return false;
}

static Status rewrite(AstRewriter *rewriter, const AstExpr *expr, const Params *params, const AstExpr **out,
                      Error *err)
{
    *out = NULL;
    if (is_param(params, expr)) {
        *out = expr;
        return OK;
    }
    TRY(rewriter->replace(rewriter, expr, out, err));
    if (*out != NULL)
        return OK;
    if (expr->count == 0) {
        *out = expr; /* trees are read-only: a leaf can be shared */
        return OK;
    }
    Params   inner = {expr, params};
    AstExpr *copy  = ARENA_NEW(rewriter->arena, AstExpr);
    *copy          = *expr;
    copy->operands = ARENA_ARRAY(rewriter->arena, const AstExpr *, expr->count);
    for (size_t i = 0; i < expr->count; i++)
        TRY(rewrite(rewriter, expr->operands[i], expr->kind == AST_LAMBDA ? &inner : params,
                    &copy->operands[i], err));
    *out = copy;
    return OK;
}

Status ast_rewrite(AstRewriter *rewriter, const AstExpr *expr, const AstExpr **out, Error *err)
{
    return rewrite(rewriter, expr, NULL, out, err);
}

void visit_aggregates(const Functions *functions, const AstExpr               *expr,
                      void (*visit)(void *context, const AstExpr *call), void *context)
{
    if (expr->kind == AST_CALL && functions_kind(functions, expr->name.text) == FN_AGGREGATE)
        visit(context, expr);
    for (size_t i = 0; i < expr->count; i++)
        visit_aggregates(functions, expr->operands[i], visit, context);
}
