/* Key-value stores: the cache in front, names, and a random walk against a model. */
#include "state_fixture.h"

#include <sqlite3.h>

static void row_is_there_after_put_commit_reopen(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 3, &store, &f->err));
    assert_false(fixture_get(f, store, "a", 0, 0)->exists);
    fixture_put(f, store, "a", 0, 0, 7, "seven");
    assert_int_equal(store_dirty_rows(store).count, 1);
    assert_true(state_file_dirty_bytes(f->file) > 0);
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(store_dirty_rows(store).count, 0);
    assert_int_equal(state_file_dirty_bytes(f->file), 0);
    fixture_reopen(f);
    MUST(store_open(f->file, &spec, 3, &store, &f->err));
    StoreRow *row = fixture_get(f, store, "a", 0, 0);
    assert_true(row->exists && row->visible && !row->dirty);
    assert_int_equal(row->timestamp, 7);
    assert_int_equal(row->values[0].as.i64, 7);
    assert_true(str_equal(value_str(row->values[1]), STR_LIT("seven")));
    assert_true(row->values[2].as.f64 == 3.5);
    Store *other; /* the same key in another partition is another row */
    MUST(store_open(f->file, &spec, 4, &other, &f->err));
    assert_false(fixture_get(f, other, "a", 0, 0)->exists);
}

static void put_may_take_values_from_the_row_itself(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    StoreRow *row = fixture_put(f, store, "a", 0, 0, 1, "a long text that the row itself holds");
    for (int i = 0; i < 10; i++) {
        Value values[] = {value_from_int(i),
                          value_from_str(str_n(value_str(row->values[1]).ptr + 1, row->values[1].len - 1)),
                          value_null()};
        store_put(store, row, values, i, true);
    }
    assert_true(str_equal(value_str(row->values[1]), STR_LIT("t that the row itself holds")));
}

static void rollback_brings_back_what_was_committed(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "one");
    MUST(state_meta_set(f->file, STR_LIT("pos"), STR_LIT("1"), &f->err));
    MUST(state_file_commit(f->file, &f->err));
    fixture_put(f, store, "a", 0, 0, 2, "two");
    fixture_put(f, store, "b", 0, 0, 2, "two");
    MUST(state_meta_set(f->file, STR_LIT("pos"), STR_LIT("2"), &f->err));
    state_file_rollback(f->file);
    assert_int_equal(state_file_dirty_bytes(f->file), 0);
    assert_int_equal(fixture_get(f, store, "a", 0, 0)->values[0].as.i64, 1);
    assert_false(fixture_get(f, store, "b", 0, 0)->exists);
    Str value;
    MUST(state_meta_get(f->file, STR_LIT("pos"), f->arena, &value, &f->err));
    assert_true(str_equal(value, STR_LIT("1")));
}

static void remember_keeps_the_first_version_and_the_last_origin(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    Header    headers[] = {{STR_LIT("h"), STR_LIT("v")}, {STR_LIT("n"), STR_NULL}};
    Origin    first = {STR_LIT("in"), 1, 10, NULL, 0}, second = {STR_LIT("in"), 1, 11, headers, 2};
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "one");
    MUST(state_file_commit(f->file, &f->err));
    StoreRow *row = fixture_get(f, store, "a", 0, 0);
    assert_false(row->has_emitted);
    store_remember(store, row, true, &first);
    fixture_put(f, store, "a", 0, 0, 2, "two");
    store_remember(store, row, true, &second);
    fixture_put(f, store, "a", 0, 0, 3, "three");
    assert_true(str_equal(value_str(row->emitted[1]), STR_LIT("one")));
    assert_int_equal(row->emitted_timestamp, 1);
    assert_int_equal(row->origin->offset, 11);
    assert_true(str_equal(row->origin->headers[0].value, STR_LIT("v")) &&
                str_is_null(row->origin->headers[1].value));
    StoreRow *fresh = fixture_get(f, store, "new", 0, 0);
    store_remember(store, fresh, true, &first);
    assert_true(fresh->has_emitted && fresh->emitted == NULL);
    MUST(state_file_commit(f->file, &f->err));
    assert_false(fixture_get(f, store, "a", 0, 0)->has_emitted);
}

static void clean_rows_are_evicted_oldest_first(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    char      key[16];
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    state_file_set_cache(f->file, 64 * 1024);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        fixture_put(f, store, key, 0, 0, i, "text");
    }
    assert_true(state_file_cache_bytes(f->file) > 64 * 1024); /* dirty rows stay */
    MUST(state_file_commit(f->file, &f->err));
    assert_true(state_file_cache_bytes(f->file) <= 64 * 1024);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(fixture_get(f, store, key, 0, 0)->values[0].as.i64, i);
    }
}

