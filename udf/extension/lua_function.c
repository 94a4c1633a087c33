/*
 * lua_function.c - see lua_function.h: a body compiled, kept, called.
 *
 * A call site has its own state, made at its first call: no lock, and no task slows another down. Everything
 * that may raise, conversions included, runs inside one protected call, whose frames hold nothing that would
 * have to be freed. A state that broke a limit is thrown away: the next record starts with a fresh one.
 */
#include "udf/extension/lua_function.h"

#include "udf/extension/lua_sandbox.h"
#include "udf/extension/lua_values.h"

enum { MOST_PARAMETERS = 100, RESULT_BYTES = 16 * 1024 * 1024 };

/* What the registry keeps of it. */
typedef struct {
    Str name;
    Str chunk; /* parameters and body, as Lua reads it */
} LuaBody;

static Status load_chunk(LuaSandbox *sandbox, Str name, Str chunk, Error *err)
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

/* ---- one call ---- */

/* The state of a call site; the compiled body is at the bottom of its stack. */
static void release_site(void *data) { lua_sandbox_free(data); }

static LuaSandbox *site_sandbox(const FnCall *call, const LuaBody *body, Error *err)
{
    FnSite *site = call->site;
    if (site->data != NULL)
        return site->data;
    LuaSandbox *sandbox = lua_sandbox_new();
    if (sandbox == NULL) {
        error_set(err, E_DATA, NO_POS, "Failed to invoke function " STR_FMT ": no memory for Lua",
                  STR_ARG(body->name));
        return NULL;
    }
    if (load_chunk(sandbox, body->name, body->chunk, err) != OK) {
        lua_sandbox_free(sandbox);
        return NULL;
    }
    site->data    = sandbox;
    site->release = release_site;
    return sandbox;
}

typedef struct {
    const FnCall *call;
    Value         result;
    Status        status;
    Error        *err;
} Invocation;

/* Arguments in, body called, result out: protected. Upvalues: none; argument: the Invocation. */
static int invoke(lua_State *lua)
{
    Invocation   *invocation = lua_touserdata(lua, 2);
    const FnCall *call       = invocation->call;
    size_t        budget     = RESULT_BYTES;
    lua_settop(lua, 1); /* the body */
    for (size_t i = 0; i < call->count; i++)
        lua_values_push(lua, call->arg_types[i], call->args[i], call->arena);
    lua_call(lua, (int)call->count, 1);
    invocation->status =
        lua_values_take(lua, call->type, call->arena, &budget, &invocation->result, invocation->err);
    return 0;
}

static Status lua_eval(const FnCall *call, Value *result, Error *err)
{
    const LuaBody *body       = call->self;
    LuaSandbox    *sandbox    = site_sandbox(call, body, err);
    Invocation     invocation = {.call = call, .err = err};
    if (sandbox == NULL)
        return err->code;
    lua_pushcfunction(sandbox->lua, invoke); /* neither of these allocates */
    lua_pushvalue(sandbox->lua, 1);
    lua_pushlightuserdata(sandbox->lua, &invocation);
    Status status =
        lua_sandbox_call(sandbox, 2, 0) != LUA_OK ? lua_sandbox_error(sandbox, err) : invocation.status;
    if (status != OK) {
        error_prefix(err, "Failed to invoke function " STR_FMT ": ", STR_ARG(body->name));
        status = err->code = E_DATA; /* of this record, whatever limit was reached */
    }
    *result = invocation.result;
    if (sandbox->breach != LUA_WITHIN) {
        lua_sandbox_free(sandbox);
        call->site->data = NULL;
    }
    return status;
}

/* ---- made ---- */

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

static Status print_parameters(const LuaFunction *function, Arena *arena, StrBuf *chunk, Error *err)
{
    if (function->count > MOST_PARAMETERS)
        return error_set(err, E_PLAN, NO_POS, "A function has %d parameters at most", MOST_PARAMETERS);
    for (size_t i = 0; i < function->count; i++) {
        const LuaParameter *parameter = &function->parameters[i];
        Str                 name      = lua_values_name(arena, parameter->name);
        TRY(lua_values_check_type(
            parameter->type,
            str_to_c(arena, str_printf(arena, "The parameter " STR_FMT, STR_ARG(parameter->name))), err));
        if (!is_lua_name(name))
            return error_set(err, E_PLAN, NO_POS, "The parameter's name " STR_FMT " is none in Lua",
                             STR_ARG(name));
        for (size_t j = 0; j < i; j++)
            if (str_equal(lua_values_name(arena, function->parameters[j].name), name))
                return error_set(err, E_PLAN, NO_POS, "There are two parameters " STR_FMT, STR_ARG(name));
        strbuf_addf(chunk, "%s" STR_FMT, i == 0 ? "local " : ", ", STR_ARG(name));
    }
    strbuf_adds(chunk,
                function->count > 0 ? " = ...; " : ""); /* on the body's first line: lines stay right */
    strbuf_add(chunk, function->body);
    return OK;
}

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

static Str print_signature(const LuaFunction *function, Arena *arena)
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
    Str copy = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static Status check_chunk(Str name, Str chunk, Error *err)
{
    LuaSandbox *sandbox = lua_sandbox_new();
    Status      status  = sandbox != NULL ? load_chunk(sandbox, name, chunk, err)
                                          : error_set(err, E_LIMIT, NO_POS, "no memory for Lua");
    lua_sandbox_free(sandbox);
    return status == E_DATA ? (err->code = E_PLAN) : status;
}

Status lua_function_add(FnAddition *addition, const LuaFunction *function, Error *err)
{
    Arena   *arena = functions_addition_arena(addition);
    LuaBody *body  = ARENA_NEW(arena, LuaBody);
    StrBuf   chunk = {0};
    TRY(lua_values_check_type(function->result, "The result", err));
    Status status = print_parameters(function, arena, &chunk, err);
    *body         = (LuaBody){str_dup(arena, function->name), str_dup(arena, strbuf_str(&chunk))};
    strbuf_clear(&chunk);
    TRY(status);
    TRY(check_chunk(body->name, body->chunk, err));
    ScalarFn row = {.name      = str_to_c(arena, function->name),
                    .signature = str_to_c(arena, print_signature(function, arena)),
                    .flags     = (function->deterministic ? 0u : FN_NOT_PURE) |
                             (function->strict ? (unsigned)FN_NULL_IF_ANY_NULL : 0u),
                    .eval = lua_eval,
                    .doc  = "Created by CREATE FUNCTION."};
    return functions_add_scalar(addition, &row, body, err);
}
