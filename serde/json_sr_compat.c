/*
 * json_sr_compat.c - does one JSON Schema accept whatever another let be written?
 *
 * Confluent's rules, keyword by keyword: the new schema ("reader") may say less than the old one ("writer"),
 * or the same; what it says more could refuse a document that is there. The one that surprises is about
 * names: an object that lets in properties which it does not name (an open content model, what JSON Schema
 * has unless told otherwise) may have been written with any of them, so a name that the reader adds may meet
 * values of other types. One that is closed can be added to, and not taken from.
 *
 * A pair of schemas that is being compared further up holds if the rest does: that is how schemas within
 * themselves end.
 */
#include <jansson.h>

#include "core/name_set.h"
#include "serde/json_sr_schema.h"

enum { DEEPEST = 200, MOST_PAIRS = 100000 };

typedef struct {
    const json_t            *root; /* of the text that is being read: "#/..." counts from here */
    const ResolvedReference *references;
    size_t                   count;
    json_t                 **loaded;
} Document;

typedef struct Pair Pair;
struct Pair {
    const Pair   *up;
    const json_t *reader, *writer;
    size_t       *budget; /* references to references multiply */
    int           depth;
};

typedef struct {
    Document      reader, writer;
    const json_t *empty; /* accepts all */
} Comparing;

static Status accepts(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                      const Pair *up, Error *err);

static Status refuse(const char *path, const char *why, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "%s (at %s)", why, path);
}

static const json_t *get(const json_t *schema, const char *key) { return json_object_get(schema, key); }

/* ---- what a schema says at all ---- */

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* It has no keyword that could refuse anything; annotations and definitions do not. */
static bool accepts_all(const json_t *schema)
{
    static const char *const silent[] = {"$id",       "$schema",     "$comment",  "$defs",   "definitions",
                                         "title",     "description", "examples",  "default", "readOnly",
                                         "writeOnly", "format",      "deprecated"};
    const char              *name;
    json_t                  *value;
    if (json_is_true(schema))
        return true;
    if (!json_is_object(schema))
        return false;
    json_object_foreach((json_t *)schema, name, value) if (!is_one_of(name, silent, ARRAY_LEN(silent)) &&
                                                           strncmp(name, "connect.", 8) != 0) return false;
    return true;
}

/* ---- $ref ---- */

static const json_t *load_reference(Document *document, const char *url, size_t len)
{
    for (size_t i = 0; i < document->count; i++) {
        if (!str_equal(document->references[i].name, str_n(url, len)))
            continue;
        if (document->loaded[i] == NULL)
            document->loaded[i] = json_loadb(document->references[i].text.ptr,
                                             document->references[i].text.len, JSON_DECODE_ANY, NULL);
        return document->loaded[i];
    }
    return NULL;
}

/* Moves to where a $ref leads, into another text perhaps. NULL: nowhere that is known. */
static const json_t *follow(Document *document, const json_t *schema)
{
    for (int hops = 0; hops < DEEPEST; hops++) {
        const char *reference = json_string_value(get(schema, "$ref"));
        if (reference == NULL)
            return schema;
        const char *hash = strchr(reference, '#');
        size_t      len  = hash != NULL ? (size_t)(hash - reference) : strlen(reference);
        if (len > 0)
            document->root = load_reference(document, reference, len);
        if (document->root == NULL)
            return NULL;
        schema = hash != NULL ? json_sr_pointer(document->root, hash + 1) : document->root;
        if (schema == NULL)
            return NULL;
    }
    return NULL;
}

/* ---- lists that are sets ---- */

/* By the texts of what stands in them: a client may list very many values. */
typedef struct {
    Arena   *arena;
    NameSet *texts;
} Listed;

/* The one value that has two texts. */
static void unify_zeros(char *text)
{
    char *to     = text;
    bool  quoted = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            quoted = !quoted;
        if (quoted && *at == '\\')
            *to++ = *at++;
        else if (!quoted && strncmp(at, "-0.0", 4) == 0 && strchr(",]}", at[4]) != NULL)
            at++;
        *to++ = *at;
    }
    *to = '\0';
}

/* Equal values have equal texts. */
static Str text_of(const json_t *value, Arena *arena)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    if (text != NULL)
        unify_zeros(text);
    Str copy = text != NULL ? str_dup(arena, str_c(text)) : STR_NULL;
    free(text);
    return copy;
}

/* NULL lists nothing; what is no list is one of itself. */
static Listed listed_open(const json_t *list)
{
    Arena *arena = arena_new(0);
    Listed set   = {arena, name_set_new(arena)};
    size_t count = json_is_array(list) ? json_array_size(list) : list != NULL;
    bool   added;
    for (size_t i = 0; i < count; i++)
        (void)name_set_put(set.texts, text_of(json_is_array(list) ? json_array_get(list, i) : list, arena),
                           &added);
    return set;
}

