/*
 * stmt_function.c - CREATE FUNCTION, DROP FUNCTION: functions that people write in SQL.
 *
 * Somebody else's code runs in the server, so the operator has to switch it on. A definition is a statement
 * of the command log, like a type's: every node and every start come to the same functions in the same order.
 * A query keeps the definition that it was made with: OR REPLACE changes what is made from then on, here and
 * after a restart alike.
 */
#include "planner/plan_document.h"
#include "server/statements/statements.h"
#include "udf/extension/lua_function.h"

static const char created_here[] = "CREATE FUNCTION"; /* the origin: what DROP FUNCTION may drop */

static Status check_permitted(const Execution *x, const AstStatement *statement, Error *err)
{
    bool on = properties_is_true(x->session->overrides, "sluice.functions.create.enabled", false);
    if (x->command != NULL || on) /* what is in the log was permitted */
        return OK;
    return error_set(err, E_PLAN, statement->pos,
                     "CREATE FUNCTION is not enabled: the server's configuration must set "
                     "sluice.functions.create.enabled=true");
}

static Status read_definition(Execution *x, const AstStatement *statement, LuaFunction *out, Error *err)
{
    LuaParameter *parameters = ARENA_ARRAY(x->arena, LuaParameter, statement->element_count + 1);
    if (!str_equal(statement->key, STR_LIT("LUA")))
        return error_set(err, E_UNSUPPORTED, statement->pos,
                         "Functions can be written in LUA; there is no language " STR_FMT,
                         STR_ARG(statement->key));
    for (size_t i = 0; i < statement->element_count; i++) {
        const AstElement *element = &statement->elements[i];
        parameters[i].name        = element->name.text;
        TRY(resolve_type(x->catalog, element->type, x->arena, &parameters[i].type, err));
    }
    const AstType *result = statement->type;
    if (statement->function == FUNCTION_TABLE && result->field_count == 1)
        result = result->fields[0].type; /* several columns are a STRUCT */
    *out = (LuaFunction){.name          = statement->name.text,
                         .parameters    = parameters,
                         .count         = statement->element_count,
                         .body          = statement->value,
                         .deterministic = (statement->promises & PROMISE_DETERMINISTIC) != 0,
                         .strict        = (statement->promises & PROMISE_STRICT) != 0};
    TRY(resolve_type(x->catalog, result, x->arena, &out->result, err));
    out->state = out->result;
    return statement->state == NULL ? OK
                                    : resolve_type(x->catalog, statement->state, x->arena, &out->state, err);
}

static bool is_created(const Execution *x, Str name)
{
    FnListing          listing;
    FnOverloadListing *overloads;
    size_t             count;
    Error              none;
    return functions_describe(x->functions, name, x->arena, &listing, &overloads, &count, &none) == OK &&
           strcmp(listing.origin.path, created_here) == 0;
}

static Status (*const adders[])(FnAddition *addition, const LuaFunction *function, Error *err) = {
    [FUNCTION_SCALAR]    = lua_scalar_add,
    [FUNCTION_AGGREGATE] = lua_aggregate_add,
    [FUNCTION_TABLE]     = lua_table_add,
};

/* Checks all; the functions are as they were until the commit. */
static Status prepare(const AstStatement *statement, const LuaFunction *function, bool replace,
                      FnAddition *addition, Error *err)
{
    Status status = OK;
    if (replace)
        status = functions_add_removal(addition, function->name, err);
    if (status == OK)
        status = adders[statement->function](addition, function, err);
    if (status == OK)
        return OK;
    if (err->pos.line == 0)
        err->pos = statement->name.pos;
    return err->code = E_PLAN;
}

