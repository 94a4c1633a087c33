/*
 * query.c - a running query as all threads see it: its sub-topologies, its errors, what its tasks
 * publish. (Its internal topics: query_topics.c.)
 *
 * Immutable once made, but for atomics and what its lock covers. Workers, the registry and callers hold
 * references; the plan is released with the last.
 */
#include "core/slot_hash.h"
#include "executor/dataflow/task.h"
#include "executor/runtime/query.h"

#include "executor/runtime/alignment.h"
#include "executor/runtime/runtime_core.h"
#include "planner/nodes/node_source.h"

/* ---- walking ---- */

void query_visit_stores(const QuerySub *sub, void (*visit)(void *context, const PlanNode *node, size_t store),
                        void           *context)
{
    for (size_t i = 0; i < sub->sub.node_count; i++) {
        const PlanNode *node = sub->sub.nodes[i];
        for (size_t store = 0; !node->class->reads_topic && store < node->store_count; store++)
            visit(context, node, store);
    }
}

bool query_sub_has(const QuerySub *sub, const PlanNode *node)
{
    bool found = false;
    for (size_t i = 0; i < sub->sub.node_count && node != NULL; i++)
        found |= sub->sub.nodes[i] == node && !topology_reads(&sub->sub, node);
    return found;
}

int query_slot(const QuerySub *sub, int partition, int slot_count)
{
    uint64_t n = (uint64_t)slot_count;
    return (int)((sub->hash % n + (uint64_t)partition * n / (uint64_t)sub->sub.partitions) % n);
}

/* ---- making ---- */

static void init_view(TaskView *view, size_t inputs, size_t nodes, size_t stores, Arena *arena)
{
    view->changelogs = arena_alloc(arena, (stores + 1) * sizeof *view->changelogs);
    for (size_t i = 0; i < stores; i++)
        atomic_init(&view->changelogs[i], -1);
    view->positions = arena_alloc(arena, (inputs + 1) * sizeof *view->positions);
    view->committed = arena_alloc(arena, (inputs + 1) * sizeof *view->committed);
    view->figures   = arena_alloc(arena, (nodes * FIGURE_COUNT + 1) * sizeof *view->figures);
    atomic_init(&view->worker, -1);
    for (size_t i = 0; i < inputs; i++) {
        atomic_init(&view->positions[i], -1);
        atomic_init(&view->committed[i], -1);
    }
    for (size_t i = 0; i < nodes * FIGURE_COUNT; i++)
        atomic_init(&view->figures[i], 0);
}

static int source_partitions(const RunningQuery *query, const PlanNode *source)
{
    size_t i = 0;
    while (query->plan->sources[i] != source)
        i++;
    return query->source_partitions[i];
}

static void find_table(const RunningQuery *query, QuerySub *sub)
{
    const PlanNode *table = query->plan->materialized;
    sub->table_input      = 0;
    while (sub->table_input < sub->sub.input_count && sub->sub.inputs[sub->table_input] != table)
        sub->table_input++;
    for (size_t i = 0; i < sub->sub.node_count && sub->sub.nodes[i] != table; i++)
        sub->table_store += sub->sub.nodes[i]->store_count;
}

static void init_sub(RunningQuery *query, QuerySub *sub, const SubTopology *cut)
{
    Arena *arena          = query->arena;
    Str    service        = query->runtime->options.service_id;
    sub->sub              = *cut;
    sub->tasks            = cut->partitions;
    sub->topics           = ARENA_ARRAY(arena, Str, cut->input_count + 1);
    sub->input_partitions = ARENA_ARRAY(arena, int, cut->input_count + 1);
    sub->hash = slot_hash(str_printf(arena, STR_FMT "/%d", STR_ARG(query->plan->id), cut->number));
    for (size_t i = 0; i < cut->input_count; i++) {
        const PlanNode *node     = cut->inputs[i];
        bool            is_topic = node->class->reads_topic;
        sub->topics[i]           = is_topic ? plan_source(node)->topic
                                            : topology_repartition_topic(service, query->plan->id, node, arena);
        sub->input_partitions[i] = is_topic ? source_partitions(query, node) : cut->partitions;
        if (sub->input_partitions[i] > sub->tasks)
            sub->tasks = sub->input_partitions[i];
    }
    sub->views    = ARENA_ARRAY(arena, TaskView, (size_t)sub->tasks);
    size_t stores = 0;
    for (size_t i = 0; i < cut->node_count; i++)
        stores += cut->nodes[i]->store_count;
    for (int p = 0; p < sub->tasks; p++)
        init_view(&sub->views[p], cut->input_count, cut->node_count, stores, arena);
    sub->has_materialized = query_sub_has(sub, query->plan->materialized);
    find_table(query, sub);
}

/* A query that starts at the ends starts at those of now, though its tasks may open later: what is inserted
 * after the statement is seen. Only where the plan does not say where (plan_starts.h): one that an earlier
 * version made. */
static Status find_latest(RunningQuery *query, Error *err)
{
    const QueryPlan *plan = query->plan;
    query->latest         = ARENA_ARRAY(query->arena, int64_t *, plan->source_count + 1);
    for (size_t i = 0; i < plan->source_count; i++) {
        const PlanSource *source = plan_source(plan->sources[i]);
        query->latest[i]         = ARENA_ARRAY(query->arena, int64_t, (size_t)source->partitions + 1);
        for (int p = 0; p < source->partitions; p++) {
            int64_t first;
            TRY(log_offsets(query->runtime->options.log, source->topic, p, &first, &query->latest[i][p],
                            err));
        }
    }
    return OK;
}

