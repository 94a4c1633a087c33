/*
 * fn_round.c - CEIL, FLOOR, ROUND, TRUNC.
 *
 * ROUND's halves go towards positive infinity, for doubles and decimals alike: neither C's round() nor
 * banker's rounding. Rounding a double to places works on its shortest decimal text, so that ROUND(1.005, 2)
 * is 1.01.
 */
#include <math.h>

#include "core/decimal.h"
#include "udf/udf.h"

/* No double has a digit beyond these places. */
enum { MAX_PLACES = 400, MIN_PLACES = -400 };

static Status fn_identity(const FnCall *call, Value *result, Error *err)
{
    *result = call->args[0];
    return OK;
}

static Status fn_ceil_double(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_double(ceil(call->args[0].as.f64));
    return OK;
}

static Status fn_floor_double(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_double(floor(call->args[0].as.f64));
    return OK;
}

static Status whole_decimal(const FnCall *call, Rounding rounding, Value *result, Error *err)
{
    TRY(decimal_rescale(call->arena, call->args[0], 0, rounding, result, err));
    return decimal_rescale(call->arena, *result, call->type->scale, ROUND_NONE, result, err);
}

static Status fn_ceil_decimal(const FnCall *call, Value *result, Error *err)
{
    return whole_decimal(call, ROUND_CEILING, result, err);
}

static Status fn_floor_decimal(const FnCall *call, Value *result, Error *err)
{
    return whole_decimal(call, ROUND_FLOOR, result, err);
}

static int64_t saturate(double whole)
{
    if (isnan(whole))
        return 0;
    if (whole >= 0x1p63)
        return INT64_MAX;
    return whole < -0x1p63 ? INT64_MIN : (int64_t)whole;
}

static Status fn_round_double(const FnCall *call, Value *result, Error *err)
{
    double x     = call->args[0].as.f64;
    double below = floor(x);
    /* Adding one half first would round 0.49999999999999994 up. */
    *result = value_from_int(saturate(x - below >= 0.5 ? below + 1 : below));
    return OK;
}

static Status fn_trunc_double(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_int(saturate(trunc(call->args[0].as.f64)));
    return OK;
}

/* v at that scale, halves towards positive infinity. */
static Status round_half_to_infinity(Arena *arena, Value v, int places, Value *out, Error *err)
{
    if (v.scale <= places)
        return decimal_rescale(arena, v, places, ROUND_NONE, out, err);
    return decimal_rescale(arena, decimal_add(arena, v, value_decimal(5, places + 1)), places, ROUND_FLOOR,
                           out, err);
}

static Status to_places(Arena *arena, Value v, int places, bool truncate, Value *out, Error *err)
{
    if (truncate)
        return decimal_rescale(arena, v, places, ROUND_DOWN, out, err);
    return round_half_to_infinity(arena, v, places, out, err);
}

static int clamp_places(int64_t places)
{
    return (int)(places > MAX_PLACES ? MAX_PLACES : places < MIN_PLACES ? MIN_PLACES : places);
}

static Status double_to_places(const FnCall *call, bool truncate, Value *result, Error *err)
{
    int   places = clamp_places(call->args[1].as.i64);
    Value exact;
    TRY(decimal_from_double(call->arena, call->args[0].as.f64, &exact, err));
    if (places < exact.scale)
        TRY(to_places(call->arena, exact, places, truncate, &exact, err));
    *result = value_from_double(decimal_to_double(exact));
    return OK;
}

static Status fn_round_double_to(const FnCall *call, Value *result, Error *err)
{
    return double_to_places(call, false, result, err);
}

static Status fn_trunc_double_to(const FnCall *call, Value *result, Error *err)
{
    return double_to_places(call, true, result, err);
}

static Status fn_round_decimal(const FnCall *call, Value *result, Error *err)
{
    return round_half_to_infinity(call->arena, call->args[0], 0, result, err);
}

static Status fn_trunc_decimal(const FnCall *call, Value *result, Error *err)
{
    return decimal_rescale(call->arena, call->args[0], 0, ROUND_DOWN, result, err);
}

