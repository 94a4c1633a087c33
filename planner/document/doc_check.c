/*
 * doc_check.c - is an expression that was read one that the typer could have made? Programs trust types: a
 * slot behind the row's end or a text taken for a number would be memory that is not theirs.
 *
 * Arguments were checked before. DECIMALs tell their scale themselves, so one of another precision does no
 * harm.
 */
#include "planner/document/doc.h"

bool doc_type_fits(const SqlType *a, const SqlType *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case T_ARRAY:
        return doc_type_fits(a->element, b->element);
    case T_MAP:
        return doc_type_fits(a->key, b->key) && doc_type_fits(a->element, b->element);
    case T_STRUCT:
        for (size_t i = 0; a->field_count == b->field_count && i < a->field_count; i++)
            if (!doc_type_fits(a->fields[i].type, b->fields[i].type))
                return false;
        return a->field_count == b->field_count;
    default:
        return true;
    }
}

static bool is_null(const Expr *expr) { return expr->kind == EXPR_CONST && value_is_null(expr->value); }

static bool arg_fits(const Expr *arg, const SqlType *type)
{
    return is_null(arg) || doc_type_fits(arg->type, type);
}

/* [from, count) are all of that type. */
static bool args_fit(const Expr *expr, size_t from, const SqlType *type)
{
    bool fit = true;
    for (size_t i = from; fit && i < expr->count; i++)
        fit = arg_fits(expr->args[i], type);
    return fit;
}

static bool column_fits(const Expr *expr, const Schema *schema)
{
    return expr->count == 0 && (size_t)expr->slot < schema->count &&
           doc_type_fits(expr->type, schema->columns[expr->slot].type);
}

static bool case_fits(const Expr *expr)
{
    size_t pairs = (expr->count - (expr->has_else ? 1 : 0)) / 2;
    bool   fit   = expr->count > 0 && expr->count == 2 * pairs + (expr->has_else ? 1 : 0);
    for (size_t i = 0; fit && i < pairs; i++)
        fit = arg_fits(expr->args[2 * i], &type_boolean) && arg_fits(expr->args[2 * i + 1], expr->type);
    return fit && (!expr->has_else || arg_fits(expr->args[expr->count - 1], expr->type));
}

static bool subscript_fits(const Expr *expr)
{
    if (expr->count != 2)
        return false;
    const SqlType *base = expr->args[0]->type, *index = expr->args[1]->type;
    if (base->kind == T_MAP)
        return arg_fits(expr->args[1], base->key) && doc_type_fits(expr->type, base->element);
    return base->kind == T_ARRAY && doc_type_fits(expr->type, base->element) &&
           (is_null(expr->args[1]) || index->kind == T_INTEGER || index->kind == T_BIGINT);
}

static bool field_fits(const Expr *expr)
{
    const SqlType *base = expr->count == 1 ? expr->args[0]->type : &type_null;
    return base->kind == T_STRUCT && (size_t)expr->slot < base->field_count &&
           doc_type_fits(expr->type, base->fields[expr->slot].type);
}

static bool constructor_fits(const Expr *expr)
{
    const SqlType *type = expr->type;
    bool           fit  = true;
    if (expr->kind == EXPR_ARRAY)
        return type->kind == T_ARRAY && args_fit(expr, 0, type->element);
    if (expr->kind == EXPR_MAP) {
        for (size_t i = 0; type->kind == T_MAP && fit && i < expr->count; i++)
            fit = arg_fits(expr->args[i], i % 2 == 0 ? type->key : type->element);
        return type->kind == T_MAP && expr->count % 2 == 0 && fit;
    }
    if (type->kind != T_STRUCT || type->field_count != expr->count)
        return false;
    for (size_t i = 0; fit && i < expr->count; i++)
        fit = arg_fits(expr->args[i], type->fields[i].type);
    return fit;
}

static bool call_fits(const Expr *expr)
{
    const FnResolved *function = expr->function;
    bool              fit      = doc_type_fits(expr->type, function->result_type);
    for (size_t i = 0; fit && i < expr->count; i++)
        fit = i < function->count &&
              (expr->args[i]->kind == EXPR_LAMBDA || arg_fits(expr->args[i], function->param_types[i]) ||
               function->param_types[i]->kind == T_NULL);
    return fit;
}

static bool lambda_fits(const DocReader *r, const Expr *expr)
{
    return expr->count == 1 && expr->slot == r->params && expr->type->kind == T_LAMBDA &&
           expr->type->field_count == (size_t)expr->param_count;
}

