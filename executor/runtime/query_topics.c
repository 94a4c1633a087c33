/*
 * query_topics.c - the topics that a query needs for itself: those of its repartitions, and a changelog per
 * store.
 *
 * All that are missing are made by one question: a broker takes some 50 ms for each question and hardly more
 * for each topic in it, and nothing of a new query can begin before. Another node may make the same ones at
 * the same time, so what is there already is right if it has as many partitions as the query's tasks.
 */
#include "executor/runtime/query.h"

#include "executor/runtime/runtime_core.h"
#include "planner/node.h"

/* ---- which ---- */

enum { CONFIGS_MAX = 3, RETENTION_SIZE = 32 };

typedef struct {
    Arena          *arena;
    RunningQuery   *query;
    const QuerySub *sub;
    NewTopic       *topics;
    size_t          count, capacity;
} NeededTopics;

static NewTopic *add_topic(NeededTopics *needed, Str name, const LogConfig *configs, size_t config_count)
{
    int64_t replicas = needed->query->settings.internal_replicas;
    if (needed->count == needed->capacity) {
        size_t    capacity = needed->capacity ? needed->capacity * 2 : 16;
        NewTopic *more     = ARENA_ARRAY(needed->arena, NewTopic, capacity);
        if (needed->count > 0)
            memcpy(more, needed->topics, needed->count * sizeof *more);
        needed->topics   = more;
        needed->capacity = capacity;
    }
    NewTopic *topic = &needed->topics[needed->count++];
    *topic          = (NewTopic){.name       = name,
                                 .partitions = needed->sub->sub.partitions,
                                 .replicas =
                            replicas > 0 ? (int)replicas : needed->query->runtime->options.internal_replicas,
                                 .configs      = configs,
                                 .config_count = config_count};
    return topic;
}

static void add_repartition(NeededTopics *needed, Str name)
{
    static const LogConfig configs[] = {
        {"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"segment.bytes", "52428800"}};
    add_topic(needed, name, configs, ARRAY_LEN(configs));
}

int64_t query_changelog_kept_ms(int64_t retention_ms)
{
    enum { DAY_MS = 24 * 60 * 60 * 1000 };
    return retention_ms > INT64_MAX - DAY_MS ? INT64_MAX : retention_ms + DAY_MS;
}

static void add_changelog(void *context, const PlanNode *node, size_t number)
{
    NeededTopics    *needed    = context;
    const PlanStore *store     = &node->stores[number];
    bool             ends      = store->retention_ms >= 0;
    char            *retention = arena_alloc(needed->arena, RETENTION_SIZE);
    LogConfig       *configs   = ARENA_ARRAY(needed->arena, LogConfig, CONFIGS_MAX);
    Str name = topology_changelog_topic(needed->query->runtime->options.service_id, needed->query->plan->id,
                                        node, number, needed->arena);
    snprintf(retention, RETENTION_SIZE, "%lld", (long long)query_changelog_kept_ms(store->retention_ms));
    configs[0] = (LogConfig){"cleanup.policy", ends ? "compact,delete" : "compact"};
    configs[1] = (LogConfig){"retention.ms", retention};
    add_topic(needed, name, configs, ends ? 2 : 1);
}

static NeededTopics list_topics(RunningQuery *query, Arena *arena)
{
    NeededTopics needed = {.arena = arena, .query = query};
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        needed.sub          = sub;
        for (size_t i = 0; i < sub->sub.input_count; i++)
            if (sub->sub.inputs[i]->class->cuts)
                add_repartition(&needed, sub->topics[i]);
        query_visit_stores(sub, add_changelog, &needed);
    }
    return needed;
}

/* ---- making ---- */

static Status check_partitions(const NewTopic *topic, const TopicInfo *info, Error *err)
{
    if (info->partitions == topic->partitions)
        return OK;
    return error_set(err, E_FATAL_DATA, NO_POS,
                     "The internal topic " STR_FMT " has %d partitions, but the query needs %d",
                     STR_ARG(topic->name), info->partitions, topic->partitions);
}

/* Those that are there are checked; the others are moved to the front. */
static Status find_missing(Log *log, NewTopic *topics, size_t count, size_t *missing, Error *err)
{
    TopicInfo info;
    *missing = 0;
    for (size_t i = 0; i < count; i++) {
        Status status = log_topic_info(log, topics[i].name, &info, err);
        if (status == E_NOT_FOUND) {
            topics[(*missing)++] = topics[i];
            continue;
        }
        TRY(status);
        TRY(check_partitions(&topics[i], &info, err));
    }
    return OK;
}

/* Another node was faster. The broker does not tell everybody of a new topic at once. */
static Status check_others(Log *log, const NewTopic *topic, Error *err)
{
    TopicInfo info;
    Status    status = log_topic_info(log, topic->name, &info, err);
    if (status == E_NOT_FOUND)
        return error_set(err, E_BUSY, NO_POS, "The internal topic " STR_FMT " is not there yet",
                         STR_ARG(topic->name));
    TRY(status);
    return check_partitions(topic, &info, err);
}

static Status make_topics(RunningQuery *query, Arena *arena, Error *err)
{
    Log         *log    = query->runtime->options.log;
    NeededTopics needed = list_topics(query, arena);
    size_t       missing;
    TRY(find_missing(log, needed.topics, needed.count, &missing, err));
    Status status = log_topics_create(log, needed.topics, missing, err);
    if (status != OK && status != E_EXISTS)
        return status;
    for (size_t i = 0; i < missing; i++)
        if (needed.topics[i].status == E_EXISTS)
            TRY(check_others(log, &needed.topics[i], err));
    return OK;
}

Status query_make_topics(RunningQuery *query, Error *err)
{
    pthread_mutex_lock(&query->lock);
    Status status = OK;
    if (!query->topics_made) {
        Arena *arena       = arena_new(0);
        status             = make_topics(query, arena, err);
        query->topics_made = status == OK;
        arena_free(arena);
    }
    pthread_mutex_unlock(&query->lock);
    return status;
}

/* ---- deleting ---- */

/* All are tried; the first failure is told. */
Status query_delete_topics(RunningQuery *query, Error *err)
{
    Arena       *arena  = arena_new(0);
    NeededTopics needed = list_topics(query, arena);
    Status       result = OK;
    Error        why;
    for (size_t i = 0; i < needed.count; i++) {
        Status status = log_topic_delete(query->runtime->options.log, needed.topics[i].name, &why);
        if (status == OK || status == E_NOT_FOUND || result != OK)
            continue;
        result = status;
        if (err != NULL)
            *err = why;
    }
    arena_free(arena);
    return result;
}
