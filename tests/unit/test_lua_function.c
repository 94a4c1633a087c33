/* Functions written in Lua (udf/extension/): what hostile bodies get, and the registry around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "udf/extension/lua_function.h"

/* A function of one BIGINT that gives a BIGINT, called with 1 on a site of its own; the result as text. */
static const char *outcome(Arena *arena, const char *body)
{
    Functions         *functions = functions_open();
    const FnOrigin     origin    = {.path = "test"};
    const LuaParameter parameter = {STR_LIT("V"), &type_bigint};
    const LuaFunction  function  = {.name       = STR_LIT("F"),
                                    .parameters = &parameter,
                                    .count      = 1,
                                    .result     = &type_bigint,
                                    .body       = str_c(body)};
    const SqlType     *type      = &type_bigint;
    const Value        one       = value_from_int(1);
    FnSite             site      = {0};
    FnAddition        *addition  = functions_begin(functions, &origin);
    Value              result;
    FnResolved         found;
    Error              err;
    Status             status = lua_scalar_add(addition, &function, &err);
    if (status != OK)
        functions_abandon(addition);
    else
        functions_commit(addition);
    if (status == OK)
        status = functions_resolve(functions, STR_LIT("f"), &type, 1, NULL, arena, &found, &err);
    if (status == OK) {
        FnCall call = {.args      = &one,
                       .count     = 1,
                       .arg_types = &type,
                       .type      = &type_bigint,
                       .arena     = arena,
                       .site      = &site,
                       .self      = found.self};
        status      = found.scalar->eval(&call, &result, &err);
        if (site.data != NULL)
            site.release(site.data);
    }
    functions_close(functions);
    return status != OK            ? str_to_c(arena, str_c(err.message))
           : value_is_null(result) ? "NULL"
                                   : str_to_c(arena, str_printf(arena, "%lld", (long long)value_int(result)));
}

#define INVOKED "Failed to invoke function F: "
#define TOO_LONG INVOKED "it was stopped after 1000000 instructions"
#define TOO_BIG INVOKED "it needs more than 8 MB of memory"

static const struct {
    const char *body, *expected; /* the beginning of it */
} bodies[] = {
    {"return v + 41", "42"},
    {"return", "NULL"},
    {"return null", "NULL"},
    {"return 7.0", "7"},
    {"return 7.5", INVOKED "the result 7.5 is no BIGINT"},
    {"return '7'", INVOKED "the result is to be a BIGINT and is a string"},
    {"return 1 // 0", INVOKED "F:1: attempt to"},
    {"\nreturn nothing.at_all", INVOKED "F:2: attempt to index a nil value"},
    {"return (", "Function F does not compile: F:1: unexpected symbol near <eof>"},
    /* without end */
    {"while true do end", TOO_LONG},
    {"local t <close> = setmetatable({}, {__close = function() while true do end end}) while true do end",
     TOO_LONG},
    {"local s = 'x' while true do s = s == 'x' and 'x' or 'y' end", TOO_LONG},
    {"return setmetatable({}, {__add = function() while true do end end}) + 1", TOO_LONG},
    {"local function f() return f() end return f()", TOO_LONG},
    {"table.sort({1, 2, 3}, function() while true do end end)", TOO_LONG},
    {"('x'):gsub('x', function() while true do end end)", TOO_LONG},
    {"error(setmetatable({}, {__tostring = function() while true do end end}))",
     INVOKED "it failed with a message that is no text"},
    {"error({})", INVOKED "it failed with a message that is no text"},
    {"error('\\xff')", INVOKED "it failed with a message that is no text"},
    {"error(nil)", INVOKED "it failed with a message that is no text"},
    /* library functions that no hook could stop */
    {"return ('a'):rep(100000):find('.-.-.-.-b')", INVOKED "F:1: the pattern may take too long"},
    {"return ('('):rep(4000000):find('%b()')", INVOKED "F:1: the pattern may take too long"},
    {"return ('a'):rep(3000000):find(('a'):rep(1500000) .. 'b', 1, true)",
     INVOKED "F:1: the search may take too long"},
    {"local a, t = ('a'):rep(2000000), {} local b = a .. 'b' for i = 1, 60000 do t[i] = i % 2 == 0 and a or "
     "b end "
     "table.sort(t)",
     INVOKED "it was stopped after 1000 ms"},
    {"for i = 1, 100 do (('a'):rep(30000)):match('a-b') end", INVOKED "F:1: the pattern may take too long"},
    {"return (''):rep(1 << 60)", INVOKED "F:1: string.rep: the text is too long"},
    {"table.move({}, 1, 1 << 60, 2)", INVOKED "F:1: table.move: too many elements"},
    {"table.insert(setmetatable({}, {__len = function() return 1 << 50 end}), 1, 1)",
     INVOKED "F:1: the functions of table take no table with a metatable"},
    {"setmetatable({}, {__gc = function() while true do end end})",
     INVOKED "F:1: a metatable with __gc is not allowed"},
    /* without measure */
    {"return ('x'):rep(8000000 * 2)", INVOKED "F:1: string.rep: the text is too long"},
    {"local s = 'x' while true do s = s .. s end", TOO_BIG},
    {"local t = {} for i = 1, 900000 do t[i] = {} end", TOO_BIG},
    {"local function f() return f() + 1 end return f()", INVOKED},
    {"return #table.pack(table.unpack({}, 1, 1e7))", INVOKED "too many results to unpack"},
    {"return tonumber(('1'):rep(4000000))", INVOKED},
    /* out of reach */
    {"return io and 1 or 0", "0"},
    {"return os and 1 or 0", "0"},
    {"return (package or require or debug or coroutine) and 1 or 0", "0"},
    {"return (load or loadfile or dofile or loadstring) and 1 or 0", "0"},
    {"return (pcall or xpcall or print or collectgarbage) and 1 or 0", "0"},
    {"return (string.dump or math.random) and 1 or 0", "0"},
    {"\x1bLua", "Function F does not compile: "},
};

