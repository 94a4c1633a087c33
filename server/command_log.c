/*
 * command_log.c - see command_log.h.
 */
#include "server/command_log.h"

#include "core/logger.h"
#include "parser/parser.h"

enum { COMMAND_VERSION = 18, POLL_MS = 1000, READ_TIMEOUT_S = 60, BATCH = 256 };

struct CommandLog {
    CommandSink base;
    Log        *log;
    LogWriter  *writer; /* opened by the first command */
    char       *topic;
};

/* ---- writing ---- */

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

static Status write_command(CommandLog *commands, const char *key, const char *value, int64_t *offset,
                            Error *err)
{
    LogRecord record = {.timestamp = 0, .key = str_c(key), .value = str_c(value)};
    Clock    *clock  = clock_system();
    record.timestamp = clock->now_ms(clock);
    if (commands->writer == NULL) {
        WriterOptions options = {.client_id = "sluice-commands", .linger_ms = 0};
        TRY(log_writer_open(commands->log, &options, &commands->writer, err));
    }
    return log_append_sync(commands->writer, str_c(commands->topic), 0, &record, STR_NULL, offset, err);
}

static Status append(CommandSink *self, Str command_id, const AstStatement *statement, Str text,
                     const Properties *overrides, int64_t *number, Error *err)
{
    CommandLog *commands = (CommandLog *)self;
    json_t     *id       = json_stringn(command_id.ptr, command_id.len);
    json_t     *command =
        json_pack("{s:s%, s:o, s:{}, s:n, s:i}", "statement", text.ptr, text.len, "streamsProperties",
                  properties_json(overrides), "originalProperties", "plan", "version", (int)COMMAND_VERSION);
    char  *key    = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
    char  *value  = json_dumps(command, JSON_COMPACT);
    Status status = key != NULL && value != NULL
                        ? write_command(commands, key, value, number, err)
                        : error_set(err, E_PLAN, NO_POS, "The statement is not valid UTF-8");
    if (status != OK && status != E_PLAN)
        error_prefix(err,
                     "Could not write the statement '" STR_FMT "' into the command topic: ", STR_ARG(text));
    free(key); /* jansson's */
    free(value);
    json_decref(id);
    json_decref(command);
    return status;
}

/* ---- replay ---- */

static Status execute(Engine *engine, const json_t *command, const Properties *properties, Arena *arena,
                      Error *err)
{
    Session       session;
    AstStatement *statement;
    const char   *name;
    json_t       *value, *entity = NULL, *overrides = json_object_get(command, "streamsProperties");
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    const json_t *text    = json_object_get(command, "statement");
    TRY(parse_statement(arena, str_n(json_string_value(text), json_string_length(text)), &options, &statement,
                        err));
    session_init(&session, properties);
    json_object_foreach(overrides, name, value) properties_set(
        session.overrides, str_c(name), str_n(json_string_value(value), json_string_length(value)));
    Status status = engine_execute_statement(engine, &session, statement, arena, &entity, err);
    json_decref(entity);
    session_clear(&session);
    return status;
}

static bool is_command(const json_t *command)
{
    const char *name;
    json_t     *value, *overrides = json_object_get(command, "streamsProperties");
    if (!json_is_string(json_object_get(command, "statement")))
        return false;
    json_object_foreach(overrides, name, value) if (!json_is_string(value)) return false;
    return true;
}

static Status replay_record(Engine *engine, const LogRecord *record, const Properties *properties, Error *err)
{
    json_t *command = json_loadb(record->value.ptr, record->value.len, 0, NULL);
    Status  status  = OK;
    Error   why;
    if (!is_command(command))
        log_line(LOG_ERROR, "command %lld is not understood and left out", (long long)record->offset);
    else if (json_integer_value(json_object_get(command, "version")) > COMMAND_VERSION)
        status = error_set(err, E_UNSUPPORTED, NO_POS,
                           "command %lld of the command topic was written by a later version",
                           (long long)record->offset);
    else {
        Arena *arena = arena_new(0);
        engine_set_query_number(engine, record->offset);
        if (execute(engine, command, properties, arena, &why) != OK)
            log_line(LOG_ERROR, "command %lld failed: %s", (long long)record->offset, why.message);
        arena_free(arena);
    }
    json_decref(command);
    return status;
}

static Status replay_up_to(LogReader *reader, int handle, int64_t end, Engine *engine,
                           const Properties *properties, Error *err)
{
    int64_t waited_ms = 0, at = log_reader_position(reader, handle);
    while (at < end) {
        LogBatch batch;
        TRY(log_reader_take(reader, handle, BATCH, &batch, err));
        Status status = OK;
        for (size_t i = 0; i < batch.count && status == OK; i++)
            if (!str_is_null(batch.records[i].value))
                status = replay_record(engine, &batch.records[i], properties, err);
        bool nothing = batch.count == 0;
        at           = nothing ? log_reader_position(reader, handle) : batch.next_offset;
        log_batch_release(reader, &batch);
        TRY(status);
        if (!nothing || at >= end)
            continue;
        if (waited_ms >= READ_TIMEOUT_S * 1000)
            return error_set(err, E_IO, NO_POS, "the command topic cannot be read beyond offset %lld",
                             (long long)at);
        if (!log_reader_wait(reader, POLL_MS))
            waited_ms += POLL_MS;
    }
    return OK;
}

Status command_log_replay(CommandLog *commands, Engine *engine, const Properties *properties, Error *err)
{
    LogReader    *reader;
    ReaderOptions options = {.client_id = "sluice-commands"};
    int64_t       first, end;
    int           handle;
    TRY(log_offsets(commands->log, str_c(commands->topic), 0, &first, &end, err));
    if (first < end) {
        TRY(log_reader_open(commands->log, &options, &reader, err));
        engine_set_replaying(engine, true);
        Status status = log_reader_assign(reader, str_c(commands->topic), 0, LOG_EARLIEST, &handle, err);
        if (status == OK)
            status = replay_up_to(reader, handle, end, engine, properties, err);
        engine_set_replaying(engine, false);
        log_reader_close(reader);
        TRY(status);
    }
    engine_set_query_number(engine, end);
    engine_set_last_command(engine, end - 1);
    return OK;
}

/* ---- life ---- */

Status command_log_open(Log *log, Str service_id, int replicas, CommandLog **out, Error *err)
{
    static const LogConfig configs[] = {
        {"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"unclean.leader.election.enable", "false"}};
    CommandLog *commands = mem_calloc(1, sizeof *commands);
    StrBuf      name     = {0};
    strbuf_addf(&name, "_confluent-ksql-" STR_FMT "_command_topic", STR_ARG(service_id));
    commands->base  = (CommandSink){append};
    commands->log   = log;
    commands->topic = str_to_heap(strbuf_str(&name));
    strbuf_clear(&name);
    Status status =
        log_topic_create(log, str_c(commands->topic), 1, replicas, configs, ARRAY_LEN(configs), err);
    if (status != OK && status != E_EXISTS) {
        command_log_close(commands);
        return status;
    }
    *out = commands;
    return OK;
}

void command_log_close(CommandLog *commands)
{
    if (commands == NULL)
        return;
    if (commands->writer != NULL)
        log_writer_close(commands->writer);
    mem_free(commands->topic);
    mem_free(commands);
}

CommandSink *command_log_sink(CommandLog *commands)
{
    return &commands->base;
}
