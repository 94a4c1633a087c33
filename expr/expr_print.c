/*
 * expr_print.c - a typed expression as text, for EXPLAIN. Columns print by their names, casts that the typer
 * added are shown.
 */
#include "expr/expr.h"

static const char *const op_texts[] = {
    [EXPR_ADD]           = "+",
    [EXPR_SUBTRACT]      = "-",
    [EXPR_MULTIPLY]      = "*",
    [EXPR_DIVIDE]        = "/",
    [EXPR_MODULO]        = "%",
    [EXPR_EQUAL]         = "=",
    [EXPR_NOT_EQUAL]     = "<>",
    [EXPR_LESS]          = "<",
    [EXPR_LESS_EQUAL]    = "<=",
    [EXPR_GREATER]       = ">",
    [EXPR_GREATER_EQUAL] = ">=",
    [EXPR_DISTINCT]      = "IS DISTINCT FROM",
    [EXPR_NOT_DISTINCT]  = "IS NOT DISTINCT FROM",
};

static void print_list(const Expr *expr, size_t from, const char *separator, const Schema *schema,
                       StrBuf *out)
{
    for (size_t i = from; i < expr->count; i++) {
        if (i > from)
            strbuf_adds(out, separator);
        expr_print(expr->args[i], schema, out);
    }
}

static void print_binary(const Expr *expr, const char *op, const Schema *schema, StrBuf *out)
{
    strbuf_addc(out, '(');
    expr_print(expr->args[0], schema, out);
    strbuf_addf(out, " %s ", op);
    expr_print(expr->args[1], schema, out);
    strbuf_addc(out, ')');
}

static void print_case(const Expr *expr, const Schema *schema, StrBuf *out)
{
    size_t pairs = (expr->count - (expr->has_else ? 1 : 0)) / 2;
    strbuf_adds(out, "(CASE");
    for (size_t i = 0; i < pairs; i++) {
        strbuf_adds(out, " WHEN ");
        expr_print(expr->args[2 * i], schema, out);
        strbuf_adds(out, " THEN ");
        expr_print(expr->args[2 * i + 1], schema, out);
    }
    if (expr->has_else) {
        strbuf_adds(out, " ELSE ");
        expr_print(expr->args[expr->count - 1], schema, out);
    }
    strbuf_adds(out, " END)");
}

/* MAP(k:=v, ...) and STRUCT(F:=v, ...). */
static void print_pairs(const Expr *expr, const Schema *schema, StrBuf *out)
{
    bool   map  = expr->kind == EXPR_MAP;
    size_t step = map ? 2 : 1;
    strbuf_adds(out, map ? "MAP(" : "STRUCT(");
    for (size_t i = 0; i < expr->count; i += step) {
        if (i > 0)
            strbuf_adds(out, ", ");
        if (map)
            expr_print(expr->args[i], schema, out);
        else
            strbuf_add(out, expr->type->fields[i].name);
        strbuf_adds(out, ":=");
        expr_print(expr->args[i + step - 1], schema, out);
    }
    strbuf_addc(out, ')');
}

/* x IN (a, b); x LIKE p ESCAPE 'c'; x IS NULL: what may carry a NOT. */
static void print_predicate(const Expr *expr, const Schema *schema, StrBuf *out)
{
    bool not_outside = expr->negated && expr->kind != EXPR_IS_NULL;
    strbuf_adds(out, not_outside ? "(NOT (" : "(");
    expr_print(expr->args[0], schema, out);
    if (expr->kind == EXPR_IS_NULL) {
        strbuf_adds(out, expr->negated ? " IS NOT NULL" : " IS NULL");
    } else if (expr->kind == EXPR_IN) {
        strbuf_adds(out, " IN (");
        print_list(expr, 1, ", ", schema, out);
        strbuf_addc(out, ')');
    } else {
        strbuf_adds(out, " LIKE ");
        expr_print(expr->args[1], schema, out);
        if (!str_is_null(expr->escape)) {
            strbuf_adds(out, " ESCAPE ");
            strbuf_add_quoted(out, expr->escape, '\'');
        }
    }
    strbuf_adds(out, not_outside ? "))" : ")");
}

