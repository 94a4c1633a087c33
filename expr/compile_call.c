/*
 * compile_call.c - function calls and lambdas: call sites, and bodies that stand inside the program's steps.
 *
 * A lambda's body is jumped over by the steps around it and run by lambda_invoke. A body has no guard of its
 * own making: if it fails the whole call fails (functions.md 2.8). Arguments that are calls, casts or `->`
 * are guarded one by one.
 */
#include "expr/compiler.h"

static bool argument_is_guarded(const Expr *arg)
{
    return arg->kind == EXPR_CALL || arg->kind == EXPR_CAST || arg->kind == EXPR_FIELD;
}

static Status compile_lambda(Compiler *c, const Expr *expr, Operand *out)
{
    LambdaSite *site  = ARENA_NEW(c->arena, LambdaSite);
    int32_t     outer = c->guard;
    if (expr->slot + expr->param_count > MAX_PARAMS)
        return error_set(c->err, E_UNSUPPORTED, NO_POS,
                         "More than %d lambda parameters in one expression are not supported", MAX_PARAMS);
    site->base.invoke    = lambda_invoke;
    site->program        = c->program;
    site->fixed          = kind_is_fixed(expr->args[0]->type->kind);
    site->param_count    = (uint32_t)expr->param_count;
    site->param_register = compiler_register(c, (size_t)expr->param_count);
    for (int i = 0; i < expr->param_count; i++)
        c->params[expr->slot + i] = site->param_register + (uint32_t)i;
    size_t over = c->step_count;
    compiler_step(c, step_jump, (Operand){0}, (Operand){0}, 0);
    site->start   = (uint32_t)c->step_count;
    c->guard      = -1;
    Status status = compile_expr(c, expr->args[0], &site->result);
    c->guard      = outer;
    TRY(status);
    site->end = (uint32_t)c->step_count;
    compiler_patch(c, over);
    *out = compiler_constant(c, (Value){.as.ptr = site});
    c->constant[out->index] =
        false; /* its value is fixed, but a call of it is not folded: its steps stand in the program */
    return OK;
}

static CallSite *site_new(Compiler *c, const Expr *expr)
{
    const FnResolved *function = expr->function;
    CallSite         *site     = ARENA_NEW(c->arena, CallSite);
    const SqlType   **types    = ARENA_ARRAY(c->arena, const SqlType *, expr->count + 1);
    for (size_t i = 0; i < expr->count; i++)
        types[i] = expr->args[i]->type;
    site->function    = function;
    site->eval        = function->kind == FN_SCALAR ? function->scalar->eval : function->table->eval;
    site->flags       = function->kind == FN_SCALAR ? function->scalar->flags : function->table->flags;
    site->args        = ARENA_ARRAY(c->arena, Value, expr->count + 1);
    site->sources     = ARENA_ARRAY(c->arena, Operand, expr->count + 1);
    site->call        = (FnCall){.args      = site->args,
                                 .count     = expr->count,
                                 .arg_types = types,
                                 .type      = function->result_type,
                                 .site      = &site->site,
                                 .clock     = c->program->context->clock,
                                 .config    = c->program->context->config,
                                 .self      = function->self};
    site->next        = c->program->calls;
    c->program->calls = site;
    return site;
}

Status compile_call(Compiler *c, const Expr *expr, Operand *out)
{
    if (expr->kind == EXPR_LAMBDA)
        return compile_lambda(c, expr, out);
    if (expr->function->kind != FN_SCALAR && expr->function->kind != FN_TABLE)
        return error_set(c->err, E_PLAN, NO_POS,
                         "%s is an aggregate function and has no value for a single row",
                         expr->function->name);
    CallSite *site     = site_new(c, expr);
    bool      constant = expr->function->kind == FN_SCALAR && (site->flags & FN_NOT_PURE) == 0;
    for (size_t i = 0; i < expr->count; i++) {
        const Expr *arg = expr->args[i];
        TRY((argument_is_guarded(arg) ? compile_guarded : compile_expr)(c, arg, &site->sources[i]));
        constant = constant && compiler_is_constant(c, site->sources[i]);
    }
    size_t   start                                        = c->step_count;
    uint32_t reg                                          = compiler_register(c, 1);
    Operand  result                                       = {BANK_REGISTERS, reg};
    compiler_step(c, step_call, result, result, reg)->aux = site;
    *out                                                  = result;
    if (constant)
        compiler_fold(c, start, result);
    return OK;
}
