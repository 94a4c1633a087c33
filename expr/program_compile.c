/*
 * program_compile.c - from an Expr to a Program: one walk, operands first.
 *
 * AND, OR and CASE become jumps, so what isn't reached isn't evaluated. A unit that the dialect guards
 * (sql.md 3.3) is a range of steps that carry the guard's number; it costs nothing until something fails.
 * Depth of the walk is bounded by the parser.
 */
#include "expr/compiler.h"

uint32_t compiler_register(Compiler *c, size_t count)
{
    while (c->register_count + count > c->register_capacity) {
        c->register_capacity = c->register_capacity * 2 + 16;
        c->registers         = mem_realloc(c->registers, c->register_capacity * sizeof *c->registers);
        c->constant          = mem_realloc(c->constant, c->register_capacity * sizeof *c->constant);
    }
    uint32_t first = (uint32_t)c->register_count;
    for (size_t i = 0; i < count; i++) {
        c->registers[first + i] = value_null();
        c->constant[first + i]  = false;
    }
    c->register_count += count;
    return first;
}

static Operand in_register(uint32_t index) { return (Operand){BANK_REGISTERS, index}; }

Operand compiler_constant(Compiler *c, Value v)
{
    uint32_t at      = compiler_register(c, 1);
    c->registers[at] = v;
    c->constant[at]  = true;
    return in_register(at);
}

bool compiler_is_constant(const Compiler *c, Operand o)
{
    return o.bank == BANK_REGISTERS && c->constant[o.index];
}

Step *compiler_step(Compiler *c, StepFn fn, Operand a, Operand b, uint32_t out)
{
    if (c->step_count == c->step_capacity) {
        c->step_capacity = c->step_capacity * 2 + 16;
        c->steps         = mem_realloc(c->steps, c->step_capacity * sizeof *c->steps);
    }
    Step *step = &c->steps[c->step_count++];
    *step      = (Step){.fn = fn, .a = a, .b = b, .out = out, .guard = c->guard};
    return step;
}

void compiler_patch(Compiler *c, size_t step) { c->steps[step].jump = (int32_t)(c->step_count - step); }

void compiler_fold(Compiler *c, size_t start, Operand out)
{
    Program *program = c->program;
    Error   *quiet   = mem_calloc(1, sizeof *quiet);
    for (size_t i = start; i < c->step_count; i++)
        c->steps[i].guard = -1;
    program->registers            = c->registers;
    program->bank[BANK_REGISTERS] = c->registers;
    program->arena                = c->arena;
    program->err                  = quiet;
    if (program_run(program, c->steps + start, c->steps + c->step_count) == OK) {
        c->step_count          = start;
        c->constant[out.index] = true;
    } else {
        for (size_t i = start; i < c->step_count; i++)
            c->steps[i].guard = c->guard;
    }
    mem_free(quiet);
}

static Operand finish(Compiler *c, size_t start, uint32_t out, bool constant)
{
    if (constant)
        compiler_fold(c, start, in_register(out));
    return in_register(out);
}

static Status unsupported(Compiler *c, const char *what)
{
    return error_set(c->err, E_UNSUPPORTED, NO_POS, "%s is not supported here", what);
}

static Status compile_binary(Compiler *c, const Expr *expr, StepFn fn, Operand *out)
{
    Operand a, b;
    if (fn == NULL)
        return unsupported(c, "an operator on these types");
    TRY(compile_expr(c, expr->args[0], &a));
    TRY(compile_expr(c, expr->args[1], &b));
    size_t   start = c->step_count;
    uint32_t reg   = compiler_register(c, 1);
    Step    *step  = compiler_step(c, fn, a, b, reg);
    step->param    = expr->type->scale;
    *out           = finish(c, start, reg, compiler_is_constant(c, a) && compiler_is_constant(c, b));
    return OK;
}

