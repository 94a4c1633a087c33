/*
 * avro_schema.c - Avro schemas from JSON.
 *
 * Names are resolved as they come: a type may be used below the place where it is defined, itself included.
 * Nesting and the number of names have limits, so that no text of a registry takes the stack or the memory.
 */
#include "serde/avro_schema.h"

#include <jansson.h>
#include <stdlib.h>

enum { DEEPEST = 64, MOST_NAMES = 4096 };

typedef struct {
    Arena     *arena;
    AvroType **names;
    size_t     count, capacity;
} Parsing;

static Status parse_type(Parsing *p, const json_t *json, Str space, int depth, const AvroType **out,
                         Error *err);

static Status refuse(const char *what, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Not a valid Avro schema: %s", what);
}

static Str text_of(const Parsing *p, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value)
               ? str_dup(p->arena, str_n(json_string_value(value), json_string_length(value)))
               : STR_NULL;
}

/* ---- names ---- */

static Str full_name(const Parsing *p, Str name, Str space)
{
    if (space.len == 0 || memchr(name.ptr, '.', name.len) != NULL)
        return name;
    return str_printf(p->arena, STR_FMT "." STR_FMT, STR_ARG(space), STR_ARG(name));
}

static Str namespace_of(Str name)
{
    while (name.len > 0 && name.ptr[name.len - 1] != '.')
        name.len--;
    return str_n(name.ptr, name.len > 0 ? name.len - 1 : 0);
}

static const AvroType *find_name(const Parsing *p, Str name)
{
    for (size_t i = 0; i < p->count; i++)
        if (str_equal(p->names[i]->name, name))
            return p->names[i];
    return NULL;
}

/* `space` STR_NULL: names of fields, which have none. */
static void read_aliases(const Parsing *p, const json_t *json, Str space, const Str **out, size_t *count)
{
    const json_t *list    = json_object_get(json, "aliases");
    Str          *aliases = ARENA_ARRAY(p->arena, Str, json_array_size(list) + 1);
    *count                = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (json_is_string(one))
            aliases[(*count)++] = full_name(p, str_dup(p->arena, str_c(json_string_value(one))), space);
    }
    *out = aliases;
}

static Status define(Parsing *p, AvroType *type, const json_t *json, Str space, Error *err)
{
    Str name  = text_of(p, json, "name");
    Str given = text_of(p, json, "namespace");
    if (str_is_null(name) || name.len == 0)
        return refuse("a record, enum or fixed without a name", err);
    type->name = full_name(p, name, str_is_null(given) ? space : given);
    read_aliases(p, json, namespace_of(type->name), &type->aliases, &type->alias_count);
    if (p->count == MOST_NAMES)
        return refuse("too many named types", err);
    if (p->count == p->capacity) {
        size_t     more  = p->capacity ? p->capacity * 2 : 16;
        AvroType **names = ARENA_ARRAY(p->arena, AvroType *, more);
        if (p->count > 0)
            memcpy(names, p->names, p->count * sizeof(AvroType *));
        p->names    = names;
        p->capacity = more;
    }
    p->names[p->count++] = type;
    return OK;
}

/* ---- one kind each ---- */

static const struct {
    const char *name;
    AvroKind    kind;
} primitives[] = {{"null", AVRO_NULL},   {"boolean", AVRO_BOOLEAN}, {"int", AVRO_INT},
                  {"long", AVRO_LONG},   {"float", AVRO_FLOAT},     {"double", AVRO_DOUBLE},
                  {"bytes", AVRO_BYTES}, {"string", AVRO_STRING}};

static bool find_primitive(Str name, AvroKind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        if (str_equal(name, str_c(primitives[i].name))) {
            *out = primitives[i].kind;
            return true;
        }
    return false;
}

