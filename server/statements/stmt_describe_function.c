/*
 * stmt_describe_function.c - DESCRIBE FUNCTION: straight from the function's rows.
 */
#include "server/statements/statements.h"

static json_t *describe_overload(const FnOverloadListing *overload)
{
    json_t *arguments = json_array();
    for (size_t i = 0; i < overload->param_count; i++) {
        const FnParamListing *param = &overload->params[i];
        json_t               *item  = json_object();
        json_object_set_new(item, "name", json_str(param->name));
        json_object_set_new(item, "type", json_str(param->type));
        json_object_set_new(item, "description", json_string(""));
        json_object_set_new(item, "isVariadic", json_boolean(param->variadic));
        json_array_append_new(arguments, item);
    }
    return json_pack("{s:o, s:o, s:s}", "arguments", arguments, "returnType", json_str(overload->result),
                     "description", overload->doc ? overload->doc : "");
}

Status stmt_describe_function(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const char *const kinds[] = {"", "SCALAR", "AGGREGATE", "TABLE"};
    FnListing                listing;
    FnOverloadListing       *overloads;
    size_t                   count;
    TRY(functions_describe(x->functions, statement->name.text, x->arena, &listing, &overloads, &count, err));
    json_t *functions = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(functions, describe_overload(&overloads[i]));
    *entity = entity_new("describe_function", statement->text);
    json_object_set_new(*entity, "name", json_str(listing.name));
    const FnOrigin *origin      = &listing.origin;
    const char     *description = count > 0 && overloads[0].doc ? overloads[0].doc : "";
    json_object_set_new(*entity, "description",
                        json_string(origin->description ? origin->description : description));
    json_object_set_new(*entity, "author", json_string(origin->author ? origin->author : ""));
    json_object_set_new(*entity, "version", json_string(origin->version ? origin->version : ""));
    json_object_set_new(*entity, "path", json_string(origin->path));
    json_object_set_new(*entity, "type", json_string(kinds[listing.kind]));
    json_object_set_new(*entity, "functions", functions);
    return OK;
}
