/*
 * typer_operator.c - arithmetic, signs, comparisons, BETWEEN: which types go together and what they become
 * (sql.md 3.4, 3.5).
 *
 * Both operands get the same kind by casts written into the tree, so the steps that run need to know one type
 * only.
 */
#include "planner/typer_run.h"

/* A comparison with a DECIMAL is exact, whatever the scale of the other side: see expr/cast.c. */
static const SqlType exact_decimal = {.kind = T_DECIMAL};

/* INTEGER and BIGINT as they enter decimal arithmetic. */
static const SqlType *as_decimal(TyperRun *run, const SqlType *type)
{
    if (type->kind == T_DECIMAL)
        return type;
    return type_decimal_unchecked(run->arena, type->kind == T_INTEGER ? 10 : 19, 0);
}

static int larger(int a, int b) { return a > b ? a : b; }

/* SQL Server's rules, without its limit of 38 digits: wide enough that the result is exact. Division
 * alone cannot be: at least six digits of scale, and a quotient that needs more is an evaluation error,
 * never rounded (sql.md 3.4). */
static Status decimal_result(TyperRun *run, AstOp op, const SqlType *a, const SqlType *b, const SqlType **out)
{
    int wa = a->precision - a->scale, wb = b->precision - b->scale, scale = larger(a->scale, b->scale),
        precision;
    switch (op) {
    case OP_MULTIPLY:
        scale     = a->scale + b->scale;
        precision = a->precision + b->precision + 1;
        break;
    case OP_DIVIDE:
        scale     = larger(6, a->scale + b->precision + 1);
        precision = wa + b->scale + scale;
        break;
    case OP_MODULO:
        precision = (wa < wb ? wa : wb) + scale;
        break;
    default:
        precision = scale + larger(wa, wb) + 1;
        break;
    }
    return type_decimal(run->arena, precision, scale, out, run->err);
}

static Status numeric_arithmetic(TyperRun *run, const AstExpr *ast, const Expr *left, const Expr *right,
                                 const Expr **out)
{
    const SqlType *a = left->type, *b = right->type, *result;
    if (a->kind == T_DOUBLE || b->kind == T_DOUBLE) {
        result = a = b = &type_double;
    } else if (a->kind == T_DECIMAL || b->kind == T_DECIMAL) {
        a = as_decimal(run, a);
        b = as_decimal(run, b);
        TRY(decimal_result(run, ast->op, a, b, &result));
    } else {
        result = a = b = a->kind == T_BIGINT || b->kind == T_BIGINT ? &type_bigint : &type_integer;
    }
    Expr *node = typer_node(run, EXPR_ARITHMETIC, result, 2);
    node->op   = EXPR_ADD + (ast->op - OP_ADD);
    typer_arg(node, 0, expr_cast(run->arena, left, a));
    typer_arg(node, 1, expr_cast(run->arena, right, b));
    *out = node;
    return OK;
}

Status typer_arithmetic(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr *left, *right;
    TRY(typer_expr(run, ast->operands[0], &left));
    TRY(typer_expr(run, ast->operands[1], &right));
    const SqlType *a = left->type, *b = right->type;
    /* Standard SQL answers NULL; here it would have no type for the column it becomes (sql.md 3.3). */
    if (a->kind == T_NULL || b->kind == T_NULL)
        return typer_fail(run, ast,
                          "Error processing expression: %s. Arithmetic on types %s and %s are not supported.",
                          typer_text(run, ast), typer_type_text(run, a), typer_type_text(run, b));
    if (type_is_numeric(a) && type_is_numeric(b))
        return numeric_arithmetic(run, ast, left, right, out);
    if (a->kind != T_STRING || b->kind != T_STRING || ast->op != OP_ADD)
        return typer_fail(run, ast, "Error processing expression: %s. Unsupported arithmetic types. %s %s",
                          typer_text(run, ast), type_kind_name(a->kind), type_kind_name(b->kind));
    Expr *node = typer_node(run, EXPR_CONCAT_TEXT, &type_string, 2);
    typer_arg(node, 0, left);
    typer_arg(node, 1, right);
    *out = node;
    return OK;
}

Status typer_sign(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr *operand;
    TRY(typer_expr(run, ast->operands[0], &operand));
    if (!type_is_numeric(operand->type))
        return typer_fail(run, ast, "Negation on unsupported type: %s", typer_type_text(run, operand->type));
    *out = operand;
    if (ast->kind == AST_PLUS)
        return OK;
    Expr *node = typer_node(run, EXPR_NEGATE, operand->type, 1);
    typer_arg(node, 0, operand);
    *out = node;
    return OK;
}

/* ---- comparison ---- */

static const struct {
    const char *symbol, *name;
} comparisons[] = {
    {"=", "EQUAL"},
    {"<>", "NOT_EQUAL"},
    {"<", "LESS_THAN"},
    {"<=", "LESS_THAN_OR_EQUAL"},
    {">", "GREATER_THAN"},
    {">=", "GREATER_THAN_OR_EQUAL"},
    {"IS DISTINCT FROM", "IS_DISTINCT_FROM"},
    {"IS DISTINCT FROM", "IS_DISTINCT_FROM"},
};

const char *typer_comparison_name(ExprOp op) { return comparisons[op - EXPR_EQUAL].name; }

static bool is_time(const SqlType *type)
{
    return type->kind == T_TIME || type->kind == T_DATE || type->kind == T_TIMESTAMP;
}

