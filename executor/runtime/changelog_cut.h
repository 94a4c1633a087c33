/*
 * changelog_cut.h - has a topic's retention removed rows of a changelog that are live?
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_CHANGELOG_CUT_H
#define SLUICE_EXECUTOR_RUNTIME_CHANGELOG_CUT_H

#include "executor/runtime/task.h"

/* Before a store's changelog is read from `from` on (< 0: from its beginning): notes in task->cut_below how
 * much of that is not there any more. Asks the log, if the store's rows expire at all. */
Status changelog_look_for_cut(Task *task, size_t store, int64_t from, Error *err);
/* After pipeline_load of a task whose stores are restored: a warning for each store that may lack rows. What
 * was noted is forgotten. */
void changelog_tell_cuts(Task *task);

#endif
