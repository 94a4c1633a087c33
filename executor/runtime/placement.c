/*
 * placement.c - where the tasks of queries are, on this node and on others.
 *
 * A task's slot follows from the plan, and the plan is the same on all nodes; so a node that knows who has
 * which slots (server/peers/) knows where each partition of each table is. What this node has itself is told
 * from here: the slots, and how far its stores are behind their changelogs.
 */
#include "executor/runtime/placement.h"

#include "executor/runtime/registry.h"
#include "planner/nodes/node_source.h"

/* ---- slots ---- */

void placement_keep(Runtime *runtime, const int *slots, size_t count)
{
    pthread_mutex_lock(&runtime->lock);
    bool same = count == runtime->owned_count &&
                (count == 0 || memcmp(slots, runtime->owned, count * sizeof *slots) == 0);
    if (!same || atomic_load(&runtime->slots_version) == 0) {
        runtime->owned = mem_realloc(runtime->owned, (count + 1) * sizeof *runtime->owned);
        if (count > 0)
            memcpy(runtime->owned, slots, count * sizeof *slots);
        runtime->owned_count = count;
        atomic_fetch_add(&runtime->slots_version, 1);
    }
    pthread_mutex_unlock(&runtime->lock);
}

unsigned placement_owned(Runtime *runtime, bool *owned, int slot_count)
{
    memset(owned, 0, (size_t)slot_count * sizeof *owned);
    pthread_mutex_lock(&runtime->lock);
    for (size_t i = 0; i < runtime->owned_count; i++)
        if (runtime->owned[i] < slot_count)
            owned[runtime->owned[i]] = true;
    unsigned version = atomic_load(&runtime->slots_version);
    pthread_mutex_unlock(&runtime->lock);
    return version;
}

void runtime_stand_by(Runtime *runtime, const int *ranks, int slot_count)
{
    size_t bytes = (size_t)slot_count * sizeof *ranks;
    pthread_mutex_lock(&runtime->lock);
    bool same = slot_count == runtime->rank_count && memcmp(ranks, runtime->ranks, bytes) == 0;
    if (!same) {
        runtime->ranks      = mem_realloc(runtime->ranks, bytes);
        runtime->rank_count = slot_count;
        memcpy(runtime->ranks, ranks, bytes);
        atomic_fetch_add(&runtime->ranks_version, 1);
    }
    pthread_mutex_unlock(&runtime->lock);
}

unsigned placement_ranks(Runtime *runtime, int *ranks, int slot_count)
{
    pthread_mutex_lock(&runtime->lock);
    for (int s = 0; s < slot_count; s++)
        ranks[s] = s < runtime->rank_count ? runtime->ranks[s] : 0;
    unsigned version = atomic_load(&runtime->ranks_version);
    pthread_mutex_unlock(&runtime->lock);
    return version;
}

int runtime_slot_count(const Runtime *runtime) { return atomic_load(&runtime->slot_count); }

unsigned runtime_slots_version(const Runtime *runtime) { return atomic_load(&runtime->slots_version); }

unsigned runtime_owned_slots(Runtime *runtime, Arena *arena, int **out, size_t *count)
{
    pthread_mutex_lock(&runtime->lock);
    *count = runtime->owned_count;
    *out   = ARENA_ARRAY(arena, int, *count + 1);
    if (*count > 0)
        memcpy(*out, runtime->owned, *count * sizeof **out);
    unsigned version = atomic_load(&runtime->slots_version);
    pthread_mutex_unlock(&runtime->lock);
    return version;
}

int runtime_table_slots(Runtime *runtime, Str query_id, Arena *arena, int **out)
{
    RunningQuery *query = registry_hold(runtime, query_id);
    int           slots = atomic_load(&runtime->slot_count), count = 0;
    for (size_t s = 0; query != NULL && slots > 0 && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        count = sub->sub.partitions;
        *out  = ARENA_ARRAY(arena, int, (size_t)count + 1);
        for (int p = 0; p < count; p++)
            (*out)[p] = query_slot(sub, p, slots);
    }
    query_unref(query);
    return count;
}

/* ---- what runs in slots ---- */

static bool has_slot(const int *slots, size_t count, int slot)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i] == slot)
            return true;
    return false;
}

/* One task's partitions. */
static void add_places(const QuerySub *sub, int partition, QueryShare *share, Arena *arena)
{
    for (size_t i = 0; i < sub->sub.input_count; i++)
        if (partition < sub->input_partitions[i])
            share->places[share->place_count++] = (QueryPlace){str_dup(arena, sub->topics[i]), partition};
}

static void add_stores(const QuerySub *sub, QueryShare *share, Arena *arena)
{
    for (size_t i = 0; i < sub->sub.node_count; i++)
        for (size_t s = 0; s < sub->sub.nodes[i]->store_count; s++)
            share->stores[share->store_count++] = str_dup(arena, sub->sub.nodes[i]->stores[s].name);
}

static size_t count_stores(const QuerySub *sub)
{
    size_t count = 0;
    for (size_t i = 0; i < sub->sub.node_count; i++)
        count += sub->sub.nodes[i]->store_count;
    return count;
}

/* What somebody has: the slots, or where he stands by. */
typedef struct {
    const int *slots;
    size_t     count;
    const int *ranks; /* NULL: it is about slots */
    int        total; /* of the service */
} Holding;

static bool holds(const Holding *holding, const RunningQuery *query, const QuerySub *sub, int slot)
{
    if (holding->ranks == NULL)
        return has_slot(holding->slots, holding->count, slot);
    int rank = holding->ranks[slot];
    return rank > 0 && rank <= query->settings.standby_replicas && count_stores(sub) > 0;
}

