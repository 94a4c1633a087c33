/*
 * decimal.h - exact decimal arithmetic on Values of type DECIMAL: 64-bit integers where they fit, GMP beyond.
 *
 * A decimal is unscaled * 10^-scale. Results that need more than 64 bits are allocated in the arena.
 */
#ifndef SLUICE_CORE_DECIMAL_H
#define SLUICE_CORE_DECIMAL_H

#include "core/value.h"

typedef enum { ROUND_NONE, ROUND_HALF_UP, ROUND_DOWN, ROUND_UP, ROUND_FLOOR, ROUND_CEILING } Rounding;

enum { DECIMAL_POW10_MAX = 18 };
extern const int64_t decimal_powers[DECIMAL_POW10_MAX + 1];

/* 10^n, 0 <= n <= DECIMAL_POW10_MAX. */
static inline int64_t decimal_pow10(int n) { return decimal_powers[n]; }

/* Numeric order, the scale does not count: 1.0 equals 1.00. */
int  decimal_compare(Value a, Value b);
bool decimal_is_zero(Value v);
int  decimal_sign(Value v);
/* Decimal digits of the unscaled number, 1 for zero. */
int decimal_precision(Value v);

Value decimal_add(Arena *arena, Value a, Value b);      /* scale = max of both */
Value decimal_subtract(Arena *arena, Value a, Value b); /* scale = max of both */
Value decimal_multiply(Arena *arena, Value a, Value b); /* scale = sum */
Value decimal_negate(Arena *arena, Value v);
Value decimal_abs(Arena *arena, Value v);
/* a / b at the scale asked for. E_DATA on division by zero, or when ROUND_NONE would have to drop digits. */
Status decimal_divide(Arena *arena, Value a, Value b, int scale, Rounding rounding, Value *out, Error *err);
/* Remainder with the sign of a; scale = max of both. E_DATA on zero. */
Status decimal_remainder(Arena *arena, Value a, Value b, Value *out, Error *err);
/* The same number at another scale. E_DATA when ROUND_NONE would have to drop digits. */
Status decimal_rescale(Arena *arena, Value v, int scale, Rounding rounding, Value *out, Error *err);
/* v as DECIMAL(p, s) with that rounding: E_DATA "Numeric field overflow: A field with precision p and scale s
 * must round to an absolute value less than 10^(p-s). Got v" when it has too many whole digits (sql.md 3.6).
 */
Status decimal_fit(Arena *arena, Value v, int precision, int scale, Rounding rounding, Value *out,
                   Error *err);
/* The check of formats (runtime.md 1.11): no rounding allowed, its own text of refusal. */
Status decimal_ensure_fit(Arena *arena, Value v, int precision, int scale, Value *out, Error *err);

Value decimal_from_int(int64_t n);
/* By the double's shortest text, as Java's BigDecimal.valueOf. E_DATA for NaN and infinities. */
Status decimal_from_double(Arena *arena, double d, Value *out, Error *err);
/* Java's BigDecimal(String): sign, digits, point, exponent. E_DATA when it is none or has over 100,000
 * digits. */
Status decimal_parse(Arena *arena, Str text, Value *out, Error *err);
double decimal_to_double(Value v);
/* Fraction dropped, low 64 bits kept (Java's BigDecimal.longValue). */
int64_t decimal_to_int64(Value v);
/* Plain digits with the value's scale: "10.00", never an exponent. */
void decimal_print(Value v, StrBuf *out);
/* Java's BigDecimal.toString: an exponent when the scale is negative or the adjusted exponent is below -6. */
void decimal_print_scientific(Value v, StrBuf *out);
/* Unscaled number as big-endian two's complement, shortest form (Avro, Connect); and back. */
Str   decimal_to_bytes(Arena *arena, Value v);
Value decimal_from_bytes(Arena *arena, Str bytes, int scale);

#endif
