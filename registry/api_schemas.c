/*
 * api_schemas.c - answers about subjects, versions and schemas (api_routes.def).
 *
 * While the model is looked at nobody else gets at it, so documents are made then and sent afterwards.
 */
#include "registry/api_answer.h"
#include "serde/schema_text.h"

/* ---- documents ---- */

static json_t *references_of(const RegisteredSchema *schema)
{
    json_t *list = json_array();
    for (size_t i = 0; i < schema->reference_count; i++) {
        const SchemaReference *one  = &schema->references[i];
        json_t                *item = json_object();
        json_object_set_new(item, "name", json_of(one->name));
        json_object_set_new(item, "subject", json_of(one->subject));
        json_object_set_new(item, "version", json_integer(one->version));
        json_array_append_new(list, item);
    }
    return list;
}

/* What is AVRO or empty goes without saying. */
static void add_schema(json_t *document, const RegisteredSchema *schema, Str text)
{
    if (schema->kind != SCHEMA_AVRO)
        json_object_set_new(document, "schemaType", json_string(schema_kind_name(schema->kind)));
    if (schema->reference_count > 0)
        json_object_set_new(document, "references", references_of(schema));
    json_object_set_new(document, "schema", json_of(text));
}

static json_t *version_document(Str subject, const ModelVersion *version)
{
    json_t *document = json_object();
    json_object_set_new(document, "subject", json_of(subject));
    json_object_set_new(document, "version", json_integer(version->version));
    json_object_set_new(document, "id", json_integer(version->schema->schema.id));
    add_schema(document, &version->schema->schema, version->schema->schema.text);
    return document;
}

static void reply_version_not_found(Answering *a, const RegistryModel *model, Str subject, int version)
{
    Error err;
    int   code = 0;
    refuse_version_not_found(&code, model, subject, version, &err);
    reply_failure(a, code, &err);
}

static void reply_subject_not_found(Answering *a, Str subject)
{
    Error err;
    int   code = 0;
    refuse_subject_not_found(&code, subject, &err);
    reply_failure(a, code, &err);
}

static void reply_id_not_found(Answering *a, int32_t id)
{
    Str told = str_printf(a->request->arena, "Schema %d not found", (int)id);
    reply_refusal(a, CODE_SCHEMA_NOT_FOUND, str_to_c(a->request->arena, told));
}

/* ---- subjects ---- */

void answer_subjects(Answering *a)
{
    const RegistryModel *model;
    Str                  prefix  = a->request->parameter(a->request->context, "subjectPrefix");
    bool                 deleted = asks_for(a, "deleted"), only = asks_for(a, "deletedOnly");
    json_t              *names = json_array();
    if (!look(a, &model)) {
        json_decref(names);
        return;
    }
    for (size_t i = 0; i < model->subject_count; i++) {
        const ModelSubject *subject = model->subjects[i];
        bool                live    = subject_has_any(subject, false);
        bool                wanted  = only ? !live && subject_has_any(subject, true)
                                           : live || (deleted && subject_has_any(subject, true));
        if (wanted && (str_is_null(prefix) || str_starts_with(str_c(subject->name), prefix)))
            json_array_append_new(names, json_of(str_c(subject->name)));
    }
    keeper_done(a->keeper);
    reply_json(a, names);
}

void answer_versions(Answering *a)
{
    const RegistryModel *model;
    bool                 deleted = asks_for(a, "deleted"), only = asks_for(a, "deletedOnly");
    json_t              *numbers = json_array();
    if (!look(a, &model)) {
        json_decref(numbers);
        return;
    }
    const ModelSubject *subject = model_subject(model, a->parts[0]);
    for (size_t i = 0; subject != NULL && i < subject->count; i++) {
        const ModelVersion *one = &subject->versions[i];
        if (only ? one->deleted : deleted || !one->deleted)
            json_array_append_new(numbers, json_integer(one->version));
    }
    keeper_done(a->keeper);
    if (json_array_size(numbers) > 0) {
        reply_json(a, numbers);
        return;
    }
    json_decref(numbers);
    reply_subject_not_found(a, a->parts[0]);
}

/* NULL: a refusal was replied. Else keeper_done is to follow. */
static const ModelVersion *find_version(Answering *a, const RegistryModel **model)
{
    int version;
    if (!read_version_part(a, a->parts[1], &version) || !look(a, model))
        return NULL;
    const ModelVersion *found = model_version(*model, a->parts[0], version, asks_for(a, "deleted"));
    if (found != NULL)
        return found;
    reply_version_not_found(a, *model, a->parts[0], version);
    keeper_done(a->keeper);
    return NULL;
}

