/*
 * runtime.h - runs queries: slots, workers, tasks, commits (docs/architecture.md, "Slots and workers").
 *
 * The runtime owns the worker threads. The server tells it which queries exist; which tasks of them run here
 * follows from the slots this node owns. All functions may be called from any thread; they talk to the
 * workers by messages.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_RUNTIME_H
#define SLUICE_EXECUTOR_RUNTIME_RUNTIME_H

#include "core/offset_vector.h"
#include "executor/dataflow/pipeline.h"
#include "log/log.h"
#include "planner/query_settings.h"
#include "state/store.h"

typedef struct Runtime Runtime;

enum { CACHE_BYTES_DEFAULT = 10000000 };

typedef struct {
    Log            *log;
    Clock          *clock;
    const FnConfig *functions_config; /* may be NULL */
    SchemaRegistry *registry;         /* may be NULL: formats that need one cannot be used */
    const char     *state_dir;        /* exists, locked by us; holds node-id and state/ */
    Str             service_id;
    Str             node_id;
    int             workers;            /* 0: CPUs in the affinity mask, 10 at most */
    bool            exactly_once;       /* processing.guarantee */
    int             commit_interval_ms; /* < 0: 2000, or 100 with exactly_once */
    size_t          cache_bytes;        /* cache.max.bytes.buffering: 0 = emit every update */
    bool   cache_by_default;   /* nobody said so much: what tables hold back is bounded by commit_size.h */
    size_t state_memory_bytes; /* rows of all tables in memory; 0: a quarter of the machine's */
    int    internal_replicas;
    int    metadata_max_age_ms; /* how often the input topics are looked at for new partitions; 0: 30 s */
    int    retry_backoff_initial_ms, retry_backoff_max_ms; /* of failed queries; 0: the default */
    bool   throw_on_invalid_timestamp;
    bool   joins_later; /* see runtime_join */
    /* Skipped records, for the processing log. Thread: any worker. May be NULL. */
    void (*skipped)(void *context, const SkipInfo *info);
    void *context;
} RuntimeOptions;

/* Starts the workers and, unless options->joins_later, joins the slots group; does not wait for the
 * assignment (a missing broker is waited for). */
Status runtime_open(const RuntimeOptions *options, Runtime **out, Error *err);
/* Commits and leaves within a few seconds. Accepts NULL. */
void runtime_close(Runtime *runtime);
/* Joins the slots group, once the queries known at the start are there: the group does not wait for a replay
 * of commands. (The slots topic, whose 48 partitions take a broker 0.1 s, is made meanwhile.) */
void runtime_join(Runtime *runtime);

/* Tells which log it is (log_cluster_id), which a broker may not say at the start: state files that were made
 * from another one are set aside, and their tables are made again. Before runtime_join. */
void runtime_know_log(Runtime *runtime, Str id);

/* ---- persistent queries ---- */

typedef struct {
    const QuerySettings *settings; /* copied; NULL: runtime_settings */
    bool                 paused;
} QueryOptions;

/* What a query is told that is told nothing: the defaults of the rows, and the runtime's own options. */
void runtime_settings(const RuntimeOptions *options, QuerySettings *out);

/* Keeps a reference to the plan's arena through `owner`: released (owner_free) when the query is gone; after
 * an error it is the caller's. Internal topics are made here. A query with the id of a running one replaces
 * it (OR REPLACE) and goes on from its positions and state. */
Status runtime_start_query(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                           void (*owner_free)(void *), Error *err);
/* Stops it. With `forget` its positions, state and internal topics go too (TERMINATE, DROP), in the
 * background. */
Status runtime_stop_query(Runtime *runtime, Str id, bool forget, Error *err);
/* Returns when the workers have done what they were told before: a query that was stopped writes nothing any
 * more. It waits for what they are at, a commit at most. */
void   runtime_settle(Runtime *runtime);
Status runtime_pause_query(Runtime *runtime, Str id, bool paused, Error *err);

/* WAITING: for something outside (QueryStatus.waiting_for), tried again by itself. */
typedef enum { RUN_STARTING, RUN_RUNNING, RUN_PAUSED, RUN_ERROR, RUN_WAITING } RunState;

typedef struct {
    Str     topic;
    int     partition;
    int64_t start, end, position; /* of the log, and the next offset to be processed; -1 unknown */
} QueryPosition;

typedef struct {
    int64_t time_ms;
    Str     message, type; /* USER, SYSTEM, UNKNOWN */
} QueryError;

typedef struct {
    RunState       state;
    uint64_t       records_in, records_out, skipped_bad, skipped_late;
    int64_t        last_message_ms;
    QueryPosition *positions;
    size_t         position_count;
    Str            waiting_for; /* ptr NULL: it waits for nothing */
    QueryError    *errors;      /* the latest, oldest first */
    size_t         error_count;
} QueryStatus;

