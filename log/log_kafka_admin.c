/*
 * log_kafka_admin.c - topics, settings, bounds and groups of Kafka.
 *
 * Kafka's brokers learn of a created or deleted topic a moment after the controller has answered; we wait for
 * that moment, so that who creates a topic can use it, as the contract says.
 */
#include "log/log_kafka.h"

enum {
    SETTLE_TIMEOUT_MS = 15000,
    GONE_TIMEOUT_MS   = 5000 /* somebody may have made it anew */,
    NAME_BUFFER       = 256
};

const char kafka_idle_topic[] = "_confluent-ksql-sluice-idle";

static void nap_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* A name as a C string; longer ones are no names of Kafka topics. */
static const char *c_name(Str name, char buffer[NAME_BUFFER])
{
    snprintf(buffer, NAME_BUFFER, STR_FMT, STR_ARG(name));
    return buffer;
}

/* ---- one question to the admin API ---- */

typedef struct {
    rd_kafka_queue_t        *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t        *event;
} Question;

static Question question_new(rd_kafka_t *client, rd_kafka_admin_op_t op)
{
    char     reason[128];
    Question q = {.queue = rd_kafka_queue_new(client), .options = rd_kafka_AdminOptions_new(client, op)};
    rd_kafka_AdminOptions_set_request_timeout(q.options, ADMIN_TIMEOUT_MS, reason, sizeof reason);
    rd_kafka_AdminOptions_set_operation_timeout(q.options, ADMIN_TIMEOUT_MS, reason, sizeof reason);
    return q;
}

/* Waits for the answer. `what` and `name` go into the message of a failure. */
static Status question_wait(Question *q, const char *what, Str name, Error *err)
{
    q->event = rd_kafka_queue_poll(q->queue, ADMIN_TIMEOUT_MS + 5000);
    if (q->event == NULL)
        return error_set(err, E_IO, NO_POS, "cannot %s " STR_FMT ": Kafka does not answer", what,
                         STR_ARG(name));
    rd_kafka_resp_err_t code = rd_kafka_event_error(q->event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, rd_kafka_event_error_string(q->event), err, "cannot %s " STR_FMT, what,
                          STR_ARG(name));
    return OK;
}

static void question_end(Question *q)
{
    if (q->event != NULL)
        rd_kafka_event_destroy(q->event);
    rd_kafka_AdminOptions_destroy(q->options);
    rd_kafka_queue_destroy(q->queue);
}

/* The verdict on the first (only) topic of an answer. */
static Status topic_verdict(const rd_kafka_topic_result_t **results, size_t count, const char *what, Str name,
                            Error *err)
{
    if (count == 0)
        return error_set(err, E_IO, NO_POS, "cannot %s " STR_FMT ": an empty answer", what, STR_ARG(name));
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OK;
    return kafka_fail(code, rd_kafka_topic_result_error_string(results[0]), err, "cannot %s " STR_FMT, what,
                      STR_ARG(name));
}

/* ---- metadata ---- */

static bool all_led(const struct rd_kafka_metadata_topic *topic)
{
    for (int p = 0; p < topic->partition_cnt; p++) {
        if (topic->partitions[p].leader < 0)
            return false;
    }
    return topic->partition_cnt > 0;
}

