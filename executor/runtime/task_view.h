/*
 * task_view.h - what is known of a task outside its worker.
 *
 * Atomics, written by the task's worker and read by any thread. A partition may go from one worker of the
 * node to another, and the new one be faster than the old: who enters says what state, then whose; who leaves
 * only withdraws its own name.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_TASK_VIEW_H
#define SLUICE_EXECUTOR_RUNTIME_TASK_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "executor/runtime/task_state.h"

typedef struct {
    _Atomic int  state;     /* read by view_state */
    _Atomic int  worker;    /* whose task it is; -1: there is none here */
    _Atomic bool stands_by; /* for another node's: only who asks for standbys sees it */
    _Atomic bool stalled;   /* its worker cannot commit: shown as failed until it can */
    _Atomic bool readable;  /* its tables are in the state file as they were at its last commit or later */
    _Atomic bool dirty; /* there are effects that are not committed; set before positions move, cleared after
                           the commit */
    _Atomic int64_t idle_us; /* of one that others wait for (alignment.c): since when it has nothing to
                                process and nothing to commit; 0: it has */
    _Atomic uint64_t  records_in, records_out, skipped_bad, skipped_late;
    _Atomic int64_t  *positions; /* per input of the sub-topology: next offset to be processed; -1 unknown */
    _Atomic int64_t  *committed;
    _Atomic uint64_t *figures;   /* FIGURE_COUNT per node of the sub-topology (dataflow/figures.h), as of the
                                    last commit */
    _Atomic int64_t *changelogs; /* per store of the sub-topology's nodes, in their order: its changelog's
                                     offset that the tables correspond to; -1 unknown */
    /* Of a standby: the end of what its query's table is made from, and when that was looked up (0: never).
     */
    _Atomic int64_t table_end, table_end_us;
} TaskView;

static inline TaskState view_state(const TaskView *view)
{
    bool is_here = atomic_load(&view->worker) >= 0 && !atomic_load(&view->stands_by);
    return is_here ? (TaskState)atomic_load(&view->state) : TASK_ABSENT;
}

/* Whose it is, if its tables can be read there; -1. Asked for on both sides: the one who enters withdraws
 * `readable` first, so what was readable in between is of the one that was there all the time. */
static inline int view_readable_worker(const TaskView *view, bool stands_by)
{
    int  worker   = atomic_load(&view->worker);
    int  state    = atomic_load(&view->state);
    bool readable = atomic_load(&view->readable) && atomic_load(&view->stands_by) == stands_by &&
                    (stands_by ? state == TASK_FOLLOWING : task_state_is_live((TaskState)state));
    return readable && atomic_load(&view->worker) == worker ? worker : -1;
}

/* Committed, or there was nothing to commit: a task is dirty before its positions move. */
static inline bool view_has_passed(const TaskView *view, size_t input, int64_t offset)
{
    if (atomic_load(&view->committed[input]) >= offset)
        return true;
    return atomic_load(&view->positions[input]) >= offset && !atomic_load(&view->dirty);
}

static inline void view_enter(TaskView *view, int worker, TaskState state, bool stands_by)
{
    atomic_store(&view->readable, false);
    atomic_store(&view->stalled, false);
    atomic_store(&view->table_end_us, 0);
    atomic_store(&view->stands_by, stands_by);
    atomic_store(&view->idle_us, 0);
    atomic_store(&view->state, state);
    atomic_store(&view->worker, worker);
}

static inline void view_leave(TaskView *view, int worker)
{
    atomic_compare_exchange_strong(&view->worker, &worker, -1);
}

#endif
