/*
 * topics.c - topics that statements need: made when they are missing, checked when they are there
 * (sql.md 4.1.3, runtime.md 6.6).
 */
#include "server/engine/execution.h"

static Status refuse_counts(const TopicWish *wish, const TopicInfo *is, Error *err)
{
    return error_set(err, E_PLAN, NO_POS,
                     "A Kafka topic with the name '" STR_FMT
                     "' already exists, with different partition/replica configuration than required. KSQL "
                     "expects %d partitions (topic has %d), %d replication factor (topic has %d).",
                     STR_ARG(wish->name), wish->partitions > 0 ? wish->partitions : is->partitions,
                     is->partitions, wish->replicas > 0 ? wish->replicas : is->replicas,
                     is->replicas); /* what was not said is as it is */
}

static Status create(Execution *x, const TopicWish *wish, Error *err)
{
    LogConfig configs[2];
    size_t    count = 0;
    char      retention[24];
    if (wish->cleanup_policy != NULL)
        configs[count++] = (LogConfig){"cleanup.policy", wish->cleanup_policy};
    if (wish->retention_ms >= 0) {
        retention[int64_print(wish->retention_ms, retention)] = '\0';
        configs[count++]                                      = (LogConfig){"retention.ms", retention};
    }
    Status status =
        log_topic_create(engine_log(x->engine), wish->name, wish->partitions > 0 ? wish->partitions : 1,
                         wish->replicas, configs, count, err);
    return status == E_EXISTS ? OK : status; /* somebody else was faster */
}

const SandboxTopic *sandbox_topic(const Execution *x, Str name)
{
    for (const SandboxTopic *topic = x->imagined; topic != NULL; topic = topic->next)
        if (str_equal(topic->name, name))
            return topic;
    return NULL;
}

static void imagine(Execution *x, const TopicWish *wish)
{
    SandboxTopic *topic = ARENA_NEW(x->request, SandboxTopic);
    *topic =
        (SandboxTopic){x->imagined, str_dup(x->request, wish->name),
                       wish->partitions > 0 ? wish->partitions : 1, wish->replicas > 0 ? wish->replicas : 1};
    x->imagined = topic;
}

static Status fulfil(Execution *x, const TopicWish *wish, bool given_partitions, bool given_replicas,
                     Error *err)
{
    TopicInfo           info;
    Error               ignored;
    const SandboxTopic *imagined = sandbox_topic(x, wish->name);
    Status found = imagined != NULL ? OK : log_topic_info(engine_log(x->engine), wish->name, &info, &ignored);
    if (imagined != NULL)
        info = (TopicInfo){wish->name, imagined->partitions, imagined->replicas};
    if (found == OK) {
        bool differs = (given_partitions && info.partitions != wish->partitions) ||
                       (given_replicas && info.replicas != wish->replicas);
        return differs && !engine_is_test(x->engine) ? refuse_counts(wish, &info, err) : OK;
    }
    if (found != E_NOT_FOUND)
        return error_set(err, found, NO_POS, "%s", ignored.message);
    if (!x->sandbox)
        return create(x, wish, err);
    imagine(x, wish);
    return OK;
}

Status topic_fulfil(Execution *x, const TopicWish *wish, bool given_partitions, bool given_replicas,
                    Error *err)
{
    if (wish->name.len == 0 || x->command != NULL)
        return OK;
    execution_leave_lock(x);
    Status status = fulfil(x, wish, given_partitions, given_replicas, err);
    execution_take_lock(x);
    return status;
}
