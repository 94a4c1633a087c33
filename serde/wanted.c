/*
 * wanted.c - comparing and joining what different readers want of a column.
 *
 * NULL stands for all of it, at any depth, so that a reader that was never asked wants everything.
 */
#include "serde/serde.h"

static bool is_nothing(const Wanted *wanted) { return wanted != NULL && wanted->none; }

static bool is_all(const Wanted *wanted)
{
    return wanted == NULL || (!wanted->none && wanted->fields == NULL);
}

bool wanted_covers(const Wanted *a, const Wanted *b, const SqlType *type)
{
    if (is_all(a) || is_nothing(b))
        return true;
    if (is_nothing(a) || type->kind != T_STRUCT)
        return false;
    for (size_t i = 0; i < type->field_count; i++)
        if (!wanted_covers(a->fields[i], is_all(b) ? NULL : b->fields[i], type->fields[i].type))
            return false;
    return true;
}

const Wanted *wanted_union(Arena *arena, const Wanted *a, const Wanted *b, const SqlType *type)
{
    Wanted *both = ARENA_NEW(arena, Wanted);
    both->none   = is_nothing(a) && is_nothing(b);
    if (is_all(a) || is_all(b) || both->none || type->kind != T_STRUCT)
        return both;
    const Wanted **fields = ARENA_ARRAY(arena, const Wanted *, type->field_count);
    for (size_t i = 0; i < type->field_count; i++)
        fields[i] = wanted_union(arena, is_nothing(a) ? a : a->fields[i], is_nothing(b) ? b : b->fields[i],
                                 type->fields[i].type);
    both->fields = fields;
    return both;
}
