/*
 * joins_kafka.c - topics and marks of the join benchmark, by librdkafka.
 */
#include <unistd.h>

#include "bench/joins/joins.h"

enum { PATIENCE_MS = 30000 };

int mark_partition(const char *key, int partitions)
{
    return rd_kafka_msg_partitioner_murmur2(NULL, key, strlen(key), partitions, NULL, NULL);
}

void mark_make(char *out, size_t size, int partition, int partitions, int64_t done)
{
    for (int salt = 0;; salt++) {
        snprintf(out, size, "Mark.%d.%" PRId64 ".%d", partition, done, salt);
        if (mark_partition(out, partitions) == partition)
            return;
    }
}

bool mark_read(Str key, int *partition, int64_t *done)
{
    char text[64];
    int  salt;
    if (key.len < 5 || key.len >= sizeof text || memcmp(key.ptr, "Mark.", 5) != 0)
        return false;
    memcpy(text, key.ptr, key.len);
    text[key.len] = '\0';
    return sscanf(text, "Mark.%d.%" SCNd64 ".%d", partition, done, &salt) == 3 && *partition >= 0 &&
           *partition < PARTITIONS_MAX;
}

rd_kafka_t *kafka_client(rd_kafka_type_t type, const char *const *settings)
{
    char             message[512];
    const char      *brokers = getenv("BROKERS");
    rd_kafka_conf_t *conf    = rd_kafka_conf_new();
    if (brokers == NULL)
        die("BROKERS is not set");
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, message, sizeof message) != RD_KAFKA_CONF_OK)
        die("%s", message);
    for (; settings != NULL && *settings != NULL; settings += 2)
        if (rd_kafka_conf_set(conf, settings[0], settings[1], message, sizeof message) != RD_KAFKA_CONF_OK)
            die("%s", message);
    rd_kafka_t *client = rd_kafka_new(type, conf, message, sizeof message);
    if (client == NULL)
        die("%s", message);
    return client;
}

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue, const char *what, const char *name)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
    if (event == NULL || rd_kafka_event_error(event))
        die("%s %s: %s", what, name, event != NULL ? rd_kafka_event_error_string(event) : "no answer");
    return event;
}

void topic_create(rd_kafka_t *client, const char *name, int partitions)
{
    char                 message[512];
    size_t               count;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, message, sizeof message);
    if (topic == NULL)
        die("%s", message);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t               *event = answer(queue, "create", name);
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("create %s: %s", name, rd_kafka_err2str(rd_kafka_topic_result_error(results[0])));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    for (int i = 0; topic_partitions(client, name) != partitions; i++) /* until it can be used */
        if (i == PATIENCE_MS / 100)
            die("%s does not appear", name);
        else
            usleep(100 * 1000);
}

static const struct rd_kafka_metadata *metadata(rd_kafka_t *client)
{
    const struct rd_kafka_metadata *found;
    rd_kafka_resp_err_t             failed = rd_kafka_metadata(client, 1, NULL, &found, PATIENCE_MS);
    if (failed)
        die("the broker's topics: %s", rd_kafka_err2str(failed));
    return found;
}

int topic_partitions(rd_kafka_t *client, const char *name)
{
    const struct rd_kafka_metadata *all        = metadata(client);
    int                             partitions = 0;
    for (int i = 0; i < all->topic_cnt; i++)
        if (strcmp(all->topics[i].topic, name) == 0 && !all->topics[i].err)
            partitions = all->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(all);
    if (partitions > PARTITIONS_MAX)
        die("%s has more than %d partitions", name, PARTITIONS_MAX);
    return partitions;
}

int64_t topic_end(rd_kafka_t *client, const char *name, int partition)
{
    int64_t             low, high;
    rd_kafka_resp_err_t failed =
        rd_kafka_query_watermark_offsets(client, name, partition, &low, &high, PATIENCE_MS);
    if (failed)
        die("%s [%d]: %s", name, partition, rd_kafka_err2str(failed));
    if (low != 0)
        die("%s [%d] does not begin at 0: something has been deleted", name, partition);
    return high;
}

void topics_purge(rd_kafka_t *client, const char *part)
{
    const struct rd_kafka_metadata *all = metadata(client);
    for (int i = 0; i < all->topic_cnt; i++) {
        const char *name = all->topics[i].topic;
        if (strstr(name, part) == NULL)
            continue;
        rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
        rd_kafka_queue_t       *queue = rd_kafka_queue_new(client);
        rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
        rd_kafka_event_destroy(answer(queue, "delete", name));
        rd_kafka_queue_destroy(queue);
        rd_kafka_DeleteTopic_destroy(topic);
    }
    rd_kafka_metadata_destroy(all);
}
