/*
 * lua_definition.c - see lua_definition.h.
 */
#include "udf/extension/lua_definition.h"

#include "udf/extension/lua_values.h"

static bool is_lua_name(Str name)
{
    static const char *const words[] = {
        "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
        "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"};
    bool right = name.len > 0 && name.len < 100 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; right && i < name.len; i++) {
        char c = name.ptr[i];
        right  = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    for (size_t i = 0; right && i < ARRAY_LEN(words); i++)
        right = !str_equal(name, str_c(words[i]));
    return right;
}

static Status check_parameter(const LuaFunction *function, size_t at, Arena *arena, Error *err)
{
    const LuaParameter *parameter = &function->parameters[at];
    Str                 name      = lua_values_name(arena, parameter->name);
    TRY(lua_values_check_type(
        parameter->type,
        str_to_c(arena, str_printf(arena, "The parameter " STR_FMT, STR_ARG(parameter->name))), err));
    if (!is_lua_name(name))
        return error_set(err, E_PLAN, NO_POS, "The parameter's name " STR_FMT " is none in Lua",
                         STR_ARG(name));
    for (size_t j = 0; j < at; j++)
        if (str_equal(lua_values_name(arena, function->parameters[j].name), name))
            return error_set(err, E_PLAN, NO_POS, "There are two parameters " STR_FMT, STR_ARG(name));
    return OK;
}

Status lua_definition_check(const LuaFunction *function, Arena *arena, Error *err)
{
    TRY(lua_values_check_type(function->result, "The result", err));
    if (function->count > LUA_MOST_PARAMETERS)
        return error_set(err, E_PLAN, NO_POS, "A function has %d parameters at most", LUA_MOST_PARAMETERS);
    for (size_t i = 0; i < function->count; i++)
        TRY(check_parameter(function, i, arena, err));
    return OK;
}

/* ---- signature ---- */

static void print_param_type(const SqlType *type, StrBuf *out)
{
    switch (type->kind) {
    case T_ARRAY:
        strbuf_adds(out, "ARRAY<");
        print_param_type(type->element, out);
        strbuf_addc(out, '>');
        break;
    case T_MAP:
        strbuf_adds(out, "MAP<");
        print_param_type(type->key, out);
        strbuf_adds(out, ", ");
        print_param_type(type->element, out);
        strbuf_addc(out, '>');
        break;
    case T_STRUCT:
        strbuf_adds(out, "STRUCT<");
        for (size_t i = 0; i < type->field_count; i++) {
            strbuf_addf(out, "%s" STR_FMT " ", i > 0 ? ", " : "", STR_ARG(type->fields[i].name));
            print_param_type(type->fields[i].type, out);
        }
        strbuf_addc(out, '>');
        break;
    default:
        type_print(type, out);
        break;
    }
}

const char *lua_definition_signature(const LuaFunction *function, Arena *arena)
{
    StrBuf text = {0};
    strbuf_addc(&text, '(');
    for (size_t i = 0; i < function->count; i++) {
        strbuf_addf(&text, "%s" STR_FMT " ", i > 0 ? ", " : "",
                    STR_ARG(lua_values_name(arena, function->parameters[i].name)));
        print_param_type(function->parameters[i].type, &text);
    }
    strbuf_adds(&text, ") -> ");
    print_param_type(function->result, &text);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

/* ---- body ---- */

Status lua_definition_load(LuaSandbox *sandbox, Str name, Str chunk, Error *err)
{
    char title[140]; /* "=NAME": what messages begin with */
    snprintf(title, sizeof title, "=%.*s", (int)(name.len < 128 ? name.len : 128), name.ptr);
    int outcome = luaL_loadbufferx(sandbox->lua, chunk.ptr, chunk.len, title, "t"); /* never byte code */
    if (outcome == LUA_OK)
        return OK;
    sandbox->breach = outcome == LUA_ERRMEM ? LUA_TOO_BIG : LUA_WITHIN;
    lua_sandbox_error(sandbox, err);
    return error_prefix(err, "Function " STR_FMT " does not compile: ", STR_ARG(name));
}
