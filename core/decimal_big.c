/*
 * decimal_big.c - decimals beyond 64 bits: between Value bytes (big-endian two's complement) and GMP
 * integers.
 */
#include "core/decimal_big.h"

static void big_init_from_bytes(mpz_t out, Str bytes)
{
    mpz_init(out);
    mpz_import(out, bytes.len, 1, 1, 1, 0, bytes.ptr);
    if (bytes.len > 0 && ((unsigned char)bytes.ptr[0] & 0x80)) {
        mpz_t modulus;
        mpz_init(modulus);
        mpz_setbit(modulus, bytes.len * 8);
        mpz_sub(out, out, modulus);
        mpz_clear(modulus);
    }
}

void big_init_from_value(mpz_t out, Value v)
{
    if (v.flags & VALUE_BIG)
        big_init_from_bytes(out, value_str(v));
    else
        mpz_init_set_si(out, v.as.i64);
}

/* n of more than 64 bits as shortest two's complement. */
static Value big_store(Arena *arena, const mpz_t n, long scale)
{
    mpz_t magnitude;
    mpz_init(magnitude);
    if (mpz_sgn(n) < 0)
        mpz_com(magnitude, n); /* -n - 1 >= 0: its bits are n's, inverted */
    else
        mpz_set(magnitude, n);
    size_t         len   = mpz_sizeinbase(magnitude, 2) / 8 + 1;
    unsigned char *bytes = arena_calloc(arena, len, 1);
    size_t         used  = (mpz_sizeinbase(magnitude, 2) + 7) / 8;
    mpz_export(bytes + len - used, NULL, 1, 1, 1, 0, magnitude);
    mpz_clear(magnitude);
    if (mpz_sgn(n) < 0)
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)~bytes[i];
    return (Value){.as.ptr = bytes, .len = (uint32_t)len, .flags = VALUE_BIG, .scale = (int16_t)scale};
}

/* Drops `digits` decimal digits, half up. */
static void big_shift_right(mpz_t n, unsigned long digits)
{
    mpz_t divisor, half;
    mpz_init(divisor);
    mpz_init(half);
    mpz_ui_pow_ui(divisor, 10, digits);
    mpz_tdiv_q_2exp(half, divisor, 1);
    if (mpz_sgn(n) < 0)
        mpz_sub(n, n, half);
    else
        mpz_add(n, n, half);
    mpz_tdiv_q(n, n, divisor);
    mpz_clear(half);
    mpz_clear(divisor);
}

Value big_to_value(Arena *arena, const mpz_t n, long scale)
{
    if (scale > DECIMAL_SCALE_MAX || scale < -DECIMAL_SCALE_MAX) {
        mpz_t copy;
        mpz_init_set(copy, n);
        long limit = scale > 0 ? DECIMAL_SCALE_MAX : -DECIMAL_SCALE_MAX;
        if (scale > 0)
            big_shift_right(copy, (unsigned long)(scale - limit));
        else
            big_shift_left(copy, (unsigned long)(limit - scale));
        Value v = big_to_value(arena, copy, limit);
        mpz_clear(copy);
        return v;
    }
    if (mpz_fits_slong_p(n))
        return value_decimal(mpz_get_si(n), (int)scale);
    return big_store(arena, n, scale);
}

void big_shift_left(mpz_t n, unsigned long digits)
{
    if (digits == 0)
        return;
    mpz_t factor;
    mpz_init(factor);
    mpz_ui_pow_ui(factor, 10, digits);
    mpz_mul(n, n, factor);
    mpz_clear(factor);
}

size_t big_digits(const mpz_t n)
{
    size_t digits = mpz_sizeinbase(n, 10); /* exact or one too many */
    if (digits == 1)
        return 1;
    mpz_t power;
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, digits - 1);
    if (mpz_cmpabs(n, power) < 0)
        digits--;
    mpz_clear(power);
    return digits;
}

Str decimal_to_bytes(Arena *arena, Value v)
{
    if (v.flags & VALUE_BIG)
        return value_str(v);
    unsigned char *bytes = arena_alloc(arena, 8);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)v.as.i64 >> (56 - 8 * i));
    size_t skip = 0; /* bytes that only repeat the sign */
    while (skip < 7 && bytes[skip] == (v.as.i64 < 0 ? 0xFF : 0) &&
           (bytes[skip + 1] & 0x80) == (bytes[skip] & 0x80))
        skip++;
    return str_n((const char *)bytes + skip, 8 - skip);
}

Value decimal_from_bytes(Arena *arena, Str bytes, int scale)
{
    mpz_t n;
    if (bytes.len > 0 && bytes.len <= sizeof(int64_t)) { /* nearly all: the sign and what follows it */
        int64_t few = (int8_t)bytes.ptr[0];
        for (size_t i = 1; i < bytes.len; i++)
            few = (int64_t)((uint64_t)few << 8 | (uint8_t)bytes.ptr[i]);
        return value_decimal(few, scale);
    }
    big_init_from_bytes(n, bytes);
    Value v = big_to_value(arena, n, scale);
    mpz_clear(n);
    return v;
}
