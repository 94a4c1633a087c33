/*
 * processing_log.c - see processing_log.h.
 */
#include "server/node/processing_log.h"

#include <pthread.h>

#include "core/logger.h"
#include "serde/serde.h"

enum { QUEUE_MAX = 10000, LINES_PER_SECOND = 10 };

struct ProcessingLog {
    Log            *log;
    Clock          *clock;
    char           *topic; /* NULL: off */
    pthread_t       thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t  work;
    char          **queue; /* ring of QUEUE_MAX texts */
    size_t          first, count;
    uint64_t        dropped;
    bool            stopping;
    int64_t         second; /* of the lines that were written */
    int             lines;
    uint64_t        silent; /* lines left out */
};

/* ---- one record ---- */

static void add_text(StrBuf *out, const char *name, Str text)
{
    strbuf_addf(out, "\"%s\":", name);
    if (str_is_null(text))
        strbuf_adds(out, "null");
    else
        json_write_string(text, out);
}

static void add_context(StrBuf *out, const SkipInfo *info)
{
    strbuf_adds(out, ",\"context\":{");
    add_text(out, "query", info->query);
    strbuf_addc(out, ',');
    add_text(out, "step", info->step);
    if (info->origin != NULL) {
        strbuf_addc(out, ',');
        add_text(out, "topic", info->origin->topic);
        strbuf_addf(out, ",\"partition\":%d,\"offset\":%lld", (int)info->origin->partition,
                    (long long)info->origin->offset);
    }
    strbuf_addf(out, ",\"timestamp\":%lld}", (long long)info->timestamp);
}

static void add_deserialization(StrBuf *out, const SkipInfo *info)
{
    strbuf_addf(out, "\"type\":0,\"deserializationError\":{\"target\":\"%s\",",
                info->key_side ? "key" : "value");
    add_text(out, "errorMessage", str_c(info->message));
    strbuf_adds(out, ",\"recordB64\":null,\"cause\":[],");
    add_text(out, "topic", info->origin ? info->origin->topic : STR_NULL);
    strbuf_adds(out, "},\"recordProcessingError\":null");
}

static void add_evaluation(StrBuf *out, const SkipInfo *info)
{
    strbuf_adds(out, "\"type\":1,\"deserializationError\":null,\"recordProcessingError\":{");
    add_text(out, "errorMessage", str_c(info->message));
    strbuf_adds(out, ",\"record\":null,\"cause\":[]}");
}

