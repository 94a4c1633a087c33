/*
 * log_kafka_writer.c - appending: an idempotent producer, transactional when it has an id.
 *
 * The partition is chosen here and not by librdkafka: windowed keys hash without their window, and both
 * backends must agree. Delivery reports say where a record landed (log_writer_end) and what failed first;
 * they are served while appending, flushing and committing. An error that fences or is fatal makes the writer
 * dead: it answers E_FENCED or E_IO from then on.
 */
#include <assert.h>

#include "log/log_kafka.h"

enum {
    SERVE_EVERY     = 512, /* appends between two looks at delivery reports */
    FULL_WAIT_MS    = 60000,
    GROWN_WAIT_MS   = 5000,  /* for the client to learn of partitions that the cluster has shown us */
    CALL_TIMEOUT_MS = 10000, /* of one try of a transactional call */
    CLOSE_WAIT_MS   = 30000,
    SEND_WAIT_MS    = 1,
    RECHECK_US      = 30 * 1000 * 1000, /* topics grow partitions */
    TXN_TIMEOUT_MS  = 60000,
    OPEN_TRIES      = 2,
};

#define RETRY_MS "20"

typedef struct WriterPartition WriterPartition;
struct WriterPartition {
    int64_t          acknowledged; /* offset after the last record that was delivered; -1 */
    int64_t          end;          /* the same as of the last commit */
    int              number;
    bool             touched;
    WriterPartition *next_touched;
};

typedef struct {
    char             *name;
    rd_kafka_topic_t *topic;
    int64_t           checked_us;
    unsigned          changes; /* the log's topics_changed when they were counted */
    int               partitions, allocated;
    WriterPartition **parts; /* each stays where it is: messages under way point at it */
} WriterTopic;

struct LogWriter {
    LogHandle        base;
    Log             *log;
    rd_kafka_t      *client;
    bool             transactional, in_txn;
    WriterTopic     *topics;
    size_t           topic_count, topic_capacity, last;
    unsigned         round_robin, appended;
    WriterPartition *touched; /* by the open transaction, or by append_all */
    Status           failed;  /* first failure since the last flush or commit */
    Error           *failure;
};
KAFKA_USER(LogWriter);

/* ---- failures ---- */

static void note_failure(LogWriter *writer, rd_kafka_resp_err_t code)
{
    if (writer->failed != OK)
        return;
    writer->failed = kafka_fail(code, NULL, writer->failure, "a record was not written");
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    LogWriter       *writer = opaque;
    WriterPartition *part   = message->_private;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (kafka_status(message->err) ==
            E_NOT_FOUND) /* made anew behind our back: whoever tries again counts again */
            kafka_forget_topic(writer->log, str_c(rd_kafka_topic_name(message->rkt)));
        if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
            message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
            note_failure(writer, message->err); /* purged: by our own abort */
    } else if (message->offset >= 0)
        part->acknowledged = message->offset + 1;
}

static Status take_failure(LogWriter *writer, Error *err)
{
    Status status  = writer->failed;
    writer->failed = OK;
    if (status != OK && err != NULL)
        *err = *writer->failure;
    return status;
}

/* A dead producer says why in one place, whatever the call that noticed. */
static Status fatal_status(LogWriter *writer, Error *err)
{
    char                reason[512];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(writer->client, reason, sizeof reason);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OK;
    return kafka_fail(code, reason, err, "the producer is dead");
}

/* Of a transactional call. Takes the error over. */
static Status txn_status(LogWriter *writer, rd_kafka_error_t *error, const char *what, Error *err)
{
    Status status = fatal_status(writer, err);
    if (status == OK) {
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        status                   = kafka_fail(code, rd_kafka_error_string(error), err, "%s", what);
        if (writer->failed != OK)
            error_append(err, " (%s)", writer->failure->message);
    }
    rd_kafka_error_destroy(error);
    return status;
}

/* ---- open and close ---- */

