/* String functions: UTF-16 positions, padding, splitting, masks. */
#include "tests/unit/fn_test.h"

static void counts_and_cuts(void **state)
{
    const FnCase cases[] = {
        CASE("len", "2", S("\xF0\x9F\x98\x80")),
        CASE("len", "3", S("abc")),
        CASE("substring", "ea", S("stream"), I(-3), I(2)),
        CASE("substring", "stream", S("stream"), I(0)),
        CASE("substring", "", S("stream"), I(9)),
        CASE("substring", "", S("stream"), I(1), I(-1)),
        CASE("substring", "tream", S("stream"), I(2), I(INT32_MAX)),
        CASE("substring", "\xC3\xA9\x62", S("a\xC3\xA9\x62"), I(2)),
        CASE("substring", "\xEF\xBF\xBD", S("\xF0\x9F\x98\x80"), I(2)),
        CASE("substring", "ERROR", S("a"), L(1)),
        CASE("instr", "2", S("CORPORATE FLOOR"), S("OR")),
        CASE("instr", "5", S("CORPORATE FLOOR"), S("OR"), I(3)),
        CASE("instr", "14", S("CORPORATE FLOOR"), S("OR"), I(3), I(2)),
        CASE("instr", "14", S("CORPORATE FLOOR"), S("OR"), I(-1)),
        CASE("instr", "5", S("CORPORATE FLOOR"), S("OR"), I(-3)),
        CASE("instr", "2", S("CORPORATE FLOOR"), S("OR"), I(-3), I(2)),
        CASE("instr", "0", S("CORPORATE FLOOR"), S("OR"), I(-3), I(5)),
        CASE("instr", "0", S("CORPORATE FLOOR"), S("OR"), I(-100)),
        CASE("instr", "0", NUL(type_string), S("OR")),
        CASE("instr", "2", S("aaa"), S("aa"), I(1), I(2)),
        CASE("lpad", "BarBfoo", S("foo"), I(7), S("Bar")),
        CASE("rpad", "fooBarB", S("foo"), I(7), S("Bar")),
        CASE("lpad", "fo", S("foo"), I(2), S("x")),
        CASE("rpad", "NULL", S("foo"), I(-1), S("x")),
        CASE("lpad", "NULL", S("foo"), I(5), S("")),
        CASE("rpad", "\xC3\xA9xx", S("\xC3\xA9"), I(3), S("x")),
        CASE("split", "[, , a]", S("..a"), S(".")),
        CASE("split", "[a]", S("a"), S("x")),
        CASE("split", "[a, b]", S("ab"), S("")),
        CASE("split", "[]", S(""), S("")),
        CASE("split", "[\xEF\xBF\xBD, \xEF\xBF\xBD]", S("\xF0\x9F\x98\x80"), S("")),
        CASE("split_to_map", "{a=1, b=2}", S("a:1;b:2"), S(";"), S(":")),
        CASE("split_to_map", "{a=3}", S("a:1;b;;a:3:4"), S(";"), S(":")),
        CASE("split_to_map", "NULL", S("a"), S(";"), S(";")),
        CASE("replace", "ab", S("aXb"), S("X"), S("")),
        CASE("replace", "-a-b-", S("ab"), S(""), S("-")),
        CASE("trim", "\xC2\xA0 a", S("\xC2\xA0 a\001 ")),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

static void makes_text(void **state)
{
    const FnCase cases[] = {
        CASE("concat", "ab", S("a"), NUL(type_null), S("b")),
        CASE("concat", "", NUL(type_string), NUL(type_string)),
        CASE0("concat", ""),
        CASE("concat_ws", "a,b", S(","), S("a"), NUL(type_string), S("b")),
        CASE("concat_ws", "NULL", NUL(type_string), S("a")),
        CASE("concat_ws", "ERROR", S("a")),
        CASE("concat_ws", "", S(","), NUL(type_string)),
        CASE("elt", "b", I(2), S("a"), S("b")),
        CASE("elt", "NULL", I(3), S("a"), S("b")),
        CASE("elt", "ERROR", NUL(type_integer), S("a")),
        CASE("field", "2", S("b"), S("a"), S("b")),
        CASE("field", "0", NUL(type_string), S("a")),
        CASE("ucase", "STRASSE",
             S("stra\xC3\x9F"
               "e")),
        CASE("lcase", "ab", S("aB")),
        CASE("initcap", "The Quick", S("  the qUICK")),
        CASE("chr", "K", S("\\u004b")),
        CASE("chr", "K", I(75)),
        CASE("chr", "NULL", S("K")),
        CASE("chr", "NULL", I(-1)),
        CASE("chr", "\xF0\x9F\x98\x80", S("\\ud83d\\ude00")),
        CASE("md5", "900150983cd24fb0d6963f7d28e17f72", S("abc")),
        CASE("uuid", "NULL", BY("abc")),
        CASE("uuid", "41424344-4546-4748-494a-4b4c4d4e4f50", BY("ABCDEFGHIJKLMNOP")),
        CASE("len", "ERROR~ambiguous", NUL(type_null)),
        CASE("ucase", "NULL", NUL(type_null)),
        CASE("mask", "Xx-nn-x", S("Ab-12 \xC3\xA9")),
        CASE("mask", "Q?b", S("A?b"), S("Q"), NUL(type_string), NUL(type_string), NUL(type_string)),
        CASE("mask", "ERROR~single character, but was 'ab'", S("A"), S("ab"), S("x"), S("n"), S("-")),
        CASE("mask", "--", S("\xF0\x9F\x98\x80")),
        CASE("mask_keep_right", "xxx9", S("abc9"), I(1)),
        CASE("mask_left", "xbc9", S("abc9"), I(1)),
        CASE("mask_right", "abcn", S("abc9"), I(1)),
        CASE("mask_keep_left", "axxn", S("abc9"), I(1)),
        CASE("mask_left", "ERROR~non-negative", S("abc9"), I(-1)),
        CASE("mask_left", "xxxn", S("abc9"), I(99)),
    };
    fn_check(*state, cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_and_cuts), cmocka_unit_test(makes_text)};
    return cmocka_run_group_tests(tests, fn_setup, fn_teardown);
}
