/*
 * avro_canonical.c - see avro_canonical.h.
 *
 * The document is walked in the order in which Avro's parser reads it, so a name is known exactly where that
 * would know it. `space` is the enclosing namespace, which decides whether a name has to say its own.
 */
#include "serde/avro_canonical.h"

#include <jansson.h>
#include <stdlib.h>

#include "serde/avro_default.h"
#include "serde/json_compact.h"
#include "serde/serde.h"

enum { DEEPEST = 64, MOST_NAMES = 4096 };

typedef struct {
    Arena  *arena;
    StrBuf *out;
    Str    *names; /* full, of types defined so far */
    size_t  count, capacity;
} Printing;

static Status print_type(Printing *p, const json_t *json, Str space, int depth, Error *err);

static Status refuse(Error *err, const char *what, Str name)
{
    return error_set(err, E_DATA, NO_POS, "%s" STR_FMT, what, STR_ARG(name));
}

static Str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value)) : STR_NULL;
}

/* ---- names ---- */

static Status check_name(Str name, Error *err)
{
    for (size_t i = 0; i < name.len; i++) {
        char c      = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return refuse(err, i == 0 ? "Illegal initial character: " : "Illegal character in: ", name);
    }
    return name.len > 0 ? OK : refuse(err, "Empty name", STR_NULL);
}

/* What stands before the last dot; empty where there is none. */
static Str space_of(Str full)
{
    while (full.len > 0 && full.ptr[full.len - 1] != '.')
        full.len--;
    return str_n(full.ptr, full.len > 0 ? full.len - 1 : 0);
}

static Str simple_of(Str full)
{
    size_t before = space_of(full).len;
    return before > 0 || (full.len > 0 && full.ptr[0] == '.')
               ? str_n(full.ptr + before + 1, full.len - before - 1)
               : full;
}

static Str full_name(Printing *p, Str name, Str space)
{
    if (space.len == 0 || memchr(name.ptr, '.', name.len) != NULL)
        return name;
    return str_printf(p->arena, STR_FMT "." STR_FMT, STR_ARG(space), STR_ARG(name));
}

static bool is_defined(const Printing *p, Str name)
{
    for (size_t i = 0; i < p->count; i++)
        if (str_equal(p->names[i], name))
            return true;
    return false;
}

static Status define(Printing *p, Str full, Error *err)
{
    TRY(check_name(simple_of(full), err));
    if (is_defined(p, full))
        return refuse(err, "Can't redefine: ", full);
    if (p->count == MOST_NAMES)
        return refuse(err, "It has too many named types", STR_NULL);
    if (p->count == p->capacity) {
        size_t more  = p->capacity > 0 ? 2 * p->capacity : 16;
        Str   *names = ARENA_ARRAY(p->arena, Str, more);
        if (p->count > 0)
            memcpy(names, p->names, p->count * sizeof *names);
        p->names    = names;
        p->capacity = more;
    }
    p->names[p->count++] = str_dup(p->arena, full);
    return OK;
}

static int by_text(const void *a, const void *b) { return str_compare(*(const Str *)a, *(const Str *)b); }

static Status refuse_twins(Str *names, size_t count, const char *what, Error *err)
{
    qsort(names, count, sizeof *names, by_text);
    for (size_t i = 1; i < count; i++)
        if (str_equal(names[i - 1], names[i]))
            return refuse(err, what, names[i]);
    return OK;
}

static bool is_primitive(Str name)
{
    static const char *const primitives[] = {"null",  "boolean", "int",   "long",
                                             "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        if (str_equal(name, str_c(primitives[i])))
            return true;
    return false;
}

/* ---- properties ---- */

static void print_key(Printing *p, const char *key)
{
    if (p->out->ptr[p->out->len - 1] != '{')
        strbuf_addc(p->out, ',');
    strbuf_addf(p->out, "\"%s\":", key);
}

static void print_text(Printing *p, const char *key, Str text)
{
    print_key(p, key);
    json_write_string(text, p->out);
}

static void print_doc(Printing *p, const json_t *json)
{
    Str doc = text_of(json, "doc");
    if (!str_is_null(doc))
        print_text(p, "doc", doc);
}

/* What Avro knows nothing of stays, behind what it knows. */
static void print_others(Printing *p, const json_t *json, const char *const *known, size_t count)
{
    const char *name;
    json_t     *value;
    json_object_foreach((json_t *)json, name, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++)
            is_known = strcmp(name, known[i]) == 0;
        if (is_known)
            continue;
        if (p->out->ptr[p->out->len - 1] != '{')
            strbuf_addc(p->out, ',');
        json_write_string(str_c(name), p->out);
        strbuf_addc(p->out, ':');
        json_compact(value, p->out);
    }
}