static Status compile_unary(Compiler *c, const Expr *expr, StepFn fn, Operand *out)
{
    Operand a;
    if (fn == NULL)
        return unsupported(c, "an operator on this type");
    TRY(compile_expr(c, expr->args[0], &a));
    size_t   start = c->step_count;
    uint32_t reg   = compiler_register(c, 1);
    Step    *step  = compiler_step(c, fn, a, a, reg);
    step->param    = expr->slot;
    *out           = finish(c, start, reg, compiler_is_constant(c, a));
    return OK;
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

/*
 * A DOUBLE column against a DECIMAL constant is compared exactly, by the double's shortest decimal text. That
 * order is the doubles' own wherever the constant is itself the shortest text of its nearest double, which
 * literals are: then no decimal is made per row.
 */
static bool compile_finite(Compiler *c, ExprOp op, const Expr *left, Operand constant, Operand *out)
{
    Value k = c->registers[constant.index], back;
    if (left->kind != EXPR_CAST || left->args[0]->kind != EXPR_COLUMN ||
        left->args[0]->type->kind != T_DOUBLE || left->type->precision != 0 ||
        compare_finite_step(op) == NULL || value_is_null(k))
        return false;
    double d = decimal_to_double(k);
    if (decimal_from_double(c->arena, d, &back, NULL) != OK || decimal_compare(back, k) != 0)
        return false;
    Operand  column = {BANK_COLUMNS, (uint32_t)left->args[0]->slot};
    uint32_t reg    = compiler_register(c, 1);
    compiler_step(c, compare_finite_step(op), column, column, reg)->k = value_from_double(d);
    *out                                                              = in_register(reg);
    return true;
}

static Status compile_compare(Compiler *c, const Expr *expr, Operand *out)
{
    const Expr *left = expr->args[0], *right = expr->args[1];
    ExprOp      op = expr->op;
    Operand     a, b;
    if (compare_step(op, expr->operand_type) == NULL)
        return unsupported(c, "this comparison");
    size_t before = c->step_count;
    TRY(compile_expr(c, left, &a));
    size_t between = c->step_count;
    TRY(compile_expr(c, right, &b));
    if (compiler_is_constant(c, b) && a.bank == BANK_REGISTERS && !compiler_is_constant(c, a)) {
        size_t taken  = c->step_count;
        c->step_count = before; /* the cast of the column is not needed if this works */
        if (compile_finite(c, op, left, b, out))
            return OK;
        c->step_count = taken;
    } else if (compiler_is_constant(c, a) && b.bank == BANK_REGISTERS && !compiler_is_constant(c, b)) {
        size_t taken  = c->step_count;
        c->step_count = between;
        if (compile_finite(c, mirrored(op), right, a, out))
            return OK;
        c->step_count = taken;
    }
    const SqlType **types = ARENA_ARRAY(c->arena, const SqlType *, 2);
    types[0]              = left->type;
    types[1]              = right->type;
    if (a.bank == BANK_REGISTERS && compiler_is_constant(c, a) && b.bank == BANK_COLUMNS &&
        op < EXPR_DISTINCT) {
        Operand swap = a;
        a            = b;
        b            = swap;
        op           = mirrored(op);
        types[0]     = right->type;
        types[1]     = left->type;
    }
    size_t   start = c->step_count;
    uint32_t reg   = compiler_register(c, 1);
    Step    *step  = compiler_step(c, compare_step(op, expr->operand_type), a, b, reg);
    step->aux      = types;
    StepFn fast    = compare_const_step(op, expr->operand_type);
    if (fast != NULL && a.bank == BANK_COLUMNS && compiler_is_constant(c, b) &&
        !value_is_null(c->registers[b.index])) {
        step->fn = fast;
        step->k  = c->registers[b.index];
    }
    *out = finish(c, start, reg, compiler_is_constant(c, a) && compiler_is_constant(c, b));
    return OK;
}

static Status compile_logical(Compiler *c, const Expr *expr, Operand *out)
{
    Operand  a, b;
    uint32_t reg = compiler_register(c, 1);
    TRY(compile_expr(c, expr->args[0], &a));
    size_t first = c->step_count;
    compiler_step(c, expr->kind == EXPR_AND ? step_and : step_or, a, a, reg);
    TRY(compile_expr(c, expr->args[1], &b));
    bool constant = compiler_is_constant(c, a) && compiler_is_constant(c, b);
    compiler_step(c, step_truth, b, b, reg);
    compiler_patch(c, first);
    *out = finish(c, first, reg, constant);
    return OK;
}

static Status compile_case(Compiler *c, const Expr *expr, Operand *out)
{
    uint32_t reg      = compiler_register(c, 1);
    size_t   branches = (expr->count - (expr->has_else ? 1 : 0)) / 2, start = c->step_count;
    size_t  *ends     = ARENA_ARRAY(c->arena, size_t, branches + 1);
    bool     constant = true;
    Operand  when, then = in_register(reg);
    for (size_t i = 0; i < branches; i++) {
        TRY(compile_expr(c, expr->args[2 * i], &when));
        size_t test = c->step_count;
        compiler_step(c, step_when, when, when, reg);
        TRY(compile_expr(c, expr->args[2 * i + 1], &then));
        constant = constant && compiler_is_constant(c, when) && compiler_is_constant(c, then);
        compiler_step(c, step_copy, then, then, reg);
        ends[i] = c->step_count;
        compiler_step(c, step_jump, then, then, reg);
        compiler_patch(c, test);
    }
    if (expr->has_else)
        TRY(compile_expr(c, expr->args[expr->count - 1], &then));
    else
        then = compiler_constant(c, value_null());
    constant = constant && compiler_is_constant(c, then);
    compiler_step(c, step_copy, then, then, reg);
    for (size_t i = 0; i < branches; i++)
        compiler_patch(c, ends[i]);
    *out = finish(c, start, reg, constant);
    return OK;
}

static Status compile_list(Compiler *c, const Expr *expr, size_t from, bool guarded, OperandList *list,
                           bool *constant)
{
    list->count = expr->count - from;
    list->items = ARENA_ARRAY(c->arena, Operand, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        TRY((guarded ? compile_guarded : compile_expr)(c, expr->args[from + i], &list->items[i]));
        *constant = *constant && compiler_is_constant(c, list->items[i]);
    }
    return OK;
}

static Status compile_constructor(Compiler *c, const Expr *expr, Operand *out)
{
    OperandList *list     = ARENA_NEW(c->arena, OperandList);
    bool         constant = true;
    TRY(compile_list(c, expr, 0, true, list, &constant));
    list->type     = expr->type->key;
    size_t   start = c->step_count;
    uint32_t reg   = compiler_register(c, 1);
    compiler_step(c, expr->kind == EXPR_MAP ? step_map : step_array, in_register(reg), in_register(reg), reg)
        ->aux = list;
    *out      = finish(c, start, reg, constant);
    return OK;
}

static Status compile_in(Compiler *c, const Expr *expr, Operand *out)
{
    OperandList *list = ARENA_NEW(c->arena, OperandList);
    Operand      value;
    TRY(compile_expr(c, expr->args[0], &value));
    bool constant = compiler_is_constant(c, value);
    TRY(compile_list(c, expr, 1, false, list, &constant));
    list->type     = expr->operand_type;
    size_t   start = c->step_count;
    uint32_t reg   = compiler_register(c, 1);
    Step    *step  = compiler_step(c, step_in, value, value, reg);
    step->aux      = list;
    step->param    = expr->negated;
    *out           = finish(c, start, reg, constant);
    return OK;
}

static Status compile_like(Compiler *c, const Expr *expr, Operand *out)
{
    Operand text, pattern;
    TRY(compile_expr(c, expr->args[0], &text));
    TRY(compile_expr(c, expr->args[1], &pattern));
    size_t             start = c->step_count;
    uint32_t           reg   = compiler_register(c, 1);
    Step              *step  = compiler_step(c, step_like, text, pattern, reg);
    const LikePattern *compiled;
    bool known  = compiler_is_constant(c, pattern) && !value_is_null(c->registers[pattern.index]);
    step->param = expr->negated;
    if (known &&
        like_compile(c->arena, value_str(c->registers[pattern.index]), expr->escape, &compiled, NULL) == OK) {
        step->fn  = step_like_const;
        step->aux = compiled;
    } else if (!str_is_null(expr->escape)) {
        Str *escape = ARENA_NEW(c->arena, Str);
        *escape     = expr->escape;
        step->aux   = escape;
    }
    *out = finish(c, start, reg, compiler_is_constant(c, text) && compiler_is_constant(c, pattern));
    return OK;
}

static Status compile_cast(Compiler *c, const Expr *expr, Operand *out)
{
    CastPlan *plan = ARENA_NEW(c->arena, CastPlan);
    Operand   a;
    TRY(cast_plan(expr->args[0]->type, expr->type, c->arena, plan, c->err));
    TRY(compile_expr(c, expr->args[0], &a));
    if (plan->fn == NULL) {
        *out = a;
        return OK;
    }
    size_t   start                                                         = c->step_count;
    uint32_t reg                                                           = compiler_register(c, 1);
    StepFn   fast                                                          = cast_step(plan->from, plan->to);
    compiler_step(c, fast != NULL ? fast : step_cast_plan, a, a, reg)->aux = plan;
    *out = finish(c, start, reg, compiler_is_constant(c, a));
    return OK;
}

static Status compile_subscript(Compiler *c, const Expr *expr, Operand *out)
{
    const SqlType *base = expr->args[0]->type;
    bool           map  = base->kind == T_MAP;
    StepFn  fn = !map ? step_array_item : base->key->kind == T_STRING ? step_map_item_text : step_map_item;
    Operand a, b;
    TRY(compile_expr(c, expr->args[0], &a));
    TRY(compile_expr(c, expr->args[1], &b));
    size_t   start                       = c->step_count;
    uint32_t reg                         = compiler_register(c, 1);
    compiler_step(c, fn, a, b, reg)->aux = map ? base->key : NULL;
    *out = finish(c, start, reg, compiler_is_constant(c, a) && compiler_is_constant(c, b));
    return OK;
}

Status compile_guarded(Compiler *c, const Expr *expr, Operand *out)
{
    bool leaf = expr->kind == EXPR_COLUMN || expr->kind == EXPR_CONST || expr->kind == EXPR_PARAM ||
                expr->kind == EXPR_LAMBDA;
    if (leaf || c->program->context->nested_errors_stay)
        return compile_expr(c, expr, out);
    int32_t outer = c->guard;
    if (c->guard_count == c->guard_capacity) {
        c->guard_capacity = c->guard_capacity * 2 + 4;
        c->guards         = mem_realloc(c->guards, c->guard_capacity * sizeof *c->guards);
    }
    size_t mine = c->guard_count++, start = c->step_count;
    c->guard        = (int32_t)mine;
    c->guards[mine] = (Guard){0, 0};
    Status status   = compile_expr(c, expr, out);
    c->guard        = outer;
    TRY(status);
    if (c->step_count == start)
        return OK; /* a constant after all */
    if (out->bank == BANK_COLUMNS || compiler_is_constant(c, *out)) {
        uint32_t reg = compiler_register(c, 1); /* the guard needs a register that it may write */
        compiler_step(c, step_copy, *out, *out, reg);
        *out = in_register(reg);
    }
    c->guards[mine] = (Guard){out->index, (uint32_t)c->step_count};
    return OK;
}

Status compile_expr(Compiler *c, const Expr *expr, Operand *out)
{
    switch (expr->kind) {
    case EXPR_CONST:
        *out = compiler_constant(c, expr->value);
        return OK;
    case EXPR_COLUMN:
        *out = (Operand){BANK_COLUMNS, (uint32_t)expr->slot};
        return OK;
    case EXPR_PARAM:
        if (expr->slot >= MAX_PARAMS)
            return unsupported(c, "so many nested lambdas");
        *out = in_register(c->params[expr->slot]);
        return OK;
    case EXPR_ARITHMETIC:
        return compile_binary(c, expr, arithmetic_step(expr->op, expr->type), out);
    case EXPR_CONCAT_TEXT:
        return compile_binary(c, expr, step_concat_text, out);
    case EXPR_NEGATE:
        return compile_unary(c, expr, negate_step(expr->type), out);
    case EXPR_NOT:
        return compile_unary(c, expr, step_not, out);
    case EXPR_IS_NULL:
        return compile_unary(c, expr, expr->negated ? step_is_not_null : step_is_null, out);
    case EXPR_FIELD:
        return compile_unary(c, expr, step_field, out);
    case EXPR_COMPARE:
        return compile_compare(c, expr, out);
    case EXPR_AND:
    case EXPR_OR:
        return compile_logical(c, expr, out);
    case EXPR_IN:
        return compile_in(c, expr, out);
    case EXPR_LIKE:
        return compile_like(c, expr, out);
    case EXPR_CASE:
        return compile_case(c, expr, out);
    case EXPR_CAST:
        return compile_cast(c, expr, out);
    case EXPR_SUBSCRIPT:
        return compile_subscript(c, expr, out);
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_STRUCT:
        return compile_constructor(c, expr, out);
    case EXPR_CALL:
    case EXPR_LAMBDA:
        return compile_call(c, expr, out);
    }
    return unsupported(c, "this expression");
}

Status program_compile(const Expr *expr, const ProgramContext *context, Arena *arena, Program **out,
                       Error *err)
{
    Program *program = ARENA_NEW(arena, Program);
    Compiler c       = {.program = program, .arena = arena, .guard = -1, .err = err};
    program->context = context;
    program->lambdas = &program->own;
    Status status    = compile_expr(&c, expr, &program->result);
    if (status == OK) {
        Step  *steps     = ARENA_ARRAY(arena, Step, c.step_count + 1);
        Value *registers = ARENA_ARRAY(arena, Value, c.register_count + 1);
        Guard *guards    = ARENA_ARRAY(arena, Guard, c.guard_count + 1);
        for (size_t i = 0; i < c.step_count; i++)
            steps[i] = c.steps[i];
        for (size_t i = 0; i < c.register_count; i++)
            registers[i] = c.registers[i];
        for (size_t i = 0; i < c.guard_count; i++)
            guards[i] = c.guards[i];
        program->steps                = steps;
        program->count                = c.step_count;
        program->registers            = registers;
        program->bank[BANK_REGISTERS] = registers;
        program->guards               = guards;
        program->arena                = NULL;
        program->err                  = NULL;
        *out                          = program;
    } else {
        program_close(program);
    }
    mem_free(c.steps);
    mem_free(c.registers);
    mem_free(c.constant);
    mem_free(c.guards);
    return status;
}