static char *record_text(const ProcessingLog *log, const SkipInfo *info)
{
    StrBuf out = {0}, logger = {0};
    strbuf_addf(&logger, "processing." STR_FMT "." STR_FMT "%s", STR_ARG(info->query), STR_ARG(info->step),
                info->kind == SKIP_DESERIALIZE ? ".deserializer" : "");
    strbuf_adds(&out, "{\"level\":\"ERROR\",");
    add_text(&out, "logger", strbuf_str(&logger));
    strbuf_addf(&out, ",\"time\":%lld,\"message\":{", (long long)log->clock->now_ms(log->clock));
    if (info->kind == SKIP_DESERIALIZE)
        add_deserialization(&out, info);
    else
        add_evaluation(&out, info);
    strbuf_adds(&out,
                ",\"productionError\":null,\"serializationError\":null,\"kafkaStreamsThreadError\":null");
    add_context(&out, info);
    strbuf_adds(&out, "}}");
    strbuf_clear(&logger);
    char *text = str_to_heap(strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

/* ---- from the workers ---- */

/* Lock held. */
static bool may_write_line(ProcessingLog *log, uint64_t *left_out)
{
    int64_t second = log->clock->now_ms(log->clock) / 1000;
    if (second != log->second) {
        log->second = second;
        log->lines  = 0;
    }
    if (log->lines >= LINES_PER_SECOND) {
        log->silent++;
        return false;
    }
    log->lines++;
    *left_out   = log->silent;
    log->silent = 0;
    return true;
}

static void write_line(const SkipInfo *info, uint64_t left_out)
{
    if (left_out > 0)
        log_line(LOG_WARN, "%llu more records were skipped or had errors", (unsigned long long)left_out);
    /* What cannot be evaluated may cost the row, or only a column. */
    const char *what = info->kind == SKIP_EVALUATE ? "error at the" : "skipped the";
    if (info->origin != NULL)
        log_line(LOG_WARN, "query " STR_FMT ": %s record of " STR_FMT "-%d at offset %lld: %s",
                 STR_ARG(info->query), what, STR_ARG(info->origin->topic), (int)info->origin->partition,
                 (long long)info->origin->offset, info->message);
    else
        log_line(LOG_WARN, "query " STR_FMT ": %s row: %s", STR_ARG(info->query), what, info->message);
}

/* Takes the text. Lock held. */
static void enqueue(ProcessingLog *log, char *text)
{
    if (log->count == QUEUE_MAX) {
        log->dropped++;
        mem_free(text);
        return;
    }
    log->queue[(log->first + log->count++) % QUEUE_MAX] = text;
    pthread_cond_signal(&log->work);
}

void processing_log_skipped(void *context, const SkipInfo *info)
{
    ProcessingLog *log = context;
    uint64_t       left_out;
    if (info->kind == SKIP_LATE || info->kind == SKIP_NULL_KEY)
        return; /* counted only */
    char *text = log->topic != NULL ? record_text(log, info) : NULL;
    pthread_mutex_lock(&log->lock);
    bool line = may_write_line(log, &left_out);
    if (text != NULL)
        enqueue(log, text);
    pthread_mutex_unlock(&log->lock);
    if (line)
        write_line(info, left_out);
}

/* ---- to the topic ---- */

static char *dequeue(ProcessingLog *log)
{
    char *text = NULL;
    pthread_mutex_lock(&log->lock);
    while (log->count == 0 && !log->stopping)
        pthread_cond_wait(&log->work, &log->lock);
    if (log->count > 0) {
        text       = log->queue[log->first];
        log->first = (log->first + 1) % QUEUE_MAX;
        log->count--;
    }
    pthread_mutex_unlock(&log->lock);
    return text;
}

static void *thread_main(void *context)
{
    ProcessingLog *log     = context;
    WriterOptions  options = {.client_id = "sluice-processing-log", .linger_ms = 100};
    LogWriter     *writer  = NULL;
    Error          err;
    if (log_writer_open(log->log, &options, &writer, &err) != OK)
        log_line(LOG_ERROR, "the processing log cannot be written: %s", err.message);
    for (char *text; (text = dequeue(log)) != NULL; mem_free(text)) {
        LogRecord record = {.timestamp = log->clock->now_ms(log->clock), .value = str_c(text)};
        if (writer != NULL &&
            log_append(writer, str_c(log->topic), PARTITION_BY_KEY, &record, STR_NULL, &err) != OK)
            log_line(LOG_ERROR, "the processing log cannot be written: %s", err.message);
    }
    if (writer != NULL && log_flush(writer, 5000, &err) != OK)
        log_line(LOG_ERROR, "the end of the processing log is lost: %s", err.message);
    if (writer != NULL)
        log_writer_close(writer);
    return NULL;
}

/* ---- life ---- */

static void start_topic(ProcessingLog *log, const Properties *properties, Str service_id)
{
    StrBuf name  = {0};
    Str    given = properties_get_c(properties, "ksql.logging.processing.topic.name");
    Error  err;
    if (str_is_null(given) || given.len == 0)
        strbuf_addf(&name, STR_FMT "ksql_processing_log", STR_ARG(service_id));
    else
        strbuf_add(&name, given);
    int    partitions = (int)properties_int(properties, "ksql.logging.processing.topic.partitions", 1);
    int    replicas = (int)properties_int(properties, "ksql.logging.processing.topic.replication.factor", 1);
    Status status   = log_topic_create(log->log, strbuf_str(&name), partitions, replicas, NULL, 0, &err);
    if (status != OK && status != E_EXISTS)
        log_line(LOG_ERROR, "the processing log's topic cannot be made: %s", err.message);
    else {
        log->topic = str_to_heap(strbuf_str(&name));
        log->queue = mem_calloc(QUEUE_MAX, sizeof *log->queue);
        if (pthread_create(&log->thread, NULL, thread_main, log) != 0) {
            log_line(LOG_ERROR, "the processing log has no thread: %m");
            mem_free(log->topic);
            log->topic = NULL;
        }
    }
    strbuf_clear(&name);
}

ProcessingLog *processing_log_open(Log *topics, Clock *clock, const Properties *properties, Str service_id)
{
    ProcessingLog *log = mem_calloc(1, sizeof *log);
    log->log           = topics;
    log->clock         = clock;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->work, NULL);
    if (properties_is_true(properties, "ksql.logging.processing.topic.auto.create", false))
        start_topic(log, properties, service_id);
    return log;
}

Str processing_log_topic(const ProcessingLog *log) { return str_c(log->topic); }

void processing_log_close(ProcessingLog *log)
{
    if (log == NULL)
        return;
    if (log->topic != NULL) {
        pthread_mutex_lock(&log->lock);
        log->stopping = true;
        pthread_cond_signal(&log->work);
        pthread_mutex_unlock(&log->lock);
        pthread_join(log->thread, NULL);
    }
    if (log->dropped > 0)
        log_line(
            LOG_WARN,
            "%llu records of the processing log were dropped: they came faster than they could be written",
            (unsigned long long)log->dropped);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->work);
    mem_free(log->queue);
    mem_free(log->topic);
    mem_free(log);
}
