/*
 * pull_constraint.c - the condition in disjunctive normal form, and what each disjunct says about the key.
 *
 * All disjuncts bind every key column by `=`: look-ups of those keys. One disjunct with an inequality on a single text key: a range. Anything else, or more
 * than MOST_DISJUNCTS disjuncts: a scan. The condition itself is evaluated on each row all the same.
 */
#include "planner/pull_constraint.h"

#include "parser/parser.h"

enum { MOST_DISJUNCTS = 1024 };

/* ---- is it allowed at all? ---- */

static Status unsupported(const AstExpr *expr, bool negated, Error *err)
{
    StrBuf text = {0};
    strbuf_adds(&text, negated ? "(NOT " : "");
    ast_print_expr(expr, &text);
    strbuf_adds(&text, negated ? ")" : "");
    error_set(err, E_PLAN, expr->pos, "Unsupported expression in WHERE clause: " STR_FMT ". See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES "
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

Status pull_check_condition(const AstExpr *condition, Error *err) { return check(condition, false, err); }

/* ---- disjuncts ---- */

typedef struct Atom Atom;
struct Atom {
    const Expr *compare; /* a comparison, or ... */
    int         in_item; /* ... this item of an IN; -1 otherwise */
    const Atom *next;    /* the others of the same disjunct */
};

typedef struct {
    const Atom **items;
    size_t       count;
    bool         too_many;
} Disjuncts;

static Disjuncts one(Arena *arena, const Expr *expr, int in_item)
{
    Atom *atom    = ARENA_NEW(arena, Atom);
    *atom         = (Atom){expr, in_item, NULL};
    Disjuncts all = {ARENA_ARRAY(arena, const Atom *, 1), 1, false};
    all.items[0]  = atom;
    return all;
}

static const Atom *join_atoms(Arena *arena, const Atom *a, const Atom *b)
{
    for (; a != NULL; a = a->next) {
        Atom *copy = ARENA_NEW(arena, Atom);
        *copy      = (Atom){a->compare, a->in_item, b};
        b          = copy;
    }
    return b;
}

static Disjuncts combine(Arena *arena, Disjuncts a, Disjuncts b, bool and)
{
    size_t count = and ? a.count * b.count : a.count + b.count;
    if (a.too_many || b.too_many || count > MOST_DISJUNCTS)
        return (Disjuncts){.too_many = true};
    Disjuncts all = {ARENA_ARRAY(arena, const Atom *, count), 0, false};
    if (!and) {
        for (size_t i = 0; i < a.count; i++)
            all.items[all.count++] = a.items[i];
        for (size_t i = 0; i < b.count; i++)
            all.items[all.count++] = b.items[i];
        return all;
    }
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++)
            all.items[all.count++] = join_atoms(arena, a.items[i], b.items[j]);
    return all;
}

static Disjuncts split(Arena *arena, const Expr *expr)
{
    if ((expr->kind == EXPR_AND || expr->kind == EXPR_OR) && expr->count >= 2) {
        Disjuncts all = split(arena, expr->args[0]);
        for (size_t i = 1; i < expr->count; i++)
            all = combine(arena, all, split(arena, expr->args[i]), expr->kind == EXPR_AND);
        return all;
    }
    if (expr->kind == EXPR_IN && !expr->negated) {
        Disjuncts all = {ARENA_ARRAY(arena, const Atom *, expr->count), 0, expr->count > MOST_DISJUNCTS};
        for (size_t i = 1; i < expr->count && !all.too_many; i++)
            all.items[all.count++] = one(arena, expr, (int)i).items[0];
        return all;
    }
    return one(arena, expr, -1);
}

/* ---- what an atom says ---- */

typedef struct {
    int   slot;
    ExprOp op;
    Value value; /* of the column's type */
} Bound;

static const Expr *strip_casts(const Expr *expr)
{
    while (expr->kind == EXPR_CAST)
        expr = expr->args[0];
    return expr;
}

static ExprOp mirrored(ExprOp op)
{
    switch (op) {
    case EXPR_LESS:
        return EXPR_GREATER;
    case EXPR_LESS_EQUAL:
        return EXPR_GREATER_EQUAL;
    case EXPR_GREATER:
        return EXPR_LESS;
    case EXPR_GREATER_EQUAL:
        return EXPR_LESS_EQUAL;
    default:
        return op;
    }
}

static bool constant_value(const Planner *planner, const Expr *expr, const SqlType *type, Value *out)
{
    ProgramContext context = {.clock = planner->clock, .pull = true};
    Program       *program;
    Error          ignored;
    if (!expr_is_constant(expr) || program_compile(expr, &context, planner->arena, &program, &ignored) != OK)
        return false;
    Value value;
    bool  good = program_eval(program, NULL, planner->arena, &value, &ignored) == OK && !value_is_null(value) &&
                cast_value(expr->type, type, value, planner->arena, out, &ignored) == OK && !value_is_null(*out);
    if (good) { /* a constant that changes on its way to the key's type equals no key */
        Value back;
        good = cast_value(type, expr->type, *out, planner->arena, &back, &ignored) == OK && value_equal(expr->type, back, value);
    }
    program_close(program);
    return good;
}

/* column OP constant, in either order. */
static bool read_atom(const Planner *planner, const Schema *schema, const Atom *atom, Bound *out)
{
    const Expr *expr = atom->compare;
    if (atom->in_item < 0 && expr->kind != EXPR_COMPARE)
        return false;
    const Expr *left  = strip_casts(expr->args[0]);
    const Expr *right = expr->args[atom->in_item < 0 ? 1 : atom->in_item];
    out->op           = atom->in_item < 0 ? expr->op : EXPR_EQUAL;
    if (left->kind != EXPR_COLUMN) {
        const Expr *swap = strip_casts(right);
        if (atom->in_item >= 0 || swap->kind != EXPR_COLUMN)
            return false;
        right   = expr->args[0];
        left    = swap;
        out->op = mirrored(out->op);
    }
    out->slot = left->slot;
    return constant_value(planner, right, schema->columns[left->slot].type, &out->value);
}

/* The key that a disjunct binds completely by `=`; false when it does not. */
static bool read_key(const Planner *planner, const PullPlan *plan, const Atom *atom, Value *key)
{
    size_t keys = plan->schema->key_count, bound = 0;
    for (size_t i = 0; i < keys; i++)
        key[i] = value_null();
    for (; atom != NULL; atom = atom->next) {
        Bound b;
        if (!read_atom(planner, plan->schema, atom, &b) || b.op != EXPR_EQUAL || b.slot >= (int)keys || !value_is_null(key[b.slot]))
            continue;
        key[b.slot] = b.value;
        bound++;
    }
    return keys > 0 && bound == keys;
}

static bool find_lookups(const Planner *planner, PullPlan *plan, const Disjuncts *all)
{
    const Value **keys = ARENA_ARRAY(planner->arena, const Value *, all->count);
    for (size_t i = 0; i < all->count; i++) {
        Value *key = ARENA_ARRAY(planner->arena, Value, plan->schema->key_count);
        if (!read_key(planner, plan, all->items[i], key))
            return false;
        keys[i] = key;
    }
    plan->access       = PULL_LOOKUP;
    plan->keys         = keys;
    plan->lookup_count = 0;
    for (size_t i = 0; i < all->count; i++) { /* the same key twice is asked for once */
        bool seen = false;
        for (size_t j = 0; j < plan->lookup_count && !seen; j++) {
            seen = true;
            for (size_t c = 0; c < plan->schema->key_count; c++)
                seen &= value_equal(plan->schema->columns[c].type, keys[j][c], keys[i][c]);
        }
        if (!seen)
            keys[plan->lookup_count++] = keys[i];
    }
    return true;
}

static void find_range(const Planner *planner, PullPlan *plan, const Atom *atom)
{
    SqlKind kind    = plan->schema->columns[0].type->kind;
    Str     enabled = planner->host->property(planner->host, "ksql.query.pull.range.scan.enabled");
    if (plan->schema->key_count != 1 || (kind != T_STRING && kind != T_BYTES) || plan->table->window.kind != WINDOWED_NO ||
        (!str_is_null(enabled) && str_equal_nocase(enabled, STR_LIT("false"))))
        return;
    for (; atom != NULL; atom = atom->next) {
        Bound b;
        if (!read_atom(planner, plan->schema, atom, &b) || b.slot != 0)
            continue;
        if (b.op == EXPR_GREATER || b.op == EXPR_GREATER_EQUAL) {
            plan->has_low       = true;
            plan->low_inclusive = b.op == EXPR_GREATER_EQUAL;
            plan->low           = b.value;
        } else if (b.op == EXPR_LESS || b.op == EXPR_LESS_EQUAL) {
            plan->has_high       = true;
            plan->high_inclusive = b.op == EXPR_LESS_EQUAL;
            plan->high           = b.value;
        }
    }
    if (plan->has_low || plan->has_high)
        plan->access = PULL_RANGE;
}

/* ---- window bounds ---- */

static void narrow(bool *has_from, int64_t *from, bool *has_to, int64_t *to, ExprOp op, int64_t value)
{
    bool lower = op == EXPR_EQUAL || op == EXPR_GREATER || op == EXPR_GREATER_EQUAL;
    bool upper = op == EXPR_EQUAL || op == EXPR_LESS || op == EXPR_LESS_EQUAL;
    if (lower) {
        int64_t bound = op == EXPR_GREATER && value < INT64_MAX ? value + 1 : value;
        *from         = !*has_from || bound > *from ? bound : *from;
        *has_from     = true;
    }
    if (upper) {
        int64_t bound = op == EXPR_LESS && value > INT64_MIN ? value - 1 : value;
        *to           = !*has_to || bound < *to ? bound : *to;
        *has_to       = true;
    }
}

static void find_window_bounds(const Planner *planner, PullPlan *plan, const Atom *atom)
{
    for (; atom != NULL; atom = atom->next) {
        Bound b;
        if (!read_atom(planner, plan->schema, atom, &b))
            continue;
        ColumnRole role = plan->schema->columns[b.slot].role;
        if (role == COLUMN_WINDOWSTART)
            narrow(&plan->has_start_from, &plan->start_from, &plan->has_start_to, &plan->start_to, b.op, value_int(b.value));
        else if (role == COLUMN_WINDOWEND)
            narrow(&plan->has_end_from, &plan->end_from, &plan->has_end_to, &plan->end_to, b.op, value_int(b.value));
    }
}

Status pull_find_access(const Planner *planner, PullPlan *plan, Error *err)
{
    plan->access = PULL_SCAN;
    if (plan->where != NULL) {
        Disjuncts all = split(planner->arena, plan->where);
        if (!all.too_many && all.count == 1)
            find_window_bounds(planner, plan, all.items[0]);
        if (!all.too_many && !find_lookups(planner, plan, &all) && all.count == 1)
            find_range(planner, plan, all.items[0]);
    }
    if (plan->access != PULL_LOOKUP && plan->table->window.kind == WINDOWED_SESSION)
        return error_set(err, E_PLAN, NO_POS, "Table scan unsupported on session tables");
    return OK;
}
