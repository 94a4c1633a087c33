/*
 * lua_definition.h - what the makers of Lua functions share: checks of names and types, the signature, a body
 * compiled.
 */
#ifndef SLUICE_UDF_EXTENSION_LUA_DEFINITION_H
#define SLUICE_UDF_EXTENSION_LUA_DEFINITION_H

#include "udf/extension/lua_function.h"
#include "udf/extension/lua_sandbox.h"

enum { LUA_MOST_PARAMETERS = 100, LUA_RESULT_BYTES = 16 * 1024 * 1024 };

/* E_PLAN: too many parameters, one that Lua has no name or no value for, or no value for the result. */
Status lua_definition_check(const LuaFunction *function, Arena *arena, Error *err);
/* As the registry has it: "(v BIGINT) -> STRING". In the arena. */
const char *lua_definition_signature(const LuaFunction *function, Arena *arena);
/* The chunk, compiled, on the stack. E_DATA: it does not compile. */
Status lua_definition_load(LuaSandbox *sandbox, Str name, Str chunk, Error *err);

#endif
