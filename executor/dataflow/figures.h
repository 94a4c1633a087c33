/*
 * figures.h - what each operator of a pipeline has done, cheap enough to be counted always.
 *
 * Rows are counted per batch. Time is read at the borders of batches, and of one turn in FIGURES_TURNS only
 * once the first are over (a turn is a batch that enters the pipeline, with all that follows from it): what
 * it costs is nothing beside 256 rows, and little beside one. What an operator hands on is the next one's
 * time. Flushes, once a commit, are always timed.
 *
 * Thread: the task's worker.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_FIGURES_H
#define SLUICE_EXECUTOR_DATAFLOW_FIGURES_H

#include <stdbool.h>

#include "core/clock.h"

typedef enum {
#define FIGURE(symbol, name, what) FIGURE_##symbol,
#include "executor/dataflow/figures.def"
#undef FIGURE
    FIGURE_COUNT,
} Figure;

enum { FIGURES_FIRST = 64, FIGURES_TURNS = 8 };

/* Of an operator. */
typedef struct {
    uint64_t rows_in, rows_out, bytes_out;
    uint64_t timed_rows, timed_bytes; /* of what came in, in turns that were timed */
    int64_t  timed_ns;                /* in these, without what was handed on */
    int64_t  flush_ns;
} OperatorFigures;

/* Of a pipeline. */
typedef struct {
    Clock   *clock;
    bool     running; /* this turn is timed */
    uint64_t turns;
    int64_t  nested_ns; /* of operators further on, within the span that is open */
} Stopwatch;

typedef struct {
    int64_t began_ns, outer_ns;
} Span;

static inline void stopwatch_turn(Stopwatch *watch)
{
    watch->running   = watch->turns < FIGURES_FIRST || watch->turns % FIGURES_TURNS == 0;
    watch->nested_ns = 0;
    watch->turns++;
}

static inline void stopwatch_flush(Stopwatch *watch)
{
    watch->running   = true;
    watch->nested_ns = 0;
}

static inline Span stopwatch_enter(Stopwatch *watch)
{
    Span span        = {watch->clock->monotonic_ns(watch->clock), watch->nested_ns};
    watch->nested_ns = 0;
    return span;
}

/* The time since then without that of the spans inside. */
static inline int64_t stopwatch_leave(Stopwatch *watch, Span span)
{
    int64_t whole = watch->clock->monotonic_ns(watch->clock) - span.began_ns, own = whole - watch->nested_ns;
    watch->nested_ns = span.outer_ns + whole;
    return own;
}

#endif
