/*
 * decimal_big.h - what decimal.c and decimal_text.c share: decimals as GMP integers.
 *
 * Invariant of DECIMAL values: an unscaled number that fits 64 bits is never stored as VALUE_BIG, and big
 * ones are stored in the shortest form. So equal numbers of equal scale have equal bytes.
 */
#ifndef SLUICE_CORE_DECIMAL_BIG_H
#define SLUICE_CORE_DECIMAL_BIG_H

#include <gmp.h>

#include "core/decimal.h"

enum {
    DECIMAL_SCALE_MAX  = INT16_MAX, /* and its negative: what a Value can hold */
    DECIMAL_DIGITS_MAX = 100000,
};

/* Initialises `out` with the unscaled number; the caller clears it. */
void big_init_from_value(mpz_t out, Value v);
/* The canonical value. A scale out of range is brought back: by rounding (half up), or by appending zeros. */
Value big_to_value(Arena *arena, const mpz_t n, long scale);
/* n *= 10^digits. */
void big_shift_left(mpz_t n, unsigned long digits);
/* Decimal digits of |n|, 1 for zero. */
size_t big_digits(const mpz_t n);

#endif
