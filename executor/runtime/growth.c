/*
 * growth.c - partitions that are added to an input topic while queries read it.
 *
 * A stateless query gets tasks for them: a copy of it that has more takes its place, which goes on from its
 * positions as any replaced query does. P of the slot formula stays that of the plan, so nothing moves. The
 * new partitions are read from their first record, wherever the query began.
 *
 * A stateful query cannot follow. Keys are hashed to other partitions now, and what is stored of them, or
 * joined with them, lies where they were before; to go on would count them apart. So it stops in ERROR and
 * says why, for as long as it exists.
 *
 * The topics are looked at by the helper thread, one question per topic however many queries read it, a
 * second after the start and every 30 s from then on (metadata.max.age.ms). Kafka's own clients ask every 5
 * minutes. Nothing is lost meanwhile, it only waits; but nobody should have to wonder for minutes what is the
 * matter.
 */
#include "executor/runtime/growth.h"

#include "executor/runtime/registry.h"
#include "executor/runtime/runtime_core.h"
#include "planner/nodes/node_source.h"

typedef struct {
    Str topic;
    int partitions; /* 0: it did not answer, or is gone, which who reads it will find out */
} Answer;

typedef struct {
    Runtime *runtime;
    Answer  *answers;
    size_t   count;
} Round;

static int partitions_now(Round *round, Str topic)
{
    TopicInfo info;
    Error     err;
    for (size_t i = 0; i < round->count; i++)
        if (str_equal(round->answers[i].topic, topic))
            return round->answers[i].partitions;
    Answer *answer = &round->answers[round->count++];
    *answer        = (Answer){.topic = topic};
    Status status  = log_topic_info(round->runtime->options.log, topic, &info, &err);
    if (status == OK)
        answer->partitions = info.partitions;
    else if (status != E_NOT_FOUND)
        log_line(LOG_WARN, "looking for new partitions: %s", err.message);
    return answer->partitions;
}

static void outgrow(Round *round, RunningQuery *query, size_t source, int now, Arena *arena)
{
    const PlanSource *grown = plan_source(query->plan->sources[source]);
    Str               why   = str_printf(
                        arena,
                        "The topic " STR_FMT " has %d partitions now; it had %d when the query was created. What the "
                                        "query keeps is partitioned as the topic was then, so it cannot go on. Terminate it and create "
                                        "it again: it will start over with the new partitions.",
                        STR_ARG(grown->topic), now, grown->partitions);
    query_set_outgrown(query, str_to_c(arena, why));
    registry_stop_outgrown(round->runtime, query);
}

static void look_at(Round *round, RunningQuery *query, Arena *arena)
{
    const QueryPlan *plan   = query->plan;
    int             *counts = ARENA_ARRAY(arena, int, plan->source_count + 1);
    bool             grew   = false;
    if (query_check_grown(query, NULL) != OK)
        return; /* it has been said */
    for (size_t i = 0; i < plan->source_count; i++) {
        int now   = partitions_now(round, plan_source(plan->sources[i])->topic);
        counts[i] = query->source_partitions[i];
        if (now <= counts[i])
            continue;
        if (query_is_stateful(query)) {
            outgrow(round, query, i, now, arena);
            return;
        }
        log_line(LOG_INFO, "query " STR_FMT " reads the partitions added to " STR_FMT ": %d, %d before",
                 STR_ARG(plan->id), STR_ARG(plan_source(plan->sources[i])->topic), now, counts[i]);
        counts[i] = now;
        grew      = true;
    }
    if (grew)
        registry_replace_grown(round->runtime, query, query_grown(query, counts));
}

void growth_check(Runtime *runtime, Arena *arena, int64_t *next_us)
{
    int64_t        now   = runtime_now_us(runtime);
    Round          round = {.runtime = runtime};
    size_t         most  = 0;
    RunningQuery **queries;
    if (now < *next_us || !atomic_load(&runtime->assigned))
        return;
    *next_us     = now + (int64_t)runtime->options.metadata_max_age_ms * 1000;
    size_t count = registry_hold_all(runtime, arena, &queries);
    for (size_t i = 0; i < count; i++)
        most += queries[i]->plan->source_count;
    round.answers = ARENA_ARRAY(arena, Answer, most + 1);
    for (size_t i = 0; i < count && !atomic_load(&runtime->helper_stopping); i++)
        look_at(&round, queries[i], arena);
    for (size_t i = 0; i < count; i++) /* not before: the answers borrow the names of their topics */
        query_unref(queries[i]);
}