static bool listed_has(const Listed *set, const json_t *value)
{
    return name_set_get(set->texts, text_of(value, set->arena)) != NULL;
}

static void listed_close(Listed *set) { arena_free(set->arena); }

/* ---- types ---- */

/* "integer" among them is a "number", too. */
static bool has_type(const Listed *types, const json_t *type)
{
    return listed_has(types, type) || (strcmp(json_string_value(type), "integer") == 0 &&
                                       name_set_get(types->texts, STR_LIT("\"number\"")) != NULL);
}

static Status types_accept(const json_t *reader, const json_t *writer, const char *path, Error *err)
{
    const json_t *reads = get(reader, "type"), *wrote = get(writer, "type");
    if (reads == NULL)
        return OK;
    if (!json_is_string(wrote) && !json_is_array(wrote))
        return refuse(path, "a type was added", err);
    Listed types = listed_open(reads);
    size_t count = json_is_array(wrote) ? json_array_size(wrote) : 1;
    bool   good  = true;
    for (size_t i = 0; i < count && good; i++) {
        const json_t *type = json_is_array(wrote) ? json_array_get(wrote, i) : wrote;
        good               = json_is_string(type) && has_type(&types, type);
    }
    listed_close(&types);
    if (good)
        return OK;
    return refuse(path, json_is_array(wrote) ? "a type was removed" : "a type was changed", err);
}

/* ---- limits and values ---- */

/* 0 is a limit to numbers, and none to lengths. */
static const struct {
    const char *name;
    bool        upper, of_lengths;
} limits[] = {
    {"maximum", true, false},           {"exclusiveMaximum", true, false}, {"maxLength", true, true},
    {"maxItems", true, true},           {"maxProperties", true, true},     {"minimum", false, false},
    {"exclusiveMinimum", false, false}, {"minLength", false, true},        {"minItems", false, true},
    {"minProperties", false, true},
};

static Status limit_accepts(size_t i, const json_t *now, const json_t *before, const char *path, Error *err)
{
    double limit = json_number_value(now), old = json_number_value(before);
    if (json_is_true(now) && !json_is_true(before)) /* exclusiveMaximum of draft 4 */
        return refuse(path, "a limit was added", err);
    if (!json_is_number(now) || (limits[i].of_lengths && !limits[i].upper && limit <= 0))
        return OK;
    if (!json_is_number(before))
        return refuse(path, "a limit was added", err);
    if (limits[i].upper ? old > limit : old < limit)
        return refuse(path, "a limit was narrowed", err);
    return OK;
}

static Status limits_accept(const json_t *reader, const json_t *writer, const char *path, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        TRY(limit_accepts(i, get(reader, limits[i].name), get(writer, limits[i].name), path, err));
    return OK;
}

/* Keywords that are only known to accept what they accepted if they are the same, or gone. */
static Status rest_accepts(const json_t *reader, const json_t *writer, const char *path, Error *err)
{
    static const char *const keywords[] = {"pattern",
                                           "not",
                                           "if",
                                           "then",
                                           "else",
                                           "contains",
                                           "propertyNames",
                                           "dependencies",
                                           "dependentRequired",
                                           "dependentSchemas",
                                           "patternProperties",
                                           "unevaluatedProperties",
                                           "unevaluatedItems",
                                           "prefixItems",
                                           "additionalItems",
                                           "multipleOf"};
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        const json_t *now = get(reader, keywords[i]), *before = get(writer, keywords[i]);
        if (now != NULL && (before == NULL || !json_equal(now, before))) {
            Error what;
            error_set(&what, E_PLAN, NO_POS, "%s was %s", keywords[i], before == NULL ? "added" : "changed");
            return refuse(path, what.message, err);
        }
    }
    if (json_is_true(get(reader, "uniqueItems")) && !json_is_true(get(writer, "uniqueItems")))
        return refuse(path, "uniqueItems was added", err);
    return OK;
}

