/*
 * command_record.c - see command_record.h.
 */
#include "server/cluster/command_record.h"

#include "core/logger.h"

enum { COMMAND_VERSION = 19 }; /* 18: without plans */

/* ---- making ---- */

static json_t *properties_json(const Properties *properties)
{
    json_t *object = json_object();
    Str     name, value;
    for (size_t i = 0; i < properties_count(properties); i++) {
        properties_at(properties, i, &name, &value);
        char *key = str_to_heap(name);
        json_object_set_new(object, key, json_stringn(value.ptr, value.len));
        mem_free(key);
    }
    return object;
}

static json_t *copy_or_null(const json_t *json) { return json != NULL ? json_deep_copy(json) : json_null(); }

Status command_record_make(const CommandText *command, CommandRecord *out, Error *err)
{
    json_t *id   = json_stringn(command->id.ptr, command->id.len);
    json_t *json = json_pack("{s:s%, s:o, s:{}, s:o, s:i, s:o}", "statement", command->text.ptr,
                             command->text.len, "streamsProperties", properties_json(command->overrides),
                             "originalProperties", "plan", copy_or_null(command->plan), "version",
                             (int)COMMAND_VERSION, "topics", copy_or_null(command->topics));
    *out = (CommandRecord){json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT), json_dumps(json, JSON_COMPACT)};
    json_decref(id);
    json_decref(json);
    if (out->key != NULL && out->value != NULL)
        return OK;
    command_record_clear(out);
    return error_set(err, E_PLAN, NO_POS, "The statement is not valid UTF-8");
}

void command_record_clear(CommandRecord *record)
{
    free(record->key); /* jansson's */
    free(record->value);
    *record = (CommandRecord){0};
}

/* ---- carrying out ---- */

static bool is_text_object(const json_t *object)
{
    const char *name;
    json_t     *value;
    json_object_foreach((json_t *)object, name, value) if (!json_is_string(value)) return false;
    return true;
}

static bool is_command(const json_t *command)
{
    return json_is_string(json_object_get(command, "statement")) &&
           is_text_object(json_object_get(command, "streamsProperties"));
}

static Str string_of(const json_t *json) { return str_n(json_string_value(json), json_string_length(json)); }

/* The id is the key, a JSON string; any other key is taken as it is. */
static Str command_id(const LogRecord *record, Arena *arena)
{
    json_t *key = json_loadb(record->key.ptr, record->key.len, JSON_DECODE_ANY, NULL);
    Str     id  = str_dup(arena, json_is_string(key) ? string_of(key) : record->key);
    json_decref(key);
    return id;
}

static const json_t *object_or_null(const json_t *json) { return json_is_object(json) ? json : NULL; }

/* What is no object is damaged, and said so by who reads it. */
static const json_t *not_null(const json_t *json) { return json_is_null(json) ? NULL : json; }

static Status apply(Engine *engine, const LogRecord *record, const json_t *json, const Properties *properties,
                    Arena *arena, Error *err)
{
    Session       session;
    const char   *name;
    json_t       *value, *overrides = json_object_get(json, "streamsProperties");
    LoggedCommand command = {.id     = command_id(record, arena),
                             .text   = string_of(json_object_get(json, "statement")),
                             .topics = object_or_null(json_object_get(json, "topics")),
                             .plan   = not_null(json_object_get(json, "plan")),
                             .offset = record->offset};
    session_init(&session, properties);
    json_object_foreach(overrides, name, value)
        properties_set(session.overrides, str_c(name), string_of(value));
    Status status = engine_apply(engine, &session, &command, arena, err);
    session_clear(&session);
    return status;
}

Status command_record_apply(Engine *engine, const LogRecord *record, const Properties *properties, Error *err)
{
    json_t *command = json_loadb(record->value.ptr, record->value.len, JSON_ALLOW_NUL, NULL);
    Status  status  = OK;
    if (json_integer_value(json_object_get(command, "version")) > COMMAND_VERSION) {
        json_decref(command);
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "command %lld of the command topic was written by a later version",
                         (long long)record->offset);
    }
    if (!is_command(command)) {
        log_line(LOG_ERROR, "command %lld (" STR_FMT ") is not understood and left out",
                 (long long)record->offset, STR_ARG(record->key));
    } else {
        Arena *arena = arena_new(0);
        status       = apply(engine, record, command, properties, arena, err);
        arena_free(arena);
    }
    json_decref(command);
    return status;
}
