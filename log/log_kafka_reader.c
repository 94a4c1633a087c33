/*
 * log_kafka_reader.c - reading: one consumer per reader, a queue per partition, batches straight from
 * librdkafka's memory.
 *
 * A partition's queue is not forwarded, so it is taken from on its own, and what is not taken fills it until
 * fetching stops: that is the flow control (never pause and resume: it throws away what was fetched). All
 * queues signal one eventfd, which log_reader_wait polls. A batch points into the messages and holds them
 * until its release; its arrays are used again.
 *
 * librdkafka before 2.2 sleeps up to a second once all queues of a broker are full. There the reader also
 * holds the partitions of a topic that is always empty: something is then always to be fetched, and the
 * broker's answer after fetch.wait.max.ms is when full queues are looked at again.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log/log_kafka.h"

enum {
    BATCH_MAX          = 10000,
    DEFAULT_BUDGET     = 40 * 1024 * 1024,
    QUEUE_KB_MIN       = 1024,
    QUEUE_KB_MAX       = 8192,
    QUEUES_PER_BUDGET  = 16, /* a queue's share: most partitions are level and their queues nearly empty */
    QUESTION_MS        = 30000,
    LEADERS_TIMEOUT_MS = 1000,
};

#define RETRY_MS "20"

typedef struct {
    bool              used;
    char             *topic;
    int               partition;
    rd_kafka_queue_t *queue;
    int64_t           position;
    int64_t           asked; /* position it was started at, until the first record came; then -1 */
    bool              at_end;
    bool              held;    /* a batch of it is not released yet */
    bool              unknown; /* Kafka says that it is not there */
    bool              gone_told;
} Assigned;

/* A batch in the hands of the caller. */
typedef struct Taken Taken;
struct Taken {
    Taken               *next; /* in the reader's free list */
    rd_kafka_message_t **messages;
    LogRecord           *records;
    size_t               message_count, capacity;
    Header              *headers;
    size_t               header_capacity;
};

struct LogReader {
    LogHandle   base;
    Log        *log;
    rd_kafka_t *client;
    int         event; /* eventfd */
    Assigned   *assigned;
    int         count, used;
    bool        idle_held;
    Taken      *free;
    Assigned   *serving; /* whose queue is being taken from: errors that come meanwhile are its own */
};

KAFKA_USER(LogReader);

/* A vanished topic comes as an error op in the partition's queue, which librdkafka hands here instead of
 * returning it. */
static void on_reader_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    LogReader *reader      = opaque;
    bool       about_topic = kafka_status((rd_kafka_resp_err_t)code) == E_NOT_FOUND;
    if (about_topic && reader->serving != NULL)
        reader->serving->unknown = true;
    kafka_on_error(client, code, reason, opaque);
}

/* ---- open and close ---- */

static Status reader_client(LogReader *reader, const ReaderOptions *options, Error *err)
{
    char   kilobytes[24];
    size_t budget = options->budget_bytes > 0 ? options->budget_bytes : DEFAULT_BUDGET;
    size_t share  = budget / QUEUES_PER_BUDGET / 1024;
    snprintf(kilobytes, sizeof kilobytes, "%zu",
             share < QUEUE_KB_MIN   ? QUEUE_KB_MIN
             : share > QUEUE_KB_MAX ? QUEUE_KB_MAX
                                    : share);
    const LogConfig defaults[] = {
        {"queued.max.messages.kbytes", kilobytes},
        {"queued.min.messages", "100000"}, /* fewer starve librdkafka 2.0 */
        {"client.id", options->client_id != NULL ? options->client_id : "sluice-reader"},
        {"fetch.wait.max.ms", reader->log->needs_idle ? "25" : "500"},
        {"fetch.error.backoff.ms", RETRY_MS}, /* a topic just made has no leader for a moment */
        {"topic.metadata.refresh.fast.interval.ms", RETRY_MS},
        {"check.crcs", "false"},
        {NULL, NULL},
    };
    static const LogConfig forced[] = {
        {"group.id",
         "_confluent-ksql-sluice-reader"}, /* incremental_assign wants one; nothing is ever committed to it */
        {"isolation.level", "read_committed"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    TRY(kafka_conf(reader->log, defaults, forced, &conf, err));
    rd_kafka_conf_set_error_cb(conf, on_reader_error);
    rd_kafka_conf_set_opaque(conf, reader);
    if (!reader->log->needs_idle)
        rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "10", NULL, 0);
    return kafka_client_new(RD_KAFKA_CONSUMER, conf, &reader->client, err);
}

Status kafka_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    LogReader *reader    = mem_calloc(1, sizeof *reader);
    reader->base.backend = &log_backend_kafka;
    reader->log          = log;
    reader->event        = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Status status        = reader->event >= 0 ? reader_client(reader, options, err)
                                              : error_set(err, E_IO, NO_POS, "eventfd: %s", strerror(errno));
    if (status == OK) {
        rd_kafka_poll_set_consumer(reader->client);
        *out = reader;
    } else
        kafka_reader_close(reader);
    return status;
}

