/*
 * name_generator.c - a list of (base, number) pairs that are taken. Select lists are short: it is looked
 * through.
 */
#include "planner/name_generator.h"

#include "core/value.h"

typedef struct {
    Str     base;
    int64_t number;
} Taken;

struct NameGenerator {
    Arena *arena;
    Taken *items;
    size_t count, capacity;
};

NameGenerator *name_generator_new(Arena *arena)
{
    NameGenerator *generator = ARENA_NEW(arena, NameGenerator);
    generator->arena         = arena;
    return generator;
}

/* Splits `X_3` into X and 3, anything else into itself and 0. */
static Taken split(Str name)
{
    size_t end = name.len;
    while (end > 0 && name.ptr[end - 1] >= '0' && name.ptr[end - 1] <= '9')
        end--;
    int64_t number;
    if (end == name.len || end < 2 || name.ptr[end - 1] != '_' ||
        !int64_parse(str_n(name.ptr + end, name.len - end), &number))
        return (Taken){name, 0};
    return (Taken){str_n(name.ptr, end - 1), number};
}

static bool is_taken(const NameGenerator *generator, Taken wanted)
{
    for (size_t i = 0; i < generator->count; i++)
        if (generator->items[i].number == wanted.number && str_equal(generator->items[i].base, wanted.base))
            return true;
    return false;
}

static void take(NameGenerator *generator, Taken taken)
{
    if (generator->count == generator->capacity) {
        size_t capacity = generator->capacity ? generator->capacity * 2 : 32;
        Taken *items    = ARENA_ARRAY(generator->arena, Taken, capacity);
        if (generator->count > 0)
            memcpy(items, generator->items, generator->count * sizeof *items);
        generator->items    = items;
        generator->capacity = capacity;
    }
    generator->items[generator->count++] = taken;
}

void name_generator_reserve(NameGenerator *generator, Str name)
{
    Taken taken = split(name);
    if (!is_taken(generator, taken))
        take(generator, taken);
}

Str name_generator_next(NameGenerator *generator, Str base)
{
    Taken next = {split(base).base, 0};
    while (is_taken(generator, next))
        next.number++;
    take(generator, next);
    if (next.number == 0 && !str_equal(next.base, STR_LIT("KSQL_COL")))
        return next.base;
    return str_printf(generator->arena, STR_FMT "_%lld", STR_ARG(next.base), (long long)next.number);
}
