/*
 * log_kafka.c - the Kafka backend as a whole: properties, clients, what errors mean, and the list of known
 * topics.
 */
#include "log/log_kafka.h"

#include "core/suggest.h"

enum { KNOWN_MAX_AGE_US = 30 * 1000 * 1000 };

int64_t kafka_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- errors ---- */

Status kafka_status(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return OK;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE: /* the coordinator has ended the transaction: for a newer
                                                 writer, or for its age */
        return E_FENCED;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return E_NOT_FOUND;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
        return E_EXISTS;
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return E_CONFIG;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return E_DATA;
    default:
        return E_IO;
    }
}

Status kafka_fail(rd_kafka_resp_err_t code, const char *reason, Error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(err, kafka_status(code), NO_POS, fmt, args);
    va_end(args);
    error_append(err, ": %s", reason != NULL ? reason : rd_kafka_err2str(code));
    return kafka_status(code);
}

/* librdkafka retries by itself: what it complains about is worth a warning, the rest is for debugging. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    const KafkaUser *user = rd_kafka_opaque(client);
    bool             about_config =
        strcmp(facility, "CONFWARN") == 0; /* "a consumer property": we give all properties to all clients */
    if (level <= 4 && !about_config)
        kafka_complain(user->log, text);
    else
        log_line(LOG_DEBUG, "kafka: %s: %s", facility, text);
}

/* Topics that vanished are told to who reads them, once. */
void kafka_on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    const KafkaUser *user = opaque;
    bool             told_elsewhere =
        kafka_status((rd_kafka_resp_err_t)code) == E_NOT_FOUND || code == RD_KAFKA_RESP_ERR__FATAL;
    if (told_elsewhere)
        log_line(LOG_DEBUG, "kafka: %s", reason);
    else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        kafka_lost(user->log);
    else
        kafka_complain(user->log, reason);
}

/* ---- properties ---- */

static Status set_one(rd_kafka_conf_t *conf, const LogConfig *config, bool *known, Error *err)
{
    char                reason[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, config->name, config->value, reason, sizeof reason);
    *known                     = result != RD_KAFKA_CONF_UNKNOWN;
    if (result == RD_KAFKA_CONF_INVALID)
        return error_set(err, E_CONFIG, NO_POS, "Invalid value %s for configuration %s: %s", config->value,
                         config->name, reason);
    return OK;
}

static Status set_list(rd_kafka_conf_t *conf, const LogConfig *list, Error *err)
{
    bool known;
    for (; list != NULL && list->name != NULL; list++) {
        if (list->value != NULL)
            TRY(set_one(conf, list, &known, err));
    }
    return OK;
}

static Status set_all(const Log *log, rd_kafka_conf_t *conf, const LogConfig *defaults,
                      const LogConfig *forced, Error *err)
{
    bool known;
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, kafka_on_error);
    TRY(set_list(conf, defaults, err));
    for (size_t i = 0; i < log->config_count; i++)
        TRY(set_one(conf, &log->configs[i], &known, err));
    return set_list(conf, forced, err);
}

Status kafka_conf(const Log *log, const LogConfig *defaults, const LogConfig *forced, rd_kafka_conf_t **out,
                  Error *err)
{
    rd_kafka_conf_t *conf   = rd_kafka_conf_new();
    Status           status = set_all(log, conf, defaults, forced, err);
    if (status == OK)
        *out = conf;
    else
        rd_kafka_conf_destroy(conf);
    return status;
}

Status kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, Error *err)
{
    char reason[512];
    *out = rd_kafka_new(type, conf, reason, sizeof reason);
    if (*out != NULL)
        return OK;
    rd_kafka_conf_destroy(conf);
    return error_set(err, E_CONFIG, NO_POS, "cannot start a Kafka client: %s", reason);
}

/* ---- known topics ---- */

static KnownTopic *find_known(Log *log, Str topic)
{
    for (size_t i = 0; i < log->known_count; i++) {
        if (str_equal(str_c(log->known[i].name), topic))
            return &log->known[i];
    }
    return NULL;
}

