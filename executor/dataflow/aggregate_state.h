/*
 * aggregate_state.h - what all GROUP BY operators are: a record finds its group's row, is folded into the
 * states there, and the row is put back and emitted. An operator's own file says which rows a record goes to,
 * and what is done to them.
 *
 * A stored row is [value columns as projected ..., one state per call ...]; it is `visible` when HAVING says
 * so. States change in place. Operators emit every update (old = the row as last projected), or are lazy:
 * with a cache above 0 they emit each dirty row once at flush, under EMIT FINAL when its window closes. Lazy
 * rows are projected then, not per record.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_AGGREGATE_STATE_H
#define SLUICE_EXECUTOR_DATAFLOW_AGGREGATE_STATE_H

#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/projection.h"
#include "planner/nodes/node_aggregate.h"

typedef struct AggregateOp AggregateOp;

/* The operator's own idea: takes a row, whose group is `key`, to the stored rows that it belongs to. It has
 * columns, or an old version (tables), or both. */
typedef Status (*AggregateFold)(AggregateOp *self, const Row *row, Str key, RecordBatch *out, Error *err);

/* The arguments of all calls, evaluated at once. */
typedef struct {
    Projection projection; /* one call behind the other */
    Value     *values;
    Value    **of_call; /* where each call's stand in there */
} CallArgs;

/* In the task's arena. */
Status call_args_open(Operator *op, const PlanAggregateCall *calls, size_t call_count, CallArgs *out,
                      Error *err);
static inline void call_args_eval(Operator *op, const CallArgs *args, const Value *columns, const Row *row,
                                  Arena *arena)
{
    projection_eval(op, &args->projection, columns, row, arena, args->values);
}

struct AggregateOp {
    Operator             base; /* first */
    AggregateFold        fold;
    const PlanAggregate *plan;
    Store               *store;
    size_t               key_count, value_count, call_count;
    bool                 merges; /* rows are partial results: key columns, then states */
    CallArgs             args;   /* unless it merges */
    Projection           values;
    Program             *having; /* NULL: every row is visible */
    KeyCoder             keys;
    bool                 fixed; /* keys and value columns point nowhere */
    bool                 lazy;
    bool                 old_is_read;
    bool                 fetches;               /* key bytes of rows are those of the store's rows */
    int64_t              time;                  /* stream time of this operator, unset INT64_MIN */
    int64_t              last_close, next_emit; /* EMIT FINAL */
    int64_t              final_interval_ms;     /* EMIT FINAL: its throttle by the wall clock */
    bool                 final_forgets;         /* EMIT FINAL as Kafka Streams: the retention comes first */
    int64_t              swept;                 /* EMIT FINAL, sessions: those that ended before are gone */
    Value               *states;  /* of the row being changed (aggregate_begin), and what each lives in */
    Growth              *memory;  /* NULL: they point nowhere, none of them */
    FnSite              *sites;   /* one per call */
    AggregateContext     context; /* sequence: of the records folded in */
    Value *inner, *next; /* scratch: the row that results are projected from; the value columns to be */
};

Status aggregate_open(Operator *op, AggregateFold fold, Error *err);
/* The hooks of all of them; `open_hook` calls aggregate_open. */
#define AGGREGATE_CLASS(class_name, open_hook)                                                               \
    {                                                                                                        \
        .name = class_name, .state_size = sizeof(AggregateOp), .reads_wanted_only = true, .open = open_hook, \
        .push = aggregate_push, .tick = aggregate_tick, .flush = aggregate_flush,                            \
        .rollback = aggregate_rollback, .save = aggregate_save, .load = aggregate_load,                      \
        .stream_time = aggregate_stream_time, .close = aggregate_close                                       \
    }
Status  aggregate_push(Operator *op, int port, const RecordBatch *in, Error *err);
Status  aggregate_tick(Operator *op, Error *err);
Status  aggregate_flush(Operator *op, Error *err);
void    aggregate_rollback(Operator *op);
void    aggregate_save(const Operator *op, StrBuf *out);
Status  aggregate_load(Operator *op, Str saved, Error *err);
int64_t aggregate_stream_time(const Operator *op);
void    aggregate_close(Operator *op);

/* Windows that end at it and sessions that ended before it have closed: stream time without the grace, and of
 * sessions without the gap in which a record would still have joined them. */
static inline int64_t aggregate_closed(const AggregateOp *self)
{
    return time_add(time_add(self->time, -self->plan->grace_ms), -self->plan->gap_ms);
}

/* ---- folding: begin, then any of the others, then put ---- */

/* From here on the states of that row are changed; those of a row that does not exist are initial. */
void aggregate_begin(AggregateOp *self, StoreRow *stored, Arena *arena);
/* Evaluates the arguments of all calls over `columns` (of the input); add and undo use them until the next
 * call. */
void aggregate_arguments(AggregateOp *self, const Value *columns, const Row *row, Arena *arena);
/* A function that fails and has left its state alone is reported with `row`, the others take the row all the
 * same; E_FATAL_DATA when another one fails. */
Status aggregate_add(AggregateOp *self, const Row *row, Error *err);
Status aggregate_undo(AggregateOp *self, const Row *row, Error *err);
/* `states`: of somebody else, one per call. */
Status aggregate_merge(AggregateOp *self, const Value *states, const Row *row, Error *err);
/* Puts the row back and, unless lazy, appends the change to `out` with the input row's origin. */
Status aggregate_put(AggregateOp *self, StoreRow *stored, const Row *input, int64_t timestamp,
                     RecordBatch *out, Error *err);
/* The timestamp of a group is the highest of its records'. */
static inline int64_t aggregate_time(const StoreRow *stored, const Row *row)
{
    return stored->exists && stored->timestamp > row->timestamp ? stored->timestamp : row->timestamp;
}

/* ---- emitting ---- */

/* Brings the stored value columns up to date with the states, and puts the row. *columns: them as a row of
 * the node's schema (deep copy in `arena`); NULL when HAVING says no. Expressions that fail are reported with
 * `report`, unless that is NULL; functions always. */
Status aggregate_project(AggregateOp *self, StoreRow *stored, int64_t timestamp, const Row *report,
                         Arena *arena, const Value **columns, Error *err);
/* Stored value columns as a row of the node's schema (deep copy). */
const Value *aggregate_columns(const AggregateOp *self, const Value *keys, const Value *values, Arena *arena);
/* Appends a row for a stored row; the caller sets columns and old, as in Row. */
Row *aggregate_emit(AggregateOp *self, RecordBatch *out, const StoreRow *stored, int64_t timestamp,
                    const Origin *origin);

#endif
