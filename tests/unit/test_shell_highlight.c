/*
 * test_shell_highlight.c - what each letter of a statement is, as it is typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shell/highlight.h"

/* Below each text a sign for each byte: K keyword, t text, n number, c comment, E error, . plain. */
static const struct {
    const char *text, *styles;
} cases[] = {
    {"SELECT a FROM t", "KKKKKK...KKKK.."},
    {"select count(*)", "KKKKKK........."},
    {"WHERE a = 'it''s' -- c", "KKKKK.....ttttttt.cccc"},
    {"1.5e3 + x2 - 0", "nnnnn........n"},
    {"/* a */ 'x", "ccccccc.Et"},
    {"/* a", "cccc"},
    {"`from` \"x", ".......E."},
    {"t.from, from", "........KKKK"},
    {"a) (b]", ".E...E"},
    {"(a [1]; (b)", "E...n......"},
    {"'${v}' ${v} ${", "tttttt.nnnn.nn"},
    {"\\watch 2", "KKKKKK.n"},
    {"a \\d", "...."},
    {"WINDOW TUMBLING (SIZE 1 HOUR)", "KKKKKK.KKKKKKKK..KKKK.n.KKKK."},
    {"\xc3\xa9", ".."},
    {"-", "."},
    {"$", "."},
    {"", ""},
};

static void each_letter_has_its_style(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t  len = strlen(cases[i].text);
        uint8_t styles[64];
        char    signs[64];
        highlight(str_c(cases[i].text), styles);
        for (size_t at = 0; at < len; at++)
            signs[at] = ".KtncE"[styles[at]];
        signs[len] = '\0';
        if (strcmp(signs, cases[i].styles) != 0)
            fail_msg("%s\n%s expected, but\n%s", cases[i].text, cases[i].styles, signs);
    }
}

/* Deeper than it remembers: nothing is marked, nothing is lost. */
static void deep_nesting_is_harmless(void **state)
{
    enum { DEEP = 100000 };
    char    *text   = mem_alloc(2 * DEEP);
    uint8_t *styles = mem_alloc(2 * DEEP);
    memset(text, '(', DEEP);
    memset(text + DEEP, ')', DEEP);
    highlight(str_n(text, 2 * DEEP), styles);
    for (size_t i = 0; i < 2 * DEEP; i++)
        assert_int_equal(styles[i], STYLE_PLAIN);
    mem_free(text);
    mem_free(styles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_letter_has_its_style),
        cmocka_unit_test(deep_nesting_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
