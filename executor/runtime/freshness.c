/*
 * freshness.c - does what a pull query reads reflect what was written, up to these offsets?
 *
 * A record is in a table when the task that keeps the table has committed past it; and where queries are
 * chained, when all tasks on its way have, each past what the one before has made of it. So the check goes
 * hop by hop. `due` is how far the topics of this hop have to be read. When every task here that reads one of
 * them has committed that far, what they have written lies below the ends of their topics (a commit is told
 * only after its records have arrived), and these ends are due in the next hop. Ends that have been due
 * before, or nobody who leads to the target reads, end a way.
 *
 * Other writers move the ends, too, so this may ask for more than it must, and never for less. How often it
 * can is bounded: no record goes twice through a topic, unless queries feed each other in a ring, and there
 * one round is all that is waited for.
 *
 * The workers know nothing of this: they publish what they have committed anyway (task_view.h). Tasks on
 * other nodes of the service are not seen from here: the check says which it lacks, and is told. What another
 * node tells of a commit has arrived in the log by then, so the hops are the same.
 */
#include "executor/runtime/freshness_wishes.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/runtime_core.h"
#include "planner/nodes/node_sink.h"

enum { COMPARE_US = 300000 };

/* A sub-topology that the target's rows come from. */
typedef struct {
    RunningQuery   *query; /* held by the check */
    const QuerySub *sub;
    bool            is_target;
    Str            *outputs; /* topics that it writes */
    size_t          output_count;
    bool            is_last; /* nobody on the way reads them */
} Stage;

struct FreshnessCheck {
    Runtime        *runtime;
    FreshnessTarget target;
    OffsetVector    since;
    int64_t         opened_us;
    Arena          *arena;   /* of the stages */
    unsigned        changes; /* of the registry, when they were found */
    RunningQuery  **held;
    size_t          held_count;
    Stage          *stages;
    size_t          stage_count;
    size_t          topics; /* that somebody on the way writes and somebody reads */
    bool            begun, compared;
    size_t          hops;
    OffsetVector    due, asked; /* asked: all that has been due */
    WishList       *wishes;     /* NULL: there are no other nodes */
};

/* ---- who leads to the target ---- */

static void add_output(Stage *stage, Str topic) { stage->outputs[stage->output_count++] = topic; }

/* The sink is the first sub-topology's (topology.h); repartition topics are known by who reads them. */
static void find_outputs(Stage *stage, Arena *arena)
{
    const RunningQuery *query = stage->query;
    const PlanSink     *sink  = plan_sink_of(query->plan);
    size_t              most  = 1;
    for (size_t s = 0; s < query->sub_count; s++)
        most += query->subs[s].sub.input_count;
    stage->outputs = ARENA_ARRAY(arena, Str, most);
    if (sink != NULL && stage->sub->sub.number == 0)
        add_output(stage, sink->topic);
    for (size_t s = 0; s < query->sub_count; s++)
        for (size_t i = 0; i < query->subs[s].sub.input_count; i++)
            if (topology_writes(&stage->sub->sub, query->subs[s].sub.inputs[i]))
                add_output(stage, query->subs[s].topics[i]);
}

static void add_stage(FreshnessCheck *check, RunningQuery *query, const QuerySub *sub, bool is_target)
{
    for (size_t i = 0; i < check->stage_count; i++) {
        if (check->stages[i].sub != sub)
            continue;
        check->stages[i].is_target |= is_target;
        return;
    }
    Stage *stage = &check->stages[check->stage_count++];
    *stage       = (Stage){.query = query, .sub = sub, .is_target = is_target};
    find_outputs(stage, check->arena);
}

/* A repartition topic is written by its own query alone. */
static void add_writers(FreshnessCheck *check, Str topic, RunningQuery *own, const PlanNode *exchange)
{
    for (size_t s = 0; exchange != NULL && s < own->sub_count; s++)
        if (topology_writes(&own->subs[s].sub, exchange))
            add_stage(check, own, &own->subs[s], false);
    for (size_t q = 0; exchange == NULL && q < check->held_count; q++) {
        RunningQuery   *query = check->held[q];
        const PlanSink *sink  = plan_sink_of(query->plan);
        for (size_t s = 0; sink != NULL && s < query->sub_count; s++)
            if (query->subs[s].sub.number == 0 && str_equal(sink->topic, topic))
                add_stage(check, query, &query->subs[s], false);
    }
}