static void taken_free(Taken *taken)
{
    mem_free(taken->messages);
    mem_free(taken->records);
    mem_free(taken->headers);
    mem_free(taken);
}

void kafka_reader_close(LogReader *reader)
{
    for (int i = 0; i < reader->count; i++)
        kafka_reader_unassign(reader, i);
    while (reader->free != NULL) {
        Taken *next = reader->free->next;
        taken_free(reader->free);
        reader->free = next;
    }
    if (reader->event >= 0)
        close(reader->event);
    mem_free(reader->assigned);
    kafka_client_close(reader->log, reader->client, reader);
}

/* ---- assignment ---- */

static Status change_assignment(LogReader *reader, const rd_kafka_topic_partition_list_t *list, bool add,
                                Error *err)
{
    rd_kafka_error_t *error = add ? rd_kafka_incremental_assign(reader->client, list)
                                  : rd_kafka_incremental_unassign(reader->client, list);
    if (error == NULL)
        return OK;
    Status status =
        kafka_fail(rd_kafka_error_code(error), rd_kafka_error_string(error), err,
                   "cannot %s a partition of %s", add ? "assign" : "unassign", list->elems[0].topic);
    rd_kafka_error_destroy(error);
    return status;
}

static Status change_one(LogReader *reader, const Assigned *one, bool add, Error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, one->topic, one->partition)->offset = one->position;
    Status status = change_assignment(reader, list, add, err);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* The idle partitions come with the first assignment and go with the last, so that an unused reader fetches
 * nothing. */
static void hold_idle(LogReader *reader, bool hold)
{
    Error err;
    int   count =
        hold == reader->idle_held || !reader->log->needs_idle ? 0 : kafka_idle_partitions(reader->log);
    if (count == 0)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int p = 0; p < count; p++)
        rd_kafka_topic_partition_list_add(list, kafka_idle_topic, p)->offset = RD_KAFKA_OFFSET_END;
    if (change_assignment(reader, list, hold, &err) != OK)
        log_line(LOG_WARN, "reading may be slow: %s", err.message);
    else
        reader->idle_held = hold;
    rd_kafka_topic_partition_list_destroy(list);
}

static Status resolve_position(LogReader *reader, const Assigned *one, int64_t offset, int64_t *out,
                               Error *err)
{
    int64_t first, end;
    *out = offset;
    if (offset >= 0)
        return OK;
    TRY(kafka_offsets(reader->log, str_c(one->topic), one->partition, &first, &end, err));
    *out = offset == LOG_EARLIEST ? first : end;
    return OK;
}

static int free_place(LogReader *reader)
{
    int place = 0;
    while (place < reader->count && reader->assigned[place].used)
        place++;
    if (place == reader->count) {
        reader->count    = reader->count ? reader->count * 2 : 8;
        reader->assigned = mem_realloc(reader->assigned, (size_t)reader->count * sizeof *reader->assigned);
        memset(reader->assigned + place, 0, (size_t)(reader->count - place) * sizeof *reader->assigned);
    }
    return place;
}

