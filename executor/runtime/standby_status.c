/*
 * standby_status.c - what may be read of standbys: which partitions, and how far they are behind.
 *
 * A copy's position is what its worker publishes, and the end that it is compared with is asked for once a
 * second by the helper thread, so that a pull query asks no broker. An end that could not be asked for lately
 * says nothing: then a copy is read only by who takes any.
 */
#include "executor/runtime/standby_status.h"

#include "executor/runtime/registry.h"
#include "planner/nodes/node_source.h"

enum { KNOWN_US = 5000000 };

/* ---- looking up ends ---- */

/* The topic that the table's rows come from. */
static Str table_topic(const RunningQuery *query, Arena *arena)
{
    const PlanNode *table = query->plan->materialized;
    return table->class->reads_topic ? plan_source(table)->topic
                                     : topology_changelog_topic(query->runtime->options.service_id,
                                                                query->plan->id, table, 0, arena);
}

static bool is_source(const RunningQuery *query) { return query->plan->materialized->class->reads_topic; }

static Status note_ends(const RunningQuery *query, QuerySub *sub, Arena *arena, Error *err)
{
    Log     *log   = query->runtime->options.log;
    size_t   count = 0, most = (size_t)sub->tasks + 1;
    int     *list  = ARENA_ARRAY(arena, int, most);
    int64_t *first = ARENA_ARRAY(arena, int64_t, most), *end = ARENA_ARRAY(arena, int64_t, most);
    for (int p = 0; p < sub->tasks; p++)
        if (view_readable_worker(&sub->views[p], true) >= 0)
            list[count++] = p;
    if (count == 0)
        return OK;
    int64_t now = runtime_now_us(query->runtime); /* before: it is as old as the question */
    TRY(log_offsets_many(log, table_topic(query, arena), list, count, first, end, err));
    for (size_t i = 0; i < count; i++) {
        atomic_store(&sub->views[list[i]].table_end, end[i]);
        atomic_store(&sub->views[list[i]].table_end_us, now);
    }
    return OK;
}

Status standby_note_ends(Runtime *runtime, Arena *arena, Error *err)
{
    RunningQuery **queries;
    Status         status = OK;
    if (atomic_load(&runtime->ranks_version) == 0)
        return OK; /* nobody stands by here */
    size_t count = registry_hold_all(runtime, arena, &queries);
    for (size_t i = 0; i < count; i++) {
        RunningQuery *query = queries[i];
        for (size_t s = 0; status == OK && query->settings.standby_replicas > 0 && s < query->sub_count; s++)
            if (query->subs[s].has_materialized)
                status = note_ends(query, &query->subs[s], arena, err);
        query_unref(query);
    }
    return status;
}

/* ---- telling ---- */

/* INT64_MAX: not known. */
static int64_t lag_of(const RunningQuery *query, const QuerySub *sub, const TaskView *view)
{
    int64_t position = is_source(query) ? atomic_load(&view->positions[sub->table_input])
                                        : atomic_load(&view->changelogs[sub->table_store]);
    int64_t known    = atomic_load(&view->table_end_us);
    if (position < 0 || known == 0 || runtime_now_us(query->runtime) - known > KNOWN_US)
        return INT64_MAX;
    int64_t lag = atomic_load(&view->table_end) - position;
    return lag <= log_marker_offsets(query->runtime->options.log) ? 0 : lag;
}

bool runtime_standby_partitions(Runtime *runtime, Str query_id, int64_t max_lag, Arena *arena, int **out,
                                size_t **files, size_t *count)
{
    RunningQuery *query = registry_hold(runtime, query_id);
    *count              = 0;
    *out                = NULL;
    *files              = NULL;
    for (size_t s = 0; query != NULL && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        *out   = ARENA_ARRAY(arena, int, (size_t)sub->tasks + 1);
        *files = ARENA_ARRAY(arena, size_t, (size_t)sub->tasks + 1);
        for (int p = 0; p < sub->tasks; p++) {
            int worker = view_readable_worker(&sub->views[p], true);
            if (worker < 0 || (max_lag < INT64_MAX && lag_of(query, sub, &sub->views[p]) > max_lag))
                continue;
            (*out)[*count]       = p;
            (*files)[(*count)++] = (size_t)worker;
        }
    }
    bool found = query != NULL;
    query_unref(query);
    return found;
}

int64_t runtime_standby_lag(Runtime *runtime, Str query_id, int partition)
{
    RunningQuery *query = registry_hold(runtime, query_id);
    int64_t       lag   = INT64_MAX;
    for (size_t s = 0; query != NULL && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (sub->has_materialized && partition < sub->tasks &&
            view_readable_worker(&sub->views[partition], true) >= 0)
            lag = lag_of(query, sub, &sub->views[partition]);
    }
    query_unref(query);
    return lag == INT64_MAX ? -1 : lag;
}

bool runtime_wants_standbys(Runtime *runtime)
{
    Arena         *arena = arena_new(0);
    RunningQuery **queries;
    bool           any   = false;
    size_t         count = registry_hold_all(runtime, arena, &queries);
    for (size_t i = 0; i < count; i++) {
        any |= queries[i]->settings.standby_replicas > 0;
        query_unref(queries[i]);
    }
    arena_free(arena);
    return any;
}

int runtime_standby_replicas(Runtime *runtime, Str query_id)
{
    RunningQuery *query    = registry_hold(runtime, query_id);
    int64_t       replicas = query != NULL ? query->settings.standby_replicas : 0;
    query_unref(query);
    return replicas > INT32_MAX ? INT32_MAX : (int)replicas;
}
