/*
 * name_set.c - open addressing; at most half of the places are taken.
 */
#include "core/name_set.h"

enum { FIRST_SIZE = 8 };

typedef struct {
    Str    name; /* STR_NULL: the place is free */
    size_t number;
} Place;

struct NameSet {
    Arena *arena;
    Place *places;
    size_t size, count; /* size: a power of two */
};

NameSet *name_set_new(Arena *arena)
{
    NameSet *set = ARENA_NEW(arena, NameSet);
    set->arena   = arena;
    return set;
}

/* Of that name, or free. */
static Place *find_place(const NameSet *set, Str name)
{
    size_t at = (size_t)str_hash(name) & (set->size - 1);
    while (!str_is_null(set->places[at].name) && !str_equal(set->places[at].name, name))
        at = (at + 1) & (set->size - 1);
    return &set->places[at];
}

static void grow(NameSet *set)
{
    size_t  size   = set->size > 0 ? set->size * 2 : FIRST_SIZE;
    NameSet larger = {set->arena, ARENA_ARRAY(set->arena, Place, size), size, set->count};
    for (size_t i = 0; i < set->size; i++)
        if (!str_is_null(set->places[i].name))
            *find_place(&larger, set->places[i].name) = set->places[i];
    *set = larger;
}

size_t *name_set_put(NameSet *set, Str name, bool *added)
{
    if (str_is_null(name))
        name = STR_LIT(""); /* no text marks what is free */
    if (2 * set->count >= set->size)
        grow(set);
    Place *place = find_place(set, name);
    *added       = str_is_null(place->name);
    if (*added) {
        *place = (Place){name, 0};
        set->count++;
    }
    return &place->number;
}

const size_t *name_set_get(const NameSet *set, Str name)
{
    if (set->count == 0)
        return NULL;
    const Place *place = find_place(set, str_is_null(name) ? STR_LIT("") : name);
    return str_is_null(place->name) ? NULL : &place->number;
}
