/*
 * read_back.c - see read_back.h.
 */
#include "serde/read_back.h"

bool read_back_differs(const FormatSpec *spec)
{
    /* A schema that was named by its id says itself which fields may be NULL. */
    return spec->format != NULL && format_facts(spec->format)->nullable_representation &&
           str_is_null(spec->nullable_representation) && spec->schema_id == 0;
}

static Value in_place_of_null(const SqlType *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
        return value_from_int(0);
    case T_DOUBLE:
        return value_from_double(0);
    case T_STRING:
    case T_BYTES:
        return value_from_str(STR_LIT(""));
    case T_ARRAY:
        return value_array(NULL, 0);
    case T_MAP:
        return value_map(NULL, 0);
    default:
        return value_null();
    }
}

Value read_back(const SqlType *type, Value value, Arena *arena)
{
    if (value_is_null(value))
        return in_place_of_null(type);
    if (type->kind != T_STRUCT)
        return value;
    Value *fields = ARENA_ARRAY(arena, Value, type->field_count);
    for (size_t i = 0; i < type->field_count; i++)
        fields[i] = read_back(type->fields[i].type, value_items(value)[i], arena);
    return value_array(fields, type->field_count);
}
