/* test_arena.c - arenas hand out distinct aligned memory, count it, and refuse what data asks beyond the
 * limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"

static void memory_is_distinct_and_aligned(void **state)
{
    Arena         *arena = arena_new(0);
    unsigned char *parts[500];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++) {
            size_t size = i * 37 % 9000;
            parts[i]    = arena_alloc(arena, size);
            assert_int_equal((uintptr_t)parts[i] % 16, 0);
            memset(parts[i], (int)(i & 0xFF), size);
        }
        for (size_t i = 0; i < 500; i++)
            for (size_t at = 0; at < i * 37 % 9000; at++)
                assert_int_equal(parts[i][at], i & 0xFF);
        assert_true(arena_used(arena) >= 500 * 4000);
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    arena_free(arena);
    arena_free(NULL);
}

static void calloc_is_zeroed_after_a_reset(void **state)
{
    Arena *arena = arena_new(0);
    memset(arena_alloc(arena, 1000), 0xFF, 1000);
    arena_reset(arena);
    unsigned char *zero = arena_calloc(arena, 10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(zero[i], 0);
    arena_free(arena);
}

static void data_cannot_go_beyond_the_limit(void **state)
{
    Arena *arena = arena_new(10000);
    Error  err;
    assert_non_null(arena_try_alloc(arena, 6000, &err));
    assert_null(arena_try_alloc(arena, 6000, &err));
    assert_int_equal(err.code, E_LIMIT);
    assert_null(arena_try_alloc(arena, SIZE_MAX, &err));
    arena_reset(arena);
    assert_non_null(arena_try_alloc(arena, 6000, &err));
    arena_free(arena);
}

static void products_are_checked(void **state)
{
    size_t n;
    assert_true(size_multiply(6, 7, &n));
    assert_int_equal(n, 42);
    assert_false(size_multiply(SIZE_MAX / 2, 3, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_distinct_and_aligned),
        cmocka_unit_test(calloc_is_zeroed_after_a_reset),
        cmocka_unit_test(data_cannot_go_beyond_the_limit),
        cmocka_unit_test(products_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
