/* A later version of a query keeps more values in its table (OR REPLACE): file, changelog and readers of both
 * versions. */
#include "state_fixture.h"

/* The fixture's columns, and one more value behind them. */
static const Column wide_values[] = {{{"N", 1}, &type_bigint, COLUMN_VALUE, {0}},
                                     {{"T", 1}, &type_string, COLUMN_VALUE, {0}},
                                     {{"n", 1}, &type_double, COLUMN_VALUE, {0}}};

static StoreSpec wide_spec(StoreKind kind)
{
    StoreSpec spec   = fixture_spec("T", kind, -1);
    spec.values      = wide_values;
    spec.value_count = 3;
    return spec;
}

static void put_wide(Fixture *f, Store *store, const char *key, int64_t n, double more)
{
    StoreRow *row      = fixture_get(f, store, key, 0, 0);
    Value     values[] = {value_from_int(n), value_from_str(STR_LIT("new")), value_from_double(more),
                          value_from_double((double)n / 2)};
    store_put(store, row, values, n, true);
}

/* `more` NULL: the column is NULL. */
static void assert_wide(Fixture *f, Store *store, const char *key, int64_t n, const double *more)
{
    StoreRow *row = fixture_get(f, store, key, 0, 0);
    assert_true(row->exists);
    assert_int_equal(row->values[0].as.i64, n);
    assert_int_equal(value_is_null(row->values[2]), more == NULL);
    if (more != NULL)
        assert_true(row->values[2].as.f64 == *more);
    assert_true(row->values[3].as.f64 == (double)n / 2); /* the state */
}

/* Two rows: a plain one, and one whose columns SQLite cannot hold (a NUL), which stand in _exact. */
static void fill_narrow(Fixture *f)
{
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "plain", 0, 0, 8, "x");
    StoreRow *row      = fixture_get(f, store, "exact", 0, 0);
    Value     values[] = {value_from_int(6), value_from_str(STR_LIT("a\0b")), value_from_double(3)};
    store_put(store, row, values, 6, true);
    MUST(state_file_commit(f->file, &f->err));
    store_close(store);
}

static void rows_keep_what_they_have(void **state)
{
    Fixture     *f    = *state;
    StoreSpec    spec = wide_spec(STORE_KEY_VALUE);
    Store       *store, *other;
    const double more = 1.5;
    fill_narrow(f);
    for (int round = 0; round < 2; round++) {
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
        MUST(store_open(f->file, &spec, 1, &other, &f->err));
        assert_wide(f, store, "plain", 8, NULL);
        assert_wide(f, store, "exact", 6, NULL);
        if (round > 0)
            assert_wide(f, store, "later", 2, &more);
        put_wide(f, store, "later", 2, more);
        MUST(state_file_commit(f->file, &f->err));
        fixture_reopen(f);
    }
}

/* Rolled back with the rest of its transaction, the table gets its columns again. */
static void a_rollback_takes_the_columns_away_for_a_while(void **state)
{
    Fixture     *f      = *state;
    StoreSpec    narrow = fixture_spec("O", STORE_KEY_VALUE, -1), spec = wide_spec(STORE_KEY_VALUE);
    Store       *first, *store;
    Str          key, value;
    const double more = 2.5;
    fill_narrow(f);
    MUST(store_open(f->file, &narrow, 0, &first, &f->err));
    store_encode(first, fixture_put(f, first, "a", 0, 0, 1, "x"), f->arena, &key, &value);
    MUST(store_apply(first, key, value, &f->err)); /* a transaction is open now */
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    state_file_rollback(f->file);
    assert_wide(f, store, "plain", 8, NULL);
    put_wide(f, store, "plain", 4, more);
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_wide(f, store, "plain", 4, &more);
}