static const char *const of_types[]  = {"doc",  "fields",  "items",  "name", "namespace",
                                        "size", "symbols", "values", "type", "aliases"};
static const char *const of_enums[]  = {"doc",     "fields", "items", "name",    "namespace", "size",
                                        "symbols", "values", "type",  "aliases", "default"};
static const char *const of_fields[] = {"default", "doc", "name", "order", "type", "aliases"};

/* Of a type: those of its own namespace without it. */
static void print_aliases(Printing *p, const json_t *json, Str space)
{
    const json_t *list = json_object_get(json, "aliases");
    if (json_array_size(list) == 0)
        return;
    print_key(p, "aliases");
    strbuf_addc(p->out, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        Str alias = str_c(json_string_value(json_array_get(list, i)));
        if (i > 0)
            strbuf_addc(p->out, ',');
        json_write_string(str_equal(space_of(alias), space) ? simple_of(alias) : alias, p->out);
    }
    strbuf_addc(p->out, ']');
}

static Status check_texts(const json_t *list, const char *what, Error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return refuse(err, what, STR_NULL);
    return OK;
}

/* {"type":kind,"name":...,"namespace":...: `full` is the name that the type has from here on. */
static Status begin_named(Printing *p, const json_t *json, const char *kind, Str space, Str *full, Error *err)
{
    Str name = text_of(json, "name"), given = text_of(json, "namespace");
    if (str_is_null(name))
        return refuse(err, "No name in schema: a record, enum or fixed needs one", STR_NULL);
    TRY(check_texts(json_object_get(json, "aliases"), "An alias that is no text", err));
    *full = full_name(p, name, str_is_null(given) ? space : given);
    TRY(define(p, *full, err));
    strbuf_addf(p->out, "{\"type\":\"%s\"", kind);
    print_text(p, "name", simple_of(*full));
    if (!str_equal(space_of(*full), space))
        print_text(p, "namespace", space_of(*full));
    print_doc(p, json);
    return OK;
}

static void end_named(Printing *p, const json_t *json, Str full, bool is_enum)
{
    if (is_enum)
        print_others(p, json, of_enums, ARRAY_LEN(of_enums));
    else
        print_others(p, json, of_types, ARRAY_LEN(of_types));
    print_aliases(p, json, space_of(full));
    strbuf_addc(p->out, '}');
}

/* ---- kinds ---- */

static Status print_field(Printing *p, const json_t *field, Str space, int depth, Error *err)
{
    Str           name = text_of(field, "name"), order = text_of(field, "order");
    const json_t *fallback = json_object_get(field, "default"), *aliases = json_object_get(field, "aliases");
    strbuf_addc(p->out, '{');
    print_text(p, "name", name);
    print_key(p, "type");
    Status status = print_type(p, json_object_get(field, "type"), space, depth + 1, err);
    if (status != OK)
        return status;
    print_doc(p, field);
    if (fallback != NULL) {
        print_key(p, "default");
        json_compact(fallback, p->out);
    }
    if (!str_is_null(order) && !str_equal(order, STR_LIT("ascending")))
        print_text(p, "order", order);
    if (json_array_size(aliases) > 0) {
        print_key(p, "aliases");
        json_compact(aliases, p->out);
    }
    print_others(p, field, of_fields, ARRAY_LEN(of_fields));
    strbuf_addc(p->out, '}');
    return OK;
}

static Status check_fields(Printing *p, const json_t *fields, Str record, Error *err)
{
    size_t count = json_array_size(fields);
    Str   *names = ARENA_ARRAY(p->arena, Str, count + 1);
    if (!json_is_array(fields))
        return refuse(err, "Record has no fields: ", record);
    for (size_t i = 0; i < count; i++) {
        const json_t *field = json_array_get(fields, i);
        names[i]            = text_of(field, "name");
        if (str_is_null(names[i]))
            return refuse(err, "No field name in ", record);
        TRY(check_name(names[i], err));
        TRY(check_texts(json_object_get(field, "aliases"), "An alias that is no text", err));
    }
    return refuse_twins(names, count, "Duplicate field ", err);
}

