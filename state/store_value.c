/*
 * store_value.c - deep copies of a row's values into one block of known size, so that a cached row is at most
 * two allocations however its values are nested. Everything is laid out in steps of 8 bytes.
 */
#include "state/store_cache.h"

static size_t padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static bool is_fixed(SqlKind kind, Value v)
{
    return value_is_null(v) || !(kind == T_STRING || kind == T_BYTES || kind == T_ARRAY || kind == T_STRUCT ||
                                 kind == T_MAP || (v.flags & VALUE_BIG));
}

static const SqlType *item_type(const SqlType *type, uint32_t i)
{
    return type->kind == T_ARRAY ? type->element : type->fields[i].type;
}

static size_t value_size(const SqlType *type, Value v)
{
    size_t size;
    if (is_fixed(type->kind, v))
        return 0;
    switch (type->kind) {
    case T_ARRAY:
    case T_STRUCT:
        size = v.len * sizeof(Value);
        for (uint32_t i = 0; i < v.len; i++)
            size += value_size(item_type(type, i), value_items(v)[i]);
        return size;
    case T_MAP:
        size = v.len * sizeof(MapEntry);
        for (uint32_t i = 0; i < v.len; i++)
            size += value_size(type->key, value_entries(v)[i].key) +
                    value_size(type->element, value_entries(v)[i].value);
        return size;
    default:
        return padded(v.len);
    }
}

size_t store_values_size(const Column *columns, const Value *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += value_size(columns[i].type, values[i]);
    return size;
}

static void *take(char **at, size_t size)
{
    void *ptr = *at;
    *at += padded(size);
    return ptr;
}

static Value copy_value(const SqlType *type, Value v, char **at)
{
    if (is_fixed(type->kind, v))
        return v;
    Value copy = v;
    if (v.len == 0) {
        copy.as.ptr = "";
    } else if (type->kind == T_ARRAY || type->kind == T_STRUCT) {
        Value *items = take(at, v.len * sizeof(Value));
        for (uint32_t i = 0; i < v.len; i++)
            items[i] = copy_value(item_type(type, i), value_items(v)[i], at);
        copy.as.ptr = items;
    } else if (type->kind == T_MAP) {
        MapEntry *entries = take(at, v.len * sizeof(MapEntry));
        for (uint32_t i = 0; i < v.len; i++) {
            entries[i].key   = copy_value(type->key, value_entries(v)[i].key, at);
            entries[i].value = copy_value(type->element, value_entries(v)[i].value, at);
        }
        copy.as.ptr = entries;
    } else {
        copy.as.ptr = memcpy(take(at, v.len), v.as.ptr, v.len);
    }
    return copy;
}

void store_values_copy(const Column *columns, const Value *from, size_t count, Value *values, char **at)
{
    for (size_t i = 0; i < count; i++)
        values[i] = copy_value(columns[i].type, from[i], at);
}
