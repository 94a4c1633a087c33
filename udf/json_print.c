/*
 * json_print.c - a tree back to compact text.
 *
 * A number is printed from its text as Java's BigDecimal would: unscaled digits and a scale
 * (functions.md 1.3, 14.9).
 */
#include "udf/json_tree.h"

enum { MAX_PLAIN_DIGITS = 100000, MAX_EXPONENT_DIGITS = 10 };

void json_print_string(Str text, StrBuf *out)
{
    static const char specials[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t            done = 0;
    strbuf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        strbuf_add(out, str_n(text.ptr + done, i - done));
        done                = i + 1;
        const char *special = c ? strchr(specials, c) : NULL;
        if (special) {
            strbuf_addc(out, '\\');
            strbuf_addc(out, letters[special - specials]);
        } else {
            strbuf_addf(out, "\\u%04X", c);
        }
    }
    if (done < text.len)
        strbuf_add(out, str_n(text.ptr + done, text.len - done));
    strbuf_addc(out, '"');
}

/* digits * 10^-scale; digits without leading zeros (at least one). */
typedef struct {
    bool    negative;
    Str     whole, fraction; /* parts of the text */
    int64_t scale;
} Number;

static bool take_apart(Str text, Number *n)
{
    size_t at = 0, start;
    *n        = (Number){.negative = text.ptr[0] == '-'};
    at += n->negative;
    for (start = at; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
        ;
    n->whole = str_n(text.ptr + start, at - start);
    if (at < text.len && text.ptr[at] == '.') {
        for (start = ++at; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
            ;
        n->fraction = str_n(text.ptr + start, at - start);
    }
    int64_t exponent = 0;
    if (at < text.len) { /* e, sign, digits */
        bool negative = text.ptr[at + 1] == '-';
        at += 1 + (negative || text.ptr[at + 1] == '+');
        if (text.len - at > MAX_EXPONENT_DIGITS)
            return false;
        for (; at < text.len; at++)
            exponent = exponent * 10 + (text.ptr[at] - '0');
        exponent = negative ? -exponent : exponent;
    }
    n->scale = (int64_t)n->fraction.len - exponent;
    return n->scale <= INT32_MAX && n->scale >= -(int64_t)INT32_MAX;
}

/* The i-th digit of whole and fraction written one after the other. */
static char digit_at(const Number *n, size_t i)
{
    return i < n->whole.len ? n->whole.ptr[i] : n->fraction.ptr[i - n->whole.len];
}

static void add_digits(const Number *n, size_t from, size_t count, StrBuf *out)
{
    for (size_t i = 0; i < count; i++)
        strbuf_addc(out, digit_at(n, from + i));
}

static void add_zeros(int64_t count, StrBuf *out)
{
    while (count-- > 0)
        strbuf_addc(out, '0');
}

/* `count` digits from `first`, the last `scale` of them behind the point. */
static void print_plain(const Number *n, size_t first, size_t count, StrBuf *out)
{
    if (n->scale <= 0) {
        add_digits(n, first, count, out);
        if (digit_at(n, first) != '0') /* zero stays one digit */
            add_zeros(-n->scale, out);
        return;
    }
    size_t scale = (size_t)n->scale, whole = count > scale ? count - scale : 0;
    if (whole == 0)
        strbuf_addc(out, '0');
    add_digits(n, first, whole, out);
    strbuf_addc(out, '.');
    add_zeros((int64_t)scale - (int64_t)count, out);
    add_digits(n, first + whole, count - whole, out);
}

static void print_scientific(const Number *n, size_t first, size_t count, int64_t adjusted, StrBuf *out)
{
    strbuf_addc(out, digit_at(n, first));
    if (count > 1) {
        strbuf_addc(out, '.');
        add_digits(n, first + 1, count - 1, out);
    }
    if (adjusted != 0)
        strbuf_addf(out, "E%+lld", (long long)adjusted);
}

static Status print_number(Str text, bool plain, StrBuf *out, Error *err)
{
    Number n;
    if (!take_apart(text, &n))
        return error_set(err, E_DATA, NO_POS, "Number is out of range: " STR_FMT, STR_ARG(text));
    size_t total = n.whole.len + n.fraction.len, first = 0;
    while (first + 1 < total && digit_at(&n, first) == '0')
        first++;
    size_t  count    = total - first;
    int64_t adjusted = (int64_t)count - 1 - n.scale;
    bool    small    = n.scale >= 0 && adjusted >= -6;
    if (n.negative && digit_at(&n, first) != '0')
        strbuf_addc(out, '-');
    if (!plain && !small) {
        print_scientific(&n, first, count, adjusted, out);
        return OK;
    }
    if (n.scale > MAX_PLAIN_DIGITS + (int64_t)text.len || -n.scale > MAX_PLAIN_DIGITS)
        return error_set(err, E_DATA, NO_POS, "Number has too many digits to print: " STR_FMT, STR_ARG(text));
    print_plain(&n, first, count, out);
    return OK;
}

static Status print_children(const JsonNode *node, bool plain, StrBuf *out, Error *err)
{
    bool object = node->kind == JSON_OBJECT;
    strbuf_addc(out, object ? '{' : '[');
    for (const JsonNode *child = node->first; child; child = child->next) {
        if (child != node->first)
            strbuf_addc(out, ',');
        if (object) {
            json_print_string(child->key, out);
            strbuf_addc(out, ':');
        }
        TRY(json_print(child, plain, out, err));
    }
    strbuf_addc(out, object ? '}' : ']');
    return OK;
}

/* As deep as the tree, which the reader bounds. */
Status json_print(const JsonNode *node, bool plain, StrBuf *out, Error *err)
{
    switch (node->kind) {
    case JSON_MISSING:
        return OK;
    case JSON_NULL:
        strbuf_adds(out, "null");
        return OK;
    case JSON_BOOLEAN:
        strbuf_adds(out, node->truth ? "true" : "false");
        return OK;
    case JSON_INTEGER:
    case JSON_FRACTION:
        return print_number(node->text, plain, out, err);
    case JSON_STRING:
        json_print_string(node->text, out);
        return OK;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return print_children(node, plain, out, err);
    }
    return OK;
}
