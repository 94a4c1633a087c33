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

/* str_distance with two letters swapped counted as one slip, as fingers do it (FORM for FROM). */
static size_t slips(Str a, Str b)
{
    enum { LONGEST = 64 };
    size_t rows[3][LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return str_distance(a, b);
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above[j] + 1 < row[j])
                row[j] = above[j] + 1;
            if (row[j - 1] + 1 < row[j])
                row[j] = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                twice[j - 2] + 1 < row[j])
                row[j] = twice[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

Str str_nearest(Str name, const Str *names, size_t count)
{
    Str    best          = STR_NULL;
    size_t best_distance = name.len < 4 ? 2 : (name.len + 1) / 3 + 1; /* too far */
    if (name.len > 64)
        return STR_NULL;
    for (size_t i = 0; i < count; i++) {
        size_t distance = slips(name, names[i]);
        if (distance < best_distance && distance < name.len) { /* K is no slip of the pen for N */
            best_distance = distance;
            best          = names[i];
        }
    }
    return best;
}

void error_suggest(Error *err, Str name, const Str *names, size_t count)
{
    Str nearest = str_nearest(name, names, count);
    if (!str_is_null(nearest))
        error_append(err, "\nDid you mean " STR_FMT "?", STR_ARG(nearest));
}
