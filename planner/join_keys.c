/*
 * join_keys.c - equivalence sets and viable keys of a left-deep join tree.
 *
 * Joining on A.X = B.Y makes both columns hold the key, so either may name it; a later join on one of them
 * adds its own side. A FULL OUTER join makes neither hold it for every row: then the key is a column of its
 * own, ROWKEY.
 */
#include "planner/join_keys.h"

#include "parser/parser.h"

typedef struct {
    const AstExpr **items;
    size_t          count;
} ExprSet;

static bool set_has(const ExprSet *set, const AstExpr *expr)
{
    for (size_t i = 0; i < set->count; i++)
        if (ast_expr_equal(set->items[i], expr))
            return true;
    return false;
}

static void set_add(ExprSet *set, const AstExpr *expr)
{
    if (!set_has(set, expr))
        set->items[set->count++] = expr;
}

static ExprSet set_new(Arena *arena, size_t joins)
{
    return (ExprSet){ARENA_ARRAY(arena, const AstExpr *, 2 * joins + 2), 0};
}

/* Which source a qualified expression is about; -1 for none or several. */
static int source_of(const Analysis *a, const AstExpr *expr)
{
    if (expr->kind == AST_COLUMN) {
        for (size_t i = 0; i < a->from_count; i++)
            if (str_equal(a->from[i].alias, expr->qualifier.text))
                return (int)i;
        return -1;
    }
    int found = -1;
    for (size_t i = 0; i < expr->count; i++) {
        int one = source_of(a, expr->operands[i]);
        if (one >= 0 && found >= 0 && one != found)
            return -1;
        if (one >= 0)
            found = one;
    }
    return found;
}

/* One step: ((everything before) JOIN source `right`). */
static void step(const Analysis *a, size_t join, ExprSet *equal, ExprSet *viable)
{
    const AstExpr *on = a->join_on[join].qualified;
    if (on->kind != AST_BINARY || on->count != 2)
        return;
    bool           swapped = source_of(a, on->operands[0]) == (int)join + 1;
    const AstExpr *left    = on->operands[swapped ? 1 : 0];
    const AstExpr *right   = on->operands[swapped ? 0 : 1];
    ExprSet        next    = set_new(a->planner->arena, a->from_count);
    if (a->query->joins[join].kind != JOIN_FULL) {
        set_add(&next, left);
        set_add(&next, right);
        if (set_has(equal, left) || set_has(equal, right))
            for (size_t i = 0; i < equal->count; i++)
                set_add(&next, equal->items[i]);
    }
    ExprSet ordered = set_new(a->planner->arena, a->from_count);
    for (size_t i = 0; i < viable->count; i++)
        set_add(&ordered, viable->items[i]);
    set_add(&ordered, left);
    set_add(&ordered, right);
    *viable = set_new(a->planner->arena, a->from_count);
    for (size_t i = 0; i < ordered.count; i++)
        if (ordered.items[i]->kind == AST_COLUMN && set_has(&next, ordered.items[i]))
            set_add(viable, ordered.items[i]);
    *equal = next;
}

/* ROWKEY, or ROWKEY_1, ... when a source has a column of that name. */
static Str synthetic_name(const Analysis *a)
{
    Arena *arena = a->planner->arena;
    Str    name  = STR_LIT("ROWKEY");
    for (int n = 1;; n++) {
        bool taken = false;
        for (size_t i = 0; i < a->from_count; i++)
            taken |= schema_find(a->from[i].source->schema, name) >= 0;
        if (!taken)
            return name;
        name = str_printf(arena, "ROWKEY_%d", n);
    }
}

void join_viable_keys(const Analysis *a, ViableKeys *out)
{
    ExprSet equal = set_new(a->planner->arena, a->from_count), viable = equal;
    viable = set_new(a->planner->arena, a->from_count);
    for (size_t join = 0; join + 1 < a->from_count; join++)
        step(a, join, &equal, &viable);
    *out = (ViableKeys){viable.items, viable.count, viable.count == 0 ? synthetic_name(a) : STR_NULL};
}
