/* How far topics have come, and the text that clients carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/offset_vector.h"

static void assert_text(const OffsetVector *vector, const char *expected)
{
    StrBuf text = {0};
    offset_vector_print(vector, &text);
    strbuf_addc(&text, '\0');
    assert_string_equal(text.ptr, expected);
    strbuf_clear(&text);
}

static void the_larger_offset_stays(void **state)
{
    OffsetVector v = {0};
    assert_true(offset_vector_is_empty(&v));
    assert_text(&v, "sluice1;");
    offset_vector_put(&v, STR_LIT("views"), 1, 5);
    offset_vector_put(&v, STR_LIT("clicks"), 0, 3);
    offset_vector_put(&v, STR_LIT("views"), 0, 12);
    offset_vector_put(&v, STR_LIT("views"), 0, 7);
    offset_vector_put(&v, STR_LIT("views"), 1, 6);
    assert_text(&v, "sluice1;clicks:0=3;views:0=12,1=6");
    assert_int_equal(offset_vector_get(&v, STR_LIT("views"), 1), 6);
    assert_int_equal(offset_vector_get(&v, STR_LIT("views"), 2), -1);
    assert_int_equal(offset_vector_get(&v, STR_LIT("view"), 0), -1);
    assert_true(offset_vector_has(&v, STR_LIT("clicks")));
    assert_false(offset_vector_has(&v, STR_LIT("click")));
    assert_false(offset_vector_has(&v, STR_LIT("clicks2")));
    offset_vector_clear(&v);
}

static void merging_keeps_both(void **state)
{
    OffsetVector a = {0}, b = {0};
    Error        err;
    assert_int_equal(offset_vector_parse(&a, STR_LIT("sluice1;s:0=4,3=9"), &err), OK);
    assert_int_equal(offset_vector_parse(&b, STR_LIT("sluice1;r:0=1;s:0=5,3=2"), &err), OK);
    offset_vector_merge(&a, &b);
    assert_text(&a, "sluice1;r:0=1;s:0=5,3=9");
    assert_int_equal(offset_vector_parse(&a, STR_LIT("sluice1;*"), &err), OK);
    assert_text(&a, "sluice1;*");
    assert_false(offset_vector_is_empty(&a));
    offset_vector_merge(&b, &a);
    assert_text(&b, "sluice1;*");
    offset_vector_clear(&a);
    offset_vector_clear(&b);
}

/* It has to fit a header: rather all topics' ends than a text that is cut. */
static void a_long_one_stands_for_everything(void **state)
{
    OffsetVector v    = {0};
    StrBuf       text = {0};
    Error        err;
    char         topic[32];
    for (int i = 0; offset_vector_print(&v, &text), text.len > strlen("sluice1;*") || i < 3; i++) {
        assert_true(text.len <= OFFSET_VECTOR_TEXT);
        assert_true(i < 1000);
        snprintf(topic, sizeof topic, "topic-%d", i);
        offset_vector_put(&v, str_c(topic), 0, 1000000);
        strbuf_reset(&text);
    }
    assert_true(v.count > 200);
    assert_text(&v, "sluice1;*");
    strbuf_reset(&text);
    strbuf_adds(&text, "sluice1;s:0=1");
    for (int i = 1; text.len <= OFFSET_VECTOR_TEXT; i++)
        strbuf_addf(&text, ",%d=1", i);
    assert_int_equal(offset_vector_parse(&v, strbuf_str(&text), &err), E_DATA);
    strbuf_clear(&text);
    offset_vector_clear(&v);
}

static const char *const damaged[] = {
    "",
    "sluice1",
    "sluice2;s:0=1",
    "sluice1;s",
    "sluice1;s:",
    "sluice1;s:0",
    "sluice1;:0=1",
    "sluice1;s:=1",
    "sluice1;s:0=",
    "sluice1;s:0=1x",
    "sluice1;s:-1=1",
    "sluice1;s:0=-1",
    "sluice1;s:4294967296=1",
    "sluice1;s:0=1;;",
    "sluice1;s t:0=1",
    "sluice1;*;s:0=1",
    "sluice1;s:0=9223372036854775808",
};

static void what_is_no_token_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        OffsetVector v = {0};
        Error        err;
        if (offset_vector_parse(&v, str_c(damaged[i]), &err) != E_DATA)
            fail_msg("'%s' is taken for a token", damaged[i]);
        offset_vector_clear(&v);
    }
    assert_false(offset_vector_is_text(STR_LIT("{\"version\":3}")));
    assert_true(offset_vector_is_text(STR_LIT("sluice1;?")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_larger_offset_stays),
        cmocka_unit_test(merging_keeps_both),
        cmocka_unit_test(a_long_one_stands_for_everything),
        cmocka_unit_test(what_is_no_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