/* Type and scale stay: the places behind are zeros. */
static Status decimal_to_places(const FnCall *call, bool truncate, Value *result, Error *err)
{
    int places = clamp_places(call->args[1].as.i64);
    *result    = call->args[0];
    if (places < result->scale)
        TRY(to_places(call->arena, *result, places, truncate, result, err));
    return decimal_rescale(call->arena, *result, call->type->scale, ROUND_NONE, result, err);
}

static Status fn_round_decimal_to(const FnCall *call, Value *result, Error *err)
{
    return decimal_to_places(call, false, result, err);
}

static Status fn_trunc_decimal_to(const FnCall *call, Value *result, Error *err)
{
    return decimal_to_places(call, true, result, err);
}

/* DECIMAL(p, s) -> DECIMAL(p - s, 0) */
static Status whole_type(const SqlType *const *arg_types, size_t count, Arena *arena, const SqlType **out,
                         Error *err)
{
    if (arg_types[0]->kind != T_DECIMAL)
        return error_set(err, E_PLAN, NO_POS, "Use CAST() to give NULL a type.");
    return type_decimal(arena, arg_types[0]->precision - arg_types[0]->scale, 0, out, err);
}

#define CEIL_DOC "The lowest whole number that is not below the value."
#define FLOOR_DOC "The highest whole number that is not above the value."
#define ROUND_DOC "The nearest whole number, or the nearest with that many decimal places; halves go up."
#define TRUNC_DOC "The value without its fraction, or with that many decimal places."
#define N0 FN_NULL_IF_ANY_NULL

const ScalarFn round_functions[] = {
    {"Ceil", "(val INT) -> INT", N0, fn_identity, CEIL_DOC, NULL},
    {"Ceil", "(val BIGINT) -> BIGINT", N0, fn_identity, CEIL_DOC, NULL},
    {"Ceil", "(val DOUBLE) -> DOUBLE", N0, fn_ceil_double, CEIL_DOC, NULL},
    {"Ceil", "(val DECIMAL) -> DECIMAL", N0, fn_ceil_decimal, CEIL_DOC, NULL},
    {"Floor", "(val INT) -> INT", N0, fn_identity, FLOOR_DOC, NULL},
    {"Floor", "(val BIGINT) -> BIGINT", N0, fn_identity, FLOOR_DOC, NULL},
    {"Floor", "(val DOUBLE) -> DOUBLE", N0, fn_floor_double, FLOOR_DOC, NULL},
    {"Floor", "(val DECIMAL) -> DECIMAL", N0, fn_floor_decimal, FLOOR_DOC, NULL},
    {"Round", "(val INT) -> BIGINT", N0, fn_identity, ROUND_DOC, NULL},
    {"Round", "(val BIGINT) -> BIGINT", FN_ERROR_IF_NULL, fn_identity, ROUND_DOC, NULL},
    {"Round", "(val DOUBLE) -> BIGINT", N0, fn_round_double, ROUND_DOC, NULL},
    {"Round", "(val DOUBLE, decimalPlaces INT) -> DOUBLE", N0, fn_round_double_to, ROUND_DOC, NULL},
    {"Round", "(val DECIMAL) -> DECIMAL", N0, fn_round_decimal, ROUND_DOC, whole_type},
    {"Round", "(val DECIMAL, decimalPlaces INT) -> DECIMAL", N0, fn_round_decimal_to, ROUND_DOC, NULL},
    {"trunc", "(val INT) -> BIGINT", N0, fn_identity, TRUNC_DOC, NULL},
    {"trunc", "(val BIGINT) -> BIGINT", N0, fn_identity, TRUNC_DOC, NULL},
    {"trunc", "(val DOUBLE) -> BIGINT", N0, fn_trunc_double, TRUNC_DOC, NULL},
    {"trunc", "(val DOUBLE, decimalPlaces INT) -> DOUBLE", N0, fn_trunc_double_to, TRUNC_DOC, NULL},
    {"trunc", "(val DECIMAL) -> DECIMAL", N0, fn_trunc_decimal, TRUNC_DOC, whole_type},
    {"trunc", "(val DECIMAL, decimalPlaces INT) -> DECIMAL", N0, fn_trunc_decimal_to, TRUNC_DOC, NULL},
    {0},
};
