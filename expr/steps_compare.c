/*
 * steps_compare.c - = <> < <= > >= and IS [NOT] DISTINCT FROM, one function per operator and type
 * (sql.md 3.3, 3.5).
 *
 * The dialect has two truth values here: a comparison with NULL is false, `<>` included. DOUBLE `<>` is `a <
 * b OR a > b`, so NaN is neither equal nor unequal. Comparing a column with a constant, which is what filters
 * do, has steps of its own: one load, no second operand to find, and no NULL check of the constant.
 */
#include <math.h>

#include "expr/program.h"

#define NULL_IS(result)                                                                                      \
    if (value_is_null(a) || value_is_null(b))                                                                \
    return step_give(s, p, value_from_bool(result))

/* Two steps for an expression over a and b: operands anywhere; a column and the constant s->k. */
#define COMPARE_STEP(name, expression)                                                                       \
    static const Step *name(const Step *s, Program *p)                                                       \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_IS(false);                                                                                      \
        return step_give(s, p, value_from_bool(expression));                                                 \
    }                                                                                                        \
    static const Step *name##_const(const Step *s, Program *p)                                               \
    {                                                                                                        \
        Value a = p->bank[BANK_COLUMNS][s->a.index], b = s->k;                                               \
        return step_give(s, p, value_from_bool(!value_is_null(a) && (expression)));                          \
    }

/* DISTINCT and NOT DISTINCT from the same `unequal` that <> uses. */
#define DISTINCT_STEPS(kind, unequal)                                                                        \
    static const Step *distinct_##kind(const Step *s, Program *p)                                            \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_IS(value_is_null(a) != value_is_null(b));                                                       \
        return step_give(s, p, value_from_bool(unequal));                                                    \
    }                                                                                                        \
    static const Step *not_distinct_##kind(const Step *s, Program *p)                                        \
    {                                                                                                        \
        Value a = step_a(s, p), b = step_b(s, p);                                                            \
        NULL_IS(value_is_null(a) == value_is_null(b));                                                       \
        return step_give(s, p, value_from_bool(!(unequal)));                                                 \
    }

