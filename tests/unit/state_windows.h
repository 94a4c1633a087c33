/*
 * state_windows.h - a random walk over a WINDOW, SESSION or BUFFER store against a plain list of rows: get,
 * put, remove, both kinds of find, commit, rollback, reopen, with a cache far too small and a retention that
 * keeps expiring rows.
 */
#ifndef SLUICE_TESTS_STATE_WINDOWS_H
#define SLUICE_TESTS_STATE_WINDOWS_H

#include "state_fixture.h"

enum { WALK_KEYS = 5, WALK_MAX = 4000, WALK_STEPS = 8000, WALK_RETENTION = 400, WALK_SIZE = 10 };

typedef struct {
    int     key;
    int64_t start, end, n;
    bool    exists;
} WalkRow;

typedef struct {
    WalkRow rows[WALK_MAX];
    size_t  count;
    int64_t time;
} WalkModel;

typedef struct {
    Fixture   *f;
    StoreSpec  spec;
    Store     *store;
    WalkModel *now, *committed;
    uint64_t   seed;
    int64_t    clock, number;
} Walk;

static inline uint64_t walk_random(Walk *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % below;
}

static inline int64_t walk_time(const Walk *w, const WalkRow *row)
{
    return w->spec.kind == STORE_SESSION ? row->end : row->start;
}

static inline bool walk_alive(const Walk *w, const WalkRow *row)
{
    return row->exists && (w->now->time == INT64_MIN || walk_time(w, row) >= w->now->time - WALK_RETENTION);
}

static inline WalkRow *walk_row(Walk *w, int key, int64_t start, int64_t end)
{
    for (size_t i = 0; i < w->now->count; i++)
        if (w->now->rows[i].key == key && w->now->rows[i].start == start && w->now->rows[i].end == end)
            return &w->now->rows[i];
    assert_true(w->now->count < WALK_MAX);
    w->now->rows[w->now->count] = (WalkRow){key, start, end, 0, false};
    return &w->now->rows[w->now->count++];
}

/* The found rows are all of the model's that match, in order. */
static inline void walk_check(Walk *w, StoreRows found, int key, int64_t from, int64_t to)
{
    bool   session = w->spec.kind == STORE_SESSION;
    size_t want    = 0;
    for (size_t i = 0; i < w->now->count; i++) {
        const WalkRow *row = &w->now->rows[i];
        bool           in  = key < 0 ? walk_time(w, row) >= from && walk_time(w, row) <= to
                                     : row->key == key && (session ? row->end >= from && row->start <= to
                                                                   : row->start >= from && row->start <= to);
        want += in && walk_alive(w, row);
    }
    assert_int_equal(found.count, want);
    for (size_t i = 0; i < found.count; i++) {
        const StoreRow *row  = found.rows[i];
        const WalkRow  *same = walk_row(w, row->key.ptr[0] - 'a', row->window_start, row->window_end);
        assert_true(walk_alive(w, same));
        assert_int_equal(row->values[0].as.i64, same->n);
        if (i == 0)
            continue;
        const StoreRow *before = found.rows[i - 1];
        bool            buffer = w->spec.kind == STORE_BUFFER;
        int64_t         a      = session ? before->window_end : before->window_start,
                b              = session ? row->window_end : row->window_start;
        int64_t c              = buffer ? before->window_end : before->window_start,
                d              = buffer ? row->window_end : row->window_start;
        assert_true(a < b || (a == b && c < d) ||
                    (a == b && c == d && str_compare(before->key, row->key) < 0));
    }
    arena_reset(w->f->arena);
}

static inline void walk_change_buffer(Walk *w, int what)
{
    Fixture  *f     = w->f;
    char      key[] = {(char)('a' + walk_random(w, WALK_KEYS)), '\0'};
    int64_t   start = (w->clock - (int64_t)walk_random(w, 600)) / 10 * 10, n = ++w->number;
    Value     k        = value_from_str(str_c(key));
    Value     values[] = {value_from_int(n), value_from_str(STR_LIT("text")), value_from_double(0.5)};
    StoreRows found;
    if (what < 90) {
        bool late = w->now->time != INT64_MIN && start < w->now->time - WALK_RETENTION;
        assert_int_equal(store_buffer_add(w->store, str_c(key), &k, start, n, values, n), !late);
        if (late)
            return;
        WalkRow *model = walk_row(w, key[0] - 'a', start, n);
        model->n       = n;
        model->exists  = true;
        if (start > w->now->time)
            w->now->time = start;
        assert_int_equal(store_time(w->store), w->now->time);
        return;
    }
    MUST(store_buffer_find(w->store, str_c(key), start, start + 50, f->arena, &found, &f->err));
    for (size_t i = 0; i < found.count; i++)
        if (walk_random(w, 3) == 0) {
            walk_row(w, key[0] - 'a', found.rows[i]->window_start, found.rows[i]->window_end)->exists = false;
            store_remove(w->store, found.rows[i]);
        }
    arena_reset(f->arena);
}

