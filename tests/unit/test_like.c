/*
 * test_like.c - LIKE: wildcards, escapes, line ends (sql.md 3.8).
 */
#include "expr_rows.h"

static const ExprRow rows[] = {
    {"S LIKE 'abc'", "BOOLEAN: true"},
    {"S LIKE 'a%'", "BOOLEAN: true"},
    {"S LIKE '%c'", "BOOLEAN: true"},
    {"S LIKE '%b%'", "BOOLEAN: true"},
    {"S LIKE 'a_c'", "BOOLEAN: true"},
    {"S LIKE 'a_'", "BOOLEAN: false"},
    {"S LIKE 'A%'", "BOOLEAN: false"},
    {"S LIKE ''", "BOOLEAN: false"},
    {"'' LIKE '%'", "BOOLEAN: true"},
    {"S NOT LIKE 'a%'", "BOOLEAN: false"},
    {"S LIKE S", "BOOLEAN: true"},
    {"S LIKE '%' + 'c'", "BOOLEAN: true"},
    {"'aab' LIKE '%ab'", "BOOLEAN: true"},
    {"'mississippi' LIKE 'm%iss%pi'", "BOOLEAN: true"},
    {"'mississippi' LIKE 'm%iss%pp'", "BOOLEAN: false"},
    {"'a.c' LIKE 'a.c'", "BOOLEAN: true"},
    {"'abc' LIKE 'a.c'", "BOOLEAN: false"},
    {"'a%c' LIKE 'a!%c' ESCAPE '!'", "BOOLEAN: true"},
    {"'abc' LIKE 'a!%c' ESCAPE '!'", "BOOLEAN: false"},
    {"'a!c' LIKE 'a!!c' ESCAPE '!'", "BOOLEAN: true"},
    {"'axc' LIKE 'a!xc' ESCAPE '!'", "BOOLEAN: true"},
    {"'a\\c' LIKE 'a\\c'", "BOOLEAN: true"},
    {"'abc' LIKE 'abc!' ESCAPE '!'", "BOOLEAN: error"},
    {"S LIKE S + '!' ESCAPE '!'", "BOOLEAN: error"},
    {"'a\nb' LIKE 'a%b'", "BOOLEAN: false"},
    {"'a\nb' LIKE 'a_b'", "BOOLEAN: false"},
    {"'a\nb' LIKE '%'", "BOOLEAN: false"},
    {"'a\nb' LIKE 'a\nb'", "BOOLEAN: true"},
    {"'xa\nyb' LIKE '%a\n%b'", "BOOLEAN: true"},
    {"'a\xE2\x80\xA8' LIKE 'a%'", "BOOLEAN: false"}, /* U+2028 */
    {"'a\xC2\x85z' LIKE 'a%z'", "BOOLEAN: false"},   /* NEL */
    {"'\xF0\x9F\x98\x80' LIKE '_'", "BOOLEAN: true"},
    {"'\xC3\xA4\xC3\xB6' LIKE '_\xC3\xB6'", "BOOLEAN: true"},
    {"I LIKE '7'", "E: Cannot apply LIKE to I (INTEGER): it should be STRING."},
};

static void like_matches_whole_texts(void **state) { BENCH_CHECK(state, rows); }

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_matches_whole_texts)};
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