static void names_of_people_do_not_clash_with_ours(void **state)
{
    Fixture     *f        = *state;
    const Column keys[]   = {{STR_LIT("_key"), &type_string, COLUMN_KEY, {0}}};
    const Column values[] = {{STR_LIT("ROWTIME"), &type_bigint, COLUMN_VALUE, {0}},
                             {STR_LIT("a\"b"), &type_bigint, COLUMN_VALUE, {0}},
                             {STR_LIT("A\"B"), &type_bigint, COLUMN_VALUE, {0}},
                             {STR_LIT("_state_0"), &type_bigint, COLUMN_VALUE, {0}}};
    const char  *names[]  = {"T", "t", "_meta", "sqlite_x", "CTAS_T_1.Aggregate", "a \"b", "tt"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        StoreSpec spec = {str_c(names[i]), STORE_KEY_VALUE, keys, 1, values, 4, values, 1, -1};
        Store    *store;
        Value key = value_from_int(0), numbers[] = {value_from_int(1), value_from_int(2), value_from_int(3),
                                                    value_from_int(4), value_from_int((int64_t)i)};
        StoreRow *row;
        key = value_string("k", 1);
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
        MUST(store_get(store, STR_LIT("k"), &key, 0, 0, &row, &f->err));
        store_put(store, row, numbers, 0, true);
    }
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        StoreSpec spec = {str_c(names[i]), STORE_KEY_VALUE, keys, 1, values, 4, values, 1, -1};
        Store    *store;
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
        StoreRow *row = fixture_get(f, store, "k", 0, 0);
        assert_true(row->exists);
        assert_int_equal(row->values[4].as.i64, i);
        assert_int_equal(row->values[3].as.i64, 4);
    }
}

static void a_store_with_other_columns_is_refused(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    store_close(store);
    spec.value_count = 1;
    assert_int_equal(store_open(f->file, &spec, 0, &store, &f->err), E_PLAN);
    spec = fixture_spec("T", STORE_WINDOW, -1);
    assert_int_equal(store_open(f->file, &spec, 0, &store, &f->err), E_PLAN);
}

static void drop_goes_in_slices(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    char      key[16];
    bool      done;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    for (int i = 0; i < 25; i++) {
        snprintf(key, sizeof key, "%d", i);
        fixture_put(f, store, key, 0, 0, i, "x");
    }
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(store_drop(f->file, spec.name, 10, &done, &f->err), E_BUSY);
    store_close(store);
    int rounds = 0;
    for (done = false; !done; rounds++)
        MUST(store_drop(f->file, spec.name, 10, &done, &f->err));
    assert_int_equal(rounds, 3);
    MUST(state_file_commit(f->file, &f->err));
    spec.value_count = 1;
    MUST(store_open(f->file, &spec, 0, &store, &f->err)); /* the name is free for other columns */
}

/* ---- a random walk against a model ---- */

enum { KEYS = 60, PARTITIONS = 2, STEPS = 20000 };

typedef struct {
    bool    exists;
    int64_t n;
    size_t  len;
} Model;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void check_row(const StoreRow *row, const Model *want, const char *text)
{
    assert_int_equal(row->exists, want->exists);
    if (!want->exists)
        return;
    assert_int_equal(row->values[0].as.i64, want->n);
    assert_true(str_equal(value_str(row->values[1]), str_n(text, want->len)));
    assert_int_equal(row->timestamp, want->n);
}

static void check_all(Fixture *f, Store *store, const Model *model)
{
    StoreRows rows;
    size_t    exist = 0;
    MUST(store_find_all(store, f->arena, &rows, &f->err));
    for (size_t i = 0; i < KEYS; i++)
        exist += model[i].exists;
    assert_int_equal(rows.count, exist);
    for (size_t i = 0; i < rows.count; i++) {
        assert_true(model[atoi(str_to_c(f->arena, rows.rows[i]->key) + 1)].exists);
        assert_true(i == 0 || str_compare(rows.rows[i - 1]->key, rows.rows[i]->key) < 0);
    }
    arena_reset(f->arena);
}

static void random_walk_equals_the_model(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *stores[PARTITIONS];
    Model     now[PARTITIONS][KEYS] = {0}, committed[PARTITIONS][KEYS] = {0};
    char      text[201], key[16];
    uint64_t  seed = 42;
    memset(text, 'x', sizeof text);
    state_file_set_cache(f->file, 8 * 1024);
    for (int p = 0; p < PARTITIONS; p++)
        MUST(store_open(f->file, &spec, p, &stores[p], &f->err));
    for (int step = 0; step < STEPS; step++) {
        int p = (int)(next_random(&seed) % PARTITIONS), k = (int)(next_random(&seed) % KEYS),
            what = (int)(next_random(&seed) % 200);
        snprintf(key, sizeof key, "k%02d", k);
        StoreRow *row = fixture_get(f, stores[p], key, 0, 0);
        check_row(row, &now[p][k], text);
        if (what < 120) {
            now[p][k]      = (Model){true, step, next_random(&seed) % 200};
            Value values[] = {value_from_int(step), value_string(text, now[p][k].len), value_null()};
            store_put(stores[p], row, values, step, true);
        } else if (what < 150 && row->exists) {
            row->values[0].as.i64 = now[p][k].n = step;
            store_touch(stores[p], row, step);
        } else if (what < 180) {
            store_remove(stores[p], row);
            now[p][k].exists = false;
        } else if (what < 190) {
            MUST(state_file_commit(f->file, &f->err));
            memcpy(committed, now, sizeof now);
        } else if (what < 194) {
            state_file_rollback(f->file);
            memcpy(now, committed, sizeof now);
        } else if (what < 195) {
            fixture_reopen(f);
            state_file_set_cache(f->file, 8 * 1024);
            for (int i = 0; i < PARTITIONS; i++)
                MUST(store_open(f->file, &spec, i, &stores[i], &f->err));
            memcpy(now, committed, sizeof now);
        } else {
            check_all(f, stores[p], now[p]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(row_is_there_after_put_commit_reopen, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(put_may_take_values_from_the_row_itself, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(rollback_brings_back_what_was_committed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(remember_keeps_the_first_version_and_the_last_origin, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(clean_rows_are_evicted_oldest_first, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(names_of_people_do_not_clash_with_ours, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_store_with_other_columns_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(drop_goes_in_slices, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(random_walk_equals_the_model, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
