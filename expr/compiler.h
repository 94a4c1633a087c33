/*
 * compiler.h - what the files that compile expressions share: the growing program.
 *
 * Steps, registers and guards grow in heap buffers while compiling and are copied to the program's arena at
 * the end. A node whose operands are all constant is run on the spot and its steps are taken back: that is
 * all of constant folding.
 */
#ifndef SLUICE_EXPR_COMPILER_H
#define SLUICE_EXPR_COMPILER_H

#include "expr/program.h"

typedef struct {
    Program *program;
    Arena   *arena;
    Step    *steps;
    size_t   step_count, step_capacity;
    Value   *registers;
    bool    *constant; /* per register: written at compile time, never again */
    size_t   register_count, register_capacity;
    Guard   *guards;
    size_t   guard_count, guard_capacity;
    int32_t  guard;      /* the innermost one around what is being compiled, or -1 */
    uint32_t params[64]; /* register of each lambda parameter in scope */
    Error   *err;
} Compiler;

enum { MAX_PARAMS = 64 };

uint32_t compiler_register(Compiler *c, size_t count); /* the first of `count` new ones */
Operand  compiler_constant(Compiler *c, Value v);
bool     compiler_is_constant(const Compiler *c, Operand o);
/* A zeroed step at the end. Pointers to earlier steps are invalid afterwards. */
Step *compiler_step(Compiler *c, StepFn fn, Operand a, Operand b, uint32_t out);
void  compiler_patch(Compiler *c, size_t step); /* its jump goes to the step that comes next */

/* Runs the steps from `start` on now, if that succeeds, and makes register `out` a constant. */
void compiler_fold(Compiler *c, size_t start, Operand out);

Status compile_expr(Compiler *c, const Expr *expr, Operand *out);
/* As part of an enclosing unit: guarded when it can fail on its own. */
Status compile_guarded(Compiler *c, const Expr *expr, Operand *out);
/* CALL and LAMBDA. */
Status compile_call(Compiler *c, const Expr *expr, Operand *out);

#endif
