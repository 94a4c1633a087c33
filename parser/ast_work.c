/*
 * ast_work.c - how much a statement's expressions may take to evaluate, as far as its text can tell.
 *
 * A guess for whoever has to say where a statement is carried out, and nothing that its meaning depends on. A
 * function may take some milliseconds (REPEAT of a long text), so a few of them are still little. What a
 * lambda costs the text does not say: it is called as often as the data wants.
 */
#include "parser/parser.h"

enum { FEW_CALLS = 8, MANY_CALLS = 1000, FEW_EXPRESSIONS = 500 };

typedef struct {
    size_t calls, expressions;
    bool   lambda;
} Count;

/* The parser bounds the depth. */
static void count_expr(const AstExpr *expr, Count *count)
{
    if (expr == NULL)
        return;
    count->expressions++;
    count->calls += expr->kind == AST_CALL;
    count->lambda |= expr->kind == AST_LAMBDA;
    for (size_t i = 0; i < expr->count; i++)
        count_expr(expr->operands[i], count);
}

static void count_all(const AstExpr *const *exprs, size_t n, Count *count)
{
    for (size_t i = 0; i < n; i++)
        count_expr(exprs[i], count);
}

static void count_query(const AstQuery *query, Count *count)
{
    for (size_t i = 0; i < query->item_count; i++)
        count_expr(query->items[i].expr, count);
    for (size_t i = 0; i < query->join_count; i++)
        count_expr(query->joins[i].on, count);
    count_all(query->group_by, query->group_count, count);
    count_all(query->partition_by, query->partition_count, count);
    count_expr(query->where, count);
    count_expr(query->having, count);
}

AstWork ast_work(const AstStatement *statement)
{
    Count count = {0};
    count_all(statement->values, statement->value_count, &count);
    if (statement->query != NULL)
        count_query(statement->query, &count);
    if (count.lambda || count.calls > MANY_CALLS)
        return WORK_LONG;
    return count.calls > FEW_CALLS || count.expressions > FEW_EXPRESSIONS ? WORK_SOME : WORK_LITTLE;
}
