/*
 * lua_function.c - scalar and table functions in Lua: a body compiled, kept, called.
 *
 * A call site has its own state, made at its first call: no lock, and no task slows another down. Everything
 * that may raise, conversions included, runs inside one protected call, whose frames hold nothing that would
 * have to be freed. A state that broke a limit is thrown away: the next record starts with a fresh one.
 */
#include "udf/extension/lua_definition.h"
#include "udf/extension/lua_values.h"

/* What the registry keeps of it. */
typedef struct {
    Str name;
    Str chunk; /* parameters and body, as Lua reads it */
} LuaBody;

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
    if (lua_definition_load(sandbox, body->name, body->chunk, err) != OK) {
        lua_sandbox_free(sandbox);
        return NULL;
    }
    site->data    = sandbox;
    site->release = release_site;
    return sandbox;
}

typedef struct {
    const FnCall  *call;
    const SqlType *type; /* of the result */
    Value          result;
    Status         status;
    Error         *err;
} Invocation;

/* Arguments in, body called, result out: protected. Upvalues: none; argument: the Invocation. */
static int invoke(lua_State *lua)
{
    Invocation   *invocation = lua_touserdata(lua, 2);
    const FnCall *call       = invocation->call;
    size_t        budget     = LUA_RESULT_BYTES;
    lua_settop(lua, 1); /* the body */
    for (size_t i = 0; i < call->count; i++)
        lua_values_push(lua, call->arg_types[i], call->args[i], call->arena);
    lua_call(lua, (int)call->count, 1);
    invocation->status =
        lua_values_take(lua, invocation->type, call->arena, &budget, &invocation->result, invocation->err);
    return 0;
}

static Status evaluate(const FnCall *call, const SqlType *type, Value *result, Error *err)
{
    const LuaBody *body       = call->self;
    LuaSandbox    *sandbox    = site_sandbox(call, body, err);
    Invocation     invocation = {.call = call, .type = type, .err = err};
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

static Status scalar_eval(const FnCall *call, Value *result, Error *err)
{
    return evaluate(call, call->type, result, err);
}

static Status table_eval(const FnCall *call, Value *result, Error *err)
{
    const SqlType rows = {.kind = T_ARRAY, .element = call->type};
    return evaluate(call, &rows, result, err);
}

/* ---- made ---- */

static Str print_chunk(const LuaFunction *function, Arena *arena)
{
    StrBuf chunk = {0};
    for (size_t i = 0; i < function->count; i++)
        strbuf_addf(&chunk, "%s" STR_FMT, i == 0 ? "local " : ", ",
                    STR_ARG(lua_values_name(arena, function->parameters[i].name)));
    strbuf_adds(&chunk,
                function->count > 0 ? " = ...; " : ""); /* on the body's first line: lines stay right */
    strbuf_add(&chunk, function->body);
    Str copy = str_dup(arena, strbuf_str(&chunk));
    strbuf_clear(&chunk);
    return copy;
}

static Status check_chunk(const LuaBody *body, Error *err)
{
    LuaSandbox *sandbox = lua_sandbox_new();
    Status      status  = sandbox != NULL ? lua_definition_load(sandbox, body->name, body->chunk, err)
                                          : error_set(err, E_LIMIT, NO_POS, "no memory for Lua");
    lua_sandbox_free(sandbox);
    return status == E_DATA ? (err->code = E_PLAN) : status;
}

static Status make_body(FnAddition *addition, const LuaFunction *function, LuaBody **out, Error *err)
{
    Arena *arena = functions_addition_arena(addition);
    TRY(lua_definition_check(function, arena, err));
    *out  = ARENA_NEW(arena, LuaBody);
    **out = (LuaBody){str_dup(arena, function->name), print_chunk(function, arena)};
    return check_chunk(*out, err);
}

Status lua_scalar_add(FnAddition *addition, const LuaFunction *function, Error *err)
{
    Arena   *arena = functions_addition_arena(addition);
    LuaBody *body;
    TRY(make_body(addition, function, &body, err));
    ScalarFn row = {.name      = str_to_c(arena, function->name),
                    .signature = lua_definition_signature(function, arena),
                    .flags     = (function->deterministic ? 0u : FN_NOT_PURE) |
                             (function->strict ? (unsigned)FN_NULL_IF_ANY_NULL : 0u),
                    .eval = scalar_eval,
                    .doc  = "Created by CREATE FUNCTION."};
    return functions_add_scalar(addition, &row, body, err);
}

Status lua_table_add(FnAddition *addition, const LuaFunction *function, Error *err)
{
    Arena   *arena = functions_addition_arena(addition);
    LuaBody *body;
    if (function->count == 0) /* f() is called as f(ROWTIME) (functions.md 2.1) */
        return error_set(err, E_PLAN, NO_POS, "A table function has one parameter at least");
    TRY(make_body(addition, function, &body, err));
    TableFn row = {.name      = str_to_c(arena, function->name),
                   .signature = lua_definition_signature(function, arena),
                   .flags     = FN_NOT_PURE | (function->strict ? (unsigned)FN_NULL_IF_ANY_NULL : 0u),
                   .eval      = table_eval,
                   .doc       = "Created by CREATE FUNCTION."};
    return functions_add_table(addition, &row, body, err);
}