static void print_leaf(const Expr *expr, const Schema *schema, StrBuf *out)
{
    if (expr->kind == EXPR_PARAM)
        strbuf_addf(out, "p%d", expr->slot);
    else if (expr->kind == EXPR_CONST && expr->type->kind == T_STRING && !value_is_null(expr->value))
        strbuf_add_quoted(out, value_str(expr->value), '\'');
    else if (expr->kind == EXPR_CONST)
        value_print(expr->type, expr->value, out);
    else if (schema != NULL && (size_t)expr->slot < schema->count)
        strbuf_add(out, schema->columns[expr->slot].name);
    else
        strbuf_addf(out, "#%d", expr->slot);
}

/* Operators before, behind and around one operand; calls. */
static void print_wrapped(const Expr *expr, const Schema *schema, StrBuf *out)
{
    switch (expr->kind) {
    case EXPR_NEGATE:
        strbuf_addc(out, '-');
        break;
    case EXPR_NOT:
        strbuf_adds(out, "(NOT ");
        break;
    case EXPR_CAST:
        strbuf_adds(out, "CAST(");
        break;
    case EXPR_CALL:
        strbuf_addf(out, "%s(", expr->function->name);
        break;
    case EXPR_ARRAY:
        strbuf_adds(out, "ARRAY[");
        break;
    case EXPR_LAMBDA:
        strbuf_addc(out, '(');
        for (int i = 0; i < expr->param_count; i++)
            strbuf_addf(out, "%sp%d", i > 0 ? ", " : "", expr->slot + i);
        strbuf_adds(out, ") => ");
        break;
    default:
        break;
    }
    print_list(expr, 0, expr->kind == EXPR_SUBSCRIPT ? "[" : ", ", schema, out);
    if (expr->kind == EXPR_CAST) {
        strbuf_adds(out, " AS ");
        if (expr->type->kind == T_DECIMAL && expr->type->precision == 0)
            strbuf_adds(out, "DECIMAL");
        else
            type_print(expr->type, out);
    }
    if (expr->kind == EXPR_FIELD) {
        strbuf_adds(out, "->");
        strbuf_add(out, expr->args[0]->type->fields[expr->slot].name);
    }
    if (expr->kind == EXPR_SUBSCRIPT || expr->kind == EXPR_ARRAY)
        strbuf_addc(out, ']');
    if (expr->kind == EXPR_NOT || expr->kind == EXPR_CAST || expr->kind == EXPR_CALL)
        strbuf_addc(out, ')');
}

void expr_print(const Expr *expr, const Schema *schema, StrBuf *out)
{
    switch (expr->kind) {
    case EXPR_CONST:
    case EXPR_COLUMN:
    case EXPR_PARAM:
        print_leaf(expr, schema, out);
        break;
    case EXPR_ARITHMETIC:
    case EXPR_COMPARE:
        print_binary(expr, op_texts[expr->op], schema, out);
        break;
    case EXPR_CONCAT_TEXT:
        print_binary(expr, "+", schema, out);
        break;
    case EXPR_AND:
        print_binary(expr, "AND", schema, out);
        break;
    case EXPR_OR:
        print_binary(expr, "OR", schema, out);
        break;
    case EXPR_IS_NULL:
    case EXPR_IN:
    case EXPR_LIKE:
        print_predicate(expr, schema, out);
        break;
    case EXPR_CASE:
        print_case(expr, schema, out);
        break;
    case EXPR_MAP:
    case EXPR_STRUCT:
        print_pairs(expr, schema, out);
        break;
    default:
        print_wrapped(expr, schema, out);
        break;
    }
}
