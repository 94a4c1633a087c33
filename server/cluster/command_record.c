/*
 * command_record.c - see command_record.h.
 */
#include "server/cluster/command_record.h"

#include "core/logger.h"

enum { COMMAND_VERSION = 18 };

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

Status command_record_make(Str command_id, Str statement, const Properties *overrides, const json_t *topics,
                           CommandRecord *out, Error *err)
{
    json_t *id = json_stringn(command_id.ptr, command_id.len);
    json_t *command =
        json_pack("{s:s%, s:o, s:{}, s:n, s:i, s:o*}", "statement", statement.ptr, statement.len,
                  "streamsProperties", properties_json(overrides), "originalProperties", "plan", "version",
                  (int)COMMAND_VERSION, "topics", topics != NULL ? json_deep_copy(topics) : NULL);
    *out = (CommandRecord){json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT), json_dumps(command, JSON_COMPACT)};
    json_decref(id);
    json_decref(command);
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

static Status apply(Engine *engine, const LogRecord *record, const json_t *json, const Properties *properties,
                    Arena *arena, Error *err)
{
    Session       session;
    const char   *name;
    json_t       *value, *overrides = json_object_get(json, "streamsProperties");
    LoggedCommand command = {.id     = command_id(record, arena),
                             .text   = string_of(json_object_get(json, "statement")),
                             .topics = json_object_get(json, "topics"),
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
    json_t *command = json_loadb(record->value.ptr, record->value.len, 0, NULL);
    Status  status  = OK;
    if (json_integer_value(json_object_get(command, "version")) > COMMAND_VERSION) {
        json_decref(command);
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "command %lld of the command topic was written by a later version",
                         (long long)record->offset);
    }
    if (!is_command(command)) {
        log_line(LOG_ERROR, "command %lld is not understood and left out", (long long)record->offset);
    } else {
        Arena *arena = arena_new(0);
        status       = apply(engine, record, command, properties, arena, err);
        arena_free(arena);
    }
    json_decref(command);
    return status;
}
