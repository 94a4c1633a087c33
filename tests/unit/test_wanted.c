/* What several readers want of a column: STRUCT<X INT, Y STRUCT<P INT, Q INT>>, written as the paths they
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serde/serde.h"

enum { X = 1, P = 2, Q = 4, ALL = 8 };

static const SqlField inner_fields[]  = {{STR_LIT("P"), &type_integer}, {STR_LIT("Q"), &type_integer}};
static const SqlType  inner           = {.kind = T_STRUCT, .fields = inner_fields, .field_count = 2};
static const SqlField column_fields[] = {{STR_LIT("X"), &type_integer}, {STR_LIT("Y"), &inner}};
static const SqlType  column          = {.kind = T_STRUCT, .fields = column_fields, .field_count = 2};

static const Wanted nothing = {.none = true}, everything = {.none = false};

static const Wanted *leaf(bool wanted) { return wanted ? &everything : &nothing; }

/* A tree of what `paths` says; nothing of a struct is written as none. */
static const Wanted *tree(Arena *arena, int paths)
{
    if (paths == 0)
        return &nothing;
    if (paths & ALL)
        return NULL;
    const Wanted **in  = ARENA_ARRAY(arena, const Wanted *, 2);
    const Wanted **out = ARENA_ARRAY(arena, const Wanted *, 2);
    Wanted        *y = ARENA_NEW(arena, Wanted), *whole = ARENA_NEW(arena, Wanted);
    in[0]         = leaf(paths & P);
    in[1]         = leaf(paths & Q);
    y->fields     = in;
    out[0]        = leaf(paths & X);
    out[1]        = paths & (P | Q) ? y : &nothing;
    whole->fields = out;
    return whole;
}

/* X and both of Y are all there is; ALL is all whatever else was said. */
static int meaning(int paths) { return paths & ALL ? X | P | Q : paths; }

static void wishes_are_joined_and_compared(void **state)
{
    Arena *arena = arena_new(0);
    for (int a = 0; a <= ALL; a++)
        for (int b = 0; b <= ALL; b++) {
            const Wanted *ta = tree(arena, a), *tb = tree(arena, b);
            const Wanted *both = wanted_union(arena, ta, tb, &column);
            const Wanted *same = tree(arena, meaning(a) | meaning(b));
            assert_int_equal(wanted_covers(ta, tb, &column), (meaning(b) & ~meaning(a)) == 0);
            assert_true(wanted_covers(both, same, &column));
            assert_true(wanted_covers(same, both, &column));
        }
    arena_free(arena);
}

static void other_columns_are_wanted_whole_or_not(void **state)
{
    Arena *arena = arena_new(0);
    assert_true(wanted_covers(NULL, &everything, &type_integer));
    assert_true(wanted_covers(&everything, NULL, &type_integer));
    assert_false(wanted_covers(&nothing, &everything, &type_integer));
    assert_true(wanted_union(arena, &nothing, &nothing, &type_integer)->none);
    assert_false(wanted_union(arena, &nothing, NULL, &type_integer)->none);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_joined_and_compared),
        cmocka_unit_test(other_columns_are_wanted_whole_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
