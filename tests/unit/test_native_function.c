/* Extensions (udf/extension/native_*.c): the example, loaded from a directory, and libraries that are left
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fn_test.h"
#include "udf/extension/native_function.h"
#include "udf/extension/native_load.h"

/* A directory of its own with copies of the example under the names given, each with its mode. */
static void make_directory(char *directory, const char *const *names, const mode_t *modes, size_t count)
{
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < count; i++) {
        char  path[256], bytes[4096];
        FILE *from = fopen(SLUICE_EXAMPLE_EXTENSION, "rb");
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        FILE *to = fopen(path, "wb");
        assert_non_null(from);
        assert_non_null(to);
        for (size_t n; (n = fread(bytes, 1, sizeof bytes, from)) > 0;)
            assert_int_equal(fwrite(bytes, 1, n, to), n);
        fclose(from);
        fclose(to);
        assert_int_equal(chmod(path, modes[i]), 0);
    }
}

static void remove_directory(const char *directory, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

static const char *call_one(const Functions *functions, Arena *arena, const char *name, const SqlType *type,
                            const Value *args, size_t count)
{
    const SqlType *types[FN_MAX_ARGS];
    FnResolved     found;
    FnSite         site = {0};
    Value          result;
    Error          err;
    for (size_t i = 0; i < count; i++)
        types[i] = type;
    if (functions_resolve(functions, str_c(name), types, count, NULL, arena, &found, &err) != OK)
        return str_to_c(arena, str_c(err.message));
    FnCall call   = {.args      = args,
                     .count     = count,
                     .arg_types = types,
                     .type      = found.result_type,
                     .arena     = arena,
                     .site      = &site,
                     .self      = found.self};
    Status status = found.scalar->eval(&call, &result, &err);
    if (status == OK) /* a second time, on the same instance */
        status = found.scalar->eval(&call, &result, &err);
    if (site.data != NULL)
        site.release(site.data);
    if (status != OK)
        return str_to_c(arena, str_c(err.message));
    StrBuf text = {0};
    value_print(found.result_type, result, &text);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static void the_example_works(void **state)
{
    static const char *const names[]     = {"a.so", "b.so", "c.so", "notes.txt"};
    static const mode_t      modes[]     = {0644, 0644, 0666, 0644};
    char                     directory[] = "/tmp/sluice-extension-XXXXXX";
    Functions               *functions   = functions_open();
    Arena                   *arena       = arena_new(0);
    const SqlType           *list        = type_array(arena, &type_double);
    const Value              words[]     = {value_string("kitten", 6), value_string("sitting", 7)};
    const Value numbers[] = {value_from_double(4), value_null(), value_from_double(1), value_from_double(2)};
    const Value lists[] = {value_array(numbers, 4)}, nothing[] = {value_array(numbers, 0)};
    FnListing   listing;
    FnOverloadListing *overloads;
    size_t             count;
    Error              err;
    make_directory(directory, names, modes, ARRAY_LEN(names));
    Extensions *extensions = extensions_load(functions, directory);
    assert_int_equal(extensions_count(extensions), 2); /* c.so: others may write it */
    assert_string_equal(call_one(functions, arena, "levenshtein", &type_string, words, 2), "3");
    assert_string_equal(call_one(functions, arena, "MEDIAN", list, lists, 1), "2.0");
    assert_string_equal(call_one(functions, arena, "MEDIAN", list, nothing, 1), "null");
    assert_string_equal(call_one(functions, arena, "FIRST_OF", list, lists, 1), "4.0");
    assert_string_equal(call_one(functions, arena, "FIRST_OF", list, nothing, 1),
                        "Failed to invoke function FIRST_OF: the list is empty");
    assert_string_equal(call_one(functions, arena, "CALLS", NULL, NULL, 0), "2");
    assert_string_equal(call_one(functions, arena, "MISTAKEN", NULL, NULL, 0),
                        "Failed to invoke function MISTAKEN: the result is to be a INTEGER and is of kind 6");
    assert_int_equal(
        functions_describe(functions, STR_LIT("median"), arena, &listing, &overloads, &count, &err), OK);
    assert_string_equal(listing.origin.path, "a.so"); /* first come: b.so's are left out */
    assert_string_equal(listing.origin.author, "Sluice");
    assert_string_equal(listing.category, "EXAMPLE");
    assert_int_equal(functions_describe(functions, STR_LIT("abs"), arena, &listing, &overloads, &count, &err),
                     OK);
    assert_string_equal(listing.origin.path, "internal");
    extensions_close(extensions);
    functions_close(functions);
    arena_free(arena);
    remove_directory(directory, names, ARRAY_LEN(names));
}

static void a_directory_that_is_none_loads_nothing(void **state)
{
    Functions  *functions  = functions_open();
    Extensions *extensions = extensions_load(functions, "/nowhere/at/all");
    assert_int_equal(extensions_count(extensions), 0);
    extensions_close(extensions);
    functions_close(functions);
}

/* ---- what a mistaken library may hand over ---- */

static sl_status never(sl_call *call, void *instance, uint32_t nargs, const slv *const *columns,
                       uint32_t rows, slv *out, uint8_t *row_failed)
{
    return SL_ERR;
}

static const sl_meta named    = {sizeof(sl_meta), "F", NULL, NULL, NULL, NULL},
                     nameless = {sizeof(sl_meta), NULL, NULL, NULL, NULL, NULL};
static const sl_param typed[] = {{"a", "INT"}}, untyped[] = {{"a", NULL}},
                      lambda[] = {{"f", "LAMBDA(T) -> T"}}, wrong[] = {{"a", "NUMBER"}};
static const struct {
    sl_scalar   scalar;
    const char *refused; /* a part of the message; NULL: it is added */
} mistakes[] = {
    {{sizeof(sl_scalar), &named, NULL, typed, 1, "INT", 0, NULL, never, NULL}, NULL},
    {{8, &named, NULL, typed, 1, "INT", 0, NULL, never, NULL}, "too small"},
    {{sizeof(sl_scalar), &nameless, NULL, typed, 1, "INT", 0, NULL, never, NULL}, "without a name"},
    {{sizeof(sl_scalar), NULL, NULL, typed, 1, "INT", 0, NULL, never, NULL}, "without a name"},
    {{sizeof(sl_scalar), &named, NULL, typed, 1, NULL, 0, NULL, never, NULL}, "no result type"},
    {{sizeof(sl_scalar), &named, NULL, typed, 1, "INT", 0, NULL, NULL, NULL}, "no eval"},
    {{sizeof(sl_scalar), &named, NULL, untyped, 1, "INT", 0, NULL, never, NULL}, "parameter 1 has no type"},
    {{sizeof(sl_scalar), &named, NULL, lambda, 1, "INT", 0, NULL, never, NULL}, "is a LAMBDA"},
    {{sizeof(sl_scalar), &named, NULL, NULL, 1, "INT", 0, NULL, never, NULL}, "none where it says some"},
    {{sizeof(sl_scalar), &named, NULL, wrong, 1, "INT", 0, NULL, never, NULL}, "expected a type"},
};

static void mistakes_are_refused_with_a_reason(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        Functions     *functions = functions_open();
        const FnOrigin origin    = {.path = "x.so"};
        FnAddition    *addition  = functions_begin(functions, &origin);
        Error          err;
        Status         status = native_function_add(addition, &mistakes[i].scalar, &err);
        assert_int_equal(status == OK, mistakes[i].refused == NULL);
        if (status != OK && strstr(err.message, mistakes[i].refused) == NULL)
            fail_msg("%s does not say %s", err.message, mistakes[i].refused);
        functions_abandon(addition);
        functions_close(functions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_works),
        cmocka_unit_test(a_directory_that_is_none_loads_nothing),
        cmocka_unit_test(mistakes_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
