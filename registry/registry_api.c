/*
 * registry_api.c - see registry_api.h: from a path to the function that answers, what bodies may hold, how
 * replies look. The answers stand in api_schemas.c and api_settings.c.
 */
#include "registry/api_answer.h"

/* ---- routes ---- */

static const struct {
    const char *method, *path;
    void (*answer)(Answering *a);
} routes[] = {
#define ROUTE(method, path, answer) {method, path, answer},
#include "registry/api_routes.def"
#undef ROUTE
};

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c != 0 ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static Str unescape(Arena *arena, Str part)
{
    char  *out = arena_alloc(arena, part.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < part.len; i++) {
        int high = part.ptr[i] == '%' && i + 2 < part.len ? hex_digit(part.ptr[i + 1]) : -1;
        int low  = high >= 0 ? hex_digit(part.ptr[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        out[len++] = low >= 0 ? (char)(high * 16 + low) : part.ptr[i];
    }
    return str_n(out, len);
}

/* The next part of a path, behind its slash; *rest: what follows. */
static bool next_part(Str *rest, Str *part)
{
    if (rest->len == 0 || rest->ptr[0] != '/')
        return false;
    const char *end = memchr(rest->ptr + 1, '/', rest->len - 1);
    size_t      len = end != NULL ? (size_t)(end - rest->ptr) - 1 : rest->len - 1;
    *part           = str_n(rest->ptr + 1, len);
    *rest           = str_n(rest->ptr + 1 + len, rest->len - 1 - len);
    return true;
}

static bool matches(const char *pattern, Str path, Answering *a)
{
    Str    left  = str_c(pattern), want, have;
    size_t parts = 0;
    memset(a->parts, 0, sizeof a->parts);
    while (next_part(&left, &want)) {
        if (!next_part(&path, &have) || have.len == 0)
            return false;
        if (str_equal(want, STR_LIT("{}")))
            a->parts[parts++] = unescape(a->request->arena, have);
        else if (!str_equal(want, have))
            return false;
    }
    return path.len == 0 || str_equal(path, STR_LIT("/"));
}

bool registry_api_serves(Str path)
{
    Str first = STR_NULL, part;
    next_part(&path, &first);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        Str known = str_c(routes[i].path);
        if (next_part(&known, &part) && str_equal(first, part))
            return true;
    }
    return false;
}

static void add_method(StrBuf *allowed, const char *method)
{
    if (str_find(strbuf_str(allowed), str_c(method), 0) < 0)
        strbuf_addf(allowed, "%s%s", allowed->len > 0 ? ", " : "", method);
}

void registry_api_answer(RegistryKeeper *keeper, const RegistryRequest *request, RegistryReply *out)
{
    Answering a       = {.keeper = keeper, .request = request, .reply = out};
    StrBuf    allowed = {0};
    Str       method  = str_equal(request->method, STR_LIT("HEAD")) ? STR_LIT("GET") : request->method;
    *out              = (RegistryReply){0};
    for (size_t i = 0; i < ARRAY_LEN(routes) && out->status == 0; i++) {
        if (!matches(routes[i].path, request->path, &a))
            continue;
        if (str_equal(method, str_c(routes[i].method)))
            routes[i].answer(&a);
        else
            add_method(&allowed, routes[i].method);
    }
    if (out->status == 0 && allowed.len == 0)
        reply_refusal(&a, 404, "HTTP 404 Not Found");
    else if (out->status == 0) {
        reply_refusal(&a, 405, "HTTP 405 Method Not Allowed");
        out->allow = str_to_c(request->arena, strbuf_str(&allowed));
    }
    strbuf_clear(&allowed);
}

/* ---- replies ---- */

json_t *json_of(Str text) { return json_stringn(text.ptr != NULL ? text.ptr : "", text.len); }

Str registry_api_error(Arena *arena, int code, const char *message)
{
    Str     told = utf8_repair(arena, str_c(message));
    json_t *json = json_pack("{s:i, s:o}", "error_code", code, "message", json_of(told));
    char   *text = json_dumps(json, JSON_COMPACT);
    Str     body = str_dup(arena, str_c(text));
    free(text); /* jansson's */
    json_decref(json);
    return body;
}

void reply_json(Answering *a, json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(document);
    if (text == NULL) {
        reply_refusal(a, 50001, "Error in the backend data store: a text of it cannot be written as JSON");
        return;
    }
    a->reply->status = 200;
    a->reply->body   = str_dup(a->request->arena, str_c(text));
    free(text); /* jansson's */
}

void reply_refusal(Answering *a, int code, const char *message)
{
    a->reply->status = code >= 1000 ? code / 100 : code;
    a->reply->body   = registry_api_error(a->request->arena, code, message);
}

void reply_failure(Answering *a, int code, const Error *err)
{
    if (code != 0) {
        reply_refusal(a, code, err->message);
        return;
    }
    Str told = str_printf(a->request->arena, "Error in the backend data store: %s", err->message);
    reply_refusal(a, 50001, str_to_c(a->request->arena, told));
}

/* ---- requests ---- */

bool asks_for(const Answering *a, const char *name)
{
    Str value = a->request->parameter(a->request->context, name);
    return !str_is_null(value) && str_equal_nocase(value, STR_LIT("true"));
}

json_t *read_body(Answering *a)
{
    json_error_t why;
    Str          text = a->request->body;
    json_t      *body = json_loadb(text.ptr != NULL ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(body))
        return body;
    if (body != NULL)
        snprintf(why.text, sizeof why.text, "the body is no object");
    json_decref(body);
    reply_refusal(a, 400,
                  str_to_c(a->request->arena, str_printf(a->request->arena, "Bad request: %s", why.text)));
    return NULL;
}

static bool read_references(Answering *a, const json_t *list, RegisteredSchema *out)
{
    size_t           count      = json_array_size(list);
    SchemaReference *references = ARENA_ARRAY(a->request->arena, SchemaReference, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *one  = json_array_get(list, i);
        const char   *name = json_string_value(json_object_get(one, "name"));
        const char   *from = json_string_value(json_object_get(one, "subject"));
        json_int_t    n    = json_integer_value(json_object_get(one, "version"));
        if (name == NULL || from == NULL || n < 1 || n > INT32_MAX) {
            reply_refusal(a, CODE_INVALID_SCHEMA, "A reference needs a name, a subject and a version");
            return false;
        }
        references[i] = (SchemaReference){str_c(name), str_c(from), (int)n};
    }
    out->references      = references;
    out->reference_count = count;
    return true;
}

/* What would be dropped in silence otherwise. */
static bool refuse_unbuilt(Answering *a, const json_t *body)
{
    static const char *const members[] = {"metadata", "ruleSet", "schemaTagsToAdd", "schemaTagsToRemove"};
    Arena                   *arena     = a->request->arena;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *given = json_object_get(body, members[i]);
        if (given == NULL || json_is_null(given))
            continue;
        Str told = str_printf(arena, "\"%s\" is not built in this registry", members[i]);
        reply_refusal(a, CODE_NOT_BUILT, str_to_c(arena, told));
        return true;
    }
    if (asks_for(a, "normalize")) {
        reply_refusal(a, CODE_NOT_BUILT, "normalize=true is not built in this registry");
        return true;
    }
    return false;
}

