/*
 * registry_http.c - see registry_http.h: which request each question is, what the answers mean, and what of
 * them is kept.
 *
 * A schema that has an id never changes, and neither does a version of a subject: both are kept, the oldest
 * going when there are KEPT_MOST. The latest version is asked for each time: only statements want it.
 *
 * A server that is silent has its time, and is then not asked a second time in the same round of attempts:
 * what has not answered in 10 s does not in another 10.
 */
#include "registry/registry_http.h"

#include <inttypes.h>
#include <pthread.h>

#include "registry/unknown_ids.h"
#include "serde/schema_text.h"

enum { KEPT_MOST = 4096, ANSWER_MS = 10000, PATIENCE_MS = 9000 };

typedef struct {
    Arena           *arena;
    Str              subject; /* ptr NULL: kept by its id */
    RegisteredSchema schema;
} Kept;

typedef struct {
    SchemaRegistry  base;
    HttpClient     *client;
    UnknownIds      unknown;
    pthread_mutex_t lock; /* of what follows */
    Kept           *kept; /* a ring */
    size_t          kept_count, kept_next;
} HttpRegistry;

/* ---- documents ---- */

static Str text_of(const json_t *object, const char *name, Arena *arena)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? str_dup(arena, str_n(json_string_value(value), json_string_length(value)))
                                 : STR_NULL;
}

static Status no_sense(Str path, Error *err)
{
    return error_set(err, E_WAIT, NO_POS, "The schema registry's answer to " STR_FMT " makes no sense",
                     STR_ARG(path));
}

static Status read_references(const json_t *list, Arena *arena, RegisteredSchema *out, Str path, Error *err)
{
    size_t           count      = json_array_size(list);
    SchemaReference *references = ARENA_ARRAY(arena, SchemaReference, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        references[i]     = (SchemaReference){text_of(one, "name", arena), text_of(one, "subject", arena),
                                              (int)json_integer_value(json_object_get(one, "version"))};
        if (str_is_null(references[i].name) || str_is_null(references[i].subject))
            return no_sense(path, err);
    }
    out->references      = references;
    out->reference_count = count;
    return OK;
}

static Status read_schema(const json_t *answer, Arena *arena, RegisteredSchema *out, Str path, Error *err)
{
    const json_t *kind = json_object_get(answer, "schemaType");
    *out               = (RegisteredSchema){
                      .text    = text_of(answer, "schema", arena),
                      .id      = (int32_t)json_integer_value(json_object_get(answer, "id")),
                      .version = (int)json_integer_value(json_object_get(answer, "version")),
    };
    if (str_is_null(out->text) || (kind != NULL && !json_is_string(kind)) ||
        !schema_kind_parse(kind != NULL ? str_c(json_string_value(kind)) : STR_LIT("AVRO"), &out->kind))
        return no_sense(path, err);
    return read_references(json_object_get(answer, "references"), arena, out, path, err);
}

static json_t *write_schema(const RegisteredSchema *schema)
{
    json_t *body = json_object(), *references = json_array();
    json_object_set_new(body, "schema", json_stringn(schema->text.ptr, schema->text.len));
    if (schema->kind != SCHEMA_AVRO) /* what old registries do not know is not said without need */
        json_object_set_new(body, "schemaType", json_string(schema_kind_name(schema->kind)));
    for (size_t i = 0; i < schema->reference_count; i++) {
        const SchemaReference *one = &schema->references[i];
        json_array_append_new(references,
                              json_pack("{s:s%,s:s%,s:i}", "name", one->name.ptr, one->name.len, "subject",
                                        one->subject.ptr, one->subject.len, "version", one->version));
    }
    if (schema->reference_count > 0)
        json_object_set(body, "references", references);
    json_decref(references);
    return body;
}

/* ---- what is kept ---- */

/* `subject` NULL: by id. */
static bool find_kept(HttpRegistry *self, Str subject, int32_t number, Arena *arena, RegisteredSchema *out)
{
    bool found = false;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->kept_count && !found; i++) {
        const Kept *kept = &self->kept[i];
        if (str_is_null(kept->subject) != str_is_null(subject))
            continue;
        found = str_is_null(subject) ? kept->schema.id == number
                                     : kept->schema.version == number && str_equal(kept->subject, subject);
        if (found)
            *out = registered_schema_copy(&kept->schema, arena);
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

static void keep(HttpRegistry *self, Str subject, const RegisteredSchema *schema)
{
    Arena *arena = arena_new(0);
    Kept   kept  = {arena, str_is_null(subject) ? STR_NULL : str_dup(arena, subject),
                    registered_schema_copy(schema, arena)};
    pthread_mutex_lock(&self->lock);
    if (self->kept_count < KEPT_MOST) {
        self->kept                     = mem_realloc(self->kept, (self->kept_count + 1) * sizeof *self->kept);
        self->kept[self->kept_count++] = kept;
    } else {
        arena_free(self->kept[self->kept_next].arena);
        self->kept[self->kept_next] = kept;
        self->kept_next             = (self->kept_next + 1) % KEPT_MOST;
    }
    pthread_mutex_unlock(&self->lock);
}

/* Of the id, or of everything. */
static void drop_kept(HttpRegistry *self, bool all, int32_t id)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = self->kept_count; i > 0; i--) {
        Kept *kept = &self->kept[i - 1];
        if (!all && (!str_is_null(kept->subject) || kept->schema.id != id))
            continue;
        arena_free(kept->arena);
        *kept = self->kept[--self->kept_count];
    }
    if (self->kept_next >= self->kept_count)
        self->kept_next = 0;
    pthread_mutex_unlock(&self->lock);
}

