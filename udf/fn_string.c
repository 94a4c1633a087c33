/*
 * fn_string.c - STRING functions that count or cut: LEN, SUBSTRING, INSTR, LPAD, SPLIT and the like, for text
 * and BYTES alike.
 *
 * Positions and lengths are UTF-16 units (units.h), from 1. Searching needs no units: a valid UTF-8 text is
 * found in another bytewise.
 */
#include "udf/units.h"

enum { MAX_TEXT = 64 * 1024 * 1024 };

static Status fn_len(const FnCall *call, Value *result, Error *err)
{
    Str text = value_str(call->args[0]);
    *result  = value_from_int((int64_t)(call->arg_types[0]->kind == T_BYTES ? text.len : utf16_length(text)));
    return OK;
}

static Status fn_substring(const FnCall *call, Value *result, Error *err)
{
    Str     text = value_str(call->args[0]);
    int64_t pos = call->args[1].as.i64, count = call->count == 3 ? call->args[2].as.i64 : INT64_MAX;
    Units   units;
    TRY(units_open(text, units_are_narrow(call->type, text, STR_NULL), call->arena, &units, err));
    int64_t len   = (int64_t)units.len;
    int64_t start = pos > 0 ? pos - 1 : pos == 0 ? 0 : len + pos < 0 ? 0 : len + pos;
    start         = start > len ? len : start;
    count         = count < 0 ? 0 : count > len - start ? len - start : count;
    return units_value(units, (size_t)start, (size_t)count, call->arena, result, err);
}

/* ---- INSTR (functions.md 3.3.2) ---- */

static bool matches_at(Units text, Units sub, int64_t at)
{
    return memcmp(text.ptr + (size_t)at * text.width, sub.ptr, sub.len * sub.width) == 0;
}

/* The nth match from `start` in that direction; its position from 1, or 0. Matches may overlap. */
static int64_t find_nth(Units text, Units sub, int64_t start, int step, int64_t occurrence)
{
    int64_t last = (int64_t)text.len - (int64_t)sub.len;
    for (int64_t at = start > last && step < 0 ? last : start; at >= 0 && at <= last; at += step)
        if (matches_at(text, sub, at) && --occurrence == 0)
            return at + 1;
    return 0;
}

static Status fn_instr(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_int(0);
    for (size_t i = 2; i < call->count; i++)
        if (value_is_null(call->args[i]))
            return error_set(err, E_DATA, NO_POS, "INSTR: position and occurrence must not be NULL");
    if (value_is_null(call->args[0]) || value_is_null(call->args[1]))
        return OK;
    Str     text = value_str(call->args[0]), sub = value_str(call->args[1]);
    int64_t pos        = call->count > 2 ? call->args[2].as.i64 : 1;
    int64_t occurrence = call->count > 3 ? call->args[3].as.i64 : 1;
    bool    narrow     = units_are_narrow(&type_string, text, sub);
    Units   units, needle;
    TRY(units_open(text, narrow, call->arena, &units, err));
    TRY(units_open(sub, narrow, call->arena, &needle, err));
    int64_t len = (int64_t)units.len;
    if (pos == 0 || pos > len || pos < -len || occurrence <= 0)
        return OK;
    /* Leftward: |pos| from the end is the last unit that a match may end at. */
    int64_t at = pos > 0 ? find_nth(units, needle, pos - 1, 1, occurrence)
                         : find_nth(units, needle, len + pos - (int64_t)needle.len + 1, -1, occurrence);
    *result    = value_from_int(at);
    return OK;
}

/* ---- LPAD, RPAD ---- */

static Status pad(const FnCall *call, bool left, Value *result, Error *err)
{
    Str     text = value_str(call->args[0]), with = value_str(call->args[2]);
    int64_t length = call->args[1].as.i64;
    bool    narrow = units_are_narrow(call->type, text, with);
    Units   units, filler;
    *result = value_null();
    if (length < 0 || with.len == 0)
        return OK;
    if (length > MAX_TEXT)
        return error_set(err, E_DATA, NO_POS, "%s: a length of %lld is too long", left ? "LPAD" : "RPAD",
                         (long long)length);
    TRY(units_open(text, narrow, call->arena, &units, err));
    TRY(units_open(with, narrow, call->arena, &filler, err));
    if ((size_t)length <= units.len)
        return units_value(units, 0, (size_t)length, call->arena, result, err);
    size_t width = units.width, missing = (size_t)length - units.len;
    char  *out = arena_try_alloc(call->arena, (size_t)length * width + 1, err);
    if (out == NULL)
        return E_LIMIT;
    char *gap = left ? out : out + units.len * width;
    for (size_t i = 0; i < missing; i++)
        memcpy(gap + i * width, filler.ptr + i % filler.len * width, width);
    if (units.len > 0)
        memcpy(left ? out + missing * width : out, units.ptr, units.len * width);
    return units_value((Units){out, (size_t)length, width}, 0, (size_t)length, call->arena, result, err);
}

