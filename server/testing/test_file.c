/*
 * test_file.c - see test_file.h.
 *
 * The lexer finds the directives, so that one inside a string or a comment is none. A test's text is a slice
 * of the file; the preamble and the test run one after the other in the same script, hence with the same
 * topics and reading positions.
 */
#include "server/testing/test_file.h"

#include <errno.h>
#include <stdio.h>

#include "core/complaint.h"
#include "parser/lexer.h"
#include "server/testing/test_case.h"
#include "parser/sql.h"

typedef struct {
    Str      name;
    Str      text;       /* from the line after --@test: to the next test */
    unsigned first_line; /* of text, in the file */
    bool     fails;
    Str      kind; /* of the expected error */
    Str     *messages, *empty;
    size_t   message_count, empty_count;
} GoldenTest;

typedef struct {
    Arena      *arena;
    Str         path, text, preamble;
    GoldenTest *tests;
    size_t      count;
} GoldenFile;

/* ---- reading ---- */

static Status read_whole(Str path, Arena *arena, Str *out, Error *err)
{
    char   buffer[16384];
    StrBuf text = {0};
    FILE  *file = fopen(str_to_c(arena, path), "rb");
    size_t got;
    while (file != NULL && (got = fread(buffer, 1, sizeof buffer, file)) > 0)
        strbuf_add(&text, str_n(buffer, got));
    Status status = OK;
    if (file == NULL || ferror(file))
        status = error_set(err, E_IO, NO_POS, "Failed to read file: " STR_FMT ": %s", STR_ARG(path),
                           strerror(errno));
    *out = str_dup(arena, strbuf_str(&text));
    if (file != NULL)
        fclose(file);
    strbuf_clear(&text);
    return status;
}

/* What RUN SCRIPT names: relative to the golden file. */
static Status read_beside(void *context, Str path, Arena *arena, Str *out, Error *err)
{
    Str    golden = *(const Str *)context;
    size_t folder = golden.len;
    while (folder > 0 && golden.ptr[folder - 1] != '/')
        folder--;
    if (str_starts_with(path, STR_LIT("/")))
        folder = 0;
    return read_whole(str_printf(arena, "%.*s" STR_FMT, (int)folder, golden.ptr, STR_ARG(path)), arena, out,
                      err);
}

/* ---- directives ---- */

typedef Status (*DirectiveHandler)(GoldenFile *file, GoldenTest *test, const Token *token, Str value,
                                   Error *err);

static Str rest_after_line(Str text, size_t at)
{
    while (at < text.len && text.ptr[at] != '\n')
        at++;
    return str_n(text.ptr + at, text.len - at);
}

static Status begin_test(GoldenFile *file, GoldenTest *last, const Token *token, Str value, Error *err)
{
    Str rest = rest_after_line(file->text, token->at);
    if (last != NULL)
        last->text.len = (size_t)(file->text.ptr + token->at - last->text.ptr);
    else
        file->preamble.len = token->at;
    if (rest.len > 0) /* the line feed */
        rest = str_n(rest.ptr + 1, rest.len - 1);
    file->tests[file->count++] = (GoldenTest){.name = value, .text = rest, .first_line = token->pos.line + 1};
    return OK;
}

static void add_text(Arena *arena, Str **list, size_t *count, Str value)
{
    Str *longer = ARENA_ARRAY(arena, Str, *count + 1);
    for (size_t i = 0; i < *count; i++)
        longer[i] = (*list)[i];
    longer[(*count)++] = value;
    *list              = longer;
}

static Status expect_error(GoldenFile *file, GoldenTest *test, const Token *token, Str value, Error *err)
{
    test->fails = true;
    test->kind  = value;
    return OK;
}

static Status expect_message(GoldenFile *file, GoldenTest *test, const Token *token, Str value, Error *err)
{
    test->fails = true;
    add_text(file->arena, &test->messages, &test->message_count, value);
    return OK;
}

static Status expect_empty(GoldenFile *file, GoldenTest *test, const Token *token, Str value, Error *err)
{
    add_text(file->arena, &test->empty, &test->empty_count, value);
    return OK;
}