/* The queue must be cut off before the partition is assigned: a forwarding set by the application stays. */
static void own_queue(LogReader *reader, Assigned *one)
{
    static const uint64_t wake = 1;
    one->queue                 = rd_kafka_queue_get_partition(reader->client, one->topic, one->partition);
    rd_kafka_queue_forward(one->queue, NULL);
    rd_kafka_queue_io_event_enable(one->queue, reader->event, &wake, sizeof wake);
}

/* A client that has not heard of a topic looks for its leaders at its next tick only, up to a second later;
 * asked for, they are known at once. */
static void learn_leaders(LogReader *reader, const Assigned *one)
{
    for (int i = 0; i < reader->count; i++)
        if (reader->assigned[i].used && &reader->assigned[i] != one &&
            strcmp(reader->assigned[i].topic, one->topic) == 0)
            return;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t               *topic = rd_kafka_topic_new(reader->client, one->topic, NULL);
    if (topic == NULL)
        return;
    if (rd_kafka_metadata(reader->client, 0, topic, &metadata, LEADERS_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata); /* a hint: without it the tick comes */
    rd_kafka_topic_destroy(topic);
}

static void drop_queue(Assigned *one)
{
    rd_kafka_queue_io_event_enable(one->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(one->queue);
    mem_free(one->topic);
    *one = (Assigned){0};
}

Status kafka_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                           Error *err)
{
    TRY(kafka_check_partition(reader->log, topic, partition, err));
    int       place = free_place(reader);
    Assigned *one   = &reader->assigned[place];
    *one            = (Assigned){.used = true, .topic = str_to_heap(topic), .partition = partition};
    Status status   = resolve_position(reader, one, offset, &one->position, err);
    if (status != OK) {
        mem_free(one->topic);
        *one = (Assigned){0};
        return status;
    }
    one->asked = one->position;
    own_queue(reader, one);
    hold_idle(reader, true);
    if ((status = change_one(reader, one, true, err)) != OK) {
        drop_queue(one);
        return status;
    }
    learn_leaders(reader, one);
    reader->used++;
    *handle = place;
    return OK;
}

void kafka_reader_unassign(LogReader *reader, int handle)
{
    Assigned *one = &reader->assigned[handle];
    Error     err;
    if (!one->used)
        return;
    if (change_one(reader, one, false, &err) != OK)
        log_line(LOG_WARN, "%s", err.message);
    drop_queue(one);
    if (--reader->used == 0)
        hold_idle(reader, false);
}

/* Taken off and put on again: a seek needs a fetcher that runs already, this does not. What was fetched
 * before is dropped by librdkafka as outdated. */
Status kafka_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err)
{
    Assigned *one = &reader->assigned[handle];
    int64_t   to;
    TRY(resolve_position(reader, one, offset, &to, err));
    TRY(change_one(reader, one, false, err));
    one->position = one->asked = to;
    one->at_end                = false;
    return change_one(reader, one, true, err);
}

/* ---- taking ---- */

static Taken *get_taken(LogReader *reader, size_t max_records)
{
    Taken *taken = reader->free;
    if (taken != NULL)
        reader->free = taken->next;
    else
        taken = mem_calloc(1, sizeof *taken);
    if (taken->capacity < max_records) {
        taken->capacity = max_records;
        taken->messages = mem_realloc(taken->messages, max_records * sizeof *taken->messages);
        taken->records  = mem_realloc(taken->records, max_records * sizeof *taken->records);
    }
    return taken;
}

static void put_taken(LogReader *reader, Taken *taken)
{
    for (size_t i = 0; i < taken->message_count; i++)
        rd_kafka_message_destroy(taken->messages[i]);
    taken->message_count = 0;
    taken->next          = reader->free;
    reader->free         = taken;
}

/* librdkafka went to the first offset that is there: say so once. Compaction leaves gaps too, so only what
 * lies outside of the bounds it has heard of counts. */
