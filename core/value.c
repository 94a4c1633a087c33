/*
 * value.c - values compared, hashed and copied, as functions and stores see them (not the SQL operator `=`).
 *
 * Invariant: value_equal(a, b) implies value_hash(a) == value_hash(b). Recursion follows the type.
 */
#include "core/decimal.h"

#include <endian.h>
#include <math.h>

/* Bits that are equal exactly for equal doubles: there are many NaNs, but they are one value. */
static uint64_t double_bits(double d)
{
    uint64_t bits;
    if (isnan(d))
        return 0x7ff8000000000000ull;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static inline uint64_t hash_bits(uint64_t bits)
{
    unsigned __int128 product = (unsigned __int128)(bits ^ 0xa0761d6478bd642full) * 0xe7037ed1a0b428dbull;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * Map equality. Maps that came the same way have their entries in the same order, so that is tried first.
 * Otherwise keys are looked up in a table of b's entries: maps come from users, and quadratic time is an
 * attack.
 */
typedef struct {
    const MapEntry *entries;
    const SqlType  *key_type;
    uint32_t       *slots; /* entry index + 1, 0 = free */
    size_t          mask;
} MapIndex;

static uint32_t *index_slot(const MapIndex *index, Value key)
{
    size_t at = (size_t)value_hash(index->key_type, key) & index->mask;
    while (index->slots[at] != 0 &&
           !value_equal(index->key_type, index->entries[index->slots[at] - 1].key, key))
        at = (at + 1) & index->mask;
    return &index->slots[at];
}

static bool map_equal_unordered(const SqlType *type, Value a, Value b, uint32_t from)
{
    size_t size = 8;
    while (size < (size_t)b.len * 2)
        size *= 2;
    MapIndex index = {value_entries(b), type->key, mem_calloc(size, sizeof(uint32_t)), size - 1};
    for (uint32_t i = from; i < b.len; i++)
        *index_slot(&index, index.entries[i].key) = i + 1;
    bool equal = true;
    for (uint32_t i = from; equal && i < a.len; i++) {
        const MapEntry *entry = &value_entries(a)[i];
        uint32_t        found = *index_slot(&index, entry->key);
        equal = found != 0 && value_equal(type->element, entry->value, index.entries[found - 1].value);
    }
    mem_free(index.slots);
    return equal;
}

static bool map_equal(const SqlType *type, Value a, Value b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++) {
        const MapEntry *x = &value_entries(a)[i], *y = &value_entries(b)[i];
        if (!value_equal(type->key, x->key, y->key))
            return map_equal_unordered(type, a, b, i);
        if (!value_equal(type->element, x->value, y->value))
            return false;
    }
    return true;
}

static const SqlType *item_type(const SqlType *type, uint32_t i)
{
    return type->kind == T_STRUCT ? type->fields[i].type : type->element;
}

static bool items_equal(const SqlType *type, Value a, Value b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (!value_equal(item_type(type, i), value_items(a)[i], value_items(b)[i]))
            return false;
    return true;
}

bool value_equal(const SqlType *type, Value a, Value b)
{
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(a) && value_is_null(b);
    switch (type->kind) {
    case T_DOUBLE:
        return double_bits(a.as.f64) == double_bits(b.as.f64);
    case T_STRING:
    case T_BYTES:
        return str_equal(value_str(a), value_str(b));
    case T_DECIMAL:
        if (a.scale != b.scale || ((a.flags ^ b.flags) & VALUE_BIG))
            return false;
        return a.flags & VALUE_BIG ? str_equal(value_str(a), value_str(b)) : a.as.i64 == b.as.i64;
    case T_ARRAY:
    case T_STRUCT:
        return items_equal(type, a, b);
    case T_MAP:
        return map_equal(type, a, b);
    case T_NULL:
    case T_LAMBDA:
        return true;
    default:
        return a.as.i64 == b.as.i64;
    }
}

static int double_compare(double a, double b)
{
    if (a < b)
        return -1;
    if (a > b)
        return 1;
    int64_t x = (int64_t)double_bits(a), y = (int64_t)double_bits(b); /* -0.0 before 0.0; NaN after all */
    return (x > y) - (x < y);
}

static int bytes_compare(Str a, Str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < common; i++)
        if (a.ptr[i] != b.ptr[i])
            return (signed char)a.ptr[i] < (signed char)b.ptr[i] ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

static int items_compare(const SqlType *type, Value a, Value b)
{
    for (uint32_t i = 0; i < a.len && i < b.len; i++) {
        int order = value_compare(item_type(type, i), value_items(a)[i], value_items(b)[i]);
        if (order != 0)
            return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

int value_compare(const SqlType *type, Value a, Value b)
{
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(b) - value_is_null(a);
    switch (type->kind) {
    case T_DOUBLE:
        return double_compare(a.as.f64, b.as.f64);
    case T_STRING:
        return utf16_compare(value_str(a), value_str(b));
    case T_BYTES:
        return bytes_compare(value_str(a), value_str(b));
    case T_DECIMAL:
        return decimal_compare(a, b);
    case T_ARRAY:
    case T_STRUCT:
        return items_compare(type, a, b);
    case T_MAP: { /* SQL does not order maps: any total order will do */
        uint64_t x = value_hash(type, a), y = value_hash(type, b);
        return (x > y) - (x < y);
    }
    case T_NULL:
    case T_LAMBDA:
        return 0;
    default:
        return (a.as.i64 > b.as.i64) - (a.as.i64 < b.as.i64);
    }
}

static uint64_t map_hash(const SqlType *type, Value v)
{
    uint64_t sum = v.len; /* a sum, since order does not count */
    for (uint32_t i = 0; i < v.len; i++) {
        const MapEntry *entry = &value_entries(v)[i];
        sum += hash_bits(value_hash(type->key, entry->key) * 3 + value_hash(type->element, entry->value));
    }
    return sum;
}

uint64_t value_hash(const SqlType *type, Value v)
{
    uint64_t hash;
    if (value_is_null(v))
        return 0x9e3779b97f4a7c15ull;
    switch (type->kind) {
    case T_DOUBLE:
        return hash_bits(double_bits(v.as.f64));
    case T_STRING:
    case T_BYTES:
        return str_hash(value_str(v));
    case T_DECIMAL:
        hash = v.flags & VALUE_BIG ? str_hash(value_str(v)) : hash_bits((uint64_t)v.as.i64);
        return hash ^ (uint64_t)(uint16_t)v.scale << 48;
    case T_ARRAY:
    case T_STRUCT:
        hash = v.len;
        for (uint32_t i = 0; i < v.len; i++)
            hash = hash_bits(hash * 31 + value_hash(item_type(type, i), value_items(v)[i]));
        return hash;
    case T_MAP:
        return map_hash(type, v);
    case T_NULL:
    case T_LAMBDA:
        return 0;
    default:
        return hash_bits((uint64_t)v.as.i64);
    }
}

/* ---- deep copies: one piece, laid out in steps of 8 bytes ---- */

static size_t padded(size_t n) { return (n + 7) & ~(size_t)7; }

size_t value_pack_size(const SqlType *type, Value v)
{
    size_t size;
    if (value_is_fixed(type->kind, v))
        return 0;
    switch (type->kind) {
    case T_ARRAY:
    case T_STRUCT:
        size = v.len * sizeof(Value);
        for (uint32_t i = 0; i < v.len; i++)
            size += value_pack_size(item_type(type, i), value_items(v)[i]);
        return size;
    case T_MAP:
        size = v.len * sizeof(MapEntry);
        for (uint32_t i = 0; i < v.len; i++)
            size += value_pack_size(type->key, value_entries(v)[i].key) +
                    value_pack_size(type->element, value_entries(v)[i].value);
        return size;
    default:
        return padded(v.len);
    }
}

static void *take(char **at, size_t size)
{
    void *ptr = *at;
    *at += padded(size);
    return ptr;
}

Value value_pack(const SqlType *type, Value v, char **at)
{
    if (value_is_fixed(type->kind, v))
        return v;
    Value copy = v;
    if (v.len == 0) {
        copy.as.ptr = "";
    } else if (type->kind == T_ARRAY || type->kind == T_STRUCT) {
        Value *items = take(at, v.len * sizeof(Value));
        for (uint32_t i = 0; i < v.len; i++)
            items[i] = value_pack(item_type(type, i), value_items(v)[i], at);
        copy.as.ptr = items;
    } else if (type->kind == T_MAP) {
        MapEntry *entries = take(at, v.len * sizeof(MapEntry));
        for (uint32_t i = 0; i < v.len; i++) {
            entries[i].key   = value_pack(type->key, value_entries(v)[i].key, at);
            entries[i].value = value_pack(type->element, value_entries(v)[i].value, at);
        }
        copy.as.ptr = entries;
    } else {
        copy.as.ptr = memcpy(take(at, v.len), v.as.ptr, v.len);
    }
    return copy;
}

Value value_copy(Arena *arena, const SqlType *type, Value v)
{
    size_t size = value_pack_size(type, v);
    char  *at   = size > 0 ? arena_alloc(arena, size) : NULL;
    return value_pack(type, v, &at);
}

void int64_put(int64_t n, char out[8])
{
    uint64_t big = htobe64((uint64_t)n);
    memcpy(out, &big, sizeof big);
}

int64_t int64_take(const char from[8])
{
    uint64_t big;
    memcpy(&big, from, sizeof big);
    return (int64_t)be64toh(big);
}
