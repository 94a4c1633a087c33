/*
 * lua_function.h - functions whose body is Lua: CREATE FUNCTION ... LANGUAGE LUA AS $$ body $$.
 *
 * The body of a scalar or table function is that of a Lua function whose parameters are the statement's. A
 * name that SQL has folded to upper case is written in lower case there: `V` is `v`. That of an aggregate is
 * run once and defines functions (lua_aggregate.c). NULL is nil (in arrays and maps the value `null`),
 * integers are integers, STRING and BYTES are strings, DATE, TIME and TIMESTAMP integers as the engine holds
 * them, arrays, maps and structs are tables.
 *
 * A body is a stranger's program: it reaches neither files nor network, and each call has a limit of
 * instructions, of processor time and of memory. Beyond any of them the call is stopped, with an E_DATA that
 * names the function: the record goes the way of every expression that failed.
 *
 * Thread: any compiles; calls run on their task's thread, each call site with a state of its own.
 */
#ifndef SLUICE_UDF_EXTENSION_LUA_FUNCTION_H
#define SLUICE_UDF_EXTENSION_LUA_FUNCTION_H

#include "udf/udf.h"

typedef struct {
    Str            name; /* of the parameter, as SQL has it */
    const SqlType *type;
} LuaParameter;

typedef struct {
    Str                 name; /* of the function */
    const LuaParameter *parameters;
    size_t              count;
    const SqlType      *result; /* table functions: of an element */
    const SqlType      *state;  /* aggregates */
    Str                 body;
    bool                deterministic, strict;
} LuaFunction;

/* They add it to the registry. E_PLAN: the body does not compile (Lua's message, with its line), a
 * parameter's name is none in Lua, or a type is one that Lua has no value for; and as functions_add_scalar.
 */
Status lua_scalar_add(FnAddition *addition, const LuaFunction *function, Error *err);
/* The body gives an array; each element is a row. */
Status lua_table_add(FnAddition *addition, const LuaFunction *function, Error *err);
/* E_PLAN also: it defines no accumulate, its init fails, or it needs a `result` and has none. */
Status lua_aggregate_add(FnAddition *addition, const LuaFunction *function, Error *err);

#endif