/* The changelog has records of both versions. */
static void a_restore_gives_the_same_rows(void **state)
{
    Fixture     *f    = *state;
    StoreSpec    spec = fixture_spec("T", STORE_KEY_VALUE, -1), wide = wide_spec(STORE_KEY_VALUE);
    Store       *store;
    Str          keys[3], values[3];
    const double more = 9;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    store_encode(store, fixture_put(f, store, "old", 0, 0, 8, "x"), f->arena, &keys[0], &values[0]);
    store_encode(store, fixture_put(f, store, "both", 0, 0, 1, "x"), f->arena, &keys[1], &values[1]);
    MUST(state_file_commit(f->file, &f->err));
    store_close(store);
    MUST(store_open(f->file, &wide, 0, &store, &f->err));
    put_wide(f, store, "both", 4, more);
    store_encode(store, fixture_get(f, store, "both", 0, 0), f->arena, &keys[2], &values[2]);
    MUST(state_file_commit(f->file, &f->err));
    MUST(store_clear(store, &f->err));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        MUST(store_apply(store, keys[i], values[i], &f->err));
    assert_wide(f, store, "old", 8, NULL);
    assert_wide(f, store, "both", 4, &more);
    Store *narrow; /* who knows less than the record has must not lose it */
    spec.name = STR_LIT("N");
    MUST(store_open(f->file, &spec, 0, &narrow, &f->err));
    MUST(store_apply(narrow, keys[0], values[0], &f->err));
    assert_int_equal(store_apply(narrow, keys[2], values[2], &f->err), E_DATA);
}

typedef struct {
    size_t count, nulls, values; /* values: of a row */
} Seen;

static Status see(void *context, const StateRow *row, Error *err)
{
    Seen *seen = context;
    seen->count++;
    for (size_t i = 0; i < seen->values; i++)
        seen->nulls += value_is_null(row->values[i]);
    return OK;
}

static void assert_seen(Fixture *f, StateReader *reader, StoreSpec spec, size_t count, size_t nulls)
{
    Seen seen = {.values = spec.value_count};
    MUST(state_reader_scan(reader, &spec, &(StoreRange){0}, f->arena, see, &seen, &f->err));
    assert_int_equal(seen.count, count);
    assert_int_equal(seen.nulls, nulls);
}

/* A pull query may come before the workers have the new version, and with a plan of the old. */
static void readers_of_both_versions(void **state)
{
    Fixture     *f      = *state;
    StoreSpec    narrow = fixture_spec("T", STORE_KEY_VALUE, -1), wide = wide_spec(STORE_KEY_VALUE);
    StateReader *reader;
    Store       *store;
    const char  *paths[] = {f->path};
    fill_narrow(f);
    MUST(state_reader_open(paths, NULL, 1, &reader, &f->err));
    assert_seen(f, reader, narrow, 2, 0);
    assert_seen(f, reader, wide, 2, 2);
    MUST(store_open(f->file, &wide, 0, &store, &f->err));
    put_wide(f, store, "later", 2, 1);
    put_wide(f, store, "exact", 2, -0.0); /* not plain: in _exact */
    MUST(state_file_commit(f->file, &f->err));
    assert_seen(f, reader, wide, 3, 1);
    assert_seen(f, reader, narrow, 3, 0);
    state_reader_close(reader);
}

static void other_columns_are_refused(void **state)
{
    static const Column other_values[] = {{{"N", 1}, &type_bigint, COLUMN_VALUE, {0}},
                                          {{"n", 1}, &type_double, COLUMN_VALUE, {0}},
                                          {{"T", 1}, &type_string, COLUMN_VALUE, {0}}};
    Fixture            *f              = *state;
    StoreSpec           wide = wide_spec(STORE_KEY_VALUE), spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store              *store, *second;
    fill_narrow(f);
    const StoreSpec others[] = {
        {spec.name, STORE_KEY_VALUE, spec.keys, 1, other_values, 3, spec.states, 1, -1}, /* reordered */
        {spec.name, STORE_KEY_VALUE, spec.keys, 1, spec.values, 1, spec.states, 1, -1},  /* fewer */
        {spec.name, STORE_KEY_VALUE, spec.keys, 1, wide_values, 3, NULL, 0, -1}, /* another aggregate */
        {spec.name, STORE_WINDOW, spec.keys, 1, wide_values, 3, spec.states, 1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(store_open(f->file, &others[i], 0, &store, &f->err), E_PLAN);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_int_equal(store_open(f->file, &wide, 1, &second, &f->err),
                     E_PLAN); /* while it is open as it was */
    fixture_put(f, store, "plain", 0, 0, 9, "y");
    MUST(state_file_commit(f->file, &f->err));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_keep_what_they_have),      TEST(a_rollback_takes_the_columns_away_for_a_while),
        TEST(a_restore_gives_the_same_rows), TEST(readers_of_both_versions),
        TEST(other_columns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
