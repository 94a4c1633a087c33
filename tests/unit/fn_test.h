/*
 * fn_test.h - tests of function calls through the registry: a name and argument values, the overload
 * resolved, the result as text. NULL prints as "NULL", an error as "ERROR: message". Arguments are converted
 * between numbers as the engine does.
 */
#ifndef SLUICE_TESTS_FN_TEST_H
#define SLUICE_TESTS_FN_TEST_H

#include "core/decimal.h"
#include "tests/unit/fn_rows.h"

enum { FN_MAX_ARGS = 8 };

typedef struct {
    const char *name;
    const char *expected;
    size_t      count;
    Arg         args[FN_MAX_ARGS];
} FnCase;

#define COUNT_ARGS(...) (sizeof((Arg[]){__VA_ARGS__}) / sizeof(Arg))
#define CASE(name, expected, ...)                                                                            \
    {                                                                                                        \
        name, expected, COUNT_ARGS(__VA_ARGS__), { __VA_ARGS__ }                                             \
    }
#define CASE0(name, expected)                                                                                \
    {                                                                                                        \
        name, expected, 0,                                                                                   \
        {                                                                                                    \
            {                                                                                                \
                {{0}, 0, 0, 0}, NULL                                                                         \
            }                                                                                                \
        }                                                                                                    \
    }
#define DEC(type, unscaled) ((Arg){{.as.i64 = (unscaled), .scale = (type).scale}, &(type)})
#define ITEMS(type, ...)                                                                                     \
    ((Arg){{.as.ptr = (const Value[]){__VA_ARGS__}, .len = sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)},  \
           &(type)})
#define VI(n)                                                                                                \
    {                                                                                                        \
        .as.i64 = (n)                                                                                        \
    }
#define VD(n)                                                                                                \
    {                                                                                                        \
        .as.f64 = (n)                                                                                        \
    }
#define VS(s)                                                                                                \
    {                                                                                                        \
        .as.ptr = (s), .len = sizeof(s) - 1                                                                  \
    }
#define VNULL                                                                                                \
    {                                                                                                        \
        .flags = VALUE_NULL                                                                                  \
    }

static inline Value fn_convert(Arena *arena, Value v, const SqlType *from, const SqlType *to)
{
    if (value_is_null(v) || from->kind == to->kind)
        return v;
    if (to->kind == T_DOUBLE)
        return value_from_double(from->kind == T_DECIMAL ? decimal_to_double(v) : (double)v.as.i64);
    return to->kind == T_DECIMAL ? decimal_from_int(v.as.i64) : v;
}

static inline const char *fn_run(const Functions *functions, Arena *arena, const char *name, const Arg *args,
                                 size_t count)
{
    const SqlType *types[FN_MAX_ARGS] = {0};
    Value          values[FN_MAX_ARGS];
    FnResolved     found;
    Error          err;
    error_clear(&err);
    for (size_t i = 0; i < count; i++)
        types[i] = args[i].type;
    if (functions_resolve(functions, str_c(name), types, count, NULL, arena, &found, &err) != OK)
        return str_to_c(arena, str_printf(arena, "ERROR: %s", err.message));
    for (size_t i = 0; i < count; i++)
        values[i] = fn_convert(arena, args[i].value, types[i], found.param_types[i]);
    Arg converted[FN_MAX_ARGS];
    for (size_t i = 0; i < count; i++)
        converted[i] = (Arg){values[i], found.param_types[i]};
    FnSite site = {0};
    Clock  clock;
    clock_init_virtual(&clock, 1700000000000, 1);
    const char *out = fn_call_at(found.scalar, found.result_type, converted, count, &site, &clock, arena);
    if (site.release)
        site.release(site.data);
    return out;
}

static inline void fn_check(const Functions *functions, const FnCase *cases, size_t count)
{
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < count; i++) {
        fn_expect(cases[i].name, fn_run(functions, arena, cases[i].name, cases[i].args, cases[i].count),
                  cases[i].expected);
        arena_reset(arena);
    }
    arena_free(arena);
}

static inline int fn_setup(void **state)
{
    *state = functions_open();
    return 0;
}

static inline int fn_teardown(void **state)
{
    functions_close(*state);
    return 0;
}

#endif
