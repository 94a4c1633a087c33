/*
 * program_eval.c - running a program: the loop, its ways out, and lambdas.
 *
 * Nothing here is cleared or allocated per row: the frame is the program itself. That is safe because a program belongs to
 * one thread and a lambda's body never runs inside itself (its parameters have registers of their own).
 */
#include "expr/program.h"

Status program_run(Program *program, const Step *step)
{
    while (step != NULL)
        step = step->fn(step, program);
    return program->status;
}

const Step *step_end(const Step *s, Program *p)
{
    return NULL;
}

const Step *step_fail(const Step *step, Program *program, Status status)
{
    if (step->guard < 0 || status != E_DATA) {
        program->status = status;
        return NULL;
    }
    const Guard *guard = &program->guards[step->guard];
    ErrorSink   *sink  = program->context->errors;
    if (sink != NULL && program->err != NULL)
        sink->report(sink, program->err);
    program->registers[guard->out] = value_null();
    return program->steps + guard->next;
}

const Step *step_fail_null(const Step *step, Program *program, const char *where)
{
    return step_fail(step, program, error_set(program->err, E_DATA, NO_POS, "%s: an operand is null", where));
}

Status program_eval(Program *program, const Value *columns, Arena *arena, Value *out, Error *err)
{
    program->bank[BANK_COLUMNS] = columns;
    program->arena              = arena;
    program->err                = err;
    program->status             = OK;
    Status status = program_run(program, program->steps);
    if (status == OK)
        *out = operand_value(program->result, program);
    return status;
}

Status program_test(Program *program, const Value *columns, Arena *arena, Truth *out, Error *err)
{
    Value verdict;
    TRY(program_eval(program, columns, arena, &verdict, err));
    if (value_is_null(verdict)) {
        *out = TRUTH_NULL;
        return error_set(err, E_DATA, NO_POS, "the condition is null");
    }
    *out = value_bool(verdict) ? TRUTH_TRUE : TRUTH_FALSE;
    return OK;
}

/* The body runs in the middle of a call step: what belongs to the outer run is put back afterwards. */
Status lambda_invoke(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out, Error *err)
{
    const LambdaSite *site        = (const LambdaSite *)self;
    Program          *program     = site->program;
    Arena            *outer_arena = program->arena;
    Error            *outer_err   = program->err;
    if (count != site->param_count)
        return error_set(err, E_DATA, NO_POS, "a lambda of %u parameters was called with %zu values", site->param_count, count);
    for (size_t i = 0; i < count; i++)
        program->registers[site->param_register + i] = args[i];
    program->arena  = arena;
    program->err    = err;
    program->status = OK;
    Status status   = program_run(program, program->steps + site->start);
    if (status == OK)
        *out = operand_value(site->result, program);
    program->arena  = outer_arena;
    program->err    = outer_err;
    program->status = OK; /* the function decides what a failed body means */
    return status;
}

void program_close(Program *program)
{
    if (program == NULL)
        return;
    for (CallSite *call = program->calls; call != NULL; call = call->next) {
        if (call->site.release != NULL)
            call->site.release(call->site.data);
        call->site = (FnSite){0};
    }
}