void kafka_remember_topic(Log *log, Str topic, int partitions)
{
    pthread_mutex_lock(&log->lock);
    KnownTopic *known = find_known(log, topic);
    if (known == NULL) {
        if (log->known_count == log->known_capacity) {
            log->known_capacity = log->known_capacity ? log->known_capacity * 2 : 16;
            log->known          = mem_realloc(log->known, log->known_capacity * sizeof *log->known);
        }
        known  = &log->known[log->known_count++];
        *known = (KnownTopic){.name = str_to_heap(topic), .partitions = partitions};
    }
    if (known->partitions != partitions)
        __atomic_add_fetch(&log->topics_changed, 1, __ATOMIC_RELEASE);
    known->partitions = partitions;
    known->seen_us    = kafka_now_us();
    pthread_mutex_unlock(&log->lock);
}

void kafka_forget_topic(Log *log, Str topic)
{
    pthread_mutex_lock(&log->lock);
    KnownTopic *known = find_known(log, topic);
    if (known != NULL) {
        mem_free(known->name);
        *known = log->known[--log->known_count];
    }
    __atomic_add_fetch(&log->topics_changed, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&log->lock);
}

Status kafka_partition_count(Log *log, Str topic, int *out, Error *err)
{
    pthread_mutex_lock(&log->lock);
    KnownTopic *known = find_known(log, topic);
    bool        fresh = known != NULL && kafka_now_us() - known->seen_us < KNOWN_MAX_AGE_US;
    if (fresh)
        *out = known->partitions;
    pthread_mutex_unlock(&log->lock);
    if (fresh)
        return OK;
    TopicInfo info;
    TRY(kafka_topic_info(log, topic, &info, err));
    *out = info.partitions;
    return OK;
}

Status kafka_check_partition(Log *log, Str topic, int partition, Error *err)
{
    int count;
    TRY(kafka_partition_count(log, topic, &count, err));
    if (partition >= count) {
        kafka_forget_topic(log, topic);
        TRY(kafka_partition_count(log, topic, &count, err));
    }
    return partition >= 0 && partition < count ? OK : log_no_partition(topic, partition, err);
}

/* ---- open and close ---- */

void kafka_ref(Log *log) { __atomic_add_fetch(&log->refs, 1, __ATOMIC_RELAXED); }

void kafka_unref(Log *log)
{
    if (__atomic_sub_fetch(&log->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < log->config_count; i++) {
        mem_free((char *)log->configs[i].name);
        mem_free((char *)log->configs[i].value);
    }
    for (size_t i = 0; i < log->known_count; i++)
        mem_free(log->known[i].name);
    mem_free(log->known);
    mem_free(log->configs);
    pthread_mutex_destroy(&log->lock);
    mem_free(log);
}

static void kafka_close(Log *log)
{
    kafka_client_close(log, log->uncommitted, NULL);
    kafka_client_close(log, log->client, NULL);
    kafka_unref(log);
}

/* librdkafka lists its properties as name, value, name, value. */
static void suggest_property(rd_kafka_conf_t *conf, const char *name, Error *err)
{
    size_t       count;
    const char **dump  = rd_kafka_conf_dump(conf, &count);
    Str         *names = mem_calloc(count / 2 + 1, sizeof *names);
    for (size_t i = 0; i + 1 < count; i += 2)
        names[i / 2] = str_c(dump[i]);
    error_suggest(err, str_c(name), names, count / 2);
    mem_free(names);
    rd_kafka_conf_dump_free(dump, count);
}

static void warn_unknown(const Log *log)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    Error            unknown;
    for (size_t i = 0; i < log->config_count; i++) {
        bool known;
        if (set_one(conf, &log->configs[i], &known, NULL) != OK || known)
            continue;
        error_set(&unknown, E_CONFIG, NO_POS, "unknown Kafka property %s is ignored.", log->configs[i].name);
        suggest_property(conf, log->configs[i].name, &unknown);
        log_line(LOG_WARN, "%s", unknown.message);
    }
    rd_kafka_conf_destroy(conf);
}

static bool has_property(const char *name, const char *value)
{
    rd_kafka_conf_t *conf  = rd_kafka_conf_new();
    bool             known = rd_kafka_conf_set(conf, name, value, NULL, 0) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_destroy(conf);
    return known;
}

