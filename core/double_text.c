/*
 * double_text.c - numbers as text and back, by Java's rules.
 *
 * The text of a DOUBLE is compared byte by byte by clients and is part of keys, so it follows Double.toString
 * to the letter. Reading checks Java's syntax here and leaves only well-formed digits to the library.
 */
#include "core/double_digits.h"
#include "core/value.h"

#include <math.h>
#include <stdio.h>

size_t int64_print(int64_t n, char out[24])
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445"
        "46474849505152535455565758596061626364656667686970717273747576777879808182838485868788899091"
        "9293949596979899";
    char     digits[20];
    size_t   at = sizeof digits, sign = n < 0;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    while (rest >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + rest * 2, 2);
    } else {
        digits[--at] = (char)('0' + rest);
    }
    out[0] = '-';
    memcpy(out + sign, digits + at, sizeof digits - at);
    return sign + sizeof digits - at;
}

bool int64_parse(Str text, int64_t *out)
{
    size_t   at       = 0;
    bool     negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t n        = 0;
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        at = 1;
    if (at == text.len)
        return false;
    for (; at < text.len; at++) {
        unsigned digit = (unsigned char)text.ptr[at] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    if (n > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - n : n);
    return true;
}

static size_t put(char *out, size_t at, const char *bytes, size_t len)
{
    memcpy(out + at, bytes, len);
    return at + len;
}

/* Digits and the decimal exponent of the first one, from "d.ddde±nn". Returns how many digits. */
static size_t split_scientific(const char *text, size_t len, char *digits, int *exponent)
{
    size_t n = 0, at = 0;
    for (; at < len && text[at] != 'e'; at++)
        if (text[at] != '.')
            digits[n++] = text[at];
    bool negative = text[at + 1] == '-';
    *exponent     = 0;
    for (at += 2; at < len; at++)
        *exponent = *exponent * 10 + (text[at] - '0');
    if (negative)
        *exponent = -*exponent;
    return n;
}

/* Digits with the point behind the first `whole` of them; zeros where digits are missing. */
static size_t put_plain(char *out, size_t at, const char *digits, size_t n, int whole)
{
    if (whole <= 0) {
        at = put(out, at, "0.000", 2 + (size_t)-whole);
        return put(out, at, digits, n);
    }
    for (int i = 0; i < whole; i++)
        out[at++] = (size_t)i < n ? digits[i] : '0';
    out[at++] = '.';
    if (n <= (size_t)whole)
        return put(out, at, "0", 1);
    return put(out, at, digits + whole, n - (size_t)whole);
}

size_t double_print(double d, char out[32])
{
    if (isnan(d))
        return put(out, 0, "NaN", 3);
    size_t at = 0;
    if (signbit(d))
        out[at++] = '-';
    d = fabs(d);
    if (isinf(d))
        return put(out, at, "Infinity", 8);
    if (d < 1e7 && d == (double)(int32_t)d) {
        at += int64_print((int32_t)d, out + at);
        return put(out, at, ".0", 2);
    }
    char   text[32], digits[32];
    int    exponent;
    size_t n = split_scientific(text, double_digits_shortest(d, text), digits, &exponent);
    if (n == 1 && d < 1e-300) { /* Java never looks for fewer than two digits: 4.9E-324, not 5.0E-324 */
        int len = snprintf(text, sizeof text, "%.1e", d);
        n       = split_scientific(text, (size_t)len, digits, &exponent);
    }
    if (d >= 1e-3 && d < 1e7)
        return put_plain(out, at, digits, n, exponent + 1);
    at        = put_plain(out, at, digits, n, 1);
    out[at++] = 'E';
    return at + int64_print(exponent, out + at);
}

/* What a scan of a number's syntax found. */
typedef struct {
    const char *ptr; /* the digits, without sign, 0x and suffix */
    size_t      len;
    bool        hex;
    bool        huge; /* if it is out of range: too large, rather than too small */
} NumberText;

static bool is_digit(char c, bool hex)
{
    return (c >= '0' && c <= '9') || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

/* The exponent part at text[at], if there is one. Returns where it ends; 0 when it has no digits. */
static size_t scan_exponent(Str text, size_t at, long *exponent)
{
    bool negative = at < text.len && text.ptr[at] == '-';
    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
        at++;
    size_t start = at;
    long   n     = 0;
    for (; at < text.len && is_digit(text.ptr[at], false); at++)
        if (n < 1000000000)
            n = n * 10 + (text.ptr[at] - '0');
    *exponent = negative ? -n : n;
    return at == start ? 0 : at;
}

/* Java's FloatingPointLiteral without its sign. */
static bool scan_number(Str text, NumberText *number)
{
    size_t at   = 0;
    number->hex = text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x';
    if (number->hex)
        text = str_n(text.ptr + 2, text.len - 2);
    size_t    digits = 0;
    ptrdiff_t first = -1, point = -1;
    for (; at < text.len && (is_digit(text.ptr[at], number->hex) || (text.ptr[at] == '.' && point < 0));
         at++) {
        if (text.ptr[at] == '.') {
            point = (ptrdiff_t)at;
            continue;
        }
        digits++;
        if (first < 0 && text.ptr[at] != '0')
            first = (ptrdiff_t)at;
    }
    if (digits == 0)
        return false;
    if (point < 0)
        point = (ptrdiff_t)at;
    long exponent     = 0;
    bool has_exponent = at < text.len && (text.ptr[at] | 0x20) == (number->hex ? 'p' : 'e');
    if (has_exponent && (at = scan_exponent(text, at + 1, &exponent)) == 0)
        return false;
    if (number->hex && !has_exponent)
        return false;
    number->ptr  = text.ptr;
    number->len  = at;
    number->huge = (point - first) * (number->hex ? 4 : 1) + exponent > 0;
    char suffix  = at < text.len ? (char)(text.ptr[at] | 0x20) : 0;
    if (suffix == 'd' || suffix == 'f')
        at++;
    return at == text.len;
}

bool double_parse(Str text, double *out)
{
    text          = str_trim(text);
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = str_n(text.ptr + 1, text.len - 1);
    NumberText number;
    double     d = 0;
    if (str_equal(text, STR_LIT("NaN")))
        d = NAN;
    else if (str_equal(text, STR_LIT("Infinity")))
        d = INFINITY;
    else if (!scan_number(text, &number))
        return false;
    else if (!double_digits_read(number.ptr, number.len, number.hex, &d))
        d = number.huge ? INFINITY : 0.0;
    *out = negative ? -d : d;
    return true;
}
