/*
 * value.h - a value is 16 bytes; its type is in the schema, not in the value.
 *
 *   BOOLEAN            as.i64 0 or 1
 *   INTEGER, BIGINT    as.i64
 *   DOUBLE             as.f64
 *   DATE               as.i64, days since the epoch
 *   TIME               as.i64, milliseconds of the day
 *   TIMESTAMP, UNIT    as.i64, milliseconds since the epoch; milliseconds of one unit
 *   STRING, BYTES      as.ptr and len; STRING is valid UTF-8
 *   DECIMAL            unscaled number as.i64; beyond 64 bits VALUE_BIG: as.ptr, len = big-endian two's
 * complement. `scale` is the value's own (functions.md 1.3): 1.0 and 1.00 are different values ARRAY as.ptr =
 * const Value[len] STRUCT             as.ptr = const Value[len], in the order of the type's fields MAP as.ptr
 * = const MapEntry[len], in insertion order, keys unique
 *
 * Values are immutable once made: what they point to is shared freely within the life of its arena.
 */
#ifndef SLUICE_CORE_VALUE_H
#define SLUICE_CORE_VALUE_H

#include "core/type.h"

enum {
    VALUE_NULL = 1, /* everything else in the value is meaningless */
    VALUE_BIG  = 2, /* DECIMAL that does not fit 64 bits */
};

typedef struct {
    union {
        int64_t     i64;
        double      f64;
        const void *ptr;
    } as;
    uint32_t len;
    uint16_t flags;
    int16_t  scale; /* DECIMAL */
} Value;

typedef struct {
    Value key, value;
} MapEntry;

_Static_assert(sizeof(Value) == 16, "a Value is 16 bytes: rows are arrays of them");

static inline Value value_null(void) { return (Value){.flags = VALUE_NULL}; }
static inline bool  value_is_null(Value v) { return (v.flags & VALUE_NULL) != 0; }
static inline Value value_from_int(int64_t i) { return (Value){.as.i64 = i}; }
static inline Value value_from_bool(bool b) { return (Value){.as.i64 = b}; }
static inline Value value_from_double(double d) { return (Value){.as.f64 = d}; }
static inline Value value_from_str(Str s) { return (Value){.as.ptr = s.ptr, .len = (uint32_t)s.len}; }
static inline Value value_string(const char *ptr, size_t len)
{
    return (Value){.as.ptr = ptr, .len = (uint32_t)len};
}
static inline Value value_array(const Value *items, size_t n)
{
    return (Value){.as.ptr = items, .len = (uint32_t)n};
}
static inline Value value_map(const MapEntry *items, size_t n)
{
    return (Value){.as.ptr = items, .len = (uint32_t)n};
}
static inline Value value_decimal(int64_t unscaled, int scale)
{
    return (Value){.as.i64 = unscaled, .scale = (int16_t)scale};
}

/* It points nowhere: kind_is_fixed for one value. */
static inline bool value_is_fixed(SqlKind kind, Value v)
{
    return value_is_null(v) || kind_is_fixed(kind) || (kind == T_DECIMAL && !(v.flags & VALUE_BIG));
}

static inline int64_t         value_int(Value v) { return v.as.i64; }
static inline bool            value_bool(Value v) { return v.as.i64 != 0; }
static inline double          value_double(Value v) { return v.as.f64; }
static inline Str             value_str(Value v) { return (Str){(const char *)v.as.ptr, v.len}; }
static inline const Value    *value_items(Value v) { return (const Value *)v.as.ptr; }
static inline const MapEntry *value_entries(Value v) { return (const MapEntry *)v.as.ptr; }

/* Deep equality as functions use it (functions.md 1.3): NULL equals NULL, NaN equals NaN, -0.0 is not 0.0,
 * DECIMALs compare with their scale, maps without regard to order. Not the SQL operator `=`. */
bool value_equal(const SqlType *type, Value a, Value b);
/* Total order of functions.md 1.3 for the ordered kinds (text by UTF-16 unit, bytes signed, NaN last). NULLs
 * first. */
int value_compare(const SqlType *type, Value a, Value b);
/* Equal values have equal hashes. */
uint64_t value_hash(const SqlType *type, Value v);
/* Deep copy into `arena`. */
Value value_copy(Arena *arena, const SqlType *type, Value v);
/* A deep copy where the caller wants it: the bytes that it takes beyond the 16 of the value itself, and the
 * copy, which goes to *at (aligned to 8) and moves it by as many. */
size_t value_pack_size(const SqlType *type, Value v);
Value  value_pack(const SqlType *type, Value v, char **at);

/* The text that CAST(v AS STRING) gives (sql.md 3.6): `1.0E10`, `[a, b]`, `{k=v}`, `Struct{F=v}`; "null" for
 * NULL. */
void value_print(const SqlType *type, Value v, StrBuf *out);

/* Java's Double.toString: shortest digits that read back; plain for 1e-3 <= |d| < 1e7, else d.dddE±n. `out`
 * takes 32 bytes; returns the length. NaN, Infinity, -Infinity by name. */
size_t double_print(double d, char out[32]);
/* Java's Double.parseDouble: trims, accepts NaN, Infinity, 1e3, 0x1p3, suffix d/f. false when it is no
 * number. */
bool double_parse(Str text, double *out);
/* Optional sign and decimal digits, nothing else; false when it is none or does not fit 64 bits. */
bool int64_parse(Str text, int64_t *out);
/* Writes decimal digits with sign; returns the length (20 at most). */
size_t int64_print(int64_t n, char out[24]);
/* As 8 bytes, big-endian: of two that are not negative, the greater has the greater bytes. */
void    int64_put(int64_t n, char out[8]);
int64_t int64_take(const char from[8]);

/* DATE, TIME, TIMESTAMP as text and back, rules of CAST (sql.md 3.6), partial forms included. */
size_t date_print(int64_t days, char out[32]);
size_t time_print(int64_t ms, char out[32]);      /* HH:mm or HH:mm:ss: CAST drops milliseconds and :00 */
size_t timestamp_print(int64_t ms, char out[40]); /* yyyy-MM-ddTHH:mm:ss.SSS, UTC */
bool   date_parse(Str text, int64_t *days);
bool   time_parse(Str text, int64_t *ms);
bool   timestamp_parse(Str text, int64_t *ms);
/* Proleptic Gregorian calendar. */
int64_t days_from_civil(int64_t year, int month, int day);
void    civil_from_days(int64_t days, int64_t *year, int *month, int *day);

#endif
