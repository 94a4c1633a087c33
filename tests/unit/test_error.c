/* test_error.c - filling in, prefixing and cutting error messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"

static void set_fills_everything(void **state)
{
    Error err;
    assert_int_equal(error_set(&err, E_PLAN, (Pos){3, 7}, "no %s", "table"), E_PLAN);
    assert_int_equal(err.code, E_PLAN);
    assert_int_equal(err.pos.line, 3);
    assert_int_equal(err.pos.col, 7);
    assert_string_equal(err.message, "no table");
    assert_int_equal(error_set(NULL, E_IO, NO_POS, "x"), E_IO);
    error_set(&err, E_DATA, NO_POS, "again: %s", err.message); /* its own text is an argument */
    assert_string_equal(err.message, "again: no table");
}

static void prefix_and_append_keep_the_code(void **state)
{
    Error err;
    error_set(&err, E_DATA, (Pos){1, 2}, "b");
    assert_int_equal(error_prefix(&err, "%s: ", "a"), E_DATA);
    assert_int_equal(error_append(&err, " (%d)", 5), E_DATA);
    assert_string_equal(err.message, "a: b (5)");
    assert_int_equal(err.pos.col, 2);
    error_clear(&err);
    assert_int_equal(err.code, OK);
    assert_string_equal(err.message, "");
}

/* A broker that fails a call which was made without an Error took the server with it. */
static void nobody_needs_an_error(void **state)
{
    assert_int_not_equal(error_prefix(NULL, "%s: ", "a"), OK);
    assert_int_not_equal(error_append(NULL, " (%d)", 5), OK);
    error_clear(NULL);
}

static void long_messages_are_cut_at_a_character(void **state)
{
    static char text[ERROR_MESSAGE_MAX * 2];
    for (size_t shift = 0; shift < 3; shift++) {
        Error  err;
        size_t at = 0;
        for (; at < shift; at++)
            text[at] = 'a';
        for (; at + 3 < sizeof text; at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 3);
        text[at] = '\0';
        error_set(&err, E_DATA, NO_POS, "%s", text);
        size_t len = strlen(err.message);
        assert_true(len > ERROR_MESSAGE_MAX - 4 && len < ERROR_MESSAGE_MAX);
        assert_int_equal((len - shift) % 3, 0);
        error_append(&err, "more %s", text);
        assert_true(strlen(err.message) < ERROR_MESSAGE_MAX);
    }
}

static void codes_have_names(void **state)
{
    for (int code = OK; code <= E_DENIED; code++)
        assert_true(status_name((Status)code)[0] == 'E' || code == OK);
    assert_string_equal(status_name(E_FATAL_DATA), "E_FATAL_DATA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_everything),  cmocka_unit_test(prefix_and_append_keep_the_code),
        cmocka_unit_test(nobody_needs_an_error), cmocka_unit_test(long_messages_are_cut_at_a_character),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
