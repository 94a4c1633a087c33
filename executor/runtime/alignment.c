/*
 * alignment.c - the order of time across an exchange.
 *
 * A task of several inputs takes the oldest of the records that are there (task.c). A repartition topic whose
 * writers have not got there yet looks as if it had no more: so on existing data the other side of a join ran
 * to its end, its buffer forgot what it had passed, and rows of the repartitioned side found no match: an
 * inner join lost nearly all rows, a left one showed them without. So such an input counts as being at its
 * end only when those who write it are: they run here, have nothing left to process and nothing to commit.
 *
 * Who cannot get on is not waited for: a task that has failed or waits itself, or is paused; nor one that
 * runs on another node, of whom nothing is known. And nobody waits in a ring (the two steps of a foreign-key
 * join write for each other).
 *
 * Each partition of a repartition topic has records of several writers, which are not in the order of time
 * among each other: what is further apart than windows and grace of the reader, it meets too late.
 */
#include "executor/runtime/alignment.h"

#include "executor/runtime/fetcher.h"
#include "executor/runtime/placement.h"
#include "executor/runtime/query.h"
#include "executor/runtime/worker_state.h"
#include "planner/node.h"

/* Kafka tells a reader of new records a fetch later, so writers are to have been idle for longer than that.
 */
enum { FETCH_LATE_US = 100000 };

/* ---- when a query is made ---- */

static QuerySub *writer_of(RunningQuery *query, const PlanNode *exchange)
{
    for (size_t i = 0; i < query->sub_count; i++)
        if (topology_writes(&query->subs[i].sub, exchange))
            return &query->subs[i];
    return NULL;
}

/* Do records of `from` get to `to`? */
static bool leads_to(RunningQuery *query, const QuerySub *from, const QuerySub *to, size_t depth)
{
    if (from == to)
        return true;
    for (size_t i = 0; depth > 0 && i < to->sub.input_count; i++) {
        const PlanNode *input  = to->sub.inputs[i];
        const QuerySub *writer = input->class->cuts ? writer_of(query, input) : NULL;
        if (writer != NULL && leads_to(query, from, writer, depth - 1))
            return true;
    }
    return false;
}

void alignment_plan(RunningQuery *query)
{
    for (size_t s = 0; s < query->sub_count; s++) {
        QuerySub *sub = &query->subs[s];
        sub->awaits   = ARENA_ARRAY(query->arena, const QuerySub *, sub->sub.input_count + 1);
        for (size_t i = 0; sub->sub.input_count > 1 && i < sub->sub.input_count; i++) {
            const PlanNode *input  = sub->sub.inputs[i];
            QuerySub       *writer = input->class->cuts ? writer_of(query, input) : NULL;
            if (writer == NULL || leads_to(query, sub, writer, query->sub_count))
                continue;
            sub->awaits[i] = writer;
            writer->feeds  = true;
        }
    }
}

/* ---- who writes ---- */

static bool has_nothing_to_do(const Task *task)
{
    if (task->state != TASK_RUNNING || atomic_load(&task->view->dirty))
        return false;
    for (size_t i = 0; i < task->input_count; i++)
        if (input_has_data(&task->inputs[i]) || alignment_must_wait(task, &task->inputs[i]) ||
            !fetcher_at_end(&task->inputs[i]))
            return false;
    return true;
}

void alignment_note(Worker *worker)
{
    if (!worker->feeds)
        return;
    int64_t now = runtime_now_us(worker->runtime);
    for (const Task *task = worker->tasks; task != NULL; task = task->next) {
        if (task->query == NULL || !task->sub->feeds)
            continue;
        if (!has_nothing_to_do(task))
            atomic_store(&task->view->idle_us, 0);
        else if (atomic_load(&task->view->idle_us) == 0)
            atomic_store(&task->view->idle_us, now);
    }
}

/* ---- who reads ---- */

/* True, too, before the node is told of any. Asked at each record that another input waits for, so that it
 * takes no lock. */
static bool node_has_slot(Worker *worker, int slot)
{
    Runtime *runtime = worker->runtime;
    unsigned version = runtime_slots_version(runtime);
    int      slots   = runtime_slot_count(runtime);
    if (version == 0)
        return true;
    if (worker->owned == NULL || version != worker->owned_version) {
        worker->owned         = mem_realloc(worker->owned, (size_t)slots * sizeof *worker->owned);
        worker->owned_version = placement_owned(runtime, worker->owned, slots);
    }
    return worker->owned[slot];
}

/* A task that is not there yet counts where this node has its slot: the workers open the tasks of a new query
 * one by one, and a reader that is first would run to the end of its other input meanwhile. */
static bool may_write(Worker *worker, const QuerySub *writer, int partition)
{
    Runtime        *runtime = worker->runtime;
    const TaskView *view    = &writer->views[partition];
    TaskState       state   = view_state(view);
    if (state == TASK_ABSENT)
        return node_has_slot(worker, query_slot(writer, partition, runtime_slot_count(runtime)));
    if (state != TASK_RUNNING)
        return task_state_is_starting(state);
    int64_t idle_us = atomic_load(&view->idle_us);
    int64_t late_us = log_marker_offsets(runtime->options.log) > 0 ? FETCH_LATE_US : 0;
    return idle_us == 0 || atomic_load(&view->dirty) || runtime_now_us(runtime) - idle_us < late_us;
}

bool alignment_must_wait(const Task *task, const TaskInput *input)
{
    const QuerySub *writer = task->query == NULL ? NULL : task->sub->awaits[input->index];
    if (writer == NULL || atomic_load(&task->query->paused))
        return false;
    for (int p = 0; p < writer->tasks; p++)
        if (may_write(task->worker, writer, p))
            return task->worker->awaits = true;
    return false;
}
