/*
 * test_store_prefix.c - rows found by the first part of their key, against a plain table of what there is.
 */
#include "state_fixture.h"

enum { FIRSTS = 5, RESTS = 24, STEPS = 6000 };

/* One is a beginning of another; one is empty; one ends where bytes end. */
static const Str firsts[FIRSTS] = {{"", 0}, {"a", 1}, {"ab", 2}, {"a\xff\xff", 3}, {"\0\0\0\1", 4}};

typedef struct {
    Fixture *f;
    Store   *store;
    int64_t  now[FIRSTS][RESTS], committed[FIRSTS][RESTS]; /* 0: there is none */
    uint64_t seed;
} Walk;

static int pick(Walk *w, int below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (int)(w->seed % (uint64_t)below);
}

/* Of any length, in byte order by n. */
static Str rest_of(Walk *w, int n)
{
    char *bytes = arena_alloc(w->f->arena, 3);
    bytes[0]    = (char)(n * 11);
    bytes[1]    = (char)0xff;
    return str_n(bytes, n % 3 == 0 ? 1 : 2);
}

static StoreRow *get(Walk *w, int first, int rest)
{
    Fixture  *f = w->f;
    StoreRow *row;
    Value     keys[] = {value_from_str(STR_LIT("k"))}; /* key bytes need not be text */
    Str       key    = store_prefix_key(firsts[first], rest_of(w, rest), f->arena);
    MUST(store_get(w->store, key, keys, 0, 0, &row, &f->err));
    assert_int_equal(row->exists, w->now[first][rest] != 0);
    return row;
}

static void change(Walk *w)
{
    int       first = pick(w, FIRSTS), rest = pick(w, RESTS);
    StoreRow *row      = get(w, first, rest);
    Value     values[] = {value_from_int(pick(w, 1000) + 1), value_null(), value_from_double(0)};
    if (pick(w, 3) == 0) {
        store_remove(w->store, row);
        w->now[first][rest] = 0;
    } else {
        store_put(w->store, row, values, 1, true);
        w->now[first][rest] = values[0].as.i64;
    }
}

static void find(Walk *w)
{
    Fixture  *f     = w->f;
    int       first = pick(w, FIRSTS);
    size_t    at    = 0;
    StoreRows rows;
    MUST(store_find_prefix(w->store, firsts[first], f->arena, &rows, &f->err));
    for (int rest = 0; rest < RESTS; rest++) {
        if (w->now[first][rest] == 0)
            continue;
        assert_true(at < rows.count);
        assert_int_equal(rows.rows[at]->values[0].as.i64, w->now[first][rest]);
        assert_true(
            str_equal(rows.rows[at]->key, store_prefix_key(firsts[first], rest_of(w, rest), f->arena)));
        at++;
    }
    assert_int_equal(rows.count, at);
}

static void reopen(Walk *w)
{
    Fixture  *f    = w->f;
    StoreSpec spec = fixture_spec("P", STORE_PREFIX, -1);
    fixture_reopen(f);
    state_file_set_cache(f->file, 6 * 1024);
    MUST(store_open(f->file, &spec, 3, &w->store, &f->err));
}

static void rows_are_found_by_the_first_part(void **state)
{
    Fixture *f = *state;
    Walk     w = {.f = f, .seed = 99};
    reopen(&w);
    for (int step = 0; step < STEPS; step++) {
        int what = pick(&w, 100);
        if (what < 50) {
            change(&w);
        } else if (what < 80) {
            find(&w);
        } else if (what < 95) {
            MUST(state_file_commit(f->file, &f->err));
            memcpy(w.committed, w.now, sizeof w.now);
        } else {
            if (what < 98)
                state_file_rollback(f->file);
            else
                reopen(&w);
            memcpy(w.now, w.committed, sizeof w.now);
        }
        arena_reset(f->arena);
    }
}

static void a_changelog_restores_them(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("P2", STORE_PREFIX, -1);
    Walk      w    = {.f = f, .seed = 5};
    Store    *copy;
    reopen(&w);
    MUST(store_open(f->file, &spec, 3, &copy, &f->err));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 60; i++)
            change(&w);
        StoreRows rows = store_dirty_rows(w.store);
        for (size_t i = 0; i < rows.count; i++) {
            Str key, value;
            store_encode(w.store, rows.rows[i], f->arena, &key, &value);
            MUST(store_apply(copy, key, value, &f->err));
        }
        MUST(state_file_commit(f->file, &f->err));
        Store *own = w.store;
        w.store    = copy;
        for (int i = 0; i < 20; i++)
            find(&w);
        w.store = own;
    }
    assert_int_equal(store_apply(copy, str_n("\0\0\0\5abc", 7), STR_NULL, &f->err), E_DATA);
    assert_int_equal(store_apply(copy, str_n("\0", 1), STR_NULL, &f->err), E_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_found_by_the_first_part, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_changelog_restores_them, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