static Status print_record(Printing *p, const json_t *json, const char *kind, Str space, int depth,
                           Error *err)
{
    const json_t *fields = json_object_get(json, "fields");
    Str           full;
    TRY(begin_named(p, json, kind, space, &full, err));
    TRY(check_fields(p, fields, full, err));
    print_key(p, "fields");
    strbuf_addc(p->out, '[');
    for (size_t i = 0; i < json_array_size(fields); i++) {
        if (i > 0)
            strbuf_addc(p->out, ',');
        TRY(print_field(p, json_array_get(fields, i), space_of(full), depth, err));
    }
    strbuf_addc(p->out, ']');
    end_named(p, json, full, false);
    return OK;
}

static Status print_enum(Printing *p, const json_t *json, Str space, Error *err)
{
    const json_t *symbols  = json_object_get(json, "symbols");
    size_t        count    = json_array_size(symbols);
    Str          *names    = ARENA_ARRAY(p->arena, Str, count + 1);
    Str           fallback = text_of(json, "default"), full;
    bool          found    = str_is_null(fallback);
    TRY(begin_named(p, json, "enum", space, &full, err));
    if (!json_is_array(symbols))
        return refuse(err, "Enum has no symbols: ", full);
    TRY(check_texts(symbols, "A symbol that is no text", err));
    for (size_t i = 0; i < count; i++) {
        names[i] = str_c(json_string_value(json_array_get(symbols, i)));
        TRY(check_name(names[i], err));
        found = found || str_equal(names[i], fallback);
    }
    TRY(refuse_twins(names, count, "Duplicate enum symbol: ", err));
    if (!found)
        return refuse(err, "The enum's default is none of its symbols: ", fallback);
    print_key(p, "symbols");
    json_compact(symbols, p->out);
    if (!str_is_null(fallback))
        print_text(p, "default", fallback);
    end_named(p, json, full, true);
    return OK;
}

static Status print_fixed(Printing *p, const json_t *json, Str space, Error *err)
{
    const json_t *size = json_object_get(json, "size");
    Str           full;
    TRY(begin_named(p, json, "fixed", space, &full, err));
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > INT32_MAX)
        return refuse(err, "Invalid or no size: ", full);
    print_key(p, "size");
    json_compact(size, p->out);
    end_named(p, json, full, false);
    return OK;
}

static Status print_container(Printing *p, const json_t *json, const char *kind, const char *inner, Str space,
                              int depth, Error *err)
{
    const json_t *element = json_object_get(json, inner);
    if (element == NULL)
        return error_set(err, E_DATA, NO_POS, "An %s without \"%s\"", kind, inner);
    strbuf_addf(p->out, "{\"type\":\"%s\",\"%s\":", kind, inner);
    TRY(print_type(p, element, space, depth + 1, err));
    print_others(p, json, of_types, ARRAY_LEN(of_types));
    strbuf_addc(p->out, '}');
    return OK;
}

static Status print_name(Printing *p, Str name, Str space, Error *err)
{
    Str full = full_name(p, name, space);
    if (is_primitive(name)) {
        json_write_string(name, p->out);
        return OK;
    }
    if (!is_defined(p, full))
        full = name; /* of the null namespace */
    if (!is_defined(p, full))
        return error_set(err, E_DATA, NO_POS, "Undefined name: \"" STR_FMT "\"", STR_ARG(name));
    json_write_string(str_equal(space_of(full), space) ? simple_of(full) : full, p->out);
    return OK;
}

static Status print_object(Printing *p, const json_t *json, Str space, int depth, Error *err)
{
    Str kind = text_of(json, "type");
    if (str_is_null(kind))
        return refuse(err, "No type in a schema", STR_NULL);
    if (str_equal(kind, STR_LIT("record")) || str_equal(kind, STR_LIT("error")))
        return print_record(p, json, kind.ptr, space, depth, err);
    if (str_equal(kind, STR_LIT("enum")))
        return print_enum(p, json, space, err);
    if (str_equal(kind, STR_LIT("fixed")))
        return print_fixed(p, json, space, err);
    if (str_equal(kind, STR_LIT("array")))
        return print_container(p, json, "array", "items", space, depth, err);
    if (str_equal(kind, STR_LIT("map")))
        return print_container(p, json, "map", "values", space, depth, err);
    if (!is_primitive(kind))
        return print_name(p, kind, space, err);
    size_t begin = p->out->len;
    strbuf_addf(p->out, "{\"type\":\"" STR_FMT "\"", STR_ARG(kind));
    size_t bare = p->out->len;
    print_others(p, json, of_types, ARRAY_LEN(of_types));
    if (p->out->len > bare) {
        strbuf_addc(p->out, '}');
        return OK;
    }
    p->out->len = begin;
    json_write_string(kind, p->out);
    return OK;
}

