/*
 * alignment.h - a task that takes its records in the order of time waits for those who write for it.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_ALIGNMENT_H
#define SLUICE_EXECUTOR_RUNTIME_ALIGNMENT_H

#include "executor/runtime/task.h"

/* Finds out who waits for whom: sub->awaits and sub->feeds. When a query is made. */
void alignment_plan(RunningQuery *query);
/* Publishes which of the worker's tasks have nothing to do. Once a pass. Thread: worker */
void alignment_note(Worker *worker);
/* An input has no record here: may one be on its way that is older than those of the task's other inputs?
 * Asked before whether the input's topic is at its end, for what was on its way is there once it is not.
 * Thread: worker */
bool alignment_must_wait(const Task *task, const TaskInput *input);

#endif