static Status ask_topic(Log *log, Str name, TopicInfo *out, bool *led, Error *err)
{
    char                            buffer[NAME_BUFFER];
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t               *topic = rd_kafka_topic_new(log->client, c_name(name, buffer), NULL);
    if (topic == NULL)
        return kafka_fail(rd_kafka_last_error(), NULL, err, "cannot look up topic " STR_FMT, STR_ARG(name));
    rd_kafka_resp_err_t code = rd_kafka_metadata(log->client, 0, topic, &metadata, ADMIN_TIMEOUT_MS);
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, NULL, err, "cannot look up topic " STR_FMT, STR_ARG(name));
    Status status = OK;
    if (metadata->topic_cnt == 0 || kafka_status(metadata->topics[0].err) == E_NOT_FOUND ||
        metadata->topics[0].err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
        status = log_no_topic(name, err);
    else if (metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR &&
             metadata->topics[0].err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        status =
            kafka_fail(metadata->topics[0].err, NULL, err, "cannot look up topic " STR_FMT, STR_ARG(name));
    else {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
        *out                                        = (TopicInfo){name, found->partition_cnt,
                           found->partition_cnt > 0 ? found->partitions[0].replica_cnt : 0};
        *led                                        = all_led(found);
    }
    rd_kafka_metadata_destroy(metadata);
    return status;
}

Status kafka_topic_info(Log *log, Str name, TopicInfo *out, Error *err)
{
    bool led;
    TRY(ask_topic(log, name, out, &led, err));
    kafka_heard(log);
    kafka_remember_topic(log, name, out->partitions);
    return OK;
}

Status kafka_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(log->client, 1, NULL, &metadata, ADMIN_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, NULL, err, "cannot list topics");
    *out   = ARENA_ARRAY(arena, TopicInfo, (size_t)metadata->topic_cnt + 1);
    *count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (kafka_status(topic->err) == E_NOT_FOUND)
            continue;
        (*out)[(*count)++] = (TopicInfo){str_dup(arena, str_c(topic->topic)), topic->partition_cnt,
                                         topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0};
    }
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

/* Until the topic is there with all its leaders, or gone. Not arriving is no failure of what was asked: a
 * warning. */
static void settle(Log *log, Str name, bool there)
{
    int64_t   deadline = kafka_now_us() + (int64_t)(there ? SETTLE_TIMEOUT_MS : GONE_TIMEOUT_MS) * 1000;
    TopicInfo info;
    bool      led;
    kafka_forget_topic(log, name);
    for (int pause = 2; kafka_now_us() < deadline; pause = pause < 100 ? pause + pause / 4 + 1 : pause) {
        Status status = ask_topic(log, name, &info, &led, NULL);
        if (there ? status == OK && led : status == E_NOT_FOUND)
            return;
        nap_ms(pause);
    }
    log_line(LOG_WARN, "topic " STR_FMT ": Kafka's brokers have not all heard of its %s yet", STR_ARG(name),
             there ? "creation" : "deletion");
}

/* What a client takes for a partition's end follows from its isolation level, so that this takes a client of
 * its own: opened by the first who asks. */
static Status uncommitted_client(Log *log, rd_kafka_t **out, Error *err)
{
    static const LogConfig forced[] = {
        {"isolation.level", "read_uncommitted"}, {"group.id", ""}, {NULL, NULL}};
    rd_kafka_conf_t *conf;
    rd_kafka_t      *made;
    pthread_mutex_lock(&log->lock);
    *out = log->uncommitted;
    pthread_mutex_unlock(&log->lock);
    if (*out != NULL)
        return OK;
    TRY(kafka_conf(log, NULL, forced, &conf, err));
    rd_kafka_conf_set_opaque(conf, &log->self);
    TRY(kafka_client_new(RD_KAFKA_CONSUMER, conf, &made, err));
    pthread_mutex_lock(&log->lock);
    bool first = log->uncommitted == NULL;
    if (first)
        log->uncommitted = made;
    *out = log->uncommitted;
    pthread_mutex_unlock(&log->lock);
    if (!first)
        kafka_client_close(log, made, NULL);
    return OK;
}

/* ---- create, delete ---- */

/* What a broker answers for one of them; it may leave some out. */
static Status new_topic_verdict(const rd_kafka_topic_result_t **results, size_t count, Str name, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(str_c(rd_kafka_topic_result_name(results[i])), name))
            return topic_verdict(&results[i], 1, "create topic", name, err);
    return topic_verdict(NULL, 0, "create topic", name, err);
}

static void take_verdicts(const Question *q, NewTopic *topics, size_t count, Status *worst, Error *err)
{
    size_t                          results;
    Error                           why;
    const rd_kafka_topic_result_t **list =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(q->event), &results);
    for (size_t i = 0; i < count; i++)
        log_note_new_topic(&topics[i], new_topic_verdict(list, results, topics[i].name, &why), &why, worst,
                           err);
}