static Status writer_client(LogWriter *writer, const WriterOptions *options, Error *err)
{
    char linger[16], timeout[16];
    snprintf(linger, sizeof linger, "%d", options->linger_ms < 0 ? 50 : options->linger_ms);
    snprintf(timeout, sizeof timeout, "%d",
             options->transaction_timeout_ms > 0 ? options->transaction_timeout_ms : TXN_TIMEOUT_MS);
    const LogConfig defaults[] = {
        {"linger.ms", linger},
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "262144"},
        {"retry.backoff.ms", RETRY_MS}, /* a topic just made has no leader for a moment */
        {"topic.metadata.refresh.fast.interval.ms", RETRY_MS},
        {"client.id", options->client_id != NULL ? options->client_id : "sluice-writer"},
        {NULL, NULL},
    };
    const LogConfig forced[] = {
        {"enable.idempotence", "true"},
        {"partitioner", "murmur2_random"}, /* should anybody ever leave the choice to librdkafka */
        {"transactional.id", options->transactional_id},
        {options->transactional_id != NULL ? "transaction.timeout.ms" : NULL, timeout},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    TRY(kafka_conf(writer->log, defaults, forced, &conf, err));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, writer);
    return kafka_client_new(RD_KAFKA_PRODUCER, conf, &writer->client, err);
}

