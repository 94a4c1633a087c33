/*
 * json_sr_schema.c - JSON Schemas, those parts of them that say what a value is.
 *
 * Connect's own properties (connect.type, connect.index, title) tell what JSON alone cannot: an int32, a
 * date, the order of fields. What only validates (minimum, pattern, ...) is not looked at: ksqlDB does not
 * validate either.
 */
#include "serde/json_sr_schema.h"

#include <jansson.h>
#include <stdlib.h>

enum { DEEPEST = 64, MOST_TYPES = 10000, LONGEST_POINTER = 256 };

typedef struct {
    Arena                   *arena;
    const json_t            *root; /* of the text that is being read: "#/..." counts from here */
    const ResolvedReference *references;
    size_t                   reference_count;
    json_t                 **loaded; /* of references, when first needed */
    size_t                   types;  /* references to references can multiply */
} Parsing;

static Status parse(Parsing *p, const json_t *json, int depth, const JsonSrType **out, Error *err);

static Status refuse(const char *what, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Not a valid JSON Schema: %s", what);
}

static bool says(const json_t *json, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text != NULL && strcmp(text, value) == 0;
}

static const JsonSrType *scalar(Parsing *p, const SqlType *type)
{
    JsonSrType *out = ARENA_NEW(p->arena, JsonSrType);
    out->scalar     = type;
    return out;
}

/* ---- $ref ---- */

const json_t *json_sr_pointer(const json_t *at, const char *pointer)
{
    char name[LONGEST_POINTER];
    while (at != NULL && *pointer == '/') {
        size_t len = 0;
        for (pointer++; *pointer != 0 && *pointer != '/' && len + 1 < sizeof name; pointer++) {
            char c = *pointer;
            if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
                c = *++pointer == '0' ? '~' : '/';
            name[len++] = c;
        }
        name[len] = 0;
        at        = json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10))
                                      : json_object_get(at, name);
    }
    return at;
}

static const json_t *load_reference(Parsing *p, Str url)
{
    for (size_t i = 0; i < p->reference_count; i++) {
        if (!str_equal(p->references[i].name, url))
            continue;
        if (p->loaded[i] == NULL)
            p->loaded[i] =
                json_loadb(p->references[i].text.ptr, p->references[i].text.len, JSON_DECODE_ANY, NULL);
        return p->loaded[i];
    }
    return NULL;
}

/* "#/definitions/X", "other.json", "other.json#/definitions/X". */
static Status parse_reference(Parsing *p, const char *reference, int depth, const JsonSrType **out,
                              Error *err)
{
    const char   *hash = strchr(reference, '#');
    size_t        len  = hash != NULL ? (size_t)(hash - reference) : strlen(reference);
    const json_t *root = len == 0 ? p->root : load_reference(p, str_n(reference, len));
    const json_t *from = p->root;
    const json_t *at   = hash != NULL ? json_sr_pointer(root, hash + 1) : root;
    if (at == NULL)
        return error_set(err, E_DATA, NO_POS, "Not a valid JSON Schema: the reference \"%s\" is not known",
                         reference);
    p->root       = root;
    Status status = parse(p, at, depth + 1, out, err);
    p->root       = from;
    return status;
}

/* ---- scalars ---- */

static const SqlType *connect_scalar(const char *type)
{
    static const struct {
        const char    *name;
        const SqlType *type;
    } rows[] = {{"int8", &type_integer},    {"int16", &type_integer},  {"int32", &type_integer},
                {"int64", &type_bigint},    {"float32", &type_double}, {"float64", &type_double},
                {"boolean", &type_boolean}, {"string", &type_string},  {"bytes", &type_bytes}};
    for (size_t i = 0; type != NULL && i < ARRAY_LEN(rows); i++)
        if (strcmp(type, rows[i].name) == 0)
            return rows[i].type;
    return NULL;
}

static int parameter(const json_t *json, const char *key, int otherwise)
{
    const char *text = json_string_value(json_object_get(json_object_get(json, "connect.parameters"), key));
    int64_t     n;
    return text != NULL && int64_parse(str_c(text), &n) && n >= 0 && n <= 1000 ? (int)n : otherwise;
}