static bool is_same(HttpRegistry *self, const RegisteredSchema *a, const RegisteredSchema *b, Arena *arena)
{
    Str one, other;
    if (a->kind != b->kind || str_equal(a->text, b->text))
        return a->kind == b->kind;
    return schema_canonical(a, &self->base, arena, &one, NULL) == OK &&
           schema_canonical(b, &self->base, arena, &other, NULL) == OK && str_equal(one, other);
}

/* An id that stands for another schema than it did is of a registry that was set up anew, as happens where
 * people try things: what is kept of the old one is worth nothing. */
static void notice_another(HttpRegistry *self, int32_t id, const RegisteredSchema *schema)
{
    Arena           *arena = arena_new(0);
    RegisteredSchema known;
    if (find_kept(self, STR_NULL, id, arena, &known) && !is_same(self, &known, schema, arena))
        drop_kept(self, true, 0);
    arena_free(arena);
}

/* ---- questions ---- */

/* What a status that is no success means. The registry's own words, where it has some. */
static Status refused(Str path, long status, const json_t *answer, Error *err)
{
    const char *message = http_answer_message(answer);
    if (message == NULL)
        message = status == 404 ? "not found" : "no reason given";
    return error_set(err, status == 404 ? E_NOT_FOUND : E_PLAN, NO_POS,
                     "%s (schema registry, " STR_FMT ", status %ld)", message, STR_ARG(path), status);
}

/* OK: *answer is of that type. */
static Status ask(HttpRegistry *self, HttpMethod method, StrBuf *path, const json_t *body, json_type type,
                  json_t **answer, Error *err)
{
    HttpQuestion question = {method, strbuf_str(path), body, false};
    HttpAnswer   got;
    *answer = NULL;
    TRY(http_client_ask(self->client, &question, &got, err));
    if (got.status >= 200 && got.status < 300 && got.json != NULL && json_typeof(got.json) == type) {
        *answer = got.json;
        return OK;
    }
    Status result =
        got.status >= 400 ? refused(question.path, got.status, got.json, err) : no_sense(question.path, err);
    json_decref(got.json);
    return result;
}

static Status fetch(HttpRegistry *self, StrBuf *path, Arena *arena, RegisteredSchema *out, Error *err)
{
    json_t *answer;
    TRY(ask(self, HTTP_GET, path, NULL, JSON_OBJECT, &answer, err));
    Status status = read_schema(answer, arena, out, strbuf_str(path), err);
    json_decref(answer);
    return status;
}

static Status by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    HttpRegistry *self = (HttpRegistry *)base;
    StrBuf        path = {0};
    if (find_kept(self, STR_NULL, id, arena, out))
        return OK;
    if (unknown_ids_has(&self->unknown, id))
        return error_set(err, E_NOT_FOUND, NO_POS, "Schema %" PRId32 " not found", id);
    strbuf_addf(&path, "/schemas/ids/%" PRId32, id);
    Status status = fetch(self, &path, arena, out, err);
    if (status == OK) {
        out->id      = id;
        out->version = 0;
        keep(self, STR_NULL, out);
    } else if (status == E_NOT_FOUND)
        unknown_ids_add(&self->unknown, id);
    strbuf_clear(&path);
    return status;
}

static void add_versions(StrBuf *path, const char *before, Str subject)
{
    strbuf_adds(path, before);
    http_client_escape(path, subject);
    strbuf_adds(path, "/versions");
}

static Status by_version(SchemaRegistry *base, Str subject, int version, Arena *arena, RegisteredSchema *out,
                         Error *err)
{
    HttpRegistry *self = (HttpRegistry *)base;
    StrBuf        path = {0};
    if (version > 0 && find_kept(self, subject, version, arena, out))
        return OK;
    add_versions(&path, "/subjects/", subject);
    if (version > 0)
        strbuf_addf(&path, "/%d", version);
    else
        strbuf_adds(&path, "/latest");
    Status status = fetch(self, &path, arena, out, err);
    if (status == OK && version > 0)
        keep(self, subject, out);
    else if (status == OK)
        notice_another(self, out->id, out);
    strbuf_clear(&path);
    return status;
}

