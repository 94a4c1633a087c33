/*
 * pull.h - pull queries on tables: a PullPlan over the committed state of this node's workers.
 *
 * The plan says which keys, range or windows are enough to read; the whole WHERE is evaluated again on every
 * row (planner.h). A key is in the partition that its hash says, as in ksqlDB. A query may need partitions
 * that this node does not have, or not yet: pull_missing tells which, and its caller waits for them, has them
 * read on the nodes that have them, or gives up. It must not run before nothing is missing: a reply that
 * lacks what another node has would look like one that is whole.
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

/* What another node wants to have read here, and nothing else. */
typedef struct {
    const int *partitions;
    size_t     count;
} PullPart;

/* `writer` is the plan of the query that makes the table (NULL: it does not run: E_PLAN). Plans must live
 * until pull_close, and so must `part` (NULL: all of it); `arena` is for what lasts as long as the query. */
Status pull_open(PullHost *host, const PullPlan *plan, const QueryPlan *writer, const PullPart *part,
                 Arena *arena, PullQuery **out, Error *err);
/* The partitions that it has to read and that cannot be read here now (in its arena, ascending for a scan);
 * 0: it may run. *settled: waiting alone will not change that. To be called again just before pull_run if
 * time has passed. */
size_t pull_missing(PullQuery *query, const int **out, bool *settled);
/* Copies that stand by for other nodes may be read, too, if they are at most `max_lag` offsets behind
 * (INT64_MAX: however many): of these partitions (kept: in the query's arena or longer), or NULL: of all. */
void pull_allow_standbys(PullQuery *query, const int *partitions, size_t count, int64_t max_lag);
/* These have been read on another node. */
void pull_leave_out(PullQuery *query, const int *partitions, size_t count);
/* The id of the query that makes the table. */
Str pull_writer(const PullQuery *query);
/* May it read rows of that partition? `query`: a PullQuery; void * for FreshnessTarget. Once pull_missing has
 * been asked. */
bool pull_reads(void *query, int partition);
/* `row` gets the result columns, valid until it returns, or NULL: rows were left out, shall it go on? false
 * ends the query. */
Status pull_run(PullQuery *query, bool (*row)(void *context, const Value *values), void *context, Error *err);
void   pull_close(PullQuery *query);

/* A look-up of one key that is opened once and asked often, by one thread at a time: with neither a reader
 * nor a file. The plan's access is PULL_LOOKUP, with one key; plan and writer as for pull_open. It has memory
 * of its own. */
Status pull_prepare(PullHost *host, const PullPlan *plan, const QueryPlan *writer, PullQuery **out,
                    Error *err);
/* Asks it for this key (its column values; NULL: the plan's own) if all of it is here and in memory, so that
 * nothing has to be waited for. False: it is not, or something is wrong with it: what `row` has got is void,
 * and the query has to go the long way. What `row` gets is valid until it returns; false ends the query, as
 * for pull_run. */
bool pull_ask(PullQuery *query, const Value *key, bool (*row)(void *context, const Value *values),
              void *context);

#endif
