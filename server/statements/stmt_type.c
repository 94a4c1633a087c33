/*
 * stmt_type.c - CREATE TYPE, DROP TYPE (sql.md 4.4). A type is expanded where it is used: dropping it changes
 * nothing that exists.
 */
#include "server/statements/statements.h"

Status stmt_create_type(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const SqlType *type, *old = catalog_type(x->catalog, statement->name.text);
    TRY(resolve_type(x->catalog, statement->type, x->arena, &type, err));
    if (old != NULL) {
        Str text = type_text(x->arena, old);
        if (!statement->if_not_exists)
            return error_set(err, E_PLAN, statement->name.pos,
                             "Cannot register custom type '" STR_FMT
                             "' since it is already registered with type: " STR_FMT,
                             STR_ARG(statement->name.text), STR_ARG(text));
        *entity = entity_warning(
            statement->text,
            str_to_c(x->arena, str_printf(x->arena, STR_FMT " is already registered with type " STR_FMT,
                                          STR_ARG(statement->name.text), STR_ARG(text))));
        return OK;
    }
    Str command = str_printf(x->arena, "type/" STR_FMT "/create", STR_ARG(statement->name.text));
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    catalog_put_type(x->catalog, statement->name.text, type);
    Str message = str_printf(x->arena, "Registered custom type with name '" STR_FMT "' and SQL type " STR_FMT,
                             STR_ARG(statement->name.text), STR_ARG(type_text(x->arena, type)));
    *entity     = entity_status(x, statement->text, command, str_to_c(x->arena, message), STR_NULL);
    return OK;
}

Status stmt_drop_type(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Str name = statement->name.text;
    if (catalog_type(x->catalog, name) == NULL) {
        if (!statement->if_exists) {
            error_set(err, E_PLAN, statement->name.pos, "Type " STR_FMT " does not exist.", STR_ARG(name));
            catalog_hint_type(x->catalog, name, err);
            return E_PLAN;
        }
        *entity = entity_warning(
            statement->text,
            str_to_c(x->arena, str_printf(x->arena, "Type '" STR_FMT "' does not exist", STR_ARG(name))));
        return OK;
    }
    Str command = str_printf(x->arena, "type/" STR_FMT "/drop", STR_ARG(name));
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    catalog_remove_type(x->catalog, name);
    *entity = entity_status(
        x, statement->text, command,
        str_to_c(x->arena, str_printf(x->arena, "Dropped type '" STR_FMT "'", STR_ARG(name))), STR_NULL);
    return OK;
}