static bool arithmetic_fits(const Expr *expr)
{
    return expr->count == 2 && expr->op <= EXPR_MODULO && type_is_numeric(expr->type) &&
           args_fit(expr, 0, expr->type);
}

static bool is_boolean(const Expr *expr) { return expr->type->kind == T_BOOLEAN; }

static bool logical_fits(const Expr *expr, size_t count)
{
    return is_boolean(expr) && expr->count == count && args_fit(expr, 0, &type_boolean);
}

static bool compare_fits(const Expr *expr)
{
    return is_boolean(expr) && expr->count == 2 && expr->op >= EXPR_EQUAL &&
           args_fit(expr, 0, expr->operand_type);
}

static bool expr_fits(const DocReader *r, const Expr *expr, const Schema *schema)
{
    switch (expr->kind) {
    case EXPR_CONST:
        return expr->count == 0; /* the value was read by its type */
    case EXPR_COLUMN:
        return column_fits(expr, schema);
    case EXPR_PARAM:
        return expr->count == 0 && expr->slot < r->params;
    case EXPR_ARITHMETIC:
        return arithmetic_fits(expr);
    case EXPR_NEGATE:
        return expr->count == 1 && type_is_numeric(expr->type) && args_fit(expr, 0, expr->type);
    case EXPR_CONCAT_TEXT:
        return expr->count == 2 && expr->type->kind == T_STRING && args_fit(expr, 0, &type_string);
    case EXPR_COMPARE:
        return compare_fits(expr);
    case EXPR_AND:
    case EXPR_OR:
        return logical_fits(expr, 2);
    case EXPR_NOT:
        return logical_fits(expr, 1);
    case EXPR_IS_NULL:
        return is_boolean(expr) && expr->count == 1;
    case EXPR_IN:
        return is_boolean(expr) && expr->count > 0 && args_fit(expr, 0, expr->operand_type);
    case EXPR_LIKE:
        return is_boolean(expr) && expr->count == 2 && args_fit(expr, 0, &type_string);
    case EXPR_CASE:
        return case_fits(expr);
    case EXPR_CAST:
        return expr->count == 1 && cast_is_supported(expr->args[0]->type, expr->type);
    case EXPR_CALL:
        return call_fits(expr);
    case EXPR_SUBSCRIPT:
        return subscript_fits(expr);
    case EXPR_FIELD:
        return field_fits(expr);
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_STRUCT:
        return constructor_fits(expr);
    case EXPR_LAMBDA:
        return lambda_fits(r, expr);
    }
    return false;
}

void doc_check_expr(DocReader *r, const Expr *expr, const Schema *schema)
{
    /* A lambda is no value: only a call may have one. */
    for (size_t i = 0; expr->kind != EXPR_CALL && i < expr->count; i++)
        if (expr->args[i]->kind == EXPR_LAMBDA)
            doc_fail(r, "a lambda stands where no function takes one");
    if (doc_ok(r) && !expr_fits(r, expr, schema)) {
        StrBuf text = {0};
        type_print(expr->type, &text);
        doc_fail(r, "an expression of type " STR_FMT " is made of what gives no such value",
                 STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
    }
}

void doc_same_columns(DocReader *r, const Schema *a, size_t from_a, const Schema *b, size_t from_b,
                      size_t count)
{
    if (doc_ok(r) && (from_a + count > a->count || from_b + count > b->count))
        doc_fail(r, "there are fewer columns than there must be");
    for (size_t i = 0; doc_ok(r) && i < count; i++)
        if (!doc_type_fits(a->columns[from_a + i].type, b->columns[from_b + i].type))
            doc_fail(r, "column " STR_FMT " is not of the type of what it is made of",
                     STR_ARG(a->columns[from_a + i].name));
}

void doc_is_column(DocReader *r, const Schema *schema, size_t slot, SqlKind kind)
{
    if (doc_ok(r) && (slot >= schema->count || schema->columns[slot].type->kind != kind))
        doc_fail(r, "column %zu is not there, or of another type than it must have", slot);
}

void doc_same_schema(DocReader *r, const Schema *a, const Schema *b)
{
    if (doc_ok(r) &&
        (a->count != b->count || a->key_count != b->key_count || a->value_count != b->value_count))
        doc_fail(r, "rows are handed on as they are, but the columns are others");
    doc_same_columns(r, a, 0, b, 0, b->count);
}
