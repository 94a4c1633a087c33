/* Texts of pull queries taken apart: pattern and literals are the text again, and literals stand where the
 * lexer has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/lexer.h"
#include "server/rest/pull_text.h"

static const struct {
    const char *text, *pattern; /* NULL: not to be remembered. S: a text, N: a number */
    size_t      count;
} cases[] = {
    {"SELECT * FROM T WHERE K = 'a';", "SELECT * FROM T WHERE K = S;", 1},
    {"SELECT * FROM T WHERE K='' AND N=12 LIMIT 3", "SELECT * FROM T WHERE K=S AND N=N LIMIT N", 3},
    {"SELECT T2.K1, 1.5, 1e3, .5, -7, (8) FROM T2", "SELECT T2.K1, 1.5, 1e3, .5, -N, (N) FROM T2", 2},
    {"K = 'it''s'", NULL, 0},
    {"K = ''''", NULL, 0},
    {"K = 'a' 'b'", "K = S S", 2},
    {"K = 'open", NULL, 0},
    {"K = '${v}'", NULL, 0},
    {"K = $$a$$", NULL, 0},
    {"K = 'a\x01'", NULL, 0},
    {"\x02", NULL, 0},
    {"", NULL, 0},
    {"\n\tK =\n 'ключ' OR K = 'b'", "\n\tK =\n S OR K = S", 2},
};

static Str readable(Arena *arena, Str pattern)
{
    char *text = str_to_c(arena, pattern);
    for (size_t i = 0; i < pattern.len; i++)
        text[i] = text[i] == 1 ? 'S' : text[i] == 2 ? 'N' : text[i];
    return str_n(text, pattern.len);
}

static void a_text_is_its_pattern_and_its_literals(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        PullText read;
        bool     good = pull_text_read(str_c(cases[i].text), *state, &read);
        assert_int_equal(good, cases[i].pattern != NULL);
        if (!good)
            continue;
        assert_string_equal(str_to_c(*state, readable(*state, read.pattern)), cases[i].pattern);
        assert_int_equal(read.count, cases[i].count);
    }
}

/* Each literal is a token of the lexer's, at that very place. */
static void literals_are_where_the_lexer_has_them(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        PullText read;
        Lexer    lexer;
        size_t   next = 0;
        if (!pull_text_read(str_c(cases[i].text), *state, &read))
            continue;
        lexer_init(&lexer, str_c(cases[i].text));
        for (Token token = lexer_next(&lexer); token.id != 0 && next < read.count;
             token       = lexer_next(&lexer)) {
            const PullLiteral *literal = &read.literals[next];
            if (token.pos.line != literal->pos.line || token.pos.col != literal->pos.col)
                continue;
            Str inside = literal->number ? token.text : str_n(token.text.ptr + 1, token.text.len - 2);
            assert_true(str_equal(inside, literal->text));
            next++;
        }
        assert_int_equal(next, read.count);
    }
}

static void long_texts_and_many_literals_are_not_remembered(void **state)
{
    PullText read;
    StrBuf   text = {0};
    for (int i = 0; i < PULL_LITERALS; i++)
        strbuf_adds(&text, "1,");
    assert_true(pull_text_read(strbuf_str(&text), *state, &read));
    strbuf_adds(&text, "1");
    assert_false(pull_text_read(strbuf_str(&text), *state, &read));
    strbuf_reset(&text);
    while (text.len < PULL_TEXT_MOST)
        strbuf_addc(&text, ' ');
    assert_true(pull_text_read(strbuf_str(&text), *state, &read));
    strbuf_addc(&text, ' ');
    assert_false(pull_text_read(strbuf_str(&text), *state, &read));
    strbuf_clear(&text);
}

static int make_arena(void **state)
{
    *state = arena_new(0);
    return 0;
}

static int free_arena(void **state)
{
    arena_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_is_its_pattern_and_its_literals, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(literals_are_where_the_lexer_has_them, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(long_texts_and_many_literals_are_not_remembered, make_arena,
                                        free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
