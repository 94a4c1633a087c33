/*
 * cleanup.h - removing what a dropped query leaves behind.
 *
 * Thread: worker, unless said otherwise.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_CLEANUP_H
#define SLUICE_EXECUTOR_RUNTIME_CLEANUP_H

#include "executor/runtime/query.h"

typedef struct Cleanup      Cleanup;
typedef struct DroppedQuery DroppedQuery;
typedef struct Worker       Worker;

/* ---- a dropped query, until all workers have cleaned up and its topics are deleted. Thread: any ---- */

/* Each worker has a share. */
DroppedQuery *dropped_query_new(RunningQuery *query, int workers);
RunningQuery *dropped_query(const DroppedQuery *dropped);
void          dropped_query_release(DroppedQuery *dropped); /* a share */
/* Deletes the topics of those that all workers are done with. What fails is tried again by the next call, a
 * few minutes long, unless it is the last. Thread: helper; after it, who closes the runtime. */
void dropped_queries_delete_topics(Runtime *runtime, bool last_time);

/* ---- of a worker ---- */

Cleanup *cleanup_new(Worker *worker);    /* goes on where the last process was */
void     cleanup_free(Cleanup *cleanup); /* accepts NULL */
/* Takes over a share. The query's tasks must be closed. */
void cleanup_add(Cleanup *cleanup, DroppedQuery *dropped);
/* Removes the positions of dropped queries. On an error (worker->blamed as for worker_commit) nothing may be
 * opened before it has worked: it could be of a new query of that id. */
Status cleanup_positions(Cleanup *cleanup, bool *busy, Error *err);
/* A slice of the tables to be removed. E_STALE_STATE alone is an error; what else fails is said, and tried
 * again after the next start. */
Status cleanup_slice(Cleanup *cleanup, bool *busy, Error *err);
/* Tables of the query's names with other columns, of a query that is no more, go at once with all facts under
 * its id. */
Status cleanup_leftovers(Cleanup *cleanup, const RunningQuery *query, Error *err);
/* A store of that name is wanted again: what was left of it goes at once. */
Status cleanup_finish(Cleanup *cleanup, Str store, Error *err);

#endif
