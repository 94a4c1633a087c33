/*
 * worker.h - what the files of the runtime know of each other.
 *
 *   runtime.c         the public face: registry of queries, start and stop of the threads
 *   slots.c           the member thread: which slots are ours, and which worker has which
 *   query.c           a query as all threads see it: sub-topologies, internal topics, what its tasks publish
 *   worker.c          a worker's loop, mailbox and writers
 *   assignment.c      from the slots it was given to the tasks that run
 *   worker_failure.c  what happens on failure: pause, park, read the positions again
 *   worker_reader.c   feeds: a topic partition fetched once for all tasks of a worker,
 *   shared_decode.c   and decoded once for those that read the same source
 *   worker_task.c     a task: one pipeline, its inputs, which record comes next
 *   positions.c       a task's positions as a record
 *   commit.c          the order of a commit
 *   restore.c         opening a task: positions, changelog tail, source tables
 *   forget.c          removing what a dropped query leaves behind
 *   push_query.c      transient tasks and the queue to their client
 *   idle.c            is there anything left to do?
 *   open_sql.c        a script that shows the tables of all workers
 *   checkpoint.c      the helper thread: WAL checkpoints, purging repartition topics
 *   growth.c          partitions added to input topics
 *
 * A worker is one thread and owns its tasks, feeds, readers, writers and state file. Others send it messages
 * (worker_post), or read what TaskView publishes.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_WORKER_H
#define SLUICE_EXECUTOR_RUNTIME_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/logger.h"
#include "core/notice.h"
#include "executor/runtime/runtime.h"

typedef struct Worker       Worker;
typedef struct Task         Task;
typedef struct TaskInput    TaskInput;
typedef struct Feed         Feed;
typedef struct Query        Query;
typedef struct Forgotten    Forgotten;
typedef struct Slice        Slice;
typedef struct SharedDecode SharedDecode;

enum {
    SLOT_COUNT    = 48,
    POLL_RECORDS  = 5000, /* at most, of one take */
    PUSH_RECORDS  = 256,  /* of a push query's batch, at most: its queue is looked at in between */
    TXN_BYTES_MAX = 64 << 20,
    QUERY_ERRORS  = 10,
};

/* ---- queries ---- */

typedef enum { TASK_ABSENT, TASK_OPENING, TASK_RESTORING, TASK_RUNNING, TASK_PARKED } TaskState;

/* What is known of a task outside its worker. Thread: written by its worker, read by any. */
typedef struct {
    _Atomic int  state;    /* read by view_state */
    _Atomic int  worker;   /* whose task it is; -1: there is none here */
    _Atomic bool readable; /* its tables are in the state file as they were at its last commit or later */
    _Atomic bool dirty; /* there are effects that are not committed; set before positions move, cleared after
                           the commit */
    _Atomic uint64_t records_in, records_out, skipped_bad, skipped_late;
    _Atomic int64_t *positions; /* per input of the sub-topology: next offset to be processed; -1 unknown */
    _Atomic int64_t *committed;
} TaskView;

/* A slot may go from one worker of the node to another, and the new one be faster: it says what state, then
 * whose. The old one only withdraws its own name. */
static inline TaskState view_state(const TaskView *view)
{
    return atomic_load(&view->worker) < 0 ? TASK_ABSENT : (TaskState)atomic_load(&view->state);
}
void view_enter(TaskView *view, int worker, TaskState state);
void view_leave(TaskView *view, int worker);

typedef struct {
    SubTopology sub; /* its partitions are those of the plan: P of the slot formula, and of internal topics */
    Str        *topics;           /* per input */
    int        *input_partitions; /* per input: what it has now */
    int         tasks;            /* partitions to be run: with those added to a topic since (growth.c) */
    TaskView   *views;            /* per task */
    uint64_t    hash;             /* of the slot formula */
    bool        has_materialized;
} QuerySub;

struct Query {
    Query           *next; /* in the registry, under its lock */
    _Atomic int      refs;
    Runtime         *runtime;
    Arena           *arena;
    const QueryPlan *plan;
    void            *owner;
    void (*owner_free)(void *);
    QuerySub *subs;
    size_t    sub_count;
    int      *source_partitions; /* per source of the plan: what its topic has now, as far as known */
    bool      from_earliest, fail_on_deserialization_error;
    int64_t **latest; /* per source of the plan and partition: the ends when it was started, or NULL;
                         immutable once posted */
    _Atomic bool    paused;
    _Atomic int64_t last_message_ms;
    int64_t         shown; /* thread: helper; see checkpoint.c */
    pthread_mutex_t lock;  /* of what follows */
    bool            topics_made;
    char *outgrown; /* heap: why it cannot follow a topic that has more partitions now; NULL: nothing of the
                       kind */
    QueryError errors[QUERY_ERRORS]; /* ring, texts on the heap */
    size_t     error_count;          /* ever */
};