static Status describe(const NewTopic *topic, rd_kafka_NewTopic_t **out, Error *err)
{
    char buffer[NAME_BUFFER], reason[512];
    *out = rd_kafka_NewTopic_new(c_name(topic->name, buffer), topic->partitions,
                                 topic->replicas > 0 ? topic->replicas : -1, reason, sizeof reason);
    if (*out == NULL)
        return error_set(err, E_CONFIG, NO_POS, "cannot create topic " STR_FMT ": %s", STR_ARG(topic->name),
                         reason);
    for (size_t i = 0; i < topic->config_count; i++)
        rd_kafka_NewTopic_set_config(*out, topic->configs[i].name, topic->configs[i].value);
    return OK;
}

static void all_failed(NewTopic *topics, size_t count, Status status)
{
    for (size_t i = 0; i < count; i++)
        topics[i].status = status;
}

/* A broker answers the questions of a connection in their order, and making topics takes it long: so they are
 * asked for by the client that is asked least, and who plans a query need not wait behind the slots of the
 * start; a second one at the same time asks by the other. */
static rd_kafka_t *begin_creating(Log *log)
{
    rd_kafka_t *client = NULL;
    Error       why;
    if (uncommitted_client(log, &client, &why) != OK) {
        log_line(LOG_WARN, "%s", why.message);
        return log->client;
    }
    pthread_mutex_lock(&log->lock);
    bool taken    = log->creating;
    log->creating = true;
    pthread_mutex_unlock(&log->lock);
    return taken ? log->client : client;
}

static void end_creating(Log *log, const rd_kafka_t *client)
{
    pthread_mutex_lock(&log->lock);
    if (client != log->client)
        log->creating = false;
    pthread_mutex_unlock(&log->lock);
}

/* Without an answer nobody knows which of them are there. */
static Status ask_for_topics(Log *log, rd_kafka_NewTopic_t **wanted, NewTopic *topics, size_t count,
                             Error *err)
{
    rd_kafka_t *client = begin_creating(log);
    Question    q      = question_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(client, wanted, count, q.options, q.queue);
    Status status = question_wait(&q, "create topic", topics[0].name, err);
    if (status == OK)
        take_verdicts(&q, topics, count, &status, err);
    else
        all_failed(topics, count, status);
    question_end(&q);
    end_creating(log, client);
    return status;
}

/* One request, for a controller gathers what it writes and brokers follow it at their own pace: each request
 * costs some 50 ms, however much is in it. */
Status kafka_topics_create(Log *log, NewTopic *topics, size_t count, Error *err)
{
    rd_kafka_NewTopic_t **wanted = mem_calloc(count, sizeof *wanted);
    Status                status = OK;
    for (size_t i = 0; status == OK && i < count; i++)
        status = describe(&topics[i], &wanted[i], err);
    if (status == OK)
        status = ask_for_topics(log, wanted, topics, count, err);
    else
        all_failed(topics, count, status);
    for (size_t i = 0; i < count; i++)
        if (wanted[i] != NULL)
            rd_kafka_NewTopic_destroy(wanted[i]);
    mem_free(wanted);
    for (size_t i = 0; i < count; i++)
        if (topics[i].status == OK)
            settle(log, topics[i].name, true);
    return status;
}

Status kafka_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                          size_t count, Error *err)
{
    NewTopic topic = {name, partitions, replicas, configs, count, OK};
    return kafka_topics_create(log, &topic, 1, err);
}

Status kafka_topic_delete(Log *log, Str name, Error *err)
{
    char                    buffer[NAME_BUFFER];
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(c_name(name, buffer));
    Question                q     = question_new(log->client, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_DeleteTopics(log->client, &topic, 1, q.options, q.queue);
    Status status = question_wait(&q, "delete topic", name, err);
    if (status == OK) {
        size_t                          results;
        const rd_kafka_topic_result_t **list =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(q.event), &results);
        status = topic_verdict(list, results, "delete topic", name, err);
    }
    question_end(&q);
    rd_kafka_DeleteTopic_destroy(topic);
    if (status == OK)
        settle(log, name, false);
    return status == E_NOT_FOUND ? log_no_topic(name, err) : status;
}

/* ---- settings ---- */

