/*
 * query_status.c - what is told about running queries and their tables.
 */
#include "executor/runtime/mailbox.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/shared_decode.h"
#include "executor/runtime/worker_state.h"

/* ---- what is told ---- */

static void add_state(const RunningQuery *query, const TaskView *view, QueryStatus *out, bool *starting,
                      bool *waiting)
{
    TaskState state = view_state(view);
    out->records_in += atomic_load(&view->records_in);
    out->records_out += atomic_load(&view->records_out);
    out->skipped_bad += atomic_load(&view->skipped_bad);
    out->skipped_late += atomic_load(&view->skipped_late);
    if (state == TASK_FAILED || (state != TASK_ABSENT && atomic_load(&view->stalled)))
        out->state = RUN_ERROR;
    *starting |= task_state_is_starting(state);
    *waiting |= task_state_is_waiting(state);
}

static void add_positions(Runtime *runtime, const QuerySub *sub, int partition, bool ask, Arena *arena,
                          QueryStatus *out)
{
    const TaskView *view = &sub->views[partition];
    for (size_t i = 0; i < sub->sub.input_count; i++) {
        QueryPosition *position = &out->positions[out->position_count];
        if (partition >= sub->input_partitions[i] || view_state(view) == TASK_ABSENT)
            continue;
        *position = (QueryPosition){str_dup(arena, sub->topics[i]), partition, -1, -1,
                                    atomic_load(&view->positions[i])};
        if (ask && log_offsets(runtime->options.log, position->topic, partition, &position->start,
                               &position->end, NULL) != OK)
            position->start = position->end = -1;
        out->position_count++;
    }
}

static void add_errors(RunningQuery *query, Arena *arena, QueryStatus *out)
{
    pthread_mutex_lock(&query->lock);
    size_t count     = query->error_count < QUERY_ERRORS ? query->error_count : QUERY_ERRORS;
    out->errors      = ARENA_ARRAY(arena, QueryError, count + 1);
    out->error_count = count;
    for (size_t i = 0; i < count; i++) {
        const QueryError *from = &query->errors[(query->error_count - count + i) % QUERY_ERRORS];
        out->errors[i]         = (QueryError){from->time_ms, str_dup(arena, from->message), from->type};
    }
    pthread_mutex_unlock(&query->lock);
}

Status runtime_query_operators(Runtime *runtime, Str id, Arena *arena, OperatorStatus **out, size_t *count,
                               Error *err)
{
    RunningQuery *query = registry_hold(runtime, id);
    size_t        most  = 0;
    if (query == NULL)
        return error_set(err, E_NOT_FOUND, NO_POS, "No query with id " STR_FMT " is running", STR_ARG(id));
    for (size_t s = 0; s < query->sub_count; s++)
        most += query->subs[s].sub.node_count;
    *out   = ARENA_ARRAY(arena, OperatorStatus, most + 1);
    *count = 0;
    for (size_t s = query->sub_count; s-- > 0;) { /* the sink's is the first */
        const QuerySub *sub = &query->subs[s];
        for (size_t i = 0; i < sub->sub.node_count; i++) {
            const PlanNode *node = sub->sub.nodes[i];
            OperatorStatus *to   = &(*out)[(*count)++];
            *to                  = (OperatorStatus){.step = str_dup(arena, node->step),
                                                    .name = pipeline_operator_name(node, topology_reads(&sub->sub, node)),
                                                    .sub_topology = sub->sub.number};
            for (int p = 0; p < sub->tasks; p++)
                for (int k = 0; k < FIGURE_COUNT; k++)
                    to->figures[k] += atomic_load_explicit(
                        &sub->views[p].figures[i * FIGURE_COUNT + (size_t)k], memory_order_relaxed);
        }
    }
    query_unref(query);
    return OK;
}

