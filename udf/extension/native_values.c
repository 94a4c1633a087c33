/*
 * native_values.c - see native_values.h.
 *
 * What comes back is checked against the declared type at every level, for a wrong kind would be read as a
 * pointer; it is copied, for the extension may use its memory again. Nesting is that of the type, so it ends.
 */
#include "udf/extension/native_values.h"

#include <stdlib.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, MOST_DECIMAL_BYTES = 64 };

static slv_kind kind_of(const SqlType *type)
{
    static const uint8_t kinds[] = {
        [T_BOOLEAN] = SLV_BOOL,        [T_INTEGER] = SLV_INT,   [T_BIGINT] = SLV_BIGINT,
        [T_DECIMAL] = SLV_DECIMAL,     [T_DOUBLE] = SLV_DOUBLE, [T_STRING] = SLV_STRING,
        [T_BYTES] = SLV_BYTES,         [T_TIME] = SLV_TIME,     [T_DATE] = SLV_DATE,
        [T_TIMESTAMP] = SLV_TIMESTAMP, [T_ARRAY] = SLV_ARRAY,   [T_MAP] = SLV_MAP,
        [T_STRUCT] = SLV_STRUCT,       [T_NULL] = SLV_NULL,     [T_UNIT] = SLV_UNIT,
        [T_LAMBDA] = SLV_NULL,
    };
    return (slv_kind)kinds[type->kind];
}

static slv *new_items(Arena *arena, size_t count, Error *err)
{
    return arena_try_alloc(arena, (count + 1) * sizeof(slv), err);
}

static Status show_items(const SqlType *type, Value value, Arena *arena, slv *out, Error *err)
{
    bool map   = type->kind == T_MAP;
    slv *items = new_items(arena, (size_t)value.len * (map ? 2 : 1), err);
    if (items == NULL)
        return err->code;
    for (uint32_t i = 0; i < value.len; i++) {
        if (map) {
            TRY(native_values_show(type->key, value_entries(value)[i].key, arena, &items[2 * i], err));
            TRY(native_values_show(type->element, value_entries(value)[i].value, arena, &items[2 * i + 1],
                                   err));
        } else {
            TRY(native_values_show(type->kind == T_STRUCT ? type->fields[i].type : type->element,
                                   value_items(value)[i], arena, &items[i], err));
        }
    }
    out->u.items = items;
    return OK;
}

Status native_values_show(const SqlType *type, Value value, Arena *arena, slv *out, Error *err)
{
    *out = (slv){.kind = SLV_NULL};
    if (value_is_null(value))
        return OK;
    *out = (slv){.kind = (uint8_t)kind_of(type), .len = value.len};
    switch (type->kind) {
    case T_BOOLEAN:
        out->u.b = value_bool(value);
        return OK;
    case T_INTEGER:
    case T_DATE:
    case T_TIME:
        out->u.i = (int32_t)value_int(value);
        return OK;
    case T_DOUBLE:
        out->u.d = value_double(value);
        return OK;
    case T_STRING:
    case T_BYTES:
        out->u.p = (const uint8_t *)value_str(value).ptr;
        return OK;
    case T_DECIMAL: {
        Str bytes  = decimal_to_bytes(arena, value);
        out->scale = value.scale;
        out->len   = (uint32_t)bytes.len;
        out->u.p   = (const uint8_t *)bytes.ptr;
        return OK;
    }
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        return show_items(type, value, arena, out, err);
    default:
        out->u.l = value_int(value);
        return OK;
    }
}

/* ---- back ---- */

static Status take_text(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err)
{
    Str text = str_n((const char *)given->u.p, given->len);
    if (text.len > 0 && text.ptr == NULL)
        return error_set(err, E_DATA, NO_POS, "the result has a length and no memory");
    if (type->kind == T_STRING && !utf8_valid(text))
        return error_set(err, E_DATA, NO_POS, "the result is no valid UTF-8");
    char *copy = arena_try_alloc(arena, text.len + 1, err);
    if (copy == NULL)
        return err->code;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    *out = value_string(copy, text.len);
    return OK;
}

