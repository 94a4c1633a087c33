/*
 * entities.c - the common parts of the replies to /ksql (rest.md 4).
 */
#include "server/engine/execution.h"

json_t *json_str(Str text) { return str_is_null(text) ? json_null() : json_stringn(text.ptr, text.len); }

json_t *entity_new(const char *type, Str text)
{
    json_t *entity = json_object();
    json_object_set_new(entity, "@type", json_string(type));
    json_object_set_new(entity, "statementText", json_str(text));
    json_object_set_new(entity, "warnings", json_array());
    return entity;
}

json_t *command_status(const char *status, const char *message, Str query_id)
{
    json_t *out = json_object();
    json_object_set_new(out, "status", json_string(status));
    json_object_set_new(out, "message", json_string(message));
    json_object_set_new(out, "queryId", json_str(query_id));
    return out;
}

json_t *entity_status(Execution *x, Str text, Str command_id, const char *message, Str query_id)
{
    if (x->sandbox)
        return NULL;
    json_t *entity = entity_new("currentStatus", text);
    json_object_set_new(entity, "commandId", json_str(command_id));
    json_object_set_new(entity, "commandStatus", command_status("SUCCESS", message, query_id));
    json_object_set_new(entity, "commandSequenceNumber",
                        json_integer(x->logged_at >= 0 ? x->logged_at : x->number));
    return entity;
}

json_t *entity_warning(Str text, const char *message)
{
    json_t *entity = entity_new("warning_entity", text);
    json_object_set_new(entity, "message", json_string(message));
    return entity;
}

static json_t *field_new(Str name, const SqlType *type)
{
    json_t *field = json_object();
    json_object_set_new(field, "name", json_str(name));
    json_object_set_new(field, "schema", entity_type(type));
    return field;
}

json_t *entity_type(const SqlType *type)
{
    json_t *schema = json_object();
    json_object_set_new(schema, "type", json_string(type_kind_name(type->kind)));
    json_t *fields = json_null(), *member = json_null();
    if (type->kind == T_STRUCT) {
        fields = json_array();
        for (size_t i = 0; i < type->field_count; i++)
            json_array_append_new(fields, field_new(type->fields[i].name, type->fields[i].type));
    } else if (type->kind == T_ARRAY || type->kind == T_MAP) {
        member = entity_type(type->element);
    }
    json_object_set_new(schema, "fields", fields);
    json_object_set_new(schema, "memberSchema", member);
    if (type->kind == T_DECIMAL)
        json_object_set_new(schema, "parameters",
                            json_pack("{s:i, s:i}", "precision", type->precision, "scale", type->scale));
    return schema;
}

json_t *entity_fields(const Schema *schema)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (column->role > COLUMN_HEADERS)
            continue;
        json_t *field = field_new(column->name, column->type);
        if (column->role == COLUMN_KEY)
            json_object_set_new(field, "type", json_string("KEY"));
        if (column->role == COLUMN_HEADERS) {
            json_object_set_new(field, "type", json_string("HEADER"));
            if (!str_is_null(column->header_key))
                json_object_set_new(field, "headerKey", json_str(column->header_key));
        }
        json_array_append_new(fields, field);
    }
    return fields;
}

Str statement_text(const AstStatement *statement, Arena *arena)
{
    StrBuf buf = {0};
    ast_print_statement(statement, &buf);
    Str text = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}