static const struct {
    Str              name;
    DirectiveHandler handle;
} directives[] = {
    {{"test", 4}, begin_test},
    {{"expected.error", 14}, expect_error},
    {{"expected.message", 16}, expect_message},
    {{"expected.empty", 14}, expect_empty},
};

static Status read_directive(GoldenFile *file, const Token *token, Error *err)
{
    enum { MARK = 3 }; /* --@ */
    GoldenTest *test  = file->count > 0 ? &file->tests[file->count - 1] : NULL;
    ptrdiff_t   colon = str_find(token->text, STR_LIT(":"), 0);
    Str         name  = str_n(token->text.ptr + MARK, (colon < 0 ? token->text.len : (size_t)colon) - MARK);
    Str         value =
        colon < 0 ? STR_LIT("") : str_n(token->text.ptr + colon + 1, token->text.len - (size_t)colon - 1);
    for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
        if (!str_equal(str_trim(name), directives[i].name))
            continue;
        if (test == NULL && directives[i].handle != begin_test)
            return error_set(err, E_SYNTAX, token->pos,
                             "`--@" STR_FMT ":` stands before the first `--@test:`", STR_ARG(name));
        return directives[i].handle(file, test, token, str_trim(value), err);
    }
    return error_set(err, E_SYNTAX, token->pos,
                     "Unknown directive `--@" STR_FMT
                     "`; there are test, expected.error, expected.message and expected.empty",
                     STR_ARG(name));
}

static size_t count_directives(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at + 3 <= text.len; at++)
        count += memcmp(text.ptr + at, "--@", 3) == 0;
    return count;
}

/* An open quote runs to the end of the file: tests that it swallowed would be missed by nobody. */
static Status check_none_lost(const GoldenFile *file, Error *err)
{
    const Str mark = STR_LIT("\n--@test:");
    size_t    seen = str_find(file->text, str_n(mark.ptr + 1, mark.len - 1), 0) == 0;
    for (ptrdiff_t at = 0; (at = str_find(file->text, mark, (size_t)at)) >= 0; at++)
        seen++;
    if (seen <= file->count)
        return OK;
    const GoldenTest *last = file->count > 0 ? &file->tests[file->count - 1] : NULL;
    return error_set(err, E_SYNTAX, (Pos){last != NULL ? last->first_line : 1, 1},
                     "%zu of %zu tests stand inside a string or a comment: a test with an open quote must be "
                     "the last of its file",
                     seen - file->count, seen);
}

static Status split_tests(GoldenFile *file, Error *err)
{
    Lexer lexer;
    file->tests    = ARENA_ARRAY(file->arena, GoldenTest, count_directives(file->text) + 1);
    file->preamble = file->text;
    lexer_init(&lexer, file->text);
    lexer.directives = true;
    for (Token token = lexer_next(&lexer); token.id != 0; token = lexer_next(&lexer))
        if (token.id == TK_DIRECTIVE)
            TRY(read_directive(file, &token, err));
    TRY(check_none_lost(file, err));
    if (file->count == 0) {
        file->preamble = STR_LIT("");
        file->tests[file->count++] =
            (GoldenTest){.name = STR_LIT("script"), .text = file->text, .first_line = 1};
    }
    return OK;
}

/* ---- running ---- */

typedef struct {
    Status kind; /* what happened, as a status */
    bool   asserted;
    bool   at_end; /* in the last statement of the test */
} Failure;

static bool kind_matches(Str kind, const Failure *failure)
{
    static const struct {
        const char *name;
        Status      status;
    } kinds[] = {{"syntax", E_SYNTAX}, {"plan", E_PLAN}, {"unsupported", E_UNSUPPORTED}, {"data", E_DATA}};
    if (str_equal(kind, STR_LIT("assert")))
        return failure->asserted;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_equal(kind, str_c(kinds[i].name)))
            return !failure->asserted && failure->kind == kinds[i].status;
    return true; /* class names, as in files made for the reference */
}

