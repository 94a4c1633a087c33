/*
 * lua_values.c - see lua_values.h.
 *
 * What comes back is a stranger's: its kind and range are checked against the declared type at every level,
 * tables are read raw, and all that is taken is counted, since a table may hold itself a thousand times over.
 * Maps are put in the order of their keys: that of Lua's tables differs from run to run.
 */
#include "udf/extension/lua_values.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, STACK_ROOM = 8 };

Str lua_values_name(Arena *arena, Str name)
{
    char *lower = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'a' && name.ptr[i] <= 'z')
            return name; /* it was quoted: as it is */
        lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] - 'A' + 'a') : name.ptr[i];
    }
    return str_n(lower, name.len);
}

Status lua_values_check_type(const SqlType *type, const char *what, Error *err)
{
    switch (type->kind) {
    case T_ARRAY:
        return lua_values_check_type(type->element, what, err);
    case T_MAP:
        TRY(lua_values_check_type(type->key, what, err));
        return lua_values_check_type(type->element, what, err);
    case T_STRUCT:
        for (size_t i = 0; i < type->field_count; i++)
            TRY(lua_values_check_type(type->fields[i].type, what, err));
        return OK;
    case T_DECIMAL:
    case T_NULL:
    case T_UNIT:
    case T_LAMBDA:
        return error_set(err, E_PLAN, NO_POS,
                         "%s is a %s, for which Lua has no value: CAST it to another type", what,
                         type_kind_name(type->kind));
    default:
        return OK;
    }
}

/* ---- to Lua ---- */

static void push_element(lua_State *lua, const SqlType *type, Value value, Arena *arena)
{
    if (value_is_null(value))
        lua_pushlightuserdata(lua, NULL); /* `null`: nil would be a hole */
    else
        lua_values_push(lua, type, value, arena);
}

static void push_struct(lua_State *lua, const SqlType *type, Value value, Arena *arena)
{
    lua_createtable(lua, 0, (int)type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        Str name = lua_values_name(arena, type->fields[i].name);
        lua_pushlstring(lua, name.ptr, name.len);
        lua_values_push(lua, type->fields[i].type, value_items(value)[i], arena);
        lua_rawset(lua, -3);
    }
}

void lua_values_push(lua_State *lua, const SqlType *type, Value value, Arena *arena)
{
    luaL_checkstack(lua, STACK_ROOM, "values are nested too deep");
    if (value_is_null(value)) {
        lua_pushnil(lua);
        return;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        lua_pushboolean(lua, value_bool(value));
        break;
    case T_DOUBLE:
        lua_pushnumber(lua, value_double(value));
        break;
    case T_STRING:
    case T_BYTES:
        lua_pushlstring(lua, value.len > 0 ? value_str(value).ptr : "", value.len);
        break;
    case T_ARRAY:
        lua_createtable(lua, 0, 0);
        for (uint32_t i = 0; i < value.len; i++) {
            push_element(lua, type->element, value_items(value)[i], arena);
            lua_rawseti(lua, -2, (lua_Integer)i + 1);
        }
        break;
    case T_MAP:
        lua_createtable(lua, 0, 0);
        for (uint32_t i = 0; i < value.len; i++) {
            const MapEntry *entry = &value_entries(value)[i];
            if (value_is_null(entry->key)) /* no key of a table; nothing to look up either */
                continue;
            lua_values_push(lua, type->key, entry->key, arena);
            push_element(lua, type->element, entry->value, arena);
            lua_rawset(lua, -3);
        }
        break;
    case T_STRUCT:
        push_struct(lua, type, value, arena);
        break;
    default:
        lua_pushinteger(lua, value_int(value));
        break;
    }
}

/* ---- from Lua ---- */

static Status wrong(lua_State *lua, const SqlType *type, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "the result is to be a %s and is a %s", type_kind_name(type->kind),
                     lua_typename(lua, lua_type(lua, -1)));
}

static Status charge(size_t *budget, size_t bytes, Error *err)
{
    if (bytes > *budget)
        return error_set(err, E_DATA, NO_POS, "the result is too large");
    *budget -= bytes;
    return OK;
}

static Status take_integer(lua_State *lua, const SqlType *type, Value *out, Error *err)
{
    int         exact;
    lua_Integer n    = lua_type(lua, -1) == LUA_TNUMBER ? lua_tointegerx(lua, -1, &exact) : (exact = 0, 0);
    int64_t     low  = type->kind == T_TIME ? 0 : INT32_MIN;
    int64_t     high = type->kind == T_TIME ? DAY_MS - 1 : INT32_MAX;
    if (lua_type(lua, -1) != LUA_TNUMBER)
        return wrong(lua, type, err);
    if (!exact || (type->kind != T_BIGINT && type->kind != T_TIMESTAMP && (n < low || n > high)))
        return error_set(err, E_DATA, NO_POS, "the result %.14g is no %s", (double)lua_tonumber(lua, -1),
                         type_kind_name(type->kind));
    *out = value_from_int(n);
    return OK;
}