#define ORDER_STEPS(kind, less, equal, unequal)                                                              \
    COMPARE_STEP(eq_##kind, equal)                                                                           \
    COMPARE_STEP(ne_##kind, unequal)                                                                         \
    COMPARE_STEP(lt_##kind, less(a, b))                                                                      \
    COMPARE_STEP(le_##kind, less##_equal(a, b))                                                              \
    COMPARE_STEP(gt_##kind, less(b, a))                                                                      \
    COMPARE_STEP(ge_##kind, less##_equal(b, a))                                                              \
    DISTINCT_STEPS(kind, unequal)

#define I64_LESS(a, b) ((a).as.i64 < (b).as.i64)
#define I64_LESS_equal(a, b) ((a).as.i64 <= (b).as.i64)
#define F64_LESS(a, b) ((a).as.f64 < (b).as.f64)
#define F64_LESS_equal(a, b) ((a).as.f64 <= (b).as.f64)
#define TEXT_LESS(a, b) (utf16_compare(value_str(a), value_str(b)) < 0)
#define TEXT_LESS_equal(a, b) (utf16_compare(value_str(a), value_str(b)) <= 0)
#define BYTES_LESS(a, b) (value_compare(&type_bytes, a, b) < 0)
#define BYTES_LESS_equal(a, b) (value_compare(&type_bytes, a, b) <= 0)
#define DEC_LESS(a, b) (decimal_compare(a, b) < 0)
#define DEC_LESS_equal(a, b) (decimal_compare(a, b) <= 0)

static inline bool text_equal(Value a, Value b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.as.ptr, b.as.ptr, a.len) == 0);
}

ORDER_STEPS(i64, I64_LESS, a.as.i64 == b.as.i64, a.as.i64 != b.as.i64)
ORDER_STEPS(f64, F64_LESS, a.as.f64 == b.as.f64, a.as.f64<b.as.f64 || a.as.f64> b.as.f64)
ORDER_STEPS(text, TEXT_LESS, text_equal(a, b), !text_equal(a, b))
ORDER_STEPS(bytes, BYTES_LESS, text_equal(a, b), !text_equal(a, b))
ORDER_STEPS(decimal, DEC_LESS, decimal_compare(a, b) == 0, decimal_compare(a, b) != 0)

/* ARRAY, MAP, STRUCT: aux is the pair of types, which need not be equal (their elements are not checked). */
static bool deep_equal(const SqlType *ta, Value a, const SqlType *tb, Value b)
{
    if (type_equal(ta, tb))
        return value_equal(ta, a, b);
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(a) && value_is_null(b);
    if (ta->kind != T_ARRAY || tb->kind != T_ARRAY)
        return ta->kind == T_MAP && tb->kind == T_MAP && a.len == 0 && b.len == 0;
    bool equal = a.len == b.len;
    for (uint32_t i = 0; equal && i < a.len; i++)
        equal = deep_equal(ta->element, value_items(a)[i], tb->element, value_items(b)[i]);
    return equal;
}

static bool step_deep_equal(const Step *s, Value a, Value b)
{
    const SqlType *const *types = s->aux;
    return deep_equal(types[0], a, types[1], b);
}

COMPARE_STEP(eq_deep, step_deep_equal(s, a, b))
COMPARE_STEP(ne_deep, !step_deep_equal(s, a, b))
DISTINCT_STEPS(deep, !step_deep_equal(s, a, b))

/* DECIMAL comparison of a DOUBLE column, done on doubles: s->k is exactly the constant. NaN and infinities
 * have no decimal. */
#define FINITE_STEP(name, op)                                                                                \
    static const Step *name##_finite(const Step *s, Program *p)                                              \
    {                                                                                                        \
        Value a = p->bank[BANK_COLUMNS][s->a.index];                                                         \
        if (value_is_null(a))                                                                                \
            return step_give(s, p, value_from_bool(false));                                                  \
        if (!isfinite(a.as.f64))                                                                             \
            return step_fail(s, p, error_set(p->err, E_DATA, NO_POS, "Infinite or NaN"));                    \
        return step_give(s, p, value_from_bool(a.as.f64 op s->k.as.f64));                                    \
    }
FINITE_STEP(eq, ==)
FINITE_STEP(ne, !=)
FINITE_STEP(lt, <)
FINITE_STEP(le, <=)
FINITE_STEP(gt, >)
FINITE_STEP(ge, >=)

enum { OPS = EXPR_NOT_DISTINCT - EXPR_EQUAL + 1 };

#define ROW(kind)                                                                                            \
    {                                                                                                        \
        eq_##kind, ne_##kind, lt_##kind, le_##kind, gt_##kind, ge_##kind, distinct_##kind,                   \
            not_distinct_##kind                                                                              \
    }
#define CONST_ROW(kind)                                                                                      \
    {                                                                                                        \
        eq_##kind##_const, ne_##kind##_const, lt_##kind##_const, le_##kind##_const, gt_##kind##_const,       \
            ge_##kind##_const, NULL, NULL                                                                    \
    }

static const struct {
    StepFn any[OPS], constant[OPS];
} families[] = {
    {ROW(i64), CONST_ROW(i64)},
    {ROW(f64), CONST_ROW(f64)},
    {ROW(text), CONST_ROW(text)},
    {ROW(bytes), CONST_ROW(bytes)},
    {ROW(decimal), CONST_ROW(decimal)},
    {{eq_deep, ne_deep, NULL, NULL, NULL, NULL, distinct_deep, not_distinct_deep},
     {eq_deep_const, ne_deep_const}},
};

static int family_of(const SqlType *type)
{
    switch (type->kind) {
    case T_DOUBLE:
        return 1;
    case T_STRING:
        return 2;
    case T_BYTES:
        return 3;
    case T_DECIMAL:
        return 4;
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        return 5;
    default:
        return 0;
    }
}

StepFn compare_step(ExprOp op, const SqlType *type) { return families[family_of(type)].any[op - EXPR_EQUAL]; }

StepFn compare_const_step(ExprOp op, const SqlType *type)
{
    return families[family_of(type)].constant[op - EXPR_EQUAL];
}

StepFn compare_finite_step(ExprOp op)
{
    static const StepFn steps[OPS] = {eq_finite, ne_finite, lt_finite, le_finite, gt_finite, ge_finite};
    return steps[op - EXPR_EQUAL];
}
