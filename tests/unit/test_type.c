/* test_type.c - types: their texts, equality, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/type.h"

static Arena *arena;

static void nested_types_print_and_copy(void **state)
{
    SqlField fields[]   = {{STR_LIT("F"), &type_bigint}, {STR_LIT("g"), type_decimal_unchecked(arena, 4, 2)}};
    const SqlType *type = type_map(arena, &type_string, type_array(arena, type_struct(arena, fields, 2)));
    Str            expected = STR_LIT("MAP<STRING, ARRAY<STRUCT<`F` BIGINT, `g` DECIMAL(4, 2)>>>");
    assert_true(str_equal(type_text(arena, type), expected));
    Arena         *other = arena_new(0);
    const SqlType *copy  = type_copy(other, type);
    assert_true(type_equal(type, copy));
    assert_true(str_equal(type_text(other, copy), expected));
    arena_free(other);
    assert_true(type_contains_map(type) && !type_contains_map(type->element));
    assert_int_equal(type_field(type->element->element, STR_LIT("g")), 1);
    assert_int_equal(type_field(type->element->element, STR_LIT("G")), -1);
}

static void equality_is_structural(void **state)
{
    SqlField a[] = {{STR_LIT("A"), &type_bigint}, {STR_LIT("B"), &type_string}}, b[] = {a[1], a[0]};
    assert_false(type_equal(type_struct(arena, a, 2), type_struct(arena, b, 2)));
    assert_false(type_equal(type_struct(arena, a, 2), type_struct(arena, a, 1)));
    assert_true(type_equal(type_struct(arena, a, 2), type_struct(arena, a, 2)));
    assert_false(type_equal(type_decimal_unchecked(arena, 4, 2), type_decimal_unchecked(arena, 4, 1)));
    assert_false(type_equal(&type_bigint, &type_integer));
}

static void decimal_limits(void **state)
{
    static const struct {
        int         precision, scale;
        const char *message;
    } cases[] = {
        {0, 0, "DECIMAL precision must be >= 1: DECIMAL(0,0)"},
        {2, -1, "DECIMAL scale must be >= 0: DECIMAL(2,-1)"},
        {2, 3, "DECIMAL precision must be >= scale: DECIMAL(2,3)"},
    };
    const SqlType *type;
    Error          err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(type_decimal(arena, cases[i].precision, cases[i].scale, &type, &err), E_PLAN);
        assert_string_equal(err.message, cases[i].message);
    }
    assert_int_equal(type_decimal(arena, 100, 100, &type, &err), OK);
}

static void names_of_primitives(void **state)
{
    assert_ptr_equal(type_primitive(STR_LIT("int")), &type_integer);
    assert_ptr_equal(type_primitive(STR_LIT("VarChar")), &type_string);
    assert_ptr_equal(type_primitive(STR_LIT("TIMESTAMP")), &type_timestamp);
    assert_null(type_primitive(STR_LIT("DECIMAL")));
    assert_string_equal(type_kind_name(T_DECIMAL), "DECIMAL");
}

static int setup(void **state)
{
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_types_print_and_copy),
        cmocka_unit_test(equality_is_structural),
        cmocka_unit_test(decimal_limits),
        cmocka_unit_test(names_of_primitives),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