static bool contains(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

static bool contains_all(const json_t *list, const json_t *values)
{
    Listed set  = listed_open(list);
    bool   good = true;
    for (size_t i = 0; i < json_array_size(values) && good; i++)
        good = listed_has(&set, json_array_get(values, i));
    listed_close(&set);
    return good;
}

static Status values_accept(const json_t *reader, const json_t *writer, const char *path, Error *err)
{
    const json_t *now = get(reader, "enum"), *before = get(writer, "enum"), *only = get(reader, "const");
    const json_t *constant = get(writer, "const");
    if (only != NULL && (constant == NULL || !json_equal(only, constant)))
        return refuse(path, "a const was added or changed", err);
    if (now == NULL)
        return OK;
    if (constant != NULL)
        return contains(now, constant) ? OK : refuse(path, "an enum lost a value", err);
    if (before == NULL)
        return refuse(path, "an enum was added", err);
    return contains_all(now, before) ? OK : refuse(path, "an enum lost a value", err);
}

/* ---- alternatives ---- */

static const json_t *alternatives(const json_t *schema)
{
    const json_t *list = get(schema, "oneOf");
    return list != NULL ? list : get(schema, "anyOf");
}

static Status some_accepts(Comparing *c, const json_t *readers, const json_t *writer, const char *path,
                           const Pair *up, Error *err)
{
    Error ignored;
    for (size_t i = 0; i < json_array_size(readers); i++)
        if (accepts(c, json_array_get(readers, i), writer, path, up, &ignored) == OK)
            return OK;
    return refuse(path, "no alternative takes what was written", err);
}

/* *done: each alternative of the writer was compared with the whole reader. */
static Status alternatives_accept(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                                  const Pair *up, bool *done, Error *err)
{
    const json_t *reads = alternatives(reader), *wrote = alternatives(writer);
    *done = reads == NULL && wrote != NULL;
    if (wrote != NULL) {
        for (size_t i = 0; i < json_array_size(wrote); i++) {
            const json_t *one = json_array_get(wrote, i);
            if (reads != NULL)
                TRY(some_accepts(c, reads, one, path, up, err));
            else
                TRY(accepts(c, reader, one, path, up, err));
        }
        return OK;
    }
    return reads != NULL ? some_accepts(c, reads, writer, path, up, err) : OK;
}

/* Each part of the reader must be looked after by a part of the writer, or by the whole of it. */
static Status parts_accept(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                           const Pair *up, Error *err)
{
    const json_t *reads = get(reader, "allOf"), *wrote = get(writer, "allOf");
    Error         ignored;
    for (size_t i = 0; i < json_array_size(reads); i++) {
        const json_t *one   = json_array_get(reads, i);
        bool          found = wrote == NULL && accepts(c, one, writer, path, up, &ignored) == OK;
        for (size_t j = 0; j < json_array_size(wrote) && !found; j++)
            found = accepts(c, one, json_array_get(wrote, j), path, up, &ignored) == OK;
        if (!found)
            return refuse(path, "allOf demands more", err);
    }
    return OK;
}

/* ---- objects ---- */

/* Of properties without a name of their own; the empty schema where nothing is said. */
static const json_t *of_others(const Comparing *c, const json_t *schema)
{
    const json_t *others = get(schema, "additionalProperties");
    return others != NULL ? others : c->empty;
}

static Status new_property_accepts(Comparing *c, const json_t *property, const json_t *writer,
                                   const char *name, const Pair *up, Error *err)
{
    const json_t *others = of_others(c, writer);
    if (json_is_false(others))
        return OK; /* nobody wrote it */
    if (accepts_all(others) && !accepts_all(property))
        return refuse(name,
                      "a property was added that may have been written as anything: the old schema lets "
                      "in properties that it does not name",
                      err);
    return accepts(c, property, others, name, up, err);
}

static Status lost_property_accepts(Comparing *c, const json_t *reader, const json_t *property,
                                    const char *name, const Pair *up, Error *err)
{
    const json_t *others = of_others(c, reader);
    if (json_is_false(others) && !json_is_false(property))
        return refuse(name, "a property was removed that nothing else lets in", err);
    return accepts(c, others, property, name, up, err);
}

static Status properties_accept(Comparing *c, const json_t *reader, const json_t *writer, const Pair *up,
                                Error *err)
{
    json_t *reads = (json_t *)get(reader, "properties"), *wrote = (json_t *)get(writer, "properties"),
           *property;
    const char *name;
    json_object_foreach(reads, name, property)
    {
        const json_t *before = get(wrote, name);
        if (before != NULL)
            TRY(accepts(c, property, before, name, up, err));
        else
            TRY(new_property_accepts(c, property, writer, name, up, err));
    }
    json_object_foreach(wrote, name, property) if (get(reads, name) == NULL)
        TRY(lost_property_accepts(c, reader, property, name, up, err));
    return OK;
}

static Status required_accept(const json_t *reader, const json_t *writer, Error *err)
{
    const json_t *required = get(reader, "required");
    Listed        before   = listed_open(get(writer, "required"));
    const char   *fresh    = NULL;
    for (size_t i = 0; i < json_array_size(required) && fresh == NULL; i++) {
        const json_t *one  = json_array_get(required, i);
        const char   *name = json_string_value(one);
        if (name != NULL && !listed_has(&before, one) &&
            get(get(get(reader, "properties"), name), "default") == NULL)
            fresh = name;
    }
    listed_close(&before);
    return fresh == NULL ? OK : refuse(fresh, "a property became required, and has no default", err);
}

static Status objects_accept(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                             const Pair *up, Error *err)
{
    TRY(required_accept(reader, writer, err));
    TRY(properties_accept(c, reader, writer, up, err));
    const json_t *now = of_others(c, reader), *before = of_others(c, writer);
    if (accepts_all(now) || json_is_false(before))
        return OK;
    if (json_is_false(now))
        return refuse(path, "properties without a name are no longer let in", err);
    return accepts(c, now, before, path, up, err);
}

static Status arrays_accept(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                            const Pair *up, Error *err)
{
    const json_t *now = get(reader, "items"), *before = get(writer, "items");
    if (now == NULL)
        return OK;
    if (json_is_array(now) || json_is_array(before)) /* a tuple */
        return before != NULL && json_equal(now, before) ? OK : refuse(path, "items were changed", err);
    return accepts(c, now, before != NULL ? before : c->empty, path, up, err);
}

/* ---- all of it ---- */

static Status keywords_accept(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                              const Pair *here, Error *err)
{
    bool done;
    TRY(alternatives_accept(c, reader, writer, path, here, &done, err));
    if (done)
        return OK;
    TRY(parts_accept(c, reader, writer, path, here, err));
    if (get(writer, "allOf") == NULL || get(reader, "type") != NULL)
        TRY(types_accept(reader, writer, path, err));
    TRY(values_accept(reader, writer, path, err));
    TRY(limits_accept(reader, writer, path, err));
    TRY(rest_accepts(reader, writer, path, err));
    TRY(objects_accept(c, reader, writer, path, here, err));
    return arrays_accept(c, reader, writer, path, here, err);
}

static Status accepts_at(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                         const Pair *up, Error *err)
{
    reader = follow(&c->reader, reader);
    writer = follow(&c->writer, writer);
    if (reader == NULL || writer == NULL)
        return refuse(path, "a $ref leads nowhere", err);
    Pair here = {up, reader, writer, up->budget, up->depth + 1};
    if (++*up->budget > MOST_PAIRS || here.depth > DEEPEST)
        return refuse(path, "the schemas are too large to compare", err);
    for (const Pair *at = up; at != NULL; at = at->up)
        if (at->reader == reader && at->writer == writer)
            return OK;
    if (accepts_all(reader) || json_is_false(writer))
        return OK;
    if (json_is_false(reader))
        return refuse(path, "nothing is accepted any more", err);
    if (accepts_all(writer))
        return refuse(path, "what could be anything got a schema", err);
    return keywords_accept(c, reader, writer, path, &here, err);
}

/* References may lead into other texts: what "#" means there ends with them. */
static Status accepts(Comparing *c, const json_t *reader, const json_t *writer, const char *path,
                      const Pair *up, Error *err)
{
    const json_t *reader_root = c->reader.root, *writer_root = c->writer.root;
    Status        status = accepts_at(c, reader, writer, path, up, err);
    c->reader.root       = reader_root;
    c->writer.root       = writer_root;
    return status;
}

static Status load(Document *document, const JsonSrText *text, Arena *arena, Error *err)
{
    json_error_t why;
    json_t *json = json_loadb(text->text.ptr ? text->text.ptr : "", text->text.len, JSON_DECODE_ANY, &why);
    *document    = (Document){.root = json, .references = text->references, .count = text->reference_count};
    document->loaded = ARENA_ARRAY(arena, json_t *, text->reference_count + 1);
    if (json == NULL)
        return error_set(err, E_DATA, NO_POS, "Not a valid JSON Schema: %s", why.text);
    return OK;
}

static void unload(Document *document, const json_t *root)
{
    for (size_t i = 0; i < document->count; i++)
        json_decref(document->loaded[i]);
    json_decref((json_t *)root);
}

Status json_sr_can_read(const JsonSrText *reader, const JsonSrText *writer, Arena *arena, Error *err)
{
    Comparing c      = {0};
    json_t   *empty  = json_object();
    size_t    budget = 0;
    Status    status = load(&c.reader, reader, arena, err);
    if (status == OK)
        status = load(&c.writer, writer, arena, err);
    const json_t *roots[2] = {c.reader.root, c.writer.root};
    c.empty                = empty;
    if (status == OK)
        status = accepts(&c, roots[0], roots[1], "the root", &(Pair){.budget = &budget}, err);
    unload(&c.reader, roots[0]);
    unload(&c.writer, roots[1]);
    json_decref(empty);
    return status;
}