static void hostile_bodies_are_stopped_and_named(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        Arena      *arena = arena_new(0);
        const char *is    = outcome(arena, bodies[i].body);
        if (!str_starts_with(str_c(is), str_c(bodies[i].expected)))
            fail_msg("%s\ngives    %s\nexpected %s", bodies[i].body, is, bodies[i].expected);
        arena_free(arena);
    }
}

static Status add_named(Functions *functions, const char *path, const char *name, const char *signature,
                        Error *err)
{
    const FnOrigin origin   = {.path = path};
    const ScalarFn row      = {.name = name, .signature = signature};
    FnAddition    *addition = functions_begin(functions, &origin);
    Status         status   = functions_add_scalar(addition, &row, NULL, err);
    if (status == OK)
        functions_commit(addition);
    else
        functions_abandon(addition);
    return status;
}

static const struct {
    const char *path, *name, *signature, *refused; /* NULL: it is added */
} additions[] = {
    {"a.so", "one", "(v INT) -> INT", NULL},
    {"a.so", "ONE", "(other INT) -> STRING", "The function ONE has these parameters twice"},
    {"a.so", "one", "(v STRING) -> INT", NULL},
    {"b.so", "one", "(v DOUBLE) -> INT", "There is a function ONE already, from a.so"},
    {"a.so", "abs", "(v STRING) -> INT", "The name ABS is that of a built-in function"},
    {"a.so", "count", "(v STRING) -> INT", "The name COUNT is that of a built-in function"},
    {"a.so", "two", "(v NOTYPE) -> INT", "expected a type at offset 3"},
    {"a.so", "1two", "(v INT) -> INT", "A function's name has letters"},
    {"a.so", "two", "(v INT..., w INT) -> INT", "two: a variadic"},
};

static void a_name_has_one_owner(void **state)
{
    Functions *functions = functions_open(), *fork = functions_fork(functions);
    for (size_t i = 0; i < ARRAY_LEN(additions); i++) {
        Error  err;
        Status status =
            add_named(functions, additions[i].path, additions[i].name, additions[i].signature, &err);
        if ((status == OK) != (additions[i].refused == NULL))
            fail_msg("%s: %s", additions[i].name, status == OK ? "was added" : err.message);
        if (status != OK && strncasecmp(err.message, additions[i].refused, strlen(additions[i].refused)) != 0)
            fail_msg("%s: %s", additions[i].name, err.message);
    }
    assert_int_equal(functions_kind(functions, STR_LIT("One")), FN_SCALAR);
    assert_int_equal(functions_kind(fork, STR_LIT("One")), FN_NONE);
    functions_close(fork);
    fork = functions_fork(functions);
    assert_int_equal(functions_kind(fork, STR_LIT("One")), FN_SCALAR);
    functions_close(fork);
    functions_close(functions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_bodies_are_stopped_and_named),
        cmocka_unit_test(a_name_has_one_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
