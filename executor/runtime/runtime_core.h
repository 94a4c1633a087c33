/*
 * runtime_core.h - what the threads of a runtime share: options, the registry of queries, the workers' list.
 *
 * Immutable after runtime_open, but for atomics and what the lock covers.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_RUNTIME_CORE_H
#define SLUICE_EXECUTOR_RUNTIME_RUNTIME_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/logger.h"
#include "core/notice.h"
#include "executor/runtime/runtime.h"

typedef struct DroppedQuery DroppedQuery;
typedef struct RunningQuery RunningQuery;
typedef struct Worker       Worker;

struct Runtime {
    RuntimeOptions   options; /* strings copied */
    Arena           *arena;
    Clock           *clock;
    Worker         **workers;
    int              worker_count;
    const char     **files;
    StateShare     **shares; /* one per file, for it and its readers */
    pthread_t        member_thread, helper_thread;
    bool             member_started, helper_started;
    Str              slots_topic, slots_group;
    _Atomic int      slot_count; /* 0: not known yet */
    _Atomic bool     stopping, assigned;
    Notice           helper_trouble;  /* thread: helper */
    _Atomic bool     helper_stopping; /* first of all, while tasks still run */
    _Atomic bool     joining;         /* the member thread may go */
    _Atomic unsigned next_push;
    _Atomic unsigned query_changes; /* of the list below; set under the lock */
    _Atomic unsigned slots_version; /* placement.c; 0: no slots have been given yet */
    _Atomic unsigned ranks_version; /* of `ranks`; 0: never told */
    pthread_mutex_t  lock;          /* of what follows */
    pthread_cond_t   changed;
    int             *owned; /* slots, ascending */
    size_t           owned_count;
    int             *ranks; /* per slot, as runtime_stand_by was told; NULL: for none */
    int              rank_count;
    RunningQuery    *queries, **by_id; /* a list; chains by the hash of the id */
    size_t           query_count, bucket_count;
    DroppedQuery    *dropped; /* topics to be deleted */
};

int64_t runtime_now_us(const Runtime *runtime);
/* Until `ms` have passed, or `stop` is set and runtime->changed signalled: false then. Thread: any that may
 * block. */
bool runtime_sleep(Runtime *runtime, const atomic_bool *stop, int ms);
int  runtime_commit_interval_ms(const Runtime *runtime);
/* Of a query: 100 under exactly_once_v2 and 2000 otherwise, unless it is said. */
int64_t settings_commit_interval_ms(const QuerySettings *settings);

#endif
