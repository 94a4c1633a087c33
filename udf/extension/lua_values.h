/*
 * lua_values.h - SQL values as Lua values, and back. Both run inside a protected call: they may raise.
 */
#ifndef SLUICE_UDF_EXTENSION_LUA_VALUES_H
#define SLUICE_UDF_EXTENSION_LUA_VALUES_H

#include <lua.h>

#include "core/value.h"

/* A name of SQL as Lua code writes it: in lower case where SQL has folded it to upper case. In the arena. */
Str lua_values_name(Arena *arena, Str name);
/* E_PLAN: there is no Lua value for the type; `what` has it. */
Status lua_values_check_type(const SqlType *type, const char *what, Error *err);
/* Pushes it. `arena`: for names. */
void lua_values_push(lua_State *lua, const SqlType *type, Value value, Arena *arena);
/* The value at the top of the stack, in the arena; no metatable is asked. E_DATA: it is none of that type. */
Status lua_values_take(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                       Error *err);

#endif
