/*
 * lua_sandbox.c - see lua_sandbox.h.
 *
 * There is no io, os, package, debug, coroutine, no load, and no pcall: nothing can catch the error that
 * stops a call. The count hook counts instructions; library functions run between two counts, so each must be
 * bounded by itself: those of `table` take no metatables (a __len may lie) and move no more than memory can
 * hold, string.rep refuses to repeat nothing for ever, and a pattern is refused where its worst case on that
 * text is too long, because Lua's matcher backtracks without limit and asks nobody; so is a search for a long
 * text, and table.sort looks at the clock whenever it compares. Finalizers run with hooks
 * off: setmetatable refuses __gc. What is bounded but slow is caught by the thread's processor time.
 */
#include "udf/extension/lua_sandbox.h"

#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { HOOK_EVERY = 200, MOST_ITEMS = 1000 * 1000, BYTES_A_STEP = 16 };
static const double most_steps = 1e9;

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The call's time begins when it is first looked at: most calls are over before that, and asking for a
 * thread's time is a system call. */
static bool is_too_slow(LuaSandbox *sandbox)
{
    int64_t now = thread_cpu_ns();
    if (sandbox->deadline_ns == 0)
        sandbox->deadline_ns = now + (int64_t)LUA_MOST_CPU_MS * 1000000;
    return now > sandbox->deadline_ns;
}

LuaSandbox *lua_sandbox_of(lua_State *lua)
{
    void *sandbox;
    lua_getallocf(lua, &sandbox);
    return sandbox;
}

/* Lua's contract: NULL for what cannot be had, and shrinking always succeeds. */
static void *allocate(void *context, void *old, size_t old_size, size_t size)
{
    LuaSandbox *sandbox = context;
    size_t      had     = old != NULL ? old_size : 0;
    if (size == 0) {
        sandbox->bytes -= had;
        free(old);
        return NULL;
    }
    if (size > had && sandbox->bytes - had + size > LUA_MOST_BYTES)
        return NULL;
    void *memory = realloc(old, size);
    if (memory != NULL)
        sandbox->bytes += size - had;
    return memory;
}

static const char *breach_text(LuaBreach breach)
{
    switch (breach) {
    case LUA_TOO_LONG:
        return "it was stopped after 1000000 instructions";
    case LUA_TOO_SLOW:
        return "it was stopped after 1000 ms";
    case LUA_TOO_BIG:
        return "it needs more than 8 MB of memory";
    case LUA_WITHIN:
        break;
    }
    return "it failed with a message that is no text";
}

static void count_instructions(lua_State *lua, lua_Debug *activation)
{
    LuaSandbox *sandbox = lua_sandbox_of(lua);
    sandbox->instructions += HOOK_EVERY;
    if (sandbox->instructions >= LUA_MOST_INSTRUCTIONS)
        sandbox->breach = LUA_TOO_LONG;
    else if (is_too_slow(sandbox))
        sandbox->breach = LUA_TOO_SLOW;
    if (sandbox->breach == LUA_WITHIN)
        return;
    /* Variables with a __close are called while the error unwinds: each is stopped at its first instruction.
     */
    lua_sethook(lua, count_instructions, LUA_MASKCOUNT, 1);
    luaL_error(lua, "%s", breach_text(sandbox->breach));
}

/* ---- library functions with a guard before them ---- */

static int call_original(lua_State *lua)
{
    int arguments = lua_gettop(lua);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, arguments, LUA_MULTRET);
    return lua_gettop(lua);
}

static int guarded_setmetatable(lua_State *lua)
{
    if (lua_istable(lua, 2)) {
        lua_pushliteral(lua, "__gc");
        if (lua_rawget(lua, 2) != LUA_TNIL)
            return luaL_error(lua, "a metatable with __gc is not allowed");
        lua_pop(lua, 1);
    }
    return call_original(lua);
}

static int guarded_table(lua_State *lua)
{
    for (int i = 1; i <= lua_gettop(lua); i++)
        if (lua_istable(lua, i) && lua_getmetatable(lua, i))
            return luaL_error(lua, "the functions of table take no table with a metatable");
    return call_original(lua);
}

static int guarded_move(lua_State *lua)
{
    lua_Integer from = luaL_checkinteger(lua, 2), to = luaL_checkinteger(lua, 3);
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from > MOST_ITEMS)
        return luaL_error(lua, "table.move: too many elements");
    return guarded_table(lua);
}

static int guarded_rep(lua_State *lua)
{
    if (luaL_checkinteger(lua, 2) > LUA_MOST_BYTES)
        return luaL_error(lua, "string.rep: the text is too long");
    return call_original(lua);
}

/* Each item that may take more or less can be tried at each place, once for each choice of those before it.
 */
static double pattern_steps(const char *pattern, size_t length, size_t text)
{
    int choices = 1; /* of where to begin */
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '%') {
            i++;
            if (i < length && (pattern[i] == 'b' || (pattern[i] >= '0' && pattern[i] <= '9')))
                choices++; /* goes through the text by itself */
        } else if (pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '-' || pattern[i] == '?')
            choices++;
    }
    return pow((double)text + 1, choices) * (double)(length + 1);
}