static Status tell(Runtime *runtime, Str id, bool ask, Arena *arena, QueryStatus *out, Error *err)
{
    RunningQuery *query    = registry_hold(runtime, id);
    size_t        most     = 0;
    bool          starting = false, waiting = false;
    if (query == NULL)
        return error_set(err, E_NOT_FOUND, NO_POS, "No query with id " STR_FMT " is running", STR_ARG(id));
    for (size_t s = 0; s < query->sub_count; s++)
        most += query->subs[s].sub.input_count * (size_t)query->subs[s].tasks;
    *out = (QueryStatus){.state = RUN_RUNNING, .last_message_ms = atomic_load(&query->last_message_ms)};
    out->positions = ARENA_ARRAY(arena, QueryPosition, most + 1);
    for (size_t s = 0; s < query->sub_count; s++) {
        for (int p = 0; p < query->subs[s].tasks; p++) {
            add_state(query, &query->subs[s].views[p], out, &starting, &waiting);
            add_positions(runtime, &query->subs[s], p, ask, arena, out);
        }
    }
    add_errors(query, arena, out);
    if (out->state != RUN_ERROR && atomic_load(&query->paused))
        out->state = RUN_PAUSED;
    else if (out->state != RUN_ERROR && waiting)
        out->state = RUN_WAITING;
    else if (out->state != RUN_ERROR && (starting || !atomic_load(&runtime->assigned)))
        out->state = RUN_STARTING;
    out->waiting_for = out->state == RUN_WAITING ? query_waiting_for(query, arena) : STR_NULL;
    query_unref(query);
    return OK;
}

Status runtime_query_status(Runtime *runtime, Str id, Arena *arena, QueryStatus *out, Error *err)
{
    return tell(runtime, id, true, arena, out, err);
}

Status runtime_query_state(Runtime *runtime, Str id, Arena *arena, QueryStatus *out, Error *err)
{
    return tell(runtime, id, false, arena, out, err);
}

size_t runtime_query_ids(Runtime *runtime, Arena *arena, Str **out)
{
    RunningQuery **queries;
    size_t         count = registry_hold_all(runtime, arena, &queries);
    *out                 = ARENA_ARRAY(arena, Str, count + 1);
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = str_dup(arena, queries[i]->plan->id);
        query_unref(queries[i]);
    }
    return count;
}

uint64_t runtime_records_decoded(const Runtime *runtime)
{
    uint64_t sum = 0;
    for (int i = 0; i < runtime->worker_count; i++)
        sum += slice_cache_decoded(runtime->workers[i]->slices);
    return sum;
}

bool runtime_is_ready(Runtime *runtime)
{
    if (!atomic_load(&runtime->assigned))
        return false;
    for (int i = 0; i < runtime->worker_count; i++)
        if (!mailbox_is_ready(runtime->workers[i]->mailbox))
            return false;
    return true;
}

/* ---- tables ---- */

StateShare *const *runtime_state_shares(Runtime *runtime) { return runtime->shares; }

const char *const *runtime_state_files(Runtime *runtime, size_t *count)
{
    *count = (size_t)runtime->worker_count;
    return runtime->files;
}

bool runtime_owned_partitions(Runtime *runtime, Str query_id, Arena *arena, int **out, size_t **files,
                              size_t *count)
{
    RunningQuery *query = registry_hold(runtime, query_id);
    *count              = 0;
    *out                = NULL;
    *files              = NULL;
    if (query == NULL)
        return false;
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        *out   = ARENA_ARRAY(arena, int, (size_t)sub->tasks + 1);
        *files = ARENA_ARRAY(arena, size_t, (size_t)sub->tasks + 1);
        for (int p = 0; p < sub->tasks; p++) {
            int worker = view_readable_worker(&sub->views[p], false);
            if (worker < 0)
                continue;
            (*out)[*count]       = p;
            (*files)[(*count)++] = (size_t)worker;
        }
    }
    query_unref(query);
    return true;
}

static bool is_on_its_way(const TaskView *view)
{
    TaskState state = view_state(view);
    return task_state_is_starting(state) || state == TASK_WAITING_TO_OPEN ||
           (task_state_is_live(state) && !atomic_load(&view->readable));
}

int runtime_table_partitions(Runtime *runtime, Str query_id, bool *settled)
{
    *settled            = runtime_is_ready(runtime);
    RunningQuery *query = registry_hold(runtime, query_id);
    int           count = 0;
    for (size_t s = 0; query != NULL && s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!sub->has_materialized)
            continue;
        count = sub->sub.partitions;
        for (int p = 0; p < count; p++)
            *settled &= !is_on_its_way(&sub->views[p]);
    }
    query_unref(query);
    return count;
}
