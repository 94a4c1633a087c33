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

/* ---- the example's aggregates ---- */

typedef struct {
    FnResolved       found;
    AggregateCall   *call;
    AggregateContext context;
    FnSite           site;
    Growth           memory;
    Value            state;
    Error            err;
} Group;

static Group group_open(const Functions *functions, Arena *arena, const char *name, const SqlType *type,
                        size_t count)
{
    const SqlType *types[] = {type, type};
    Group          group   = {0};
    assert_int_equal(
        functions_resolve(functions, str_c(name), types, count, NULL, arena, &group.found, &group.err), OK);
    assert_int_equal(aggregate_bind(&group.found, types, NULL, NULL, arena, &group.call, &group.err), OK);
    assert_true(group.call->survives);
    group.context.scratch = arena;
    group.state           = group.found.aggregate->init(group.call);
    return group;
}

static const char *group_text(Group *group)
{
    StrBuf text           = {0};
    Value  out            = group->state;
    group->context.memory = &group->memory;
    group->context.site   = &group->site;
    if (group->found.aggregate->result != NULL)
        assert_int_equal(
            group->found.aggregate->result(group->call, group->state, &group->context, &out, &group->err),
            OK);
    value_print(group->call->result_type, out, &text);
    const char *copy = str_to_c(group->context.scratch, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static Status group_row(Group *group, bool undo, Value a, Value b)
{
    const AggregateFn *fn     = group->found.aggregate;
    const Value        args[] = {a, b};
    group->context.memory     = &group->memory;
    group->context.site       = &group->site;
    return (undo ? fn->undo : fn->accumulate)(group->call, &group->state, args, &group->context, &group->err);
}

static void group_close(Group *group)
{
    if (group->site.data != NULL)
        group->site.release(group->site.data);
    growth_clear(&group->memory);
}

static void its_aggregates_work(const Functions *functions, Arena *arena)
{
    Group mean    = group_open(functions, arena, "weighted_avg", &type_double, 2),
          other   = group_open(functions, arena, "weighted_avg", &type_double, 2),
          longest = group_open(functions, arena, "longest", &type_string, 1);
    assert_string_equal(group_text(&mean), "null");
    assert_int_equal(group_row(&mean, false, value_from_double(10), value_from_double(1)), OK);
    assert_int_equal(group_row(&mean, false, value_from_double(20), value_from_double(3)), OK);
    assert_int_equal(group_row(&mean, false, value_null(), value_from_double(3)), OK); /* SL_STRICT */
    assert_string_equal(group_text(&mean), "17.5");
    assert_int_equal(group_row(&mean, false, value_from_double(1), value_from_double(-1)), E_DATA);
    assert_string_equal(mean.err.message, "Failed to invoke function WEIGHTED_AVG: a weight is negative");
    assert_string_equal(group_text(&mean), "17.5");
    assert_int_equal(group_row(&mean, true, value_from_double(10), value_from_double(1)), OK);
    assert_string_equal(group_text(&mean), "20.0");
    assert_int_equal(group_row(&other, false, value_from_double(60), value_from_double(1)), OK);
    assert_int_equal(
        mean.found.aggregate->merge(mean.call, &mean.state, other.state, &mean.context, &mean.err), OK);
    assert_string_equal(group_text(&mean), "30.0");
    assert_null(longest.found.aggregate->undo);
    assert_int_equal(group_row(&longest, false, value_string("one", 3), value_null()), OK);
    assert_int_equal(group_row(&longest, false, value_string("eleven", 6), value_null()), OK);
    assert_int_equal(group_row(&longest, false, value_null(), value_null()), OK);
    assert_int_equal(group_row(&longest, false, value_string("twelve", 6), value_null()), OK);
    assert_string_equal(group_text(&longest), "eleven");
    group_close(&mean);
    group_close(&other);
    group_close(&longest);
}

static void its_table_function_works(const Functions *functions, Arena *arena)
{
    const SqlType *type = &type_string;
    const Value    text = value_string(" one  two ", 10);
    FnResolved     found;
    FnSite         site = {0};
    Value          rows;
    Error          err;
    assert_int_equal(functions_resolve(functions, STR_LIT("words"), &type, 1, NULL, arena, &found, &err), OK);
    assert_int_equal(found.kind, FN_TABLE);
    FnCall call = {.args      = &text,
                   .count     = 1,
                   .arg_types = &type,
                   .type      = found.result_type,
                   .arena     = arena,
                   .site      = &site,
                   .self      = found.self};
    assert_int_equal(found.table->eval(&call, &rows, &err), OK);
    assert_int_equal(rows.len, 2);
    assert_true(str_equal(value_str(value_items(rows)[1]), STR_LIT("two")));
    site.release(site.data);
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
    its_aggregates_work(functions, arena);
    its_table_function_works(functions, arena);
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
        Status         status = native_scalar_add(addition, &mistakes[i].scalar, &err);
        assert_int_equal(status == OK, mistakes[i].refused == NULL);
        if (status != OK && strstr(err.message, mistakes[i].refused) == NULL)
            fail_msg("%s does not say %s", err.message, mistakes[i].refused);
        functions_abandon(addition);
        functions_close(functions);
    }
}

static sl_status never_fold(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args)
{
    return SL_ERR;
}

static sl_status wrong_init(sl_call *call, slv *state)
{
    sl_put_string(state, "text", 4);
    return SL_OK;
}

static const sl_param constant[] = {{"n", "CONST INT"}};
static const struct {
    sl_aggregate aggregate;
    const char  *refused;
} mistaken_aggregates[] = {
    {{.meta       = &named,
      .params     = typed,
      .nparams    = 1,
      .state      = "INT",
      .result     = "INT",
      .accumulate = never_fold},
     NULL},
    {{.meta = &nameless, .params = typed, .nparams = 1, .state = "INT", .result = "INT"}, "without a name"},
    {{.meta = &named, .params = typed, .state = "INT", .result = "INT", .accumulate = never_fold},
     "one parameter at least"},
    {{.meta = &named, .params = typed, .nparams = 1, .state = "INT", .result = "INT"}, "no accumulate"},
    {{.meta = &named, .params = typed, .nparams = 1, .result = "INT", .accumulate = never_fold},
     "no type of its state"},
    {{.meta       = &named,
      .params     = typed,
      .nparams    = 1,
      .state      = "BIGINT",
      .result     = "INT",
      .accumulate = never_fold},
     "has no finish"},
    {{.meta       = &named,
      .params     = constant,
      .nparams    = 1,
      .state      = "INT",
      .result     = "INT",
      .accumulate = never_fold},
     "is CONST"},
    {{.meta       = &named,
      .params     = typed,
      .nparams    = 1,
      .state      = "NUMBER",
      .result     = "NUMBER",
      .accumulate = never_fold},
     "expected a type"},
};

static void mistaken_aggregates_are_refused_with_a_reason(void **state)
{
    for (size_t i = 0; i <= ARRAY_LEN(mistaken_aggregates); i++) {
        bool           small     = i == ARRAY_LEN(mistaken_aggregates);
        sl_aggregate   aggregate = mistaken_aggregates[small ? 0 : i].aggregate;
        const char    *refused   = small ? "too small" : mistaken_aggregates[i].refused;
        Functions     *functions = functions_open();
        const FnOrigin origin    = {.path = "x.so"};
        FnAddition    *addition  = functions_begin(functions, &origin);
        Error          err;
        aggregate.struct_size = small ? 8 : sizeof aggregate;
        Status status         = native_aggregate_add(addition, &aggregate, &err);
        assert_int_equal(status == OK, refused == NULL);
        if (status != OK && strstr(err.message, refused) == NULL)
            fail_msg("%s does not say %s", err.message, refused);
        functions_abandon(addition);
        functions_close(functions);
    }
}

/* A query is refused when it is planned, rather than each of its records later. */
static void an_init_of_another_type_is_refused(void **state)
{
    static const sl_aggregate wrong_one = {.struct_size = sizeof wrong_one,
                                           .meta        = &named,
                                           .params      = typed,
                                           .nparams     = 1,
                                           .state       = "INT",
                                           .result      = "INT",
                                           .init        = wrong_init,
                                           .accumulate  = never_fold};
    Functions                *functions = functions_open();
    Arena                    *arena     = arena_new(0);
    const FnOrigin            origin    = {.path = "x.so"};
    const SqlType            *type      = &type_integer;
    FnAddition               *addition  = functions_begin(functions, &origin);
    FnResolved                found;
    AggregateCall            *call;
    Error                     err;
    assert_int_equal(native_aggregate_add(addition, &wrong_one, &err), OK);
    functions_commit(addition);
    assert_int_equal(functions_resolve(functions, STR_LIT("f"), &type, 1, NULL, arena, &found, &err), OK);
    assert_int_equal(aggregate_bind(&found, &type, NULL, NULL, arena, &call, &err), E_PLAN);
    assert_non_null(strstr(err.message, "Failed to invoke function F: the result is to be a INTEGER"));
    arena_free(arena);
    functions_close(functions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_works),
        cmocka_unit_test(a_directory_that_is_none_loads_nothing),
        cmocka_unit_test(mistakes_are_refused_with_a_reason),
        cmocka_unit_test(mistaken_aggregates_are_refused_with_a_reason),
        cmocka_unit_test(an_init_of_another_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
