/* Names by the thousand, the empty one among them, and one more than once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/name_set.h"

static void each_name_keeps_its_number(void **state)
{
    enum { MANY = 5000 };
    Arena   *arena = arena_new(0);
    NameSet *set   = name_set_new(arena);
    bool     added;
    for (size_t i = 0; i < MANY; i++) {
        *name_set_put(set, str_printf(arena, "n%zu", i), &added) = i;
        assert_true(added);
    }
    *name_set_put(set, STR_LIT(""), &added) = MANY;
    assert_true(added);
    for (size_t i = 0; i < MANY; i++) {
        Str name = str_printf(arena, "n%zu", i);
        assert_int_equal(*name_set_get(set, name), i);
        assert_int_equal(*name_set_put(set, name, &added), i);
        assert_false(added);
    }
    assert_int_equal(*name_set_get(set, STR_NULL), MANY);
    assert_null(name_set_get(set, STR_LIT("n")));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_name_keeps_its_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