Status stmt_create_function(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const FnOrigin origin = {.path = created_here};
    Str                   name   = statement->name.text;
    bool                  exists = is_created(x, name);
    LuaFunction           function;
    TRY(check_permitted(x, statement, err));
    TRY(read_definition(x, statement, &function, err));
    if (exists && !statement->or_replace)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Cannot create function " STR_FMT ": it exists already. CREATE OR REPLACE FUNCTION "
                         "takes its place",
                         STR_ARG(name));
    Str         command  = str_printf(x->arena, "function/" STR_FMT "/create", STR_ARG(name));
    FnAddition *addition = functions_begin(x->functions, &origin);
    Status      status   = prepare(statement, &function, exists, addition, err);
    if (status == OK)
        status = execution_log(x, command, statement, statement_text(statement, x->arena), err);
    if (status != OK) {
        functions_abandon(addition);
        return status;
    }
    functions_commit(addition);
    *entity = entity_status(
        x, statement->text, command,
        str_to_c(x->arena, str_printf(x->arena, "Created function " STR_FMT, STR_ARG(name))), STR_NULL);
    return OK;
}

/* ---- drop ---- */

/* Is the function called anywhere in a plan's document? */
static bool document_calls(const json_t *json, Str name)
{
    const char   *key;
    const json_t *member;
    size_t        i;
    if (json_is_array(json)) {
        json_array_foreach(json, i, member) if (document_calls(member, name)) return true;
        return false;
    }
    if (!json_is_object(json))
        return false;
    const char *called = json_string_value(json_object_get(json, "name"));
    if (called != NULL && json_object_get(json, "signature") != NULL && str_equal_nocase(str_c(called), name))
        return true;
    json_object_foreach((json_t *)(uintptr_t)json, key, member) if (document_calls(member, name)) return true;
    return false;
}

static Status check_unused(Execution *x, const AstStatement *statement, Error *err)
{
    const QueryEntry **queries;
    size_t             count, users = 0;
    StrBuf             names = {0};
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++) {
        PlanRef *plan = execution_plan(x, queries[i]->id);
        json_t  *json = plan != NULL ? plan_to_json(plan_ref_plan(plan)) : NULL;
        if (document_calls(json, statement->name.text))
            strbuf_addf(&names, "%s" STR_FMT, users++ ? ", " : "", STR_ARG(queries[i]->id));
        json_decref(json);
    }
    Status status = OK;
    if (users > 0)
        status = error_set(err, E_PLAN, statement->name.pos,
                           "Cannot drop function " STR_FMT ".\nThe following queries call it: [" STR_FMT
                           "].\nYou need to terminate them before dropping it.",
                           STR_ARG(statement->name.text), STR_ARG(strbuf_str(&names)));
    strbuf_clear(&names);
    return status;
}

static Status drop_missing(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Str name = statement->name.text;
    if (functions_kind(x->functions, name) != FN_NONE)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Cannot drop function " STR_FMT ": CREATE FUNCTION did not make it", STR_ARG(name));
    if (!statement->if_exists)
        return functions_refuse_unknown(x->functions, name, err);
    *entity = entity_warning(
        statement->text,
        str_to_c(x->arena, str_printf(x->arena, "Function " STR_FMT " does not exist.", STR_ARG(name))));
    return OK;
}

Status stmt_drop_function(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const FnOrigin origin = {.path = created_here};
    Str                   name   = statement->name.text;
    if (!is_created(x, name))
        return drop_missing(x, statement, entity, err);
    TRY(check_unused(x, statement, err));
    Str         command  = str_printf(x->arena, "function/" STR_FMT "/drop", STR_ARG(name));
    FnAddition *addition = functions_begin(x->functions, &origin);
    Status      status   = functions_add_removal(addition, name, err);
    if (status == OK)
        status = execution_log(x, command, statement, statement_text(statement, x->arena), err);
    if (status != OK) {
        functions_abandon(addition);
        return status;
    }
    functions_commit(addition);
    *entity = entity_status(
        x, statement->text, command,
        str_to_c(x->arena, str_printf(x->arena, "Dropped function " STR_FMT, STR_ARG(name))), STR_NULL);
    return OK;
}
