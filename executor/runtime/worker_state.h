/*
 * worker_state.h - what a worker owns.
 *
 * A worker is one thread and owns its tasks, fetchers, readers, writers and state file. Others send it
 * messages (mailbox.h), or read what TaskView publishes. What belongs to one file alone is opaque here.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_WORKER_STATE_H
#define SLUICE_EXECUTOR_RUNTIME_WORKER_STATE_H

#include "core/notice.h"
#include "executor/runtime/commit_size.h"
#include "executor/runtime/runtime_core.h"

typedef struct Cleanup       Cleanup;
typedef struct Decision      Decision;
typedef struct Fetchers      Fetchers;
typedef struct Mailbox       Mailbox;
typedef struct PositionTable PositionTable;
typedef struct ReaderPool    ReaderPool;
typedef struct SliceCache    SliceCache;
typedef struct Standbys      Standbys;
typedef struct Task          Task;

/* SLOT_DAMAGED: its positions cannot be read, so its tasks cannot open: they would begin anew. SLOT_STANDBY:
 * another node has it, and this worker follows (standby.c). */
typedef enum { SLOT_NONE, SLOT_LOADING, SLOT_OWNED, SLOT_DAMAGED, SLOT_STANDBY } SlotState;

struct Worker {
    Runtime    *runtime;
    int         index;
    char       *path;
    pthread_t   thread;
    bool        started;
    Mailbox    *mailbox;
    SliceCache *slices;
    /* Thread: worker, from here on. */
    bool        stopping;
    Arena      *scratch;
    StateFile  *state;  /* NULL: it has to be made again, and cannot be now (repair.c) */
    Str         log_id; /* in the runtime's arena; empty: not known yet (identity.c) */
    StateAside  aside; /* what an E_STALE_STATE that comes next means: damage, unless somebody knows better */
    LogReader  *reader;
    ReaderPool *pool;
    Fetchers   *fetchers;
    LogWriter  *txn;       /* for transactions: of the one being built */
    LogWriter  *other;     /* takes turns with it while a transaction is decided; NULL: not needed yet */
    LogWriter  *sink;      /* at_least_once only */
    const LogFence *fence; /* NULL: nothing may be processed */
    Cleanup        *cleanup;
    Standbys       *standbys;
    Notice          standby_trouble;

    /* Which tasks there should be: assignment.c */
    SlotState     *slots;
    int           *slot_handles;
    int64_t       *slot_ends;     /* how far the positions of a slot are to be read */
    Error         *slot_damage;   /* heap: why a slot is damaged, the last one; or NULL */
    bool           slots_changed; /* all tasks have to be looked at */
    bool           compare_tasks; /* slots were loaded again: have the tasks moved elsewhere meanwhile? */
    PositionTable *positions;
    RunningQuery **queries;
    size_t         query_count, query_capacity, matched_queries; /* matched: they have their tasks */
    size_t         restored_tasks, restored_records; /* since it was ready last, from changelogs */
    Task          *tasks;
    bool           pushes_pending;

    /* What is uncommitted: commit.c */
    Task *dirty; /* list */
    /* Of the dirty ones, by the settings of their queries: the shortest commit interval (INT64_MAX: none said
     * one), and whether one of them promises exactly once. */
    int64_t interval_ms;
    bool    exactly_once;
    bool    feeds;      /* a task here is waited for by others: alignment.c */
    bool    awaits;     /* in this pass a task had records and waited for others */
    bool    wants_sink; /* a task here writes at least once: its sink's records go by a writer of their own */
    Task   *blamed;     /* by a commit that failed; NULL: it was the world */
    bool    in_txn, state_changed;
    bool    stall_shown;             /* tasks may be shown as stalled (TaskView) */
    bool    file_troubled;           /* the disk is full, and that is shown */
    bool    sink_sent, sink_flushed; /* what was appended is on its way; is acknowledged */
    bool    moved;                   /* records were processed since the last commit */
    bool    newcomer;                /* among them the first ones of a task */
    int64_t newcomer_us;             /* when these came */
    int64_t unrecorded_us;           /* since when some task's position is not written down; 0: none */
    int64_t quiet_us;                /* since when nothing comes in; 0: it does */
    size_t  txn_bytes;
    int64_t commit_us; /* when the last one began */
    CommitSize commit_size;
    bool      *owned; /* slots of the whole node, as of owned_version; NULL: not looked yet (alignment.c) */
    unsigned   owned_version;
    uint64_t   file_commits; /* of the state file, from 1 */

    /* The commit that is being decided, while the next is built: commit.c */
    bool       deciding;
    bool       prepared;      /* what it keeps was set aside: records may be moved */
    bool       file_behind;   /* the log has it and the state file not yet */
    Task      *deciding_list; /* tasks that are part of it */
    LogWriter *deciding_txn;  /* NULL: nothing of it concerns the log */
    Decision  *decision;
    bool       wants_other;  /* a transaction had to wait for one that was decided */
    uint64_t   other_usable; /* from which file_commits on */

    /* Who has to wait: failure.c */
    Task   *quarantined; /* runs by itself until a commit succeeds */
    int64_t pause_us;    /* nothing is done before, but for clients */
    bool    pausing;     /* so is it now */
    int     pause_ms;
    Notice  trouble; /* of the world, since the last commit */
};

#endif
