/*
 * decimal_text.c - decimals as text and back, by the rules of Java's BigDecimal.
 *
 * Both readings of a number matter: toPlainString for SQL, and toString (which turns to exponents) for JSON
 * and inside strings.
 */
#include "core/decimal_big.h"

#include <assert.h>

enum { SMALL_DIGITS = 18 }; /* any so many digits fit 64 bits */

/* The parts of [+-]digits[.digits][(e|E)[+-]digits]. */
typedef struct {
    Str  whole, fraction;
    bool negative;
    long exponent;
} DecimalText;

static Str take_digits(Str *text)
{
    size_t n = 0;
    while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        n++;
    Str digits = str_n(text->ptr, n);
    *text      = str_n(text->ptr + n, text->len - n);
    return digits;
}

static bool take_char(Str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = str_n(text->ptr + 1, text->len - 1);
    return true;
}

static bool split_text(Str text, DecimalText *parts)
{
    *parts = (DecimalText){.negative = take_char(&text, '-')};
    if (!parts->negative)
        take_char(&text, '+');
    parts->whole = take_digits(&text);
    if (take_char(&text, '.'))
        parts->fraction = take_digits(&text);
    if (parts->whole.len + parts->fraction.len == 0)
        return false;
    if (take_char(&text, 'e') || take_char(&text, 'E')) {
        bool negative = take_char(&text, '-');
        if (!negative)
            take_char(&text, '+');
        Str digits = take_digits(&text);
        if (digits.len == 0 || digits.len > 10)
            return false;
        for (size_t i = 0; i < digits.len; i++)
            parts->exponent = parts->exponent * 10 + (digits.ptr[i] - '0');
        if (negative)
            parts->exponent = -parts->exponent;
    }
    return text.len == 0;
}

static int64_t add_digits(int64_t n, Str digits)
{
    for (size_t i = 0; i < digits.len; i++)
        n = n * 10 + (digits.ptr[i] - '0');
    return n;
}

static Value parse_big(Arena *arena, const DecimalText *parts, long scale)
{
    StrBuf digits = {0};
    mpz_t  n;
    strbuf_add(&digits, parts->whole);
    strbuf_add(&digits, parts->fraction);
    strbuf_addc(&digits, '\0');
    mpz_init_set_str(n, digits.ptr, 10);
    strbuf_clear(&digits);
    if (parts->negative)
        mpz_neg(n, n);
    Value v = big_to_value(arena, n, scale);
    mpz_clear(n);
    return v;
}

Status decimal_parse(Arena *arena, Str text, Value *out, Error *err)
{
    DecimalText parts;
    if (!split_text(text, &parts))
        return error_set(err, E_DATA, NO_POS, "Not a decimal number: '%.*s'",
                         text.len > 200 ? 200 : (int)text.len, text.ptr ? text.ptr : "");
    size_t digits = parts.whole.len + parts.fraction.len;
    long   scale  = (long)parts.fraction.len - parts.exponent;
    if (digits > DECIMAL_DIGITS_MAX)
        return error_set(err, E_DATA, NO_POS, "Decimal number has %zu digits, at most %d are supported",
                         digits, DECIMAL_DIGITS_MAX);
    if (scale > DECIMAL_SCALE_MAX || scale < -DECIMAL_SCALE_MAX)
        return error_set(err, E_DATA, NO_POS, "Decimal scale out of range: %ld", scale);
    if (digits > SMALL_DIGITS) {
        *out = parse_big(arena, &parts, scale);
        return OK;
    }
    int64_t n = add_digits(add_digits(0, parts.whole), parts.fraction);
    *out      = value_decimal(parts.negative ? -n : n, (int)scale);
    return OK;
}

Status decimal_from_double(Arena *arena, double d, Value *out, Error *err)
{
    char   text[32];
    size_t len = double_print(d, text);
    if (text[len - 1] == 'N' || text[len - 1] == 'y')
        return error_set(err, E_DATA, NO_POS, "Not a decimal number: '%.*s'", (int)len, text);
    return decimal_parse(arena, str_n(text, len), out, err);
}

/* The digits of |unscaled|, appended. */
static void add_unscaled(Value v, StrBuf *out)
{
    char  text[24];
    mpz_t n;
    if (!(v.flags & VALUE_BIG)) {
        size_t sign = v.as.i64 < 0;
        strbuf_add(out, str_n(text + sign, int64_print(v.as.i64, text) - sign));
        return;
    }
    big_init_from_value(n, v);
    mpz_abs(n, n);
    strbuf_reserve(out, mpz_sizeinbase(n, 10) + 2);
    mpz_get_str(out->ptr + out->len, 10, n);
    out->len += strlen(out->ptr + out->len);
    mpz_clear(n);
}

/* Opens a gap of n bytes `at` that far into the buffer and fills it with c. */
static void insert_fill(StrBuf *buf, size_t at, size_t n, char c)
{
    strbuf_reserve(buf, n);
    memmove(buf->ptr + at + n, buf->ptr + at, buf->len - at);
    memset(buf->ptr + at, c, n);
    buf->len += n;
}

void decimal_print(Value v, StrBuf *out)
{
    if (decimal_sign(v) < 0)
        strbuf_addc(out, '-');
    size_t start = out->len;
    add_unscaled(v, out);
    size_t digits = out->len - start;
    if (v.scale < 0 && !decimal_is_zero(v))
        insert_fill(out, out->len, (size_t)-v.scale, '0');
    if (v.scale <= 0)
        return;
    if (digits <= (size_t)v.scale) { /* 0.00ddd */
        insert_fill(out, start, (size_t)v.scale - digits + 1, '0');
        digits = (size_t)v.scale + 1;
    }
    insert_fill(out, start + digits - (size_t)v.scale, 1, '.');
}

void decimal_print_scientific(Value v, StrBuf *out)
{
    int adjusted = decimal_precision(v) - 1 - v.scale;
    if (v.scale >= 0 && adjusted >= -6) {
        decimal_print(v, out);
        return;
    }
    if (decimal_sign(v) < 0)
        strbuf_addc(out, '-');
    size_t start = out->len;
    add_unscaled(v, out);
    if (out->len - start > 1)
        insert_fill(out, start + 1, 1, '.');
    if (adjusted != 0)
        strbuf_addf(out, "E%+d", adjusted);
}

double decimal_to_double(Value v)
{
    static const double powers[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t       exact    = (int64_t)1 << 53;
    if (!(v.flags & VALUE_BIG) && v.as.i64 <= exact && v.as.i64 >= -exact && v.scale >= 0 &&
        v.scale < (int)ARRAY_LEN(powers))
        return (double)v.as.i64 / powers[v.scale]; /* both exact, so the quotient is rounded once */
    StrBuf text = {0};
    double d    = 0;
    decimal_print_scientific(v, &text);
    if (!double_parse(strbuf_str(&text), &d))
        assert(!"a decimal's own text is a number");
    strbuf_clear(&text);
    return d;
}
