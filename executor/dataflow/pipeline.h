/*
 * pipeline.h - the operators of one task: a sub-topology of a plan for one partition, fed from outside.
 *
 * A pipeline does no I/O of its own but its stores: records come in by pipeline_push, what it makes goes out
 * through its host. Who picks the next record (by timestamp in a worker, as listed in `sluice test`) is
 * somebody else's business.
 *
 * Sub-topologies (topology.h) are cut at EXCHANGE nodes; with sub_topology ALL_DIRECT the
 * whole plan is one pipeline and repartitioning is a direct call (test driver, push queries).
 *
 * Thread: the task's worker.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_PIPELINE_H
#define SLUICE_EXECUTOR_DATAFLOW_PIPELINE_H

#include "executor/dataflow/figures.h"
#include "executor/dataflow/source_decoder.h"
#include "executor/dataflow/topology.h"
#include "log/log.h"
#include "planner/plan.h"
#include "state/store.h"

typedef struct Pipeline Pipeline;

typedef enum { SKIP_DESERIALIZE, SKIP_EVALUATE, SKIP_TIMESTAMP, SKIP_NULL_KEY, SKIP_LATE } SkipKind;

/* A record or row that was skipped, for the processing log and the counters. Late ones and null keys are
 * counted only. */
typedef struct {
    SkipKind      kind;
    Str           query, step;
    bool          key_side; /* DESERIALIZE: key rather than value */
    const Origin *origin;   /* topic, partition, offset; may be NULL */
    int64_t       timestamp;
    const char   *message;
} SkipInfo;

typedef struct PipelineHost PipelineHost;
struct PipelineHost {
    /* A record for a sink's or a repartition topic (`node` is the SINK or EXCHANGE). To a
     * partition, or PARTITION_BY_KEY with `hash_key`. Copied by the host. E_DATA: the topic does not take
     * such a record, and never will; a sink skips it. */
    Status (*append)(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                     const LogRecord *record, Str hash_key, Error *err);
    /* A row for the client of an OUTPUT node; columns NULL: a tombstone. E_CANCELLED stops the query (limit
     * reached, client gone). */
    Status (*output)(PipelineHost *self, const PlanNode *node, const Row *row, Error *err);
    /* A changed row of a store with a changelog (of the pipeline's stores, by its index): called from
     * pipeline_flush. value.ptr NULL: removed. May be NULL: no changelogs. */
    Status (*changelog)(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                        Error *err);
    void (*skip)(PipelineHost *self, const SkipInfo *info);
};

typedef struct {
    const QueryPlan *plan;
    int              sub_topology; /* or ALL_DIRECT */
    int              partition;
    StateFile       *state;
    PipelineHost    *host;
    Clock           *clock;
    const FnConfig  *functions_config;
    SchemaRegistry  *registry;               /* of formats that need one; NULL: there is none */
    Str              service_id;             /* for the names of internal topics */
    bool             emit_late;              /* cache above 0: a table emits once per key and commit */
    int64_t          emit_final_interval_ms; /* throttle of EMIT FINAL by the wall clock; 0 in tests */
    bool             throw_on_invalid_timestamp;
    bool             fail_on_deserialization_error; /* E_FATAL_DATA instead of a skipped record */
} PipelineSpec;

enum { ALL_DIRECT = -1 };

Status pipeline_open(const PipelineSpec *spec, Pipeline **out, Error *err);
void   pipeline_close(Pipeline *pipeline); /* accepts NULL */

/* What it reads, in plan order: index = `input` below. */
size_t          pipeline_input_count(const Pipeline *pipeline);
Str             pipeline_input_topic(const Pipeline *pipeline, size_t input);
const PlanNode *pipeline_input_node(const Pipeline *pipeline,
                                    size_t          input); /* SOURCE, or the EXCHANGE whose topic is read */

enum { BATCH_ROWS = 256 }; /* rows of a batch: few enough to stay in the cache */

/* Takes consecutive records of one partition of an input through the operators. The records' memory must live
 * until it returns. Bad records are skipped. Any status but OK means that the worker has to roll back. */
Status pipeline_push(Pipeline *pipeline, size_t input, int partition, const LogRecord *records, size_t count,
                     Error *err);
/* Does it read a source whose records may be decoded by others? A repartition topic's and raw records are for
 * one task alone. */
bool pipeline_takes_rows(const Pipeline *pipeline, size_t input);
/* The same as pipeline_push for such an input, with decoded rows, BATCH_ROWS at most; their spec is alike. */
Status pipeline_push_rows(Pipeline *pipeline, size_t input, const SourceRows *rows, size_t from, size_t count,
                          Error *err);
/* The time of one of them, for choosing between inputs; INT64_MIN when it will be skipped. */
int64_t pipeline_row_time(Pipeline *pipeline, size_t input, const SourceRows *rows, size_t at);
/* What time allows without a record (OperatorClass.tick). A flush begins with it. */
Status pipeline_tick(Pipeline *pipeline, Error *err);
/* Before a commit: rows held back are emitted, changed store rows go to the host's changelog. */
Status pipeline_flush(Pipeline *pipeline, Error *err);
/* After state_file_commit / state_file_rollback. After a rollback the caller loads again. */
void pipeline_committed(Pipeline *pipeline);
void pipeline_rolled_back(Pipeline *pipeline);
/* Operator times and other small state, as one blob of the commit. */
void   pipeline_save(const Pipeline *pipeline, StrBuf *out);
Status pipeline_load(Pipeline *pipeline, Str saved, Error *err);

/* The stores of all its nodes. One that is no source's has a changelog of its own. */
size_t          pipeline_store_count(const Pipeline *pipeline);
const PlanNode *pipeline_store_node(const Pipeline *pipeline, size_t index);
/* Which of its node's stores it is. */
size_t pipeline_store_number(const Pipeline *pipeline, size_t index);
Store *pipeline_store(const Pipeline *pipeline, size_t index);
/* The stream time by which its rows expire, of the last load or push; INT64_MIN: none, or not known. */
int64_t pipeline_store_time(const Pipeline *pipeline, size_t index);
/* For a source table read directly from its topic: no changelog; a gap is replayed from the topic into the
 * store, output suppressed. */
bool   pipeline_store_is_source(const Pipeline *pipeline, size_t index);
Status pipeline_replay_source(Pipeline *pipeline, size_t input, const LogRecord *records, size_t count,
                              Error *err);

typedef struct {
    uint64_t records_in, records_out, skipped_bad, skipped_late, skipped_null_key;
    uint64_t decoded;     /* by the pipeline itself: none where all records come as rows */
    int64_t  stream_time; /* highest timestamp taken in; INT64_MIN: none */
} PipelineCounters;
const PipelineCounters *pipeline_counters(const Pipeline *pipeline);

/* Nodes of the sub-topology, in its order, and what the operator of each has done (figures.h): FIGURE_COUNT
 * numbers. */
size_t pipeline_operator_count(const Pipeline *pipeline);
/* What runs a node ("FILTER"), or the reading end of the topic of an EXCHANGE. */
const char *pipeline_operator_name(const PlanNode *node, bool reads_topic);
void        pipeline_figures(const Pipeline *pipeline, size_t index, uint64_t *out);

/* What store `number` of the node holds: for the pipeline, for readers (pull queries) and SQLite users.
 * E_NOT_FOUND: it keeps no such store. */
Status plan_store_spec(const PlanNode *node, size_t number, Arena *arena, StoreSpec *out, Error *err);

/* For PipelineHost.output, of a row without columns: what the column still shows, a key or a bound of the
 * window. */
Value output_kept_value(const PlanNode *output, size_t column, const Row *row);

#endif
