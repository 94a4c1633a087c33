/*
 * pull_disjuncts.c - see pull_disjuncts.h.
 */
#include "planner/pull_disjuncts.h"

#include "parser/parser.h"

enum { MOST_DISJUNCTS = 1024 };

/* ---- is it allowed at all? ---- */

static Status unsupported(const AstExpr *expr, bool negated, Error *err)
{
    StrBuf text = {0};
    strbuf_adds(&text, negated ? "(NOT " : "");
    ast_print_expr(expr, &text);
    strbuf_adds(&text, negated ? ")" : "");
    error_set(err, E_PLAN, expr->pos,
              "Unsupported expression in WHERE clause: " STR_FMT
              ". See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES "
              "if you intended to issue a push query.",
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Status check(const AstExpr *expr, bool negated, Error *err)
{
    switch (expr->kind) {
    case AST_NOT:
        return check(expr->operands[0], !negated, err);
    case AST_BINARY:
        if (expr->op == OP_AND || expr->op == OP_OR) {
            TRY(check(expr->operands[0], negated, err));
            return check(expr->operands[1], negated, err);
        }
        if (expr->op < OP_EQUAL || negated)
            return unsupported(expr, negated, err);
        return OK;
    case AST_BETWEEN:
    case AST_IN:
    case AST_LIKE:
        return negated || expr->negated ? unsupported(expr, negated, err) : OK;
    default:
        return unsupported(expr, negated, err);
    }
}

Status pull_check_form(const AstExpr *condition, Error *err) { return check(condition, false, err); }

/* ---- the form ---- */

static Disjuncts one(Arena *arena, const AstExpr *leaf)
{
    Disjuncts all          = {ARENA_NEW(arena, Disjunct), 1, false};
    all.items[0]           = (Disjunct){ARENA_ARRAY(arena, const AstExpr *, 1), 1};
    all.items[0].leaves[0] = leaf;
    return all;
}

static Disjunct join_leaves(Arena *arena, Disjunct a, Disjunct b)
{
    Disjunct both = {ARENA_ARRAY(arena, const AstExpr *, a.count + b.count), a.count + b.count};
    memcpy(both.leaves, a.leaves, a.count * sizeof *a.leaves);
    memcpy(both.leaves + a.count, b.leaves, b.count * sizeof *b.leaves);
    return both;
}

static Disjuncts combine(Arena *arena, Disjuncts a, Disjuncts b, bool and)
{
    size_t count = and? a.count * b.count : a.count + b.count;
    if (a.too_many || b.too_many || count > MOST_DISJUNCTS)
        return (Disjuncts){.too_many = true};
    Disjuncts all = {ARENA_ARRAY(arena, Disjunct, count), count, false};
    if (and) {
        for (size_t i = 0; i < count; i++)
            all.items[i] = join_leaves(arena, a.items[i / b.count], b.items[i % b.count]);
        return all;
    }
    memcpy(all.items, a.items, a.count * sizeof *a.items);
    memcpy(all.items + a.count, b.items, b.count * sizeof *b.items);
    return all;
}

static const AstExpr *comparison(Arena *arena, const AstExpr *from, AstOp op, const AstExpr *left,
                                 const AstExpr *right)
{
    AstExpr *leaf = ARENA_NEW(arena, AstExpr);
    *leaf = (AstExpr){.kind = AST_BINARY, .pos = from->pos, .op = op, .count = 2, .depth = from->depth};
    leaf->operands    = ARENA_ARRAY(arena, const AstExpr *, 2);
    leaf->operands[0] = left;
    leaf->operands[1] = right;
    return leaf;
}

static Disjuncts split_in(Arena *arena, const AstExpr *expr)
{
    Disjuncts all = {ARENA_ARRAY(arena, Disjunct, expr->count), 0, expr->count > MOST_DISJUNCTS + 1};
    for (size_t i = 1; i < expr->count && !all.too_many; i++)
        all.items[all.count++] =
            one(arena, comparison(arena, expr, OP_EQUAL, expr->operands[0], expr->operands[i])).items[0];
    return all;
}

/* Leaves are never negated: the check has refused that. */
static Disjuncts split(Arena *arena, const AstExpr *expr, bool negated)
{
    const AstExpr *const *operands = expr->operands;
    if (expr->kind == AST_NOT)
        return split(arena, operands[0], !negated);
    if (expr->kind == AST_IN)
        return split_in(arena, expr);
    if (expr->kind == AST_BETWEEN)
        return combine(arena, one(arena, comparison(arena, expr, OP_GREATER_EQUAL, operands[0], operands[1])),
                       one(arena, comparison(arena, expr, OP_LESS_EQUAL, operands[0], operands[2])), true);
    if (expr->kind != AST_BINARY || (expr->op != OP_AND && expr->op != OP_OR))
        return one(arena, expr);
    return combine(arena, split(arena, operands[0], negated), split(arena, operands[1], negated),
                   (expr->op == OP_AND) != negated);
}

Disjuncts pull_split(Arena *arena, const AstExpr *condition) { return split(arena, condition, false); }

void disjunct_print(const Disjunct *disjunct, StrBuf *out)
{
    for (size_t i = 1; i < disjunct->count; i++)
        strbuf_addc(out, '(');
    for (size_t i = 0; i < disjunct->count; i++) {
        strbuf_adds(out, i > 0 ? " AND " : "");
        ast_print_expr(disjunct->leaves[i], out);
        strbuf_adds(out, i > 0 ? ")" : "");
    }
}