static int guarded_pattern(lua_State *lua)
{
    LuaSandbox *sandbox = lua_sandbox_of(lua);
    size_t      text_length, length;
    luaL_checklstring(lua, 1, &text_length);
    const char *pattern = luaL_checklstring(lua, 2, &length);
    double      steps   = pattern_steps(pattern, length, text_length);
    if (steps > most_steps - sandbox->steps)
        return luaL_error(lua, "the pattern may take too long on a text of %d bytes", (int)text_length);
    sandbox->steps += steps;
    return call_original(lua);
}

/* With `true` as the fourth argument it looks for the text as it is. */
static int guarded_find(lua_State *lua)
{
    if (!lua_toboolean(lua, 4))
        return guarded_pattern(lua);
    LuaSandbox *sandbox = lua_sandbox_of(lua);
    size_t      text, length;
    luaL_checklstring(lua, 1, &text);
    luaL_checklstring(lua, 2, &length);
    double steps = (double)text * (double)(length + 1) / BYTES_A_STEP;
    if (steps > most_steps - sandbox->steps)
        return luaL_error(lua, "the search may take too long on a text of %d bytes", (int)text);
    sandbox->steps += steps;
    return call_original(lua);
}

/* Comparing long texts is no instruction of Lua's, but takes time. */
static int timed_less(lua_State *lua)
{
    LuaSandbox *sandbox = lua_sandbox_of(lua);
    if (is_too_slow(sandbox)) {
        sandbox->breach = LUA_TOO_SLOW;
        return luaL_error(lua, "%s", breach_text(LUA_TOO_SLOW));
    }
    lua_pushboolean(lua, lua_compare(lua, 1, 2, LUA_OPLT));
    return 1;
}

static int guarded_sort(lua_State *lua)
{
    lua_settop(lua, 2);
    if (lua_isnil(lua, 2)) {
        lua_pushcfunction(lua, timed_less);
        lua_replace(lua, 2);
    }
    return guarded_table(lua);
}

/* ---- what there is ---- */

static void guard(lua_State *lua, const char *name, lua_CFunction with)
{
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, with, 1);
    lua_setfield(lua, -2, name);
}

static void take_away(lua_State *lua, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, *names);
    }
}

static int open_libraries(lua_State *lua)
{
    static const char *const base[]    = {"collectgarbage", "dofile", "load",   "loadfile", "pcall",
                                          "print",          "warn",   "xpcall", NULL};
    static const char *const strings[] = {"dump", "pack", "packsize", "unpack", NULL};
    static const char *const numbers[] = {"random", "randomseed", NULL}; /* a record's result is repeatable */
    static const char *const moves[]   = {"concat", "insert", "pack", "remove", "unpack", NULL};
    static const char *const matches[] = {"gmatch", "gsub", "match", NULL};
    luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
    take_away(lua, base);
    guard(lua, "setmetatable", guarded_setmetatable);
    luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
    take_away(lua, strings);
    guard(lua, "rep", guarded_rep);
    for (const char *const *name = matches; *name != NULL; name++)
        guard(lua, *name, guarded_pattern);
    guard(lua, "find", guarded_find);
    luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
    for (const char *const *name = moves; *name != NULL; name++)
        guard(lua, *name, guarded_table);
    guard(lua, "move", guarded_move);
    guard(lua, "sort", guarded_sort);
    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
    take_away(lua, numbers);
    luaL_requiref(lua, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lua_pushlightuserdata(lua, NULL);
    lua_setglobal(lua, "null");
    lua_settop(lua, 0);
    return 0;
}

LuaSandbox *lua_sandbox_new(void)
{
    LuaSandbox *sandbox = calloc(1, sizeof *sandbox);
    if (sandbox == NULL || (sandbox->lua = lua_newstate(allocate, sandbox)) == NULL) {
        free(sandbox);
        return NULL;
    }
    lua_pushcfunction(sandbox->lua, open_libraries);
    if (lua_pcall(sandbox->lua, 0, 0, 0) != LUA_OK) {
        lua_sandbox_free(sandbox);
        return NULL;
    }
    return sandbox;
}

void lua_sandbox_free(LuaSandbox *sandbox)
{
    if (sandbox == NULL)
        return;
    lua_sethook(sandbox->lua, NULL, 0, 0);
    lua_close(sandbox->lua);
    free(sandbox);
}

int lua_sandbox_call(LuaSandbox *sandbox, int arguments, int results)
{
    sandbox->instructions = 0;
    sandbox->steps        = 0;
    sandbox->breach       = LUA_WITHIN;
    sandbox->deadline_ns  = 0;
    lua_sethook(sandbox->lua, count_instructions, LUA_MASKCOUNT, HOOK_EVERY);
    int outcome = lua_pcall(sandbox->lua, arguments, results, 0);
    lua_sethook(sandbox->lua, NULL, 0, 0);
    if (outcome == LUA_ERRMEM && sandbox->breach == LUA_WITHIN)
        sandbox->breach = LUA_TOO_BIG;
    return outcome;
}

Status lua_sandbox_error(LuaSandbox *sandbox, Error *err)
{
    const char *text = breach_text(sandbox->breach);
    if (sandbox->breach == LUA_WITHIN && lua_type(sandbox->lua, -1) == LUA_TSTRING)
        text = lua_tolstring(sandbox->lua, -1, NULL);
    if (!utf8_valid(str_c(text)))
        text = breach_text(LUA_WITHIN);
    error_set(err, E_DATA, NO_POS, "%.1000s", text);
    lua_pop(sandbox->lua, 1);
    return E_DATA;
}
