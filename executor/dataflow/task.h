/*
 * task.h - what the files of a pipeline know of it; operators use operator.h.
 *
 * Operators stand in the array sources first, so that walking it flushes from the sources to the root. An
 * input operator is fed with records instead of batches. Everything that needs closing hangs in one list and
 * goes with the pipeline.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_TASK_H
#define SLUICE_EXECUTOR_DATAFLOW_TASK_H

#include "executor/dataflow/operator.h"

/* An operator that reads a topic: a SOURCE, or the reading end of a repartition topic. */
typedef struct {
    Operator base; /* first */
    Str      topic;
    Status (*feed)(Operator *op, int partition, const LogRecord *records, size_t count, Error *err);
    /* Both, where it can take decoded rows: see pipeline_push_rows and pipeline_row_time. */
    Status (*take)(Operator *op, const SourceRows *rows, size_t from, size_t count, Error *err);
    int64_t (*time)(Operator *op, const SourceRows *rows, size_t at, Arena *arena);
} InputOperator;

typedef struct Resource Resource;
struct Resource {
    Resource *next;
    Program  *program;
    Decoder  *decoder;
    Encoder  *encoder;
};

typedef struct {
    Operator *op;
    size_t    index; /* of op->stores */
} PipelineStore;

struct Pipeline {
    PipelineSpec     spec;
    Arena           *arena; /* of the task */
    Arena           *batch; /* reset after each slice of records */
    Arena           *peek;
    SubTopology      topology;
    Operator       **operators;
    size_t           operator_count;
    InputOperator  **inputs;
    size_t           input_count;
    PipelineStore   *stores; /* of all operators, in their order */
    size_t           store_count;
    Resource        *resources;
    PipelineCounters counters;
    Stopwatch        watch;
    uint64_t         flushes;   /* from 1; even while a flush is going on: pipeline_is_flushing */
    bool             replaying; /* sources update their store and emit nothing */
};

static inline bool pipeline_is_flushing(const Pipeline *pipeline) { return pipeline->flushes % 2 == 0; }

/* The reading end of a repartition topic, whose EXCHANGE is another sub-topology's root. */
extern const OperatorClass op_repartition;

#define OPERATOR(kind, condition, symbol) extern const OperatorClass symbol;
#include "executor/dataflow/operators.def"
#undef OPERATOR

Operator *pipeline_operator(Pipeline *pipeline, const PlanNode *node);

/* Small state: fixed-size numbers, big-endian. */
void put_int64(StrBuf *out, int64_t n);
bool take_int64(Str *from, int64_t *out);

#endif
