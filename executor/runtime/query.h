/*
 * query.h - a running query as all threads see it: sub-topologies, internal topics, what its tasks publish.
 *
 * Immutable once made, but for atomics and what its lock covers.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_QUERY_H
#define SLUICE_EXECUTOR_RUNTIME_QUERY_H

#include <pthread.h>

#include "executor/runtime/runtime.h"
#include "executor/runtime/task_view.h"

typedef struct QuerySub     QuerySub;
typedef struct RunningQuery RunningQuery;

enum { QUERY_ERRORS = 10 };

struct QuerySub {
    SubTopology sub; /* its partitions are those of the plan: P of the slot formula, and of internal topics */
    Str        *topics;           /* per input */
    int        *input_partitions; /* per input: what it has now */
    int         tasks;            /* partitions to be run: with those added to a topic since (growth.c) */
    TaskView   *views;            /* per task */
    uint64_t    hash;             /* of the slot formula */
    bool        has_materialized;
    size_t table_store; /* of the materialized node: the number of its store among all of the sub-topology */
    size_t table_input; /* its input, if that node is a source; else input_count */
    const QuerySub *
        *awaits; /* per input: who writes it, if that is to be waited for; else NULL (alignment.c) */
    bool feeds;  /* it is waited for */
};

struct RunningQuery {
    RunningQuery    *next, **link, *next_alike; /* in the registry, under its lock */
    _Atomic int      refs;
    Runtime         *runtime;
    Arena           *arena;
    const QueryPlan *plan;
    void            *owner;
    void (*owner_free)(void *);
    QuerySub     *subs;
    size_t        sub_count;
    int          *source_partitions; /* per source of the plan: what its topic has now, as far as known */
    QuerySettings settings;          /* of the statement that made it */
    int64_t     **latest; /* per source of the plan and partition: the ends when it was started, or NULL;
                             immutable once posted */
    _Atomic bool    paused;
    _Atomic int64_t last_message_ms;
    int64_t         shown; /* thread: helper; see helper.c */
    pthread_mutex_t lock;  /* of what follows */
    bool            topics_made;
    char           *waiting; /* heap: for what a task last had to wait, or NULL */
    char *outgrown; /* heap: why it cannot follow a topic that has more partitions now; NULL: nothing of the
                       kind */
    QueryError errors[QUERY_ERRORS]; /* ring, texts on the heap */
    size_t     error_count;          /* ever */
};

Status query_new(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                 void (*owner_free)(void *), RunningQuery **out, Error *err);
/* The same query with these counts of partitions per source; it keeps a reference to the former. */
RunningQuery *query_grown(RunningQuery *query, const int *source_partitions);
bool          query_is_stateful(const RunningQuery *query);
void          query_set_outgrown(RunningQuery *query, const char *why);
/* OK, or why it was set outgrown. */
Status        query_check_grown(RunningQuery *query, Error *err);
RunningQuery *query_ref(RunningQuery *query);
void          query_unref(RunningQuery *query);
/* retention.ms of the changelog of a store whose rows expire after so long in stream time. */
int64_t query_changelog_kept_ms(int64_t retention_ms);
/* Makes the internal topics, once. Thread: any. */
Status query_make_topics(RunningQuery *query, Error *err);
Status query_delete_topics(RunningQuery *query, Error *err);
void   query_add_error(RunningQuery *query, const Error *err);
/* For what a task of it has to wait. Thread: any */
void query_set_waiting(RunningQuery *query, const char *what);
Str  query_waiting_for(RunningQuery *query, Arena *arena);
/* Is the node (NULL: no) one of the sub-topology's own? */
bool query_sub_has(const QuerySub *sub, const PlanNode *node);
/* Calls `visit` for every store of the sub-topology that has a changelog: a node, and which of its stores. */
void query_visit_stores(const QuerySub *sub, void (*visit)(void *context, const PlanNode *node, size_t store),
                        void           *context);
/* The slot of the service's slots topic in which the task of that partition lives (docs/architecture.md). */
int query_slot(const QuerySub *sub, int partition, int slot_count);

#endif
