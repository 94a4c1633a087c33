/*
 * name_generator.c - which (base, number) pairs are taken, by hash, and per base the first number that may be
 * free: numbers are never given back.
 */
#include "planner/name_generator.h"

#include "core/name_set.h"
#include "core/value.h"

typedef struct {
    Str     base;
    int64_t number;
} Taken;

struct NameGenerator {
    Arena   *arena;
    NameSet *taken;
    NameSet *next; /* base -> a number below which all are taken */
};

NameGenerator *name_generator_new(Arena *arena)
{
    NameGenerator *generator = ARENA_NEW(arena, NameGenerator);
    *generator               = (NameGenerator){arena, name_set_new(arena), name_set_new(arena)};
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

/* One text for each pair, and mostly the name itself: nothing is printed for columns that are looked at. */
static Str key_of(const NameGenerator *generator, Taken taken, Str name)
{
    bool plain   = split(taken.base).base.len == taken.base.len;
    bool written = name.len > taken.base.len && name.ptr[taken.base.len + 1] != '0';
    if (taken.number == 0 && plain)
        return taken.base;
    if (written)
        return name;
    return str_printf(generator->arena, STR_FMT "_%lld", STR_ARG(taken.base), (long long)taken.number);
}

/* False: it was taken before. */
static bool take(NameGenerator *generator, Taken taken, Str name)
{
    bool added;
    (void)name_set_put(generator->taken, key_of(generator, taken, name), &added);
    return added;
}

void name_generator_reserve(NameGenerator *generator, Str name) { (void)take(generator, split(name), name); }

Str name_generator_next(NameGenerator *generator, Str base)
{
    bool    added;
    Taken   next = {split(base).base, 0};
    size_t *free = name_set_put(generator->next, next.base, &added);
    next.number  = (int64_t)*free;
    while (!take(generator, next, STR_LIT("")))
        next.number++;
    *free = (size_t)next.number + 1;
    if (next.number == 0 && !str_equal(next.base, STR_LIT("KSQL_COL")))
        return next.base;
    return str_printf(generator->arena, STR_FMT "_%lld", STR_ARG(next.base), (long long)next.number);
}