void answer_version(Answering *a)
{
    const RegistryModel *model;
    const ModelVersion  *found = find_version(a, &model);
    if (found == NULL)
        return;
    json_t *document = version_document(a->parts[0], found);
    keeper_done(a->keeper);
    reply_json(a, document);
}

static void reply_text(Answering *a, Str text)
{
    a->reply->status = 200;
    a->reply->body   = str_dup(a->request->arena, text);
}

void answer_version_text(Answering *a)
{
    const RegistryModel *model;
    const ModelVersion  *found = find_version(a, &model);
    if (found == NULL)
        return;
    reply_text(a, found->schema->schema.text);
    keeper_done(a->keeper);
}

void answer_referenced_by(Answering *a)
{
    const RegistryModel *model;
    const ModelVersion  *found = find_version(a, &model);
    json_t              *ids   = json_array();
    for (size_t i = 0; found != NULL && i < model->schema_count; i++)
        if (schema_refers_to(model->schemas[i], a->parts[0], found->version) &&
            model_is_live(model, model->schemas[i]))
            json_array_append_new(ids, json_integer(model->schemas[i]->schema.id));
    if (found == NULL) {
        json_decref(ids);
        return;
    }
    keeper_done(a->keeper);
    reply_json(a, ids);
}

/* ---- registering, looking up, deleting ---- */

void answer_register(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0]};
    Error          err;
    json_t        *body = read_body(a);
    if (body == NULL)
        return;
    const json_t *id = json_object_get(body, "id");
    if (json_is_integer(id) && json_integer_value(id) > 0)
        reply_refusal(a, CODE_NOT_PERMITTED,
                      "A schema gets its id from the registry: mode IMPORT is not built");
    else if (read_schema_body(a, body, &change.schema)) {
        if (keeper_change(a->keeper, change_register, &change, &err) == OK)
            reply_json(a, json_pack("{s:i}", "id", (int)change.id));
        else
            reply_failure(a, change.code, &err);
    }
    json_decref(body);
}

static void look_up(Answering *a, const RegistryModel *model, const RegisteredSchema *wanted)
{
    RegisteredSchema    schema;
    Error               err;
    int                 code    = 0;
    bool                deleted = asks_for(a, "deleted");
    const ModelSubject *subject = model_subject(model, a->parts[0]);
    if (!subject_has_any(subject, deleted)) {
        reply_subject_not_found(a, a->parts[0]);
        return;
    }
    if (rules_canonical(model, wanted, a->request->arena, &schema, &code, &err) != OK) {
        reply_failure(a, code, &err);
        return;
    }
    const ModelVersion *found = subject_find(subject, &schema, deleted);
    if (found != NULL)
        reply_json(a, version_document(a->parts[0], found));
    else
        reply_refusal(a, CODE_SCHEMA_NOT_FOUND, "Schema not found");
}

void answer_lookup(Answering *a)
{
    const RegistryModel *model;
    RegisteredSchema     wanted;
    json_t              *body = read_body(a);
    if (body == NULL)
        return;
    if (read_schema_body(a, body, &wanted) && look(a, &model)) {
        look_up(a, model, &wanted);
        keeper_done(a->keeper);
    }
    json_decref(body);
}

void answer_delete_subject(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0], .permanent = asks_for(a, "permanent")};
    Error          err;
    json_t        *numbers = json_array();
    if (keeper_change(a->keeper, change_delete_subject, &change, &err) == OK) {
        for (size_t i = 0; i < change.version_count; i++)
            json_array_append_new(numbers, json_integer(change.versions[i]));
        reply_json(a, numbers);
    } else {
        json_decref(numbers);
        reply_failure(a, change.code, &err);
    }
    mem_free(change.versions);
}

void answer_delete_version(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0], .permanent = asks_for(a, "permanent")};
    Error          err;
    if (!read_version_part(a, a->parts[1], &change.version))
        return;
    if (keeper_change(a->keeper, change_delete_version, &change, &err) == OK)
        reply_json(a, json_integer(change.versions[0]));
    else
        reply_failure(a, change.code, &err);
    mem_free(change.versions);
}

/* ---- schemas by id ---- */

/* NULL: a refusal was replied. Else keeper_done is to follow. */
static const ModelSchema *find_id(Answering *a, const RegistryModel **model)
{
    int32_t id;
    if (!read_id_part(a, a->parts[0], &id) || !look(a, model))
        return NULL;
    const ModelSchema *found = model_schema(*model, id);
    if (found != NULL)
        return found;
    keeper_done(a->keeper);
    reply_id_not_found(a, id);
    return NULL;
}