static Status fn_lpad(const FnCall *call, Value *result, Error *err) { return pad(call, true, result, err); }

static Status fn_rpad(const FnCall *call, Value *result, Error *err) { return pad(call, false, result, err); }

/* ---- SPLIT, SPLIT_TO_MAP ---- */

static size_t count_of(Str text, Str needle)
{
    size_t count = 0;
    for (ptrdiff_t at = 0; (at = str_find(text, needle, (size_t)at)) >= 0; at += (ptrdiff_t)needle.len)
        count++;
    return count;
}

static Status split_units(const FnCall *call, Str text, Value *result, Error *err)
{
    Units units;
    TRY(units_open(text, units_are_narrow(call->arg_types[0], text, STR_NULL), call->arena, &units, err));
    Value *items = arena_try_alloc(call->arena, (units.len + 1) * sizeof *items, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < units.len; i++)
        TRY(units_value(units, i, 1, call->arena, &items[i], err));
    *result = value_array(items, units.len);
    return OK;
}

static Status fn_split(const FnCall *call, Value *result, Error *err)
{
    Str text = value_str(call->args[0]), delimiter = value_str(call->args[1]);
    if (delimiter.len == 0 && text.len > 0)
        return split_units(call, text, result, err);
    size_t count = delimiter.len == 0 ? 1 : count_of(text, delimiter) + 1, from = 0;
    Value *items = arena_try_alloc(call->arena, count * sizeof *items, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? (size_t)str_find(text, delimiter, from) : text.len;
        items[i]   = value_string(text.ptr + from, end - from);
        from       = end + delimiter.len;
    }
    *result = value_array(items, count);
    return OK;
}

/* Pieces 1 and 2 of an entry; the rest is ignored. */
static bool split_entry(Str entry, Str delimiter, MapEntry *out)
{
    ptrdiff_t key_end = str_find(entry, delimiter, 0);
    if (entry.len == 0 || key_end < 0)
        return false;
    size_t    from = (size_t)key_end + delimiter.len;
    ptrdiff_t end  = str_find(entry, delimiter, from);
    out->key       = value_string(entry.ptr, (size_t)key_end);
    out->value     = value_string(entry.ptr + from, (end < 0 ? entry.len : (size_t)end) - from);
    return true;
}

static void put_entry(MapEntry *entries, size_t *count, MapEntry entry)
{
    size_t at = 0;
    while (at < *count && !str_equal(value_str(entries[at].key), value_str(entry.key)))
        at++;
    entries[at] = entry;
    *count += at == *count;
}

static Status fn_split_to_map(const FnCall *call, Value *result, Error *err)
{
    Str text = value_str(call->args[0]), between = value_str(call->args[1]),
        inside = value_str(call->args[2]);
    *result    = value_null();
    if (between.len == 0 || inside.len == 0 || str_equal(between, inside))
        return OK;
    size_t    pieces = count_of(text, between) + 1, from = 0, count = 0;
    MapEntry *entries = arena_try_alloc(call->arena, pieces * sizeof *entries, err);
    if (entries == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < pieces; i++) {
        size_t   end = i + 1 < pieces ? (size_t)str_find(text, between, from) : text.len;
        MapEntry entry;
        if (split_entry(str_n(text.ptr + from, end - from), inside, &entry))
            put_entry(entries, &count, entry);
        from = end + between.len;
    }
    *result = value_map(entries, count);
    return OK;
}

/* ---- REPLACE, TRIM ---- */

/* An empty `old` puts `new` around every unit. */
static Status replace_empty(const FnCall *call, Str text, Str with, StrBuf *out, Error *err)
{
    Units units;
    TRY(units_open(text, str_is_ascii(text), call->arena, &units, err));
    strbuf_add(out, with);
    for (size_t i = 0; i < units.len; i++) {
        Value unit;
        TRY(units_value(units, i, 1, call->arena, &unit, err));
        strbuf_add(out, value_str(unit));
        strbuf_add(out, with);
        if (out->len > MAX_TEXT)
            return error_set(err, E_DATA, NO_POS, "REPLACE: the result is too long");
    }
    return OK;
}