Status query_new(Runtime *runtime, const QueryPlan *plan, const QueryOptions *options, void *owner,
                 void (*owner_free)(void *), Query **out, Error *err);
/* The same query with these counts of partitions per source; it keeps a reference to the former. */
Query *query_grown(Query *query, const int *source_partitions);
bool   query_is_stateful(const Query *query);
void   query_set_outgrown(Query *query, const char *why);
/* OK, or why it was set outgrown. */
Status query_check_grown(Query *query, Error *err);
Query *query_ref(Query *query);
void   query_unref(Query *query);
/* Makes the internal topics, once. Thread: any. */
Status query_make_topics(Query *query, Error *err);
Status query_delete_topics(Query *query, Error *err);
void   query_add_error(Query *query, const Error *err);
/* Is the node (NULL: no) one of the sub-topology's own? */
bool query_sub_has(const QuerySub *sub, const PlanNode *node);
/* Calls `visit` for every store of the sub-topology that has a changelog: a node, and which of its stores. */
void query_visit_stores(const QuerySub *sub, void (*visit)(void *context, const PlanNode *node, size_t store),
                        void           *context);

/* ---- the runtime ---- */

struct Runtime {
    RuntimeOptions   options; /* strings copied */
    Arena           *arena;
    Clock           *clock;
    Worker         **workers;
    int              worker_count;
    const char     **files;
    pthread_t        member_thread, helper_thread;
    bool             member_started, helper_started;
    Str              slots_topic, slots_group;
    _Atomic int      slot_count; /* 0: not known yet */
    _Atomic bool     stopping, assigned;
    _Atomic bool     helper_stopping; /* first of all, while tasks still run */
    _Atomic bool     joining;         /* the member thread may go */
    _Atomic unsigned next_push;
    pthread_mutex_t  lock; /* of what follows */
    pthread_cond_t   changed;
    Query           *queries;
    Forgotten       *forgotten; /* topics to be deleted */
};

int64_t runtime_now_us(const Runtime *runtime);
/* Until `ms` have passed, or `stop` is set and runtime->changed signalled: false then. Thread: any that may
 * block. */
bool runtime_sleep(Runtime *runtime, const atomic_bool *stop, int ms);
int  runtime_commit_interval_ms(const Runtime *runtime);
/* All queries of the registry, each with a reference for the caller. Thread: any */
size_t runtime_hold_queries(Runtime *runtime, Arena *arena, Query ***out);

/* slots.c: the member thread */
void *slots_main(void *runtime);
int   slot_of(const QuerySub *sub, int partition, int slot_count);
/* checkpoint.c: the helper thread */
void *helper_main(void *runtime);
/* growth.c: looks at the input topics, when it is time for it. Thread: helper */
void growth_check(Runtime *runtime, Arena *arena, int64_t *next_us);
/* `next` takes the place of `query`, with its reference, unless something else has done so. Thread: any */
void runtime_put_grown(Runtime *runtime, Query *query, Query *next);
/* Its tasks stop with what query_check_grown says. Thread: any */
void runtime_stop_outgrown(Runtime *runtime, Query *query);
/* open_sql.c: rewrites state/open.sql when the tables are others than in `last`, what was written before.
 * `at_end`: not when tasks had no time to start, which says nothing about the tables. Thread: helper. */
Status open_sql_refresh(Runtime *runtime, bool at_end, Arena *arena, StrBuf *last, Error *err);

/* ---- positions (positions.c) ---- */

/* A task's record in the slots topic, and its fact in the state file. Strings are borrowed. */
typedef struct {
    uint64_t plan_hash,
        sequence; /* counts the task's commits; equal in log and state file when they are level */
    uint64_t       source_columns; /* what the rows of its source tables were read for: see restore.c */
    const Str     *topics;
    const int64_t *positions,
        *changelogs; /* changelogs: state file only; next offset of each store's changelog, -1 unknown */
    size_t input_count, store_count;
    Str    saved; /* pipeline_save */
} TaskRecord;

void   task_record_encode(const TaskRecord *record, StrBuf *out);
Status task_record_decode(Str bytes, Arena *arena, TaskRecord *out, Error *err);