/* E_NOT_FOUND. Texts in `arena`. */
Status runtime_query_status(Runtime *runtime, Str id, Arena *arena, QueryStatus *out, Error *err);
/* The same without asking the log: start and end of positions are not known. */
Status runtime_query_state(Runtime *runtime, Str id, Arena *arena, QueryStatus *out, Error *err);
/* The ids of all queries that run in the service, in `arena`; returns how many. */
size_t runtime_query_ids(Runtime *runtime, Arena *arena, Str **out);
/* What one node of a query's plan has done in the tasks of this node of the service, together. */
typedef struct {
    Str         step;
    const char *name; /* of the operator: "FILTER" */
    int         sub_topology;
    uint64_t    figures[FIGURE_COUNT];
} OperatorStatus;
/* Sub-topology by sub-topology, from the sources to the root. E_NOT_FOUND. Texts in `arena`. */
Status runtime_query_operators(Runtime *runtime, Str id, Arena *arena, OperatorStatus **out, size_t *count,
                               Error *err);

/* True when everything that was in the sources when it was called has been processed and committed by all
 * queries here (--until-idle). */
bool runtime_is_idle(Runtime *runtime);

/* How often a record of a source was decoded for the queries here, since the start: once for all queries of a
 * worker that read it side by side, so that it stays behind the sum of their records_in. */
uint64_t runtime_records_decoded(const Runtime *runtime);

/* ---- push queries ---- */

typedef struct PushQuery PushQuery;

/* One row for a client, in the order of the plan's schema. */
typedef struct {
    const Value *values;
    bool         tombstone;
} PushRow;

typedef struct {
    const QuerySettings *settings;      /* copied; NULL: runtime_settings */
    bool                 from_earliest; /* whatever the settings say: PRINT, and streams in pull queries */
    bool                 bounded; /* pull query on a stream: ends at the end offsets found at the start */
    size_t queue_rows; /* bound of the output queue, beside one of some MB; 0 = default. A full queue detaches
                          the task, never its readers */
    void (*ready)(
        void *context); /* rows came, or it ended; called from the worker, must not block. May be NULL */
    void *context;
} PushOptions;

/* Returns once the query is subscribed at its start position. The plan (with its owner) as for
 * runtime_start_query. */
Status push_query_start(Runtime *runtime, const QueryPlan *plan, const PushOptions *options, void *owner,
                        void (*owner_free)(void *), PushQuery **out, Error *err);
typedef enum { PUSH_MORE, PUSH_LIMIT, PUSH_COMPLETE, PUSH_CLOSED, PUSH_FAILED } PushEnd;
/* Takes up to max rows that are there, copied into `arena`, without waiting. *end tells how it goes on once
 * *count is 0; PUSH_FAILED: err says why. */
PushEnd push_query_take(PushQuery *query, Arena *arena, size_t max, PushRow **rows, size_t *count,
                        Error *err);
/* Waits until there are rows or it ended. */
void push_query_wait(PushQuery *query, int timeout_ms);
/* Stops it and frees it; `ready` is not called any more when it returns. */
void push_query_close(PushQuery *query);

/* ---- reading tables (pull queries) ---- */

/* The state files of this node's workers, for state_reader_open. Valid as long as the runtime. */
const char *const *runtime_state_files(Runtime *runtime, size_t *count);
/* What has to be known beside the files, for the same. */
StateShare *const *runtime_state_shares(Runtime *runtime);
/* A reader has found that file number `file` of these is damaged (`why`): its worker makes it again from the
 * log. Thread: any */
void runtime_state_damaged(Runtime *runtime, size_t file, const Error *why);
/* Partitions of the query's materialised store that this node owns now, has restored and committed, and for
 * each the number of the state file that has it (StoreRange.files); false: the query is not running here. */
bool runtime_owned_partitions(Runtime *runtime, Str query_id, Arena *arena, int **out, size_t **files,
                              size_t *count);
/* The same of those that are read while another node has them: copies of standbys that are at most `max_lag`
 * offsets behind their changelog (INT64_MAX: however many). How far they are is known as of a second ago. */
bool runtime_standby_partitions(Runtime *runtime, Str query_id, int64_t max_lag, Arena *arena, int **out,
                                size_t **files, size_t *count);
/* How far the standby of that partition here is behind; -1: there is none, or it is not known. */
int64_t runtime_standby_lag(Runtime *runtime, Str query_id, int partition);
/* How many standbys the query wants (ksql.streams.num.standby.replicas); 0 also if it is not running here. */
int runtime_standby_replicas(Runtime *runtime, Str query_id);
/* How many that store has, on all nodes of the service; 0: the query is not running here. *settled: those
 * that this node does not own now will not become its own by waiting. */
