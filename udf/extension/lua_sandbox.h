/*
 * lua_sandbox.h - a Lua state for somebody else's code: what it may reach, and when it is stopped.
 *
 * Thread: one at a time.
 */
#ifndef SLUICE_UDF_EXTENSION_LUA_SANDBOX_H
#define SLUICE_UDF_EXTENSION_LUA_SANDBOX_H

#include <lauxlib.h>
#include <lua.h>

#include "core/error.h"
#include "core/str.h"

/* Limits of a call. */
enum {
    LUA_MOST_INSTRUCTIONS = 1000 * 1000,
    LUA_MOST_BYTES        = 8 * 1024 * 1024, /* of a state, all it has */
    LUA_MOST_CPU_MS       = 1000,            /* what instructions do not count: long library calls */
};

typedef enum { LUA_WITHIN, LUA_TOO_LONG, LUA_TOO_SLOW, LUA_TOO_BIG } LuaBreach;

typedef struct {
    lua_State *lua;
    size_t     bytes;        /* in use */
    int64_t    instructions; /* of this call */
    double     steps;        /* most that this call's patterns may take */
    int64_t    deadline_ns;  /* of this thread's processor time; 0: not looked at yet */
    LuaBreach  breach;
} LuaSandbox;

/* NULL: not even an empty state has room. Free with lua_sandbox_free, which accepts NULL. */
LuaSandbox *lua_sandbox_new(void);
void        lua_sandbox_free(LuaSandbox *sandbox);
LuaSandbox *lua_sandbox_of(lua_State *lua);
/* Calls the function below `arguments` on the stack, protected and within the limits; its `results` are on
 * the stack when it is LUA_OK, the reason when it is not. */
int lua_sandbox_call(LuaSandbox *sandbox, int arguments, int results);
/* Why the last call failed, without running any code of the state's. Takes it from the stack. */
Status lua_sandbox_error(LuaSandbox *sandbox, Error *err);

#endif