/* counts NULL: those of the plan. */
static RunningQuery *query_make(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options,
                                const int *counts)
{
    RunningQuery *query = mem_calloc(1, sizeof *query);
    query->runtime      = runtime;
    query->arena        = arena_new(0);
    query->plan         = plan;
    if (options->settings != NULL)
        query->settings = *options->settings;
    else
        runtime_settings(&runtime->options, &query->settings);
    query->source_partitions = ARENA_ARRAY(query->arena, int, plan->source_count + 1);
    for (size_t i = 0; i < plan->source_count; i++)
        query->source_partitions[i] = counts != NULL ? counts[i] : plan_source(plan->sources[i])->partitions;
    atomic_init(&query->refs, 1);
    atomic_init(&query->paused, options->paused);
    pthread_mutex_init(&query->lock, NULL);
    SubTopology *cuts;
    topology_cut(plan, query->arena, &cuts, &query->sub_count);
    query->subs = ARENA_ARRAY(query->arena, QuerySub, query->sub_count);
    for (size_t i = 0; i < query->sub_count; i++)
        init_sub(query, &query->subs[i], &cuts[i]);
    alignment_plan(query);
    return query;
}

Status query_new(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                 void (*owner_free)(void *), RunningQuery **out, Error *err)
{
    RunningQuery *query = query_make(runtime, plan, options, NULL);
    if (query->settings.offset_reset != OFFSET_RESET_EARLIEST && plan->start_count == 0 &&
        atomic_load(&runtime->assigned) && find_latest(query, err) != OK) {
        query_unref(query); /* the owner stays the caller's */
        return err == NULL ? E_IO : err->code;
    }
    query->owner      = owner;
    query->owner_free = owner_free;
    *out              = query;
    return OK;
}

static void release_former(void *query) { query_unref(query); }

RunningQuery *query_grown(RunningQuery *query, const int *counts)
{
    QueryOptions  options = {&query->settings, atomic_load(&query->paused)};
    RunningQuery *next    = query_make(query->runtime, query->plan, &options, counts);
    next->owner           = query_ref(query);
    next->owner_free      = release_former;
    next->latest          = query->latest;
    atomic_store(&next->last_message_ms, atomic_load(&query->last_message_ms));
    return next;
}

bool query_is_stateful(const RunningQuery *query)
{
    bool stateful = false;
    for (size_t i = 0; i < query->sub_count; i++)
        stateful |= query->subs[i].sub.stateful;
    return stateful;
}

void query_set_outgrown(RunningQuery *query, const char *why)
{
    pthread_mutex_lock(&query->lock);
    mem_free(query->outgrown);
    query->outgrown = str_to_heap(str_c(why));
    pthread_mutex_unlock(&query->lock);
}

Status query_check_grown(RunningQuery *query, Error *err)
{
    pthread_mutex_lock(&query->lock);
    Status status =
        query->outgrown == NULL ? OK : error_set(err, E_FATAL_DATA, NO_POS, "%s", query->outgrown);
    pthread_mutex_unlock(&query->lock);
    return status;
}

RunningQuery *query_ref(RunningQuery *query)
{
    atomic_fetch_add(&query->refs, 1);
    return query;
}

void query_unref(RunningQuery *query)
{
    if (query == NULL || atomic_fetch_sub(&query->refs, 1) > 1)
        return;
    for (size_t i = 0; i < QUERY_ERRORS; i++)
        mem_free((char *)query->errors[i].message.ptr);
    mem_free(query->outgrown);
    mem_free(query->waiting);
    if (query->owner_free != NULL)
        query->owner_free(query->owner);
    pthread_mutex_destroy(&query->lock);
    arena_free(query->arena);
    mem_free(query);
}

/* ---- errors ---- */

/* runtime.md 6.4. */
static Str classify(const Error *err)
{
    switch (err->code) {
    case E_NOT_FOUND:
    case E_FATAL_DATA:
    case E_DATA:
    case E_PLAN:
        return STR_LIT("USER");
    case E_FULL:
        return STR_LIT("SYSTEM");
    default:
        return STR_LIT("UNKNOWN");
    }
}

void query_set_waiting(RunningQuery *query, const char *what)
{
    pthread_mutex_lock(&query->lock);
    mem_free(query->waiting);
    query->waiting = str_to_heap(str_c(what));
    pthread_mutex_unlock(&query->lock);
}

Str query_waiting_for(RunningQuery *query, Arena *arena)
{
    pthread_mutex_lock(&query->lock);
    Str what = query->waiting == NULL ? STR_NULL : str_dup(arena, str_c(query->waiting));
    pthread_mutex_unlock(&query->lock);
    return what;
}

void query_add_error(RunningQuery *query, const Error *err)
{
    Clock *clock = query->runtime->clock;
    Str    text  = str_c(err->message);
    pthread_mutex_lock(&query->lock);
    QueryError *oldest = &query->errors[query->error_count++ % QUERY_ERRORS];
    mem_free((char *)oldest->message.ptr);
    *oldest = (QueryError){clock->now_ms(clock), {str_to_heap(text), text.len}, classify(err)};
    pthread_mutex_unlock(&query->lock);
}
