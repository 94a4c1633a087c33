/*
 * Tables: widths of Unicode text, columns that fit, are cut or wrapped; and JSON read in place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "shell/jtext.h"
#include "shell/layout.h"

static void widths(void **state)
{
    static const struct {
        const char *text;
        size_t      width;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"\xc3\xa9", 1},
        {"e\xcc\x81", 1},
        {"\xe6\x97\xa5\xe6\x9c\xac", 4},
        {"\xf0\x9f\x98\x80", 2},
        {"\xe2\x80\x8b", 0},
        /* a family, joined by ZWJ; a flag, of two letters; a hand with a colour; a heart as a picture; ten
           wide letters */
        {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", 2},
        {"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 2},
        {"\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd", 2},
        {"\xe2\x9d\xa4\xef\xb8\x8f", 2},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80x", 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(width_text(str_c(cases[i].text)), cases[i].width);
    assert_int_equal(width_prefix(str_c("\xe6\x97\xa5\xe6\x9c\xac"), 3), 3); /* half a letter is none */
    assert_int_equal(width_prefix(str_c("e\xcc\x81x"), 1), 3); /* the mark stays with its letter */
}

static void control_characters_are_harmless(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"a\nb\tc", "a\\nb\\tc"},
        {"\033[2J", "\\u001b[2J"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xe2\x80\xae"
         "x",
         "\\u202ex"},
    };
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(str_equal(width_clean(arena, str_c(cases[i][0])), str_c(cases[i][1])));
    arena_free(arena);
}

static const struct {
    LayoutLook  look;
    const char *cells[2];
    bool        readable;
    const char *drawn;
} tables[] = {
    {{.box = true},
     {"abc", "1"},
     true,
     "+------+-----+\n| NAME | NUM |\n+------+-----+\n| abc  |   1 |\n+------+-----+\n"},
    {{.box = false}, {"abc", "1"}, true, "NAME  NUM\n---------\nabc     1\n"},
    {{.box = true, .screen = 26},
     {"a text that is too long", "12"},
     true,
     "+------------------+-----+\n| NAME             | NUM |\n+------------------+-----+\n| a text that is "
     "\xe2\x80\xa6 |  12 |\n+------------------+-----+\n"},
    {{.box = true, .screen = 24, .wrap = true},
     {"a text that is too long", "12"},
     true,
     "+----------------+-----+\n| NAME           | NUM |\n+----------------+-----+\n| a text that is |  12 "
     "|\n|  too long      |     |\n+----------------+-----+\n"},
    {{.box = true, .screen = 14}, {"a text that is too long", "12345678901"}, false, NULL},
    {{.box = true, .fixed = 2},
     {"abc", "1"},
     true,
     "+----+----+\n| N\xe2\x80\xa6 | N\xe2\x80\xa6 |\n+----+----+\n| a\xe2\x80\xa6 |  1 |\n+----+----+\n"},
    {{.box = true, .screen = 1, .wrap = true}, {"\xe6\x97\xa5", "1"}, false, NULL},
};

static void tables_are_drawn(void **state)
{
    const LayoutSpec columns[] = {{STR_LIT("NAME"), false, false}, {STR_LIT("NUM"), true, true}};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        Layout layout;
        StrBuf out     = {0};
        Arena *arena   = arena_new(0);
        Str    cells[] = {str_c(tables[i].cells[0]), str_c(tables[i].cells[1])};
        layout_init(&layout, arena, &tables[i].look, columns, 2);
        layout_measure(&layout, cells);
        assert_int_equal(layout_fit(&layout), tables[i].readable);
        assert_int_equal(layout_is_possible(&layout),
                         tables[i].look.screen != 1 && tables[i].look.screen != 14);
        layout_heading(&layout, &out);
        layout_row(&layout, cells, &out);
        layout_foot(&layout, &out);
        strbuf_addc(&out, '\0');
        if (tables[i].drawn != NULL)
            assert_string_equal(out.ptr, tables[i].drawn);
        for (Str rest = str_n(out.ptr, out.len - 1);
             tables[i].look.screen > 2 && tables[i].readable && rest.len > 0;) {
            const char *newline = memchr(rest.ptr, '\n', rest.len);
            size_t      len     = (size_t)(newline - rest.ptr);
            assert_true(width_text(str_n(rest.ptr, len)) <= tables[i].look.screen);
            rest = str_n(newline + 1, rest.len - len - 1);
        }
        strbuf_clear(&out);
        arena_free(arena);
    }
}

static void json_is_read_in_place(void **state)
{
    Arena   *arena  = arena_new(0);
    JsonText object = jtext_parse(str_c(" {\"a\": 1.20, \"b\":[1,\"]\",{}], "
                                        "\"c\":\"x\\u00e9\\ud83d\\ude00\\n\", \"d\":null, \"e\":true} rest"));
    assert_true(str_equal(jtext_field(arena, object, "a"), STR_LIT("1.20")));
    assert_int_equal(jtext_count(jtext_get(object, "b")), 3);
    assert_true(str_equal(jtext_field(arena, object, "c"), str_c("x\xc3\xa9\xf0\x9f\x98\x80\n")));
    assert_true(str_is_null(jtext_field(arena, object, "d")));
    assert_true(jtext_is_true(jtext_get(object, "e")));
    assert_int_equal(jtext_get(object, "f").kind, JTEXT_NONE);
    arena_free(arena);
}

static void broken_json_is_none(void **state)
{
    static const char *const cases[] = {"", "{", "[1,2", "\"abc", "\"abc\\", "}", "{\"a\":", "<html>", "\\"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(jtext_parse(str_c(cases[i])).kind, JTEXT_NONE);
}

static void json_is_laid_out_as_jackson_does(void **state)
{
    StrBuf out = {0};
    jtext_pretty(&out, jtext_parse(str_c("[{\"a\":1,\"b\":[{\"c\":\"x\"},2],\"d\":{},\"e\":[]}]")));
    strbuf_addc(&out, '\0');
    assert_string_equal(
        out.ptr,
        "[ {\n  \"a\" : 1,\n  \"b\" : [ {\n    \"c\" : \"x\"\n  }, 2 ],\n  \"d\" : { },\n  \"e\" : [ ]\n} ]");
    strbuf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),
        cmocka_unit_test(control_characters_are_harmless),
        cmocka_unit_test(tables_are_drawn),
        cmocka_unit_test(json_is_read_in_place),
        cmocka_unit_test(broken_json_is_none),
        cmocka_unit_test(json_is_laid_out_as_jackson_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
