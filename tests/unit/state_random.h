/*
 * state_random.h - random schemas, and random values with the odd ones among them, for tests of state/.
 *
 * Everything follows from one seed. Types are drawn from a table: a new SQL type is a row there and a case in
 * random_value. Two values are the same only when every bit is: NaNs and zeros by their bits, decimals by
 * their scale and form.
 */
#ifndef SLUICE_TESTS_STATE_RANDOM_H
#define SLUICE_TESTS_STATE_RANDOM_H

#include <float.h>
#include <math.h>

#include "core/decimal.h"
#include "state_fixture.h"

typedef struct {
    uint64_t state;
} Random;

/* splitmix64: any seed will do, 0 included. */
static inline uint64_t random_bits(Random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
    z          = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z          = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline size_t random_below(Random *r, size_t n) { return (size_t)(random_bits(r) % n); }
static inline bool   random_once_in(Random *r, size_t n) { return random_below(r, n) == 0; }

/* ---- types and columns ---- */

static inline const SqlType *random_type(Random *r, Arena *arena, int depth)
{
    static const SqlType *const plain[] = {&type_boolean, &type_integer, &type_bigint,
                                           &type_double,  &type_string,  &type_bytes,
                                           &type_time,    &type_date,    &type_timestamp};
    size_t                      which   = random_below(r, ARRAY_LEN(plain) + 1 + (depth > 0 ? 3 : 0));
    if (which < ARRAY_LEN(plain))
        return plain[which];
    switch (which - ARRAY_LEN(plain)) {
    case 0: {
        int precision = 1 + (int)random_below(r, 60);
        return type_decimal_unchecked(arena, precision, (int)random_below(r, (size_t)precision + 1));
    }
    case 1:
        return type_array(arena, random_type(r, arena, depth - 1));
    case 2:
        return type_map(arena, &type_string, random_type(r, arena, depth - 1));
    default: {
        SqlField fields[3];
        size_t   count = 1 + random_below(r, ARRAY_LEN(fields));
        for (size_t i = 0; i < count; i++)
            fields[i] = (SqlField){str_printf(arena, "F\"%zu", i), random_type(r, arena, depth - 1)};
        return type_struct(arena, fields, count);
    }
    }
}

/* Names that SQL, SQLite or the table's own columns could trip over; some of them twice in one table, but for
 * the case of a letter. */
static inline Str random_name(Random *r, Arena *arena, size_t number)
{
    static const char *const odd[] = {"_key",        "_START",    "_end",     "_partition", "ROWTIME",
                                      "windowstart", "WINDOWEND", "_exact",   "a b",        "A B",
                                      "\"q\"",       "it's; --",  "_state_0", "",           "\xc3\xa4\n",
                                      "select",      "_visible",  "x",        "X",          "_STATE_12",
                                      "?1",          "excluded",  "rowid",    "oid"};
    if (random_once_in(r, 2))
        return str_c(odd[random_below(r, ARRAY_LEN(odd))]);
    return str_printf(arena, "C%zu", number);
}

static inline Column *random_columns(Random *r, Arena *arena, size_t count, size_t *number)
{
    Column *columns = ARENA_ARRAY(arena, Column, count + 1);
    for (size_t i = 0; i < count; i++)
        columns[i] = (Column){.name = random_name(r, arena, (*number)++), .type = random_type(r, arena, 2)};
    return columns;
}

/* ---- values ---- */

static inline Str random_text(Random *r, Arena *arena, bool text)
{
    static const char *const letters[] = {"a",  "Z", "\xc3\xa9", "\xf0\x9f\x98\x80", "'", "\"",
                                          "\\", " ", "0"};
    size_t                   len       = random_below(r, random_once_in(r, 20) ? 3000 : 12);
    StrBuf                   out       = {0};
    for (size_t i = 0; i < len; i++)
        if (random_once_in(r, 12))
            strbuf_addc(&out, '\0');
        else if (text)
            strbuf_adds(&out, letters[random_below(r, ARRAY_LEN(letters))]);
        else
            strbuf_addc(&out, (char)random_bits(r));
    Str copy = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return copy;
}

static inline double random_double(Random *r)
{
    static const double odd[] = {0.0,  -0.0,    NAN,     -NAN,        INFINITY,           -INFINITY,
                                 1.0,  DBL_MAX, DBL_MIN, 5e-324,      9007199254740993.0, 1e300,
                                 -1.5, 1e15,    3.0,     2147483648.0};
    if (random_once_in(r, 2))
        return odd[random_below(r, ARRAY_LEN(odd))];
    uint64_t bits = random_bits(r);
    double   d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline int64_t random_int(Random *r, SqlKind kind)
{
    static const int64_t odd[] = {0,  1, -1, INT64_MAX, INT64_MIN, (int64_t)1 << 53, ((int64_t)1 << 53) + 1,
                                  127};
    int64_t              n     = random_once_in(r, 2) ? odd[random_below(r, ARRAY_LEN(odd))]
                                                      : (int64_t)random_bits(r) >> random_below(r, 64);
    switch (kind) {
    case T_BOOLEAN:
        return n & 1;
    case T_INTEGER:
        return (int32_t)n;
    case T_TIME:
        return random_once_in(r, 8) ? n : (int64_t)((uint64_t)n % 86400000);
    case T_DATE:
        return random_once_in(r, 4) ? n >> 20 : n % 100000;
    default:
        return n;
    }
}

static inline Value random_decimal(Random *r, Arena *arena, const SqlType *type)
{
    if (random_once_in(r, 3) && type->precision > 18) {
        char   bytes[24];
        size_t len = 9 + random_below(r, 15);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(random_bits(r) | 1);
        bytes[0] = (char)(random_bits(r) % 126 + 1); /* the shortest form has no leading sign byte */
        return decimal_from_bytes(arena, str_n(bytes, len), type->scale);
    }
    return value_decimal(random_int(r, T_BIGINT), type->scale);
}

static inline Value random_value(Random *r, Arena *arena, const SqlType *type)
{
    if (random_once_in(r, 6))
        return value_null();
    size_t count = random_below(r, 4);
    switch (type->kind) {
    case T_DOUBLE:
        return value_from_double(random_double(r));
    case T_STRING:
    case T_BYTES:
        return value_from_str(random_text(r, arena, type->kind == T_STRING));
    case T_DECIMAL:
        return random_decimal(r, arena, type);
    case T_ARRAY:
    case T_STRUCT: {
        if (type->kind == T_STRUCT)
            count = type->field_count;
        Value *items = ARENA_ARRAY(arena, Value, count + 1);
        for (size_t i = 0; i < count; i++)
            items[i] = random_value(r, arena, type->kind == T_ARRAY ? type->element : type->fields[i].type);
        return value_array(items, count);
    }
    case T_MAP: {
        MapEntry *entries = ARENA_ARRAY(arena, MapEntry, count + 1);
        for (size_t i = 0; i < count; i++) {
            entries[i].key   = value_from_str(str_printf(arena, "%zu", i));
            entries[i].value = random_value(r, arena, type->element);
        }
        return value_map(entries, count);
    }
    default:
        return value_from_int(random_int(r, type->kind));
    }
}

static inline Value *random_values(Random *r, Arena *arena, const Column *columns, size_t count)
{
    Value *values = ARENA_ARRAY(arena, Value, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] = random_value(r, arena, columns[i].type);
    return values;
}

/* ---- the same, to the bit ---- */

static inline bool value_same(const SqlType *type, Value a, Value b)
{
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(a) && value_is_null(b);
    switch (type->kind) {
    case T_STRING:
    case T_BYTES:
        return str_equal(value_str(a), value_str(b));
    case T_DECIMAL:
        if (a.scale != b.scale || ((a.flags ^ b.flags) & VALUE_BIG))
            return false;
        return a.flags & VALUE_BIG ? str_equal(value_str(a), value_str(b)) : a.as.i64 == b.as.i64;
    case T_ARRAY:
    case T_STRUCT:
    case T_MAP:
        if (a.len != b.len)
            return false;
        for (uint32_t i = 0; i < a.len; i++) {
            if (type->kind == T_MAP &&
                !value_same(type->key, value_entries(a)[i].key, value_entries(b)[i].key))
                return false;
            Value x = type->kind == T_MAP ? value_entries(a)[i].value : value_items(a)[i];
            Value y = type->kind == T_MAP ? value_entries(b)[i].value : value_items(b)[i];
            if (!value_same(type->kind == T_STRUCT ? type->fields[i].type : type->element, x, y))
                return false;
        }
        return true;
    default:
        return a.as.i64 == b.as.i64; /* doubles by their bits */
    }
}

#endif