static Status parse_name(Parsing *p, Str name, Str space, const AvroType **out, Error *err)
{
    AvroKind kind;
    if (find_primitive(name, &kind)) {
        AvroType *type = ARENA_NEW(p->arena, AvroType);
        type->kind     = kind;
        *out           = type;
        return OK;
    }
    *out = find_name(p, full_name(p, name, space));
    if (*out == NULL)
        *out = find_name(p, name); /* a reference without its namespace */
    if (*out != NULL)
        return OK;
    return error_set(err, E_DATA, NO_POS, "Not a valid Avro schema: undefined name \"" STR_FMT "\"",
                     STR_ARG(name));
}

static Status parse_fields(Parsing *p, AvroType *type, const json_t *json, Str space, int depth, Error *err)
{
    const json_t *list = json_object_get(json, "fields");
    if (!json_is_array(list))
        return refuse("a record without fields", err);
    type->count  = json_array_size(list);
    type->fields = ARENA_ARRAY(p->arena, AvroField, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        const json_t *item     = json_array_get(list, i);
        const json_t *fallback = json_object_get(item, "default");
        AvroField    *field    = &type->fields[i];
        field->name            = text_of(p, item, "name");
        if (str_is_null(field->name))
            return refuse("a field without a name", err);
        read_aliases(p, item, STR_NULL, &field->aliases, &field->alias_count);
        TRY(parse_type(p, json_object_get(item, "type"), space, depth + 1, &field->type, err));
        if (fallback != NULL) {
            char *text      = json_dumps(fallback, JSON_COMPACT | JSON_ENCODE_ANY);
            field->fallback = str_dup(p->arena, str_c(text));
            free(text);
        }
    }
    return OK;
}

static Status parse_record(Parsing *p, AvroType *type, const json_t *json, Str space, int depth, Error *err)
{
    type->kind = AVRO_RECORD;
    TRY(define(p, type, json, space, err));
    TRY(parse_fields(p, type, json, namespace_of(type->name), depth, err));
    type->entry = type->count == 2 && str_equal(type->fields[0].name, STR_LIT("key")) &&
                  str_equal(type->fields[1].name, STR_LIT("value")) &&
                  str_equal(text_of(p, json, "connect.internal.type"), STR_LIT("MapEntry"));
    return OK;
}

static Status parse_enum(Parsing *p, AvroType *type, const json_t *json, Str space, Error *err)
{
    const json_t *symbols = json_object_get(json, "symbols");
    type->kind            = AVRO_ENUM;
    TRY(define(p, type, json, space, err));
    type->fallback = text_of(p, json, "default");
    type->count    = json_array_size(symbols);
    type->symbols  = ARENA_ARRAY(p->arena, Str, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        const json_t *symbol = json_array_get(symbols, i);
        if (!json_is_string(symbol))
            return refuse("a symbol that is no text", err);
        type->symbols[i] = str_dup(p->arena, str_c(json_string_value(symbol)));
    }
    return OK;
}

static Status parse_fixed(Parsing *p, AvroType *type, const json_t *json, Str space, Error *err)
{
    json_int_t size = json_integer_value(json_object_get(json, "size"));
    type->kind      = AVRO_FIXED;
    TRY(define(p, type, json, space, err));
    if (size < 0 || size > INT32_MAX)
        return refuse("a fixed of an impossible size", err);
    type->size = (size_t)size;
    return OK;
}

static Status parse_union(Parsing *p, const json_t *json, Str space, int depth, const AvroType **out,
                          Error *err)
{
    AvroType *type = ARENA_NEW(p->arena, AvroType);
    type->kind     = AVRO_UNION;
    type->count    = json_array_size(json);
    type->branches = ARENA_ARRAY(p->arena, const AvroType *, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        TRY(parse_type(p, json_array_get(json, i), space, depth + 1, &type->branches[i], err));
        if (type->branches[i]->kind == AVRO_UNION)
            return refuse("a union directly in a union", err);
    }
    *out = type;
    return OK;
}

