/*
 * decimal.c - exact decimal arithmetic.
 *
 * Nearly all decimals are money: they fit 64 bits, and what is computed on the way fits 128. Each operation
 * tries that first and falls back on GMP, so that no result is ever wrong for being large.
 */
#include "core/decimal_big.h"

typedef __int128 Wide;

const int64_t decimal_powers[DECIMAL_POW10_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

static inline bool is_small(Value v) { return (v.flags & VALUE_BIG) == 0; }

static inline bool scale_fits(long scale)
{
    return scale <= DECIMAL_SCALE_MAX && scale >= -DECIMAL_SCALE_MAX;
}

static inline bool fits_int64(Wide n) { return n >= INT64_MIN && n <= INT64_MAX; }

int decimal_sign(Value v)
{
    if (is_small(v))
        return (v.as.i64 > 0) - (v.as.i64 < 0);
    return ((const unsigned char *)v.as.ptr)[0] & 0x80 ? -1 : 1;
}

bool decimal_is_zero(Value v) { return is_small(v) && v.as.i64 == 0; }

int decimal_precision(Value v)
{
    if (is_small(v)) {
        uint64_t n      = v.as.i64 < 0 ? 0 - (uint64_t)v.as.i64 : (uint64_t)v.as.i64;
        int      digits = 1;
        while (digits <= DECIMAL_POW10_MAX && n >= (uint64_t)decimal_pow10(digits))
            digits++;
        return digits;
    }
    mpz_t n;
    big_init_from_value(n, v);
    int digits = (int)big_digits(n);
    mpz_clear(n);
    return digits;
}

/* Both unscaled numbers at the larger scale, if that is possible in 128 bits. */
static bool align_small(Value a, Value b, Wide *x, Wide *y)
{
    int up = a.scale - b.scale;
    if (!is_small(a) || !is_small(b) || up > DECIMAL_POW10_MAX || up < -DECIMAL_POW10_MAX)
        return false;
    *x = up < 0 ? (Wide)a.as.i64 * decimal_pow10(-up) : a.as.i64;
    *y = up > 0 ? (Wide)b.as.i64 * decimal_pow10(up) : b.as.i64;
    return true;
}

/* The same in GMP; the caller clears both. */
static void align_big(Value a, Value b, mpz_t x, mpz_t y)
{
    big_init_from_value(x, a);
    big_init_from_value(y, b);
    if (a.scale < b.scale)
        big_shift_left(x, (unsigned long)(b.scale - a.scale));
    else
        big_shift_left(y, (unsigned long)(a.scale - b.scale));
}

int decimal_compare(Value a, Value b)
{
    Wide  x, y;
    mpz_t p, q;
    if (align_small(a, b, &x, &y))
        return (x > y) - (x < y);
    if (decimal_sign(a) != decimal_sign(b))
        return decimal_sign(a) < decimal_sign(b) ? -1 : 1;
    align_big(a, b, p, q);
    int order = mpz_cmp(p, q);
    mpz_clear(p);
    mpz_clear(q);
    return (order > 0) - (order < 0);
}

typedef void BigOperation(mpz_t out, const mpz_t a, const mpz_t b);

static Value aligned_big(Arena *arena, Value a, Value b, BigOperation *operation)
{
    mpz_t x, y;
    align_big(a, b, x, y);
    operation(x, x, y);
    Value v = big_to_value(arena, x, a.scale > b.scale ? a.scale : b.scale);
    mpz_clear(x);
    mpz_clear(y);
    return v;
}

Value decimal_add(Arena *arena, Value a, Value b)
{
    Wide x, y;
    if (align_small(a, b, &x, &y) && fits_int64(x + y))
        return value_decimal((int64_t)(x + y), a.scale > b.scale ? a.scale : b.scale);
    return aligned_big(arena, a, b, mpz_add);
}

Value decimal_subtract(Arena *arena, Value a, Value b)
{
    Wide x, y;
    if (align_small(a, b, &x, &y) && fits_int64(x - y))
        return value_decimal((int64_t)(x - y), a.scale > b.scale ? a.scale : b.scale);
    return aligned_big(arena, a, b, mpz_sub);
}

Value decimal_multiply(Arena *arena, Value a, Value b)
{
    long scale = (long)a.scale + b.scale;
    if (is_small(a) && is_small(b) && scale_fits(scale)) {
        Wide product = (Wide)a.as.i64 * b.as.i64;
        if (fits_int64(product))
            return value_decimal((int64_t)product, (int)scale);
    }
    mpz_t x, y;
    big_init_from_value(x, a);
    big_init_from_value(y, b);
    mpz_mul(x, x, y);
    Value v = big_to_value(arena, x, scale);
    mpz_clear(x);
    mpz_clear(y);
    return v;
}

Value decimal_negate(Arena *arena, Value v) { return decimal_subtract(arena, value_decimal(0, v.scale), v); }

Value decimal_abs(Arena *arena, Value v) { return decimal_sign(v) < 0 ? decimal_negate(arena, v) : v; }

/* Whether a quotient cut toward zero must move away from it. `half`: remainder * 2 compared with the divisor.
 */
static bool rounds_away(Rounding rounding, bool negative, int half)
{
    switch (rounding) {
    case ROUND_HALF_UP:
        return half >= 0;
    case ROUND_UP:
        return true;
    case ROUND_FLOOR:
        return negative;
    case ROUND_CEILING:
        return !negative;
    case ROUND_NONE:
    case ROUND_DOWN:
        break;
    }
    return false;
}

/* Quotient of two numbers, rounded. False when ROUND_NONE would have to drop digits. b is not 0. */
static bool divide_wide(Wide a, Wide b, Rounding rounding, Wide *quotient)
{
    Wide rest = a % b;
    *quotient = a / b;
    if (rest == 0)
        return true;
    if (rounding == ROUND_NONE)
        return false;
    bool              negative = (a < 0) != (b < 0);
    unsigned __int128 r        = (unsigned __int128)(rest < 0 ? -rest : rest),
                      d        = (unsigned __int128)(b < 0 ? -b : b);
    if (rounds_away(rounding, negative, r > d - r ? 1 : r == d - r ? 0 : -1))
        *quotient += negative ? -1 : 1;
    return true;
}

/* The same in GMP; the quotient replaces a. */
static bool divide_big(mpz_t a, const mpz_t b, Rounding rounding)
{
    mpz_t rest;
    bool  negative = mpz_sgn(a) * mpz_sgn(b) < 0;
    mpz_init(rest);
    mpz_tdiv_qr(a, rest, a, b);
    bool exact = mpz_sgn(rest) == 0;
    if (!exact && rounding != ROUND_NONE) {
        mpz_mul_2exp(rest, rest, 1);
        if (rounds_away(rounding, negative, mpz_cmpabs(rest, b))) {
            if (negative)
                mpz_sub_ui(a, a, 1);
            else
                mpz_add_ui(a, a, 1);
        }
    }
    mpz_clear(rest);
    return exact || rounding != ROUND_NONE;
}

/* (a / b) * 10^shift, rounded, as a value of that scale. */
static bool divide_shifted(Arena *arena, Value a, Value b, long shift, int scale, Rounding rounding,
                           Value *out)
{
    if (is_small(a) && is_small(b) && shift <= DECIMAL_POW10_MAX && shift >= -DECIMAL_POW10_MAX) {
        Wide quotient;
        Wide x = shift > 0 ? (Wide)a.as.i64 * decimal_pow10((int)shift) : a.as.i64;
        Wide y = shift < 0 ? (Wide)b.as.i64 * decimal_pow10((int)-shift) : b.as.i64;
        if (!divide_wide(x, y, rounding, &quotient))
            return false;
        if (fits_int64(quotient)) {
            *out = value_decimal((int64_t)quotient, scale);
            return true;
        }
    }
    mpz_t x, y;
    big_init_from_value(x, a);
    big_init_from_value(y, b);
    big_shift_left(shift > 0 ? x : y, (unsigned long)(shift > 0 ? shift : -shift));
    bool possible = divide_big(x, y, rounding);
    if (possible)
        *out = big_to_value(arena, x, scale);
    mpz_clear(x);
    mpz_clear(y);
    return possible;
}

static Status scale_check(int scale, Error *err)
{
    if (!scale_fits(scale))
        return error_set(err, E_DATA, NO_POS, "Decimal scale out of range: %d", scale);
    return OK;
}

Status decimal_divide(Arena *arena, Value a, Value b, int scale, Rounding rounding, Value *out, Error *err)
{
    TRY(scale_check(scale, err));
    if (decimal_is_zero(b))
        return error_set(err, E_DATA, NO_POS, "Division by zero");
    if (!divide_shifted(arena, a, b, (long)scale - a.scale + b.scale, scale, rounding, out))
        return error_set(err, E_DATA, NO_POS, "Rounding necessary");
    return OK;
}

Status decimal_remainder(Arena *arena, Value a, Value b, Value *out, Error *err)
{
    Wide x, y;
    if (decimal_is_zero(b))
        return error_set(err, E_DATA, NO_POS, "Division by zero");
    if (align_small(a, b, &x, &y) && fits_int64(x % y))
        *out = value_decimal((int64_t)(x % y), a.scale > b.scale ? a.scale : b.scale);
    else
        *out = aligned_big(arena, a, b, mpz_tdiv_r);
    return OK;
}

Status decimal_rescale(Arena *arena, Value v, int scale, Rounding rounding, Value *out, Error *err)
{
    if (scale == v.scale) {
        *out = v;
        return OK;
    }
    TRY(scale_check(scale, err));
    if (!divide_shifted(arena, v, value_decimal(1, 0), (long)scale - v.scale, scale, rounding, out))
        return error_set(err, E_DATA, NO_POS, "Rounding necessary");
    return OK;
}

/* The value in full, NUL-terminated, for a message. */
static void plain_text(Value v, StrBuf *buf)
{
    decimal_print(v, buf);
    strbuf_addc(buf, '\0');
}

Status decimal_fit(Arena *arena, Value v, int precision, int scale, Rounding rounding, Value *out, Error *err)
{
    Value fitted;
    TRY(decimal_rescale(arena, v, scale, rounding, &fitted, err));
    if (decimal_precision(fitted) > precision && !decimal_is_zero(fitted)) {
        StrBuf text = {0};
        plain_text(v, &text);
        error_set(err, E_DATA, NO_POS,
                  "Numeric field overflow: A field with precision %d and scale %d must round to an absolute "
                  "value less "
                  "than 10^%d. Got %s",
                  precision, scale, precision - scale, text.ptr);
        strbuf_clear(&text);
        return E_DATA;
    }
    *out = fitted;
    return OK;
}

Status decimal_ensure_fit(Arena *arena, Value v, int precision, int scale, Value *out, Error *err)
{
    int digits = decimal_precision(v);
    if (!decimal_is_zero(v) && digits - v.scale > precision - scale)
        goto refuse;
    if (decimal_rescale(arena, v, scale, ROUND_NONE, out, NULL) == OK)
        return OK;
refuse:;
    StrBuf text = {0};
    plain_text(v, &text);
    error_set(err, E_DATA, NO_POS,
              "Cannot fit decimal '%s' into DECIMAL(%d, %d) without rounding. (Requires %d,%d)", text.ptr,
              precision, scale, digits, (int)v.scale);
    strbuf_clear(&text);
    return E_DATA;
}

Value decimal_from_int(int64_t n) { return value_decimal(n, 0); }

int64_t decimal_to_int64(Value v)
{
    mpz_t n, divisor;
    if (is_small(v) && v.scale == 0)
        return v.as.i64;
    if (is_small(v) && v.scale > 0)
        return v.scale > DECIMAL_POW10_MAX ? 0 : v.as.i64 / decimal_pow10(v.scale);
    big_init_from_value(n, v);
    if (v.scale < 0) {
        big_shift_left(n, (unsigned long)-v.scale);
    } else {
        mpz_init(divisor);
        mpz_ui_pow_ui(divisor, 10, (unsigned long)v.scale);
        mpz_tdiv_q(n, n, divisor);
        mpz_clear(divisor);
    }
    mpz_fdiv_r_2exp(n, n, 64); /* two's complement: never negative afterwards */
    int64_t low = (int64_t)mpz_get_ui(n);
    mpz_clear(n);
    return low;
}
