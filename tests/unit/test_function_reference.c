/* docs/function-reference.md is what the rows of the functions say. With SLUICE_WRITE_REFERENCE set it is
 * written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "udf/udf.h"

static const char path[] = SLUICE_SOURCE_DIR "/docs/function-reference.md";

static void print_function(const Functions *functions, const FnListing *function, Arena *arena, StrBuf *out)
{
    static const char *const kinds[] = {"", "scalar", "aggregate", "table"};
    FnListing                listing;
    FnOverloadListing       *overloads;
    size_t                   count;
    Error                    err;
    assert_int_equal(functions_describe(functions, function->name, arena, &listing, &overloads, &count, &err),
                     OK);
    strbuf_addf(out, "\n## " STR_FMT "\n\n%s, %s.\n\n", STR_ARG(listing.name), kinds[listing.kind],
                listing.category ? listing.category : "OTHER");
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "- `" STR_FMT "(", STR_ARG(listing.name));
        for (size_t p = 0; p < overloads[i].param_count; p++) {
            const FnParamListing *param = &overloads[i].params[p];
            strbuf_addf(out, "%s" STR_FMT "%s" STR_FMT "%s", p > 0 ? ", " : "", STR_ARG(param->name),
                        param->name.len > 0 ? " " : "", STR_ARG(param->type), param->variadic ? "..." : "");
        }
        strbuf_addf(out, ") -> " STR_FMT "` %s\n", STR_ARG(overloads[i].result),
                    overloads[i].doc ? overloads[i].doc : "");
    }
}

static void print_reference(StrBuf *out)
{
    Functions *functions = functions_open();
    Arena     *arena     = arena_new(0);
    FnListing *listings;
    size_t     count;
    functions_list(functions, arena, &listings, &count);
    strbuf_adds(out, "# Function reference\n\nMade from the rows of the functions by "
                     "tests/unit/test_function_reference.c. `?`: the "
                     "arguments decide the type.\n");
    for (size_t i = 0; i < count; i++)
        print_function(functions, &listings[i], arena, out);
    arena_free(arena);
    functions_close(functions);
}

static void the_reference_is_what_the_rows_say(void **state)
{
    StrBuf want = {0}, is = {0};
    print_reference(&want);
    if (getenv("SLUICE_WRITE_REFERENCE") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(strbuf_str(&want).ptr, 1, strbuf_str(&want).len, file),
                         strbuf_str(&want).len);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "rb");
    char  bytes[4096];
    assert_non_null(file);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        strbuf_add(&is, str_n(bytes, n));
    fclose(file);
    if (!str_equal(strbuf_str(&is), strbuf_str(&want)))
        fail_msg("%s is not what the functions' rows say: run this test with SLUICE_WRITE_REFERENCE=1", path);
    strbuf_clear(&want);
    strbuf_clear(&is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_reference_is_what_the_rows_say)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