static Status take_text(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                        Error *err)
{
    size_t length;
    if (lua_type(lua, -1) != LUA_TSTRING)
        return wrong(lua, type, err);
    const char *text = lua_tolstring(lua, -1, &length);
    if (type->kind == T_STRING && !utf8_valid(str_n(text, length)))
        return error_set(err, E_DATA, NO_POS, "the result is no valid UTF-8");
    TRY(charge(budget, length, err));
    char *copy = arena_try_alloc(arena, length + 1, err);
    if (copy == NULL)
        return err->code;
    memcpy(copy, text, length);
    *out = value_string(copy, length);
    return OK;
}

static Status take_array(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                         Error *err)
{
    size_t count = (size_t)lua_rawlen(lua, -1);
    TRY(charge(budget, count * sizeof(Value), err));
    Value *items = arena_try_alloc(arena, (count + 1) * sizeof *items, err);
    if (items == NULL)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(lua, -1, (lua_Integer)i + 1);
        TRY(lua_values_take(lua, type->element, arena, budget, &items[i], err));
        lua_pop(lua, 1);
    }
    *out = value_array(items, count);
    return OK;
}

static int compare_entries(const void *a, const void *b, void *type)
{
    return value_compare(type, ((const MapEntry *)a)->key, ((const MapEntry *)b)->key);
}

static size_t count_entries(lua_State *lua)
{
    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, -2) != 0; lua_pop(lua, 1))
        count++;
    return count;
}

static Status take_map(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                       Error *err)
{
    size_t count = count_entries(lua), at = 0;
    TRY(charge(budget, count * sizeof(MapEntry), err));
    MapEntry *entries = arena_try_alloc(arena, (count + 1) * sizeof *entries, err);
    if (entries == NULL)
        return err->code;
    for (lua_pushnil(lua); lua_next(lua, -2) != 0; at++) {
        TRY(lua_values_take(lua, type->element, arena, budget, &entries[at].value, err));
        lua_pop(lua, 1);
        TRY(lua_values_take(lua, type->key, arena, budget, &entries[at].key, err));
        if (value_is_null(entries[at].key))
            return error_set(err, E_DATA, NO_POS, "a key of the result is null");
    }
    if (count > 0)
        qsort_r(entries, count, sizeof *entries, compare_entries, (void *)(uintptr_t)type->key);
    for (size_t i = 1; i < count; i++) /* 1 and 1.0 are one key to Lua, but other pairs need not be */
        if (value_equal(type->key, entries[i - 1].key, entries[i].key))
            return error_set(err, E_DATA, NO_POS, "a key of the result is there twice");
    *out = value_map(entries, count);
    return OK;
}

static Status take_struct(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                          Error *err)
{
    TRY(charge(budget, type->field_count * sizeof(Value), err));
    Value *items = arena_try_alloc(arena, (type->field_count + 1) * sizeof *items, err);
    if (items == NULL)
        return err->code;
    for (size_t i = 0; i < type->field_count; i++) {
        Str name = lua_values_name(arena, type->fields[i].name);
        lua_pushlstring(lua, name.ptr, name.len);
        lua_rawget(lua, -2);
        TRY(lua_values_take(lua, type->fields[i].type, arena, budget, &items[i], err));
        lua_pop(lua, 1);
    }
    *out = value_array(items, type->field_count);
    return OK;
}

Status lua_values_take(lua_State *lua, const SqlType *type, Arena *arena, size_t *budget, Value *out,
                       Error *err)
{
    luaL_checkstack(lua, STACK_ROOM, "the result is nested too deep");
    if (lua_isnil(lua, -1) || (lua_islightuserdata(lua, -1) && lua_touserdata(lua, -1) == NULL)) {
        *out = value_null();
        return OK;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        if (!lua_isboolean(lua, -1))
            return wrong(lua, type, err);
        *out = value_from_bool(lua_toboolean(lua, -1));
        return OK;
    case T_DOUBLE:
        if (lua_type(lua, -1) != LUA_TNUMBER)
            return wrong(lua, type, err);
        *out = value_from_double(lua_tonumber(lua, -1));
        return OK;
    case T_STRING:
    case T_BYTES:
        return take_text(lua, type, arena, budget, out, err);
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        if (!lua_istable(lua, -1))
            return wrong(lua, type, err);
        return (type->kind == T_ARRAY ? take_array
                : type->kind == T_MAP ? take_map
                                      : take_struct)(lua, type, arena, budget, out, err);
    default:
        return take_integer(lua, type, out, err);
    }
}
