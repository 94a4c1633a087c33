/*
 * rest_records.c - POST /sluice/records: records into a topic as they are, for `sluice feed`.
 *
 * An embedded log belongs to the server's process, so nobody else can write to it; and INSERT writes only
 * what fits a stream's columns, which a broken record does not. {"topic": t, "partitions": n, "records":
 * [{"key": k, "value": v, "timestamp": ms}, ...]}: the topic is made with n partitions when it is missing;
 * key64 and value64 hold base64; "headers" is a list of {"key": name, "value": v}. Answers {"written": n}
 * when all are durable.
 */
#include "core/privilege.h"
#include "server/engine/own_topics.h"
#include "server/rest/rest.h"

enum { FLUSH_MS = 30000, PARTITIONS_MAX = 10000 };

static Status ensure_topic(Log *log, Str topic, int64_t partitions, Error *err)
{
    TopicInfo info;
    Status    status = log_topic_info(log, topic, &info, err);
    if (status != E_NOT_FOUND)
        return status;
    if (partitions < 1 || partitions > PARTITIONS_MAX)
        return error_set(err, E_PLAN, NO_POS, "partitions must be from 1 to %d", PARTITIONS_MAX);
    status = log_topic_create(log, topic, (int)partitions, 0, NULL, 0, err);
    return status == E_EXISTS ? OK : status;
}

/* `name` as text, or `name64` as base64; STR_NULL when neither is there. */
static Status read_bytes(Arena *arena, const json_t *record, const char *name, const char *name64, Str *out,
                         Error *err)
{
    *out        = rest_field(record, name);
    Str encoded = rest_field(record, name64);
    return str_is_null(*out) && !str_is_null(encoded) ? base64_decode(arena, encoded, out, err) : OK;
}

static Status read_headers(Arena *arena, const json_t *json, LogRecord *record, Error *err)
{
    size_t  count   = json_array_size(json), i;
    Header *headers = ARENA_ARRAY(arena, Header, count + 1);
    json_t *header;
    json_array_foreach(json, i, header)
    {
        headers[i].key = rest_field(header, "key");
        if (str_is_null(headers[i].key))
            return error_set(err, E_PLAN, NO_POS, "a header has a \"key\"");
        TRY(read_bytes(arena, header, "value", "value64", &headers[i].value, err));
    }
    record->headers      = headers;
    record->header_count = count;
    return OK;
}

static Status append(Rest *rest, Arena *arena, LogWriter *writer, Str topic, const json_t *json, Error *err)
{
    LogRecord     record = {0};
    const json_t *time   = json_object_get(json, "timestamp");
    Clock        *clock  = engine_clock(rest->engine);
    if (!json_is_object(json))
        return error_set(err, E_PLAN, NO_POS, "a record is an object");
    record.timestamp = json_is_integer(time) ? json_integer_value(time) : clock->now_ms(clock);
    TRY(read_bytes(arena, json, "key", "key64", &record.key, err));
    TRY(read_bytes(arena, json, "value", "value64", &record.value, err));
    TRY(read_headers(arena, json_object_get(json, "headers"), &record, err));
    return log_append(writer, topic, PARTITION_BY_KEY, &record, STR_NULL, err);
}

static Status append_all(Rest *rest, HttpExchange *x, const json_t *request, size_t *written, Error *err)
{
    LogWriter    *writer;
    Log          *log        = engine_log(rest->engine);
    Str           topic      = rest_field(request, "topic");
    json_t       *records    = json_object_get(request, "records"), *record;
    const json_t *partitions = json_object_get(request, "partitions");
    WriterOptions options    = {.client_id = "sluice-records", .linger_ms = -1};
    size_t        i;
    if (str_is_null(topic) || !json_is_array(records))
        return error_set(err, E_PLAN, NO_POS, "\"topic\" and \"records\" must be populated");
    TRY(refuse_own_topic(rest->properties, topic, "insert into", NO_POS, err));
    TRY(ensure_topic(log, topic, json_is_integer(partitions) ? json_integer_value(partitions) : 1, err));
    TRY(log_writer_open(log, &options, &writer, err));
    Status status = OK;
    json_array_foreach(records, i, record) if (status == OK) status =
        append(rest, http_arena(x), writer, topic, record, err);
    if (status == OK)
        status = log_flush(writer, FLUSH_MS, err);
    log_writer_close(writer);
    *written = json_array_size(records);
    return status;
}

bool rest_may_feed(Rest *rest, HttpExchange *x) { return rest_permits(rest, x, PRIVILEGE_INSERT); }

void rest_records(Rest *rest, HttpExchange *x)
{
    Error   err;
    size_t  written = 0;
    json_t *request = rest_request(x);
    if (request == NULL)
        return;
    Status status = append_all(rest, x, request, &written, &err);
    if (status == OK)
        rest_json(x, 200, json_pack("{s:I}", "written", (json_int_t)written));
    else if (status == E_IO || status == E_FULL || status == E_DAMAGED)
        rest_error(x, 500, 50000, "%s", err.message);
    else
        rest_error(x, 400, 40000, "%s", err.message);
    json_decref(request);
}