static const SqlType *logical_scalar(Parsing *p, const json_t *json)
{
    if (says(json, "title", "org.apache.kafka.connect.data.Date"))
        return &type_date;
    if (says(json, "title", "org.apache.kafka.connect.data.Time"))
        return &type_time;
    if (says(json, "title", "org.apache.kafka.connect.data.Timestamp"))
        return &type_timestamp;
    if (!says(json, "title", "org.apache.kafka.connect.data.Decimal"))
        return NULL;
    int precision = parameter(json, "connect.decimal.precision", 64), scale = parameter(json, "scale", 0);
    return precision >= 1 && scale <= precision ? type_decimal_unchecked(p->arena, precision, scale) : NULL;
}

static const SqlType *scalar_type(Parsing *p, const json_t *json, const char *type)
{
    const SqlType *logical = logical_scalar(p, json);
    const SqlType *connect = connect_scalar(json_string_value(json_object_get(json, "connect.type")));
    if (logical != NULL)
        return logical;
    if (strcmp(type, "boolean") == 0)
        return &type_boolean;
    if (strcmp(type, "integer") == 0)
        return connect == &type_integer ? connect : &type_bigint;
    if (strcmp(type, "number") == 0)
        return connect != NULL && connect->kind < T_STRING ? connect : &type_double;
    if (strcmp(type, "string") == 0)
        return connect == &type_bytes ? connect : &type_string;
    return NULL;
}

/* ---- containers ---- */

static Status parse_array(Parsing *p, const json_t *json, int depth, const JsonSrType **out, Error *err)
{
    const json_t     *items = json_object_get(json, "items");
    const JsonSrType *element;
    JsonSrType       *type;
    *out = NULL;
    if (!json_is_object(items))
        return OK; /* a tuple, or a list of anything */
    bool map = says(json, "connect.type", "map");
    if (map)
        items = json_object_get(json_object_get(items, "properties"), "value");
    TRY(parse(p, items, depth + 1, &element, err));
    if (element == NULL)
        return OK;
    type          = ARENA_NEW(p->arena, JsonSrType);
    type->form    = map ? FORM_MAP_ENTRIES : FORM_ARRAY;
    type->element = element;
    *out          = type;
    return OK;
}

static Status parse_map(Parsing *p, const json_t *json, int depth, const JsonSrType **out, Error *err)
{
    const JsonSrType *value;
    JsonSrType       *type;
    *out = NULL;
    TRY(parse(p, json_object_get(json, "additionalProperties"), depth + 1, &value, err));
    if (value == NULL)
        return OK;
    type          = ARENA_NEW(p->arena, JsonSrType);
    type->form    = FORM_MAP_OBJECT;
    type->element = value;
    *out          = type;
    return OK;
}

typedef struct {
    json_int_t  index;
    size_t      place;
    const char *name;
    json_t     *json;
} Property;

static int by_index(const void *a, const void *b)
{
    const Property *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static Status parse_struct(Parsing *p, const json_t *json, int depth, const JsonSrType **out, Error *err)
{
    json_t     *properties = json_object_get(json, "properties"), *value;
    const char *name;
    size_t      count = json_object_size(properties), n = 0;
    Property   *order = ARENA_ARRAY(p->arena, Property, count + 1);
    JsonSrType *type  = ARENA_NEW(p->arena, JsonSrType);
    *out              = NULL;
    type->form        = FORM_STRUCT;
    type->fields      = ARENA_ARRAY(p->arena, JsonSrField, count + 1);
    json_object_foreach(properties, name, value)
    {
        const json_t *index = json_object_get(value, "connect.index");
        order[n] =
            (Property){json_is_integer(index) ? json_integer_value(index) : (json_int_t)n, n, name, value};
        n++;
    }
    qsort(order, n, sizeof *order, by_index);
    for (size_t i = 0; i < n; i++) {
        JsonSrField *field = &type->fields[type->count];
        TRY(parse(p, order[i].json, depth + 1, &field->type, err));
        if (field->type == NULL)
            continue;
        field->name = str_dup(p->arena, str_c(order[i].name));
        type->count++;
    }
    if (type->count > 0)
        *out = type;
    return OK;
}

/* null and one other is that one; of several others nobody knows which a value is. */
static Status parse_choice(Parsing *p, const json_t *list, int depth, const JsonSrType **out, Error *err)
{
    const json_t *other  = NULL;
    size_t        others = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *branch = json_array_get(list, i);
        if (says(branch, "type", "null"))
            continue;
        other = branch;
        others++;
    }
    *out = NULL;
    return others == 1 ? parse(p, other, depth + 1, out, err) : OK;
}

