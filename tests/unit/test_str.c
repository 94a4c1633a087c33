/* test_str.c - text, buffers, UTF-8 and UTF-16, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/str.h"

static Arena *arena;

static void searching(void **state)
{
    Str s = STR_LIT("abcabc");
    assert_int_equal(str_find(s, STR_LIT("ca"), 0), 2);
    assert_int_equal(str_find(s, STR_LIT("abc"), 1), 3);
    assert_int_equal(str_find(s, STR_LIT("abc"), 4), -1);
    assert_int_equal(str_find(s, STR_LIT(""), 6), 6);
    assert_int_equal(str_find(s, STR_LIT(""), 7), -1);
    assert_true(str_starts_with(s, STR_LIT("ab")) && str_ends_with(s, STR_LIT("bc")));
    assert_false(str_starts_with(s, STR_LIT("abcabcd")) || str_ends_with(s, STR_LIT("ab")));
    assert_true(str_equal_nocase(STR_LIT("SeLect"), STR_LIT("sElECT")));
    assert_false(str_equal_nocase(STR_LIT("@"), STR_LIT("`")));
    assert_true(str_equal(str_trim(STR_LIT(" \t a b\n")), STR_LIT("a b")));
    assert_int_equal(str_trim(STR_LIT("  ")).len, 0);
    assert_true(str_compare(STR_LIT("a"), STR_LIT("ab")) < 0 && str_compare(STR_LIT("b"), STR_LIT("ab")) > 0);
    assert_int_equal(str_distance(STR_LIT("kitten"), STR_LIT("sitting")), 3);
    assert_int_equal(str_distance(STR_LIT(""), STR_LIT("abc")), 3);
}

static void hashes_see_every_byte(void **state)
{
    char bytes[70] = {0};
    for (size_t len = 1; len < sizeof bytes; len++) {
        uint64_t plain = str_hash(str_n(bytes, len));
        assert_true(plain != str_hash(str_n(bytes, len - 1)));
        for (size_t i = 0; i < len; i++) {
            bytes[i] = 1;
            assert_true(str_hash(str_n(bytes, len)) != plain);
            bytes[i] = 0;
        }
    }
}

static void buffers_grow(void **state)
{
    StrBuf buf = {0};
    for (int i = 0; i < 1000; i++)
        strbuf_addf(&buf, "%d,", i);
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
    strbuf_reset(&buf);
    strbuf_addf(&buf, "%0500d", 7);
    assert_int_equal(buf.len, 500);
    assert_int_equal(buf.ptr[499], '7');
    strbuf_clear(&buf);
    assert_null(buf.ptr);
    assert_true(str_equal(str_printf(arena, "%s-%d", "a", 5), STR_LIT("a-5")));
    assert_true(str_equal(str_upper(arena, STR_LIT("a\xC3\xA4z")), STR_LIT("A\xC3\xA4Z")));
}

static const struct {
    const char *text;
    bool        valid;
    size_t      units;
    const char *repaired;
} texts[] = {
    {"plain ascii text", true, 16, "plain ascii text"},
    {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", true, 4, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {"a\xFFz", false, 3, "a\xEF\xBF\xBDz"},
    {"\xC0\x80", false, 2, "\xEF\xBF\xBD\xEF\xBF\xBD"}, /* overlong */
    {"\xE2\x82", false, 1, "\xEF\xBF\xBD"},             /* cut */
    {"\xF0\x9F\x98x", false, 2, "\xEF\xBF\xBDx"},
    {"\xED\xA0\x80", false, 3, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
    {"\xF4\x90\x80\x80", false, 4, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
};

static void utf8(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        Str s = str_c(texts[i].text);
        assert_int_equal(utf8_valid(s), texts[i].valid);
        assert_int_equal(utf16_length(s), texts[i].units);
        assert_true(str_equal(utf8_repair(arena, s), str_c(texts[i].repaired)));
    }
    for (uint32_t cp = 0; cp < 0x110000; cp += cp < 0x900 ? 1 : 97) {
        char   out[4];
        size_t at = 0, len = utf8_put(cp, out);
        assert_int_equal(utf8_next(str_n(out, len), &at), cp >= 0xD800 && cp < 0xE000 ? 0xFFFD : cp);
        assert_int_equal(at, len);
    }
    assert_true(utf16_compare(STR_LIT("\xF0\x9F\x98\x80"), STR_LIT("\xEE\x80\x80")) < 0);
    assert_true(utf16_compare(STR_LIT("\xF0\x9F\x98\x80"), STR_LIT("\xED\x9F\xBF")) > 0);
    assert_true(utf16_compare(STR_LIT("aaaaaaaaab"), STR_LIT("aaaaaaaaaa")) > 0);
}

static void base64(void **state)
{
    static const struct {
        const char *bytes, *text;
    } pairs[] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFF\xFE\xFD", "//79"},
    };
    static const char *const bad[] = {"A", "Zg=", "Z===", "Zm9v=", "Zm 9", "Zg==Zg==", "Z-_v", "="};
    Str                      out;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_true(str_equal(base64_encode(arena, str_c(pairs[i].bytes)), str_c(pairs[i].text)));
        assert_int_equal(base64_decode(arena, str_c(pairs[i].text), &out, NULL), OK);
        assert_true(str_equal(out, str_c(pairs[i].bytes)));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(base64_decode(arena, str_c(bad[i]), &out, NULL), E_DATA);
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

static void quotes_inside_are_doubled(void **state)
{
    StrBuf out = {0};
    strbuf_add_quoted(&out, STR_LIT("it's \"it\""), '\'');
    strbuf_add_quoted(&out, STR_LIT(""), '`');
    assert_true(str_equal(strbuf_str(&out), STR_LIT("'it''s \"it\"'``")));
    strbuf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_inside_are_doubled),
        cmocka_unit_test(searching),
        cmocka_unit_test(hashes_see_every_byte),
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(utf8),
        cmocka_unit_test(base64),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
