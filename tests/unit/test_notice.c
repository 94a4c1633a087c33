/* A trouble that lasts: said once, again when it changes and after a minute; texts that take turns are no
 * change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/notice.h"

enum { SECOND = 1000000 };

static bool due(Notice *notice, const char *text, int64_t second)
{
    return notice_due(notice, str_c(text), second * SECOND);
}

static void said_once_and_again_after_a_minute(void **state)
{
    Notice notice = {0};
    assert_true(due(&notice, "refused", 1));
    for (int64_t second = 1; second < 1 + NOTICE_REPEAT_S; second++)
        assert_false(due(&notice, "refused", second));
    assert_true(due(&notice, "refused", 1 + NOTICE_REPEAT_S));
    assert_false(due(&notice, "refused", 2 + NOTICE_REPEAT_S));
}

static void a_change_is_said(void **state)
{
    Notice notice = {0};
    assert_true(due(&notice, "broker a: refused", 1));
    assert_true(due(&notice, "broker b: refused", 1));
    for (int i = 0; i < 10; i++) {
        assert_false(due(&notice, "broker a: refused", 2 + i));
        assert_false(due(&notice, "broker b: refused", 2 + i));
    }
    assert_true(due(&notice, "broker a: timed out", 12));
}

static void what_comes_after_the_end_is_new(void **state)
{
    Notice notice = {0};
    assert_true(due(&notice, "refused", 1));
    notice_clear(&notice);
    assert_true(due(&notice, "refused", 2));
}

static void many_texts_are_said_and_none_is_written_past_the_end(void **state)
{
    Notice notice = {0};
    char   text[32];
    for (int i = 0; i < 3 * NOTICE_TEXTS; i++) {
        snprintf(text, sizeof text, "trouble %d", i);
        assert_true(due(&notice, text, 1));
        assert_false(due(&notice, text, 1));
    }
    assert_true(due(&notice, "trouble 0", 1)); /* forgotten long ago */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(said_once_and_again_after_a_minute),
        cmocka_unit_test(a_change_is_said),
        cmocka_unit_test(what_comes_after_the_end_is_new),
        cmocka_unit_test(many_texts_are_said_and_none_is_written_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
