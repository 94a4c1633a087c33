/*
 * fn_math.c - MATHEMATICAL functions of doubles and integers: trigonometry, logarithms, ABS, SIGN and the
 * like.
 *
 * What the standard library leaves to C and what Java defines differ in few places; those are spelled out.
 * Nothing here fails: outside of its domain a function gives NaN or an infinity.
 */
#include <math.h>

#include "core/decimal.h"
#include "udf/udf.h"

static double as_double(const FnCall *call, size_t i)
{
    return call->arg_types[i]->kind == T_DOUBLE ? call->args[i].as.f64 : (double)call->args[i].as.i64;
}

#define UNARY(name, expression)                                                                              \
    static Status name(const FnCall *call, Value *result, Error *err)                                        \
    {                                                                                                        \
        double x = as_double(call, 0);                                                                       \
        *result  = value_from_double(expression);                                                            \
        return OK;                                                                                           \
    }

UNARY(fn_acos, acos(x))
UNARY(fn_asin, asin(x))
UNARY(fn_atan, atan(x))
UNARY(fn_cbrt, (double)cbrtl(x)) /* glibc's cbrt(27) is one bit off 3 */
UNARY(fn_cos, cos(x))
UNARY(fn_cosh, cosh(x))
UNARY(fn_cot, 1.0 / tan(x))
UNARY(fn_degrees, x *(180.0 / M_PI))
UNARY(fn_exp, exp(x))
UNARY(fn_ln, log(x))
UNARY(fn_radians, x *(M_PI / 180.0))
UNARY(fn_sin, sin(x))
UNARY(fn_sinh, sinh(x))
UNARY(fn_sqrt, sqrt(x))
UNARY(fn_tan, tan(x))
UNARY(fn_tanh, tanh(x))

static Status fn_atan2(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_double(atan2(as_double(call, 0), as_double(call, 1)));
    return OK;
}

static Status fn_log_base(const FnCall *call, Value *result, Error *err)
{
    double base = as_double(call, 0), value = as_double(call, 1);
    *result = value_from_double(base <= 0 || base == 1 ? NAN : log(value) / log(base));
    return OK;
}

/* C says 1 for pow(1, NaN) and pow(-1, infinity); Java says NaN. */
static Status fn_power(const FnCall *call, Value *result, Error *err)
{
    double x = as_double(call, 0), y = as_double(call, 1);
    *result = value_from_double(isnan(y) || (fabs(x) == 1 && isinf(y)) ? NAN : pow(x, y));
    return OK;
}

static Status fn_pi(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_double(M_PI);
    return OK;
}

static Status fn_random(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_double((double)(call->clock->random(call->clock) >> 11) * 0x1p-53);
    return OK;
}

static Status fn_sign(const FnCall *call, Value *result, Error *err)
{
    double x = as_double(call, 0);
    *result  = value_from_int((x > 0) - (x < 0));
    return OK;
}

/* The lowest integer has no positive counterpart and stays as it is. */
static Status fn_abs(const FnCall *call, Value *result, Error *err)
{
    Value v = call->args[0];
    switch (call->arg_types[0]->kind) {
    case T_DOUBLE:
        *result = value_from_double(fabs(v.as.f64));
        break;
    case T_DECIMAL:
        *result = decimal_abs(call->arena, v);
        break;
    case T_INTEGER:
        *result = value_from_int(v.as.i64 < 0 && v.as.i64 != INT32_MIN ? -v.as.i64 : v.as.i64);
        break;
    default:
        *result = value_from_int(v.as.i64 < 0 && v.as.i64 != INT64_MIN ? -v.as.i64 : v.as.i64);
        break;
    }
    return OK;
}

#define F1(name, eval, parameter, doc)                                                                       \
    {name, "(" parameter " INT) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL},                           \
        {name, "(" parameter " BIGINT) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL},                    \
    {                                                                                                        \
        name, "(" parameter " DOUBLE) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL                       \
    }
#define F2(name, eval, first, second, doc)                                                                   \
    {name, "(" first " INT, " second " INT) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL},               \
        {name, "(" first " BIGINT, " second " BIGINT) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL},     \
    {                                                                                                        \
        name, "(" first " DOUBLE, " second " DOUBLE) -> DOUBLE", FN_NULL_IF_ANY_NULL, eval, doc, NULL        \
    }
#define ABS_DOC "The value without its sign."
#define SIGN_DOC "1, 0 or -1: the sign of the value."

const ScalarFn math_functions[] = {
    {"Abs", "(val INT) -> INT", FN_NULL_IF_ANY_NULL, fn_abs, ABS_DOC, NULL},
    {"Abs", "(val BIGINT) -> BIGINT", FN_NULL_IF_ANY_NULL, fn_abs, ABS_DOC, NULL},
    {"Abs", "(val DOUBLE) -> DOUBLE", FN_NULL_IF_ANY_NULL, fn_abs, ABS_DOC, NULL},
    {"Abs", "(val DECIMAL) -> DECIMAL", FN_NULL_IF_ANY_NULL, fn_abs, ABS_DOC, NULL},
    F1("acos", fn_acos, "value", "The arc cosine, in radians."),
    F1("asin", fn_asin, "value", "The arc sine, in radians."),
    F1("atan", fn_atan, "value", "The arc tangent, in radians."),
    F2("atan2", fn_atan2, "y", "x", "The angle of the point (x, y), in radians."),
    F1("cbrt", fn_cbrt, "value", "The cube root."),
    F1("cos", fn_cos, "value", "The cosine of an angle in radians."),
    F1("cosh", fn_cosh, "value", "The hyperbolic cosine."),
    F1("cot", fn_cot, "value", "The cotangent of an angle in radians."),
    F1("degrees", fn_degrees, "value", "Radians as degrees."),
    F1("exp", fn_exp, "exponent", "Euler's number raised to a power."),
    F1("ln", fn_ln, "value", "The natural logarithm."),
    F1("log", fn_ln, "value", "The natural logarithm."),
    F2("log", fn_log_base, "base", "value", "The logarithm of a value to a base."),
    {"pi", "() -> DOUBLE", 0, fn_pi, "Pi.", NULL},
    F2("power", fn_power, "base", "exponent", "The base raised to a power."),
    F1("radians", fn_radians, "value", "Degrees as radians."),
    {"random", "() -> DOUBLE", FN_NOT_PURE, fn_random,
     "A random number from 0.0 up to, but not including, 1.0.", NULL},
    {"sign", "(value INT) -> INT", FN_NULL_IF_ANY_NULL, fn_sign, SIGN_DOC, NULL},
    {"sign", "(value BIGINT) -> INT", FN_NULL_IF_ANY_NULL, fn_sign, SIGN_DOC, NULL},
    {"sign", "(value DOUBLE) -> INT", FN_NULL_IF_ANY_NULL, fn_sign, SIGN_DOC, NULL},
    F1("sin", fn_sin, "value", "The sine of an angle in radians."),
    F1("sinh", fn_sinh, "value", "The hyperbolic sine."),
    F1("sqrt", fn_sqrt, "value", "The square root."),
    F1("tan", fn_tan, "value", "The tangent of an angle in radians."),
    F1("tanh", fn_tanh, "value", "The hyperbolic tangent."),
    {0},
};
