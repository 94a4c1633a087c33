/*
 * The rows of core/statements.def: what help says of a statement is one, of the row's kind, its printer
 * prints what reads back as the same, and the words of the row are those it begins with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/statements.h"
#include "parser/parser.h"

static AstStatement *parse(Arena *arena, Str text, const StatementText *row)
{
    ParseOptions  options   = {.test_statements = row->place == IN_TEST_SCRIPTS};
    AstStatement *statement = NULL;
    Error         err;
    if (parse_statement(arena, text, &options, &statement, &err) != OK)
        fail_msg(STR_FMT "\n%s", STR_ARG(text), err.message);
    return statement;
}

/* The text's words are the row's, as far as those go; optional ones in brackets may stand between. */
static bool begins_as_told(const StatementText *row, const char *sql, bool every_word)
{
    Str first = str_n(sql, strcspn(sql, " ")), word;
    for (size_t i = 0; !str_is_null(word = statement_word(row, 0, i)); i++)
        if (str_equal(first, word))
            break;
    if (str_is_null(word))
        return false;
    for (size_t position = 1; every_word && !str_is_null(statement_word(row, position, 0)); position++) {
        bool found = false;
        for (size_t i = 0; !str_is_null(word = statement_word(row, position, i)); i++)
            found |= str_find(str_c(sql), word, 0) >= 0;
        if (!found)
            return false;
    }
    return true;
}

static void every_example_is_of_its_kind_and_is_printed_as_itself(void **unused)
{
    for (size_t kind = 0; kind < statement_count; kind++) {
        const StatementText *row     = &statement_texts[kind];
        Arena               *arena   = arena_new(0);
        StrBuf               text    = {0};
        AstStatement        *example = parse(arena, str_c(row->example), row);
        if (example->kind != (AstStatementKind)kind)
            fail_msg("an example of another kind: %s", row->example);
        ast_print_statement(example, &text);
        if (!ast_statement_equal(example, parse(arena, strbuf_str(&text), row)))
            fail_msg("printed as another statement: %s", row->example);
        strbuf_addc(&text, '\0');
        if (!begins_as_told(row, row->example, true) || !begins_as_told(row, text.ptr, true) ||
            !begins_as_told(row, row->syntax, false))
            fail_msg("does not begin as its row says, %s: %s", row->words, row->example);
        strbuf_clear(&text);
        arena_free(arena);
    }
}

static bool is_among(const Str *words, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(words[i], str_c(wanted)))
            return true;
    return false;
}

static void words_come_from_the_rows(void **unused)
{
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = statement_first_words(words);
    assert_true(is_among(words, count, "SHOW") && is_among(words, count, "LIST"));
    assert_true(is_among(words, count, "ASSERT"));
    assert_false(is_among(words, count, "RUN")); /* of test scripts */
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(str_equal(words[i], words[j]));

    count = statement_second_words(STR_LIT("create"), words);
    assert_true(is_among(words, count, "STREAM") && is_among(words, count, "TYPE"));
    assert_true(is_among(words, count, "SINK"));
    assert_false(is_among(words, count, "FUNCTIONS"));
    assert_int_equal(statement_second_words(STR_LIT("INSERT"), words), 1);
    assert_int_equal(statement_second_words(STR_LIT("DESCRIBE"), words), 0); /* a name may follow */
    assert_int_equal(statement_second_words(STR_LIT("WHERE"), words), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_of_its_kind_and_is_printed_as_itself),
        cmocka_unit_test(words_come_from_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
