/*
 * wants.c - see wants.h.
 */
#include "planner/wants.h"

Wants wants_new(Arena *arena, const Schema *schema)
{
    return (Wants){arena, schema, ARENA_ARRAY(arena, Want, schema->count)};
}

void want_column(Wants *wants, size_t slot) { wants->columns[slot].any = wants->columns[slot].whole = true; }

void want_keys(Wants *wants)
{
    for (size_t i = 0; i < wants->schema->key_count; i++)
        want_column(wants, i);
}

void want_all(Wants *wants)
{
    for (size_t i = 0; i < wants->schema->count; i++)
        want_column(wants, i);
}

static void want_path(Arena *arena, Want *want, const SqlType *type, const int *path, size_t depth)
{
    want->any = true;
    if (depth == 0 || type->kind != T_STRUCT) {
        want->whole = true;
        return;
    }
    if (want->fields == NULL)
        want->fields = ARENA_ARRAY(arena, Want *, type->field_count);
    if (want->fields[path[0]] == NULL)
        want->fields[path[0]] = ARENA_NEW(arena, Want);
    want_path(arena, want->fields[path[0]], type->fields[path[0]].type, path + 1, depth - 1);
}

static void note_path(void *context, int slot, const int *path, size_t depth)
{
    Wants *wants = context;
    want_path(wants->arena, &wants->columns[slot], wants->schema->columns[slot].type, path, depth);
}

void want_exprs(Wants *wants, const Expr *const *exprs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (exprs[i] != NULL)
            expr_visit_paths(exprs[i], note_path, wants);
}

void want_shared(Wants *to, size_t to_slot, const Wants *from, size_t from_slot)
{
    Want *want = &to->columns[to_slot];
    if (!from->columns[from_slot].any)
        return;
    if (want->any)
        want_column(to, to_slot); /* two readers: take it all rather than merge paths */
    else
        *want = from->columns[from_slot];
}

const Wanted *wanted_of(Arena *arena, const Want *want, const SqlType *type)
{
    Wanted *wanted = ARENA_NEW(arena, Wanted);
    if (!want->any)
        wanted->none = true;
    else if (!want->whole && want->fields != NULL) {
        const Wanted    **fields = ARENA_ARRAY(arena, const Wanted *, type->field_count);
        static const Want nothing;
        for (size_t i = 0; i < type->field_count; i++)
            fields[i] = wanted_of(arena, want->fields[i] ? want->fields[i] : &nothing, type->fields[i].type);
        wanted->fields = fields;
    }
    return wanted;
}
