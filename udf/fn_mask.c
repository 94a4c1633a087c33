/*
 * fn_mask.c - MASK and its four relatives: every unit becomes the mark of its class (functions.md 3.3.3).
 */
#include <unicode/uchar.h>

#include "udf/units.h"

enum { MASK_UPPER, MASK_LOWER, MASK_DIGIT, MASK_OTHER, MASK_CLASSES, MASK_KEEP = 0x10000 };

/* Marks by class, or MASK_KEEP. Custom marks are the last four arguments. */
static Status read_marks(const FnCall *call, size_t first, uint32_t marks[MASK_CLASSES], Error *err)
{
    static const char defaults[] = "Xxn-";
    for (size_t i = 0; i < MASK_CLASSES; i++) {
        marks[i] = (unsigned char)defaults[i];
        if (call->count <= first)
            continue;
        Value  mark = call->args[first + i];
        Str    text = value_is_null(mark) ? STR_LIT("") : value_str(mark);
        size_t at   = 0;
        if (!value_is_null(mark) && utf16_length(text) != 1)
            return error_set(err, E_DATA, NO_POS,
                             "Invalid mask character. Must be only single character, but was '" STR_FMT "'",
                             STR_ARG(text));
        marks[i] = value_is_null(mark) ? MASK_KEEP : utf8_next(text, &at);
    }
    return OK;
}

static int class_of(uint32_t cp)
{
    switch (u_charType((UChar32)cp)) {
    case U_UPPERCASE_LETTER:
        return MASK_UPPER;
    case U_LOWERCASE_LETTER:
        return MASK_LOWER;
    case U_DECIMAL_DIGIT_NUMBER:
        return MASK_DIGIT;
    default:
        return MASK_OTHER;
    }
}

/* Masks the units in [from, to). A supplementary character has two units, and gives two marks. */
static Status mask_range(const FnCall *call, size_t first_mark, size_t from, size_t to, Value *result,
                         Error *err)
{
    uint32_t marks[MASK_CLASSES];
    Str      text = value_str(call->args[0]);
    size_t   len = 0, unit = 0;
    TRY(read_marks(call, first_mark, marks, err));
    char *out = arena_try_alloc(call->arena, text.len * 6 + 4, err);
    if (out == NULL)
        return E_LIMIT;
    for (size_t at = 0; at < text.len;) {
        uint32_t cp     = utf8_next(text, &at);
        size_t   units  = cp >= 0x10000 ? 2 : 1;
        uint32_t mark   = marks[class_of(cp)];
        bool     inside = unit + units > from && unit < to;
        for (size_t i = 0; i < units; i++)
            if (inside && mark != MASK_KEEP)
                len += utf8_put(mark, out + len);
        if (!inside || mark == MASK_KEEP)
            len += utf8_put(cp, out + len);
        unit += units;
    }
    *result = value_string(out, len);
    return OK;
}

static Status fn_mask(const FnCall *call, Value *result, Error *err)
{
    *result = value_null();
    return value_is_null(call->args[0]) ? OK : mask_range(call, 1, 0, SIZE_MAX, result, err);
}

/* How many units of the text the second argument means. */
static Status read_count(const FnCall *call, const char *name, size_t *length, size_t *count, Error *err)
{
    Value n = call->args[1];
    if (value_is_null(n) || n.as.i64 < 0)
        return error_set(err, E_DATA, NO_POS,
                         "function %s requires a non-negative number of characters to mask or skip", name);
    *length = value_is_null(call->args[0]) ? 0 : utf16_length(value_str(call->args[0]));
    *count  = (size_t)n.as.i64 > *length ? *length : (size_t)n.as.i64;
    return OK;
}

#define MASK_FUNCTION(function, name, from, to)                                                              \
    static Status function(const FnCall *call, Value *result, Error *err)                                    \
    {                                                                                                        \
        size_t length, n;                                                                                    \
        TRY(read_count(call, name, &length, &n, err));                                                       \
        *result = value_null();                                                                              \
        return value_is_null(call->args[0]) ? OK : mask_range(call, 2, from, to, result, err);               \
    }

MASK_FUNCTION(fn_mask_left, "mask_left", 0, n)
MASK_FUNCTION(fn_mask_right, "mask_right", length - n, length)
MASK_FUNCTION(fn_mask_keep_left, "mask_keep_left", n, length)
MASK_FUNCTION(fn_mask_keep_right, "mask_keep_right", 0, length - n)

#define MARKS "upper STRING, lower STRING, digit STRING, other STRING"
#define COUNTED_ROWS(name, eval, doc)                                                                        \
    {name, "(input STRING, numChars INT) -> STRING", 0, eval, doc, NULL},                                    \
    {                                                                                                        \
        name, "(input STRING, numChars INT, " MARKS ") -> STRING", 0, eval, doc, NULL                        \
    }

const ScalarFn mask_functions[] = {
    {"mask", "(input STRING) -> STRING", 0, fn_mask, "Every character replaced by the mark of its class.",
     NULL},
    {"mask", "(input STRING, " MARKS ") -> STRING", 0, fn_mask,
     "Every character replaced by the mark of its class.", NULL},
    COUNTED_ROWS("mask_left", fn_mask_left, "The first characters masked."),
    COUNTED_ROWS("mask_right", fn_mask_right, "The last characters masked."),
    COUNTED_ROWS("mask_keep_left", fn_mask_keep_left, "All but the first characters masked."),
    COUNTED_ROWS("mask_keep_right", fn_mask_keep_right, "All but the last characters masked."),
    {0},
};
