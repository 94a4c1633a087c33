/*
 * emit_final.c - which windows a record closes.
 *
 * Windows are looked for between the last close and this one. That costs a look through the store, so it is
 * done about once a second and before each commit (aggregate_tick), not per record. It may: what has closed
 * takes no more records, so later it is the same. But the store's time goes on with the records, and over a
 * backlog, or after a pause, goes in a moment past all that is retained. So the store is told to keep what
 * has not been emitted (emit_final_keep): every window that has closed is emitted, whenever that is, and what
 * comes out depends on the times of the records alone. At a commit nothing is left to keep, for what has
 * expired has closed (retention is at least size and grace), and what has closed was emitted.
 *
 * Kafka Streams looks where the retention lets it, and loses what a jump in time, or its own throttle, has
 * taken out of sight; ksqlDB's tests pin the former down. Who sets its internal property for that interval
 * gets it so (final_forgets).
 * HAVING is asked here; a window that fails it emits nothing.
 */
#include "executor/dataflow/emit_final.h"
#include "executor/dataflow/task.h"
#include "planner/plan_settings.h"

typedef struct {
    int64_t low, high; /* of starts; sessions: of ends */
} Range;

static int64_t first_start(const PlanAggregate *plan, int64_t time)
{
    int64_t from = time - plan->window.size_ms + plan->advance_ms;
    return from <= 0 ? 0 : from / plan->advance_ms * plan->advance_ms;
}

static int64_t last_start(const PlanAggregate *plan, int64_t time)
{
    return time / plan->advance_ms * plan->advance_ms;
}

/* Between two such times no window has begun or ended, so there is nothing to search the store for. */
static bool same_windows(const PlanAggregate *plan, int64_t a, int64_t b)
{
    return first_start(plan, a) == first_start(plan, b) && last_start(plan, a) == last_start(plan, b);
}

/* No window that starts before it has still to be emitted. */
static int64_t first_pending(const AggregateOp *self)
{
    int64_t size = self->plan->window.size_ms;
    return self->last_close == -1 ? 0 : (self->last_close > size ? self->last_close - size : 0) + 1;
}

void emit_final_open(AggregateOp *self)
{
    const PipelineSpec *spec = &self->base.pipeline->spec;
    QuerySettings       told;
    plan_query_settings(spec->plan, &told);
    self->final_forgets = told.streams_final_interval_ms >= 0;
    self->final_interval_ms =
        self->final_forgets ? told.streams_final_interval_ms : spec->emit_final_interval_ms;
}

void emit_final_keep(AggregateOp *self)
{
    if (!self->final_forgets &&
        self->plan->window.kind != WINDOWED_SESSION) /* those the store never forgets */
        store_keep_from(self->store, first_pending(self));
}

/* False: there is nothing to look for. Before the first window has closed lastClose must stay -1: from 0 on,
 * first_pending is behind the window that starts at 0, which would never be emitted. */
static bool time_range(const AggregateOp *self, int64_t close, Range *out)
{
    const PlanAggregate *plan  = self->plan;
    int64_t              size  = plan->window.size_ms;
    bool                 first = self->last_close == -1;
    out->high                  = time_add(close, -size);
    if (out->high < 0)
        return false;
    out->low = first_pending(self);
    if (!first && same_windows(plan, out->high, out->low - 1))
        return false;
    int64_t newest = store_time(self->store);
    if (self->final_forgets && newest > plan->retention_ms && newest - plan->retention_ms > out->low)
        out->low = newest - plan->retention_ms;
    return true;
}

static bool session_range(const AggregateOp *self, int64_t close, Range *out)
{
    *out = (Range){self->last_close > 0 ? self->last_close : 0, time_add(close, -1)};
    return out->low <= out->high;
}

/* Rows are projected, not read: those changed since the last flush have value columns older than their
 * states. They stay in the store, for pull queries, until the retention ends. */
static Status emit_range(AggregateOp *self, const Range *range, const Row *trigger, RecordBatch *out,
                         Error *err)
{
    const Origin *origin  = trigger == NULL ? NULL : trigger->origin;
    bool          session = self->plan->window.kind == WINDOWED_SESSION;
    StoreRows     rows;
    TRY(store_find_range(self->store, range->low, range->high, out->arena, &rows, err));
    for (size_t i = 0; i < rows.count; i++) {
        StoreRow    *stored = rows.rows[i];
        const Value *columns;
        TRY(aggregate_project(self, stored, stored->timestamp, trigger, out->arena, &columns, err));
        if (columns != NULL)
            aggregate_emit(self, out, stored, session ? stored->window_end : stored->timestamp, origin)
                ->columns = columns;
    }
    return OK;
}

/* Sessions are kept by this file's rule alone: those that have been emitted and are older than the retention
 * go. */
static Status sweep_sessions(AggregateOp *self, Arena *arena, Error *err)
{
    int64_t   newest = store_time(self->store);
    StoreRows rows;
    if (newest == INT64_MIN || newest < self->plan->retention_ms)
        return OK;
    int64_t bound = newest - self->plan->retention_ms;
    if (bound > self->last_close - 1)
        bound = self->last_close - 1;
    if (bound < self->swept)
        return OK;
    TRY(store_find_range(self->store, self->swept, bound, arena, &rows, err));
    for (size_t i = 0; i < rows.count; i++)
        store_remove(self->store, rows.rows[i]);
    self->swept = bound + 1;
    return OK;
}

Status emit_final(AggregateOp *self, const Row *trigger, bool at_once, RecordBatch *out, Error *err)
{
    Clock  *clock = self->base.pipeline->spec.clock;
    int64_t close = aggregate_closed(self);
    Range   range;
    /* Before the throttle: a record that moves no time need not ask the clock. */
    if (self->last_close != -1 && self->last_close >= close)
        return OK;
    if (!at_once && self->final_interval_ms > 0) {
        int64_t now = clock->now_ms(clock);
        if (now < self->next_emit)
            return OK;
        self->next_emit = now + self->final_interval_ms;
    }
    bool session = self->plan->window.kind == WINDOWED_SESSION;
    if (!(session ? session_range(self, close, &range) : time_range(self, close, &range)))
        return OK;
    if (range.low <= range.high)
        TRY(emit_range(self, &range, trigger, out, err));
    /* Only when the rows have left: it is saved by the commit that they belong to, so that no crash skips a
     * window. */
    self->last_close = close;
    emit_final_keep(self);
    return session ? sweep_sessions(self, out->arena, err) : OK;
}
