/*
 * steps_arithmetic.c - + - * / % and unary minus, one function per operator and type (sql.md 3.4).
 *
 * The typer has brought both operands to the kind of the result. Integers wrap; dividing them by zero is an
 * error. DOUBLE is IEEE. DECIMAL is exact or an error. A NULL operand is an evaluation error, not NULL: the
 * item's default decides.
 */
#include <math.h>

#include "expr/program.h"

#define NULL_CHECK(what)                                                                                     \
    if (value_is_null(a) || value_is_null(b))                                                                \
    return step_fail_null(s, p, what)

#define INTEGER_STEPS(name, op, what)                                                                        \
    static const Step *name##_i32(const Step *s, Program *p)                                                 \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_CHECK(what);                                                                                    \
        return step_give(s, p, value_from_int((int32_t)((uint64_t)a.as.i64 op(uint64_t) b.as.i64)));         \
    }                                                                                                        \
    static const Step *name##_i64(const Step *s, Program *p)                                                 \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_CHECK(what);                                                                                    \
        return step_give(s, p, value_from_int((int64_t)((uint64_t)a.as.i64 op(uint64_t) b.as.i64)));         \
    }
INTEGER_STEPS(add, +, "+")
INTEGER_STEPS(subtract, -, "-")
INTEGER_STEPS(multiply, *, "*")

#define DOUBLE_STEP(name, expression, what)                                                                  \
    static const Step *name##_f64(const Step *s, Program *p)                                                 \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_CHECK(what);                                                                                    \
        return step_give(s, p, value_from_double(expression));                                               \
    }
DOUBLE_STEP(add, a.as.f64 + b.as.f64, "+")
DOUBLE_STEP(subtract, a.as.f64 - b.as.f64, "-")
DOUBLE_STEP(multiply, a.as.f64 *b.as.f64, "*")
DOUBLE_STEP(divide, a.as.f64 / b.as.f64, "/")
DOUBLE_STEP(modulo, fmod(a.as.f64, b.as.f64), "%")

static const Step *fail_zero(const Step *s, Program *p)
{
    return step_fail(s, p, error_set(p->err, E_DATA, NO_POS, "/ by zero"));
}

/* One body for both widths: only -2^31 / -1 leaves 32 bits, and the cast wraps it. */
#define QUOTIENT_STEP(name, width, minus_one, expression, what)                                              \
    static const Step *name(const Step *s, Program *p)                                                       \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_CHECK(what);                                                                                    \
        if (b.as.i64 == 0)                                                                                   \
            return fail_zero(s, p);                                                                          \
        if (b.as.i64 == -1) /* the smallest number has no positive twin */                                   \
            return step_give(s, p, value_from_int((width)(minus_one)));                                      \
        return step_give(s, p, value_from_int((width)(expression)));                                         \
    }
QUOTIENT_STEP(divide_i32, int32_t, 0 - (uint64_t)a.as.i64, a.as.i64 / b.as.i64, "/")
QUOTIENT_STEP(divide_i64, int64_t, 0 - (uint64_t)a.as.i64, a.as.i64 / b.as.i64, "/")
QUOTIENT_STEP(modulo_i32, int32_t, 0, a.as.i64 % b.as.i64, "%")
QUOTIENT_STEP(modulo_i64, int64_t, 0, a.as.i64 % b.as.i64, "%")

/* The result's scale is the type's (param); digits are never dropped silently. */
static const Step *give_decimal(const Step *s, Program *p, Value v)
{
    if (v.scale != s->param) {
        Status status = decimal_rescale(p->arena, v, s->param, ROUND_NONE, &v, p->err);
        if (status != OK)
            return step_fail(s, p, status);
    }
    return step_give(s, p, v);
}

#define DECIMAL_STEP(name, what)                                                                             \
    static const Step *name##_decimal(const Step *s, Program *p)                                             \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_CHECK(what);                                                                                    \
        return give_decimal(s, p, decimal_##name(p->arena, a, b));                                           \
    }
DECIMAL_STEP(add, "+")
DECIMAL_STEP(subtract, "-")
DECIMAL_STEP(multiply, "*")

static const Step *divide_decimal(const Step *s, Program *p)
{
    Value a = step_a(s, p), b = step_b(s, p), v;
    NULL_CHECK("/");
    Status status = decimal_divide(p->arena, a, b, s->param, ROUND_NONE, &v, p->err);
    return status == OK ? step_give(s, p, v) : step_fail(s, p, status);
}

static const Step *modulo_decimal(const Step *s, Program *p)
{
    Value a = step_a(s, p), b = step_b(s, p), v;
    NULL_CHECK("%");
    Status status = decimal_remainder(p->arena, a, b, &v, p->err);
    return status == OK ? give_decimal(s, p, v) : step_fail(s, p, status);
}

#define NEGATE_STEP(name, expression)                                                                        \
    static const Step *name(const Step *s, Program *p)                                                       \
    {                                                                                                        \
        Value a = step_a(s, p);                                                                              \
        if (value_is_null(a))                                                                                \
            return step_fail_null(s, p, "-");                                                                \
        return step_give(s, p, expression);                                                                  \
    }
NEGATE_STEP(negate_i32, value_from_int((int32_t)(0 - (uint64_t)a.as.i64)))
NEGATE_STEP(negate_i64, value_from_int((int64_t)(0 - (uint64_t)a.as.i64)))
NEGATE_STEP(negate_f64, value_from_double(-a.as.f64))
NEGATE_STEP(negate_decimal, decimal_negate(p->arena, a))

enum { WIDTH_I32, WIDTH_I64, WIDTH_DECIMAL, WIDTH_F64, WIDTHS };

static int width_of(const SqlType *type)
{
    switch (type->kind) {
    case T_INTEGER:
        return WIDTH_I32;
    case T_BIGINT:
        return WIDTH_I64;
    case T_DECIMAL:
        return WIDTH_DECIMAL;
    case T_DOUBLE:
        return WIDTH_F64;
    default:
        return -1;
    }
}

StepFn arithmetic_step(ExprOp op, const SqlType *type)
{
    static const StepFn steps[5][WIDTHS] = {
        [EXPR_ADD]      = {add_i32, add_i64, add_decimal, add_f64},
        [EXPR_SUBTRACT] = {subtract_i32, subtract_i64, subtract_decimal, subtract_f64},
        [EXPR_MULTIPLY] = {multiply_i32, multiply_i64, multiply_decimal, multiply_f64},
        [EXPR_DIVIDE]   = {divide_i32, divide_i64, divide_decimal, divide_f64},
        [EXPR_MODULO]   = {modulo_i32, modulo_i64, modulo_decimal, modulo_f64},
    };
    int width = width_of(type);
    return width < 0 || op > EXPR_MODULO ? NULL : steps[op][width];
}

StepFn negate_step(const SqlType *type)
{
    static const StepFn steps[WIDTHS] = {negate_i32, negate_i64, negate_decimal, negate_f64};
    int                 width         = width_of(type);
    return width < 0 ? NULL : steps[width];
}