static Status init_transactions(LogWriter *writer, Error *err)
{
    for (int tries = 1;; tries++) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(writer->client, CALL_TIMEOUT_MS);
        if (error == NULL)
            return OK;
        if (!rd_kafka_error_is_retriable(error) || tries == OPEN_TRIES)
            return txn_status(writer, error, "cannot start transactions", err);
        log_line(LOG_WARN, "starting transactions: %s, trying again", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

Status kafka_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    LogWriter *writer     = mem_calloc(1, sizeof *writer);
    writer->base.backend  = &log_backend_kafka;
    writer->log           = log;
    writer->failure       = mem_calloc(1, sizeof *writer->failure);
    writer->transactional = options->transactional_id != NULL;
    Status status         = writer_client(writer, options, err);
    if (status == OK && writer->transactional)
        status = init_transactions(writer, err);
    if (status == OK)
        *out = writer;
    else
        kafka_writer_close(writer);
    return status;
}

void kafka_writer_close(LogWriter *writer)
{
    Error err;
    if (writer->in_txn && kafka_txn_abort(writer, &err) != OK)
        log_line(LOG_INFO, "closing a writer: %s", err.message);
    if (writer->client != NULL) {
        if (!writer->transactional && kafka_flush(writer, CLOSE_WAIT_MS, &err) != OK)
            log_line(LOG_ERROR, "records were lost when a writer closed: %s", err.message);
        rd_kafka_purge(writer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(writer->client, 0);
    }
    for (size_t i = 0; i < writer->topic_count; i++)
        rd_kafka_topic_destroy(writer->topics[i].topic);
    for (size_t i = 0; i < writer->topic_count; i++) {
        for (int p = 0; p < writer->topics[i].allocated; p++)
            mem_free(writer->topics[i].parts[p]);
        mem_free(writer->topics[i].parts);
        mem_free(writer->topics[i].name);
    }
    mem_free(writer->topics);
    mem_free(writer->failure);
    kafka_client_close(writer->log, writer->client, writer);
}

/* ---- append ---- */

static WriterTopic *known_topic(LogWriter *writer, Str name)
{
    for (size_t i = 0; i < writer->topic_count; i++) {
        size_t at = (writer->last + i) % writer->topic_count; /* nearly always the one of the last time */
        if (str_equal(str_c(writer->topics[at].name), name)) {
            writer->last = at;
            return &writer->topics[at];
        }
    }
    return NULL;
}

/* More of them: the topic has grown or was made anew. Fewer: it was made anew, and nothing has been written
 * to it. */
static void set_partitions(WriterTopic *topic, int partitions)
{
    if (partitions > topic->allocated)
        topic->parts = mem_realloc(topic->parts, (size_t)partitions * sizeof *topic->parts);
    while (topic->allocated < partitions) {
        topic->parts[topic->allocated]         = mem_calloc(1, sizeof(WriterPartition));
        topic->parts[topic->allocated]->number = topic->allocated;
        topic->allocated++;
    }
    int written = partitions < topic->partitions ? 0 : topic->partitions;
    for (int p = written; p < topic->allocated; p++)
        topic->parts[p]->acknowledged = topic->parts[p]->end = -1;
    topic->partitions = partitions;
}

static Status count_partitions(LogWriter *writer, WriterTopic *topic, Error *err)
{
    int      partitions;
    unsigned changes =
        __atomic_load_n(&writer->log->topics_changed, __ATOMIC_ACQUIRE); /* before what it stands for */
    TRY(kafka_partition_count(writer->log, str_c(topic->name), &partitions, err));
    set_partitions(topic, partitions);
    topic->changes    = changes;
    topic->checked_us = kafka_now_us();
    return OK;
}

static Status add_topic(LogWriter *writer, Str name, WriterTopic **out, Error *err)
{
    char             *text  = str_to_heap(name);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(writer->client, text, NULL);
    if (topic == NULL) {
        mem_free(text);
        return kafka_fail(rd_kafka_last_error(), NULL, err, "cannot write to topic " STR_FMT, STR_ARG(name));
    }
    if (writer->topic_count == writer->topic_capacity) {
        writer->topic_capacity = writer->topic_capacity ? writer->topic_capacity * 2 : 8;
        writer->topics         = mem_realloc(writer->topics, writer->topic_capacity * sizeof *writer->topics);
    }
    writer->last = writer->topic_count++;
    *out         = &writer->topics[writer->last];
    **out        = (WriterTopic){.name = text, .topic = topic};
    return OK;
}

/* False: nobody has seen a change, and it was counted not long ago. The clock is asked now and then only:
 * every append would feel it. */
static bool is_stale(const LogWriter *writer, const WriterTopic *topic)
{
    return topic->partitions == 0 ||
           topic->changes != __atomic_load_n(&writer->log->topics_changed, __ATOMIC_ACQUIRE) ||
           (writer->appended % SERVE_EVERY == 0 && kafka_now_us() - topic->checked_us >= RECHECK_US);
}

static Status writer_topic(LogWriter *writer, Str name, WriterTopic **out, Error *err)
{
    *out = known_topic(writer, name);
    if (*out == NULL)
        TRY(add_topic(writer, name, out, err));
    return is_stale(writer, *out) ? count_partitions(writer, *out, err) : OK;
}

/* librdkafka asks for a topic's leaders when it hears of it first. */
void kafka_writer_expect(LogWriter *writer, Str topic)
{
    Error        ignored; /* the first append says it */
    WriterTopic *known = known_topic(writer, topic);
    if (known == NULL)
        (void)add_topic(writer, topic, &known, &ignored);
}

static rd_kafka_headers_t *copy_headers(const LogRecord *record)
{
    if (record->header_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const Header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->key.ptr, (ssize_t)header->key.len, header->value.ptr,
                            (ssize_t)header->value.len);
    }
    return headers;
}

static rd_kafka_resp_err_t produce(LogWriter *writer, WriterTopic *topic, int partition,
                                   const LogRecord *record, rd_kafka_headers_t *headers)
{
    WriterPartition *part = topic->parts[partition];
    if (headers != NULL)
        return rd_kafka_producev(
            writer->client, RD_KAFKA_V_RKT(topic->topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_TIMESTAMP(record->timestamp), RD_KAFKA_V_KEY(record->key.ptr, record->key.len),
            RD_KAFKA_V_VALUE((void *)record->value.ptr, record->value.len), RD_KAFKA_V_OPAQUE(part),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    return rd_kafka_producev(
        writer->client, RD_KAFKA_V_RKT(topic->topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_TIMESTAMP(record->timestamp), RD_KAFKA_V_KEY(record->key.ptr, record->key.len),
        RD_KAFKA_V_VALUE((void *)record->value.ptr, record->value.len), RD_KAFKA_V_OPAQUE(part),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

/* The client does not know the partition, or the topic: it has not heard of one made anew, which a question
 * helps. False: it is we who have not heard, and there is none any more. */
static bool learn_partitions(LogWriter *writer, WriterTopic *topic, int partition)
{
    const struct rd_kafka_metadata *metadata;
    Error                           ignored;
    kafka_forget_topic(writer->log, str_c(topic->name));
    Status known = count_partitions(writer, topic, &ignored);
    if (known == E_NOT_FOUND || (known == OK && partition >= topic->partitions))
        return false;
    if (rd_kafka_metadata(writer->client, 0, topic->topic, &metadata, GROWN_WAIT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_poll(writer->client, 100);
    return true;
}

/* librdkafka takes 0 for "now"; a record of the epoch's first millisecond gets the next one instead of today.
 */
static Status produce_retrying(LogWriter *writer, WriterTopic *topic, int partition, const LogRecord *record,
                               Error *err)
{
    LogRecord           copy    = *record;
    rd_kafka_headers_t *headers = copy_headers(record);
    int64_t             give_up = 0;
    rd_kafka_resp_err_t code;
    if (copy.timestamp == 0)
        copy.timestamp = 1;
    while ((code = produce(writer, topic, partition, &copy, headers)) == RD_KAFKA_RESP_ERR__QUEUE_FULL ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        bool    full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
        int64_t now  = kafka_now_us();
        give_up      = give_up == 0 ? now + (int64_t)(full ? FULL_WAIT_MS : GROWN_WAIT_MS) * 1000 : give_up;
        if (now > give_up)
            break;
        if (full)
            rd_kafka_poll(writer->client, 10);
        else if (!learn_partitions(writer, topic, partition))
            break;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OK; /* the headers are librdkafka's now */
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    if (code == RD_KAFKA_RESP_ERR__STATE && writer->failed != OK) {
        if (err != NULL)
            *err = *writer->failure;
        return writer->failed;
    }
    Status status = fatal_status(writer, err);
    return status != OK ? status : kafka_fail(code, NULL, err, "cannot write to topic %s", topic->name);
}

static void touch(LogWriter *writer, WriterPartition *part)
{
    if (part->touched)
        return;
    part->touched      = true;
    part->next_touched = writer->touched;
    writer->touched    = part;
}

static Status append_to(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                        WriterPartition **part, Error *err)
{
    WriterTopic *target = NULL;
    TRY(writer_topic(writer, topic, &target, err));
    int chosen = log_choose_partition(partition, target->partitions, record, hash_key, &writer->round_robin);
    if (chosen < 0) { /* unless the topic has grown since it was looked at */
        kafka_forget_topic(writer->log, topic);
        TRY(count_partitions(writer, target, err));
        chosen = log_choose_partition(partition, target->partitions, record, hash_key, &writer->round_robin);
    }
    if (chosen < 0)
        return log_no_partition(topic, partition, err);
    Status status = produce_retrying(writer, target, chosen, record, err);
    if (status == E_NOT_FOUND && chosen >= target->partitions) { /* there are fewer now */
        chosen = log_choose_partition(partition, target->partitions, record, hash_key, &writer->round_robin);
        status = chosen < 0 ? log_no_partition(topic, partition, err)
                            : produce_retrying(writer, target, chosen, record, err);
    }
    TRY(status);
    *part = target->parts[chosen];
    if (writer->in_txn)
        touch(writer, *part);
    if (++writer->appended % SERVE_EVERY == 0)
        rd_kafka_poll(writer->client, 0);
    return OK;
}

Status kafka_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                    Error *err)
{
    WriterPartition *part;
    assert(!writer->transactional ||
           writer->in_txn); /* log.h: on a transactional writer a transaction must be open */
    return append_to(writer, topic, partition, record, hash_key, &part, err);
}

Status kafka_flush(LogWriter *writer, int timeout_ms, Error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(writer->client, timeout_ms);
    Status              dead = fatal_status(writer, err);
    if (dead != OK)
        return dead;
    if (!writer->in_txn && writer->failed != OK)
        return take_failure(writer, err);
    if (writer->failed != OK) { /* kept for the commit, which must not pass */
        if (err != NULL)
            *err = *writer->failure;
        return writer->failed;
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK
                                              : kafka_fail(code, NULL, err, "records wait to be written");
}

/* While a flush waits, librdkafka does not linger. One that does not wait at all may be over before its
 * threads have looked. */
void kafka_send_now(LogWriter *writer) { rd_kafka_flush(writer->client, SEND_WAIT_MS); }

/* Without transactions nothing else touches partitions: the list is of this call. */
static size_t take_landed(LogWriter *writer, Str topic, LogPosition *landed)
{
    size_t count = 0;
    while (writer->touched != NULL) {
        WriterPartition *part = writer->touched;
        writer->touched       = part->next_touched;
        part->touched         = false;
        landed[count++]       = (LogPosition){topic, part->number, part->acknowledged};
    }
    return count;
}

Status kafka_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                        Str hash_key, LogPosition *landed, size_t *landed_count, Error *err)
{
    WriterPartition *part   = NULL;
    Status           status = OK;
    assert(!writer->transactional);
    for (size_t i = 0; i < count && status == OK; i++) {
        status = append_to(writer, topic, partition, &records[i], hash_key, &part, err);
        if (status == OK)
            touch(writer, part);
    }
    if (status == OK)
        status = kafka_flush(writer, FULL_WAIT_MS, err);
    *landed_count = take_landed(writer, topic, landed);
    return status;
}

/* ---- transactions ---- */

Status kafka_txn_begin(LogWriter *writer, Error *err)
{
    assert(writer->transactional && !writer->in_txn);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(writer->client);
    if (error != NULL)
        return txn_status(writer, error, "cannot begin a transaction", err);
    writer->in_txn = true;
    writer->failed = OK;
    return OK;
}

Status kafka_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions, size_t count,
                       Error *err)
{
    char                             name[256];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, STR_FMT, STR_ARG(positions[i].topic));
        rd_kafka_topic_partition_list_add(list, name, positions[i].partition)->offset = positions[i].offset;
    }
    rd_kafka_error_t *error;
    int64_t           give_up = kafka_now_us() + (int64_t)FULL_WAIT_MS * 1000;
    while ((error = rd_kafka_send_offsets_to_transaction(writer->client, list, fence->group,
                                                         CALL_TIMEOUT_MS)) != NULL &&
           rd_kafka_error_is_retriable(error) && kafka_now_us() < give_up)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
    return error == NULL ? OK : txn_status(writer, error, "cannot commit positions", err);
}

static void end_transaction(LogWriter *writer, bool committed)
{
    rd_kafka_poll(writer->client, 0);
    while (writer->touched != NULL) {
        WriterPartition *part = writer->touched;
        writer->touched       = part->next_touched;
        part->touched         = false;
        if (committed)
            part->end = part->acknowledged;
    }
    writer->in_txn = false;
    writer->failed = OK;
}

/* Once it was asked for, a commit is retried until its outcome is known: giving up would leave it open
 * whether it happened. */
Status kafka_txn_commit(LogWriter *writer, Error *err)
{
    assert(writer->in_txn);
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(writer->client, CALL_TIMEOUT_MS);
        if (error == NULL) {
            end_transaction(writer, true);
            kafka_heard(writer->log);
            return OK;
        }
        if (!rd_kafka_error_is_retriable(error))
            return txn_status(writer, error, "the transaction was not committed", err);
        log_line(LOG_WARN, "committing a transaction: %s, trying again", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

Status kafka_txn_abort(LogWriter *writer, Error *err)
{
    Status status = fatal_status(writer, err);
    if (!writer->in_txn)
        return status;
    int64_t give_up = kafka_now_us() + (int64_t)FULL_WAIT_MS * 1000;
    while (status == OK) {
        rd_kafka_error_t *error = rd_kafka_abort_transaction(writer->client, CALL_TIMEOUT_MS);
        if (error == NULL)
            break;
        if (!rd_kafka_error_is_retriable(error) || kafka_now_us() > give_up)
            status = txn_status(writer, error, "the transaction could not be aborted", err);
        else
            rd_kafka_error_destroy(error);
    }
    end_transaction(writer, false);
    return status;
}

int64_t kafka_writer_end(LogWriter *writer, Str topic, int partition)
{
    WriterTopic *known = known_topic(writer, topic);
    return known != NULL && partition >= 0 && partition < known->partitions ? known->parts[partition]->end
                                                                            : -1;
}