/* The annotation that counts is Avro's; one on a type that cannot have it is ignored, as Avro demands. */
static void parse_logical(const Parsing *p, AvroType *type, const json_t *json)
{
    Str     logical   = text_of(p, json, "logicalType");
    json_t *precision = json_object_get(json, "precision");
    if (str_is_null(logical))
        return;
    if (str_equal(logical, STR_LIT("decimal")) && (type->kind == AVRO_BYTES || type->kind == AVRO_FIXED)) {
        json_int_t scale = json_integer_value(json_object_get(json, "scale"));
        json_int_t most  = json_is_integer(precision) ? json_integer_value(precision) : 64;
        if (most < 1 || most > 1000 || scale < 0 || scale > most)
            return;
        type->logical   = LOGICAL_DECIMAL;
        type->precision = (int)most;
        type->scale     = (int)scale;
    } else if (str_equal(logical, STR_LIT("date")) && type->kind == AVRO_INT) {
        type->logical = LOGICAL_DATE;
    } else if (str_equal(logical, STR_LIT("time-millis")) && type->kind == AVRO_INT) {
        type->logical = LOGICAL_TIME;
    } else if (str_equal(logical, STR_LIT("timestamp-millis")) && type->kind == AVRO_LONG) {
        type->logical = LOGICAL_TIMESTAMP;
    }
}

static Status parse_object(Parsing *p, const json_t *json, Str space, int depth, const AvroType **out,
                           Error *err)
{
    const json_t *kind = json_object_get(json, "type");
    if (!json_is_string(kind)) /* {"type": {"type": ...}}: a wrapping that the specification tolerates */
        return parse_type(p, kind, space, depth + 1, out, err);
    Str       name = str_dup(p->arena, str_c(json_string_value(kind)));
    AvroType *type = ARENA_NEW(p->arena, AvroType);
    *out           = type;
    if (str_equal(name, STR_LIT("record")) || str_equal(name, STR_LIT("error")))
        return parse_record(p, type, json, space, depth, err);
    if (str_equal(name, STR_LIT("enum")))
        return parse_enum(p, type, json, space, err);
    if (str_equal(name, STR_LIT("array"))) {
        type->kind = AVRO_ARRAY;
        return parse_type(p, json_object_get(json, "items"), space, depth + 1, &type->element, err);
    }
    if (str_equal(name, STR_LIT("map"))) {
        type->kind = AVRO_MAP;
        return parse_type(p, json_object_get(json, "values"), space, depth + 1, &type->element, err);
    }
    if (str_equal(name, STR_LIT("fixed")))
        TRY(parse_fixed(p, type, json, space, err));
    else if (!find_primitive(name, &type->kind))
        return parse_name(p, name, space, out, err);
    parse_logical(p, type, json);
    return OK;
}

static Status parse_type(Parsing *p, const json_t *json, Str space, int depth, const AvroType **out,
                         Error *err)
{
    if (depth > DEEPEST)
        return refuse("it nests too deep", err);
    if (json_is_string(json))
        return parse_name(p, str_dup(p->arena, str_c(json_string_value(json))), space, out, err);
    if (json_is_array(json))
        return parse_union(p, json, space, depth, out, err);
    if (json_is_object(json))
        return parse_object(p, json, space, depth, out, err);
    return refuse("a type is missing", err);
}

static Status parse_text(Parsing *p, Str text, const AvroType **out, Error *err)
{
    json_error_t why;
    json_t      *json =
        json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return error_set(err, E_DATA, NO_POS, "Not a valid Avro schema: %s", why.text);
    Status status = parse_type(p, json, STR_LIT(""), 0, out, err);
    json_decref(json);
    return status;
}

Status avro_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                  const AvroType **out, Error *err)
{
    Parsing p = {.arena = arena};
    for (size_t i = 0; i < reference_count; i++)
        TRY(parse_text(&p, references[i].text, out, err));
    return parse_text(&p, text, out, err);
}
