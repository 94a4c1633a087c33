/*
 * typer_call.c - function calls: the overload, coerced arguments, and lambdas.
 *
 * A lambda's body can be typed only when the overload is known and the arguments before it have bound its
 * parameters. Resolution asks for that through FnLambdaTyper; the bodies are typed there and kept for the
 * call.
 */
#include "planner/typer_run.h"

typedef struct {
    FnLambdaTyper  base;
    TyperRun      *run;
    const AstExpr *call;
    const Expr   **typed; /* per argument */
} LambdaTyper;

static Status check_parameters(TyperRun *run, const AstExpr *lambda)
{
    for (size_t i = 0; i < lambda->name_count; i++) {
        Str name = lambda->names[i].text;
        for (const TyperParam *outer = run->params; outer != NULL; outer = outer->outer)
            if (str_equal(outer->name, name))
                return typer_fail(run, lambda, "Reusing lambda arguments in nested lambda is not allowed");
        for (size_t j = 0; j < i; j++)
            if (str_equal(lambda->names[j].text, name))
                return typer_fail(run, lambda, "Duplicate lambda argument: " STR_FMT, STR_ARG(name));
    }
    return OK;
}

static Status type_lambda_body(FnLambdaTyper *self, size_t index, const SqlType *const *params, size_t count,
                               const SqlType **body, Error *err)
{
    LambdaTyper      *typer  = (LambdaTyper *)self;
    TyperRun         *run    = typer->run;
    const AstExpr    *lambda = typer->call->operands[index];
    const TyperParam *outer  = run->params;
    int               first  = run->param_count;
    const Expr       *typed;
    if (lambda->kind != AST_LAMBDA || lambda->name_count != count)
        return error_set(err, E_PLAN, lambda->pos, "A lambda of %zu parameters is expected: %s", count,
                         typer_text(run, lambda));
    /* Numbers go on from the enclosing lambdas', whose parameters an inner body may read; lambdas side
     * by side use the same numbers again. */
    TyperParam *scope = ARENA_ARRAY(run->arena, TyperParam, count + 1);
    for (size_t i = 0; i < count; i++) {
        scope[i]    = (TyperParam){lambda->names[i].text, params[i], first + (int)i, run->params};
        run->params = &scope[i];
    }
    run->param_count = first + (int)count;
    Status status    = typer_expr(run, lambda->operands[0], &typed);
    run->params      = outer;
    run->param_count = first;
    TRY(status);
    SqlType *type     = ARENA_NEW(run->arena, SqlType);
    type->kind        = T_LAMBDA;
    type->field_count = count;
    Expr *node        = typer_node(run, EXPR_LAMBDA, type, 1);
    node->slot        = first;
    node->param_count = (int)count;
    typer_arg(node, 0, typed);
    typer->typed[index] = node;
    *body               = typed->type;
    return OK;
}

/* Types of all arguments; a lambda counts its parameters only, for now. */
static Status type_arguments(TyperRun *run, const AstExpr *ast, const Expr **typed, const SqlType **types,
                             bool *has_lambda)
{
    *has_lambda = false;
    for (size_t i = 0; i < ast->count; i++) {
        const AstExpr *arg = ast->operands[i];
        if (arg->kind != AST_LAMBDA) {
            TRY(typer_expr(run, arg, &typed[i]));
            types[i] = typed[i]->type;
            continue;
        }
        if (run->typer->lambdas_disabled)
            return typer_fail(run, arg, "Lambdas are not enabled at this time.");
        TRY(check_parameters(run, arg));
        SqlType *type     = ARENA_NEW(run->arena, SqlType);
        type->kind        = T_LAMBDA;
        type->field_count = arg->name_count;
        types[i]          = type;
        *has_lambda       = true;
    }
    return OK;
}

/* Casts into the tree, so that a function's code meets exactly the types of its overload. A bare NULL
 * becomes a constant of the parameter's type instead: there is no cast from T_NULL. */
static const Expr *coerce_argument(TyperRun *run, const Expr *arg, const SqlType *param)
{
    if (arg->kind == EXPR_LAMBDA || param == NULL || param->kind > T_STRUCT)
        return arg;
    if (arg->kind == EXPR_CONST && arg->type->kind == T_NULL)
        return expr_constant(run->arena, param, value_null());
    return expr_cast(run->arena, arg, param);
}

/* Aggregate calls that are right have become columns before this is reached; table functions are typed one by
 * one, by build_flatten.c. */
static Status check_place(TyperRun *run, const AstExpr *ast, FnKind kind)
{
    if (kind == FN_AGGREGATE)
        return typer_fail(
            run, ast,
            "Aggregate functions can only be used in SELECT and HAVING, and not in pull queries: %s",
            typer_text(run, ast));
    if (kind == FN_TABLE && !run->typer->table_calls)
        return typer_fail(run, ast,
                          "Table functions can only be used in the SELECT of a query on a stream: %s",
                          typer_text(run, ast));
    return OK;
}

/* Errors of resolution know no place. */
static Status resolve(TyperRun *run, const AstExpr *ast, const SqlType *const *types, size_t count,
                      FnLambdaTyper *lambdas, FnResolved *out)
{
    Status status = functions_resolve(run->typer->functions, ast->name.text, types, count, lambdas,
                                      run->arena, out, run->err);
    if (status == E_PLAN && run->err->pos.line == 0)
        run->err->pos = ast->pos;
    return status;
}

Status typer_call(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr    **typed    = ARENA_ARRAY(run->arena, const Expr *, ast->count + 1);
    const SqlType **types    = ARENA_ARRAY(run->arena, const SqlType *, ast->count + 1);
    FnResolved     *function = ARENA_NEW(run->arena, FnResolved);
    LambdaTyper     lambdas  = {{type_lambda_body}, run, ast, typed};
    size_t          count    = ast->count;
    FnKind          kind     = functions_kind(run->typer->functions, ast->name.text);
    bool            has_lambda;
    TRY(type_arguments(run, ast, typed, types, &has_lambda));
    TRY(check_place(run, ast, kind));
    if (count == 0 && kind == FN_TABLE) /* EXPLODE(): typed as if called with ROWTIME (functions.md 2.1) */
        types[count++] = &type_bigint;
    TRY(resolve(run, ast, types, count, has_lambda ? &lambdas.base : NULL, function));
    Expr *node     = typer_node(run, EXPR_CALL, function->result_type, ast->count);
    node->function = function;
    for (size_t i = 0; i < ast->count; i++) {
        if (typed[i] == NULL)
            return typer_fail(run, ast->operands[i], "The type of %s cannot be derived",
                              typer_text(run, ast->operands[i]));
        typer_arg(node, i,
                  coerce_argument(run, typed[i], i < function->count ? function->param_types[i] : NULL));
    }
    *out = node;
    return OK;
}
