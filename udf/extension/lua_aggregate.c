/*
 * lua_aggregate.c - aggregates in Lua. The body defines functions:
 *
 *   init()                 the state of a group without rows; not there: nil. Run once, when the function is
 *                          created: a group costs no call before its first row
 *   accumulate(state, ...) the state with a row more
 *   undo(state, ...)       the state with a row less; not there: streams only
 *   merge(state, other)    the state of two sessions that became one; not there: no session windows
 *   result(state)          what SQL sees of it; not there: the state itself
 *
 * The state is a value of SQL: it goes to Lua for each call and comes back. So what is kept in stores and
 * changelogs is all there is, a restart finds it again, and a call that failed half way has changed nothing.
 */
#include "udf/agg.h"
#include "udf/extension/lua_definition.h"
#include "udf/extension/lua_values.h"

typedef enum { PART_INIT, PART_ACCUMULATE, PART_UNDO, PART_MERGE, PART_RESULT, PARTS } Part;

static const char *const part_names[] = {"init", "accumulate", "undo", "merge", "result"};

/* What the registry keeps of it. */
typedef struct {
    Str            name, chunk;
    const SqlType *state;
    Value          initial;
    bool           has[PARTS];
    bool           strict;
} LuaAggregate;

/* ---- the functions of a body ---- */

/* Runs the chunk and leaves what it has defined, in the order of Part. No metatable is asked. */
static int define(lua_State *lua)
{
    lua_call(lua, 0, 0);
    for (int part = 0; part < PARTS; part++) {
        lua_pushglobaltable(lua);
        lua_pushstring(lua, part_names[part]);
        lua_rawget(lua, -2);
        lua_remove(lua, -2);
    }
    return PARTS;
}

/* A state whose stack holds the functions, from 1 on. NULL: E_DATA. */
static LuaSandbox *open_sandbox(const LuaAggregate *self, Error *err)
{
    LuaSandbox *sandbox = lua_sandbox_new();
    if (sandbox == NULL) {
        error_set(err, E_DATA, NO_POS, "no memory for Lua");
        return NULL;
    }
    lua_pushcfunction(sandbox->lua, define);
    if (lua_definition_load(sandbox, self->name, self->chunk, err) == OK) {
        if (lua_sandbox_call(sandbox, 1, PARTS) == LUA_OK)
            return sandbox;
        lua_sandbox_error(sandbox, err);
        error_prefix(err, "Function " STR_FMT " has a body that cannot be run: ", STR_ARG(self->name));
    }
    lua_sandbox_free(sandbox);
    return NULL;
}

/* ---- one call ---- */

typedef struct {
    Part                  part;
    const SqlType        *state_type, *type; /* type: of what it gives */
    const Value          *state;             /* NULL: it is not passed */
    const SqlType *const *arg_types;
    const Value          *args;
    size_t                count;
    Arena                *arena;
    Value                 out;
    Status                status;
    Error                *err;
} Step;

/* Values in, function called, value out: protected. Arguments: the function, the Step. */
static int run(lua_State *lua)
{
    Step  *step   = lua_touserdata(lua, 2);
    size_t budget = LUA_RESULT_BYTES;
    lua_settop(lua, 1);
    if (step->state != NULL)
        lua_values_push(lua, step->state_type, *step->state, step->arena);
    for (size_t i = 0; i < step->count; i++)
        lua_values_push(lua, step->arg_types[i], step->args[i], step->arena);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    if (lua_gettop(lua) == 0) { /* most likely it has changed the table that it was given, and forgot this */
        step->status = error_set(step->err, E_DATA, NO_POS, "it returns nothing, not even nil");
        return 0;
    }
    lua_settop(lua, 1);
    step->status = lua_values_take(lua, step->type, step->arena, &budget, &step->out, step->err);
    return 0;
}

/* E_DATA: it failed; after a breach the sandbox is not to be used again. */
static Status run_step(const LuaAggregate *self, LuaSandbox *sandbox, Step *step, Error *err)
{
    step->err = err;
    lua_pushcfunction(sandbox->lua, run); /* neither of these allocates */
    lua_pushvalue(sandbox->lua, step->part + 1);
    lua_pushlightuserdata(sandbox->lua, step);
    Status status =
        lua_sandbox_call(sandbox, 2, 0) != LUA_OK ? lua_sandbox_error(sandbox, err) : step->status;
    if (status == OK)
        return OK;
    error_prefix(err, "Failed to invoke function " STR_FMT ": %s: ", STR_ARG(self->name),
                 part_names[step->part]);
    return err->code = E_DATA; /* of this record, whatever limit was reached */
}

/* What the place of a call in its task keeps. */
typedef struct {
    LuaSandbox *sandbox; /* NULL: a breach has cost it */
    Arena      *arena;   /* of one call: a batch of rows would hold as many copies of the state */
} LuaSite;

static void release_site(void *data)
{
    LuaSite *site = data;
    lua_sandbox_free(site->sandbox);
    arena_free(site->arena);
    mem_free(site);
}

static LuaSite *site_of(FnSite *place)
{
    if (place->data == NULL) {
        LuaSite *site  = mem_calloc(1, sizeof *site);
        site->arena    = arena_new(0);
        place->data    = site;
        place->release = release_site;
    }
    return place->data;
}

/* What comes out lives until the next call at this place. */
static Status call_step(const LuaAggregate *self, const AggregateContext *context, Step *step, Error *err)
{
    LuaSite *site = site_of(context->site);
    arena_reset(site->arena);
    if (site->sandbox == NULL)
        site->sandbox = open_sandbox(self, err);
    if (site->sandbox == NULL) {
        error_prefix(err, "Failed to invoke function " STR_FMT ": ", STR_ARG(self->name));
        return err->code = E_DATA;
    }
    step->arena   = site->arena;
    Status status = run_step(self, site->sandbox, step, err);
    if (site->sandbox->breach != LUA_WITHIN) {
        lua_sandbox_free(site->sandbox);
        site->sandbox = NULL;
    }
    return status;
}