static Status replace_all(Str text, Str old, Str with, StrBuf *out, Error *err)
{
    size_t from = 0;
    for (ptrdiff_t at; (at = str_find(text, old, from)) >= 0; from = (size_t)at + old.len) {
        strbuf_add(out, str_n(text.ptr + from, (size_t)at - from));
        strbuf_add(out, with);
        if (out->len > MAX_TEXT)
            return error_set(err, E_DATA, NO_POS, "REPLACE: the result is too long");
    }
    strbuf_add(out, str_n(text.ptr + from, text.len - from));
    return OK;
}

static Status fn_replace(const FnCall *call, Value *result, Error *err)
{
    Str    text = value_str(call->args[0]), old = value_str(call->args[1]), with = value_str(call->args[2]);
    StrBuf out = {0};
    Status status =
        old.len == 0 ? replace_empty(call, text, with, &out, err) : replace_all(text, old, with, &out, err);
    if (status == OK)
        *result = value_from_str(str_dup(call->arena, strbuf_str(&out)));
    strbuf_clear(&out);
    return status;
}

/* Java's trim: everything up to U+0020, which is one byte in UTF-8. */
static Status fn_trim(const FnCall *call, Value *result, Error *err)
{
    Str text = value_str(call->args[0]);
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    while (text.len > 0 && (unsigned char)text.ptr[0] <= ' ') {
        text.ptr++;
        text.len--;
    }
    *result = value_from_str(text);
    return OK;
}

#define N0 FN_NULL_IF_ANY_NULL
#define SUB_DOC "The part from a position (negative: from the end), up to that many units."
#define INSTR_DOC "The position of the nth occurrence from a position; 0 when there is none."
#define LPAD_DOC "Filled up on the left to that length, or cut to it."
#define RPAD_DOC "Filled up on the right to that length, or cut to it."
#define SPLIT_DOC "The pieces between delimiters, empty ones included."

const ScalarFn string_functions[] = {
    {"instr", "(str STRING, substring STRING) -> INT", 0, fn_instr, INSTR_DOC, NULL},
    {"instr", "(str STRING, substring STRING, position INT) -> INT", 0, fn_instr, INSTR_DOC, NULL},
    {"instr", "(str STRING, substring STRING, position INT, occurrence INT) -> INT", 0, fn_instr, INSTR_DOC,
     NULL},
    {"len", "(input STRING) -> INT", N0, fn_len, "The length of a text.", NULL},
    {"len", "(input BYTES) -> INT", N0, fn_len, "How many bytes there are.", NULL},
    {"LPad", "(input STRING, targetLen INT, padding STRING) -> STRING", N0, fn_lpad, LPAD_DOC, NULL},
    {"LPad", "(input BYTES, targetLen INT, padding BYTES) -> BYTES", N0, fn_lpad, LPAD_DOC, NULL},
    {"replace", "(str STRING, oldStr STRING, newStr STRING) -> STRING", N0, fn_replace,
     "Every occurrence of a text replaced.", NULL},
    {"RPad", "(input STRING, targetLen INT, padding STRING) -> STRING", N0, fn_rpad, RPAD_DOC, NULL},
    {"RPad", "(input BYTES, targetLen INT, padding BYTES) -> BYTES", N0, fn_rpad, RPAD_DOC, NULL},
    {"split", "(string STRING, delimiter STRING) -> ARRAY<STRING>", N0, fn_split, SPLIT_DOC, NULL},
    {"split", "(bytes BYTES, delimiter BYTES) -> ARRAY<BYTES>", N0, fn_split, SPLIT_DOC, NULL},
    {"split_to_map", "(input STRING, entryDelimiter STRING, kvDelimiter STRING) -> MAP<STRING, STRING>", N0,
     fn_split_to_map, "A text of entries, each a key and a value, as a map.", NULL},
    {"substring", "(text STRING, pos INT) -> STRING", N0, fn_substring, SUB_DOC, NULL},
    {"substring", "(text STRING, pos INT, length INT) -> STRING", N0, fn_substring, SUB_DOC, NULL},
    {"substring", "(bytes BYTES, pos INT) -> BYTES", N0, fn_substring, SUB_DOC, NULL},
    {"substring", "(bytes BYTES, pos INT, length INT) -> BYTES", N0, fn_substring, SUB_DOC, NULL},
    {"trim", "(input STRING) -> STRING", N0, fn_trim,
     "The text without white space and control characters at its ends.", NULL},
    {0},
};
