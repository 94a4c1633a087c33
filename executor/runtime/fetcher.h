/*
 * fetcher.h - a topic partition is fetched once for all tasks of a worker.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_FETCHER_H
#define SLUICE_EXECUTOR_RUNTIME_FETCHER_H

#include "executor/runtime/fetch.h"

typedef struct Fetchers Fetchers;

/* What the fetchers of a worker ask of whoever owns the consumers. */
typedef struct {
    /* Can the task take records now? */
    bool (*runnable)(const Task *task);
    /* Processes one run of one of its inputs. *progress false: nothing to do, or it waits for another input.
     */
    Status (*step)(Task *task, bool *progress, Error *err);
    /* The input's position has moved over offsets without records. */
    void (*moved)(TaskInput *input);
    /* May the shared fetcher go back to where this newcomer stands, if that is not far? */
    bool (*may_go_back)(const TaskInput *input);
    /* Is there something that should not wait for the next batch? */
    bool (*interrupted)(void *context);
    void *context;
} FetchClient;

/* All borrowed. */
Fetchers *fetchers_new(LogReader *shared, ReaderPool *pool, Clock *clock, SliceCache *slices,
                       const FetchClient *client);
void      fetchers_free(Fetchers *fetchers); /* accepts NULL; nobody may be attached */

Status fetcher_attach(Fetchers *fetchers, TaskInput *input, Error *err);
void   fetcher_detach(Fetchers *fetchers, TaskInput *input);
/* After positions went back. Where a reader cannot follow, its consumers are detached. */
void fetchers_rewind(Fetchers *fetchers);
/* Takes what is there and runs the tasks on it. *busy: something was done. On an error *failed is the task
 * whose failure it is; whoever handles it may close tasks and fetchers. */
Status fetchers_run(Fetchers *fetchers, bool *busy, Task **failed, Error *err);
/* Has the input passed all that its partition has, for sure? */
bool fetcher_at_end(const TaskInput *input);
/* Is nothing more on its way, as far as known? */
bool fetchers_caught_up(const Fetchers *fetchers);

#endif
