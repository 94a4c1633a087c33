/*
 * stream_join_pending.c - rows of a stream-stream join that wait for a match; see stream_join.h.
 */
#include "executor/dataflow/stream_join.h"
#include "executor/dataflow/task.h"

/* Stream time has to be past it. */
static int64_t closes_at(const StreamJoinOp *self, int side, int64_t time)
{
    return time_add(time_add(time, self->sides[side].ahead), self->plan->grace_ms);
}

void stream_join_wait(StreamJoinOp *self, int side, Str key, const Row *row, const Value *stored)
{
    int64_t close = closes_at(self, side, row->timestamp);
    store_buffer_add(self->sides[side].pending, key, row->key, row->timestamp, ++self->number, stored,
                     row->timestamp);
    if (close < self->next_close)
        self->next_close = close;
}

/* The row, with nothing on the other side. */
static Status emit_alone(StreamJoinOp *self, int side, const StoreRow *stored, StreamJoinOut *to, Error *err)
{
    JoinSide sides[2] = {{0}, {0}};
    Row      row      = stream_join_stored(self, side, stored);
    sides[side]       = join_side_of_stored(self->sides[side].input, stored);
    return stream_join_emit(self, to, &row, sides, err);
}

static bool has_time(const StoreRows *rows, int64_t time)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i]->window_start == time)
            return true;
    return false;
}

Status stream_join_matched(StreamJoinOp *self, int side, Str key, const StoreRows *matches, Arena *arena,
                           Error *err)
{
    Store    *pending = self->sides[side].pending;
    int64_t   from = matches->rows[0]->window_start, until = matches->rows[matches->count - 1]->window_start;
    StoreRows waiting;
    TRY(store_buffer_find(pending, key, from, until, arena, &waiting, err));
    for (size_t i = 0; i < waiting.count; i++)
        if (has_time(matches, waiting.rows[i]->window_start))
            store_remove(pending, waiting.rows[i]);
    return OK;
}

/* ---- closing ---- */

typedef struct {
    StoreRow *row;
    int       side;
} Waiting;

static int compare_waiting(const void *a, const void *b)
{
    const Waiting *x = a, *y = b;
    if (x->row->window_start != y->row->window_start)
        return x->row->window_start < y->row->window_start ? -1 : 1;
    if (x->side != y->side)
        return y->side - x->side; /* right before left */
    int order = str_compare(x->row->key, y->row->key);
    if (order != 0)
        return order;
    return (x->row->window_end > y->row->window_end) - (x->row->window_end < y->row->window_end);
}

/* Of one key, or all (ptr NULL). */
static Status find_closed(StreamJoinOp *self, Str key, Arena *arena, Waiting **out, size_t *count, Error *err)
{
    StoreRows found[2] = {{NULL, 0}, {NULL, 0}};
    for (int side = 0; side < 2; side++) {
        const StreamSide *one  = &self->sides[side];
        int64_t           last = time_add(time_add(self->closing, -one->ahead), -self->plan->grace_ms);
        if (one->pending == NULL || last == INT64_MIN)
            continue;
        if (str_is_null(key))
            TRY(store_find_range(one->pending, INT64_MIN, last - 1, arena, &found[side], err));
        else
            TRY(store_buffer_find(one->pending, key, INT64_MIN, last - 1, arena, &found[side], err));
    }
    *out   = ARENA_ARRAY(arena, Waiting, found[0].count + found[1].count + 1);
    *count = 0;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < found[side].count; i++)
            (*out)[(*count)++] = (Waiting){found[side].rows[i], side};
    qsort(*out, *count, sizeof **out, compare_waiting);
    return OK;
}

static Status emit_closed(StreamJoinOp *self, Str key, StreamJoinOut *to, Error *err)
{
    Waiting *closed;
    size_t   count;
    TRY(find_closed(self, key, (*to->out)->arena, &closed, &count, err));
    for (size_t i = 0; i < count; i++) {
        TRY(emit_alone(self, closed[i].side, closed[i].row, to, err));
        store_remove(self->sides[closed[i].side].pending, closed[i].row);
    }
    return OK;
}

Status stream_join_close(StreamJoinOp *self, bool at_once, StreamJoinOut *to, Error *err)
{
    const PipelineSpec *spec = &self->base.pipeline->spec;
    if (self->next_close >= self->closing)
        return OK;
    if (!at_once && spec->emit_final_interval_ms > 0) {
        int64_t now = spec->clock->now_ms(spec->clock);
        if (now < self->next_emit)
            return OK;
        self->next_emit = now + spec->emit_final_interval_ms;
    }
    TRY(emit_closed(self, STR_NULL, to, err));
    self->next_close = self->closing;
    return OK;
}

Status stream_join_close_key(StreamJoinOp *self, Str key, StreamJoinOut *to, Error *err)
{
    return self->next_close >= self->closing ? OK : emit_closed(self, key, to, err);
}
