/*
 * fuzz_sql.c - any text may be parsed; what parses is printed, and what is printed reads back as the same
 * tree.
 *
 * Variables are set, so that substitution is exercised too. The printed text is read without them: it holds
 * their values.
 */
#include "parser/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Variable variables[] = {
    {STR_LIT("a"), STR_LIT("b")},
    {STR_LIT("n"), STR_LIT("-1.5")},
    {STR_LIT("s"), STR_LIT("'it's'")},
    {STR_LIT("q"), STR_LIT("`Q`")},
};

static void check_statement(Arena *arena, const AstStatement *statement)
{
    ParseOptions  plain = {.test_statements = true};
    AstStatement *again;
    Error         err;
    StrBuf        text = {0};
    ast_print_masked(statement, &text);
    strbuf_reset(&text);
    ast_print_statement(statement, &text);
    if (parse_statement(arena, strbuf_str(&text), &plain, &again, &err) != OK ||
        !ast_statement_equal(statement, again)) {
        fprintf(stderr, "not the same when read back:\n" STR_FMT "\n", STR_ARG(strbuf_str(&text)));
        abort();
    }
    strbuf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str          text    = str_n(size > 0 ? (const char *)data : "", size);
    Arena       *arena   = arena_new(0);
    ParseOptions options = {.variables          = variables,
                            .variable_count     = ARRAY_LEN(variables),
                            .test_statements    = true,
                            .optional_semicolon = size % 2 == 0};
    AstScript    script;
    AstExpr     *expr;
    AstType     *type;
    Str         *texts, rest;
    Pos         *positions;
    size_t       count;
    Error        err;
    if (parse_script(arena, text, &options, &script, &err) == OK)
        for (size_t i = 0; i < script.count; i++)
            check_statement(arena, script.items[i]);
    if (parse_split(arena, text, &texts, &positions, &count, &rest, &err) != OK)
        abort();
    StrBuf printed = {0};
    if (parse_expression(arena, text, &expr, &err) == OK)
        ast_print_expr(expr, &printed);
    if (parse_type(arena, text, &type, &err) == OK)
        ast_print_type(type, &printed);
    strbuf_clear(&printed);
    arena_free(arena);
    return 0;
}
