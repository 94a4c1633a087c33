/*
 * fn_json.c - functions that read JSON texts (functions.md 3.6). TO_JSON_STRING is in fn_json_write.c.
 *
 * A text that does not parse is an error of the row (so NULL), except where the question is whether it
 * parses.
 */
#include "udf/json_tree.h"
#include "udf/site_cache.h"

/* ---- EXTRACTJSONFIELD ---- */

typedef struct {
    Arena    *arena;
    JsonPath *path;
} PathItem;

static void release_path(void *item)
{
    PathItem *path = item;
    arena_free(path->arena);
    mem_free(path);
}

static Status make_path(Str text, void **out, Error *err)
{
    PathItem *item = mem_calloc(1, sizeof *item);
    item->arena    = arena_new(0);
    Status status  = json_path_compile(text, item->arena, &item->path, err);
    if (status != OK) {
        release_path(item);
        return status;
    }
    *out = item;
    return OK;
}

static const SiteKind path_kind = {make_path, release_path};

static Status print_node(const FnCall *call, const JsonNode *node, bool plain, Value *result, Error *err)
{
    StrBuf *text = site_text(call);
    TRY(json_print(node, plain, text, err));
    return site_text_result(call, text, result, err);
}

/* A string's content, anything else as compact JSON. */
static Status unquoted_text(const FnCall *call, const JsonNode *node, Value *result, Error *err)
{
    if (node->kind != JSON_STRING)
        return print_node(call, node, false, result, err);
    *result = value_from_str(node->text);
    return OK;
}

static Status fn_extractjsonfield(const FnCall *call, Value *result, Error *err)
{
    void     *item;
    JsonNode *root;
    TRY(site_get(call, &path_kind, value_str(call->args[1]), &item, err));
    TRY(json_read(value_str(call->args[0]), call->arena, &root, err));
    const JsonNode *found = json_path_find(((PathItem *)item)->path, root);
    *result               = value_null();
    return found && found->kind != JSON_MISSING ? unquoted_text(call, found, result, err) : OK;
}

/* ---- questions ---- */

static Status fn_is_json_string(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    *result = value_from_bool(!value_is_null(call->args[0]) &&
                              json_read(value_str(call->args[0]), call->arena, &root, NULL) == OK &&
                              root->kind != JSON_MISSING);
    return OK;
}

/* Types must agree: an integer never equals 1.0. */
static bool json_equals(const JsonNode *node, const SqlType *type, Value value)
{
    int64_t integer;
    double  number;
    if (value_is_null(value))
        return node->kind == JSON_NULL;
    switch (type->kind) {
    case T_BOOLEAN:
        return node->kind == JSON_BOOLEAN && node->truth == value_bool(value);
    case T_INTEGER:
    case T_BIGINT:
        return node->kind == JSON_INTEGER && int64_parse(node->text, &integer) && integer == value_int(value);
    case T_DOUBLE:
        return node->kind == JSON_FRACTION && double_parse(node->text, &number) &&
               number == value_double(value);
    case T_STRING:
        return node->kind == JSON_STRING && str_equal(node->text, value_str(value));
    default:
        return false;
    }
}

/* Looks at the elements in front of a mistake, too: the reference stops at the first match. */
static Status fn_json_array_contains(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    if (value_is_null(call->args[0]))
        return error_set(err, E_DATA, NO_POS, "JSON_ARRAY_CONTAINS: the JSON text is NULL");
    Status status = json_read(value_str(call->args[0]), call->arena, &root, err);
    if (status == E_LIMIT)
        return status;
    *result = value_from_bool(false);
    if (root->kind != JSON_ARRAY)
        return OK;
    for (const JsonNode *item = root->first; item; item = item->next) {
        if (json_equals(item, call->arg_types[1], call->args[1]))
            *result = value_from_bool(true);
    }
    return OK;
}

static Status fn_json_array_length(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    TRY(json_read(value_str(call->args[0]), call->arena, &root, err));
    *result = root->kind == JSON_ARRAY ? value_from_int((int64_t)root->count) : value_null();
    return OK;
}

/* ---- JSON_CONCAT ---- */

/* Moves the children of `from` behind those of `to`. */
static void move_children(JsonNode *to, JsonNode *from)
{
    JsonNode *next;
    for (JsonNode *child = from->first; child; child = next) {
        next = child->next;
        json_append(to, child);
    }
}