/* Key to value; owns copies. */
typedef struct {
    struct PositionEntry **buckets;
    size_t                 bucket_count, count;
} PositionTable;

void positions_put(PositionTable *table, Str key, int slot, Str value); /* value ptr NULL: removed */
Str  positions_get(const PositionTable *table, Str key);                /* valid until the next put */
void positions_drop_slot(PositionTable *table, int slot);
void positions_clear(PositionTable *table);

/* ---- feeds (worker_reader.c) ---- */

/* A reader beside the shared one, for those who stand elsewhere in a partition that others read, too. */
typedef struct PoolReader PoolReader;
struct PoolReader {
    PoolReader *next;
    LogReader  *reader;
    int         assigned;
    int64_t     idle_us; /* since when nothing is assigned; 0: not known */
};

/* One partition being read. Its batch is held until every consumer has passed it. */
struct Feed {
    Feed         *next;
    Str           topic; /* heap */
    int           partition, handle;
    LogReader    *reader;
    PoolReader   *pool; /* NULL: the worker's shared reader */
    LogBatch      batch;
    bool          held;
    int64_t       from;       /* position before the batch; without one: of the next take */
    int64_t       stalled_us; /* since when some wait for others to finish the batch; 0: they do not */
    TaskInput   **consumers;
    size_t        count, capacity;
    SharedDecode *decodes; /* list: one per source that consumers read here */
};

struct TaskInput {
    Task         *task;
    size_t        index; /* of the pipeline */
    Str           topic;
    int           partition;
    int64_t       position;     /* next offset to be processed */
    int64_t       committed;    /* as the last commit has it */
    int64_t       replay_until; /* source table: below this records go into the store alone */
    int64_t       end;          /* bounded push query: nothing from here on; INT64_MAX otherwise */
    Feed         *feed;         /* NULL: detached */
    size_t        at;           /* in feed->batch */
    SharedDecode *decode;       /* of the feed; NULL: detached, or it takes records as they are */
    bool          private_feed; /* has to have a feed of its own (bounded push queries) */
    bool          placed;       /* it was attached before */
    bool          head_known;
    int64_t       head; /* timestamp of the next record */
};

Status feed_attach(Worker *worker, TaskInput *input, Error *err);
void   feed_detach(Worker *worker, TaskInput *input);
/* After positions went back. Where a reader cannot follow, its consumers are detached. */
void feeds_rewind(Worker *worker);
/* Takes what is there and runs the tasks on it. *busy: something was done. Failures of tasks are handled
 * inside. */
void feeds_pump(Worker *worker, bool *busy);
bool feed_at_end(const TaskInput *input);
/* Is nothing more on its way, as far as known? */
bool               feeds_are_level(const Worker *worker);
static inline bool input_has_data(const TaskInput *input)
{
    return input->feed != NULL && input->feed->held && input->at < input->feed->batch.count &&
           input->feed->batch.records[input->at].offset < input->end;
}
/* Closes those that nobody has used for a while. */
void   pool_tidy(Worker *worker);
Status pool_reader_get(Worker *worker, Str topic, int partition, PoolReader **out, Error *err);

/* ---- shared decoding (shared_decode.c) ---- */

/* After the input got its feed; before it loses it. */
void shared_decode_join(TaskInput *input);
void shared_decode_leave(TaskInput *input);
/* The decoded rows of which (*rows)->rows[*index] is record `at` of the feed's batch, up to the end of its
 * slice. They last until all have passed them; a decoder that cannot be opened is the error. */
Status shared_decode_rows(const TaskInput *input, size_t at, const SourceRows **rows, size_t *index,
                          Error *err);
/* What all consumers have passed goes; the batch goes. */
void shared_decode_end_slices(Feed *feed);
void shared_decode_end_batch(Feed *feed);
void shared_decode_worker_ends(Worker *worker);

/* ---- tasks (worker_task.c, restore.c) ---- */

typedef struct {
    PoolReader *pool; /* NULL: no changelog is being read */
    int         handle;
    size_t      store;
} Restore;

/* Does the sink's topic want a key in every record? */
typedef enum { SINK_KEYS_UNKNOWN, SINK_KEYS_OPTIONAL, SINK_KEYS_NEEDED } SinkKeys;