static Status take_decimal(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err)
{
    Str bytes = str_n((const char *)given->u.p, given->len);
    if (bytes.len == 0 || bytes.ptr == NULL || bytes.len > MOST_DECIMAL_BYTES || given->scale < 0 ||
        given->scale > type->precision)
        return error_set(err, E_DATA, NO_POS, "the result is no DECIMAL(%d, %d)", type->precision,
                         type->scale);
    return decimal_ensure_fit(arena, decimal_from_bytes(arena, bytes, given->scale), type->precision,
                              type->scale, out, err);
}

static int compare_entries(const void *a, const void *b, void *type)
{
    return value_compare(type, ((const MapEntry *)a)->key, ((const MapEntry *)b)->key);
}

/* The order is the extension's, so it is a copy that is sorted. */
static Status check_keys(const SqlType *type, const MapEntry *entries, size_t count, Arena *arena, Error *err)
{
    MapEntry *sorted = arena_try_alloc(arena, (count + 1) * sizeof *sorted, err);
    if (sorted == NULL)
        return err->code;
    if (count > 0) {
        memcpy(sorted, entries, count * sizeof *sorted);
        qsort_r(sorted, count, sizeof *sorted, compare_entries, (void *)(uintptr_t)type->key);
    }
    for (size_t i = 0; i < count; i++) {
        if (value_is_null(sorted[i].key))
            return error_set(err, E_DATA, NO_POS, "a key of the result is NULL");
        if (i > 0 && value_equal(type->key, sorted[i - 1].key, sorted[i].key))
            return error_set(err, E_DATA, NO_POS, "a key of the result is there twice");
    }
    return OK;
}

static Status take_map(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err)
{
    MapEntry *entries = arena_try_alloc(arena, ((size_t)given->len + 1) * sizeof *entries, err);
    if (entries == NULL)
        return err->code;
    for (size_t i = 0; i < given->len; i++) {
        TRY(native_values_take(type->key, &given->u.items[2 * i], arena, &entries[i].key, err));
        TRY(native_values_take(type->element, &given->u.items[2 * i + 1], arena, &entries[i].value, err));
    }
    *out = value_map(entries, given->len);
    return check_keys(type, entries, given->len, arena, err);
}

static Status take_items(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err)
{
    if (given->len > 0 && given->u.items == NULL)
        return error_set(err, E_DATA, NO_POS, "the result has a length and no memory");
    if (type->kind == T_STRUCT && given->len != type->field_count)
        return error_set(err, E_DATA, NO_POS, "the result has %u fields, not %zu", given->len,
                         type->field_count);
    if (type->kind == T_MAP)
        return take_map(type, given, arena, out, err);
    Value *items = arena_try_alloc(arena, ((size_t)given->len + 1) * sizeof *items, err);
    if (items == NULL)
        return err->code;
    for (size_t i = 0; i < given->len; i++)
        TRY(native_values_take(type->kind == T_STRUCT ? type->fields[i].type : type->element,
                               &given->u.items[i], arena, &items[i], err));
    *out = value_array(items, given->len);
    return OK;
}

Status native_values_take(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err)
{
    *out = value_null();
    if (given->kind == SLV_NULL)
        return OK;
    if (given->kind != kind_of(type))
        return error_set(err, E_DATA, NO_POS, "the result is to be a %s and is of kind %d",
                         type_kind_name(type->kind), given->kind);
    switch (type->kind) {
    case T_BOOLEAN:
        *out = value_from_bool(given->u.b);
        return OK;
    case T_TIME:
        if (given->u.i < 0 || given->u.i >= DAY_MS)
            return error_set(err, E_DATA, NO_POS, "the result %d is no TIME", given->u.i);
        *out = value_from_int(given->u.i);
        return OK;
    case T_INTEGER:
    case T_DATE:
        *out = value_from_int(given->u.i);
        return OK;
    case T_DOUBLE:
        *out = value_from_double(given->u.d);
        return OK;
    case T_STRING:
    case T_BYTES:
        return take_text(type, given, arena, out, err);
    case T_DECIMAL:
        return take_decimal(type, given, arena, out, err);
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        return take_items(type, given, arena, out, err);
    default:
        *out = value_from_int(given->u.l);
        return OK;
    }
}