static QueryShare share_of(const RunningQuery *query, const Holding *holding, Arena *arena)
{
    size_t places = 0, stores = 0;
    for (size_t s = 0; s < query->sub_count; s++) {
        places += query->subs[s].sub.input_count * (size_t)query->subs[s].tasks;
        stores += count_stores(&query->subs[s]);
    }
    QueryShare share = {.query_id = str_dup(arena, query->plan->id),
                        .places   = ARENA_ARRAY(arena, QueryPlace, places + 1),
                        .stores   = ARENA_ARRAY(arena, Str, stores + 1)};
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        bool            any = false;
        for (int p = 0; p < sub->tasks; p++)
            if (holds(holding, query, sub, query_slot(sub, p, holding->total))) {
                add_places(sub, p, &share, arena);
                any = true;
            }
        if (any)
            add_stores(sub, &share, arena);
    }
    return share;
}

static size_t list_shares(Runtime *runtime, const Holding *holding, Arena *arena, QueryShare **out)
{
    RunningQuery **queries;
    size_t         query_count = registry_hold_all(runtime, arena, &queries);
    *out                       = ARENA_ARRAY(arena, QueryShare, query_count + 1);
    for (size_t i = 0; i < query_count; i++) {
        if (holding->total > 0)
            (*out)[i] = share_of(queries[i], holding, arena);
        query_unref(queries[i]);
    }
    return holding->total > 0 ? query_count : 0;
}

size_t runtime_query_shares(Runtime *runtime, const int *slots, size_t count, Arena *arena, QueryShare **out)
{
    Holding holding = {.slots = slots, .count = count, .total = atomic_load(&runtime->slot_count)};
    return list_shares(runtime, &holding, arena, out);
}

size_t runtime_standby_shares(Runtime *runtime, const int *ranks, int slot_count, Arena *arena,
                              QueryShare **out)
{
    int     total   = atomic_load(&runtime->slot_count);
    Holding holding = {.ranks = ranks, .total = slot_count == total ? total : 0};
    return list_shares(runtime, &holding, arena, out);
}

/* ---- lags ---- */

typedef struct {
    Runtime  *runtime;
    Arena    *arena;
    StoreLag *lags;
    size_t    count, size;
} Lags;

static StoreLag *new_lag(Lags *self)
{
    if (self->count == self->size) {
        size_t    size  = self->size > 0 ? 2 * self->size : 16;
        StoreLag *wider = ARENA_ARRAY(self->arena, StoreLag, size);
        if (self->count > 0)
            memcpy(wider, self->lags, self->count * sizeof *wider);
        self->lags = wider;
        self->size = size;
    }
    return &self->lags[self->count++];
}

/* Of one store: all its partitions that can be read here. The positions first: what is committed before the
 * ends are asked for makes a lag too large, never too small. */
static Status add_lags(Lags *self, const RunningQuery *query, const QuerySub *sub, const PlanNode *node,
                       size_t number, size_t index, Error *err)
{
    Log   *log   = self->runtime->options.log;
    Str    topic = topology_changelog_topic(self->runtime->options.service_id, query->plan->id, node, number,
                                            self->arena);
    size_t count = 0, most = (size_t)sub->sub.partitions + 1;
    int   *list = ARENA_ARRAY(self->arena, int, most);
    int64_t *at = ARENA_ARRAY(self->arena, int64_t, most), *first = ARENA_ARRAY(self->arena, int64_t, most),
            *end = ARENA_ARRAY(self->arena, int64_t, most);
    for (int p = 0; p < sub->sub.partitions; p++) {
        const TaskView *view = &sub->views[p];
        at[count]            = atomic_load(&view->changelogs[index]);
        list[count]          = p;
        count += view_readable_worker(view, false) >= 0 || view_readable_worker(view, true) >= 0;
    }
    if (count == 0)
        return OK;
    TRY(log_offsets_many(log, topic, list, count, first, end, err));
    for (size_t i = 0; i < count; i++) {
        int64_t position = at[i] < first[i] ? first[i] : at[i];
        if (end[i] - position <= log_marker_offsets(log) ||
            view_readable_worker(&sub->views[list[i]], false) >= 0)
            position = end[i]; /* what is left are ends of transactions, and records of those that failed: who
                                  has the slot is the only one who writes, and has what it has committed */
        *new_lag(self) =
            (StoreLag){str_dup(self->arena, query->plan->id), str_dup(self->arena, node->stores[number].name),
                       list[i], position, end[i]};
    }
    return OK;
}

static Status add_query(Lags *self, const RunningQuery *query, Error *err)
{
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub   = &query->subs[s];
        size_t          index = 0;
        for (size_t i = 0; i < sub->sub.node_count; i++) {
            const PlanNode *node = sub->sub.nodes[i];
            for (size_t number = 0; number < node->store_count; number++, index++)
                if (!node->class->reads_topic)
                    TRY(add_lags(self, query, sub, node, number, index, err));
        }
    }
    return OK;
}

Status runtime_store_lags(Runtime *runtime, Arena *arena, StoreLag **out, size_t *count, Error *err)
{
    RunningQuery **queries;
    Lags           lags        = {.runtime = runtime, .arena = arena};
    Status         status      = OK;
    size_t         query_count = registry_hold_all(runtime, arena, &queries);
    for (size_t i = 0; i < query_count; i++) {
        if (status == OK)
            status = add_query(&lags, queries[i], err);
        query_unref(queries[i]);
    }
    *out   = lags.lags;
    *count = lags.count;
    return status;
}