/* The type that both sides are brought to, or NULL when they cannot be compared so.
 * Stricter than the coercion of lists: ID > '10' on an INTEGER is an error (sql.md 3.7). Of ARRAY, MAP
 * and STRUCT only the kind is checked: different element types are legal and compare as they are. */
static const SqlType *comparison_type(ExprOp op, const SqlType *a, const SqlType *b)
{
    bool equality = op == EXPR_EQUAL || op == EXPR_NOT_EQUAL || op >= EXPR_DISTINCT;
    if (type_is_numeric(a) && type_is_numeric(b)) {
        if (a->kind == T_DECIMAL || b->kind == T_DECIMAL)
            return &exact_decimal;
        if (a->kind == T_DOUBLE || b->kind == T_DOUBLE)
            return &type_double;
        return a->kind == T_BIGINT || b->kind == T_BIGINT ? &type_bigint : &type_integer;
    }
    if (a->kind == T_STRING && is_time(b))
        return b;
    if (b->kind == T_STRING && is_time(a))
        return a;
    if ((a->kind == T_DATE && b->kind == T_TIMESTAMP) || (a->kind == T_TIMESTAMP && b->kind == T_DATE))
        return &type_timestamp;
    if (a->kind != b->kind || a->kind > T_STRUCT)
        return NULL;
    if ((a->kind == T_BOOLEAN || a->kind >= T_ARRAY) && !equality)
        return NULL;
    return a;
}

static bool is_magic_column(const AstExpr *ast, const Expr *typed)
{
    static const Str names[] = {STR_LIT("ROWTIME"), STR_LIT("WINDOWSTART"), STR_LIT("WINDOWEND")};
    Str              name    = ast->name.text;
    if (ast->kind != AST_COLUMN || typed->kind != EXPR_COLUMN || typed->type->kind != T_BIGINT)
        return false;
    /* By name, as after a join the column is known by nothing else. A user's BIGINT column X_ROWTIME is
     * taken for one too; it could not be compared with text otherwise, so no valid query changes. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) /* SOURCE_ROWTIME behind a join */
        if (str_ends_with(name, names[i]) &&
            (name.len == names[i].len || name.ptr[name.len - names[i].len - 1] == '_'))
            return true;
    return false;
}

/* ROWTIME >= '2020-01-01': the text becomes a BIGINT. */
static Status apply_magic(TyperRun *run, const AstExpr *column, const Expr *typed, const AstExpr *literal,
                          const Expr **text)
{
    int64_t ms;
    if (!run->typer->magic_timestamps || literal->kind != AST_STRING || !is_magic_column(column, typed))
        return OK;
    if (!timestamp_parse(str_trim(literal->text), &ms))
        return typer_fail(run, literal, "Failed to parse timestamp '" STR_FMT "'", STR_ARG(literal->text));
    *text = expr_constant(run->arena, &type_bigint, value_from_int(ms));
    return OK;
}

static const Expr *operand_as(TyperRun *run, const Expr *operand, const SqlType *type)
{
    if (type->kind >= T_ARRAY || (type->kind == T_DECIMAL && operand->type->kind == T_DECIMAL))
        return operand;
    return expr_cast(run->arena, operand, type);
}

Status typer_compare(TyperRun *run, const AstExpr *ast, ExprOp op, const AstExpr *left, const AstExpr *right,
                     const Expr **out)
{
    const Expr *a, *b;
    TRY(typer_expr(run, left, &a));
    TRY(typer_expr(run, right, &b));
    TRY(apply_magic(run, left, a, right, &b));
    TRY(apply_magic(run, right, b, left, &a));
    if (a->type->kind == T_NULL || b->type->kind == T_NULL)
        return typer_fail(
            run, ast, "Comparison with NULL not supported: %s %s %s\nUse 'IS NULL' or 'IS NOT NULL' instead.",
            a->type->kind == T_NULL ? "NULL" : type_kind_name(a->type->kind),
            comparisons[op - EXPR_EQUAL].symbol,
            b->type->kind == T_NULL ? "NULL" : type_kind_name(b->type->kind));
    const SqlType *type = comparison_type(op, a->type, b->type);
    if (type == NULL && a->type->kind != b->type->kind)
        run->hint = "CAST one side to the other's type.";
    if (type == NULL)
        return typer_fail(run, ast, "Cannot compare %s (%s) to %s (%s) with %s.", typer_text(run, left),
                          typer_type_text(run, a->type), typer_text(run, right),
                          typer_type_text(run, b->type), comparisons[op - EXPR_EQUAL].name);
    Expr *node         = typer_node(run, EXPR_COMPARE, &type_boolean, 2);
    node->op           = op;
    node->operand_type = type;
    typer_arg(node, 0, operand_as(run, a, type));
    typer_arg(node, 1, operand_as(run, b, type));
    *out = node;
    return OK;
}

/* v >= low AND v <= high, nothing else; so a NULL makes it false and NOT BETWEEN true. */
Status typer_between(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr *low, *high;
    TRY(typer_compare(run, ast, EXPR_GREATER_EQUAL, ast->operands[0], ast->operands[1], &low));
    TRY(typer_compare(run, ast, EXPR_LESS_EQUAL, ast->operands[0], ast->operands[2], &high));
    Expr *both = typer_node(run, EXPR_AND, &type_boolean, 2);
    typer_arg(both, 0, low);
    typer_arg(both, 1, high);
    *out = both;
    if (!ast->negated)
        return OK;
    Expr *outside = typer_node(run, EXPR_NOT, &type_boolean, 1);
    typer_arg(outside, 0, both);
    *out = outside;
    return OK;
}
