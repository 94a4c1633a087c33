/*
 * task.h - a task: one pipeline and its inputs.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_TASK_H
#define SLUICE_EXECUTOR_RUNTIME_TASK_H

#include "core/notice.h"
#include "executor/dataflow/pipeline.h"
#include "executor/runtime/task_view.h"

typedef struct Following    Following;
typedef struct PoolReading  PoolReading;
typedef struct PushQuery    PushQuery;
typedef struct QuerySub     QuerySub;
typedef struct RunningQuery RunningQuery;
typedef struct Task         Task;
typedef struct TaskInput    TaskInput;
typedef struct Worker       Worker;

/* How tasks differ: a persistent query's (task.c), one that stands by for it (standby.c), a push query's
 * (push_query.c). */
typedef struct {
    bool stands_by; /* another node has its slot */
    bool (*runnable)(const Task *task);
    /* How many of the records may go at once. NULL: all of them */
    size_t (*limit)(const LogRecord *records, size_t count);
    /* After records, or offsets without records. NULL: nothing to do */
    void (*stepped)(Task *task);
    /* Only it is concerned, for none of its work is in the worker's commit. NULL: the worker has to roll
     * back. (A damaged state file is the worker's affair whoever meets it.) */
    void (*failed)(Task *task, const Error *err);
    void (*close)(Task *task);        /* with its pipeline; may be NULL */
    void (*worker_ended)(Task *task); /* may be NULL */
} TaskClass;

/* Does the sink's topic want a key in every record? */
typedef enum { SINK_KEYS_UNKNOWN, SINK_KEYS_OPTIONAL, SINK_KEYS_NEEDED } SinkKeys;

/* Has it moved records; are its first ones part of a commit? */
typedef enum { TASK_NEW, TASK_BEGINS, TASK_KNOWN } TaskNewness;

struct Task {
    PipelineHost host; /* first */
    const TaskClass *class;
    SinkKeys sink_keys;
    Task    *next, **link, *next_dirty, *next_deciding; /* link: what points to it in the worker's list */
    Worker  *worker;
    RunningQuery *query; /* NULL: a push query's */
    QuerySub     *sub;
    PushQuery    *push;
    int           partition, slot;
    Str           key; /* "query/sub/partition"; heap */
    TaskView     *view;
    Pipeline     *pipeline;
    StateFile    *memory; /* a push query's own */
    TaskInput    *inputs;
    size_t        input_count;
    Str          *input_topics; /* for its record */
    int64_t      *input_positions;
    int64_t      *changelogs, *held_from; /* their ends; from where on they have what the state file lacks */
    int64_t      *cut_below; /* what their changelogs had no more when they were read; 0: nothing */
    Str          *changelog_topics;
    Str          *store_names; /* of the plan; with their versions, for its record */
    int64_t      *store_versions;
    bool          ordered; /* several inputs, chosen by timestamp */
    TaskState     state;
    TaskNewness   newness;
    bool          dirty, effects, has_source_store;
    bool          restored;     /* from changelogs, and that is not committed yet */
    bool          exact;        /* while it is restored: only what buffers held in memory is read */
    uint64_t      written_past; /* worker->file_commits when its stores were last written past the cache */
    uint64_t      sequence, source_columns;
    StrBuf        saved, blob;            /* of the last commit; of the one being made */
    bool in_commit, deciding, unrecorded; /* unrecorded: positions without effects that no record has yet */
    int64_t      record_us;               /* when its record was last written */
    Following   *following;               /* a standby's; NULL: it is not open */
    PoolReading *restoring;               /* the changelog being read; NULL: none */
    size_t       restoring_store;
    int64_t      restoring_end;   /* how far */
    unsigned     failures, waits; /* in a row */
    bool         torn;            /* it had to wait in the middle of a step, which has to be undone first */
    Notice       waiting;         /* for what */
    int64_t      retry_us, running_since_us; /* retry: when it is tried again */
};

Task *task_new(Worker *worker, RunningQuery *query, QuerySub *sub, int partition);
Task *task_new_of(const TaskClass *class, Worker *worker, RunningQuery *query, QuerySub *sub, int partition);
/* A standby's slot has come to this node: from now on it is the query's own task. */
void task_become_own(Task *task);
/* Puts it into the worker's list. */
void task_enlist(Task *task);
/* Fills in the host of a task made elsewhere. */
void task_init_host(Task *task);
void task_close_pipeline(Task *task); /* detaches and closes; may be opened again */
void task_free(Task *task);
/* Can it take records now? */
bool task_runnable(const Task *task);
/* Processes one run of one input. *progress false: nothing to do, or it has to wait for another input. */
Status task_step(Task *task, bool *progress, Error *err);
/* Attaches the inputs that are not. */
Status task_attach_inputs(Task *task, Error *err);
void   task_mark_dirty(Task *task, bool effects);
/* What the table of task_state.h says; the event must be possible where the task is. */
void task_move(Task *task, TaskEvent event);
void task_publish(Task *task);
/* Publishes the position of one input. */
void task_input_moved(TaskInput *input);

#endif