/* What a union may have once: unnamed types by kind, named ones by name. */
static Str branch_name(Printing *p, const json_t *branch, Str space)
{
    Str kind = json_is_string(branch) ? str_c(json_string_value(branch)) : text_of(branch, "type");
    Str name = text_of(branch, "name"), given = text_of(branch, "namespace");
    if (str_is_null(kind))
        return STR_LIT("");
    if (is_primitive(kind) || str_equal(kind, STR_LIT("array")) || str_equal(kind, STR_LIT("map")))
        return kind;
    return full_name(p, str_is_null(name) ? kind : name, str_is_null(given) ? space : given);
}

static Status print_union(Printing *p, const json_t *json, Str space, int depth, Error *err)
{
    size_t count = json_array_size(json);
    Str   *names = ARENA_ARRAY(p->arena, Str, count + 1);
    strbuf_addc(p->out, '[');
    for (size_t i = 0; i < count; i++) {
        const json_t *branch = json_array_get(json, i);
        if (json_is_array(branch))
            return refuse(err, "Nested union: a union directly in a union", STR_NULL);
        if (i > 0)
            strbuf_addc(p->out, ',');
        TRY(print_type(p, branch, space, depth + 1, err));
        names[i] = branch_name(p, branch, space);
    }
    strbuf_addc(p->out, ']');
    return refuse_twins(names, count, "Duplicate in union: ", err);
}

static Status print_type(Printing *p, const json_t *json, Str space, int depth, Error *err)
{
    if (depth > DEEPEST)
        return error_set(err, E_DATA, NO_POS, "It nests deeper than %d", DEEPEST);
    if (json_is_string(json))
        return print_name(p, str_n(json_string_value(json), json_string_length(json)), space, err);
    if (json_is_array(json))
        return print_union(p, json, space, depth, err);
    if (json_is_object(json))
        return print_object(p, json, space, depth, err);
    return refuse(err, "A schema is missing where a type is expected", STR_NULL);
}

/* Names stay in `p`, which keeps copies. */
static Status print_document(Printing *p, Str text, Error *err)
{
    json_error_t why;
    json_t      *json = json_loadb(text.ptr != NULL ? text.ptr : "", text.len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return error_set(err, E_DATA, NO_POS, "%s", why.text);
    Status status = print_type(p, json, STR_LIT(""), 0, err);
    json_decref(json);
    return status;
}

/* ---- defaults ---- */

/* Of records that the text defines. One of a reference was looked at when that was registered. */
static Status check_defaults(const AvroType *type, StrBuf *scratch, size_t *steps, int depth, Error *err)
{
    enum { MOST_STEPS = 1 << 16 };
    if (type == NULL || depth > DEEPEST || ++*steps > MOST_STEPS)
        return OK; /* a type within itself, or used many times: seen */
    if (type->element != NULL)
        TRY(check_defaults(type->element, scratch, steps, depth + 1, err));
    for (size_t i = 0; i < type->count && type->kind == AVRO_UNION; i++)
        TRY(check_defaults(type->branches[i], scratch, steps, depth + 1, err));
    for (size_t i = 0; i < type->count && type->kind == AVRO_RECORD; i++) {
        const AvroField *field = &type->fields[i];
        Error            why;
        strbuf_reset(scratch);
        if (!str_is_null(field->fallback) &&
            avro_put_default(field->type, field->fallback, scratch, &why) != OK)
            return error_set(err, E_DATA, NO_POS, "Invalid default for field " STR_FMT ": " STR_FMT,
                             STR_ARG(field->name), STR_ARG(field->fallback));
        TRY(check_defaults(field->type, scratch, steps, depth + 1, err));
    }
    return OK;
}

Status avro_canonical(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                      Str *out, Error *err)
{
    StrBuf          buf    = {0};
    Printing        p      = {.arena = arena, .out = &buf};
    Status          status = OK;
    const AvroType *type;
    size_t          steps = 0;
    for (size_t i = 0; i < reference_count && status == OK; i++)
        status = print_document(&p, references[i].text, err);
    strbuf_reset(&buf);
    if (status == OK)
        status = print_document(&p, text, err);
    if (status == OK) {
        *out   = str_dup(arena, strbuf_str(&buf));
        status = avro_parse(text, references, reference_count, arena, &type, err);
    }
    if (status == OK)
        status = check_defaults(type, &buf, &steps, 0, err);
    strbuf_clear(&buf);
    return status;
}
