/*
 * emit_final.c - which windows a record closes.
 *
 * Windows are looked for between the last close and this one. What the store has already forgotten is not
 * emitted: a jump in time longer than the retention loses windows, as in ksqlDB, whose tests pin it down.
 * HAVING is asked here; a window that fails it emits nothing.
 */
#include "executor/dataflow/emit_final.h"
#include "executor/dataflow/task.h"

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

static bool same_windows(const PlanAggregate *plan, int64_t a, int64_t b)
{
    return first_start(plan, a) == first_start(plan, b) && last_start(plan, a) == last_start(plan, b);
}

/* False: there is nothing to look for. */
static bool time_range(const AggregateOp *self, int64_t close, Range *out)
{
    const PlanAggregate *plan  = self->plan;
    int64_t              size  = plan->window.size_ms;
    bool                 first = self->last_close == -1;
    out->high                  = close - size;
    if (out->high < 0)
        return false;
    out->low = 0;
    if (!first) {
        out->low = (self->last_close > size ? self->last_close - size : 0) + 1;
        if (same_windows(plan, out->high, out->low - 1))
            return false;
    }
    int64_t newest = store_time(self->store);
    if (newest > plan->retention_ms && newest - plan->retention_ms > out->low)
        out->low = newest - plan->retention_ms;
    return true;
}

static bool session_range(const AggregateOp *self, int64_t close, Range *out)
{
    *out = (Range){self->last_close > 0 ? self->last_close : 0, close - 1};
    return out->low <= out->high;
}

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
    const PipelineSpec *spec  = &self->base.pipeline->spec;
    int64_t             close = self->time - self->plan->grace_ms - self->plan->gap_ms;
    Range               range;
    if (self->last_close != -1 && self->last_close >= close)
        return OK;
    if (!at_once && spec->emit_final_interval_ms > 0) {
        int64_t now = spec->clock->now_ms(spec->clock);
        if (now < self->next_emit)
            return OK;
        self->next_emit = now + spec->emit_final_interval_ms;
    }
    bool session = self->plan->window.kind == WINDOWED_SESSION;
    if (!(session ? session_range(self, close, &range) : time_range(self, close, &range)))
        return OK;
    if (range.low <= range.high)
        TRY(emit_range(self, &range, trigger, out, err));
    self->last_close = close;
    return session ? sweep_sessions(self, out->arena, err) : OK;
}