Status log_open_kafka(const LogConfig *configs, size_t count, Log **out, Error *err)
{
    static const LogConfig forced[] = {{"isolation.level", "read_committed"}, {"group.id", ""}, {NULL, NULL}};
    Log                   *log      = mem_calloc(1, sizeof *log);
    log->base.backend               = &log_backend_kafka;
    log->self                       = (KafkaUser){log->base, log};
    log->configs                    = mem_calloc(count + 1, sizeof *log->configs);
    log->needs_idle                 = !has_property("fetch.queue.backoff.ms", "10");
    log->config_count               = count;
    log->refs                       = 1;
    pthread_mutex_init(&log->lock, NULL);
    for (size_t i = 0; i < count; i++)
        log->configs[i] = (LogConfig){mem_strdup(configs[i].name), mem_strdup(configs[i].value)};
    warn_unknown(log);
    rd_kafka_conf_t *conf;
    Status           status = kafka_conf(log, NULL, forced, &conf, err);
    if (status == OK)
        rd_kafka_conf_set_opaque(conf, &log->self);
    if (status == OK)
        status = kafka_client_new(RD_KAFKA_CONSUMER, conf, &log->client, err);
    if (status == OK)
        *out = log;
    else
        kafka_close(log);
    return status;
}

static Status kafka_cluster_id(Log *log, Arena *arena, Str *out, Error *err)
{
    char *id = rd_kafka_clusterid(log->client, ADMIN_TIMEOUT_MS);
    if (id == NULL)
        return error_set(err, E_IO, NO_POS, "Kafka does not answer: its cluster id is unknown");
    *out = str_dup(arena, str_c(id));
    rd_kafka_mem_free(log->client, id);
    return OK;
}

static const char *servers(const Log *log)
{
    for (size_t i = 0; i < log->config_count; i++)
        if (strcmp(log->configs[i].name, "bootstrap.servers") == 0)
            return log->configs[i].value;
    return "?";
}

/* A time-out of the question says little: the connection's own complaint is the reason. */
static Status kafka_ping(Log *log, int timeout_ms, Error *err)
{
    const struct rd_kafka_metadata *metadata;
    char                            why[sizeof log->why];
    /* Of no topic: the smallest question that a broker must answer. */
    rd_kafka_resp_err_t code = rd_kafka_metadata(log->client, 0, NULL, &metadata, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        kafka_heard(log);
        return OK;
    }
    kafka_lost(log);
    kafka_why(log, rd_kafka_err2str(code), why, sizeof why);
    return kafka_fail(code, why, err, "Kafka at %s does not answer", servers(log));
}

const LogBackend log_backend_kafka = {
    .name             = "kafka",
    .marker_offsets   = 1,
    .hears_late       = true,
    .close            = kafka_close,
    .cluster_id       = kafka_cluster_id,
    .ping             = kafka_ping,
    .topic_create     = kafka_topic_create,
    .topic_delete     = kafka_topic_delete,
    .topic_info       = kafka_topic_info,
    .topic_list       = kafka_topic_list,
    .topic_config     = kafka_topic_config,
    .topic_set_config = kafka_topic_set_config,
    .offsets          = kafka_offsets,
    .offset_for_time  = kafka_offset_for_time,
    .delete_records   = kafka_delete_records,
    .group_commit     = kafka_group_commit,
    .reader_open      = kafka_reader_open,
    .reader_close     = kafka_reader_close,
    .reader_assign    = kafka_reader_assign,
    .reader_unassign  = kafka_reader_unassign,
    .reader_seek      = kafka_reader_seek,
    .reader_take      = kafka_reader_take,
    .batch_release    = kafka_batch_release,
    .reader_wait      = kafka_reader_wait,
    .reader_wake      = kafka_reader_wake,
    .reader_at_end    = kafka_reader_at_end,
    .reader_caught_up = kafka_reader_caught_up,
    .reader_position  = kafka_reader_position,
    .writer_open      = kafka_writer_open,
    .writer_close     = kafka_writer_close,
    .append           = kafka_append,
    .flush            = kafka_flush,
    .send_now         = kafka_send_now,
    .append_all       = kafka_append_all,
    .txn_begin        = kafka_txn_begin,
    .txn_fence        = kafka_txn_fence,
    .txn_commit       = kafka_txn_commit,
    .txn_abort        = kafka_txn_abort,
    .writer_end       = kafka_writer_end,
    .member_join      = kafka_member_join,
    .member_poll      = kafka_member_poll,
    .member_close     = kafka_member_close,
    .member_committed = kafka_member_committed,
    .fence_ref        = kafka_fence_ref,
    .fence_unref      = kafka_fence_unref,
    .offsets_many     = kafka_offsets_many,
    .arrived_many     = kafka_arrived_many,
    .topics_create    = kafka_topics_create,
    .writer_expect    = kafka_writer_expect,
    .member_settle    = kafka_member_settle,
};