static void add_targets(FreshnessCheck *check)
{
    if (str_is_null(check->target.query_id)) {
        add_writers(check, check->target.topic, NULL, NULL);
        return;
    }
    for (size_t q = 0; q < check->held_count; q++) {
        RunningQuery *query = check->held[q];
        for (size_t s = 0; str_equal(query->plan->id, check->target.query_id) && s < query->sub_count; s++)
            if (query->subs[s].has_materialized)
                add_stage(check, query, &query->subs[s], true);
    }
}

/* The input of the stage that reads the topic; input_count: none. */
static size_t input_of(const Stage *stage, Str topic)
{
    size_t i = 0;
    while (i < stage->sub->sub.input_count && !str_equal(stage->sub->topics[i], topic))
        i++;
    return i;
}

static bool reads(const Stage *stage, Str topic)
{
    return input_of(stage, topic) < stage->sub->sub.input_count;
}

static bool is_target_topic(const FreshnessCheck *check, Str topic)
{
    return !str_is_null(check->target.topic) && str_equal(check->target.topic, topic);
}

static bool is_on_the_way(const FreshnessCheck *check, Str topic)
{
    for (size_t i = 0; i < check->stage_count; i++)
        if (reads(&check->stages[i], topic))
            return true;
    return is_target_topic(check, topic);
}

static void find_last(FreshnessCheck *check)
{
    check->topics = 0;
    for (size_t i = 0; i < check->stage_count; i++) {
        Stage *stage   = &check->stages[i];
        stage->is_last = true;
        for (size_t o = 0; o < stage->output_count; o++) {
            bool read = is_on_the_way(check, stage->outputs[o]);
            stage->is_last &= !read;
            check->topics += read;
        }
    }
}

static void let_go(FreshnessCheck *check)
{
    for (size_t i = 0; i < check->held_count; i++)
        query_unref(check->held[i]);
    check->held_count = check->stage_count = 0;
    arena_reset(check->arena);
}

/* Queries come, go and are replaced while somebody waits. */
static void find_stages(FreshnessCheck *check)
{
    size_t most = 0;
    let_go(check);
    check->changes    = atomic_load(&check->runtime->query_changes);
    check->held_count = registry_hold_all(check->runtime, check->arena, &check->held);
    for (size_t q = 0; q < check->held_count; q++)
        most += check->held[q]->sub_count;
    check->stages = ARENA_ARRAY(check->arena, Stage, most + 1);
    add_targets(check);
    for (size_t i = 0; i < check->stage_count; i++) { /* it grows meanwhile */
        const Stage *stage = &check->stages[i];
        for (size_t n = 0; n < stage->sub->sub.input_count; n++) {
            const PlanNode *input = stage->sub->sub.inputs[n];
            add_writers(check, stage->sub->topics[n], stage->query, input->class->cuts ? input : NULL);
        }
    }
    find_last(check);
}

/* ---- ends of topics ---- */

static Status count_partitions(const FreshnessCheck *check, Str topic, int *out, Error *err)
{
    TopicInfo info;
    for (size_t i = 0; i < check->stage_count; i++) {
        const QuerySub *sub   = check->stages[i].sub;
        size_t          input = input_of(&check->stages[i], topic);
        if (input == sub->sub.input_count)
            continue;
        *out = sub->input_partitions[input];
        return OK;
    }
    TRY(log_topic_info(check->runtime->options.log, topic, &info, err));
    *out = info.partitions;
    return OK;
}