bool read_schema_body(Answering *a, const json_t *body, RegisteredSchema *out)
{
    const json_t *text = json_object_get(body, "schema"), *kind = json_object_get(body, "schemaType");
    *out     = (RegisteredSchema){0};
    Str name = json_is_string(kind) ? str_c(json_string_value(kind)) : STR_NULL;
    if (refuse_unbuilt(a, body))
        return false;
    if (!json_is_string(text)) {
        reply_refusal(a, CODE_INVALID_SCHEMA, "Empty schema");
        return false;
    }
    if (!schema_kind_parse(name, &out->kind)) {
        Str told = str_printf(a->request->arena, "Invalid schema type " STR_FMT, STR_ARG(name));
        reply_refusal(a, CODE_INVALID_SCHEMA, str_to_c(a->request->arena, told));
        return false;
    }
    out->text = str_n(json_string_value(text), json_string_length(text));
    return read_references(a, json_object_get(body, "references"), out);
}

static bool read_number(Str part, int64_t *out)
{
    bool negative = part.len > 1 && part.ptr[0] == '-';
    *out          = 0;
    if (part.len == 0 || part.len > 11)
        return false;
    for (size_t i = negative; i < part.len; i++) {
        if (part.ptr[i] < '0' || part.ptr[i] > '9')
            return false;
        *out = *out * 10 + (part.ptr[i] - '0');
    }
    *out = negative ? -*out : *out;
    return true;
}

bool read_version_part(Answering *a, Str part, int *out)
{
    int64_t n;
    *out = 0;
    if (str_equal(part, STR_LIT("latest")))
        return true;
    if (read_number(part, &n) && ((n >= 1 && n <= INT32_MAX) || n == -1)) {
        *out = n == -1 ? 0 : (int)n;
        return true;
    }
    Str told = str_printf(a->request->arena,
                          "The specified version '" STR_FMT "' is not a valid version id. Allowed values are "
                          "between [1, 2^31-1] and the string \"latest\"",
                          STR_ARG(part));
    reply_refusal(a, CODE_INVALID_VERSION, str_to_c(a->request->arena, told));
    return false;
}

/* Confluent's framework takes a path that is no number for one that it does not serve. */
bool read_id_part(Answering *a, Str part, int32_t *out)
{
    int64_t n;
    if (read_number(part, &n) && n >= INT32_MIN && n <= INT32_MAX) {
        *out = (int32_t)n;
        return true;
    }
    reply_refusal(a, 404, "HTTP 404 Not Found");
    return false;
}

bool look(Answering *a, const RegistryModel **model)
{
    Error err;
    if (keeper_look(a->keeper, model, &err) == OK)
        return true;
    reply_failure(a, 0, &err);
    return false;
}
