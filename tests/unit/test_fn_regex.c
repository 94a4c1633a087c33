/* REGEXP_*: Java's dialect, check vectors of functions.md 3.4 and 14.5. */
#include "fn_rows.h"

extern const ScalarFn regex_functions[];

static int setup(void **state)
{
    *state = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static Arg text_arg(const char *text) { return (Arg){value_from_str(str_c(text)), &type_string}; }

static const struct {
    const char *pattern, *text, *result;
} finds[] = {
    {"b+", "abbc", "bb"},
    /* As a JVM answers: tests/jvm. */
    {"(?U)\\w+", "\303\251t\303\251 x", "\303\251t\303\251"},
    {"(?U)\\d", "\331\243", "\331\243"},
    {"\\p{InCyrillic}+", "a\320\266\320\226b", "\320\266\320\226"},
    {"\\p{blk=Cyrillic}", "\320\266", "\320\266"},
    {"\\p{sc=Latin}", "\320\266a", "a"},
    {"\\p{Latin}", "a", "ERROR~Unknown character property name"},
    {"[[:alpha:]]+", "x:lap:y", ":lap:"},
    {"[[:alpha:]]", "x", "NULL"},
    {"\\N{LATIN SMALL LETTER A}+", "baac", "aa"},
    {"\\N{NO SUCH LETTER}", "a", "ERROR~Unknown character name"},
    {"a{,3}", "aaa", "ERROR~Illegal repetition"},
    {"x{", "x{", "ERROR~Illegal repetition"},
    {"a}", "a}", "a}"},
    {"a**", "a", "ERROR~Dangling meta character '*'"},
    {"^*a", "a", "a"},
    {"(?P<n>a)", "a", "ERROR~Unknown inline modifier"},
    {"(?i)\\p{Lu}+", "aB\303\251", "aB\303\251"},
    {"(?i)\\p{Lower}+", "aB\303\251", "aB"},
    {"(?x) a b # c", "ab", "ab"},
    {"(?x)[a b]+", " ab", "ab"},
    {"(?d).", "\r", "\r"},
    {"a$", "a\v", "NULL"},
    {"(?m)^b", "a\r\nb", "b"},
    {"\\b\303\251\\b", "x \303\251", "\303\251"},
    {"[a-\\d]", "a", "ERROR~Illegal character range"},
    {"(a)\\2", "aa", "NULL"},
    {"x", "abc", "NULL"},
    {"\\d", "\331\243", "NULL"},
    {"\\w", "\303\251", "NULL"},
    {"\\s", "\302\240", "NULL"},
    {"\\s", "\v", "\v"},
    {".", "\v", "\v"},
    {".", "\n", "NULL"},
    {".", "\302\205", "NULL"},
    {".", "\342\200\250", "NULL"},
    {"(?s).", "\n", "\n"},
    {"(?s:.)(.)?", "\n\n", "\n"},
    {"c$", "abc\n", "c"},
    {"b$", "ab\ncd", "NULL"},
    {"(?m)b$", "ab\ncd", "b"},
    {"(?i)\303\211", "\303\251", "NULL"},
    {"(?iu)\303\211", "\303\251", "\303\251"},
    {"(?i)k", "\342\204\252", "NULL"},
    {"(?i)K", "k", "k"},
    {"[a-z&&[^b]]", "b", "NULL"},
    {"[a-z&&[^b]]", "c", "c"},
    {"[a-d[m-p]]", "n", "n"},
    {"[a-d[m-p]]", "e", "NULL"},
    {"[^a-d[m-p]]", "ne", "e"},
    {"[a-z&&[def]]+", "abedf", "edf"},
    {"[a-z&&[^m-p]&&[^x]]+", "xmabc", "abc"},
    {"[]a]+", "a]", "a]"},
    {"[\\]\\[]+", "[]", "[]"},
    {"(?<=a{1,3})b", "aab", "b"},
    {"(?<=x[ab]?\\.|y{2})b", "xa.b", "b"},
    {"(?<!x[ab]{0,2})b", "xabb", "NULL"},
    {"(?<=a+)b", "aab", "ERROR~lookbehind"},
    {"(?<=(a|bc)?)d", "bcd", "ERROR"},
    {"(?<=a|bc)d", "bcd", "d"},
    {"(?<!a)b", "ab", "NULL"},
    {"(?<n>a)\\k<n>", "aa", "aa"},
    {"(a)\\1", "aa", "aa"},
    {"(a)\\10", "aa0", "aa0"},
    {"a++b", "aab", "aab"},
    {"(?>a+)b", "aab", "aab"},
    {"\\Qa.b\\E+", "a.bb", "a.bb"},
    {"\\u0041\\x42\\x{43}", "ABC", "ABC"},
    {"\\uD83D\\uDE00", "\360\237\230\200", "\360\237\230\200"},
    {"\\0101", "A", "A"},
    {"\\p{Lower}+", "AbcD", "bc"},
    {"[\\p{Upper}\\d]+", "aB1c", "B1"},
    {"\\P{Alpha}", "a1", "1"},
    {"\\p{L}+", "\303\251", "\303\251"},
    {"\\p{IsLatin}", "a", "a"},
    {"\\p{Alpha}", "\303\251", "NULL"},
    {"\\h\\R", " \r\n", " \r\n"},
    {"a\\Z", "a\n", "a"},
    {"a\\z", "a\n", "NULL"},
    {"(", "a", "ERROR~Invalid regular expression pattern: ("},
    {"[a", "a", "ERROR"},
    {"\\y", "y", "ERROR"},
    {"a**", "a", "ERROR"},
    {"\\C", "a", "ERROR"},
    {"(*LIMIT_MATCH=1)a", "a", "ERROR"},
    {"(?R)", "a", "ERROR"},
    {"a\\", "a", "ERROR"},
    {"(x+x+)+y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "NULL"},
    {"(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "ERROR~gave up"},
};

static void searches(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
        Arg args[] = {text_arg(finds[i].pattern), text_arg(finds[i].text)};
        fn_expect(finds[i].pattern, fn_call(regex_functions, "regexp_extract", &type_string, args, 2, *state),
                  finds[i].result);
    }
}

static void extracts_groups(void **state)
{
    const struct {
        const char *pattern, *text;
        int         group;
        const char *first, *all;
    } cases[] = {
        {"(b+)", "abbcb", 1, "bb", "[bb, b]"},
        {"(b+)", "abbc", 0, "bb", "[bb]"},
        {"(b+)", "abbc", 2, "NULL", "NULL"},
        {"b", "b", -1, "ERROR", "ERROR"},
        {"(a)|b", "ba", 1, "NULL", "[null, a]"},
        {"x", "abc", 0, "NULL", "[]"},
        {"", "ab", 0, "", "[, , ]"},
    };
    const SqlType *list = type_array(*state, &type_string);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arg args[] = {text_arg(cases[i].pattern), text_arg(cases[i].text), I(cases[i].group)};
        fn_expect(cases[i].pattern, fn_call(regex_functions, "regexp_extract", &type_string, args, 3, *state),
                  cases[i].first);
        fn_expect(cases[i].pattern, fn_call(regex_functions, "regexp_extract_all", list, args, 3, *state),
                  cases[i].all);
    }
}

static void replaces(void **state)
{
    const struct {
        const char *text, *pattern, *with, *result;
    } cases[] = {
        {"foobar", "(foo|bar)", "cat", "catcat"},
        {"abc", "", "n", "nanbncn"},
        {"abc", "(b)", "[$1]", "a[b]c"},
        {"abc", "(b)", "[$12]", "a[b2]c"},
        {"abc", "(b)", "[$2]", "ERROR"},
        {"abc", "(?<x>b)", "<${x}>", "a<b>c"},
        {"abc", "b", "${x}", "ERROR"},
        {"abc", "b", "\\$", "a$c"},
        {"abc", "b", "\\", "ERROR"},
        {"abc", "b", "$", "ERROR"},
        {"baac", "a*", "X", "XbXXcX"},
        {"\303\251\303\251", "", "-", "-\303\251-\303\251-"},
        {"abc", "x", "$9", "abc"},
        {"abc", "[", "",
         "ERROR: Invalid regular expression pattern: [ (Unclosed character class near index 1)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arg args[] = {text_arg(cases[i].text), text_arg(cases[i].pattern), text_arg(cases[i].with)};
        fn_expect(cases[i].pattern, fn_call(regex_functions, "regexp_replace", &type_string, args, 3, *state),
                  cases[i].result);
    }
}

static void splits(void **state)
{
    const struct {
        const char *text, *pattern, *result;
    } cases[] = {
        {"x-y", ".", "[, , , ]"},    {"A", "^", "[A]"},
        {"axbxx", "x*", "[a, , b]"}, {"abc", "b?", "[a, , c]"},
        {"axbxc", "x", "[a, b, c]"}, {"xax", "x", "[, a, ]"},
        {"abc", "", "[a, b, c]"},    {"", "x", "[]"},
        {"abc", "(", "ERROR"},
    };
    const SqlType *list = type_array(*state, &type_string);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arg args[] = {text_arg(cases[i].text), text_arg(cases[i].pattern)};
        fn_expect(cases[i].pattern, fn_call(regex_functions, "regexp_split_to_array", list, args, 2, *state),
                  cases[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches),
        cmocka_unit_test(extracts_groups),
        cmocka_unit_test(replaces),
        cmocka_unit_test(splits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
