/*
 * api_settings.c - answers about compatibility: is it, which level holds, and may anything be written
 * (api_routes.def).
 */
#include "registry/api_answer.h"

/* ---- would it be compatible? ---- */

static void reply_verdict(Answering *a, const RegistryModel *model, Status status, int against,
                          const Error *why)
{
    json_t *document = json_pack("{s:b}", "is_compatible", status == OK);
    if (asks_for(a, "verbose")) {
        Str     told     = utf8_repair(a->request->arena, str_c(status == OK ? "" : why->message));
        json_t *messages = json_array();
        if (status != OK) {
            const char *level = compatibility_level_name(model_level(model, a->parts[0]));
            json_array_append_new(messages, json_of(told));
            json_array_append_new(messages, json_sprintf("{oldSchemaVersion: %d}", against));
            json_array_append_new(messages, json_sprintf("{compatibility: '%s'}", level));
        }
        json_object_set_new(document, "messages", messages);
    }
    reply_json(a, document);
}

/* `version` -1: whatever the level says. Of a subject without versions the latest is compatible with
 * anything. */
static void judge(Answering *a, const RegistryModel *model, const RegisteredSchema *given, int version)
{
    RegisteredSchema schema;
    Error            err;
    int              code = 0, against = 0;
    if (rules_canonical(model, given, a->request->arena, &schema, &code, &err) != OK) {
        reply_failure(a, code, &err);
        return;
    }
    const ModelVersion *old = version >= 0 ? model_version(model, a->parts[0], version, false) : NULL;
    if (version > 0 && old == NULL) {
        refuse_version_not_found(&code, model, a->parts[0], version, &err);
        reply_failure(a, code, &err);
        return;
    }
    Status status =
        rules_compatible(model, a->parts[0], &schema, old != NULL ? old->version : 0, &against, &err);
    reply_verdict(a, model, status, against, &err);
}

void answer_compatibility(Answering *a)
{
    const RegistryModel *model;
    RegisteredSchema     schema;
    int                  version = -1;
    if (!str_is_null(a->parts[1]) && !read_version_part(a, a->parts[1], &version))
        return;
    json_t *body = read_body(a);
    if (body == NULL)
        return;
    if (read_schema_body(a, body, &schema) && look(a, &model)) {
        judge(a, model, &schema, version);
        keeper_done(a->keeper);
    }
    json_decref(body);
}

/* ---- levels ---- */

static void reply_not_set(Answering *a, int code, const char *what)
{
    Str told =
        str_printf(a->request->arena, "Subject '" STR_FMT "' does not have subject-level %s configured",
                   STR_ARG(a->parts[0]), what);
    reply_refusal(a, code, str_to_c(a->request->arena, told));
}

/* Does a subject without a setting of its own answer with the registry's? */
static bool falls_back(const Answering *a)
{
    return str_is_null(a->parts[0]) || asks_for(a, "defaultToGlobal");
}

void answer_level(Answering *a)
{
    const RegistryModel *model;
    if (!look(a, &model))
        return;
    const ModelSubject *subject = str_is_null(a->parts[0]) ? NULL : model_subject(model, a->parts[0]);
    CompatibilityLevel  level   = falls_back(a) || (subject != NULL && subject->level != LEVEL_UNSET)
                                      ? model_level(model, a->parts[0])
                                      : LEVEL_UNSET;
    keeper_done(a->keeper);
    if (level == LEVEL_UNSET)
        reply_not_set(a, CODE_LEVEL_NOT_SET, "compatibility");
    else
        reply_json(a, json_pack("{s:s}", "compatibilityLevel", compatibility_level_name(level)));
}

/* Other members of Confluent's would be dropped in silence. */
static bool has_others(Answering *a, json_t *body, const char *member)
{
    const char *name;
    json_t     *value;
    json_object_foreach(body, name, value)
    {
        if (strcmp(name, member) == 0 || json_is_null(value))
            continue;
        Str told = str_printf(a->request->arena, "\"%s\" is not built in this registry", name);
        reply_refusal(a, CODE_NOT_BUILT, str_to_c(a->request->arena, told));
        return true;
    }
    return false;
}

void answer_set_level(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0]};
    Error          err;
    json_t        *body = read_body(a);
    if (body == NULL)
        return;
    change.level = json_string_value(json_object_get(body, "compatibility"));
    change.level = change.level != NULL ? change.level : ""; /* no level of that name either */
    if (has_others(a, body, "compatibility")) {
        json_decref(body);
        return;
    }
    if (keeper_change(a->keeper, change_level, &change, &err) == OK) {
        CompatibilityLevel level;
        compatibility_level_parse(str_c(change.level), &level);
        reply_json(a, json_pack("{s:s}", "compatibility", compatibility_level_name(level)));
    } else
        reply_failure(a, change.code, &err);
    json_decref(body);
}

void answer_unset_level(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0]};
    Error          err;
    if (keeper_change(a->keeper, change_level, &change, &err) != OK) {
        reply_failure(a, change.code, &err);
        return;
    }
    CompatibilityLevel old = change.old_level != LEVEL_UNSET ? change.old_level : LEVEL_BACKWARD;
    reply_json(a, json_pack("{s:s}", "compatibilityLevel", compatibility_level_name(old)));
}

/* ---- modes ---- */

void answer_mode(Answering *a)
{
    const RegistryModel *model;
    if (!look(a, &model))
        return;
    const ModelSubject *subject = str_is_null(a->parts[0]) ? NULL : model_subject(model, a->parts[0]);
    RegistryMode        mode    = falls_back(a) || (subject != NULL && subject->mode != MODE_UNSET)
                                      ? model_mode(model, a->parts[0])
                                      : MODE_UNSET;
    keeper_done(a->keeper);
    if (mode == MODE_UNSET)
        reply_not_set(a, CODE_MODE_NOT_SET, "mode");
    else
        reply_json(a, json_pack("{s:s}", "mode", registry_mode_name(mode)));
}

void answer_set_mode(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0]};
    Error          err;
    json_t        *body = read_body(a);
    if (body == NULL)
        return;
    change.mode = json_string_value(json_object_get(body, "mode"));
    change.mode = change.mode != NULL ? change.mode : "";
    if (keeper_change(a->keeper, change_mode, &change, &err) == OK) {
        RegistryMode mode;
        registry_mode_parse(str_c(change.mode), &mode);
        reply_json(a, json_pack("{s:s}", "mode", registry_mode_name(mode)));
    } else
        reply_failure(a, change.code, &err);
    json_decref(body);
}

void answer_unset_mode(Answering *a)
{
    RegistryChange change = {.subject = a->parts[0]};
    Error          err;
    if (keeper_change(a->keeper, change_mode, &change, &err) != OK)
        reply_failure(a, change.code, &err);
    else
        reply_json(a, json_pack("{s:s}", "mode", registry_mode_name(change.old_mode)));
}
