/*
 * stream_join.h - what a stream-stream join remembers: two buffers, and the rows that wait for a match.
 *
 * With a GRACE PERIOD a row of a preserved side that has found no match waits (`pending`) until no match can
 * come any more: until stream time is strictly past its time + what the other side may be ahead + grace.
 * Whether it has closed is a matter of `closing` alone, the stream time at the last record that was in front
 * of time; so results do not depend on when closed rows are emitted, which is done in bulk: at each record in
 * tests, else about once a second and before each commit (tick). What has closed of a key comes out before
 * anything else of that key, so that each key's results come in one order, too.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_STREAM_JOIN_H
#define SLUICE_EXECUTOR_DATAFLOW_STREAM_JOIN_H

#include "executor/dataflow/join_row.h"

typedef struct {
    const PlanNode *input;
    Store          *buffer;
    Store          *pending;     /* NULL: nothing of this side waits */
    bool            preserved;   /* its rows come out without a match, too */
    int64_t         back, ahead; /* how far before and after a row's time the other side's may lie */
    Value          *scratch;     /* what is stored of a row, where that is more than its columns */
} StreamSide;

typedef struct {
    Operator        base; /* first */
    const PlanJoin *plan;
    StreamSide      sides[2];
    bool            waits;      /* rows of a side, or of both, may be pending */
    int64_t         time;       /* stream time of both sides together, INT64_MIN: unset */
    int64_t         closing;    /* stream time by which waiting rows were closed last */
    int64_t         number;     /* of the row stored last */
    int64_t         next_close; /* nothing that waits closes before stream time is past it */
    int64_t         next_emit;  /* by the wall clock */
} StreamJoinOp;

typedef struct {
    RecordBatch **out; /* handed on and replaced when it is full */
    const Row    *cause;
} StreamJoinOut;

/* Appends a row; `side` says which of the two the row comes from, whose key it has. */
Status stream_join_emit(StreamJoinOp *self, StreamJoinOut *to, const Row *row, const JoinSide sides[2],
                        Error *err);

/* ---- stream_join_pending.c ---- */

/* A row without a match yet. */
void stream_join_wait(StreamJoinOp *self, int side, Str key, const Row *row, const Value *stored);
/* Rows of `side` that are waiting and have these matches (by time) do so no longer. */
Status stream_join_matched(StreamJoinOp *self, int side, Str key, const StoreRows *matches, Arena *arena,
                           Error *err);
/* What has closed comes out, in the order of time; right before left, then by key. `at_once`: however short
 * ago that was done. */
Status stream_join_close(StreamJoinOp *self, bool at_once, StreamJoinOut *to, Error *err);
/* What has closed of one key, before anything else of that key is done. */
Status stream_join_close_key(StreamJoinOp *self, Str key, StreamJoinOut *to, Error *err);

/* A stored row as it was when it came. */
Row stream_join_stored(const StreamJoinOp *self, int side, const StoreRow *stored);

#endif
