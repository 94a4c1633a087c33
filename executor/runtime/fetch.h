/*
 * fetch.h - a partition being read, and those who consume it.
 *
 * A Fetcher holds one batch until every consumer has passed it; a TaskInput is a consumer: one input of a
 * task at its own position. fetcher.c moves them, shared_decode.c decodes for them, task.c takes their
 * records.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_FETCH_H
#define SLUICE_EXECUTOR_RUNTIME_FETCH_H

#include "core/notice.h"
#include "executor/dataflow/pipeline.h"
#include "executor/runtime/reader_pool.h"

typedef struct Fetcher      Fetcher;
typedef struct SharedDecode SharedDecode;
typedef struct SliceCache   SliceCache;
typedef struct Task         Task;
typedef struct TaskInput    TaskInput;

enum { POLL_RECORDS = 5000 /* at most, of one take */ };

struct Fetcher {
    Fetcher     *next, **link, *next_alike;
    Str          topic; /* heap */
    int          partition, handle;
    LogReader   *reader;
    PoolReading *pooled; /* NULL: it is the worker's shared reader */
    LogBatch     batch;
    bool         held;
    bool         doubtful;        /* who stands before the reader may have read another log (fetcher.c) */
    int64_t      from;            /* position before the batch; without one: of the next take */
    int64_t      first, furthest; /* of a log that went back (fetcher.c): where it began, how far it was read;
                                     furthest INT64_MAX: it did not */
    int64_t       stalled_us;     /* since when some wait for others to finish the batch; 0: they do not */
    TaskInput   **consumers;
    size_t        count, capacity;
    SharedDecode *decodes; /* list: one per source that consumers read here */
    SliceCache   *slices;
    Error        *broken;  /* heap: why it cannot be read any more, until all consumers have been told */
    Notice        trouble; /* what fails for now */
};

struct TaskInput {
    Task         *task;
    Pipeline     *pipeline;
    size_t        index; /* of the pipeline */
    Str           topic;
    int           partition;
    int64_t       position;     /* next offset to be processed */
    int64_t       committed;    /* as the last commit has it */
    int64_t       replay_until; /* source table: below this records go into the store alone */
    int64_t       end;          /* bounded push query: nothing from here on; INT64_MAX otherwise */
    Fetcher      *fetcher;      /* NULL: detached */
    size_t        at;           /* in fetcher->batch */
    SharedDecode *decode;       /* of the fetcher; NULL: detached, or it takes records as they are */
    bool          own_fetcher;  /* has to have one of its own (bounded push queries) */
    bool          placed;       /* it was attached before */
    bool          head_known;
    int64_t       head; /* timestamp of the next record */
};

static inline bool input_has_data(const TaskInput *input)
{
    return input->fetcher != NULL && input->fetcher->held && input->at < input->fetcher->batch.count &&
           input->fetcher->batch.records[input->at].offset < input->end;
}

/* The next record of an input that has data. */
static inline const LogRecord *input_head(const TaskInput *input)
{
    return &input->fetcher->batch.records[input->at];
}

/* How many records from the head on are in the batch and below `end` (and the input's own). */
static inline size_t input_available(const TaskInput *input, int64_t end)
{
    const LogBatch *batch = &input->fetcher->batch;
    size_t          count = batch->count - input->at;
    if (input->end < end)
        end = input->end;
    while (count > 0 && batch->records[input->at + count - 1].offset >= end)
        count--;
    return count;
}

static inline void input_advance(TaskInput *input, size_t count)
{
    input->position = input_head(input)[count - 1].offset + 1;
    input->at += count;
    input->head_known = false;
}

#endif