/* "type": ["null", "string"]. */
static const char *single_type(const json_t *type)
{
    const char *found = json_string_value(type);
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (name == NULL || strcmp(name, "null") == 0)
            continue;
        if (found != NULL)
            return NULL;
        found = name;
    }
    return found;
}

static Status parse(Parsing *p, const json_t *json, int depth, const JsonSrType **out, Error *err)
{
    static const char *const choices[]  = {"oneOf", "anyOf", "allOf"};
    const char              *reference  = json_string_value(json_object_get(json, "$ref"));
    const char              *type       = single_type(json_object_get(json, "type"));
    const json_t            *properties = json_object_get(json, "properties");
    *out                                = NULL;
    if (depth > DEEPEST || ++p->types > MOST_TYPES)
        return refuse("it is too large or nests too deep, or its references are cyclic", err);
    if (reference != NULL)
        return parse_reference(p, reference, depth, out, err);
    for (size_t i = 0; i < ARRAY_LEN(choices) && type == NULL; i++)
        if (json_is_array(json_object_get(json, choices[i])))
            return parse_choice(p, json_object_get(json, choices[i]), depth, out, err);
    if (type == NULL && properties != NULL)
        type = "object";
    if (type == NULL && json_object_get(json, "enum") != NULL)
        type = "string";
    if (type == NULL)
        return OK;
    if (strcmp(type, "array") == 0)
        return parse_array(p, json, depth, out, err);
    if (strcmp(type, "object") == 0 &&
        (says(json, "connect.type", "map") ||
         (properties == NULL && json_is_object(json_object_get(json, "additionalProperties")))))
        return parse_map(p, json, depth, out, err);
    if (strcmp(type, "object") == 0)
        return parse_struct(p, json, depth, out, err);
    const SqlType *sql = scalar_type(p, json, type);
    *out               = sql != NULL ? scalar(p, sql) : NULL;
    return OK;
}

Status json_sr_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                     const JsonSrType **out, Error *err)
{
    json_error_t why;
    json_t      *json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY, &why);
    Parsing p = {.arena = arena, .root = json, .references = references, .reference_count = reference_count};
    if (json == NULL)
        return refuse(why.text, err);
    p.loaded      = ARENA_ARRAY(arena, json_t *, reference_count + 1);
    Status status = parse(&p, json, 0, out, err);
    for (size_t i = 0; i < reference_count; i++)
        json_decref(p.loaded[i]);
    json_decref(json);
    return status;
}

const SqlType *json_sr_to_sql(const JsonSrType *type, bool upper, Arena *arena)
{
    SqlField *fields;
    switch (type->form) {
    case FORM_SCALAR:
        return type->scalar;
    case FORM_ARRAY:
        return type_array(arena, json_sr_to_sql(type->element, upper, arena));
    case FORM_MAP_OBJECT:
    case FORM_MAP_ENTRIES:
        return type_map(arena, &type_string, json_sr_to_sql(type->element, upper, arena));
    case FORM_STRUCT:
        break;
    }
    fields = ARENA_ARRAY(arena, SqlField, type->count + 1);
    for (size_t i = 0; i < type->count; i++)
        fields[i] = (SqlField){upper ? str_upper(arena, type->fields[i].name) : type->fields[i].name,
                               json_sr_to_sql(type->fields[i].type, upper, arena)};
    return type_struct(arena, fields, type->count);
}