/* Asks for the settings of a topic. On OK *entries belong to q. */
static Status ask_configs(Log *log, Question *q, Str name, const rd_kafka_ConfigEntry_t ***entries,
                          size_t *count, Error *err)
{
    char                       buffer[NAME_BUFFER];
    TopicInfo                  info;
    rd_kafka_ConfigResource_t *asked =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, c_name(name, buffer));
    rd_kafka_DescribeConfigs(log->client, &asked, 1, q->options, q->queue);
    Status status = question_wait(q, "read the settings of topic", name, err);
    rd_kafka_ConfigResource_destroy(asked);
    TRY(status);
    size_t                            results;
    const rd_kafka_ConfigResource_t **list =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(q->event), &results);
    if (results == 0)
        return error_set(err, E_IO, NO_POS, "cannot read the settings of topic " STR_FMT, STR_ARG(name));
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(list[0]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        TRY(kafka_topic_info(log, name, &info,
                             err)); /* E_NOT_FOUND reads better than what DescribeConfigs says */
        return kafka_fail(code, rd_kafka_ConfigResource_error_string(list[0]), err,
                          "cannot read the settings of topic " STR_FMT, STR_ARG(name));
    }
    *entries = rd_kafka_ConfigResource_configs(list[0], count);
    return OK;
}

Status kafka_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err)
{
    const rd_kafka_ConfigEntry_t **entries = NULL;
    size_t                         count   = 0;
    Question                       q       = question_new(log->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    Status                         status  = ask_configs(log, &q, name, &entries, &count, err);
    bool                           found   = false;
    for (size_t i = 0; status == OK && i < count && !found; i++) {
        found = strcmp(rd_kafka_ConfigEntry_name(entries[i]), config) == 0;
        if (found)
            *out = str_dup(arena, str_c(rd_kafka_ConfigEntry_value(entries[i])));
    }
    question_end(&q);
    if (status == OK && !found)
        return error_set(err, E_CONFIG, NO_POS, "Unknown topic config name: %s", config);
    return status;
}

static Status alter_configs(Log *log, rd_kafka_ConfigResource_t *change, Str name, Error *err)
{
    Question q = question_new(log->client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(log->client, &change, 1, q.options, q.queue);
    Status status = question_wait(&q, "change the settings of topic", name, err);
    if (status == OK) {
        size_t                            results;
        const rd_kafka_ConfigResource_t **list =
            rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(q.event), &results);
        rd_kafka_resp_err_t code =
            results > 0 ? rd_kafka_ConfigResource_error(list[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = kafka_fail(code, results > 0 ? rd_kafka_ConfigResource_error_string(list[0]) : NULL, err,
                                "cannot change the settings of topic " STR_FMT, STR_ARG(name));
    }
    question_end(&q);
    return status;
}

/* Until the brokers show the new value. Some change its spelling, so this waits a moment only. */
static void settle_config(Log *log, Str name, const char *config, const char *value)
{
    Arena *arena = arena_new(0);
    Str    now;
    for (int pause = 2; pause < 600; pause *= 2) {
        if (kafka_topic_config(log, name, config, arena, &now, NULL) == OK && str_equal(now, str_c(value)))
            break;
        nap_ms(pause);
    }
    arena_free(arena);
}

/* AlterConfigs replaces all settings of the topic, so those it has of its own are given again. (The
 * incremental request came with librdkafka 2.2.) */
Status kafka_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err)
{
    char                           buffer[NAME_BUFFER];
    const rd_kafka_ConfigEntry_t **entries = NULL;
    size_t                         count   = 0;
    Question                       q       = question_new(log->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    Status                         status  = ask_configs(log, &q, name, &entries, &count, err);
    rd_kafka_ConfigResource_t     *change =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, c_name(name, buffer));
    for (size_t i = 0; status == OK && i < count; i++) {
        const char *entry = rd_kafka_ConfigEntry_name(entries[i]),
                   *old   = rd_kafka_ConfigEntry_value(entries[i]);
        if (rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
            old != NULL && strcmp(entry, config) != 0)
            rd_kafka_ConfigResource_set_config(change, entry, old);
    }
    question_end(&q);
    if (status == OK) {
        rd_kafka_ConfigResource_set_config(change, config, value);
        status = alter_configs(log, change, name, err);
    }
    rd_kafka_ConfigResource_destroy(change);
    if (status == OK)
        settle_config(log, name, config, value);
    return status;
}

/* ---- bounds ---- */

/* A partition that was created, or has moved, a moment ago: its broker has not heard of it yet, or the client
 * (whose word is "local") not of the partition, which is there: that was looked up before. */
static bool is_leader_missing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH || code == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR;
}

Status kafka_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err)
{
    char                buffer[NAME_BUFFER];
    rd_kafka_resp_err_t code;
    int64_t             deadline = kafka_now_us() + (int64_t)SETTLE_TIMEOUT_MS * 1000;
    TRY(kafka_check_partition(log, topic, partition, err));
    while (
        is_leader_missing(code = rd_kafka_query_watermark_offsets(log->client, c_name(topic, buffer),
                                                                  partition, first, end, ADMIN_TIMEOUT_MS)) &&
        kafka_now_us() < deadline)
        nap_ms(20);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OK;
    if (kafka_status(code) == E_NOT_FOUND)
        kafka_forget_topic(log, topic);
    return kafka_fail(code, NULL, err, "cannot read the offsets of topic " STR_FMT " partition %d",
                      STR_ARG(topic), partition);
}