struct Task {
    PipelineHost host; /* first */
    SinkKeys     sink_keys;
    Task        *next, *next_dirty;
    Worker      *worker;
    Query       *query; /* NULL: a push query's */
    QuerySub    *sub;
    PushQuery   *push;
    int          partition, slot;
    Str          key; /* "query/sub/partition"; heap */
    TaskView    *view;
    Pipeline    *pipeline;
    StateFile   *memory; /* a push query's own */
    TaskInput   *inputs;
    size_t       input_count;
    Str         *input_topics; /* for its record */
    int64_t     *input_positions, *changelogs;
    Str         *changelog_topics;
    bool         ordered; /* several inputs, chosen by timestamp */
    TaskState    state;
    bool         dirty, effects, has_source_store, replaying;
    bool         restored; /* from changelogs, and that is not committed yet */
    uint64_t     rebuilt;  /* worker->kept when its stores were last written to past the cache */
    int64_t      replay_from_us;
    uint64_t     sequence, source_columns;
    StrBuf       saved, blob;        /* of the last commit; of the one being made */
    bool         in_commit, lagging; /* lagging: positions without effects that no record has yet */
    int64_t      record_us;          /* when its record was last written */
    Restore      restore;
    unsigned     failures;
    int64_t      retry_us, running_since_us; /* retry: when it is tried again */
};

Task *task_new(Worker *worker, Query *query, QuerySub *sub, int partition);
void  task_close_pipeline(Task *task); /* detaches and closes; may be opened again */
void  task_free(Task *task);
/* Can it take records now? */
bool task_runnable(const Task *task);
/* Processes one run of one input. *progress false: nothing to do, or it has to wait for another input. */
Status task_step(Task *task, bool *progress, Error *err);
void   task_mark_dirty(Task *task, bool effects);
void   task_set_state(Task *task, TaskState state);
void   task_publish(Task *task);
/* Opens the pipeline, decides on positions and what to restore. */
Status task_open(Task *task, Error *err);
/* A slice of the restore; to RUNNING when done. */
Status task_restore_slice(Task *task, Error *err);
void   task_restore_stop(Task *task);
void   task_rolled_back(Task *task);
/* Its stores were written to past the cache, which the next commit of the state file keeps and a rollback
 * undoes. */
void task_rebuilt(Task *task);
/* Inputs for all partitions etc. of a push query are made by push_query.c, which uses these. */
void task_init_host(Task *task);

/* ---- push queries as the worker sees them (push_query.c) ---- */

bool push_can_take(const PushQuery *push);
/* How many of the records go at once: few enough that the queue's bounds hold. */
size_t push_slice(const LogRecord *records, size_t count);
void   push_task_stepped(Task *task); /* after records: flush when dry, end when bounded */
void   push_task_failed(Task *task, const Error *err);
bool   push_tasks_flush(Worker *worker); /* true: something was done */
void   push_worker_ended(Task *task);

/* ---- commit (commit.c) ---- */

/* Everything that is uncommitted, or all of it with `force`. On failure: worker->guilty is the task to blame,
 * or NULL; nothing was rolled back yet. */
Status worker_commit(Worker *worker, bool force, Error *err);
/* Aborts; tasks and feeds go back to the last commit. */
void   worker_rollback(Worker *worker);
Status worker_txn_begin(Worker *worker, Error *err);
bool   worker_commit_due(const Worker *worker, bool dry);
/* Milliseconds until it may be due; -1: nothing to commit. */
int worker_commit_wait_ms(const Worker *worker);

/* ---- forgetting (forget.c) ---- */

/* A dropped query, until all workers have forgotten it and its topics are deleted. Thread: any; each worker
 * has a share. */
struct Forgotten {
    Forgotten  *next; /* of the runtime's list */
    Query      *query;
    _Atomic int left; /* workers */
    int         tries;
};
Forgotten *forgotten_new(Query *query, int workers);
void       forgotten_release(Forgotten *forgotten);
/* Those that all workers have forgotten. What fails is tried again by the next call, a few minutes long,
 * unless it is the last. Thread: helper; after it, who closes the runtime. */
void forgotten_delete_topics(Runtime *runtime, bool last_time);
/* Takes over a share. Its tasks must be closed. */
void worker_forget(Worker *worker, Forgotten *forgotten);
/* Carries out what there is to forget. False: something failed and is tried again after the worker's pause;
 * nothing may be opened before, for it could be of a new query of that id. */
bool worker_forget_queries(Worker *worker, bool *busy);
/* A slice of what is still to be removed. */
bool worker_forget_slice(Worker *worker);
void worker_forget_resume(Worker *worker);
/* Tables of the query's names with other columns, of a query that is no more, go at once with all facts under
 * its id. */