void answer_id(Answering *a)
{
    const RegistryModel *model;
    Str                  format = a->request->parameter(a->request->context, "format"), text;
    Error                err;
    bool                 plain = str_is_null(format) || format.len == 0;
    if (!plain && !str_equal(format, STR_LIT("serialized"))) {
        Str told = str_printf(a->request->arena, "format=" STR_FMT " is not built in this registry",
                              STR_ARG(format));
        reply_refusal(a, CODE_NOT_BUILT, str_to_c(a->request->arena, told));
        return;
    }
    const ModelSchema *found = find_id(a, &model);
    if (found == NULL)
        return;
    text             = found->schema.text;
    Status  status   = plain ? OK : rules_serialized(model, &found->schema, a->request->arena, &text, &err);
    json_t *document = json_object();
    if (status == OK)
        add_schema(document, &found->schema, text);
    if (asks_for(a, "fetchMaxId"))
        json_object_set_new(document, "maxId", json_integer(model->greatest_id));
    keeper_done(a->keeper);
    if (status == OK)
        reply_json(a, document);
    else {
        json_decref(document);
        reply_failure(a, CODE_INVALID_SCHEMA, &err);
    }
}

void answer_id_text(Answering *a)
{
    const RegistryModel *model;
    const ModelSchema   *found = find_id(a, &model);
    if (found == NULL)
        return;
    reply_text(a, found->schema.text);
    keeper_done(a->keeper);
}

/* Each version that has the schema; `names`: its subject alone, once. */
static void reply_places(Answering *a, bool names)
{
    const RegistryModel *model;
    const ModelSchema   *found = find_id(a, &model);
    if (found == NULL)
        return;
    bool    deleted = asks_for(a, "deleted");
    json_t *list    = json_array();
    for (size_t i = 0; i < model->subject_count; i++) {
        const ModelSubject *subject = model->subjects[i];
        for (size_t j = 0; j < subject->count; j++) {
            const ModelVersion *one = &subject->versions[j];
            if (one->schema != found || (one->deleted && !deleted))
                continue;
            json_t *name = json_of(str_c(subject->name));
            json_array_append_new(
                list, names ? name : json_pack("{s:o, s:i}", "subject", name, "version", one->version));
            if (names)
                break;
        }
    }
    keeper_done(a->keeper);
    reply_json(a, list);
}

void answer_id_subjects(Answering *a) { reply_places(a, true); }

void answer_id_versions(Answering *a) { reply_places(a, false); }

void answer_types(Answering *a) { reply_json(a, json_pack("[s, s, s]", "JSON", "PROTOBUF", "AVRO")); }

/* ---- all of them ---- */

/* A number of the query; `otherwise` where there is none. */
static int64_t number_parameter(const Answering *a, const char *name, int64_t otherwise)
{
    Str     text = a->request->parameter(a->request->context, name);
    int64_t n    = 0;
    if (str_is_null(text) || text.len == 0 || text.len > 9)
        return otherwise;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return otherwise;
        n = n * 10 + (text.ptr[i] - '0');
    }
    return n;
}

void answer_schemas(Answering *a)
{
    const RegistryModel *model;
    Str                  prefix  = a->request->parameter(a->request->context, "subjectPrefix");
    bool                 deleted = asks_for(a, "deleted"), latest = asks_for(a, "latestOnly");
    int64_t              skip = number_parameter(a, "offset", 0), limit = number_parameter(a, "limit", -1);
    json_t              *list = json_array();
    if (!look(a, &model)) {
        json_decref(list);
        return;
    }
    for (size_t i = 0; i < model->subject_count; i++) {
        const ModelSubject *subject = model->subjects[i];
        Str                 name    = str_c(subject->name);
        if (!str_is_null(prefix) && !str_starts_with(name, prefix))
            continue;
        for (size_t j = 0; j < subject->count; j++) {
            const ModelVersion *one = &subject->versions[j];
            bool                wanted =
                (deleted || !one->deleted) && (!latest || one == model_version(model, name, 0, deleted));
            if (wanted && skip-- <= 0 && (limit < 0 || (int64_t)json_array_size(list) < limit))
                json_array_append_new(list, version_document(name, one));
        }
    }
    keeper_done(a->keeper);
    reply_json(a, list);
}

void answer_contexts(Answering *a) { reply_json(a, json_pack("[s]", ".")); }
