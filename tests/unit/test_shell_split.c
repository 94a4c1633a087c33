/*
 * Where statements end: quotes, comments, commands without `;`, text that is not complete yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "shell/session.h"

static const struct {
    const char *text;
    const char *statements[4];
    SplitOpen   open; /* of what is left */
} cases[] = {
    {"SELECT 1; SELECT 2;", {"SELECT 1", "SELECT 2"}, OPEN_NOTHING},
    {"SELECT ';' , `a;b`, \"c;d\";", {"SELECT ';' , `a;b`, \"c;d\""}, OPEN_NOTHING},
    {"SELECT 'it''s; fine';", {"SELECT 'it''s; fine'"}, OPEN_NOTHING},
    {"-- first; no\nSELECT 1 -- ; no\n;", {"SELECT 1 -- ; no"}, OPEN_NOTHING},
    {"/* a; */ SELECT /* ; */ 1;", {"SELECT /* ; */ 1"}, OPEN_NOTHING},
    {";;  ;", {NULL}, OPEN_NOTHING},
    {"SELECT 1", {NULL}, OPEN_STATEMENT},
    {"SELECT 'abc;", {NULL}, OPEN_QUOTE},
    {"SELECT `abc;", {NULL}, OPEN_NAME},
    {"SELECT (1", {NULL}, OPEN_PAREN},
    {"SELECT 1 /* ;", {NULL}, OPEN_COMMENT},
    {"/* only a comment", {NULL}, OPEN_COMMENT},
    {"SELECT 1; SELECT (", {"SELECT 1"}, OPEN_PAREN},
    {"help\nSELECT 1;", {"help", "SELECT 1"}, OPEN_NOTHING},
    {"HELP create stream;\n", {"HELP create stream"}, OPEN_NOTHING},
    {"\\d views\nexit\n", {"\\d views", "exit"}, OPEN_NOTHING},
    {"run script 'a b.sql';\n", {"run script 'a b.sql'"}, OPEN_NOTHING},
    {"run script 'a;b.sql'; SELECT 1; exit;\n", {"run script 'a;b.sql'", "SELECT 1", "exit"}, OPEN_NOTHING},
    {"\\pset null ';'\nSELECT 1;", {"\\pset null ';'", "SELECT 1"}, OPEN_NOTHING},
    {"SELECT\nhelp\nFROM s;", {"SELECT\nhelp\nFROM s"}, OPEN_NOTHING},
    {"set cli wrap on\nSET 'a'='b';", {"set cli wrap on", "SET 'a'='b'"}, OPEN_NOTHING},
    {"exit", {NULL}, OPEN_STATEMENT}, /* the line may go on */
};

static void statements_are_found(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Split  split;
        size_t at = 0, found = 0;
        Str    text = str_c(cases[i].text);
        for (; split_next(text, at, false, shell_is_command, &split); found++, at = split.end) {
            assert_true(found < 4 && cases[i].statements[found] != NULL);
            if (!str_equal(split.text, str_c(cases[i].statements[found])))
                fail_msg("case %zu: '" STR_FMT "'", i, STR_ARG(split.text));
        }
        assert_true(found == 4 || cases[i].statements[found] == NULL);
        if (split.open != cases[i].open)
            fail_msg("case %zu: open %d", i, (int)split.open);
    }
}

static void the_last_text_is_a_statement(void **state)
{
    Split split;
    assert_true(split_next(STR_LIT("  SELECT 1 "), 0, true, shell_is_command, &split));
    assert_true(str_equal(split.text, STR_LIT("SELECT 1")));
    assert_true(split_next(STR_LIT("exit"), 0, true, shell_is_command, &split));
    assert_true(split.command);
    assert_false(split_next(STR_LIT(" -- nothing"), 0, true, shell_is_command, &split));
}

static void words_skip_comments(void **state)
{
    Arena *arena = arena_new(0);
    Str    text  = STR_LIT("show /* all */ variables 'x'");
    assert_true(str_equal(split_word(arena, text, 0), STR_LIT("SHOW")));
    assert_true(str_equal(split_word(arena, text, 1), STR_LIT("VARIABLES")));
    assert_int_equal(split_word(arena, text, 5).len, 0);
    arena_free(arena);
}

static void positions_count_characters(void **state)
{
    unsigned line, col;
    split_position(STR_LIT("a\n\xc3\xa9 b"), 5, &line, &col);
    assert_int_equal(line, 2);
    assert_int_equal(col, 3);
}

static void undefined_variables_are_named(void **state)
{
    Shell shell = {.variables = {.nocase = true}};
    pairs_set(&shell.variables, STR_LIT("Topic"), STR_LIT("t"));
    assert_int_equal(shell_undefined_variable(&shell, STR_LIT("SELECT ${TOPIC}, $${escaped}, ${ }, $x")).len,
                     0);
    assert_true(str_equal(shell_undefined_variable(&shell, STR_LIT("SELECT ${topic}, '${text}', ${other}")),
                          STR_LIT("${other}")));
    assert_true(pairs_remove(&shell.variables, STR_LIT("TOPIC")));
    assert_false(pairs_remove(&shell.variables, STR_LIT("TOPIC")));
    pairs_clear(&shell.variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_found),          cmocka_unit_test(the_last_text_is_a_statement),
        cmocka_unit_test(words_skip_comments),           cmocka_unit_test(positions_count_characters),
        cmocka_unit_test(undefined_variables_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
