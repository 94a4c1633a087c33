/*
 * constant.c - the value of an expression without columns, as a column's type: INSERT VALUES, key constraints
 * (sql.md 3.7).
 *
 * The expression is typed and run like any other; then the STRICT rules apply to its value. A DECIMAL must
 * fit without rounding.
 */
#include "core/decimal.h"
#include "planner/typer_run.h"

static const char *format_hint(const SqlType *type)
{
    switch (type->kind) {
    case T_TIMESTAMP:
        return ". Timestamp format must be yyyy-mm-ddThh:mm:ss[.S]";
    case T_TIME:
        return ". Time format must be hh:mm:ss[.S]";
    case T_DATE:
        return ". Date format must be yyyy-mm-dd";
    default:
        return "";
    }
}

static Status refuse(const Typer *typer, const AstExpr *ast, const SqlType *to, Str column,
                     const SqlType *from, Value value, Error *err)
{
    StrBuf text = {0};
    value_print(from, value, &text);
    Status status = error_set(err, E_PLAN, ast->pos,
                              "Expected type " STR_FMT " for field " STR_FMT " but got %s(" STR_FMT ")%s",
                              STR_ARG(type_text(typer->arena, to)), STR_ARG(column),
                              type_kind_name(from->kind), STR_ARG(strbuf_str(&text)), format_hint(to));
    strbuf_clear(&text);
    return status;
}

static Status run_once(const Typer *typer, const Expr *expr, Clock *clock, bool pull, Value *out, Error *err)
{
    ProgramContext context = {.clock = clock, .pull = pull};
    Program       *program;
    Value          value = value_null();
    TRY(program_compile(expr, &context, typer->arena, &program, err));
    if (typer->lambdas != NULL)
        program_share_lambdas(program, typer->lambdas);
    Status status = program_eval(program, NULL, typer->arena, &value, err);
    if (status == OK)
        *out = value_copy(typer->arena, expr->type, value);
    program_close(program);
    return status;
}

/* STRICT, but a field that the column's STRUCT does not have is dropped, however deep it stands; one that is
 * missing is NULL. */
static bool fits_column(const SqlType *from, const SqlType *to)
{
    if (from->kind == T_ARRAY && to->kind == T_ARRAY)
        return fits_column(from->element, to->element);
    if (from->kind == T_MAP && to->kind == T_MAP)
        return typer_is_strict(from->key, to->key) && fits_column(from->element, to->element);
    if (from->kind != T_STRUCT || to->kind != T_STRUCT)
        return typer_is_strict(from, to);
    for (size_t i = 0; i < from->field_count; i++) {
        int at = type_field(to, from->fields[i].name);
        if (at >= 0 && !fits_column(from->fields[i].type, to->fields[at].type))
            return false;
    }
    return true;
}

static Status to_type(const Typer *typer, const SqlType *from, const SqlType *to, Value value, Value *out)
{
    if (!fits_column(from, to))
        return E_PLAN;
    if (to->kind != T_DECIMAL)
        return cast_value(from, to, value, typer->arena, out, NULL);
    if (from->kind != T_DECIMAL)
        value = decimal_from_int(value_int(value));
    return decimal_fit(typer->arena, value, to->precision, to->scale, ROUND_NONE, out, NULL);
}

Status evaluate_constant(const Typer *typer, const AstExpr *ast, const SqlType *type, Str column,
                         Clock *clock, Value *out, Error *err)
{
    const Expr *expr;
    Value       value;
    TRY(type_expression(typer, ast, &scope_empty, &expr, err));
    if (expr->type->kind == T_NULL) {
        *out = value_null();
        return OK;
    }
    TRY(run_once(typer, expr, clock, false, &value, err));
    if (value_is_null(value)) {
        *out = value;
        return OK;
    }
    if (to_type(typer, expr->type, type, value, out) != OK)
        return refuse(typer, ast, type, column, expr->type, value, err);
    return OK;
}

static Status refuse_key(const AstExpr *ast, const Column *column, const SqlType *from, Value value,
                         Error *err)
{
    StrBuf text = {0};
    value_print(from, value, &text);
    strbuf_adds(&text, "' can not be converted to the type of the key column: ");
    strbuf_add(&text, column->name);
    strbuf_addc(&text, ' ');
    type_print(column->type, &text);
    Status status = error_set(err, E_PLAN, ast->pos, "'" STR_FMT " KEY", STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

Status evaluate_key(const Typer *typer, const AstExpr *ast, const Column *column, Clock *clock, Value *out,
                    Error *err)
{
    const Expr *expr;
    Value       value;
    Error       ignored;
    *out = value_null();
    TRY(type_expression(typer, ast, &scope_empty, &expr, err));
    if (expr->type->kind == T_NULL || run_once(typer, expr, clock, true, &value, &ignored) != OK ||
        value_is_null(value))
        return OK;
    return to_type(typer, expr->type, column->type, value, out) == OK
               ? OK
               : refuse_key(ast, column, expr->type, value, err);
}
