/*
 * program_eval.c - running a program: the loop, its ways out, and lambdas.
 *
 * Nothing here is cleared or allocated per row: the frame is the program itself. That is safe because a
 * program belongs to one thread and a lambda's body never runs inside itself (its parameters have registers
 * of their own).
 */
#include "expr/program.h"

#include <time.h>

enum { SCRATCH_KEPT = 64 * 1024 /* bytes; to reset an arena for less costs more than it gives */ };

Status program_run(Program *program, const Step *step, const Step *end)
{
    program->end    = end;
    program->status = OK;
    while (step != end)
        step = step->fn(step, program);
    return program->status;
}

const Step *step_fail(const Step *step, Program *program, Status status)
{
    if (step->guard < 0 || status != E_DATA) {
        program->status = status;
        return program->end;
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

/*
 * A step writes a value as two words. Reading those back as one 16-byte load would wait until both stores
 * have left the store buffer (measured: half the cost of a comparison), so the result is copied word by word,
 * which the asm keeps the compiler to.
 */
static void copy_words(Value *to, const Value *from)
{
    uint64_t words[2];
    memcpy(&words[0], from, 8);
    memcpy(&words[1], (const char *)from + 8, 8);
    __asm__("" : "+r"(words[0]));
    memcpy(to, &words[0], 8);
    memcpy((char *)to + 8, &words[1], 8);
}

static Status program_start(Program *program, const Value *columns, Arena *arena, Error *err)
{
    program->bank[BANK_COLUMNS] = columns;
    program->arena              = arena;
    program->err                = err;
    program->own.calls          = 0;
    return program_run(program, program->steps, program->steps + program->count);
}

Status program_eval(Program *program, const Value *columns, Arena *arena, Value *out, Error *err)
{
    Status status = program_start(program, columns, arena, err);
    if (status == OK)
        copy_words(out, &program->bank[program->result.bank][program->result.index]);
    return status;
}

Status program_test(Program *program, const Value *columns, Arena *arena, Truth *out, Error *err)
{
    TRY(program_start(program, columns, arena, err));
    const Value *verdict = &program->bank[program->result.bank][program->result.index];
    if (verdict->flags & VALUE_NULL) {
        *out = TRUTH_NULL;
        return error_set(err, E_DATA, NO_POS, "the condition is null");
    }
    *out = verdict->as.i64 != 0 ? TRUTH_TRUE : TRUTH_FALSE;
    return OK;
}

static int64_t thread_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static Status lambda_stop(LambdaBudget *budget, Error *err, int limit, const char *unit)
{
    budget->calls = LAMBDA_MOST_CALLS; /* what is around it ends too, even where it is guarded */
    return error_set(err, E_DATA, NO_POS, "the lambdas of one row were stopped after %d %s", limit, unit);
}

static Status lambda_count(LambdaBudget *budget, Error *err)
{
    if (budget->calls >= LAMBDA_MOST_CALLS)
        return lambda_stop(budget, err, LAMBDA_MOST_CALLS, "calls");
    if (++budget->calls % LAMBDA_LOOK_EVERY != 0)
        return OK;
    int64_t now = thread_time();
    if (budget->calls == LAMBDA_LOOK_EVERY)
        budget->since = now;
    if (now - budget->since > (int64_t)LAMBDA_MOST_SECONDS * 1000000000)
        return lambda_stop(budget, err, LAMBDA_MOST_SECONDS, "seconds");
    return OK;
}

void program_share_lambdas(Program *program, LambdaBudget *budget) { program->lambdas = budget; }

/* A body may make lists of its own, thousands of times a row: they go with it where its result is no more
 * than a number. Bodies in there share the outermost one's. */
static Arena *scratch_begin(Program *program)
{
    if (program->scratch == NULL)
        program->scratch = arena_new(0);
    program->in_scratch = true;
    return program->scratch;
}

static void scratch_end(Program *program)
{
    program->in_scratch = false;
    if (arena_used(program->scratch) > SCRATCH_KEPT)
        arena_reset(program->scratch);
}

/* The body runs in the middle of a call step: what belongs to the outer run is put back afterwards. */
Status lambda_invoke(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                     Error *err)
{
    const LambdaSite *site        = (const LambdaSite *)self;
    Program          *program     = site->program;
    Arena            *outer_arena = program->arena;
    Error            *outer_err   = program->err;
    const Step       *outer_end   = program->end;
    if (count != site->param_count)
        return error_set(err, E_DATA, NO_POS, "a lambda of %u parameters was called with %zu values",
                         site->param_count, count);
    TRY(lambda_count(program->lambdas, err));
    for (size_t i = 0; i < count; i++)
        program->registers[site->param_register + i] = args[i];
    bool own       = site->fixed && !program->in_scratch;
    program->arena = own ? scratch_begin(program) : arena;
    program->err   = err;
    Status status  = program_run(program, program->steps + site->start, program->steps + site->end);
    if (status == OK)
        *out = operand_value(site->result, program);
    if (own)
        scratch_end(program);
    program->arena  = outer_arena;
    program->err    = outer_err;
    program->end    = outer_end;
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
    arena_free(program->scratch);
    program->scratch = NULL;
}
