/* Aggregates written in Lua (udf/extension/lua_aggregate.c): what goes wrong leaves the state as it was, and
 * the next call is as good as the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "udf/extension/lua_function.h"

typedef struct {
    Arena           *arena;
    Functions       *functions;
    FnResolved       found;
    AggregateCall   *call;
    AggregateContext context;
    FnSite           site;
    Growth           memory;
    Value            state;
    Error            err;
} Run;

static const SqlType text_list = {.kind = T_ARRAY, .element = &type_string};

/* An aggregate of one BIGINT whose state is an ARRAY<STRING>, which it gives. */
static Status run_open(Run *run, const char *body)
{
    const FnOrigin     origin    = {.path = "test"};
    const LuaParameter parameter = {STR_LIT("V"), &type_bigint};
    const LuaFunction  function  = {.name       = STR_LIT("F"),
                                    .parameters = &parameter,
                                    .count      = 1,
                                    .result     = &text_list,
                                    .state      = &text_list,
                                    .body       = str_c(body)};
    const SqlType     *type      = &type_bigint;
    *run                         = (Run){.arena = arena_new(0), .functions = functions_open()};
    FnAddition *addition         = functions_begin(run->functions, &origin);
    if (lua_aggregate_add(addition, &function, &run->err) != OK) {
        functions_abandon(addition);
        return run->err.code;
    }
    functions_commit(addition);
    TRY(functions_resolve(run->functions, STR_LIT("f"), &type, 1, NULL, run->arena, &run->found, &run->err));
    TRY(aggregate_bind(&run->found, &type, NULL, NULL, run->arena, &run->call, &run->err));
    run->context = (AggregateContext){.memory = &run->memory, .scratch = run->arena, .site = &run->site};
    run->state   = run->found.aggregate->init(run->call);
    return OK;
}

static void run_close(Run *run)
{
    if (run->site.data != NULL)
        run->site.release(run->site.data);
    growth_clear(&run->memory);
    functions_close(run->functions);
    arena_free(run->arena);
}

static Status run_add(Run *run, int64_t v)
{
    const Value arg = value_from_int(v);
    return run->found.aggregate->accumulate(run->call, &run->state, &arg, &run->context, &run->err);
}

static void expect_state(Run *run, const char *expected)
{
    StrBuf text = {0};
    value_print(&text_list, run->state, &text);
    if (!str_equal(strbuf_str(&text), str_c(expected)))
        fail_msg("the state is " STR_FMT ", not %s", STR_ARG(strbuf_str(&text)), expected);
    strbuf_clear(&text);
}

#define GOOD                                                                                                 \
    "function init() return {'begin'} end "                                                                  \
    "function accumulate(s, v) if v == 1 then %s end s[#s + 1] = tostring(v) return s end"

static const struct {
    const char *mishap, *expected; /* the beginning of the message, behind the function and its part */
} mishaps[] = {
    {"error('no')", "F:1: no"},
    {"while true do end", "it was stopped after 1000000 instructions"},
    {"local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "it needs more than 8 MB of memory"},
    {"local function f() return f() + 1 end return f()", ""},
    {"return", "it returns nothing, not even nil"},
    {"return 7", "the result is to be a ARRAY and is a number"},
    {"return {'a', 7}", "the result is to be a STRING and is a number"},
    {"return {'\\xff'}", "the result is no valid UTF-8"},
    {"s[1] = 'changed' error('late')", "F:1: late"},
    {"local t = {} for i = 1, 400000 do t[i] = 'x' end t[1] = ('x'):rep(1000000) return t", ""},
    {"error(setmetatable({}, {__tostring = function() while true do end end}))",
     "it failed with a message that is no text"},
};

static void a_mishap_changes_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(mishaps); i++) {
        char        body[1000];
        static char expected[1000];
        Run         run;
        snprintf(body, sizeof body, GOOD, mishaps[i].mishap);
        if (run_open(&run, body) != OK)
            fail_msg("%s: %s", mishaps[i].mishap, run.err.message);
        assert_true(run.call->survives);
        assert_int_equal(run_add(&run, 5), OK);
        snprintf(expected, sizeof expected, "Failed to invoke function F: accumulate: %s",
                 mishaps[i].expected);
        if (run_add(&run, 1) != E_DATA || !str_starts_with(str_c(run.err.message), str_c(expected)))
            fail_msg("%s\ngives    %s\nexpected %s", mishaps[i].mishap, run.err.message, expected);
        expect_state(&run, "[begin, 5]");
        assert_int_equal(run_add(&run, 6), OK);
        expect_state(&run, "[begin, 5, 6]");
        run_close(&run);
    }
}

/* NULL is a state, too, and may be come back from. */
static void a_state_may_be_null(void **state)
{
    Run run;
    assert_int_equal(run_open(&run, "function accumulate(s, v) if v == 0 then return nil end "
                                    "s = s or {} s[#s + 1] = tostring(v) return s end"),
                     OK);
    assert_true(value_is_null(run.state));
    assert_int_equal(run_add(&run, 1), OK);
    assert_int_equal(run_add(&run, 2), OK);
    expect_state(&run, "[1, 2]");
    assert_int_equal(run_add(&run, 0), OK);
    assert_true(value_is_null(run.state));
    assert_int_equal(run_add(&run, 3), OK);
    expect_state(&run, "[3]");
    assert_null(run.found.aggregate->merge);
    assert_null(run.found.aggregate->undo);
    assert_null(run.found.aggregate->result);
    run_close(&run);
}

/* What a body keeps for itself is gone with its sandbox; the state is not. */
static void a_state_outlives_its_sandbox(void **state)
{
    Run run;
    assert_int_equal(run_open(&run,
                              "function accumulate(s, v) s = s or {} s[#s + 1] = tostring(v) return s end "
                              "function merge(a, b) for _, x in ipairs(b) do a[#a + 1] = x end return a end"),
                     OK);
    assert_int_equal(run_add(&run, 1), OK);
    run.site.release(run.site.data);
    run.site = (FnSite){0};
    assert_int_equal(run_add(&run, 2), OK);
    const Value more[] = {value_string("x", 1), value_string("y", 1)};
    assert_int_equal(
        run.found.aggregate->merge(run.call, &run.state, value_array(more, 2), &run.context, &run.err), OK);
    expect_state(&run, "[1, 2, x, y]");
    run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mishap_changes_nothing),
        cmocka_unit_test(a_state_may_be_null),
        cmocka_unit_test(a_state_outlives_its_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