/* `ends` is of the heap, and the caller's. */
static Status find_ends(const FreshnessCheck *check, Str topic, bool visible, int64_t **ends, int *count,
                        Error *err)
{
    Log *log = check->runtime->options.log;
    TRY(count_partitions(check, topic, count, err));
    int     *partitions = mem_calloc((size_t)*count + 1, sizeof *partitions);
    int64_t *firsts     = mem_calloc((size_t)*count + 1, sizeof *firsts);
    *ends               = mem_calloc((size_t)*count + 1, sizeof **ends);
    for (int p = 0; p < *count; p++)
        partitions[p] = p;
    Status status = visible ? log_offsets_many(log, topic, partitions, (size_t)*count, firsts, *ends, err)
                            : log_arrived_many(log, topic, partitions, (size_t)*count, *ends, err);
    mem_free(partitions);
    mem_free(firsts);
    if (status != OK)
        mem_free(*ends);
    return status;
}

/* What has arrived in the topic and was not due before, is due next. */
static Status add_ends(const FreshnessCheck *check, Str topic, OffsetVector *next, Error *err)
{
    int64_t *ends;
    int      count;
    TRY(find_ends(check, topic, false, &ends, &count, err));
    for (int p = 0; p < count; p++)
        if (ends[p] > 0 && ends[p] > offset_vector_get(&check->asked, topic, p))
            offset_vector_put(next, topic, p, ends[p]);
    mem_free(ends);
    return OK;
}

/* ---- the first hop ---- */

static Status add_all_sources(FreshnessCheck *check, Error *err)
{
    if (!str_is_null(check->target.topic))
        TRY(add_ends(check, check->target.topic, &check->due, err));
    for (size_t i = 0; i < check->stage_count; i++) {
        const QuerySub *sub = check->stages[i].sub;
        for (size_t n = 0; n < sub->sub.input_count; n++)
            if (!sub->sub.inputs[n]->class->cuts)
                TRY(add_ends(check, sub->topics[n], &check->due, err));
    }
    return OK;
}

static Status begin(FreshnessCheck *check, Error *err)
{
    for (size_t i = 0; i < check->since.count; i++) {
        const OffsetEntry *entry = &check->since.entries[i];
        if (is_on_the_way(check, str_c(entry->topic)))
            offset_vector_put(&check->due, str_c(entry->topic), entry->partition, entry->offset);
    }
    if (check->since.everything)
        TRY(add_all_sources(check, err));
    offset_vector_merge(&check->asked, &check->due);
    check->begun = true;
    return OK;
}

/* Who inserted before the topic was deleted and made anew would wait for ever: nothing is waited for that is
 * not there. Only the first hop's offsets come from outside. */
static Status forget_what_is_gone(FreshnessCheck *check, Error *err)
{
    OffsetVector kept = {0};
    for (size_t i = 0; i < check->due.count; i++) {
        const OffsetEntry *entry = &check->due.entries[i];
        int64_t            end   = 0;
        Status status = log_arrived_many(check->runtime->options.log, str_c(entry->topic), &entry->partition,
                                         1, &end, err);
        if (status != OK && status != E_NOT_FOUND) {
            offset_vector_clear(&kept);
            return status;
        }
        if (status == OK)
            offset_vector_put(&kept, str_c(entry->topic), entry->partition,
                              end < entry->offset ? end : entry->offset);
    }
    offset_vector_clear(&check->due);
    offset_vector_clear(&check->asked);
    check->due = kept;
    offset_vector_merge(&check->asked, &kept);
    check->compared = true;
    return OK;
}

/* ---- has everybody passed? ---- */

static FreshnessWish wish_for(const FreshnessCheck *check, const Stage *stage, size_t input, int partition,
                              int64_t offset)
{
    int slots = atomic_load(&check->runtime->slot_count);
    return (FreshnessWish){.query_id     = stage->query->plan->id,
                           .topic        = stage->sub->topics[input],
                           .sub_topology = stage->sub->sub.number,
                           .partition    = partition,
                           .slot         = query_slot(stage->sub, partition, slots),
                           .offset       = offset};
}

/* A task of another node. Those that make the rows are waited for by whoever is asked for these. */
static bool is_known_elsewhere(const FreshnessCheck *check, const Stage *stage, size_t input, int partition,
                               int64_t offset)
{
    if (check->wishes == NULL || (stage->is_target && stage->is_last))
        return true;
    FreshnessWish wish = wish_for(check, stage, input, partition, offset);
    return wish_list_has(check->wishes, &wish);
}