static inline void walk_change(Walk *w, int what)
{
    if (w->spec.kind == STORE_BUFFER) {
        walk_change_buffer(w, what);
        return;
    }
    Fixture  *f     = w->f;
    char      key[] = {(char)('a' + walk_random(w, WALK_KEYS)), '\0'};
    int64_t   start = (w->clock - (int64_t)walk_random(w, 600)) / 10 * 10;
    int64_t   end   = start + (w->spec.kind == STORE_WINDOW ? WALK_SIZE : (int64_t)walk_random(w, 3) * 5);
    WalkRow  *model = walk_row(w, key[0] - 'a', start, end);
    StoreRow *row   = fixture_get(f, w->store, key, start, end);
    assert_int_equal(row->exists, walk_alive(w, model));
    if (row->exists)
        assert_int_equal(row->values[0].as.i64, model->n);
    if (what < 80) {
        model->n      = (int64_t)walk_random(w, 1000000);
        model->exists = true;
        fixture_put(f, w->store, key, start, end, model->n, "text");
        if (walk_time(w, model) > w->now->time)
            w->now->time = walk_time(w, model);
        assert_int_equal(store_time(w->store), w->now->time);
    } else if (what < 100) {
        store_remove(w->store, row);
        model->exists = false;
    }
}

static inline void walk_find(Walk *w, bool all)
{
    Fixture *f     = w->f;
    char     key[] = {(char)('a' + walk_random(w, WALK_KEYS)), '\0'};
    int64_t  from = w->clock - (int64_t)walk_random(w, 600), to = from + (int64_t)walk_random(w, 100);
    if (all) {
        StoreRows rows;
        MUST(store_find_range(w->store, from, to, f->arena, &rows, &f->err));
        walk_check(w, rows, -1, from, to);
    } else {
        walk_check(w, fixture_windows(f, w->store, key, from, to), key[0] - 'a', from, to);
    }
}

/* What has expired is gone for good: forget it, so that the model stays small and nothing may come back. */
static inline void walk_commit(Walk *w)
{
    Fixture *f    = w->f;
    size_t   kept = 0;
    MUST(state_file_commit(f->file, &f->err));
    for (size_t i = 0; i < w->now->count; i++)
        if (walk_alive(w, &w->now->rows[i]))
            w->now->rows[kept++] = w->now->rows[i];
    w->now->count = kept;
    *w->committed = *w->now;
}

static inline void walk_reopen(Walk *w)
{
    Fixture *f = w->f;
    fixture_reopen(f);
    state_file_set_cache(f->file, 4 * 1024);
    MUST(store_open(f->file, &w->spec, 1, &w->store, &f->err));
}

static inline void walk_run(Fixture *f, StoreKind kind)
{
    Walk w      = {.f = f, .spec = fixture_spec("W", kind, WALK_RETENTION), .seed = 7, .clock = 1000};
    w.now       = mem_calloc(1, sizeof *w.now);
    w.committed = mem_calloc(1, sizeof *w.committed);
    w.now->time = w.committed->time = INT64_MIN;
    walk_reopen(&w);
    for (int step = 0; step < WALK_STEPS; step++) {
        int what = (int)walk_random(&w, 170);
        w.clock += (int64_t)walk_random(&w, 3);
        if (what < 120) {
            walk_change(&w, what);
        } else if (what < 155) {
            walk_find(&w, what < 130);
        } else if (what < 163) {
            walk_commit(&w);
        } else if (what < 167) {
            state_file_rollback(f->file);
            *w.now = *w.committed;
        } else if (what < 168) {
            walk_reopen(&w);
            *w.now = *w.committed;
        }
        /* a removed or expired row that the model still lists must not pile up */
        if (w.now->count > WALK_MAX - 10)
            walk_commit(&w);
    }
    mem_free(w.now);
    mem_free(w.committed);
}

#endif
