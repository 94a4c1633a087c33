/*
 * log_kafka_member.c - membership: one consumer that subscribes to the slots topic and reads nothing.
 *
 * Kafka's group protocol says who is alive and who owns which partition. Members are static
 * (group.instance.id), so that a restart finds its partitions waiting. The fence is the group's metadata as
 * of the assignment, captured in the callback: fetched later, it would carry a generation that the owner of
 * old work does not have.
 */
#include "log/log_kafka.h"

struct LogMember {
    LogHandle       base;
    Log            *log;
    rd_kafka_t     *client;
    char           *topic;
    MemberCallbacks callbacks;
    LogFence       *fence; /* while partitions are assigned */
};
KAFKA_USER(LogMember);

/* ---- fences ---- */

const LogFence *kafka_fence_ref(const LogFence *fence)
{
    __atomic_add_fetch(&((LogFence *)fence)->refs, 1, __ATOMIC_RELAXED);
    return fence;
}

void kafka_fence_unref(const LogFence *fence)
{
    LogFence *own = (LogFence *)fence;
    if (own == NULL || __atomic_sub_fetch(&own->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    rd_kafka_consumer_group_metadata_destroy(own->group);
    mem_free(own);
}

static LogFence *fence_new(rd_kafka_t *client)
{
    LogFence *fence     = mem_calloc(1, sizeof *fence);
    fence->base.backend = &log_backend_kafka;
    fence->refs         = 1;
    fence->group        = rd_kafka_consumer_group_metadata(client);
    return fence;
}

/* ---- rebalances ---- */

static int *partition_numbers(const rd_kafka_topic_partition_list_t *list)
{
    int *numbers = mem_calloc((size_t)list->cnt + 1, sizeof *numbers);
    for (int i = 0; i < list->cnt; i++)
        numbers[i] = list->elems[i].partition;
    return numbers;
}

/* Assigned at the end and paused: we own the partitions, but do not read them. */
static void take_over(LogMember *member, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t code = rd_kafka_assign(member->client, list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = rd_kafka_pause_partitions(member->client, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_line(LOG_WARN, "taking over partitions of %s: %s", member->topic, rd_kafka_err2str(code));
    int *numbers  = partition_numbers(list);
    member->fence = fence_new(member->client);
    member->callbacks.assigned(member->callbacks.context, numbers, (size_t)list->cnt, member->fence);
    mem_free(numbers);
}

static void give_up(LogMember *member, const rd_kafka_topic_partition_list_t *list, bool lost)
{
    if (member->fence == NULL)
        return;
    int *numbers = partition_numbers(list);
    if (lost)
        member->callbacks.lost(member->callbacks.context);
    else
        member->callbacks.revoked(member->callbacks.context, numbers, (size_t)list->cnt);
    mem_free(numbers);
    kafka_fence_unref(member->fence);
    member->fence = NULL;
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
    LogMember *member = opaque;
    member->client    = client;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        take_over(member, list);
        return;
    }
    give_up(member, list, rd_kafka_assignment_lost(client) || rd_kafka_fatal_error(client, NULL, 0) != 0);
    rd_kafka_assign(client, NULL);
}

/* ---- members ---- */

/* A subscription made before the cluster is known waits for librdkafka's next look at it, a second later:
 * asking first brings a restart's slots back in 20 ms instead of 1.1 s. A broker that does not answer is no
 * error: joining goes on by itself once it does. */
static void know_the_cluster(rd_kafka_t *client)
{
    enum { PATIENCE_MS = 2000 };
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(client, 0, NULL, &metadata, PATIENCE_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

static Status member_client(LogMember *member, const char *group, const char *id, Error *err)
{
    static const LogConfig defaults[] = {{"session.timeout.ms", "10000"},
                                         {"heartbeat.interval.ms", "3000"},
                                         {"client.id", "sluice-member"},
                                         {NULL, NULL}};
    const LogConfig        forced[]   = {
                 {"group.id", group},
                 {"group.instance.id", id},
                 {"partition.assignment.strategy", "range"},
                 {"isolation.level", "read_committed"}, /* also makes committed offsets stable ones */
                 {"enable.auto.commit", "false"},
                 {"enable.auto.offset.store", "false"},
                 {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    TRY(kafka_conf(member->log, defaults, forced, &conf, err));
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_opaque(conf, member);
    TRY(kafka_client_new(RD_KAFKA_CONSUMER, conf, &member->client, err));
    rd_kafka_poll_set_consumer(member->client);
    know_the_cluster(member->client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, member->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(member->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK
                                              : kafka_fail(code, NULL, err, "cannot join group %s", group);
}

Status kafka_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                         LogMember **out, Error *err)
{
    int partitions;
    TRY(kafka_partition_count(log, topic, &partitions, err));
    LogMember *member    = mem_calloc(1, sizeof *member);
    member->base.backend = &log_backend_kafka;
    member->log          = log;
    member->topic        = str_to_heap(topic);
    member->callbacks    = *callbacks;
    char  *group_name = str_to_heap(group), *id = str_to_heap(member_id);
    Status status = member_client(member, group_name, id, err);
    mem_free(group_name);
    mem_free(id);
    if (status == OK)
        *out = member;
    else
        kafka_member_close(member);
    return status;
}

Status kafka_member_poll(LogMember *member, int timeout_ms, Error *err)
{
    char                reason[512];
    rd_kafka_message_t *message = rd_kafka_consumer_poll(member->client, timeout_ms);
    Status              status  = OK;
    if (message != NULL && message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status =
            kafka_fail(message->err, rd_kafka_message_errstr(message), err, "the group of %s", member->topic);
    if (message != NULL)
        rd_kafka_message_destroy(message);
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(member->client, reason, sizeof reason);
    if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR)
        return status;
    if (member->fence != NULL) {
        member->callbacks.lost(member->callbacks.context);
        kafka_fence_unref(member->fence);
        member->fence = NULL;
    }
    return kafka_fail(fatal, reason, err, "the group of %s", member->topic);
}

void kafka_member_close(LogMember *member)
{
    if (member->client != NULL)
        kafka_leave_group(member->client, member->topic);
    kafka_fence_unref(member->fence);
    mem_free(member->topic);
    kafka_client_close(member->log, member->client, member);
}

/* Waits inside while a transaction on an offset is undecided; what is left after that may be asked again. */
static Status ask_committed(LogMember *member, rd_kafka_topic_partition_list_t *list, Error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(member->client, list, ADMIN_TIMEOUT_MS);
    int                 at   = 0;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        code = list->elems[i].err;
        at   = i;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, NULL, err, "cannot read the offset of %s partition %d", member->topic,
                          list->elems[at].partition);
    return OK;
}

Status kafka_member_committed(LogMember *member, int partition, int64_t *offset, Error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t      *one  = rd_kafka_topic_partition_list_add(list, member->topic, partition);
    Status                           status = ask_committed(member, list, err);
    *offset                                 = one->offset >= 0 ? one->offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

Status kafka_member_settle(LogMember *member, const int *partitions, size_t count, bool *known, Error *err)
{
    if (count == 0)
        return OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, member->topic, partitions[i]);
    Status status = ask_committed(member, list, err);
    for (size_t i = 0; i < count; i++)
        known[i] = rd_kafka_topic_partition_list_find(list, member->topic, partitions[i])->offset >= 0;
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}
