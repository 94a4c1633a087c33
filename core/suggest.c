/*
 * suggest.c - the known name that was probably meant.
 */
#include "core/suggest.h"

Str str_closest(Str name, const Str *names, size_t count)
{
    /* The distance costs length times length, and nothing long is near a short word. */
    if (name.len > 64)
        name.len = 64;
    Str    best          = STR_NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(name, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best          = names[i];
        }
    }
    return best;
}

Str str_nearest(Str name, const Str *names, size_t count)
{
    Str best = str_closest(name, names, count);
    if (str_is_null(best) || name.len > 64)
        return STR_NULL;
    size_t distance = str_distance(name, best);
    size_t most = name.len < 4 ? 1 : (name.len + 1) / 3;
    return distance > most || distance >= name.len ? STR_NULL : best; /* K is no slip of the pen for N */
}

void error_suggest(Error *err, Str name, const Str *names, size_t count)
{
    Str nearest = str_nearest(name, names, count);
    if (!str_is_null(nearest))
        error_append(err, "\nDid you mean " STR_FMT "?", STR_ARG(nearest));
}