int runtime_table_partitions(Runtime *runtime, Str query_id, bool *settled);

/* ---- reading what was written ---- */

/* What a pull query is about to read. */
typedef struct {
    Str query_id; /* the query that makes the table; ptr NULL: the topic is read */
    Str topic;    /* otherwise */
    bool (*reads)(void *context, int partition); /* of the table; NULL: all. Thread: of who checks */
    void *context;
    bool  others; /* the service has other nodes: tasks that are not here are theirs (freshness_wishes) */
} FreshnessTarget;

/* FRESH: all records below the offsets are in what is read, with what follows from them. STALE: not yet.
 * STUCK: nor will they be before somebody does something: a query on the way is paused or has failed. */
typedef enum { FRESH, STALE, STUCK } Freshness;

typedef struct FreshnessCheck FreshnessCheck;
/* `since` is copied; the target's texts must live as long. Never fails. */
FreshnessCheck *freshness_open(Runtime *runtime, const FreshnessTarget *target, const OffsetVector *since);
/* To be called until it is FRESH or the caller has waited enough; STALE and STUCK say in `err` for what. May
 * ask the log. */
Freshness freshness_check(FreshnessCheck *check, Error *err);
void      freshness_close(FreshnessCheck *check);

/* A task on another node that has to have committed past an offset of a topic that it reads. */
typedef struct {
    Str     query_id, topic;
    int     sub_topology, partition, slot;
    int64_t offset;
} FreshnessWish;
/* What the last check has waited for, beside what is here: whoever checks asks the nodes that have these
 * slots, and tells of each task that has. Valid until the next check. (The tasks that make the rows of the
 * table are left out: each node that is asked for rows waits for its own.) */
size_t freshness_wishes(const FreshnessCheck *check, const FreshnessWish **out);
void   freshness_tell(FreshnessCheck *check, const FreshnessWish *wish);
/* For the node that is asked: has the task here come so far? STALE also if it is not here. */
Freshness freshness_of_task(Runtime *runtime, const FreshnessWish *wish, Error *err);
/* Puts into `out` what the table reflects now: the offsets that the tasks which keep it have committed. */
void freshness_reached(Runtime *runtime, const FreshnessTarget *target, OffsetVector *out);

/* ---- where tables are, for the service's other nodes (placement.c) ---- */

/* The slots that this node was given last, ascending. Revoked ones stay until it is given others, lost ones
 * do not. Returns a number that changes with them; 0: none were ever given. */
unsigned runtime_owned_slots(Runtime *runtime, Arena *arena, int **out, size_t *count);
unsigned runtime_slots_version(const Runtime *runtime); /* that number alone */
/* The slot of each partition of the query's materialised store, whichever node has it. Returns how many; 0:
 * the query is not running here, or slots are not known yet. */
int runtime_table_slots(Runtime *runtime, Str query_id, Arena *arena, int **out);

/* How many slots the service has; 0: not known yet. */
int runtime_slot_count(const Runtime *runtime);
/* From now on this node stands by for the slot s as ranks[s]-th, from 1 on; 0: not. A task of such a slot
 * follows its changelogs here if its query wants so many (ksql.streams.num.standby.replicas). What is said of
 * slots that the node has itself does not count. */
void runtime_stand_by(Runtime *runtime, const int *ranks, int slot_count);
/* Is there a query that wants any? */
bool runtime_wants_standbys(Runtime *runtime);

typedef struct {
    Str topic;
    int partition;
} QueryPlace;
/* What of a query runs in some slots. */
typedef struct {
    Str         query_id;
    Str        *stores;
    size_t      store_count;
    QueryPlace *places; /* that its tasks there read */
    size_t      place_count;
} QueryShare;
/* Of every query that runs in the service, in `arena`; returns how many. */
size_t runtime_query_shares(Runtime *runtime, const int *slots, size_t count, Arena *arena, QueryShare **out);
/* The same of those that stand by where a node has these ranks (runtime_stand_by), in the same order. */
size_t runtime_standby_shares(Runtime *runtime, const int *ranks, int slot_count, Arena *arena,
                              QueryShare **out);

/* How far what is read here of a store, or follows here, is behind its changelog. */
typedef struct {
    Str     query_id, store;
    int     partition;
    int64_t position, end;
} StoreLag;
/* Of every store with a changelog and every partition that can be read here. Asks the log. */
Status runtime_store_lags(Runtime *runtime, Arena *arena, StoreLag **out, size_t *count, Error *err);

/* OK once the workers have their slots and have restored every task they have; for tests and readiness. */
bool runtime_is_ready(Runtime *runtime);

#endif
