/*
 * assignment.h - from the slots a worker was given to the tasks that run.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_ASSIGNMENT_H
#define SLUICE_EXECUTOR_RUNTIME_ASSIGNMENT_H

#include "executor/runtime/worker_state.h"

/* Reads the positions of new slots, a batch each. True while some are still being loaded; what fails is
 * logged, and tried again after a pause. */
bool worker_load_slots(Worker *worker, bool *busy);
/* Closes and makes tasks if queries or slots have changed. */
void worker_match_tasks(Worker *worker);
/* Opens, restores, retries: each task a step, unless there is mail. Failures are handled inside. */
void worker_advance_tasks(Worker *worker, bool *busy);

#endif
