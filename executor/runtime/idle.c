/*
 * idle.c - has everything been processed and committed (`--until-idle`)?
 *
 * The tasks are looked at first and the ends asked for afterwards: what one query wrote before it was seen
 * idle is then in the end of the next. On Kafka a transaction that has committed becomes visible a moment
 * later, when its markers are written; so the ends of what the workers wrote are compared, too: below them an
 * end is not to be believed yet.
 */
#include "executor/runtime/mailbox.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/writers.h"
#include "planner/nodes/node_sink.h"

typedef struct {
    const QuerySub *sub;
    int             partition;
    int64_t        *positions;
} IdleTask;

static bool snapshot(RunningQuery *query, Arena *arena, IdleTask *tasks, size_t *count)
{
    for (size_t s = 0; s < query->sub_count; s++) {
        for (int p = 0; p < query->subs[s].tasks; p++) {
            const QuerySub *sub   = &query->subs[s];
            const TaskView *view  = &sub->views[p];
            int             state = view_state(view);
            if (state == TASK_ABSENT || atomic_load(&query->paused))
                continue;
            if (state != TASK_RUNNING)
                return false;
            IdleTask *task = &tasks[(*count)++];
            *task          = (IdleTask){sub, p, ARENA_ARRAY(arena, int64_t, sub->sub.input_count + 1)};
            for (size_t i = 0; i < sub->sub.input_count; i++)
                task->positions[i] = atomic_load(&view->positions[i]);
            if (atomic_load(&view->dirty) || atomic_load(&view->stalled))
                return false;
        }
    }
    return true;
}

static bool reached_ends(Runtime *runtime, const IdleTask *task)
{
    for (size_t i = 0; i < task->sub->sub.input_count; i++) {
        int64_t first, end;
        if (task->partition >= task->sub->input_partitions[i])
            continue;
        if (log_offsets(runtime->options.log, task->sub->topics[i], task->partition, &first, &end, NULL) !=
                OK ||
            task->positions[i] < end)
            return false;
    }
    return true;
}

/* ---- what was written ---- */

typedef struct {
    RunningQuery **queries;
    size_t         query_count;
    bool           visible;
} Written;

static bool is_visible(Worker *worker, Str topic, int partitions)
{
    for (int p = 0; p < partitions; p++) {
        int64_t first, end, written = writers_end(worker, topic, p);
        if (written < 0)
            continue;
        if (log_offsets(worker->runtime->options.log, topic, p, &first, &end, NULL) != OK || end < written)
            return false;
    }
    return true;
}

/* On the worker's thread. */
static void compare_written(Worker *worker, void *argument)
{
    Written *written = argument;
    for (size_t i = 0; written->visible && i < written->query_count; i++) {
        const RunningQuery *query = written->queries[i];
        const PlanSink     *sink  = plan_sink_of(query->plan);
        if (sink != NULL)
            written->visible = is_visible(worker, sink->topic, sink->partitions);
        for (size_t s = 0; written->visible && s < query->sub_count; s++) {
            const QuerySub *sub = &query->subs[s];
            for (size_t n = 0; written->visible && n < sub->sub.input_count; n++)
                if (sub->sub.inputs[n]->class->cuts)
                    written->visible = is_visible(worker, sub->topics[n], sub->sub.partitions);
        }
    }
}

/* ---- all together ---- */

bool runtime_is_idle(Runtime *runtime)
{
    Arena  *arena = arena_new(0);
    size_t  count = 0, most = 0;
    bool    idle        = runtime_is_ready(runtime);
    Written written     = {.visible = true};
    written.query_count = registry_hold_all(runtime, arena, &written.queries);
    for (size_t i = 0; i < written.query_count; i++)
        for (size_t s = 0; s < written.queries[i]->sub_count; s++)
            most += (size_t)written.queries[i]->subs[s].tasks;
    IdleTask *tasks = ARENA_ARRAY(arena, IdleTask, most + 1);
    for (size_t i = 0; idle && i < written.query_count; i++)
        idle = snapshot(written.queries[i], arena, tasks, &count);
    for (int i = 0; idle && written.visible && i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], compare_written, &written, true);
    idle &= written.visible;
    for (size_t i = 0; idle && i < count; i++)
        idle = reached_ends(runtime, &tasks[i]);
    for (size_t i = 0; i < written.query_count; i++)
        query_unref(written.queries[i]);
    arena_free(arena);
    return idle;
}
