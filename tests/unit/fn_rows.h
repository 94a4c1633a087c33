/*
 * fn_rows.h - tests of single function rows without the registry: a row by name and argument count, arguments
 * as values, the outcome as text. Errors print as "ERROR: message", NULL as "NULL".
 */
#ifndef SLUICE_TESTS_FN_ROWS_H
#define SLUICE_TESTS_FN_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "udf/udf.h"

typedef struct {
    Value          value;
    const SqlType *type;
} Arg;

#define S(text) ((Arg){value_string((text), sizeof(text) - 1), &type_string})
#define I(number) ((Arg){value_from_int(number), &type_integer})
#define L(number) ((Arg){value_from_int(number), &type_bigint})
#define TS(number) ((Arg){value_from_int(number), &type_timestamp})
#define DT(number) ((Arg){value_from_int(number), &type_date})
#define TM(number) ((Arg){value_from_int(number), &type_time})
#define UNIT(ms) ((Arg){value_from_int(ms), &type_unit})
#define D(number) ((Arg){value_from_double(number), &type_double})
#define B(yes) ((Arg){value_from_bool(yes), &type_boolean})
#define BY(bytes) ((Arg){value_string((bytes), sizeof(bytes) - 1), &type_bytes})
#define NUL(type) ((Arg){value_null(), &(type)})

static inline size_t fn_param_count(const char *signature)
{
    size_t count = 1, depth = 0;
    if (signature[1] == ')')
        return 0;
    for (const char *at = signature + 1; *at && !(*at == ')' && depth == 0); at++) {
        depth += *at == '<' || *at == '(';
        depth -= (*at == '>' && at[-1] != '-') || *at == ')';
        count += *at == ',' && depth == 0;
    }
    return count;
}

static inline const ScalarFn *fn_row(const ScalarFn *table, const char *name, size_t count)
{
    for (const ScalarFn *row = table; row->name; row++) {
        if (strcmp(row->name, name) == 0 &&
            (strstr(row->signature, "...") || fn_param_count(row->signature) == count))
            return row;
    }
    fail_msg("no function %s with %zu parameters", name, count);
    return NULL;
}

/* Calls with a site of the caller's; the text lives in the arena. */
static inline const char *fn_call_at(const ScalarFn *row, const SqlType *result_type, const Arg *args,
                                     size_t count, FnSite *site, Clock *clock, Arena *arena)
{
    Value          values[16];
    const SqlType *types[16];
    Value          result = value_null();
    Error          err;
    for (size_t i = 0; i < count; i++) {
        values[i] = args[i].value;
        types[i]  = args[i].type;
        if (!value_is_null(values[i]))
            continue;
        if (row->flags & FN_NULL_IF_ANY_NULL)
            return "NULL";
        if (row->flags & FN_ERROR_IF_NULL)
            return "ERROR: NULL";
    }
    FnCall call = {.args      = values,
                   .count     = count,
                   .arg_types = types,
                   .type      = result_type,
                   .arena     = arena,
                   .site      = site,
                   .clock     = clock};
    error_clear(&err);
    Status status = row->eval(&call, &result, &err);
    if (status != OK) {
        assert_int_equal(status, err.code);
        return str_to_c(arena, str_printf(arena, "ERROR: %s", err.message));
    }
    if (value_is_null(result))
        return "NULL";
    StrBuf text = {0};
    value_print(result_type, result, &text);
    const char *out = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return out;
}

static inline const char *fn_call(const ScalarFn *table, const char *name, const SqlType *result_type,
                                  const Arg *args, size_t count, Arena *arena)
{
    FnSite site = {0};
    Clock  clock;
    clock_init_virtual(&clock, 1700000000000, 1);
    const char *out = fn_call_at(fn_row(table, name, count), result_type, args, count, &site, &clock, arena);
    if (site.release)
        site.release(site.data);
    return out;
}

/* Equal, or both errors when `expected` is just "ERROR", or an error that holds the text behind "ERROR~". */
static void __attribute__((noinline, unused))
fn_expect(const char *what, const char *got, const char *expected)
{
    bool ok = strcmp(got, expected) == 0;
    if (strcmp(expected, "ERROR") == 0)
        ok = strncmp(got, "ERROR", 5) == 0;
    else if (strncmp(expected, "ERROR~", 6) == 0)
        ok = strncmp(got, "ERROR", 5) == 0 && strstr(got, expected + 6) != NULL;
    if (!ok)
        fail_msg("%s: got <%s>, expected <%s>", what, got, expected);
}

#endif