static void check_jump(LogReader *reader, Assigned *one, int64_t got)
{
    int64_t first = -1, end = -1;
    int64_t asked = one->asked;
    one->asked    = -1;
    if (got == asked)
        return;
    rd_kafka_get_watermark_offsets(reader->client, one->topic, one->partition, &first, &end);
    if (got < asked || asked < first)
        log_line(LOG_WARN, "topic %s partition %d: offset %lld is not there, reading from %lld", one->topic,
                 one->partition, (long long)asked, (long long)got);
}

/* Headers of all messages go in one array, used again by the next batch. The array may move while it grows,
 * so records note where theirs begin, and get pointers at the end. */
static size_t add_headers(Taken *taken, size_t at, const rd_kafka_headers_t *list)
{
    size_t count = rd_kafka_header_cnt(list);
    if (at + count > taken->header_capacity) {
        taken->header_capacity = (at + count) * 2;
        taken->headers         = mem_realloc(taken->headers, taken->header_capacity * sizeof *taken->headers);
    }
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t      len;
        if (rd_kafka_header_get_all(list, i, &name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return i;
        taken->headers[at + i] = (Header){str_c(name), str_n(value, value != NULL ? len : 0)};
    }
    return count;
}

static size_t take_record(Taken *taken, LogRecord *record, rd_kafka_message_t *message, size_t header_at)
{
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t       *headers;
    *record = (LogRecord){
        .offset    = message->offset,
        .timestamp = rd_kafka_message_timestamp(message, &type),
        .key       = str_n(message->key, message->key_len),
        .value     = str_n(message->payload, message->len),
    };
    if (rd_kafka_message_headers(message, &headers) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) /* a look at a length when there are none */
        record->header_count = add_headers(taken, header_at, headers);
    return record->header_count;
}

/* EOF and errors come through the queue like messages. */
static Status take_event(LogReader *reader, Assigned *one, const rd_kafka_message_t *message, Error *err)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        one->at_end = true;
        if (message->offset > one->position && one->asked < 0)
            one->position = message->offset; /* beyond transaction markers and compacted records */
        else if (one->asked >= 0 && message->offset >= 0) {
            check_jump(reader, one, message->offset);
            one->position = message->offset;
        }
        return OK;
    }
    if (kafka_status(message->err) == E_NOT_FOUND)
        kafka_forget_topic(reader->log, str_c(one->topic));
    return kafka_fail(message->err, rd_kafka_message_errstr(message), err, "reading topic %s partition %d",
                      one->topic, one->partition);
}

static Status sort_out(LogReader *reader, Assigned *one, Taken *taken, size_t *records, Error *err)
{
    Status status  = OK;
    size_t headers = 0, count = 0;
    for (size_t i = 0; i < taken->message_count; i++) {
        rd_kafka_message_t *message = taken->messages[i];
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            Status failed = take_event(reader, one, message, err);
            status        = status == OK ? failed : status;
            continue;
        }
        if (one->asked >= 0)
            check_jump(reader, one, message->offset);
        headers += take_record(taken, &taken->records[count++], message, headers);
        one->position = message->offset + 1;
        one->at_end   = false;
    }
    headers = 0;
    for (size_t i = 0; i < count && taken->headers != NULL; i++) {
        taken->records[i].headers = &taken->headers[headers];
        headers += taken->records[i].header_count;
    }
    *records = count;
    return status;
}

/* Told once, and only when asking confirms it: brokers forget topics for a moment while they start. */
static Status check_gone(LogReader *reader, Assigned *one, Error *err)
{
    TopicInfo info;
    Error     why;
    if (!one->unknown || one->gone_told)
        return OK;
    one->unknown   = false;
    one->gone_told = kafka_topic_info(reader->log, str_c(one->topic), &info, &why) == E_NOT_FOUND;
    if (!one->gone_told)
        return OK;
    kafka_forget_topic(reader->log, str_c(one->topic));
    return log_no_topic(str_c(one->topic), err);
}

