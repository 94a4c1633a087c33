/* Values that change in place: appends do not move what is there, a random walk against a model, finding,
 * limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/growth.h"

static const SqlType texts = {.kind = T_ARRAY, .element = &type_string};

static Value *items_of(Growth *growth, Value *list, size_t count)
{
    Error  err;
    Value *items = growth_items(growth, list, sizeof(Value), count, &err);
    assert_non_null(items);
    return items;
}

static Value text_of(char buffer[32], int n)
{
    return value_string(buffer, (size_t)snprintf(buffer, 32, "%0*d", n % 20 + 1, n));
}

static void put_text(Growth *growth, Value *slot, int n)
{
    char  buffer[32];
    Error err;
    assert_int_equal(growth_set(growth, &type_string, slot, text_of(buffer, n), &err), OK);
    memset(buffer, 'x', sizeof buffer); /* nothing of the argument is kept */
}

static void an_append_seldom_moves_the_list(void **state)
{
    enum { N = 100000 };
    Growth      growth = {0};
    Value       list   = value_array(NULL, 0);
    size_t      moves  = 0;
    const void *before = NULL;
    for (int i = 0; i < N; i++) {
        items_of(&growth, &list, list.len + 1)[list.len] = value_from_int(i);
        list.len++;
        moves += list.as.ptr != before;
        before = list.as.ptr;
    }
    assert_in_range(moves, 1, 20);
    assert_in_range(growth.held, N * sizeof(Value), 2 * N * sizeof(Value));
    for (int i = 0; i < N; i++)
        assert_int_equal(value_items(list)[i].as.i64, i);
    growth_clear(&growth);
    assert_int_equal(growth.held, 0);
}

static void a_queue_moves_once_per_length(void **state)
{
    enum { N = 10000, LENGTH = 100 };
    Growth      growth = {0};
    Value       list   = value_array(NULL, 0);
    size_t      moves  = 0;
    const char *before = NULL;
    for (int i = 0; i < N; i++) {
        if (list.len == LENGTH)
            list = value_array(value_items(list) + 1, LENGTH - 1);
        before                                           = list.as.ptr;
        items_of(&growth, &list, list.len + 1)[list.len] = value_from_int(i);
        list.len++;
        moves += list.as.ptr != before;
    }
    assert_in_range(moves, 1, N / LENGTH + 20);
    assert_in_range(growth.held, 1, 4 * LENGTH * sizeof(Value));
    assert_int_equal(value_items(list)[0].as.i64, N - LENGTH);
    growth_clear(&growth);
}

static void expect_model(Value list, const int *model, size_t count)
{
    char buffer[32];
    assert_int_equal(list.len, count);
    for (size_t i = 0; i < count; i++)
        assert_true(value_equal(&type_string, value_items(list)[i], text_of(buffer, model[i])));
}

static void random_walk_equals_the_model(void **state)
{
    enum { MOST = 300 };
    Growth   growth = {0};
    Value    list   = value_array(NULL, 0);
    int      model[MOST];
    size_t   count = 0;
    unsigned dice  = 12345;
    for (int step = 0; step < 20000; step++) {
        dice      = dice * 1103515245u + 12345u;
        size_t at = count > 0 ? (dice >> 8) % count : 0;
        switch (dice >> 24 & 7) {
        case 0: /* one leaves */
            if (count == 0)
                break;
            Value *items = items_of(&growth, &list, count);
            memmove(items + at, items + at + 1, (count - at - 1) * sizeof *items);
            memmove(model + at, model + at + 1, (count - at - 1) * sizeof *model);
            list.len = (uint32_t)--count;
            break;
        case 1: /* the first leaves */
            if (count == 0)
                break;
            list = value_array(value_items(list) + 1, --count);
            memmove(model, model + 1, count * sizeof *model);
            break;
        case 2: /* as if read back from a file */
            if (step % 50 == 0)
                growth_replace(&growth, &texts, list, &list);
            break;
        case 3: /* one is replaced */
            if (count == 0)
                break;
            put_text(&growth, &items_of(&growth, &list, count)[at], step);
            model[at] = step;
            break;
        default:
            if (count == MOST)
                break;
            Value *slot = &items_of(&growth, &list, count + 1)[count];
            *slot       = value_null();
            put_text(&growth, slot, step);
            list.len       = (uint32_t)count + 1;
            model[count++] = step;
        }
        growth_settle(&growth, &texts, &list);
        expect_model(list, model, count);
        assert_true(growth.held < 4 * value_pack_size(&texts, list) + 16 * 1024);
    }
    growth_clear(&growth);
}

static void a_bare_text_is_replaced_in_place(void **state)
{
    Growth growth = {0};
    Value  text   = value_null();
    char   buffer[32];
    for (int i = 0; i < 5000; i++) {
        put_text(&growth, &text, i);
        growth_settle(&growth, &type_string, &text);
        assert_true(value_equal(&type_string, text, text_of(buffer, i)));
    }
    assert_true(growth.held < 4096);
    growth_replace(&growth, &type_string, value_string("", 0), &text);
    assert_int_equal(text.len, 0);
    assert_false(str_is_null(value_str(text)));
    assert_int_equal(growth.held, 0);
}

static Value element_at(Value list, size_t at) { return value_items(list)[at]; }

static void long_lists_are_searched_by_an_index(void **state)
{
    enum { N = 2000 };
    Growth growth = {0};
    Value  list   = value_array(NULL, 0);
    char   buffer[32];
    for (int i = 0; i < N; i++) {
        assert_int_equal(growth_find(&growth, &type_string, element_at, list, text_of(buffer, i)), -1);
        Value *slot = &items_of(&growth, &list, list.len + 1)[list.len];
        *slot       = value_null();
        put_text(&growth, slot, i);
        list.len++;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(growth_find(&growth, &type_string, element_at, list, text_of(buffer, i)), i);
    list = value_array(value_items(list) + 1, N - 1); /* all move */
    growth_unindex(&growth);
    assert_int_equal(growth_find(&growth, &type_string, element_at, list, text_of(buffer, 0)), -1);
    for (int i = 1; i < N; i++)
        assert_int_equal(growth_find(&growth, &type_string, element_at, list, text_of(buffer, i)), i - 1);
    growth_clear(&growth);
}

static void too_much_is_refused(void **state)
{
    Growth growth = {0};
    Value  list   = value_array(NULL, 0);
    Error  err;
    *items_of(&growth, &list, 1) = value_from_int(7);
    list.len                     = 1;
    assert_null(growth_items(&growth, &list, sizeof(Value), UINT32_MAX, &err));
    assert_int_equal(err.code, E_LIMIT);
    assert_non_null(strstr(err.message, "Value too large"));
    assert_int_equal(value_items(list)[0].as.i64, 7);
    growth_clear(&growth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_append_seldom_moves_the_list),
        cmocka_unit_test(a_queue_moves_once_per_length),
        cmocka_unit_test(random_walk_equals_the_model),
        cmocka_unit_test(a_bare_text_is_replaced_in_place),
        cmocka_unit_test(long_lists_are_searched_by_an_index),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
