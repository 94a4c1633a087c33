/*
 * pull.h - pull queries on tables: a PullPlan over the committed state of this node's workers.
 *
 * The plan says which keys, range or windows are enough to read; the whole WHERE is evaluated again on every
 * row (planner.h). A query that needs a partition which another node of the service has is refused: a key is
 * in the partition that its hash says, as in ksqlDB.
 */
#ifndef SLUICE_EXECUTOR_PULL_PULL_H
#define SLUICE_EXECUTOR_PULL_PULL_H

#include <pthread.h>

#include "executor/runtime/runtime.h"
#include "planner/pull_plan.h"

enum { PULL_READERS = 16 };

/* What pull queries share. Connections are kept with their prepared statements. Thread: any. */
typedef struct {
    Runtime        *runtime;
    Clock          *clock;
    const FnConfig *config; /* may be NULL */
    pthread_mutex_t lock;
    StateReader    *idle[PULL_READERS];
    size_t          idle_count;
} PullHost;

void pull_host_init(PullHost *host, Runtime *runtime, Clock *clock, const FnConfig *config);
void pull_host_clear(PullHost *host);

typedef struct PullQuery PullQuery;

/* `writer` is the plan of the query that makes the table (NULL: it does not run: E_PLAN). Waits a little for
 * a query that has just been started; E_BUSY: it needs a partition that is not here, or not yet. Plans must
 * live until pull_close; `arena` is for what lasts as long as the query. */
Status pull_open(PullHost *host, const PullPlan *plan, const QueryPlan *writer, Arena *arena, PullQuery **out,
                 Error *err);
/* May it read rows of that partition? `query`: a PullQuery; void * for FreshnessTarget. */
bool pull_reads(void *query, int partition);
/* `row` gets the result columns, valid until it returns; false ends the query. */
Status pull_run(PullQuery *query, bool (*row)(void *context, const Value *values), void *context, Error *err);
void   pull_close(PullQuery *query);

#endif