static Status enroll(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, int32_t *id,
                     Error *err)
{
    HttpRegistry *self = (HttpRegistry *)base;
    StrBuf        path = {0};
    json_t       *body = write_schema(schema), *answer;
    add_versions(&path, "/subjects/", subject);
    Status status = ask(self, HTTP_POST, &path, body, JSON_OBJECT, &answer, err);
    if (status == OK) {
        const json_t *number = json_object_get(answer, "id");
        if (json_is_integer(number))
            *id = (int32_t)json_integer_value(number);
        else
            status = no_sense(strbuf_str(&path), err);
        json_decref(answer);
        if (status == OK)
            notice_another(self, *id, schema);
    } else if (status == E_NOT_FOUND)
        err->code = status = E_PLAN; /* a reference that is not there */
    json_decref(body);
    strbuf_clear(&path);
    return status;
}

static Status incompatible(const json_t *answer, Str subject, Error *err)
{
    const json_t *messages = json_object_get(answer, "messages");
    StrBuf        why      = {0};
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const char *one = json_string_value(json_array_get(messages, i));
        if (one != NULL)
            strbuf_addf(&why, "%s%s", why.len > 0 ? "; " : ": ", one);
    }
    Status status = error_set(
        err, E_PLAN, NO_POS,
        "Schema being registered is incompatible with an earlier schema for subject \"" STR_FMT "\"" STR_FMT,
        STR_ARG(subject), STR_ARG(strbuf_str(&why)));
    strbuf_clear(&why);
    return status;
}

static Status check(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, Error *err)
{
    HttpRegistry *self = (HttpRegistry *)base;
    StrBuf        path = {0};
    Error         why;
    json_t       *body = write_schema(schema), *answer;
    add_versions(&path, "/compatibility/subjects/", subject);
    strbuf_adds(&path, "/latest?verbose=true");
    Status status = ask(self, HTTP_POST, &path, body, JSON_OBJECT, &answer, &why);
    if (status == OK) {
        const json_t *verdict = json_object_get(answer, "is_compatible");
        if (!json_is_boolean(verdict))
            status = no_sense(strbuf_str(&path), err);
        else if (json_is_false(verdict))
            status = incompatible(answer, subject, err);
        json_decref(answer);
    } else if (status == E_NOT_FOUND)
        status = OK; /* a new subject takes any schema */
    else if (err != NULL)
        *err = why;
    json_decref(body);
    strbuf_clear(&path);
    return status;
}

static Status in_subject(SchemaRegistry *base, Str subject, int32_t id, Error *err)
{
    HttpRegistry *self  = (HttpRegistry *)base;
    StrBuf        path  = {0};
    bool          found = false;
    json_t       *answer;
    strbuf_addf(&path, "/schemas/ids/%" PRId32 "/versions", id);
    Status status = ask(self, HTTP_GET, &path, NULL, JSON_ARRAY, &answer, err);
    strbuf_clear(&path);
    TRY(status);
    for (size_t i = 0; i < json_array_size(answer) && !found; i++) {
        const json_t *name = json_object_get(json_array_get(answer, i), "subject");
        found              = json_is_string(name) &&
                (str_is_null(subject) || str_equal(str_c(json_string_value(name)), subject));
    }
    json_decref(answer);
    return found ? OK : error_set(err, E_NOT_FOUND, NO_POS, "Schema %" PRId32 " not found", id);
}

static Status forget(SchemaRegistry *base, Str subject, Error *err)
{
    HttpRegistry *self = (HttpRegistry *)base;
    StrBuf        path = {0};
    json_t       *answer;
    strbuf_adds(&path, "/subjects/");
    http_client_escape(&path, subject);
    Status status = ask(self, HTTP_DELETE, &path, NULL, JSON_ARRAY, &answer, err);
    if (status == OK)
        json_decref(answer);
    strbuf_clear(&path);
    return status;
}

static void refresh(SchemaRegistry *base, int32_t id)
{
    HttpRegistry *self = (HttpRegistry *)base;
    drop_kept(self, false, id);
    unknown_ids_remove(&self->unknown, id);
}

/* ---- life ---- */

static void stop(SchemaRegistry *base) { http_client_stop(((HttpRegistry *)base)->client); }

static void close_registry(SchemaRegistry *base)
{
    HttpRegistry *self = (HttpRegistry *)base;
    http_client_free(self->client);
    for (size_t i = 0; i < self->kept_count; i++)
        arena_free(self->kept[i].arena);
    mem_free(self->kept);
    unknown_ids_clear(&self->unknown);
    pthread_mutex_destroy(&self->lock);
    mem_free(self);
}

Status registry_http_open(const HttpClientOptions *options, SchemaRegistry **out, Error *err)
{
    HttpClientOptions whole = *options;
    HttpClient       *client;
    whole.service     = "The schema registry";
    whole.media_type  = "application/vnd.schemaregistry.v1+json";
    whole.answer_ms   = ANSWER_MS;
    whole.patience_ms = PATIENCE_MS;
    whole.rests       = true;
    TRY(http_client_new(&whole, &client, err));
    HttpRegistry *self = mem_calloc(1, sizeof *self);
    self->base =
        (SchemaRegistry){by_id, by_version, enroll, check, in_subject, forget, refresh, stop, close_registry};
    self->client = client;
    unknown_ids_init(&self->unknown, options->clock);
    pthread_mutex_init(&self->lock, NULL);
    *out = &self->base;
    return OK;
}
