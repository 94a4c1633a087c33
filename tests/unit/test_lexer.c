/* Tokens, positions, keywords (parser/lexer.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/lexer.h"
#include "parser/sql.h"

static const struct {
    const char *text;
    int         id; /* of the first token */
    size_t      len;
} tokens[] = {
    {"select", TK_SELECT, 6},
    {"SeLeCt1", TK_IDENTIFIER, 7},
    {"_a@b c", TK_IDENTIFIER, 4},
    {"12", TK_INTEGER_VALUE, 2},
    {"5.", TK_DECIMAL_VALUE, 2},
    {"5.25x", TK_DECIMAL_VALUE, 4},
    {".5", TK_DECIMAL_VALUE, 2},
    {".x", TK_DOT, 1},
    {"$$ a;'b -- $ $$c", TK_DOLLAR_TEXT, 15},
    {"$$$$", TK_DOLLAR_TEXT, 4},
    {"$$ a", TK_UNRECOGNIZED, 1},
    {"1e5", TK_FLOATING_POINT_VALUE, 3},
    {"1.e-5", TK_FLOATING_POINT_VALUE, 5},
    {".5E+3", TK_FLOATING_POINT_VALUE, 5},
    {"1e", TK_DIGIT_IDENTIFIER, 2},
    {"1e5x", TK_DIGIT_IDENTIFIER, 4},
    {"1e+x", TK_DIGIT_IDENTIFIER, 2},
    {"7days", TK_DIGIT_IDENTIFIER, 5},
    {"'a''b'c", TK_STRING, 6},
    {"''''", TK_STRING, 4},
    {"'a\nb'", TK_STRING, 5},
    {"'\\'", TK_STRING, 3},
    {"\"a\"\"b\"", TK_QUOTED_IDENTIFIER, 6},
    {"`a``b`", TK_BACKQUOTED_IDENTIFIER, 6},
    {"'open", TK_UNRECOGNIZED, 1},
    {"`open", TK_UNRECOGNIZED, 1},
    {"/* open", TK_UNRECOGNIZED, 1},
    {"\xC3\xA9", TK_UNRECOGNIZED, 2},
    {"\xC2\xA0", TK_UNRECOGNIZED, 2},
    {"\xFF", TK_UNRECOGNIZED, 1},
    {"?", TK_UNRECOGNIZED, 1},
    {"${a1}", TK_VARIABLE, 5},
    {"${1a}", TK_UNRECOGNIZED, 1},
    {"${a", TK_UNRECOGNIZED, 1},
    {"<>", TK_NE, 2},
    {"!=", TK_NE, 2},
    {"<=>", TK_LE, 2},
    {"->>", TK_DEREF, 2},
    {"=>", TK_ARROW, 2},
    {":=", TK_ASSIGN, 2},
    {"||", TK_CONCAT, 2},
    {"-- x\n/* a\n* b */ --\n+", TK_PLUS, 1},
    {"--@test: x\n*", TK_STAR, 1},
    {"/**/1", TK_INTEGER_VALUE, 1},
    {"", 0, 5},
    {" \t\r\n", 0, 5},
};

static void text_becomes_tokens(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        Lexer lexer;
        lexer_init(&lexer, str_c(tokens[i].text));
        Token token = lexer_next(&lexer);
        if (token.id != tokens[i].id || token.text.len != tokens[i].len)
            fail_msg("%s: token %d of length %zu", tokens[i].text, token.id, token.text.len);
    }
}

static void positions_count_code_points(void **unused)
{
    Lexer lexer;
    lexer_init(&lexer, STR_LIT("a '\xC3\xA9' b\n\t/* x\n */ c\r\nd"));
    static const Pos expected[] = {{1, 1}, {1, 3}, {1, 7}, {3, 5}, {4, 1}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        Token token = lexer_next(&lexer);
        assert_int_equal(token.pos.line, expected[i].line);
        assert_int_equal(token.pos.col, expected[i].col);
    }
    assert_int_equal(lexer_next(&lexer).id, 0);
    assert_int_equal(lexer_next(&lexer).id, 0);
}

static void directives_are_tokens_when_wanted(void **unused)
{
    Lexer lexer;
    lexer_init(&lexer, STR_LIT("--@test: one\n-- two\n--@expected.error: x"));
    lexer.directives = true;
    Token first = lexer_next(&lexer), second = lexer_next(&lexer);
    assert_int_equal(first.id, TK_DIRECTIVE);
    assert_true(str_equal(first.text, STR_LIT("--@test: one")));
    assert_int_equal(second.id, TK_DIRECTIVE);
    assert_true(str_equal(second.text, STR_LIT("--@expected.error: x")));
}

/* The table is searched by halving: a line out of order would lose words. */
static void every_keyword_is_found(void **unused)
{
    static const struct {
        const char *word;
        WordClass   word_class;
    } words[] = {
#define RESERVED WORD_RESERVED
#define FREE WORD_FREE
#define AMBIGUOUS WORD_AMBIGUOUS
#define KEYWORD(word, token, word_class) {word, word_class},
#include "parser/keywords.def"
#undef KEYWORD
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        int token;
        assert_int_equal(lexer_classify(str_c(words[i].word), &token), words[i].word_class);
        assert_string_equal(lexer_token_name(token), words[i].word);
    }
    static const char *const plain[] = {"",        "A",    "SELEC", "SELECTS", "BIGINT",
                                        "ROWTIME", "DATE", "ZZZ",   "INTEGER"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        assert_int_equal(lexer_classify(str_c(plain[i]), NULL), WORD_PLAIN);
    assert_int_equal(lexer_classify(str_n("ADD\0", 4), NULL), WORD_PLAIN);
    assert_int_equal(lexer_classify(STR_LIT("sElEcT"), NULL), WORD_RESERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_tokens),
        cmocka_unit_test(positions_count_code_points),
        cmocka_unit_test(directives_are_tokens_when_wanted),
        cmocka_unit_test(every_keyword_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