static Freshness look_at_task(const FreshnessCheck *check, const Stage *stage, size_t input, int partition,
                              int64_t offset, Error *err)
{
    const TaskView *view  = &stage->sub->views[partition];
    Str             id    = stage->query->plan->id;
    TaskState       state = view_state(view);
    if (state != TASK_ABSENT && view_has_passed(view, input, offset))
        return FRESH;
    if (state == TASK_ABSENT && runtime_is_ready(check->runtime) &&
        is_known_elsewhere(check, stage, input, partition, offset))
        return FRESH;
    if (state == TASK_FAILED || atomic_load(&stage->query->paused)) {
        error_set(err, E_BUSY, NO_POS, "the query " STR_FMT " %s", STR_ARG(id),
                  state == TASK_FAILED ? "has failed" : "is paused");
        return STUCK;
    }
    if (state == TASK_ABSENT && check->wishes != NULL) {
        error_set(err, E_BUSY, NO_POS,
                  "the query " STR_FMT " has not committed partition %d of topic " STR_FMT
                  " up to offset %lld yet, as far as the other servers of this service say",
                  STR_ARG(id), partition, STR_ARG(stage->sub->topics[input]), (long long)offset);
        return STALE;
    }
    int64_t committed = atomic_load(&view->committed[input]);
    error_set(err, E_BUSY, NO_POS,
              "the query " STR_FMT " has committed partition %d of topic " STR_FMT
              " up to offset %lld, and %lld is wanted",
              STR_ARG(id), partition, STR_ARG(stage->sub->topics[input]),
              (long long)(committed < 0 ? 0 : committed), (long long)offset);
    return STALE;
}

/* A table's task may be left out if the query reads no row of it, unless others go on from what it wrote. */
static bool is_needed(const FreshnessCheck *check, const Stage *stage, int partition)
{
    const FreshnessTarget *target = &check->target;
    return !stage->is_target || !stage->is_last || target->reads == NULL ||
           target->reads(target->context, partition);
}

static Freshness look_at_stage(const FreshnessCheck *check, const Stage *stage, Error *err)
{
    const QuerySub *sub   = stage->sub;
    Freshness       worst = FRESH;
    for (size_t i = 0; i < sub->sub.input_count; i++) {
        if (!offset_vector_has(&check->due, sub->topics[i]))
            continue;
        for (int p = 0; p < sub->tasks && p < sub->input_partitions[i]; p++) {
            int64_t   offset  = offset_vector_get(&check->due, sub->topics[i], p);
            Freshness verdict = offset > 0 && is_needed(check, stage, p)
                                    ? look_at_task(check, stage, i, p, offset, err)
                                    : FRESH;
            if (verdict == STUCK || (verdict == STALE && check->wishes == NULL))
                return verdict;
            worst = verdict == STALE ? STALE : worst;
        }
    }
    return worst;
}

/* A topic that is read itself shows committed records only. */
static Freshness look_at_topic(const FreshnessCheck *check, Error *err)
{
    Str       topic   = check->target.topic;
    Freshness verdict = FRESH;
    int64_t  *ends;
    int       count;
    if (str_is_null(topic) || !offset_vector_has(&check->due, topic))
        return FRESH;
    if (find_ends(check, topic, true, &ends, &count, err) != OK)
        return STALE;
    for (int p = 0; p < count && verdict == FRESH; p++) {
        int64_t offset = offset_vector_get(&check->due, topic, p);
        if (ends[p] >= offset)
            continue;
        error_set(err, E_BUSY, NO_POS,
                  "partition %d of topic " STR_FMT " can be read up to offset %lld, and not yet to %lld", p,
                  STR_ARG(topic), (long long)ends[p], (long long)offset);
        verdict = STALE;
    }
    mem_free(ends);
    return verdict;
}

/* On beyond what another node has to be asked for: they are asked for all of it at once. */
static Freshness look(const FreshnessCheck *check, Error *err)
{
    Freshness worst = FRESH;
    if (check->wishes != NULL)
        wish_list_clear(check->wishes);
    for (size_t i = 0; i < check->stage_count; i++) {
        Freshness verdict = look_at_stage(check, &check->stages[i], err);
        if (verdict == STUCK)
            return STUCK;
        worst = verdict == STALE ? STALE : worst;
    }
    return worst == FRESH ? look_at_topic(check, err) : worst;
}

