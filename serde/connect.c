/*
 * connect.c - see connect.h. ksqlDB reads these formats through Kafka Connect's data model; its names for
 * types appear in error texts.
 */
#include "serde/connect.h"

#include "core/decimal.h"

static const char *connect_name(const SqlType *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
        return "boolean";
    case T_INTEGER:
    case T_DATE:
    case T_TIME:
        return "int32";
    case T_BIGINT:
    case T_TIMESTAMP:
        return "int64";
    case T_DOUBLE:
        return "float64";
    case T_STRING:
        return "string";
    case T_ARRAY:
        return "array";
    case T_MAP:
        return "map";
    case T_STRUCT:
        return "struct";
    default:
        return "bytes";
    }
}

Conversion connect_conversion(const SqlType *wire, const SqlType *column)
{
    SqlKind from = wire->kind;
    switch (column->kind) {
    case T_DECIMAL:
        return from == T_DECIMAL ? CONVERT_DECIMAL : CONVERT_NEVER;
    case T_INTEGER: /* of the logical types what they are made of */
        return from == T_INTEGER || from == T_DATE || from == T_TIME ? CONVERT_NONE : CONVERT_NEVER;
    case T_BIGINT:
        return from == T_INTEGER || from == T_BIGINT || from == T_TIMESTAMP ? CONVERT_NONE : CONVERT_NEVER;
    case T_STRING:
        if (from == T_INTEGER || from == T_BIGINT || from == T_DOUBLE || from == T_BOOLEAN)
            return CONVERT_TEXT;
        return from == T_STRING ? CONVERT_NONE : CONVERT_NEVER;
    case T_DATE:
        return from == T_DATE || from == T_INTEGER ? CONVERT_NONE : CONVERT_NEVER;
    case T_TIME:
        return from == T_TIME || from == T_INTEGER ? CONVERT_TIME : CONVERT_NEVER;
    case T_TIMESTAMP:
        return from == T_TIMESTAMP || from == T_BIGINT ? CONVERT_NONE : CONVERT_NEVER;
    default:
        return from == column->kind ? CONVERT_NONE : CONVERT_NEVER;
    }
}

static Status to_text(const SqlType *wire, Arena *arena, Value *value, Error *err)
{
    StrBuf text = {0};
    value_print(wire, *value, &text);
    *value = value_from_str(str_dup(arena, strbuf_str(&text)));
    strbuf_clear(&text);
    return OK;
}

/* Nearly all decimals are short and have the column's scale already. */
static Status fit_decimal(const SqlType *column, Arena *arena, Value *value, Error *err)
{
    int64_t n = value->as.i64;
    if (!(value->flags & VALUE_BIG) && value->scale == column->scale &&
        (column->precision > DECIMAL_POW10_MAX ||
         (n < decimal_pow10(column->precision) && n > -decimal_pow10(column->precision))))
        return OK;
    return decimal_ensure_fit(arena, *value, column->precision, column->scale, value, err);
}

Status connect_convert(Conversion conversion, const SqlType *wire, const SqlType *column, Arena *arena,
                       Value *value, Error *err)
{
    switch (conversion) {
    case CONVERT_TEXT:
        return to_text(wire, arena, value, err);
    case CONVERT_DECIMAL:
        return fit_decimal(column, arena, value, err);
    case CONVERT_TIME:
        return serde_check_time(value_int(*value), err);
    default:
        return OK;
    }
}

size_t connect_short_decimal(Value value, const SqlType *type, char out[8])
{
    int64_t n     = value.as.i64;
    size_t  width = 1;
    if ((value.flags & VALUE_BIG) || value.scale != type->scale ||
        (type->precision <= DECIMAL_POW10_MAX &&
         (n >= decimal_pow10(type->precision) || n <= -decimal_pow10(type->precision))))
        return 0;
    while (width < 8 && (n >> (8 * width - 1)) != 0 && (n >> (8 * width - 1)) != -1)
        width++;
    for (size_t i = 0; i < width; i++)
        out[i] = (char)(uint8_t)((uint64_t)n >> (8 * (width - 1 - i)));
    return width;
}

static void print_path(const ConnectPath *path, Error *err)
{
    if (path == NULL)
        return;
    print_path(path->up, err); /* as deep as the column's type */
    error_append(err, "->" STR_FMT, STR_ARG(path->name));
}

Status connect_refuse(const SqlType *wire, const SqlType *column, const ConnectPath *path, Error *err)
{
    error_set(err, E_DATA, NO_POS, "Cannot deserialize type %s as type %s for path: ", connect_name(wire),
              connect_name(column));
    print_path(path, err);
    return E_DATA;
}

int connect_field(const SqlType *row, Str name)
{
    int  at = type_field(row, name);
    char upper[256];
    if (at >= 0 || name.len > sizeof upper)
        return at;
    for (size_t i = 0; i < name.len; i++)
        upper[i] = name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? (char)(name.ptr[i] - 'a' + 'A') : name.ptr[i];
    return type_field(row, str_n(upper, name.len));
}

const SqlType *connect_row(Arena *arena, const Column *columns, size_t count)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, count + 1);
    for (size_t i = 0; i < count; i++)
        fields[i] = (SqlField){columns[i].name, columns[i].type};
    return type_copy(arena, type_struct(arena, fields, count));
}

Status connect_fail(const SerdeSpec *spec, Error *err)
{
    return error_prefix(err, "Error deserializing message from topic: " STR_FMT ". ", STR_ARG(spec->topic));
}

/* ---- maps ---- */

enum { FEW_ENTRIES = 24 };

static ptrdiff_t find_among(const MapEntry *entries, size_t count, Str key)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(value_str(entries[i].key), key))
            return (ptrdiff_t)i;
    return -1;
}

/* Slot of the key in an open hash table of entry numbers + 1. */
static uint32_t *find_slot(uint32_t *table, size_t mask, const MapEntry *entries, Str key)
{
    size_t at = str_hash(key) & mask;
    while (table[at] != 0 && !str_equal(value_str(entries[table[at] - 1].key), key))
        at = (at + 1) & mask;
    return &table[at];
}

size_t connect_unique(MapEntry *entries, size_t count, Arena *arena)
{
    size_t    kept = 0, mask = 1;
    uint32_t *table = NULL;
    while (mask < count * 2)
        mask *= 2;
    if (count > FEW_ENTRIES)
        table = ARENA_ARRAY(arena, uint32_t, mask);
    for (size_t i = 0; i < count; i++) {
        Str       key  = value_str(entries[i].key);
        uint32_t *slot = table != NULL ? find_slot(table, mask - 1, entries, key) : NULL;
        ptrdiff_t at   = slot != NULL ? (ptrdiff_t)*slot - 1 : find_among(entries, kept, key);
        if (at >= 0) {
            entries[at].value = entries[i].value;
            continue;
        }
        entries[kept++] = entries[i];
        if (slot != NULL)
            *slot = (uint32_t)kept;
    }
    return kept;
}
