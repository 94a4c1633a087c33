/*
 * json_sr_canonical.c - a JSON Schema as registries keep it: its own text without spaces, once it is known to
 * be one.
 *
 * Looked at is what readers of schemas stumble over: the names of types, the kinds of the keywords that hold
 * schemas, references into the text itself. What only validates may be anything: nothing is validated here.
 */
#include <jansson.h>
#include <stdlib.h>

#include "serde/json_compact.h"
#include "serde/json_sr_schema.h"

enum { DEEPEST = 512 };

static Status refuse(const char *what, const char *name, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Not a valid JSON Schema: %s%s", what, name != NULL ? name : "");
}

static Status check_type(const json_t *type, Error *err)
{
    static const char *const names[] = {"null", "boolean", "object", "array", "number", "string", "integer"};
    const char              *text    = json_string_value(type);
    if (json_is_array(type)) {
        for (size_t i = 0; i < json_array_size(type); i++) {
            if (!json_is_string(json_array_get(type, i)))
                return refuse("a type that is no text", NULL, err);
            TRY(check_type(json_array_get(type, i), err));
        }
        return OK;
    }
    if (text == NULL)
        return refuse("a type that is no text", NULL, err);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0)
            return OK;
    return refuse("unknown type: ", text, err);
}

static Status check(const json_t *json, const json_t *root, int depth, Error *err);

static Status check_members(const json_t *members, const json_t *root, const char *keyword, int depth,
                            Error *err)
{
    const char *name;
    json_t     *member;
    if (!json_is_object(members))
        return refuse("no object of schemas behind ", keyword, err);
    json_object_foreach((json_t *)members, name, member) TRY(check(member, root, depth + 1, err));
    return OK;
}

static Status check_list(const json_t *list, const json_t *root, const char *keyword, int depth, Error *err)
{
    if (!json_is_array(list))
        return refuse("no list of schemas behind ", keyword, err);
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(check(json_array_get(list, i), root, depth + 1, err));
    return OK;
}

static Status check_reference(const json_t *reference, const json_t *root, Error *err)
{
    const char *text = json_string_value(reference);
    if (text == NULL)
        return refuse("a $ref that is no text", NULL, err);
    if (text[0] != '#' || (text[1] != '/' && text[1] != '\0')) /* of another text, or an anchor */
        return OK;
    return json_sr_pointer(root, text + 1) != NULL ? OK : refuse("nothing stands at the $ref ", text, err);
}

static Status check(const json_t *json, const json_t *root, int depth, Error *err)
{
    static const char *const members[] = {"properties", "patternProperties", "definitions", "$defs",
                                          "dependentSchemas"};
    static const char *const lists[]   = {"oneOf", "anyOf", "allOf", "prefixItems"};
    static const char *const schemas[] = {
        "additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames"};
    const json_t *at;
    if (depth > DEEPEST)
        return refuse("it nests too deep", NULL, err);
    if (json_is_boolean(json))
        return OK;
    if (!json_is_object(json))
        return refuse("a schema is an object, true or false", NULL, err);
    if ((at = json_object_get(json, "type")) != NULL)
        TRY(check_type(at, err));
    if ((at = json_object_get(json, "$ref")) != NULL)
        TRY(check_reference(at, root, err));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if ((at = json_object_get(json, members[i])) != NULL)
            TRY(check_members(at, root, members[i], depth, err));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if ((at = json_object_get(json, lists[i])) != NULL)
            TRY(check_list(at, root, lists[i], depth, err));
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        if ((at = json_object_get(json, schemas[i])) != NULL)
            TRY(json_is_array(at) ? check_list(at, root, schemas[i], depth, err)
                                  : check(at, root, depth + 1, err));
    return OK;
}

Status json_sr_canonical(Str text, Arena *arena, Str *out, Error *err)
{
    json_error_t why;
    StrBuf       buf  = {0};
    json_t      *json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY, &why);
    if (json == NULL)
        return refuse(why.text, NULL, err);
    Status status = check(json, json, 0, err);
    if (status == OK) {
        json_compact(json, &buf);
        *out = str_dup(arena, strbuf_str(&buf));
    }
    strbuf_clear(&buf);
    json_decref(json);
    return status;
}
