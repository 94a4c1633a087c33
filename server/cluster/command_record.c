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

/* The plan is text already, and long: the rest is written around it. */
static char *around_plan(json_t *head, Str plan)
{
    char  *text = json_dumps(head, JSON_COMPACT);
    StrBuf out  = {0};
    if (text != NULL) {
        strbuf_add(&out, str_n(text, strlen(text) - 1));
        strbuf_adds(&out, ",\"plan\":");
        strbuf_add(&out, str_is_null(plan) ? STR_LIT("null") : plan);
        strbuf_addc(&out, '}');
        free(text); /* jansson's */
        text = str_to_heap(strbuf_str(&out));
    }
    strbuf_clear(&out);
    return text;
}

Status command_record_make(const CommandText *command, CommandRecord *out, Error *err)
{
    json_t *topics = command->topics != NULL ? json_deep_copy(command->topics) : json_null();
    json_t *id     = json_stringn(command->id.ptr, command->id.len);
    json_t *json = json_pack("{s:s%, s:o, s:{}, s:i, s:o}", "statement", command->text.ptr, command->text.len,
                             "streamsProperties", properties_json(command->overrides), "originalProperties",
                             "version", (int)COMMAND_VERSION, "topics", topics);
    char   *key  = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
    *out         = (CommandRecord){key != NULL ? mem_strdup(key) : NULL, around_plan(json, command->plan)};
    free(key); /* jansson's */
    json_decref(id);
    json_decref(json);
    if (out->key != NULL && out->value != NULL)
        return OK;
    command_record_clear(out);
    return error_set(err, E_PLAN, NO_POS, "The statement is not valid UTF-8");
}

void command_record_clear(CommandRecord *record)
{
    mem_free(record->key);
    mem_free(record->value);
    *record = (CommandRecord){0};
}

/* ---- carrying out ---- */

static bool is_text_object(const DocNode *object)
{
    bool texts = doc_is_object(object);
    for (const DocNode *member = doc_first(object); member != NULL; member = doc_next(member))
        texts &= doc_is_text(member);
    return texts;
}

static bool is_command(const DocNode *command)
{
    return doc_is_text(doc_member(command, "statement")) &&
           is_text_object(doc_member(command, "streamsProperties"));
}

/* The id is the key, a JSON string; any other key is taken as it is. */
static Str command_id(const LogRecord *record, Arena *arena)
{
    const DocNode *key;
    Error          ignored;
    if (doc_parse(record->key, arena, &key, &ignored) == OK && doc_is_text(key))
        return str_dup(arena, doc_string(key));
    return str_dup(arena, record->key);
}

static Status apply(Engine *engine, const LogRecord *record, const DocNode *json, Arena *arena, Error *err)
{
    Session        session;
    const DocNode *plan = doc_member(json, "plan"), *topics = doc_member(json, "topics");
    LoggedCommand  command = {.id     = command_id(record, arena),
                              .text   = doc_string(doc_member(json, "statement")),
                              .topics = doc_is_object(topics) ? topics : NULL,
                              .plan =
                                 doc_is_null(plan) ? NULL : plan, /* what is none is said by who reads it */
                              .offset = record->offset};
    session_init(&session, engine);
    for (const DocNode *set = doc_first(doc_member(json, "streamsProperties")); set != NULL;
         set                = doc_next(set))
        properties_set(session.overrides, doc_key(set), doc_string(set));
    Status status = engine_apply(engine, &session, &command, arena, err);
    session_clear(&session);
    return status;
}

static Status read_and_apply(Engine *engine, const LogRecord *record, Arena *arena, Error *err)
{
    const DocNode *command;
    Error          ignored;
    int64_t        version;
    if (doc_parse(record->value, arena, &command, &ignored) != OK)
        command = NULL;
    if (doc_whole(doc_member(command, "version"), &version) && version > COMMAND_VERSION)
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "command %lld (" STR_FMT ") of the command topic was written by a later version",
                         (long long)record->offset, STR_ARG(record->key));
    if (is_command(command))
        return apply(engine, record, command, arena, err);
    log_line(LOG_ERROR, "command %lld (" STR_FMT ") is not understood and left out",
             (long long)record->offset, STR_ARG(record->key));
    return OK;
}

Status command_record_apply(Engine *engine, const LogRecord *record, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = read_and_apply(engine, record, arena, err);
    arena_free(arena);
    return status;
}