/* The state becomes what the function gives. */
static Status change(const AggregateCall *call, Part part, Value *state, const SqlType *const *arg_types,
                     const Value *args, size_t count, const AggregateContext *context, Error *err)
{
    Step step = {.part       = part,
                 .state_type = call->state_type,
                 .type       = call->state_type,
                 .state      = state,
                 .arg_types  = arg_types,
                 .args       = args,
                 .count      = count};
    TRY(call_step(call->self, context, &step, err));
    agg_replace(call, state, step.out, context);
    return OK;
}

/* ---- the row of the registry ---- */

static Status lua_bind(AggregateCall *call, Arena *arena, Error *err)
{
    const LuaAggregate *self = call->self;
    call->state_type         = self->state;
    call->initial            = self->initial;
    call->survives           = true;
    return OK;
}

static Value lua_init(const AggregateCall *call) { return call->initial; }

/* STRICT: a row with a NULL among its arguments is none of this aggregate's. */
static bool is_left_out(const AggregateCall *call, const Value *args)
{
    const LuaAggregate *self = call->self;
    bool                null = false;
    for (size_t i = 0; self->strict && i < call->arg_count; i++)
        null |= value_is_null(args[i]);
    return null;
}

static Status lua_accumulate(const AggregateCall *call, Value *state, const Value *args,
                             const AggregateContext *context, Error *err)
{
    if (is_left_out(call, args))
        return OK;
    return change(call, PART_ACCUMULATE, state, call->arg_types, args, call->arg_count, context, err);
}

static Status lua_undo(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    if (is_left_out(call, args))
        return OK;
    return change(call, PART_UNDO, state, call->arg_types, args, call->arg_count, context, err);
}

static Status lua_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    return change(call, PART_MERGE, state, &call->state_type, &other, 1, context, err);
}

static Status lua_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                         Error *err)
{
    Step step = {
        .part = PART_RESULT, .state_type = call->state_type, .type = call->result_type, .state = &state};
    TRY(call_step(call->self, context, &step, err));
    *out = value_copy(context->scratch, call->result_type, step.out);
    return OK;
}

/* ---- made ---- */

static Status check_parts(LuaAggregate *self, const LuaFunction *function, LuaSandbox *sandbox, Error *err)
{
    for (int part = 0; part < PARTS; part++) {
        int type        = lua_type(sandbox->lua, part + 1);
        self->has[part] = type == LUA_TFUNCTION;
        if (type != LUA_TFUNCTION && type != LUA_TNIL)
            return error_set(err, E_PLAN, NO_POS, "Function " STR_FMT ": %s is a %s, not a function",
                             STR_ARG(self->name), part_names[part], lua_typename(sandbox->lua, type));
    }
    if (!self->has[PART_ACCUMULATE])
        return error_set(err, E_PLAN, NO_POS,
                         "Function " STR_FMT ": its body defines no function accumulate(state, ...), or "
                         "defines it as local",
                         STR_ARG(self->name));
    if (!self->has[PART_RESULT] && !type_equal(self->state, function->result))
        return error_set(err, E_PLAN, NO_POS,
                         "Function " STR_FMT ": its state is no result: a function result(state) is needed",
                         STR_ARG(self->name));
    return OK;
}

/* Runs the body and its init as each call site will. */
static Status examine(LuaAggregate *self, const LuaFunction *function, Arena *arena, Error *err)
{
    LuaSandbox *sandbox = open_sandbox(self, err);
    Step        step    = {.part = PART_INIT, .type = self->state, .arena = arena};
    if (sandbox == NULL)
        return err->code;
    Status status = check_parts(self, function, sandbox, err);
    if (status == OK && self->has[PART_INIT])
        status = run_step(self, sandbox, &step, err);
    self->initial = status == OK && self->has[PART_INIT] ? step.out : value_null();
    lua_sandbox_free(sandbox);
    return status;
}

Status lua_aggregate_add(FnAddition *addition, const LuaFunction *function, Error *err)
{
    Arena        *arena = functions_addition_arena(addition);
    LuaAggregate *self  = ARENA_NEW(arena, LuaAggregate);
    if (function->count == 0) /* f() is called as f(ROWTIME) (functions.md 2.1) */
        return error_set(err, E_PLAN, NO_POS, "An aggregate function has one parameter at least");
    TRY(lua_definition_check(function, arena, err));
    TRY(lua_values_check_type(function->state, "The state", err));
    *self = (LuaAggregate){.name   = str_dup(arena, function->name),
                           .chunk  = str_dup(arena, function->body),
                           .state  = type_copy(arena, function->state),
                           .strict = function->strict};
    if (examine(self, function, arena, err) != OK)
        return err->code = E_PLAN;
    AggregateFn row = {.name       = str_to_c(arena, function->name),
                       .signature  = lua_definition_signature(function, arena),
                       .state      = "?",
                       .doc        = "Created by CREATE AGGREGATE FUNCTION.",
                       .bind       = lua_bind,
                       .init       = lua_init,
                       .accumulate = lua_accumulate,
                       .merge      = self->has[PART_MERGE] ? lua_merge : NULL,
                       .undo       = self->has[PART_UNDO] ? lua_undo : NULL,
                       .result     = self->has[PART_RESULT] ? lua_result : NULL};
    return functions_add_aggregate(addition, &row, self, err);
}
