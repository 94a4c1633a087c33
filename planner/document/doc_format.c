/*
 * doc_format.c - formats with their properties, and what pruning left of a source, in the plan's document.
 */
#include "planner/document/doc.h"

static const char *const wrapping_names[] = {
    [WRAP_DEFAULT] = "DEFAULT", [WRAP_SINGLES] = "WRAP_SINGLES", [UNWRAP_SINGLES] = "UNWRAP_SINGLES"};

json_t *doc_json_format(const FormatSpec *format)
{
    json_t *json = json_object();
    if (format->format == NULL) {
        json_decref(json);
        return json_null();
    }
    doc_put(json, "format", json_string_nocheck(format_name(format->format)));
    doc_put(json, "wrapping", json_string_nocheck(wrapping_names[format->wrapping]));
    doc_put_text(json, "delimiter", format->delimiter);
    doc_put_text(json, "fullSchemaName", format->full_schema_name);
    doc_put_text(json, "nullableRepresentation", format->nullable_representation);
    doc_put(json, "schemaId", json_integer(format->schema_id));
    return json;
}

FormatSpec doc_format(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *json   = doc_field(r, object, name);
    FormatSpec     format = {0};
    if (json == NULL || doc_is_null(json))
        return format;
    Str text      = doc_text(r, json, "format");
    format.format = format_find(text);
    if (doc_ok(r) && format.format == NULL)
        doc_fail(r, "\"%s\" is '" STR_FMT "', which is no format that this version knows", name,
                 STR_ARG(text));
    format.wrapping  = (Wrapping)doc_choice(r, json, "wrapping", wrapping_names, ARRAY_LEN(wrapping_names));
    format.delimiter = doc_text_or_null(r, json, "delimiter");
    format.full_schema_name        = doc_text_or_null(r, json, "fullSchemaName");
    format.nullable_representation = doc_text_or_null(r, json, "nullableRepresentation");
    format.schema_id               = (int32_t)doc_int(r, json, "schemaId", INT32_MIN, INT32_MAX);
    return format;
}

/* ---- pruning ---- */

/* true: all of it, false: nothing, a list: of each field. */
static json_t *json_wanted(const Wanted *wanted, const SqlType *type)
{
    if (wanted->none || wanted->fields == NULL)
        return json_boolean(!wanted->none);
    json_t *fields = json_array();
    for (size_t i = 0; i < type->field_count; i++)
        json_array_append_new(fields, json_wanted(wanted->fields[i], type->fields[i].type));
    return fields;
}

json_t *doc_json_wanted(const Wanted *const *wanted, const Schema *schema)
{
    if (wanted == NULL)
        return json_null();
    json_t *columns = json_array();
    for (size_t i = 0; i < schema->count; i++)
        json_array_append_new(columns, json_wanted(wanted[i], schema->columns[i].type));
    return columns;
}

static const Wanted *wanted_from(DocReader *r, const DocNode *json, const SqlType *type)
{
    Wanted *wanted = ARENA_NEW(r->arena, Wanted);
    if (doc_is_bool(json)) {
        wanted->none = !doc_is_true(json);
        return wanted;
    }
    if (type->kind != T_STRUCT || !doc_is_list(json) || doc_count(json) != type->field_count) {
        doc_fail(r, "what is read of a column must be true, false or a list of its fields");
        return wanted;
    }
    const Wanted **fields = ARENA_ARRAY(r->arena, const Wanted *, type->field_count + 1);
    for (size_t i = 0; doc_ok(r) && i < type->field_count; i++)
        fields[i] = wanted_from(r, doc_item(json, i), type->fields[i].type);
    wanted->fields = fields;
    return wanted;
}

const Wanted *const *doc_wanted(DocReader *r, const DocNode *object, const char *name, const Schema *schema)
{
    size_t         count;
    const DocNode *array  = doc_array_or_null(r, object, name, &count);
    const Wanted **wanted = ARENA_ARRAY(r->arena, const Wanted *, schema->count + 1);
    if (array == NULL)
        return NULL;
    if (count != schema->count)
        doc_fail(r, "\"%s\" has %zu elements for %zu columns", name, count, schema->count);
    for (size_t i = 0; doc_ok(r) && i < count; i++)
        wanted[i] = wanted_from(r, doc_item(array, i), schema->columns[i].type);
    return wanted;
}