Status kafka_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err)
{
    Assigned *one = &reader->assigned[handle];
    assert(handle < reader->count && one->used);
    *out = (LogBatch){.handle      = handle,
                      .topic       = str_c(one->topic),
                      .partition   = one->partition,
                      .next_offset = one->position};
    if (max_records == 0)
        return OK;
    size_t wanted        = max_records < BATCH_MAX ? max_records : BATCH_MAX;
    Taken *taken         = get_taken(reader, wanted);
    reader->serving      = one;
    ssize_t got          = rd_kafka_consume_batch_queue(one->queue, 0, taken->messages, wanted);
    reader->serving      = NULL;
    taken->message_count = got > 0 ? (size_t)got : 0;
    Status status        = sort_out(reader, one, taken, &out->count, err);
    if (out->count == 0 && status == OK)
        status = check_gone(reader, one, err);
    one->held        = out->count > 0;
    out->records     = taken->records;
    out->owner       = taken;
    out->next_offset = one->position;
    if (out->count > 0 &&
        status != OK) { /* records first: the failure is told in the log, and comes again if it stays */
        log_line(LOG_WARN, "%s", err->message);
        return OK;
    }
    if (out->count == 0) {
        put_taken(reader, taken);
        out->owner = NULL;
    }
    return status;
}

void kafka_batch_release(LogReader *reader, LogBatch *batch)
{
    if (batch->owner != NULL) {
        put_taken(reader, batch->owner);
        reader->assigned[batch->handle].held = false;
    }
    batch->owner = NULL;
    batch->count = 0;
}

/* ---- waiting ---- */

/* *behind: there is more of partitions of which a batch is held. */
static bool something_queued(const LogReader *reader, bool *behind)
{
    *behind = false;
    for (int i = 0; i < reader->count; i++) {
        const Assigned *one = &reader->assigned[i];
        if (!one->used || (one->held && *behind) || rd_kafka_queue_length(one->queue) == 0)
            continue;
        if (!one->held)
            return true;
        *behind = true;
    }
    return false;
}

/* What concerns the client as a whole, and the idle partitions, comes through the consumer's own queue. */
static void serve_client(LogReader *reader)
{
    for (rd_kafka_message_t *message; (message = rd_kafka_consumer_poll(reader->client, 0)) != NULL;)
        rd_kafka_message_destroy(message);
}

bool kafka_reader_wait(LogReader *reader, int timeout_ms)
{
    bool behind;
    serve_client(reader);
    if (something_queued(reader, &behind))
        return true;
    if (behind && timeout_ms > HELD_WAIT_MS)
        timeout_ms = HELD_WAIT_MS;
    struct pollfd wait = {.fd = reader->event, .events = POLLIN};
    uint64_t      count;
    if (poll(&wait, 1, timeout_ms) > 0 && read(reader->event, &count, sizeof count) < 0 && errno != EAGAIN)
        log_line(LOG_WARN, "reading an eventfd: %s", strerror(errno));
    return something_queued(reader, &behind);
}

void kafka_reader_wake(LogReader *reader)
{
    uint64_t one = 1;
    if (write(reader->event, &one, sizeof one) < 0 && errno != EAGAIN) /* EAGAIN: it is as awake as can be */
        log_line(LOG_WARN, "writing an eventfd: %s", strerror(errno));
}

bool kafka_reader_at_end(LogReader *reader, int handle) { return reader->assigned[handle].at_end; }

/* By the end that came with the last answer to a fetch; at_end comes an empty answer later. Transaction
 * markers hide it until then. */
bool kafka_reader_caught_up(LogReader *reader, int handle)
{
    const Assigned *one = &reader->assigned[handle];
    int64_t         first, end;
    if (one->at_end)
        return true;
    return rd_kafka_get_watermark_offsets(reader->client, one->topic, one->partition, &first, &end) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           end >= 0 && one->position >= end;
}

int64_t kafka_reader_position(LogReader *reader, int handle) { return reader->assigned[handle].position; }