/* One answer for each of the list's partitions, or the first failure: a new topic's brokers may say for a
 * moment that they do not lead it. */
static rd_kafka_resp_err_t ask_list(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, ADMIN_TIMEOUT_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    return code;
}

/* `which`: the protocol's -2 for the first offset and -1 for the end, which go where a time would. */
static Status ask_offsets(Log *log, rd_kafka_t *client, const char *topic, const int *partitions,
                          size_t count, int64_t which, int64_t *out, Error *err)
{
    rd_kafka_resp_err_t code;
    int64_t             deadline = kafka_now_us() + (int64_t)SETTLE_TIMEOUT_MS * 1000;
    do {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
        for (size_t i = 0; i < count; i++)
            rd_kafka_topic_partition_list_add(list, topic, partitions[i])->offset = which;
        code = ask_list(client, list);
        for (size_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < count; i++)
            out[i] = rd_kafka_topic_partition_list_find(list, topic, partitions[i])->offset;
        rd_kafka_topic_partition_list_destroy(list);
        if (is_leader_missing(code))
            nap_ms(5);
    } while (is_leader_missing(code) && kafka_now_us() < deadline);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OK;
    if (kafka_status(code) == E_NOT_FOUND)
        kafka_forget_topic(log, str_c(topic));
    return kafka_fail(code, NULL, err, "cannot read the offsets of topic %s", topic);
}

/* Two questions to each broker instead of two for each partition. */
Status kafka_offsets_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                          int64_t *end, Error *err)
{
    char buffer[NAME_BUFFER];
    if (count == 0)
        return OK;
    for (size_t i = 0; i < count; i++)
        TRY(kafka_check_partition(log, topic, partitions[i], err));
    TRY(ask_offsets(log, log->client, c_name(topic, buffer), partitions, count, RD_KAFKA_OFFSET_BEGINNING,
                    first, err));
    return ask_offsets(log, log->client, buffer, partitions, count, RD_KAFKA_OFFSET_END, end, err);
}

Status kafka_arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end, Error *err)
{
    char        buffer[NAME_BUFFER];
    rd_kafka_t *client;
    for (size_t i = 0; i < count; i++)
        TRY(kafka_check_partition(log, topic, partitions[i], err));
    TRY(uncommitted_client(log, &client, err));
    return count == 0 ? OK
                      : ask_offsets(log, client, c_name(topic, buffer), partitions, count,
                                    RD_KAFKA_OFFSET_END, end, err);
}