static Status judge_failure(const GoldenTest *test, const Failure *failure, Error *err)
{
    if (!failure->at_end)
        return error_prefix(err, "failed before the last statement: ");
    if (!kind_matches(test->kind, failure))
        return error_prefix(err, "expected an error of kind `" STR_FMT "`, found %s: ", STR_ARG(test->kind),
                            status_name(failure->kind));
    for (size_t i = 0; i < test->message_count; i++)
        if (str_find(str_c(err->message), test->messages[i], 0) < 0)
            return error_prefix(err,
                                "expected a message with `" STR_FMT "`, found: ", STR_ARG(test->messages[i]));
    error_clear(err);
    return OK;
}

static Status check_leftovers(TestScript *script, const GoldenTest *test, Error *err)
{
    for (size_t i = 0; i < test->empty_count; i++)
        TRY(test_script_check_read(script, test->empty[i], err));
    return test_script_check_read(script, STR_NULL, err);
}

static Status run_in_bench(TestBench *bench, GoldenFile *file, const GoldenTest *test, bool *in_test,
                           Error *err)
{
    TestScript *script = test_script_new(bench, read_beside, &file->path);
    TRY(test_script_run(script, file->preamble, err));
    *in_test = true;
    if (test_script_run(script, test->text, err) != OK) {
        Failure failure = {err->code, test_script_asserted(script), test_script_at_end(script)};
        if (!test->fails)
            return err->code;
        TRY(judge_failure(test, &failure, err));
    } else if (test->fails)
        return error_set(err, E_DATA, NO_POS, "expected an error, but every statement succeeded");
    return check_leftovers(script, test, err);
}

/* `start`: what the error's position is counted from. */
static void report(const GoldenFile *file, size_t start, const Error *err, StrBuf *out)
{
    StrBuf    shown     = {0};
    Complaint complaint = {.message = str_c(err->message),
                           .pos     = err->pos,
                           .file    = str_to_c(file->arena, file->path),
                           .text    = file->text,
                           .start   = start};
    complaint_append(&shown, &complaint);
    strbuf_adds(out, "  ");
    for (size_t at = 0; at < shown.len; at++) {
        strbuf_addc(out, shown.ptr[at]);
        strbuf_adds(out, shown.ptr[at] == '\n' ? "    " : "");
    }
    strbuf_addc(out, '\n');
    strbuf_clear(&shown);
}

static void run_test(GoldenFile *file, const GoldenTest *test, DriverRestart restart, TestTally *tally,
                     StrBuf *out)
{
    Error     err;
    TestBench bench;
    bool      in_test = false; /* or in the preamble */
    error_clear(&err);
    Status status = test_bench_open(&bench, true, restart, &err);
    if (status == OK)
        status = run_in_bench(&bench, file, test, &in_test, &err);
    test_bench_close(&bench);
    if (status != OK) {
        tally->failed++;
        strbuf_addf(out, "not ok - " STR_FMT ": " STR_FMT "\n", STR_ARG(file->path), STR_ARG(test->name));
        report(file, in_test ? (size_t)(test->text.ptr - file->text.ptr) : 0, &err, out);
        return;
    }
    tally->passed++;
    strbuf_addf(out, "ok - " STR_FMT ": " STR_FMT "\n", STR_ARG(file->path), STR_ARG(test->name));
}

void test_file_run(Str path, DriverRestart restart, TestTally *tally, StrBuf *out)
{
    Error      err;
    GoldenFile file   = {.arena = arena_new(0), .path = path};
    Status     status = read_whole(path, file.arena, &file.text, &err);
    if (status == OK)
        status = split_tests(&file, &err);
    for (size_t i = 0; status == OK && i < file.count; i++)
        run_test(&file, &file.tests[i], restart, tally, out);
    if (status != OK) {
        tally->failed++;
        strbuf_addf(out, "not ok - " STR_FMT "\n", STR_ARG(path));
        report(&file, 0, &err, out);
    }
    arena_free(file.arena);
}