static Status fn_json_concat(const FnCall *call, Value *result, Error *err)
{
    if (call->count == 0)
        return error_set(err, E_DATA, NO_POS, "JSON_CONCAT: at least one argument is needed");
    JsonNode **roots   = ARENA_ARRAY(call->arena, JsonNode *, call->count);
    bool       objects = true, missing = false;
    for (size_t i = 0; i < call->count; i++) {
        TRY(json_read(value_str(call->args[i]), call->arena, &roots[i], err));
        objects &= roots[i]->kind == JSON_OBJECT;
        missing |= roots[i]->kind == JSON_MISSING;
    }
    *result = value_null();
    if (missing)
        return OK;
    if (call->count == 1)
        return print_node(call, roots[0], true, result, err);
    JsonNode *all = ARENA_NEW(call->arena, JsonNode);
    all->kind     = objects ? JSON_OBJECT : JSON_ARRAY;
    for (size_t i = 0; i < call->count; i++) {
        if (objects || roots[i]->kind == JSON_ARRAY)
            move_children(all, roots[i]);
        else
            json_append(all, roots[i]);
    }
    if (objects)
        TRY(json_unique_members(all, call->arena, err));
    return print_node(call, all, true, result, err);
}

/* ---- parts ---- */

static Status new_values(const FnCall *call, size_t count, size_t size, void **out, Error *err)
{
    *out = arena_try_alloc(call->arena, (count + 1) * size, err);
    return *out ? OK : E_LIMIT;
}

/* Elements as JSON: strings keep their quotes. */
static Status fn_json_items(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    void     *memory;
    TRY(json_read(value_str(call->args[0]), call->arena, &root, err));
    if (root->kind != JSON_ARRAY)
        return error_set(err, E_DATA, NO_POS, "Invalid JSON format:" STR_FMT,
                         STR_ARG(value_str(call->args[0])));
    TRY(new_values(call, root->count, sizeof(Value), &memory, err));
    Value *items = memory;
    size_t count = 0;
    for (const JsonNode *item = root->first; item; item = item->next)
        TRY(print_node(call, item, false, &items[count++], err));
    *result = value_array(items, count);
    return OK;
}

static Status fn_json_keys(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    void     *memory;
    TRY(json_read(value_str(call->args[0]), call->arena, &root, err));
    *result = value_null();
    if (root->kind != JSON_OBJECT)
        return OK;
    TRY(new_values(call, root->count, sizeof(Value), &memory, err));
    Value *keys  = memory;
    size_t count = 0;
    for (const JsonNode *member = root->first; member; member = member->next)
        keys[count++] = value_from_str(member->key);
    *result = value_array(keys, count);
    return OK;
}

static Status fn_json_records(const FnCall *call, Value *result, Error *err)
{
    JsonNode *root;
    void     *memory;
    TRY(json_read(value_str(call->args[0]), call->arena, &root, err));
    *result = value_null();
    if (root->kind != JSON_OBJECT)
        return OK;
    TRY(new_values(call, root->count, sizeof(MapEntry), &memory, err));
    MapEntry *entries = memory;
    size_t    count   = 0;
    for (const JsonNode *member = root->first; member; member = member->next) {
        entries[count].key = value_from_str(member->key);
        TRY(unquoted_text(call, member, &entries[count++].value, err));
    }
    *result = value_map(entries, count);
    return OK;
}

const ScalarFn json_functions[] = {
    {"extractjsonfield", "(input STRING, path STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_extractjsonfield,
     "Given a string that contains JSON data, extracts the value at the specified JSONPath or NULL if there "
     "is none.",
     NULL},
    {"IS_JSON_STRING", "(input STRING) -> BOOLEAN", 0, fn_is_json_string,
     "Returns true if the argument is a valid JSON string, false otherwise.", NULL},
    {"JSON_ARRAY_CONTAINS", "(jsonArray STRING, val T) -> BOOLEAN", 0, fn_json_array_contains,
     "Parses a JSON array and determines whether or not the array contains the supplied value.", NULL},
    {"JSON_ARRAY_LENGTH", "(jsonArray STRING) -> INT", FN_NULL_IF_ANY_NULL, fn_json_array_length,
     "Parses a JSON array and returns its length, NULL if the text holds no array.", NULL},
    {"JSON_CONCAT", "(jsonStrings STRING...) -> STRING", FN_NULL_IF_ANY_NULL, fn_json_concat,
     "Merges two or more JSON structures: objects by key, anything else as arrays one after the other.",
     NULL},
    {"JSON_ITEMS", "(jsonArray STRING) -> ARRAY<STRING>", FN_NULL_IF_ANY_NULL, fn_json_items,
     "Given a string with a JSON array, returns the array of its elements as JSON texts.", NULL},
    {"JSON_KEYS", "(jsonObj STRING) -> ARRAY<STRING>", FN_NULL_IF_ANY_NULL, fn_json_keys,
     "Parses a JSON object and returns its top-level keys.", NULL},
    {"JSON_RECORDS", "(jsonObj STRING) -> MAP<STRING, STRING>", FN_NULL_IF_ANY_NULL, fn_json_records,
     "Parses a JSON object and returns a map of its top-level keys and values.", NULL},
    {0},
};