Status kafka_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err)
{
    char    buffer[NAME_BUFFER];
    int64_t first, end;
    TRY(kafka_offsets(log, topic, partition, &first, &end, err));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t      *one =
        rd_kafka_topic_partition_list_add(list, c_name(topic, buffer), partition);
    one->offset = ms < 0 ? 0 : ms; /* negative numbers have a meaning of their own in the protocol */
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(log->client, list, ADMIN_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = one->err;
    *out = one->offset >= 0 && one->offset < end ? one->offset : end;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, NULL, err, "cannot look up a time in topic " STR_FMT " partition %d",
                          STR_ARG(topic), partition);
    return OK;
}

Status kafka_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err)
{
    char buffer[NAME_BUFFER];
    TRY(kafka_check_partition(log, topic, partition, err));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c_name(topic, buffer), partition)->offset =
        before < 0 ? RD_KAFKA_OFFSET_END : before;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    Question                  q       = question_new(log->client, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_DeleteRecords(log->client, &request, 1, q.options, q.queue);
    Status status = question_wait(&q, "delete records of topic", topic, err);
    if (status == OK) {
        const rd_kafka_topic_partition_list_t *answer =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(q.event));
        rd_kafka_resp_err_t code = answer->cnt > 0 ? answer->elems[0].err : RD_KAFKA_RESP_ERR__FAIL;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = kafka_fail(code, NULL, err,
                                "cannot delete records of topic " STR_FMT " partition %d below %lld",
                                STR_ARG(topic), partition, (long long)before);
    }
    question_end(&q);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* ---- groups ---- */

static Status group_verdict(const rd_kafka_event_t *event, Str group, Error *err)
{
    size_t                          count;
    const rd_kafka_group_result_t **groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result((rd_kafka_event_t *)event), &count);
    if (count == 0)
        return error_set(err, E_IO, NO_POS, "cannot set offsets of group " STR_FMT, STR_ARG(group));
    const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
    if (error != NULL)
        return kafka_fail(rd_kafka_error_code(error), rd_kafka_error_string(error), err,
                          "cannot set offsets of group " STR_FMT, STR_ARG(group));
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return kafka_fail(list->elems[i].err, NULL, err,
                              "cannot set the offset of group " STR_FMT " for %s [%d]", STR_ARG(group),
                              list->elems[i].topic, list->elems[i].partition);
    }
    return OK;
}

Status kafka_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err)
{
    char                             buffer[NAME_BUFFER];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, c_name(positions[i].topic, buffer), positions[i].partition)
            ->offset = positions[i].offset;
    char *group_name = str_to_heap(group); /* a group's name has no limit of length */
    rd_kafka_AlterConsumerGroupOffsets_t *request = rd_kafka_AlterConsumerGroupOffsets_new(group_name, list);
    Question q = question_new(log->client, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_AlterConsumerGroupOffsets(log->client, &request, 1, q.options, q.queue);
    Status status = question_wait(&q, "set offsets of group", group, err);
    if (status == OK)
        status = group_verdict(q.event, group, err);
    question_end(&q);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    mem_free(group_name);
    return status;
}

/* ---- the idle topic (why: log_kafka_reader.c) ---- */

static int brokers(Log *log)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(log->client, 0, NULL, &metadata, ADMIN_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 1;
    int count = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count > 0 ? count : 1;
}

int kafka_idle_partitions(Log *log)
{
    pthread_mutex_lock(&log->lock);
    int known = log->idle_partitions;
    pthread_mutex_unlock(&log->lock);
    if (known != 0)
        return known > 0 ? known : 0;
    Error     err;
    TopicInfo info   = {0};
    Str       name   = str_c(kafka_idle_topic);
    Status    status = kafka_topic_info(log, name, &info, &err);
    if (status == E_NOT_FOUND) {
        status = kafka_topic_create(log, name, brokers(log), 0, NULL, 0, &err);
        if (status == OK || status == E_EXISTS)
            status = kafka_topic_info(log, name, &info, &err);
    }
    if (status != OK)
        log_line(LOG_WARN, "reading may be slow: the topic %s cannot be had: %s", kafka_idle_topic,
                 err.message);
    pthread_mutex_lock(&log->lock);
    log->idle_partitions = status == OK && info.partitions > 0 ? info.partitions : -1;
    pthread_mutex_unlock(&log->lock);
    return info.partitions;
}
