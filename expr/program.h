/*
 * program.h - the inside of a Program, for the files of this folder only.
 *
 * A program is one flat array of steps over two banks of values: the row's columns and the registers. Every
 * constant, every intermediate result and every lambda parameter has a register of its own, constants being
 * written once, when the program is compiled; so an operand is (bank, index), and no step asks at run time
 * what kind of operand or which type it has: both are in the choice of its function.
 *
 * A step answers the step to run next; program->end stops the run. A failing step goes through step_fail: to
 * the innermost guard around it (the guarded unit becomes NULL and the error is reported), else out of the
 * program.
 */
#ifndef SLUICE_EXPR_PROGRAM_H
#define SLUICE_EXPR_PROGRAM_H

#include "core/decimal.h"
#include "expr/expr.h"

enum { BANK_COLUMNS, BANK_REGISTERS };

typedef struct {
    uint32_t bank, index;
} Operand;

typedef struct Step Step;
typedef const Step *(*StepFn)(const Step *step, Program *program);

struct Step {
    StepFn      fn;
    Operand     a, b;
    uint32_t    out;   /* register */
    int32_t     jump;  /* steps ahead, from this one */
    int32_t     guard; /* index of the guard around it, or -1 */
    int32_t     param; /* scale, field index: small facts */
    Value       k;     /* constant of a specialised step; its text or number without a second look-up */
    const void *aux;   /* whatever else the step needs */
};

/* A unit that becomes NULL when it fails. */
typedef struct {
    uint32_t out;
    uint32_t next; /* step index */
} Guard;

typedef struct CallSite {
    const FnResolved *function;
    ScalarEval        eval;
    unsigned          flags;
    FnCall            call;
    Value            *args;
    Operand          *sources; /* per argument; those already in place are skipped */
    FnSite            site;
    struct CallSite  *next;
} CallSite;

typedef struct {
    FnLambda base;
    Program *program;
    uint32_t start, end, param_register, param_count;
    Operand  result;
    bool     fixed; /* kind_is_fixed of the result: nothing of what the body allocates outlives it */
} LambdaSite;

/* Operands of constructors, IN and text concatenation. */
typedef struct {
    Operand       *items;
    size_t         count;
    const SqlType *type; /* IN: operand_type; MAP: type of the keys */
} OperandList;

struct Program {
    const Value          *bank[2];
    Value                *registers;
    const Step           *steps, *end; /* end: of what runs now, a whole program or a lambda's body */
    size_t                count;
    Operand               result;
    Arena                *arena;   /* of the row at hand */
    Arena                *scratch; /* for bodies with a fixed result; NULL: there was none yet */
    bool                  in_scratch;
    Error                *err;
    Status                status;
    const Guard          *guards;
    const ProgramContext *context;
    CallSite             *calls;
    LambdaBudget          own, *lambdas; /* of one evaluation; the one in force */
};

/*
 * What the lambdas of one row may take together. Nested ones multiply: three over arrays of 100,000
 * elements would run for months, and nothing stops an evaluation from outside. The calls are what usually
 * ends one, so that a record fails on every machine or on none; the time is for bodies that are long
 * themselves.
 */
enum {
    LAMBDA_MOST_CALLS   = 10 * 1000 * 1000,
    LAMBDA_MOST_SECONDS = 5, /* of the thread's processor time */
    LAMBDA_LOOK_EVERY   = 64 /* calls between two looks at the clock, a system call */
};

static inline Value       step_a(const Step *s, const Program *p) { return p->bank[s->a.bank][s->a.index]; }
static inline Value       step_b(const Step *s, const Program *p) { return p->bank[s->b.bank][s->b.index]; }
static inline Value       operand_value(Operand o, const Program *p) { return p->bank[o.bank][o.index]; }
static inline const Step *step_give(const Step *s, Program *p, Value v)
{
    p->registers[s->out] = v;
    return s + 1;
}

/* The step failed with that status; program->err is filled in. */
const Step *step_fail(const Step *step, Program *program, Status status);
/* The same for an operand that is NULL where the dialect unboxes it. */
const Step *step_fail_null(const Step *step, Program *program, const char *where);
/* Runs the steps from `step` up to `end`. */
Status program_run(Program *program, const Step *step, const Step *end);

/* ---- choice of steps ---- */

StepFn arithmetic_step(ExprOp op, const SqlType *type); /* operands have the result's kind */
StepFn negate_step(const SqlType *type);
StepFn compare_step(ExprOp op, const SqlType *type);
/* Left a column, right the constant in step->k; NULL when there is no such special step. */
StepFn compare_const_step(ExprOp op, const SqlType *type);
/* A DOUBLE column against a constant DECIMAL whose nearest double, exactly equal to it, is in step->k. */
StepFn compare_finite_step(ExprOp op);
StepFn cast_step(const SqlType *from,
                 const SqlType *to); /* NULL: needs a CastPlan in aux and step_cast_plan */

const Step *step_copy(const Step *s, Program *p);
const Step *step_jump(const Step *s, Program *p);
const Step *step_and(const Step *s, Program *p);
const Step *step_or(const Step *s, Program *p);
const Step *step_truth(const Step *s, Program *p);
const Step *step_not(const Step *s, Program *p);
const Step *step_when(const Step *s, Program *p);
const Step *step_is_null(const Step *s, Program *p);
const Step *step_is_not_null(const Step *s, Program *p);
const Step *step_in(const Step *s, Program *p);
const Step *step_like(const Step *s, Program *p);
const Step *step_like_const(const Step *s, Program *p);
const Step *step_concat_text(const Step *s, Program *p);
const Step *step_cast_plan(const Step *s, Program *p);
const Step *step_call(const Step *s, Program *p);
const Step *step_array_item(const Step *s, Program *p);
const Step *step_map_item(const Step *s, Program *p);
const Step *step_map_item_text(const Step *s, Program *p);
const Step *step_field(const Step *s, Program *p);
const Step *step_array(const Step *s, Program *p);
const Step *step_map(const Step *s, Program *p);

Status lambda_invoke(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                     Error *err);

/* ---- LIKE ---- */

typedef struct LikePattern LikePattern;
/* E_DATA when the pattern ends in its escape character. */
Status like_compile(Arena *arena, Str pattern, Str escape, const LikePattern **out, Error *err);
bool   like_matches(const LikePattern *pattern, Str text);

/* ---- CAST ---- */

/* How to take a value from one type to another, worked out once. */
typedef struct CastPlan CastPlan;
typedef Status (*CastFn)(const CastPlan *plan, Value v, Arena *arena, Value *out, Error *err);
struct CastPlan {
    CastFn          fn; /* NULL: the same representation */
    const SqlType  *from, *to;
    const CastPlan *key, *element; /* of MAP and ARRAY */
    const CastPlan *fields;        /* of STRUCT: one per target field */
    const int      *sources;       /* of STRUCT: index of the source field, or -1 */
};

/* E_PLAN when the cast is not supported. */
Status cast_plan(const SqlType *from, const SqlType *to, Arena *arena, CastPlan *out, Error *err);
/* NULL stays NULL. */
Status cast_apply(const CastPlan *plan, Value v, Arena *arena, Value *out, Error *err);

#endif