Status worker_forget_leftovers(Worker *worker, const Query *query, Error *err);
/* A store of that name is wanted again: what was left of it goes at once. */
Status worker_forget_finish(Worker *worker, Str store, Error *err);

/* ---- workers (worker.c) ---- */

typedef enum { SLOT_NONE, SLOT_LOADING, SLOT_OWNED } SlotState;

typedef struct Message Message;
struct Message {
    Message *next;
    void (*run)(Worker *worker, void *argument);
    void *argument;
    bool  waited, done; /* under the worker's lock */
};

struct Worker {
    Runtime        *runtime;
    int             index;
    char           *path;
    pthread_t       thread;
    bool            started;
    pthread_mutex_t lock; /* of the mailbox */
    pthread_cond_t  answered;
    Message        *first, **last;
    bool            ended; /* takes no messages any more */
    _Atomic bool    has_mail;
    /* Thread: worker, from here on. */
    StateFile       *state;
    LogReader       *reader;
    PoolReader      *pool;
    LogWriter       *txn, *sink;
    const LogFence  *fence; /* NULL: nothing may be processed */
    SlotState       *slots;
    int             *slot_handles;
    bool             tasks_stale;   /* queries or slots have changed: look which tasks there should be */
    bool             compare_tasks; /* slots were loaded again: have the tasks moved elsewhere meanwhile? */
    PositionTable    positions;
    Query          **queries;
    size_t           query_count, query_capacity;
    Task            *tasks;
    Feed            *feeds;
    size_t           feed_count;
    Slice           *spare_slices;
    size_t           spare_count;
    _Atomic uint64_t decoded; /* records, by shared decoders. Thread: read by any */
    unsigned         passes;
    Task            *dirty;          /* list */
    Task            *guilty, *alone; /* alone: runs by itself until a commit succeeds */
    int64_t          lag_us;         /* since when some task lags; 0: none */
    bool             in_txn, state_changed, state_pending, stopping, flushed_sink;
    bool             moved;  /* records were processed since the last commit */
    int64_t          dry_us; /* since when the readers are dry; 0: they are not */
    size_t           txn_bytes;
    int64_t          commit_us, pause_us; /* last commit; nothing is done before pause_us */
    Notice           trouble;             /* of the world, since the last commit */
    int              pause_ms;
    uint64_t         commits, kept; /* of the log; of the state file, from 1 */
    bool             pushes_pending;
    Forgotten      **forgetting; /* dropped queries whose positions are still there */
    size_t           forgetting_count;
    Str             *drops; /* stores to be removed; heap */
    size_t           drop_count;
    _Atomic bool     ready;
    _Atomic unsigned posted,
        settled;    /* messages sent; sent when `ready` was last found out: unequal, and it is not known */
    unsigned taken; /* posted, when the mailbox was last emptied */
    Arena   *scratch;
};

Status worker_new(Runtime *runtime, int index, Worker **out, Error *err);
void   worker_free(Worker *worker); /* after its thread has ended */
void  *worker_main(void *worker);
/* Runs `run` on the worker's thread; with `wait` returns after. False: the worker has ended. Thread: any but
 * the worker's. */
bool worker_post(Worker *worker, void (*run)(Worker *, void *), void *argument, bool wait);

/* ---- from slots to running tasks (assignment.c) ---- */

/* Reads the positions of new slots, a batch each. True while some are still being loaded; what fails is
 * logged, and tried again after a pause. */
bool worker_load_slots(Worker *worker, bool *busy);
/* The positions of all owned slots are read again, and tasks that moved on elsewhere opened again. */
void worker_reload_slots(Worker *worker);
/* Closes and makes tasks if queries or slots have changed. */
void worker_match_tasks(Worker *worker);
/* Opens, restores, retries: each task a step, unless there is mail. Failures are handled inside. */
void worker_advance_tasks(Worker *worker, bool *busy);

/* ---- failure (worker_failure.c) ---- */

/* A task (or NULL: the world) has failed: roll back, park or wait. Neither the task nor a feed may be
 * touched afterwards. */
void worker_failed(Worker *worker, Task *task, const Error *err);
/* Nothing is done for a while: longer each time in a row, until a commit succeeds. */
void worker_pause(Worker *worker);
/* What fails is tried again every few seconds and said once a minute, until a commit works. */
void worker_say_trouble(Worker *worker, const Error *err);

#endif