/* ---- from hop to hop ---- */

static bool reads_due(const FreshnessCheck *check, const Stage *stage)
{
    for (size_t i = 0; i < stage->sub->sub.input_count; i++)
        if (offset_vector_has(&check->due, stage->sub->topics[i]))
            return true;
    return false;
}

static Status next_hop(FreshnessCheck *check, Error *err)
{
    OffsetVector next   = {0};
    Status       status = OK;
    bool         over   = check->hops++ >= check->topics;
    for (size_t i = 0; !over && i < check->stage_count; i++) {
        const Stage *stage = &check->stages[i];
        bool         takes = !stage->is_last && reads_due(check, stage);
        for (size_t o = 0; takes && status == OK && o < stage->output_count; o++)
            if (is_on_the_way(check, stage->outputs[o]))
                status = add_ends(check, stage->outputs[o], &next, err);
    }
    if (status != OK) {
        check->hops--;
        offset_vector_clear(&next);
        return status;
    }
    offset_vector_clear(&check->due);
    check->due = next;
    offset_vector_merge(&check->asked, &next);
    return OK;
}

Freshness freshness_check(FreshnessCheck *check, Error *err)
{
    if (check->changes != atomic_load(&check->runtime->query_changes))
        find_stages(check);
    if (!check->begun && begin(check, err) != OK)
        return STALE;
    while (check->due.count > 0) {
        Freshness verdict = look(check, err);
        bool      late    = runtime_now_us(check->runtime) - check->opened_us > COMPARE_US;
        if (verdict == STALE && check->hops == 0 && !check->compared && late) {
            if (forget_what_is_gone(check, err) != OK)
                return STALE;
            continue;
        }
        if (verdict != FRESH)
            return verdict;
        if (next_hop(check, err) != OK)
            return STALE;
    }
    return FRESH;
}

/* ---- life ---- */

FreshnessCheck *freshness_open(Runtime *runtime, const FreshnessTarget *target, const OffsetVector *since)
{
    FreshnessCheck *check = mem_calloc(1, sizeof *check);
    check->runtime        = runtime;
    check->target         = *target;
    check->opened_us      = runtime_now_us(runtime);
    check->arena          = arena_new(0);
    check->wishes         = target->others ? wish_list_new() : NULL;
    offset_vector_merge(&check->since, since);
    find_stages(check);
    return check;
}

void freshness_close(FreshnessCheck *check)
{
    let_go(check);
    offset_vector_clear(&check->since);
    offset_vector_clear(&check->due);
    offset_vector_clear(&check->asked);
    arena_free(check->arena);
    wish_list_free(check->wishes);
    mem_free(check);
}

/* ---- other nodes ---- */

size_t freshness_wishes(const FreshnessCheck *check, const FreshnessWish **out)
{
    *out = NULL;
    return check->wishes != NULL ? wish_list_wishes(check->wishes, out) : 0;
}

void freshness_tell(FreshnessCheck *check, const FreshnessWish *wish)
{
    if (check->wishes != NULL)
        wish_list_tell(check->wishes, wish);
}

void freshness_reached(Runtime *runtime, const FreshnessTarget *target, OffsetVector *out)
{
    RunningQuery *query = str_is_null(target->query_id) ? NULL : registry_hold(runtime, target->query_id);
    for (size_t s = 0; query != NULL && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        for (int p = 0; sub->has_materialized && p < sub->tasks; p++) {
            if (target->reads != NULL && !target->reads(target->context, p))
                continue;
            for (size_t i = 0; i < sub->sub.input_count && p < sub->input_partitions[i]; i++) {
                int64_t offset = atomic_load(&sub->views[p].committed[i]);
                if (offset > 0 && view_state(&sub->views[p]) != TASK_ABSENT)
                    offset_vector_put(out, sub->topics[i], p, offset);
            }
        }
    }
    query_unref(query);
}
